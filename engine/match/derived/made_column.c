/* Made column: ids are compared row by row, of the blocks that are wanted; for times and formulas
 * see time_column.c, formula_column.c and text_column.c. */
#include "engine/match/derived/made_column.h"

#include "engine/base/assert.h"
#include "engine/base/limits.h"
#include "engine/match/derived/time_column.h"
#include "engine/match/rows/words.h"

enum rc_status
rc_made_column_open(const struct rc_derivation *derivation,
                    const struct rc_properties *properties,
                    struct rc_account *account,
                    struct rc_made_column *ret_made)
{
    struct rc_made_column made = {.kind = RC_MADE_NONE, .derivation = derivation};
    if (derivation != NULL && derivation->source == RC_DERIVATION_TIME) {
        made.kind = RC_MADE_TIME;
    } else if (derivation != NULL && derivation->source == RC_DERIVATION_FORMULA) {
        made.kind = RC_MADE_FORMULA;
        RC_TRY(rc_formula_column_new(derivation, properties, account, &made.formula));
    }
    *ret_made = made;
    return RC_OK;
}

struct rc_made_column
rc_made_column_of_texts(const struct rc_derivation *derivation,
                        const struct rc_deriver *deriver,
                        const struct rc_properties *properties,
                        struct rc_account *account)
{
    struct rc_made_column made = {.kind = RC_MADE_NONE};
    if (derivation == NULL || derivation->source != RC_DERIVATION_EVENT ||
        derivation->step_count == 0)
        return made;
    const uint32_t property = rc_properties_find(properties, derivation->property);
    if (property == RC_PROPERTY_NONE)
        return made;
    made.kind = RC_MADE_TEXTS;
    made.derivation = derivation;
    made.texts = (struct rc_text_column){.property = property,
                                         .values = rc_properties_dictionary(properties, property),
                                         .deriver = deriver,
                                         .account = account};
    return made;
}

void
rc_made_column_close(struct rc_made_column *made)
{
    made->formula = rc_formula_column_free(made->formula);
}

const uint32_t *
rc_made_column_properties(const struct rc_made_column *made, uint32_t *ret_count)
{
    *ret_count = made->kind == RC_MADE_TEXTS;
    if (made->kind == RC_MADE_TEXTS)
        return &made->texts.property;
    return made->kind == RC_MADE_FORMULA ? rc_formula_column_properties(made->formula, ret_count)
                                         : NULL;
}

struct rc_value
rc_made_cell_value(const struct rc_made_column *made, rc_cell cell)
{
    struct rc_value value;
    if (made->kind == RC_MADE_FORMULA)
        return rc_formula_cell_value(cell);
    const enum rc_status status = rc_cell_value(NULL, cell, NULL, &value);
    RC_ASSERT(status == RC_OK); /* It holds its value itself. */
    return value;
}

uint32_t
rc_made_column_parts(const struct rc_made_column *made)
{
    return made->kind == RC_MADE_TIME      ? RC_SLAB_PART_TIMES
           : made->kind == RC_MADE_IDS     ? RC_SLAB_PART_IDS
           : made->kind == RC_MADE_FORMULA ? rc_formula_column_parts(made->formula)
                                           : 0;
}

static rc_cell
true_cell(void)
{
    rc_cell cell = RC_CELL_NULL;
    const bool fits = rc_cell_inline(rc_value_bool(true), &cell);
    RC_ASSERT(fits);
    return cell;
}

static enum rc_status
ids_column(const struct rc_event_ids *ids,
           const struct rc_slab *slab,
           const uint64_t *blocks,
           struct rc_arena *arena,
           struct rc_column_view *view)
{
    const uint32_t row_count = rc_slab_get_info(slab)->row_count;
    uint8_t *codes = RC_ARENA_ARRAY(arena, uint8_t, row_count);
    rc_cell *cells = RC_ARENA_ARRAY(arena, rc_cell, 2);
    if (codes == NULL || cells == NULL)
        return RC_NO_MEMORY;
    cells[1] = true_cell();
    for (uint32_t row = 0; row < row_count; row++) {
        const uint32_t block = row / RC_BLOCK_ROWS;
        if (blocks != NULL && !rc_words_has(blocks, block)) {
            row += RC_BLOCK_ROWS - 1;
            continue;
        }
        const struct rc_event_id id = rc_slab_event_id(slab, row);
        codes[row] = rc_event_ids_have(ids, &id);
    }
    view->code_width = 1;
    view->codes = codes;
    view->dictionary = cells;
    view->dictionary_count = 2;
    return RC_OK;
}

enum rc_status
rc_made_column_of_slab(const struct rc_made_column *made,
                       const struct rc_slab *slab,
                       const uint64_t *blocks,
                       const _Atomic(bool) *cancel,
                       struct rc_arena *arena,
                       bool *ret_present,
                       struct rc_column_view *ret_view)
{
    bool present = true;
    struct rc_column_view view = {.form = RC_COLUMN_PLAIN,
                                  .property = RC_PROPERTY_NONE,
                                  .code_count = rc_slab_get_info(slab)->row_count};
    RC_ASSERT(made->kind != RC_MADE_NONE);
    if (made->kind == RC_MADE_TEXTS)
        RC_TRY(rc_text_column_of_slab(&made->texts, slab, cancel, arena, &view));
    else if (made->kind == RC_MADE_FORMULA)
        RC_TRY(
            rc_formula_column_of_slab(made->formula, slab, blocks, cancel, arena, &present, &view));
    else
        RC_TRY(made->kind == RC_MADE_TIME ? rc_time_column(slab, made->derivation, arena, &view)
                                          : ids_column(made->ids, slab, blocks, arena, &view));
    *ret_view = view;
    *ret_present = present;
    return RC_OK;
}

enum rc_status
rc_made_column_cells(const struct rc_made_column *made,
                     const struct rc_view_chunk *chunk,
                     const _Atomic(bool) *cancel,
                     rc_cell *ret_cells)
{
    const rc_cell found = true_cell();
    RC_ASSERT(made->kind != RC_MADE_NONE && made->kind != RC_MADE_TEXTS);
    if (made->kind == RC_MADE_FORMULA)
        return rc_formula_column_of_chunk(made->formula, chunk, cancel, ret_cells);
    if (made->kind == RC_MADE_TIME) {
        rc_time_cells(chunk, ret_cells);
        return RC_OK;
    }
    for (uint32_t i = 0; i < chunk->row_count; i++)
        ret_cells[i] = rc_event_ids_have(made->ids, &chunk->ids[i]) ? found : RC_CELL_NULL;
    return RC_OK;
}

enum rc_status
rc_made_column_owners(const struct rc_made_column *made,
                      struct rc_view *view,
                      int64_t as_of_ms,
                      const _Atomic(bool) *cancel,
                      struct rc_arena *arena,
                      const rc_cell **ret_cells)
{
    RC_ASSERT(made->kind == RC_MADE_FORMULA);
    return rc_formula_column_of_owners(made->formula, view, as_of_ms, cancel, arena, ret_cells);
}
