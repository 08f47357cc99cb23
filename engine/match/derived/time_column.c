/*
 * Time column. A part has at most 10,000 values (years), so a table by value finds its code;
 * without one each row is a code of its own.
 */
#include "engine/match/derived/time_column.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/limits.h"
#include "engine/match/derived/derive_text.h"

#define PART_VALUES_MAX 10000u

static rc_cell
cell_of(int64_t time_ms)
{
    rc_cell cell = 0;
    const bool fits = rc_cell_inline(rc_value_int(time_ms), &cell);
    RC_ASSERT(fits); /* Years 1 to 9999 in ms have 49 bits. */
    return cell;
}

/* A code a row. */
static enum rc_status
rows_column(const struct rc_slab *slab, struct rc_arena *arena, struct rc_column_view *view)
{
    const struct rc_slab_info *info = rc_slab_get_info(slab);
    const uint32_t *times = rc_slab_times(slab);
    uint32_t *codes = rc_arena_alloc(arena, info->row_count * sizeof(*codes));
    rc_cell *cells = rc_arena_alloc(arena, info->row_count * sizeof(*cells));
    if (codes == NULL || cells == NULL)
        return RC_NO_MEMORY;
    for (uint32_t row = 0; row < info->row_count; row++) {
        codes[row] = row;
        cells[row] = cell_of(info->window_start_ms + times[row]);
    }
    view->code_width = 4;
    view->codes = codes;
    view->dictionary = cells;
    view->dictionary_count = info->row_count;
    return RC_OK;
}

/* A code for each value of a part. */
static enum rc_status
parts_column(const struct rc_slab *slab,
             const struct rc_derive_step *step,
             struct rc_arena *arena,
             struct rc_column_view *view)
{
    const struct rc_slab_info *info = rc_slab_get_info(slab);
    const uint32_t *times = rc_slab_times(slab);
    struct rc_zone_clock clock = {0};
    uint16_t *codes = rc_arena_alloc(arena, info->row_count * sizeof(*codes));
    uint16_t *code_of = RC_ARENA_ARRAY(arena, uint16_t, PART_VALUES_MAX); /* Code + 1. */
    rc_cell *cells = RC_ARENA_ARRAY(arena, rc_cell, PART_VALUES_MAX);
    if (codes == NULL || code_of == NULL || cells == NULL)
        return RC_NO_MEMORY;
    if (!rc_zone_load(step->text.data, step->text.size, &clock.zone))
        return RC_INVALID;
    uint32_t count = 0;
    for (uint32_t row = 0; row < info->row_count; row++) {
        const int64_t time_ms = info->window_start_ms + times[row];
        const int64_t part = rc_time_part_of(&clock, (enum rc_time_part)step->part, time_ms);
        /* Local times a day before year 1 or after 9999 are years 0 and 10000. */
        const uint64_t slot = (uint64_t)part % PART_VALUES_MAX;
        if (code_of[slot] == 0) {
            cells[count++] = cell_of(time_ms);
            code_of[slot] = (uint16_t)count;
        }
        codes[row] = (uint16_t)(code_of[slot] - 1);
    }
    view->code_width = 2;
    view->codes = codes;
    view->dictionary = cells;
    view->dictionary_count = count;
    return RC_OK;
}

enum rc_status
rc_time_column(const struct rc_slab *slab,
               const struct rc_derivation *derivation,
               struct rc_arena *arena,
               struct rc_column_view *view)
{
    const bool part = derivation->step_count > 0 && derivation->steps[0].kind == RC_DERIVE_TIME;
    return part ? parts_column(slab, &derivation->steps[0], arena, view)
                : rows_column(slab, arena, view);
}

void
rc_time_cells(const struct rc_view_chunk *chunk, rc_cell *ret_cells)
{
    for (uint32_t i = 0; i < chunk->row_count; i++)
        ret_cells[i] = cell_of(chunk->times_ms[i]);
}
