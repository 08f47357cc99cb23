/*
 * Suggest: what one raw event may mean: predicates that select it, from the most to the least
 * specific, each with how many events and users it selects. docs/semantics.md has the rules.
 *
 * Ownership, Threading, Units, Errors: as in query.h.
 */
#ifndef RC_QUERY_SUGGEST_SUGGEST_H
#define RC_QUERY_SUGGEST_SUGGEST_H

#include "engine/query/query.h"

/* What a property says of what happened. */
enum rc_fact {
    RC_FACT_TYPE = 0,
    RC_FACT_CHAIN = 1,
    RC_FACT_TEXT = 2,
    RC_FACT_PATH = 3,
    RC_FACT_URL = 4,
    RC_FACT_HOST = 5,
    RC_FACTS = 6,
};

struct rc_suggest_request {
    struct rc_scope scope;   /* Zone and week are not used; no entity. */
    bool has_range;          /* Else the range of scope is not used, but found: see the reply. */
    struct rc_bytes user_id; /* As sent. */
    struct rc_bytes event_id;
    struct rc_bytes facts[RC_FACTS]; /* Names of properties; empty: the standard ones. */
    uint32_t limit;                  /* Most suggestions: 1 .. RC_SUGGESTIONS_MAX. */
};

struct rc_suggestion {
    const struct rc_predicate *predicate; /* As somebody would define it: nothing is resolved. */
    struct rc_bytes label;                /* At most RC_SUGGEST_LABEL_BYTES_MAX. */
    uint64_t events;
    uint64_t users;
    uint32_t definition_count;
    const uint32_t *definitions; /* Those of the same canonical form: indexes, ascending. */
};

struct rc_suggest_reply {
    int64_t start_ms; /* The range that was used. */
    int64_t end_ms;
    struct rc_event event; /* place.repeat is 0. */
    uint32_t suggestion_count;
    const struct rc_suggestion *suggestions;
    struct rc_query_stats stats;
};

/* RC_NOT_FOUND: field "user": there is no such user; field "event_id": no such event of it. */
RC_MUST_USE enum rc_status
rc_query_suggest(const struct rc_query_context *context,
                 const struct rc_suggest_request *request,
                 struct rc_suggest_reply *ret_reply,
                 struct rc_error *reterr_error);

#endif
