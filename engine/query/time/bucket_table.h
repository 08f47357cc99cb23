/*
 * Bucket table: for the rows of one slab, the place of a time: its bucket, or the number of buckets
 * for times that do not count. A look at a small table; where a bucket begins inside a slot, a
 * comparison with where; only where several do are the buckets searched.
 *
 * Ownership: tables come from the arena given; buckets are borrowed.
 * Threading: read-only once made.
 */
#ifndef RC_QUERY_TIME_BUCKET_TABLE_H
#define RC_QUERY_TIME_BUCKET_TABLE_H

#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/limits.h"
#include "engine/base/status.h"
#include "engine/query/time/calendar.h"

#define RC_BUCKET_SHIFT 20 /* A slot is 17.5 minutes: a day's bucket ends in one of 82. */
#define RC_BUCKET_SLOTS ((uint32_t)(RC_WINDOW_MS >> RC_BUCKET_SHIFT) + 1)
#define RC_BUCKET_MIXED 0x8000u /* And above: the slot has several places; which edge it has. */

_Static_assert(RC_BUCKETS_MAX + 1 < RC_BUCKET_MIXED, "a place is told from the mark");
_Static_assert(RC_BUCKET_SLOTS <= RC_BUCKET_MIXED, "each slot can have an edge");

/* Where the place changes among a slab's rows, if it does so seldom. */
#define RC_BUCKET_STEPS_MAX 6u

/* Where the place changes in a slot. */
struct rc_bucket_edge {
    uint32_t offset_ms; /* Of the first time behind it, from the window's start. */
    uint16_t before;
    uint16_t behind; /* RC_BUCKET_MIXED: the slot has more edges. */
};

struct rc_bucket_table {
    int64_t window_start_ms;
    int64_t from_ms; /* Only times in [from_ms, until_ms) count. */
    int64_t until_ms;
    uint32_t bucket_count; /* At least 1; without map all that counts is in bucket 0. */
    const struct rc_bucket_map *map;
    int64_t time_min_ms; /* Of the slab's rows, both included. */
    int64_t time_max_ms;
    uint16_t *slots;
    uint32_t no_slot; /* Behind those of times: its place is that of what does not count. */
    struct rc_bucket_edge *edges;
    uint32_t only;       /* The bucket of all rows, or RC_BUCKET_MIXED: their times must be read. */
    uint32_t step_count; /* RC_BUCKET_STEPS_MAX + 1: there are more. */
    uint32_t steps[RC_BUCKET_STEPS_MAX]; /* Offsets of the first times of another place. */
};

RC_MUST_USE enum rc_status
rc_bucket_table_make(struct rc_bucket_table *table, struct rc_arena *arena);

/* The place of a time, by the buckets. */
uint32_t
rc_bucket_table_search(const struct rc_bucket_table *table, int64_t time_ms);

/* The first time behind one at which the place is another; INT64_MAX: there is none. */
int64_t
rc_bucket_table_change_ms(const struct rc_bucket_table *table, int64_t time_ms);

/* The place of a row in a slot that is marked. */
static inline uint32_t
rc_bucket_table_find_mixed(const struct rc_bucket_table *table, uint32_t mark, uint32_t offset_ms)
{
    const struct rc_bucket_edge *edge = &table->edges[mark - RC_BUCKET_MIXED];
    const uint32_t place = offset_ms < edge->offset_ms ? edge->before : edge->behind;
    return place < RC_BUCKET_MIXED
               ? place
               : rc_bucket_table_search(table, table->window_start_ms + offset_ms);
}

/* The place of a row by its offset from the window's start. */
static inline uint32_t
rc_bucket_table_find(const struct rc_bucket_table *table, uint32_t offset_ms)
{
    const uint32_t place = table->slots[offset_ms >> RC_BUCKET_SHIFT];
    return place < RC_BUCKET_MIXED ? place : rc_bucket_table_find_mixed(table, place, offset_ms);
}

#endif
