/*
 * Funnel places: the chain of one entry of an unordered funnel where exclusions begin behind the
 * first event, or times must increase.
 *
 * Ownership: owns its scratch memory, charged to the account given; borrows the rules.
 * Threading: one thread at a time.
 * Errors:    RC_NO_MEMORY, RC_CANCELLED; RC_LIMIT_EXCEEDED past RC_FUNNEL_STATES_MAX.
 */
#ifndef RC_QUERY_FUNNEL_FUNNEL_PLACES_H
#define RC_QUERY_FUNNEL_FUNNEL_PLACES_H

#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/query/funnel/funnel_rules.h"

struct rc_funnel_places;

RC_MUST_USE enum rc_status
rc_funnel_places_new(const struct rc_funnel_rules *rules,
                     struct rc_account *account,
                     struct rc_funnel_places **ret_places);

struct rc_funnel_places *
rc_funnel_places_free(struct rc_funnel_places *places);

RC_DEFINE_CLEANUP(struct rc_funnel_places *, rc_funnel_places_free)

/* Makes ready for the entries of a problem, which is borrowed until the next call. */
RC_MUST_USE enum rc_status
rc_funnel_places_start(struct rc_funnel_places *places, const struct rc_funnel_problem *problem);

/* The attempt of an entry; its group begins at group_begin. *ret_attempt of depth 0: it cannot take
 * the place of best (NULL: it is asked for in any case). */
RC_MUST_USE enum rc_status
rc_funnel_places_find(struct rc_funnel_places *places,
                      uint32_t group_begin,
                      uint32_t entry,
                      const struct rc_funnel_attempt *best,
                      struct rc_funnel_attempt *ret_attempt);

/* Whether a search has passed RC_FUNNEL_STATES_MAX. */
bool
rc_funnel_places_passed(const struct rc_funnel_places *places);

#endif
