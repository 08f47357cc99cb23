/*
 * Slab check: columns. For each one
 *   1. The dictionary's cells ascend and are of a known kind, none a text of a head; texts.h says
 *      what texts are; each cell and text is used by a code.
 *   2. Codes lie within dictionary and texts.
 *   3. RUNS: starts ascend from 0 to the row count, and neighbours differ.
 *      SPARSE: rows ascend below the row count, and null is not in the dictionary.
 *      Marked: as many marks as codes, the counts between them right, none past the last row;
 *      MARKED_RUNS: one at row 0, and neighbours differ; MARKED_ROWS: null is not in the
 * dictionary.
 *   4. A row has a value: there is more than null.
 */
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/limits.h"
#include "engine/store/slab/slab_check.h"

static bool
dictionary_is_sound(const struct rc_column_view *view)
{
    for (uint32_t i = 0; i < view->dictionary_count; i++) {
        if (i > 0 && view->dictionary[i - 1] >= view->dictionary[i])
            return false;
        if ((view->dictionary[i] & 7) > RC_CELL_CODE)
            return false;
    }
    return !rc_column_has_null(view) ||
           (!rc_column_form_is_sparse(view->form) && rc_column_code_bound(view) > 1);
}

static bool
marks_are_sound(const struct rc_column_view *view, uint32_t row_count)
{
    uint32_t count = 0;
    for (uint32_t row = 0; row < row_count; row += 64) {
        if (row % RC_MARKS_RANK_ROWS == 0 && view->ranks[row / RC_MARKS_RANK_ROWS] != count)
            return false;
        count += (uint32_t)__builtin_popcountll(view->marks[row / 64]);
    }
    if (row_count % RC_MARKS_RANK_ROWS == 0 && view->ranks[row_count / RC_MARKS_RANK_ROWS] != count)
        return false;
    if (row_count % 64 != 0 && view->marks[row_count / 64] >> (row_count % 64) != 0)
        return false;
    return count == view->code_count &&
           (view->form == RC_COLUMN_MARKED_ROWS || (view->marks[0] & 1) != 0);
}

static bool
positions_are_sound(const struct rc_column_view *view, uint32_t row_count)
{
    if (view->form == RC_COLUMN_PLAIN)
        return true;
    if (rc_column_form_is_marked(view->form))
        return marks_are_sound(view, row_count);
    const uint32_t *positions = view->positions;
    for (uint32_t i = 1; i < view->code_count; i++)
        if (positions[i - 1] >= positions[i])
            return false;
    const uint32_t last = positions[view->code_count - 1];
    if (view->form == RC_COLUMN_SPARSE)
        return last < row_count;
    return positions[0] == 0 && last < row_count && positions[view->code_count] == row_count;
}

static uint32_t
code_at(const struct rc_column_view *view, uint32_t index)
{
    uint32_t code = 0;
    memcpy(&code, (const char *)view->codes + (size_t)index * view->code_width, view->code_width);
    return code;
}

/* used: a zeroed byte for each code. */
static bool
codes_are_sound(const struct rc_column_view *view, uint8_t *used)
{
    const uint32_t code_bound = rc_column_code_bound(view);
    uint32_t used_count = 0;
    uint32_t before = RC_CODE_NONE;
    const bool runs = view->form == RC_COLUMN_RUNS || view->form == RC_COLUMN_MARKED_RUNS;
    for (uint32_t i = 0; i < view->code_count; i++) {
        const uint32_t code = code_at(view, i);
        if (code >= code_bound || (runs && code == before))
            return false;
        used_count += used[code] == 0;
        used[code] = 1;
        before = code;
    }
    return used_count == code_bound;
}

enum rc_status
rc_slab_check_columns(const struct rc_slab *slab, struct rc_error *reterr_error)
{
    const struct rc_slab_info *info = rc_slab_get_info(slab);
    for (uint32_t i = 0; i < info->column_count; i++) {
        struct rc_column_view view;
        rc_slab_column_at(slab, i, &view);
        RC_CLEANUP(rc_alloc_freep) uint8_t *used = rc_alloc_zero(rc_column_code_bound(&view));
        if (used == NULL)
            return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to check a slab");
        const char *what = !dictionary_is_sound(&view)                    ? "dictionary"
                           : !positions_are_sound(&view, info->row_count) ? "positions"
                           : !codes_are_sound(&view, used)                ? "codes"
                                                                          : NULL;
        if (what != NULL)
            return rc_error_set(reterr_error, RC_CORRUPT,
                                "the %s of the column of property %u of a slab are broken", what,
                                view.property);
        RC_TRY(rc_texts_check(&view.texts, reterr_error));
    }
    return RC_OK;
}
