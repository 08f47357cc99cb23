/*
 * Sources. A head of 65,536 rows is a score of chunks. As a source each it would be sorted, coded
 * and given a dictionary twenty times, and what came of that merged; as one source it is done once.
 * For that users, times and ids are joined, a few bytes of each row; cells, which are most of it,
 * stay where they are.
 */
#include "engine/intake/sources.h"

#include <string.h>

/* The columns of a head's chunks: the properties that occur in one, with their cells and texts. */
static enum rc_status
list_columns(const struct rc_view_chunk *chunks,
             uint32_t chunk_count,
             struct rc_arena *arena,
             struct rc_row_source *rows)
{
    uint32_t property_count = 0;
    for (uint32_t i = 0; i < chunk_count; i++)
        if (property_count < chunks[i].property_count)
            property_count = chunks[i].property_count;
    uint32_t *properties = rc_arena_alloc(arena, property_count * sizeof(properties[0]));
    const rc_cell **cells =
        rc_arena_alloc(arena, (size_t)property_count * chunk_count * sizeof(cells[0]));
    const struct rc_dictionary **texts = rc_arena_alloc(arena, property_count * sizeof(texts[0]));
    if (properties == NULL || cells == NULL || texts == NULL)
        return RC_NO_MEMORY;
    uint32_t count = 0;
    for (uint32_t property = 0; property < property_count; property++) {
        bool occurs = false;
        for (uint32_t i = 0; i < chunk_count; i++) {
            const rc_cell *part = rc_view_chunk_cells(&chunks[i], property);
            cells[(size_t)count * chunk_count + i] = part;
            occurs = occurs || part != NULL;
        }
        texts[count] = rc_view_chunk_texts(&chunks[0], property);
        properties[count] = property;
        count += occurs;
    }
    rows->column_count = count;
    rows->column_properties = properties;
    rows->column_cells = cells;
    rows->column_texts = texts;
    return RC_OK;
}

/* Sets the bits of a chunk's dead rows, which are first and those behind it among all. */
static void
join_dead(const struct rc_view_chunk *chunk, uint32_t first, uint64_t *dead)
{
    for (uint32_t row = 0; chunk->dead != NULL && row < chunk->row_count; row++) {
        const uint32_t to = first + row;
        dead[to / 64] |= (chunk->dead[row / 64] >> (row % 64) & 1) << (to % 64);
    }
}

/* The chunks of one head as the builder wants them: a source of all their rows. Cells stay where
 * they are. */
static enum rc_status
make_source(const struct rc_view_chunk *chunks,
            uint32_t chunk_count,
            struct rc_arena *arena,
            struct rc_slab_source *ret_source)
{
    uint32_t count = 0;
    bool any_dead = false;
    uint32_t *ends = rc_arena_alloc(arena, chunk_count * sizeof(ends[0]));
    if (ends == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < chunk_count; i++) {
        ends[i] = count += chunks[i].row_count;
        any_dead = any_dead || chunks[i].dead != NULL;
    }
    struct rc_row_source *rows = rc_arena_zero(arena, sizeof(*rows));
    uint32_t *users = rc_arena_alloc(arena, count * sizeof(users[0]));
    int64_t *times_ms = rc_arena_alloc(arena, count * sizeof(times_ms[0]));
    struct rc_event_id *ids = rc_arena_alloc(arena, count * sizeof(ids[0]));
    uint64_t *dead = RC_ARENA_ARRAY(arena, uint64_t, any_dead ? count / 64 + 1 : 0);
    if (rows == NULL || users == NULL || times_ms == NULL || ids == NULL || dead == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < chunk_count; i++) {
        const struct rc_view_chunk *chunk = &chunks[i];
        const uint32_t first = ends[i] - chunk->row_count;
        memcpy(users + first, chunk->users, chunk->row_count * sizeof(users[0]));
        memcpy(times_ms + first, chunk->times_ms, chunk->row_count * sizeof(times_ms[0]));
        memcpy(ids + first, chunk->ids, chunk->row_count * sizeof(ids[0]));
        join_dead(chunk, first, dead);
    }
    *rows = (struct rc_row_source){
        .row_count = count,
        .users = users,
        .times_ms = times_ms,
        .ids = ids,
        .part_count = chunk_count,
        .part_ends = ends,
    };
    *ret_source = (struct rc_slab_source){.rows = rows, .dead = any_dead ? dead : NULL};
    return list_columns(chunks, chunk_count, arena, rows);
}

enum rc_status
rc_sources_make(const struct rc_view_chunk *chunks,
                uint32_t chunk_count,
                struct rc_arena *arena,
                struct rc_slab_source **ret_sources,
                uint32_t *ret_count)
{
    struct rc_slab_source *sources = RC_ARENA_ARRAY(arena, struct rc_slab_source, chunk_count);
    if (sources == NULL)
        return RC_NO_MEMORY;
    uint32_t count = 0;
    for (uint32_t begin = 0, end = 0; begin < chunk_count; begin = end) {
        while (end < chunk_count && chunks[end].head == chunks[begin].head)
            end++;
        RC_TRY(make_source(&chunks[begin], end - begin, arena, &sources[count++]));
    }
    *ret_sources = sources;
    *ret_count = count;
    return RC_OK;
}
