/*
 * Funnel rest: the longest and earliest rest of a chain of an unordered funnel from which on no
 * exclusion begins. Chains are made of units: events, or where times must increase all of one time.
 *
 * Ownership: owns its arrays, charged to the account given; borrows the rules and the problem.
 * Threading: one thread at a time.
 * Errors:    RC_NO_MEMORY, RC_CANCELLED.
 */
#ifndef RC_QUERY_FUNNEL_FUNNEL_REST_H
#define RC_QUERY_FUNNEL_FUNNEL_REST_H

#include <stddef.h>

#include "engine/base/alloc.h"
#include "engine/base/status.h"
#include "engine/query/funnel/funnel_basis.h"

struct rc_funnel_rest {
    struct rc_account *account;
    const struct rc_funnel_rules *rules;
    const struct rc_funnel_problem *problem;
    uint32_t work; /* Since the last look at the cancel flag. */
    uint32_t unit_count;
    const struct rc_funnel_event *units; /* The events, or with strict times own_units. */
    struct rc_funnel_event *own_units;
    size_t own_capacity;
    uint32_t *begins; /* Strict: by unit its first event, and one more; */
    size_t begin_capacity;
    uint32_t *unit_of; /* and by event its unit. */
    size_t unit_of_capacity;
    uint32_t *rows; /* By unit: the owners of the basis of those from it on; and one more. */
    size_t row_capacity;
};

void
rc_funnel_rest_open(struct rc_funnel_rest *rest,
                    const struct rc_funnel_rules *rules,
                    struct rc_account *account);

void
rc_funnel_rest_close(struct rc_funnel_rest *rest);

/* Makes ready for the chains of a problem, which is borrowed until the next call. */
RC_MUST_USE enum rc_status
rc_funnel_rest_start(struct rc_funnel_rest *rest, const struct rc_funnel_problem *problem);

/* Counts work, of which a unit is some ten to a hundred nanoseconds, and after so much looks at the
 * cancel flag. */
RC_MUST_USE enum rc_status
rc_funnel_look(struct rc_funnel_rest *rest, uint32_t work);

static inline uint32_t
rc_funnel_unit_of(const struct rc_funnel_rest *rest, uint32_t event)
{
    return rest->rules->strict_times ? rest->unit_of[event] : event;
}

static inline uint32_t
rc_funnel_unit_begin(const struct rc_funnel_rest *rest, uint32_t unit)
{
    return rest->rules->strict_times ? rest->begins[unit] : unit;
}

/* The units of a chain of count events and of its best rest from a unit on, cut by the window, and
 * if asked by the exclusions. Returns how many they are; 0: the events are no chain. */
uint32_t
rc_funnel_join(struct rc_funnel_rest *rest,
               const uint32_t *chain,
               uint32_t count,
               uint32_t from,
               bool cut,
               uint32_t *units);

/* Puts the best rest from a unit on behind a chain of count events, which has room for
 * RC_FUNNEL_STEPS_MAX. cut: by exclusions, none of which begins in the rest. */
RC_MUST_USE enum rc_status
rc_funnel_complete(struct rc_funnel_rest *rest,
                   uint32_t *chain,
                   uint32_t count,
                   uint32_t from,
                   bool cut,
                   uint32_t *ret_depth);

#endif
