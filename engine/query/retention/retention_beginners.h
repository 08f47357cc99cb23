/*
 * Retention, beginners: the persons with a start event and the first one of each of their cohorts,
 * found by a walk over the start events alone.
 *
 * Ownership: see rc_retention_beginners_close; marked is in the context's arena.
 * Threading: made by one thread (which lets workers walk). Afterwards each person is one lane's.
 * Errors:    RC_CANCELLED, RC_NO_MEMORY.
 */
#ifndef RC_QUERY_RETENTION_RETENTION_BEGINNERS_H
#define RC_QUERY_RETENTION_RETENTION_BEGINNERS_H

#include "engine/match/rows/words.h"
#include "engine/query/retention/retention_words.h"

/* The time of all that can count for a person: from its first start on. */
struct rc_retention_span {
    int64_t from_ms;
    int64_t until_ms;
};

struct rc_retention_beginners {
    const struct rc_retention *retention;
    uint64_t *marked; /* A bit a person. */
    uint32_t *ranks;  /* rc_words_rank */
    uint32_t count;
    uint32_t slot_count; /* The same, to a whole group. */
    struct rc_retention_person *persons;
    struct rc_retention_span *spans;
    uint32_t *begins;      /* By beginner: its first start; */
    struct rc_hit *starts; /* a person's by cohort. */
};

/* Adds the start events to *hit_count. */
RC_MUST_USE enum rc_status
rc_retention_beginners_find(const struct rc_retention *retention,
                            struct rc_retention_beginners *ret_beginners,
                            uint64_t *hit_count);

/* Finds the spans, from the times of the returns. */
void
rc_retention_beginners_span(struct rc_retention_beginners *beginners,
                            const struct rc_retention_times *times);

/* A struct that is zero is fine. */
void
rc_retention_beginners_close(struct rc_retention_beginners *beginners);

/* Which of the beginners a marked person is: in order of persons. */
static inline uint32_t
rc_retention_beginners_index(const struct rc_retention_beginners *beginners, uint32_t person)
{
    return rc_words_rank_of(beginners->marked, beginners->ranks, person);
}

/* A beginner's start in the cohort of a period's bit, which it has. */
static inline const struct rc_hit *
rc_retention_beginners_start(const struct rc_retention_beginners *beginners,
                             uint32_t beginner,
                             uint64_t bit)
{
    const uint64_t before = beginners->persons[beginner].starts & (bit - 1);
    const uint32_t place = before == 0 ? 0 : (uint32_t)__builtin_popcountll(before);
    return &beginners->starts[beginners->begins[beginner] + place];
}

#endif
