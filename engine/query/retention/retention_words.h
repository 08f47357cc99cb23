/*
 * Retention words: what plain questions ask of a person, as three words with a bit a period: for
 * its short ways (retention_scan.c, retention_few.c). Times become bits by tables, and cells are
 * counted 64 persons at once.
 *
 * Ownership: arrays are in the context's arena.
 * Threading: times are read-only once made; planes are one thread's.
 * Errors:    RC_NO_MEMORY.
 */
#ifndef RC_QUERY_RETENTION_RETENTION_WORDS_H
#define RC_QUERY_RETENTION_RETENTION_WORDS_H

#include "engine/query/retention/retention_frame.h"
#include "engine/query/time/bucket_table.h"

#define RC_RETENTION_PERIODS_MAX 63u
#define RC_RETENTION_LATE RC_RETENTION_PERIODS_MAX /* The bit of all that is later (or_after). */
#define RC_RETENTION_GROUP 64u
/* A period may be cut in two, and one is late. */
#define RC_RETENTION_KINDS_MAX (RC_RETENTION_PERIODS_MAX + 2)

struct rc_retention_person {
    uint64_t starts; /* Periods with a start, */
    uint64_t events; /* with a return, */
    uint64_t again;  /* and with one that cell 0 counts for the period's start. */
};

/* What a time adds to its person, by place. */
struct rc_retention_kind {
    uint64_t bit;    /* Of the period. */
    uint64_t starts; /* The same, or 0. */
};

struct rc_retention_times {
    int64_t until_ms;         /* Rows are before it. */
    struct rc_bucket_map map; /* Of times to places. */
    struct rc_retention_kind kinds[RC_RETENTION_KINDS_MAX];
    const struct rc_bucket_table *tables; /* By slab of the plan. */
};

/* Whether the answer is one of the periods of each person's starts and returns. */
bool
rc_retention_asks_periods(const struct rc_retention *retention);

/* The places of a stream's times. plan: that of the question, or narrowed. */
RC_MUST_USE enum rc_status
rc_retention_times_make(const struct rc_retention *retention,
                        const struct rc_plan *plan,
                        uint32_t stream,
                        struct rc_retention_times *ret_times);

/* Where the words of a group of persons lie, which have a bit a person: a word a period of those
 * with a start, with a return and with one that cell 0 counts, and one of those with any later. */
struct rc_retention_planes {
    const struct rc_retention *retention;
    bool packed;
    uint32_t starts_at;
    uint32_t events_at;
    uint32_t again_at;
    uint32_t late_at;
    uint32_t unread; /* A word that nothing is counted of. */
    uint32_t width;  /* Words of a group. */
};

void
rc_retention_planes_open(const struct rc_retention *retention, struct rc_retention_planes *planes);

/* Adds a group of persons, by their words, to the sizes and cells of a lane. May change the words.
 */
void
rc_retention_count_group(const struct rc_retention_planes *planes,
                         uint64_t *words,
                         struct rc_retention_lane *lane);

/* Adds persons, whole groups of them. */
void
rc_retention_count(const struct rc_retention_planes *planes,
                   const struct rc_retention_person *persons,
                   uint32_t count,
                   struct rc_retention_lane *lane);

#endif
