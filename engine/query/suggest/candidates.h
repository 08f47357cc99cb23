/*
 * Candidates: every predicate that an event may be defined by, before anything is counted.
 *
 * Ownership: candidates lie in the arena of the facts' context.
 * Threading: one thread.
 * Errors:    RC_NO_MEMORY; RC_TOO_SLOW of a derived property.
 */
#ifndef RC_QUERY_SUGGEST_CANDIDATES_H
#define RC_QUERY_SUGGEST_CANDIDATES_H

#include "engine/query/suggest/facts.h"

struct rc_candidate {
    const struct rc_predicate *predicate;
    struct rc_bytes label;
    uint32_t rank; /* The lower, the simpler; no two have the same. */
};

struct rc_candidates {
    uint32_t count;
    struct rc_candidate all[RC_SUGGESTIONS_MAX];
};

RC_MUST_USE enum rc_status
rc_candidates_make(const struct rc_facts *facts,
                   struct rc_candidates *ret_candidates,
                   struct rc_error *reterr_error);

#endif
