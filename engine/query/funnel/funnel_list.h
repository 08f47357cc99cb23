/*
 * Funnel list: attempts of a user that were found apart (one search for each value held constant),
 * from which each entry's best and then each span's chosen one are taken.
 *
 * Ownership: owns its arrays, charged to the account given. All zero but the account is empty.
 * Threading: one thread at a time.
 */
#ifndef RC_QUERY_FUNNEL_FUNNEL_LIST_H
#define RC_QUERY_FUNNEL_FUNNEL_LIST_H

#include "engine/base/alloc.h"
#include "engine/base/status.h"
#include "engine/query/funnel/funnel_rules.h"

struct rc_funnel_listed;

struct rc_funnel_list {
    struct rc_account *account;
    size_t count;
    size_t capacity;
    struct rc_funnel_listed *items;
    size_t hit_count;
    size_t hit_capacity;
    uint32_t *hits;
};

/* For RC_CLEANUP on the struct itself. */
void
rc_funnel_list_close(struct rc_funnel_list *list);

void
rc_funnel_list_clear(struct rc_funnel_list *list);

RC_MUST_USE enum rc_status
rc_funnel_list_add(struct rc_funnel_list *list,
                   const struct rc_funnel_rules *rules,
                   uint32_t span,
                   const struct rc_funnel_attempt *attempt);

/* The chosen attempt of each span. excluded: as in a problem. hits give the times. Reorders the
 * list. */
void
rc_funnel_list_choose(struct rc_funnel_list *list,
                      const struct rc_funnel_rules *rules,
                      const struct rc_funnel_times *excluded,
                      const struct rc_hit *hits,
                      uint32_t span_count,
                      struct rc_funnel_attempt *ret_attempts);

#endif
