/* Bucket table. */
#include "engine/query/time/bucket_table.h"

#include <string.h>

#include "engine/base/assert.h"

uint32_t
rc_bucket_table_search(const struct rc_bucket_table *table, int64_t time_ms)
{
    if (time_ms < table->from_ms || time_ms >= table->until_ms)
        return table->bucket_count;
    return table->map == NULL ? 0 : rc_bucket_map_find(table->map, time_ms);
}

/* The first time behind one of a place at which the place changes. */
static int64_t
place_end_ms(const struct rc_bucket_table *table, int64_t time_ms, uint32_t place)
{
    if (time_ms < table->from_ms)
        return table->from_ms;
    if (place == table->bucket_count)
        return INT64_MAX;
    return table->map != NULL && table->map->ends_ms[place] < table->until_ms
               ? table->map->ends_ms[place]
               : table->until_ms;
}

int64_t
rc_bucket_table_change_ms(const struct rc_bucket_table *table, int64_t time_ms)
{
    return place_end_ms(table, time_ms, rc_bucket_table_search(table, time_ms));
}

/* The edge of a slot from first_ms on, in which the place changes at edge_ms. */
static struct rc_bucket_edge
edge_of(const struct rc_bucket_table *table, int64_t first_ms, uint32_t place, int64_t edge_ms)
{
    const uint32_t behind = rc_bucket_table_search(table, edge_ms);
    const int64_t next_ms = place_end_ms(table, edge_ms, behind);
    const bool single = next_ms >= first_ms + ((int64_t)1 << RC_BUCKET_SHIFT);
    return (struct rc_bucket_edge){.offset_ms = (uint32_t)(edge_ms - table->window_start_ms),
                                   .before = (uint16_t)place,
                                   .behind = (uint16_t)(single ? behind : RC_BUCKET_MIXED)};
}

#define FILLED_SINGLY 32u

/* A few one by one, then as many more as there are, again and again. */
static void
fill_slots(uint16_t *slots, uint32_t count, uint16_t place)
{
    uint32_t filled = count < FILLED_SINGLY ? count : FILLED_SINGLY;
    for (uint32_t i = 0; i < filled; i++)
        slots[i] = place;
    while (filled < count) {
        const uint32_t more = filled < count - filled ? filled : count - filled;
        memcpy(slots + filled, slots, more * sizeof(*slots));
        filled += more;
    }
}

/* Finds where the place changes between the first row's time and the last one's. */
static void
find_steps(struct rc_bucket_table *table)
{
    int64_t time_ms = table->time_min_ms;
    for (table->step_count = 0; table->step_count <= RC_BUCKET_STEPS_MAX; table->step_count++) {
        time_ms = rc_bucket_table_change_ms(table, time_ms);
        if (time_ms > table->time_max_ms)
            return;
        if (table->step_count < RC_BUCKET_STEPS_MAX)
            table->steps[table->step_count] = (uint32_t)(time_ms - table->window_start_ms);
    }
    table->step_count = RC_BUCKET_STEPS_MAX + 1;
}

enum rc_status
rc_bucket_table_make(struct rc_bucket_table *table, struct rc_arena *arena)
{
    /* As far as there are rows. A slot with edges holds a bucket's beginning or an end of what
     * counts. */
    const uint32_t slots =
        (uint32_t)((table->time_max_ms - table->window_start_ms) >> RC_BUCKET_SHIFT) + 1;
    const uint32_t edges_max = table->bucket_count + 2 < slots ? table->bucket_count + 2 : slots;
    uint32_t edge_count = 0;
    table->slots = rc_arena_alloc(arena, ((size_t)slots + 1) * sizeof(*table->slots));
    table->edges = RC_ARENA_ARRAY(arena, struct rc_bucket_edge, edges_max);
    if (table->slots == NULL || table->edges == NULL)
        return RC_NO_MEMORY;
    table->no_slot = slots;
    table->slots[slots] = (uint16_t)table->bucket_count;
    const uint32_t earliest = rc_bucket_table_search(table, table->time_min_ms);
    const uint32_t latest = rc_bucket_table_search(table, table->time_max_ms);
    table->only = earliest == latest && earliest < table->bucket_count ? earliest : RC_BUCKET_MIXED;
    find_steps(table);
    for (uint32_t slot = 0; slot < slots;) {
        const int64_t first_ms = table->window_start_ms + ((int64_t)slot << RC_BUCKET_SHIFT);
        const uint32_t place = rc_bucket_table_search(table, first_ms);
        const int64_t end_ms = place_end_ms(table, first_ms, place);
        const uint64_t whole = ((uint64_t)end_ms - (uint64_t)first_ms) >> RC_BUCKET_SHIFT;
        const uint32_t left = slots - slot;
        const uint32_t end = whole < left ? slot + (uint32_t)whole : slots;
        fill_slots(table->slots + slot, end - slot, (uint16_t)place);
        slot = end;
        /* The place changes inside the next one, unless that is at its beginning. */
        const int64_t slot_ms = table->window_start_ms + ((int64_t)slot << RC_BUCKET_SHIFT);
        if (slot == slots || end_ms == slot_ms)
            continue;
        RC_ASSERT(edge_count < edges_max);
        table->edges[edge_count] = edge_of(table, slot_ms, place, end_ms);
        table->slots[slot++] = (uint16_t)(RC_BUCKET_MIXED + edge_count++);
    }
    return RC_OK;
}
