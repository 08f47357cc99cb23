/* Made column: ids are compared row by row, of the blocks that are wanted; times see time_column.c.
 */
#include "engine/match/derived/made_column.h"

#include "engine/base/assert.h"
#include "engine/base/limits.h"
#include "engine/match/derived/time_column.h"

struct rc_made_column
rc_made_column_of(const struct rc_derivation *derivation)
{
    if (derivation == NULL || derivation->source != RC_DERIVATION_TIME)
        return (struct rc_made_column){.kind = RC_MADE_NONE};
    return (struct rc_made_column){.kind = RC_MADE_TIME, .derivation = derivation};
}

uint32_t
rc_made_column_parts(const struct rc_made_column *made)
{
    return made->kind == RC_MADE_TIME  ? RC_SLAB_PART_TIMES
           : made->kind == RC_MADE_IDS ? RC_SLAB_PART_IDS
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
        if (blocks != NULL && (blocks[block / 64] >> (block % 64) & 1) == 0) {
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
                       struct rc_arena *arena,
                       struct rc_column_view *ret_view)
{
    struct rc_column_view view = {.form = RC_COLUMN_PLAIN,
                                  .property = RC_PROPERTY_NONE,
                                  .code_count = rc_slab_get_info(slab)->row_count};
    RC_ASSERT(made->kind != RC_MADE_NONE);
    RC_TRY(made->kind == RC_MADE_TIME ? rc_time_column(slab, made->derivation, arena, &view)
                                      : ids_column(made->ids, slab, blocks, arena, &view));
    *ret_view = view;
    return RC_OK;
}

void
rc_made_column_cells(const struct rc_made_column *made,
                     const struct rc_view_chunk *chunk,
                     rc_cell *ret_cells)
{
    const rc_cell found = true_cell();
    RC_ASSERT(made->kind != RC_MADE_NONE);
    if (made->kind == RC_MADE_TIME) {
        rc_time_cells(chunk, ret_cells);
        return;
    }
    for (uint32_t i = 0; i < chunk->row_count; i++)
        ret_cells[i] = rc_event_ids_have(made->ids, &chunk->ids[i]) ? found : RC_CELL_NULL;
}
