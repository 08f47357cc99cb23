/* Bucket table. */
#include "engine/query/time/bucket_table.h"

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

enum rc_status
rc_bucket_table_make(struct rc_bucket_table *table, struct rc_arena *arena)
{
    table->slots = RC_ARENA_ARRAY(arena, uint16_t, RC_BUCKET_SLOTS);
    if (table->slots == NULL)
        return RC_NO_MEMORY;
    const uint32_t earliest = rc_bucket_table_search(table, table->time_min_ms);
    const uint32_t latest = rc_bucket_table_search(table, table->time_max_ms);
    table->only = earliest == latest && earliest < table->bucket_count ? earliest : RC_BUCKET_MIXED;
    for (uint32_t slot = 0; slot < RC_BUCKET_SLOTS;) {
        const int64_t first_ms = table->window_start_ms + ((int64_t)slot << RC_BUCKET_SHIFT);
        const uint32_t place = rc_bucket_table_search(table, first_ms);
        const int64_t end_ms = place_end_ms(table, first_ms, place);
        const uint64_t whole = ((uint64_t)end_ms - (uint64_t)first_ms) >> RC_BUCKET_SHIFT;
        const uint32_t left = RC_BUCKET_SLOTS - slot;
        const uint32_t end = whole < left ? slot + (uint32_t)whole : RC_BUCKET_SLOTS;
        for (; slot < end; slot++)
            table->slots[slot] = (uint16_t)place;
        /* The place changes inside the next one, unless that is at its beginning. */
        if (slot < RC_BUCKET_SLOTS &&
            end_ms > table->window_start_ms + ((int64_t)slot << RC_BUCKET_SHIFT))
            table->slots[slot++] = RC_BUCKET_MIXED;
    }
    return RC_OK;
}
