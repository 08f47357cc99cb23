/* Bucket ranks: the changes in order, each noted in its cell. */
#include "engine/query/time/bucket_ranks.h"

#include <string.h>

#define LAST_PART 255u

static void
set_place(const struct rc_bucket_table *table,
          int64_t time_ms,
          uint32_t rank,
          struct rc_bucket_ranks *ranks)
{
    const uint32_t place = rc_bucket_table_search(table, time_ms);
    ranks->places[rank] = (uint16_t)place;
    ranks->counts[rank] = place < table->bucket_count ? UINT8_MAX : 0;
}

bool
rc_bucket_ranks_make(const struct rc_bucket_table *table, struct rc_bucket_ranks *ret_ranks)
{
    uint32_t rank = 0;
    uint32_t next_cell = 0; /* The first whose beginning has no rank yet. */
    struct rc_bucket_ranks ranks = {.single = table->only != RC_BUCKET_MIXED};
    memset(ranks.parts, LAST_PART, sizeof(ranks.parts));
    set_place(table, table->time_min_ms, rank, &ranks);
    for (int64_t at_ms = rc_bucket_table_change_ms(table, table->time_min_ms);
         at_ms <= table->time_max_ms; at_ms = rc_bucket_table_change_ms(table, at_ms)) {
        const uint32_t offset = (uint32_t)(at_ms - table->window_start_ms);
        const uint32_t cell = offset >> RC_RANK_CELL_SHIFT;
        if (cell < next_cell || rank + 1 == RC_RANK_CELLS)
            return false;
        memset(ranks.before + next_cell, (int)rank, cell + 1 - next_cell);
        next_cell = cell + 1;
        ranks.parts[cell] = (uint8_t)(offset >> RC_RANK_PART_SHIFT);
        ranks.mixed[cell] = UINT8_MAX;
        ranks.changes[cell] = offset;
        set_place(table, at_ms, ++rank, &ranks);
    }
    memset(ranks.before + next_cell, (int)rank, RC_RANK_CELLS - next_cell);
    *ret_ranks = ranks;
    return true;
}
