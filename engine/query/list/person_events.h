/*
 * Person events: of each person of a set, how many events of a selector there are, the first and
 * the last of them.
 *
 * Ownership: everything is in the context's arena, but for the set, which is the caller's and must
 *            stay as it is.
 * Threading: called by one thread, which lets workers walk.
 * Errors:    those of the selector; RC_CANCELLED; RC_NO_MEMORY.
 */
#ifndef RC_QUERY_LIST_PERSON_EVENTS_H
#define RC_QUERY_LIST_PERSON_EVENTS_H

#include "engine/match/rows/words.h"
#include "engine/query/query.h"

struct rc_person_event_count {
    uint64_t event_count;
    int64_t first_ms; /* Of no event: 0, as last_ms. */
    int64_t last_ms;
};

struct rc_person_events {
    const uint64_t *persons;              /* A bit each. */
    const uint32_t *ranks;                /* rc_words_rank */
    struct rc_person_event_count *counts; /* By rank. */
};

/* Counts of a set, all 0; the set may be of entities too, which are then what is called persons. */
RC_MUST_USE enum rc_status
rc_person_events_open(struct rc_arena *arena,
                      const uint64_t *persons,
                      size_t word_count,
                      struct rc_person_events *ret_events);

static inline void
rc_person_event_add(struct rc_person_event_count *of, int64_t time_ms)
{
    if (of->event_count == 0 || time_ms < of->first_ms)
        of->first_ms = time_ms;
    if (of->event_count == 0 || time_ms > of->last_ms)
        of->last_ms = time_ms;
    of->event_count++;
}

/* The events of selector in the scope's range, as of its as_of. Adds to stats. */
RC_MUST_USE enum rc_status
rc_person_events_count(const struct rc_query_context *context,
                       const struct rc_scope *scope,
                       const struct rc_predicate *selector,
                       const uint64_t *persons,
                       struct rc_query_stats *stats,
                       struct rc_person_events *ret_events,
                       struct rc_error *reterr_error);

/* Those of one of the persons. */
static inline struct rc_person_event_count *
rc_person_events_of(const struct rc_person_events *events, uint32_t person)
{
    return &events->counts[rc_words_rank_of(events->persons, events->ranks, person)];
}

#endif
