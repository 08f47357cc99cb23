/* Explain: the records, and the words for what is in them. The text is in explain_text.c. */
#include "engine/query/plan/explain.h"

#include <stdio.h>

#include "engine/base/assert.h"
#include "engine/query/plan/hints.h"

const char *
rc_explain_reason_text(enum rc_explain_reason reason)
{
    static const char *const texts[RC_REASON_COUNT] = {
        [RC_REASON_CHOSEN] = "chosen",
        [RC_REASON_DEARER] = "dearer",
        [RC_REASON_FORBIDDEN] = "a hint forbids it",
        [RC_REASON_NOT_FORCED] = "a hint forces another way",
        [RC_REASON_NO_BITMAP] = "no bitmap of it is kept",
        [RC_REASON_NO_PARTS] = "no bitmap of a part of it is kept",
        [RC_REASON_MAY_MATCH] = "the dictionaries may hold a match",
        [RC_REASON_KEEPS] = "it saves too little for keeping nothing",
        [RC_REASON_NOT_ASKED] = "a bitmap is kept, so it was not asked",
    };
    RC_ASSERT((uint32_t)reason < RC_REASON_COUNT);
    return texts[reason];
}

const char *
rc_explain_feed_name(enum rc_explain_feed feed)
{
    switch (feed) {
    case RC_FEED_ORDERED:
        return "events person by person, in order";
    case RC_FEED_HITS:
        return "events as they come";
    case RC_FEED_ANONYMOUS:
        return "events as they come, no matter whose";
    case RC_FEED_ROWS:
        return "rows, read from columns";
    case RC_FEED_ONE:
        return "the events of one person";
    }
    return "";
}

struct rc_explain_plan *
rc_explain_add_plan(struct rc_explain *explain, uint32_t selector_count)
{
    struct rc_explain_plan *plan = rc_arena_zero(explain->arena, sizeof(*plan));
    if (plan == NULL)
        return NULL;
    plan->selectors = RC_ARENA_ARRAY(explain->arena, struct rc_explain_selector, selector_count);
    if (plan->selectors == NULL)
        return NULL;
    plan->selector_count = selector_count;
    plan->users = UINT32_MAX;
    if (explain->last == NULL)
        explain->plans = plan;
    else
        explain->last->next = plan;
    explain->last = plan;
    return plan;
}

struct rc_explain_walk *
rc_explain_add_walk(struct rc_explain *explain, struct rc_explain_plan *plan, uint32_t lanes)
{
    struct rc_explain_walk *walk = rc_arena_zero(explain->arena, sizeof(*walk));
    if (walk == NULL)
        return NULL;
    walk->lane_ns = RC_ARENA_ARRAY(explain->arena, uint64_t, lanes);
    if (walk->lane_ns == NULL)
        return NULL;
    walk->lanes = lanes;
    struct rc_explain_walk **end = &plan->walks;
    while (*end != NULL)
        end = &(*end)->next;
    *end = walk;
    return walk;
}

uint64_t
rc_explain_walk_ns(const struct rc_explain_walk *walk)
{
    uint64_t ns = 0;
    for (uint32_t i = 0; i < walk->lanes; i++)
        ns += walk->lane_ns[i];
    return ns;
}

struct rc_explain_total
rc_explain_total(const struct rc_explain *explain)
{
    struct rc_explain_total total = {0};
    for (const struct rc_explain_plan *plan = explain->plans; plan != NULL; plan = plan->next) {
        for (uint32_t i = 0; i < plan->selector_count; i++) {
            total.estimate_ns += plan->selectors[i].estimate_ns;
            total.actual_ns += plan->selectors[i].actual_ns;
        }
        for (const struct rc_explain_walk *walk = plan->walks; walk != NULL; walk = walk->next) {
            total.estimate_ns += walk->estimate_ns;
            total.actual_ns += rc_explain_walk_ns(walk);
        }
    }
    return total;
}

enum rc_status
rc_hints_check_used(const struct rc_query_hints *hints, struct rc_error *reterr_error)
{
    for (uint32_t i = 0; i < hints->access_count; i++) {
        struct rc_access_hint *hint = &hints->access[i];
        if (hint->selector.size == 0 || atomic_load_explicit(&hint->used, memory_order_relaxed))
            continue;
        char field[RC_ERROR_FIELD_BYTES];
        (void)snprintf(field, sizeof(field), "%s.selector", hint->field);
        return rc_error_field(reterr_error, RC_INVALID, field, "the query has no selector \"%.*s\"",
                              (int)hint->selector.size, hint->selector.data);
    }
    if (hints->walk == RC_WALK_ROWS && !atomic_load(&hints->rows_read))
        return rc_error_field(reterr_error, RC_INVALID, hints->feed_field,
                              "nothing in this query can be counted by reading rows");
    return RC_OK;
}
