/*
 * Bucket ranks: of a bucket table's slab, how often the place changed before a time: for those who
 * look at 64 times at once. The upper bits of a time say its cell, in each of which the place
 * changes once at most, as with buckets of a day and more; the next eight bits mostly say which
 * side of that change it is on. All of it are looks at 64 bytes, which fit a register.
 *
 * Ownership: none.
 * Threading: read-only once made.
 */
#ifndef RC_QUERY_TIME_BUCKET_RANKS_H
#define RC_QUERY_TIME_BUCKET_RANKS_H

#include <stdbool.h>

#include "engine/query/time/bucket_table.h"

#define RC_RANK_CELLS 64u
#define RC_RANK_CELL_SHIFT 26 /* A cell is 18.6 hours. */
#define RC_RANK_PART_SHIFT 18 /* One of its 256 parts is 4.4 minutes. */

_Static_assert(RC_WINDOW_MS >> RC_RANK_CELL_SHIFT < RC_RANK_CELLS, "each time has a cell");

struct rc_bucket_ranks {
    uint8_t before[RC_RANK_CELLS];   /* The rank where a cell begins. */
    uint8_t parts[RC_RANK_CELLS];    /* The part in which the next rank begins; */
    uint8_t mixed[RC_RANK_CELLS];    /* 255: there is one; 0: none, and the part is the last. */
    uint8_t counts[RC_RANK_CELLS];   /* By rank: 255: its times count. */
    uint32_t changes[RC_RANK_CELLS]; /* By cell, where mixed: offset of the next rank's first. */
    uint16_t places[RC_RANK_CELLS];  /* By rank. */
    bool single;                     /* All rows have one place, which counts: rank 0. */
};

/* false: there are too many changes. */
bool
rc_bucket_ranks_make(const struct rc_bucket_table *table, struct rc_bucket_ranks *ret_ranks);

/* The rank of a time. */
static inline uint8_t
rc_bucket_rank(const struct rc_bucket_ranks *ranks, uint32_t offset_ms)
{
    const uint32_t cell = offset_ms >> RC_RANK_CELL_SHIFT;
    const bool behind = ranks->mixed[cell] != 0 && offset_ms >= ranks->changes[cell];
    return (uint8_t)(ranks->before[cell] + behind);
}

#endif
