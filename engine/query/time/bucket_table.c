/* Bucket table. */
#include "engine/query/time/bucket_table.h"

uint32_t
rc_bucket_table_search(const struct rc_bucket_table *table, int64_t time_ms)
{
    if (time_ms < table->from_ms || time_ms >= table->until_ms)
        return table->bucket_count;
    return table->map == NULL ? 0 : rc_bucket_map_find(table->map, time_ms);
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
    for (uint32_t slot = 0; slot < RC_BUCKET_SLOTS; slot++) {
        /* Places ascend but for what does not count, so a slot whose ends agree is of one place,
         * unless the whole time that counts lies inside. */
        const int64_t first_ms = table->window_start_ms + ((int64_t)slot << RC_BUCKET_SHIFT);
        const int64_t last_ms = first_ms + ((int64_t)1 << RC_BUCKET_SHIFT) - 1;
        const uint32_t first = rc_bucket_table_search(table, first_ms);
        const uint32_t last = rc_bucket_table_search(table, last_ms);
        const bool inside = table->from_ms > first_ms && table->until_ms <= last_ms;
        table->slots[slot] = first == last && !inside ? (uint16_t)first : RC_BUCKET_MIXED;
    }
    return RC_OK;
}
