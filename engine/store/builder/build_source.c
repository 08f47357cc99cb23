/*
 * Build source. A slab is taken as it is. Rows are sorted by a 64-bit key (user, offset), by user
 * alone where they came in the order of their times, and, among equal keys only, by event id and
 * arrival: a comparison sort there is n log n in the size of the group, so that a user with 60,000
 * events in one millisecond costs no more than others.
 *
 * Then every column becomes sorted-row codes with a dictionary and texts, that is, a PLAIN column:
 * what follows (merge of dictionaries and texts, choice of form) is the same for both kinds of
 * source.
 */
#include "engine/store/builder/build_source.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/limits.h"
#include "engine/store/builder/key_sort.h"

#define OFFSET_BYTES 4u /* Of a key, below the user. */

static bool
is_dead(const uint64_t *dead, uint32_t row)
{
    return dead != NULL && ((dead[row / 64] >> (row % 64)) & 1) != 0;
}

static int
compare_rows(const void *a, const void *b, void *context)
{
    const struct rc_row_source *rows = context;
    const uint32_t a_row = ((const struct rc_keyed *)a)->value;
    const uint32_t b_row = ((const struct rc_keyed *)b)->value;
    const int order = rc_event_id_compare(&rows->ids[a_row], &rows->ids[b_row]);
    return order != 0 ? order : (a_row > b_row) - (a_row < b_row);
}

static void
sort_ties(const struct rc_row_source *rows, struct rc_keyed *items, uint32_t count)
{
    for (uint32_t start = 0; start < count;) {
        uint32_t end = start + 1;
        while (end < count && items[end].key == items[start].key)
            end++;
        if (end - start > 1)
            qsort_r(items + start, end - start, sizeof(*items), compare_rows, (void *)rows);
        start = end;
    }
}

/* Live rows inside the window as (user, offset) keys. *ret_ascend: so do their offsets. */
static uint32_t
collect_keys(const struct rc_slab_source *source,
             struct rc_window window,
             struct rc_keyed *items,
             bool *ret_ascend)
{
    const struct rc_row_source *rows = source->rows;
    uint32_t count = 0;
    uint64_t before = 0;
    *ret_ascend = true;
    for (uint32_t row = 0; row < rows->row_count; row++) {
        if (is_dead(source->dead, row) || !rc_window_has(window, rows->times_ms[row]))
            continue;
        const uint64_t offset = (uint64_t)(rows->times_ms[row] - window.start_ms);
        items[count++] =
            (struct rc_keyed){.key = (uint64_t)rows->users[row] << 32 | offset, .value = row};
        *ret_ascend = *ret_ascend && offset >= before;
        before = offset;
    }
    return count;
}

/* Fills order, times, users and starts from sorted keys. */
static void
spread_keys(const struct rc_keyed *items,
            uint32_t count,
            struct rc_build_source *source,
            uint32_t *users,
            uint32_t *starts,
            uint32_t *times)
{
    uint32_t user_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t user = (uint32_t)(items[i].key >> 32);
        if (i == 0 || user != users[user_count - 1]) {
            users[user_count] = user;
            starts[user_count++] = i;
        }
        times[i] = (uint32_t)items[i].key;
        source->order[i] = items[i].value;
    }
    starts[user_count] = count;
    source->row_count = count;
    source->user_count = user_count;
    source->users = users;
    source->starts = starts;
    source->times = times;
}

static enum rc_status
sort_rows(const struct rc_slab_source *from,
          struct rc_window window,
          struct rc_arena *arena,
          struct rc_arena *scratch,
          struct rc_build_source *source)
{
    const size_t rows = from->rows->row_count;
    struct rc_keyed *items = rc_arena_alloc(scratch, rows * sizeof(*items));
    struct rc_keyed *swap = rc_arena_alloc(scratch, rows * sizeof(*swap));
    if (items == NULL || swap == NULL)
        return RC_NO_MEMORY;
    bool ascend = false;
    const uint32_t count = collect_keys(from, window, items, &ascend);
    rc_key_sort(items, swap, count, ascend ? OFFSET_BYTES : 0);
    sort_ties(from->rows, items, count);

    uint32_t *users = rc_arena_alloc(arena, count * sizeof(*users));
    uint32_t *starts = rc_arena_alloc(arena, ((size_t)count + 1) * sizeof(*starts));
    uint32_t *times = rc_arena_alloc(arena, count * sizeof(*times));
    source->order = rc_arena_alloc(arena, count * sizeof(*source->order));
    if (users == NULL || starts == NULL || times == NULL || source->order == NULL)
        return RC_NO_MEMORY;
    spread_keys(items, count, source, users, starts, times);
    return RC_OK;
}

static enum rc_status
encode_columns(struct rc_arena *arena, struct rc_arena *scratch, struct rc_build_source *source)
{
    const struct rc_row_source *rows = source->rows;
    const uint32_t room_count = rows->part_count == 0 ? 0 : rows->row_count;
    rc_cell *room = rc_arena_alloc(arena, room_count * sizeof(*room));
    source->columns = RC_ARENA_ARRAY(arena, struct rc_column_view, rows->column_count);
    source->column_counts = RC_ARENA_ARRAY(arena, struct rc_cell_counts, rows->column_count);
    if (room == NULL || source->columns == NULL || source->column_counts == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < rows->column_count; i++) {
        RC_ASSERT(i == 0 || rows->column_properties[i - 1] < rows->column_properties[i]);
        const rc_cell *cells = rc_row_source_cells(rows, i, room);
        if (cells == NULL || source->row_count == 0)
            continue;
        struct rc_column_view *view = &source->columns[source->column_count];
        rc_arena_reset(scratch);
        RC_TRY(rc_cell_codes_build(cells, source->order, source->row_count,
                                   rows->column_texts == NULL ? NULL : rows->column_texts[i], arena,
                                   scratch, view, &source->column_counts[source->column_count]));
        view->property = rows->column_properties[i];
        const bool only_null = rc_column_has_null(view) && rc_column_code_bound(view) == 1;
        source->column_count += only_null ? 0 : 1;
    }
    return RC_OK;
}

enum rc_status
rc_build_source_open(const struct rc_slab_source *source,
                     struct rc_window window,
                     struct rc_arena *arena,
                     struct rc_arena *scratch,
                     struct rc_build_source *ret_source)
{
    RC_ASSERT((source->slab == NULL) != (source->rows == NULL));
    *ret_source = (struct rc_build_source){
        .slab = source->slab, .rows = source->rows, .window_ms = window.days * RC_DAY_MS};
    if (source->slab == NULL) {
        rc_arena_reset(scratch);
        RC_TRY(sort_rows(source, window, arena, scratch, ret_source));
        return encode_columns(arena, scratch, ret_source);
    }
    const struct rc_slab_info *info = rc_slab_get_info(source->slab);
    ret_source->dead = source->dead;
    ret_source->row_count = info->row_count;
    ret_source->user_count = info->user_count;
    ret_source->users = rc_slab_users(source->slab);
    ret_source->starts = rc_slab_starts(source->slab);
    ret_source->times = rc_slab_times(source->slab);
    ret_source->time_shift_ms = info->window_start_ms - window.start_ms;
    return RC_OK;
}

struct rc_event_id
rc_build_source_id(const struct rc_build_source *source, uint32_t row)
{
    RC_ASSERT(row < source->row_count);
    return source->slab != NULL ? rc_slab_event_id(source->slab, row)
                                : source->rows->ids[source->order[row]];
}

void
rc_build_source_ids(const struct rc_build_source *source,
                    uint32_t row,
                    uint32_t count,
                    struct rc_event_id *ret_ids)
{
    RC_ASSERT(row <= source->row_count && count <= source->row_count - row);
    if (source->slab != NULL) {
        rc_slab_event_ids(source->slab, row, count, ret_ids);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        ret_ids[i] = source->rows->ids[source->order[row + i]];
}

uint32_t
rc_build_source_column_count(const struct rc_build_source *source)
{
    return source->slab != NULL ? rc_slab_get_info(source->slab)->column_count
                                : source->column_count;
}

void
rc_build_source_column_at(const struct rc_build_source *source,
                          uint32_t index,
                          struct rc_column_view *ret_view)
{
    if (source->slab != NULL)
        rc_slab_column_at(source->slab, index, ret_view);
    else
        *ret_view = source->columns[index];
}

bool
rc_build_source_column(const struct rc_build_source *source,
                       uint32_t property,
                       struct rc_column_view *ret_view)
{
    struct rc_cell_counts counts;
    return source->slab != NULL ? rc_slab_column(source->slab, property, ret_view)
                                : rc_build_source_rows_column(source, property, ret_view, &counts);
}

bool
rc_build_source_rows_column(const struct rc_build_source *source,
                            uint32_t property,
                            struct rc_column_view *ret_view,
                            struct rc_cell_counts *ret_counts)
{
    RC_ASSERT(source->slab == NULL);
    uint32_t low = 0;
    uint32_t count = source->column_count;
    while (count > 0) {
        const uint32_t half = count / 2;
        if (source->columns[low + half].property < property) {
            low += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    if (low == source->column_count || source->columns[low].property != property)
        return false;
    *ret_view = source->columns[low];
    *ret_counts = source->column_counts[low];
    return true;
}
