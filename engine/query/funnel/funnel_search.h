/*
 * Funnel search: the attempts of one user at an ordered funnel (ordered, strict, strict_steps) with
 * every option, exactly. Most users of plain funnels never come here: see funnel_attempt.h.
 *
 * Ownership: a search owns its scratch memory, charged to the account given; it borrows the rules.
 * Threading: one thread at a time.
 * Errors:    RC_NO_MEMORY, RC_CANCELLED.
 */
#ifndef RC_QUERY_FUNNEL_FUNNEL_SEARCH_H
#define RC_QUERY_FUNNEL_FUNNEL_SEARCH_H

#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/query/funnel/funnel_list.h"
#include "engine/query/funnel/funnel_rules.h"

struct rc_funnel_search;

RC_MUST_USE enum rc_status
rc_funnel_search_new(const struct rc_funnel_rules *rules,
                     struct rc_account *account,
                     struct rc_funnel_search **ret_search);

struct rc_funnel_search *
rc_funnel_search_free(struct rc_funnel_search *search);

RC_DEFINE_CLEANUP(struct rc_funnel_search *, rc_funnel_search_free)

/* The chosen attempt of each span, among those entered in it. */
RC_MUST_USE enum rc_status
rc_funnel_search_choose(struct rc_funnel_search *search,
                        const struct rc_funnel_problem *problem,
                        const struct rc_funnel_span *spans,
                        uint32_t span_count,
                        struct rc_funnel_attempt *ret_attempts);

/* Adds the attempt of every entry, excluded or not, to list. */
RC_MUST_USE enum rc_status
rc_funnel_search_list(struct rc_funnel_search *search,
                      const struct rc_funnel_problem *problem,
                      const struct rc_funnel_span *spans,
                      uint32_t span_count,
                      struct rc_funnel_list *list);

#endif
