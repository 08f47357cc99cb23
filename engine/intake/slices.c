/*
 * Slices. The rows of a source are copied once, sorted by window and within it in their order,
 * column by column; a slice is then a stretch of the copy. A source of one window is taken as it
 * is.
 *
 * The cost is linear in rows times columns, whatever the number of windows.
 */
#include "engine/intake/slices.h"

#include "engine/base/assert.h"
#include "engine/intake/windows.h"
#include "engine/store/builder/key_sort.h"

/* One stretch of one source. */
struct piece {
    struct rc_slab_source source;
    uint32_t window; /* Its index. */
};

struct slicing {
    struct rc_arena *arena;
    const struct rc_window *windows;
    uint32_t window_count;
    struct piece *pieces;
    size_t piece_count;
};

static uint32_t
window_index(const struct slicing *slicing, int64_t time_ms)
{
    const uint32_t index = rc_window_find(slicing->windows, slicing->window_count, time_ms);
    RC_ASSERT(rc_window_has(slicing->windows[index], time_ms));
    return index;
}

/* The live rows of a source by window; *ret_windows is how many there are. */
static enum rc_status
sort_rows(const struct slicing *slicing,
          const struct rc_slab_source *source,
          struct rc_keyed **ret_items,
          uint32_t *ret_count,
          uint32_t *ret_windows)
{
    const struct rc_row_source *rows = source->rows;
    struct rc_keyed *items = RC_ARENA_ARRAY(slicing->arena, struct rc_keyed, rows->row_count);
    struct rc_keyed *scratch = RC_ARENA_ARRAY(slicing->arena, struct rc_keyed, rows->row_count);
    uint32_t count = 0;
    uint32_t windows = 0;
    if (items == NULL || scratch == NULL)
        return RC_NO_MEMORY;
    for (uint32_t row = 0; row < rows->row_count; row++) {
        if (source->dead != NULL && (source->dead[row / 64] >> (row % 64) & 1) != 0)
            continue;
        items[count++] =
            (struct rc_keyed){.key = window_index(slicing, rows->times_ms[row]), .value = row};
    }
    rc_key_sort(items, scratch, count, 0);
    for (uint32_t i = 0; i < count; i++)
        windows += i == 0 || items[i].key != items[i - 1].key;
    *ret_items = items;
    *ret_count = count;
    *ret_windows = windows;
    return RC_OK;
}

/* The rows of a source in the order of items. */
static enum rc_status
copy_rows(const struct slicing *slicing,
          const struct rc_row_source *from,
          const struct rc_keyed *items,
          uint32_t count,
          struct rc_row_source *ret_rows)
{
    struct rc_arena *arena = slicing->arena;
    uint32_t *users = rc_arena_alloc(arena, count * sizeof(users[0]));
    int64_t *times = rc_arena_alloc(arena, count * sizeof(times[0]));
    struct rc_event_id *ids = rc_arena_alloc(arena, count * sizeof(ids[0]));
    const rc_cell **columns = rc_arena_zero(arena, from->column_count * sizeof(columns[0]));
    rc_cell *room = rc_arena_alloc(arena, from->row_count * sizeof(room[0]));
    if (users == NULL || times == NULL || ids == NULL || columns == NULL || room == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        users[i] = from->users[items[i].value];
        times[i] = from->times_ms[items[i].value];
        ids[i] = from->ids[items[i].value];
    }
    for (uint32_t c = 0; c < from->column_count; c++) {
        const rc_cell *joined = rc_row_source_cells(from, c, room);
        if (joined == NULL)
            continue;
        rc_cell *cells = rc_arena_alloc(arena, count * sizeof(cells[0]));
        if (cells == NULL)
            return RC_NO_MEMORY;
        columns[c] = cells;
        for (uint32_t i = 0; i < count; i++)
            cells[i] = joined[items[i].value];
    }
    *ret_rows = *from;
    ret_rows->part_count = 0;
    ret_rows->part_ends = NULL;
    ret_rows->row_count = count;
    ret_rows->users = users;
    ret_rows->times_ms = times;
    ret_rows->ids = ids;
    ret_rows->column_cells = columns;
    return RC_OK;
}

/* The rows [begin, end) of a copy. */
static enum rc_status
add_stretch(struct slicing *slicing,
            const struct rc_row_source *copy,
            uint32_t begin,
            uint32_t end,
            uint32_t window)
{
    struct rc_row_source *rows = rc_arena_alloc(slicing->arena, sizeof(*rows));
    const rc_cell **columns =
        rc_arena_alloc(slicing->arena, copy->column_count * sizeof(columns[0]));
    if (rows == NULL || columns == NULL)
        return RC_NO_MEMORY;
    for (uint32_t c = 0; c < copy->column_count; c++)
        columns[c] = copy->column_cells[c] == NULL ? NULL : copy->column_cells[c] + begin;
    *rows = *copy;
    rows->row_count = end - begin;
    rows->users += begin;
    rows->times_ms += begin;
    rows->ids += begin;
    rows->column_cells = columns;
    slicing->pieces[slicing->piece_count++] =
        (struct piece){.source = {.rows = rows}, .window = window};
    return RC_OK;
}

static enum rc_status
slice_source(struct slicing *slicing, const struct rc_slab_source *source)
{
    struct rc_keyed *items = NULL;
    uint32_t count = 0;
    uint32_t windows = 0;
    RC_TRY(sort_rows(slicing, source, &items, &count, &windows));
    if (windows == 1) {
        slicing->pieces[slicing->piece_count++] =
            (struct piece){.source = *source, .window = (uint32_t)items[0].key};
        return RC_OK;
    }
    struct rc_row_source copy;
    RC_TRY(copy_rows(slicing, source->rows, items, count, &copy));
    for (uint32_t begin = 0, end = 0; begin < count; begin = end) {
        while (end < count && items[end].key == items[begin].key)
            end++;
        RC_TRY(add_stretch(slicing, &copy, begin, end, (uint32_t)items[begin].key));
    }
    return RC_OK;
}

/* Puts the pieces in the order of windows; those of one stay in theirs. */
static enum rc_status
order_pieces(const struct slicing *slicing, struct rc_slices *ret_slices)
{
    struct rc_slices slices = {
        .sources = RC_ARENA_ARRAY(slicing->arena, struct rc_slab_source, slicing->piece_count),
        .starts = RC_ARENA_ARRAY(slicing->arena, uint32_t, slicing->window_count + 2),
    };
    if (slices.sources == NULL || slices.starts == NULL)
        return RC_NO_MEMORY;
    /* starts[w + 1] counts up from where window w begins to where it ends. */
    uint32_t *next = slices.starts + 1;
    for (size_t i = 0; i < slicing->piece_count; i++)
        next[slicing->pieces[i].window + 1]++;
    for (uint32_t w = 1; w <= slicing->window_count; w++)
        next[w] += next[w - 1];
    for (size_t i = 0; i < slicing->piece_count; i++)
        slices.sources[next[slicing->pieces[i].window]++] = slicing->pieces[i].source;
    *ret_slices = slices;
    return RC_OK;
}

enum rc_status
rc_slices_make(const struct rc_slab_source *sources,
               uint32_t source_count,
               const struct rc_window *windows,
               uint32_t window_count,
               struct rc_arena *arena,
               struct rc_slices *ret_slices)
{
    size_t piece_max = 0;
    for (uint32_t i = 0; i < source_count; i++) {
        const uint32_t rows = sources[i].rows->row_count;
        piece_max += rows < window_count ? rows : window_count;
    }
    struct slicing slicing = {
        .arena = arena,
        .windows = windows,
        .window_count = window_count,
        .pieces = rc_arena_alloc(arena, piece_max * sizeof(slicing.pieces[0])),
    };
    if (slicing.pieces == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < source_count; i++)
        RC_TRY(slice_source(&slicing, &sources[i]));
    return order_pieces(&slicing, ret_slices);
}
