/*
 * Funnel search. A user's events are cut into groups of equal time. From the deepest step that
 * anybody might come to down to the first, a pass (funnel_pass.c) says for every entry whether it
 * can come that deep, and when it is complete at the earliest; an entry's attempt belongs to the
 * first depth at which it can. Its chain is then walked from the front (funnel_chain.c).
 *
 * Which attempt is chosen: where no group is packed, no step optional and nothing excluded, an
 * entry's chain ends at the first event of the last step in the group in which it is complete, so
 * the latest entry among those that are complete first is the chosen one, and only its chain is
 * walked. Else the chain of every entry is walked that could still end first.
 *
 * Cost: a pass a depth, each near linear in events times steps that they may fill, then
 * O(depth * log) for an entry's chain. An entry's window is compared with the result of the pass
 * and not part of it, so nothing is quadratic in a user's events.
 */
#include "engine/query/funnel/funnel_search.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/query/funnel/funnel_exclude.h"
#include "engine/query/funnel/funnel_search_form.h"

#define ENTRIES_BETWEEN_LOOKS 1024u
/* From this many depths on the deepest one is found by halving. */
#define HALVED_DEPTHS 6u

enum rc_status
rc_funnel_search_new(const struct rc_funnel_rules *rules,
                     struct rc_account *account,
                     struct rc_funnel_search **ret_search)
{
    struct rc_funnel_search *search = rc_alloc_in(account, sizeof(*search));
    if (search == NULL)
        return RC_NO_MEMORY;
    memset(search, 0, sizeof(*search));
    search->rules = rules;
    search->account = account;
    *ret_search = search;
    return RC_OK;
}

struct rc_funnel_search *
rc_funnel_search_free(struct rc_funnel_search *search)
{
    if (search == NULL)
        return NULL;
    rc_alloc_free(search->groups);
    rc_alloc_free(search->breaks);
    rc_alloc_free(search->first_events);
    rc_alloc_free(search->where);
    rc_alloc_free(search->rest);
    rc_alloc_free(search->begun);
    rc_alloc_free(search->next);
    rc_alloc_free(search->stack_groups);
    rc_alloc_free(search->stack_done);
    rc_alloc_free(search->resolved);
    rc_alloc_free(search->packing);
    return rc_alloc_free(search);
}

/* No attempt is deeper: how far a chain comes without windows, if in each group any events could
 * take its steps. */
static uint32_t
depth_bound(const struct rc_funnel_search *search)
{
    uint32_t bound = 0;
    for (uint32_t i = 0; i < search->group_count; i++) {
        uint32_t left = search->groups[i].most;
        for (uint32_t step = bound; step < search->rules->step_count; step++) {
            const bool optional = is_optional(search, step);
            if (((search->groups[i].fill >> step) & 1) != 0 && (optional || left-- > 0))
                bound = step + 1;
            else if (!optional || bound == 0)
                break;
        }
    }
    return bound;
}

/* ---- Entries --------------------------------------------------------------------------------- */

/* What becomes of the entries of a span. */
struct outcome {
    bool done;
    bool met;       /* Some entry comes as deep as the pass. */
    uint32_t group; /* In which the best one is complete; NONE: there is none. */
    uint32_t entry; /* Its event and group, */
    uint32_t in;
    uint32_t until; /* and its deadline. */
};

struct run {
    struct rc_funnel_search *search;
    const struct rc_funnel_span *spans;
    uint32_t span_count;
    struct outcome *outcomes;
    struct rc_funnel_attempt *attempts; /* Best ones so far. */
    struct rc_funnel_list *list;        /* NULL: attempts are chosen. */
    bool simple;
    bool resolve;
};

/* The last group that is not after a time. */
static uint32_t
group_until(const struct rc_funnel_search *search, int64_t time_ms)
{
    uint32_t low = 0;
    uint32_t high = search->group_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (search->groups[middle].time_ms <= time_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low - 1;
}

/* The most optional steps with which an entry is complete in time, and when it is. */
static bool
can_complete(struct rc_funnel_search *search,
             uint32_t group,
             uint32_t event,
             uint32_t deadline,
             uint32_t *ret_left,
             uint32_t *ret_done)
{
    for (uint32_t left = search->width; left-- > 0;) {
        const uint32_t done = rc_funnel_rest(search, group, event, 0, left);
        if (done == NONE || done > deadline)
            continue;
        *ret_left = left;
        *ret_done = done;
        return true;
    }
    return false;
}

static bool
is_excluded(const struct rc_funnel_search *search,
            const struct rc_funnel_attempt *attempt,
            const struct rc_funnel_event *entry)
{
    int64_t times_ms[RC_FUNNEL_STEPS_MAX];
    if (search->rules->exclusion_count == 0)
        return false;
    /* Events are in the order of hits, those of the chain at or behind its entry's group. */
    for (uint32_t step = 0; step < attempt->depth; step++) {
        if (attempt->hits[step] == NONE)
            continue;
        uint32_t low = 0;
        uint32_t high = search->problem->count;
        while (low < high) {
            const uint32_t middle = low + (high - low) / 2;
            if (search->problem->events[middle].hit < attempt->hits[step])
                low = middle + 1;
            else
                high = middle;
        }
        times_ms[step] = search->problem->events[low].time_ms;
    }
    times_ms[0] = entry->time_ms;
    return rc_funnel_is_excluded(search->rules, search->problem->excluded, attempt, times_ms);
}

/* Takes an entry whose chain has to be walked. */
static enum rc_status
take_walked(struct run *run,
            uint32_t span,
            uint32_t group,
            uint32_t event,
            uint32_t left,
            uint32_t done,
            uint32_t deadline)
{
    struct rc_funnel_search *search = run->search;
    struct outcome *outcome = &run->outcomes[span];
    struct rc_funnel_attempt attempt;
    if (run->list == NULL && outcome->group != NONE && done > outcome->group)
        return RC_OK;
    RC_TRY(rc_funnel_chain(search, group, event, left, deadline, &attempt));
    if (run->list != NULL)
        return rc_funnel_list_add(run->list, search->rules, span, &attempt);
    if (is_excluded(search, &attempt, &search->problem->events[event]))
        return RC_OK;
    if (outcome->group != NONE && !rc_funnel_is_better(&attempt, &run->attempts[span]))
        return RC_OK;
    run->attempts[span] = attempt;
    /* The group in which it really ends may be later than the earliest one. */
    uint32_t end = done;
    while (search->problem->events[search->groups[end].end - 1].hit < rc_funnel_last_hit(&attempt))
        end++;
    outcome->group = end;
    return RC_OK;
}

/* Takes an entry of a span. */
static enum rc_status
take_entry(struct run *run, uint32_t span, uint32_t group, uint32_t event, uint32_t deadline)
{
    struct rc_funnel_search *search = run->search;
    struct outcome *outcome = &run->outcomes[span];
    uint32_t left;
    uint32_t done;
    if (run->resolve && search->resolved[event])
        return RC_OK;
    if (search->groups[group].kind == GROUP_PACKED) {
        RC_TRY(rc_funnel_pack(search, group));
        rc_funnel_pack_use(search, event, true);
    }
    if (!can_complete(search, group, event, deadline, &left, &done))
        return search->cancelled ? RC_CANCELLED : RC_OK;
    outcome->met = true;
    if (run->resolve)
        search->resolved[event] = true;
    if (!run->simple)
        return take_walked(run, span, group, event, left, done, deadline);
    /* Entries come from the latest to the earliest. One step ends where it is entered. */
    if (outcome->group == NONE || done < outcome->group || search->depth == 1) {
        outcome->group = done;
        outcome->entry = event;
        outcome->in = group;
        outcome->until = deadline;
    }
    return RC_OK;
}

/* Takes the entries of a group, from the last to the first. */
static enum rc_status
take_group(struct run *run, uint32_t span, uint32_t group)
{
    struct rc_funnel_search *search = run->search;
    const struct group *in = &search->groups[group];
    const uint32_t deadline = group_until(search, rc_funnel_deadline(search->rules, in->time_ms));
    const uint32_t first = search->first_events[slot_of(in, 0)];
    if (run->simple && search->depth == 1)
        return take_entry(run, span, group, first, deadline);
    for (uint32_t event = in->end; event-- > first;) {
        if ((search->problem->events[event].fill & 1) == 0)
            continue;
        RC_TRY(take_entry(run, span, group, event, deadline));
        if (run->simple)
            break; /* The others are complete when this one is. */
        if (event % ENTRIES_BETWEEN_LOOKS == 0 && rc_funnel_cancelled(search->rules))
            return RC_CANCELLED;
    }
    return RC_OK;
}

/* Takes all entries that come as deep as the pass. */
static enum rc_status
take_entries(struct run *run)
{
    struct rc_funnel_search *search = run->search;
    uint32_t span = run->span_count;
    for (uint32_t i = search->where_starts[1]; i-- > 0;) {
        const uint32_t group = search->where[i];
        const int64_t time_ms = search->groups[group].time_ms;
        if (i % ENTRIES_BETWEEN_LOOKS == 0 && rc_funnel_cancelled(search->rules))
            return RC_CANCELLED;
        while (span > 0 && time_ms < run->spans[span - 1].from_ms)
            span--;
        if (span == 0)
            break;
        if (time_ms < run->spans[span - 1].until_ms && !run->outcomes[span - 1].done)
            RC_TRY(take_group(run, span - 1, group));
    }
    return RC_OK;
}

/* Closes a depth: spans that have their attempt, or whose deepest ones are excluded, are done. */
static enum rc_status
close_depth(struct run *run, bool *ret_open)
{
    const struct rc_funnel_search *search = run->search;
    *ret_open = run->list != NULL;
    for (uint32_t span = 0; run->list == NULL && span < run->span_count; span++) {
        struct outcome *outcome = &run->outcomes[span];
        if (!outcome->done && run->simple && outcome->group != NONE)
            RC_TRY(rc_funnel_chain(run->search, outcome->in, outcome->entry, 0, outcome->until,
                                   &run->attempts[span]));
        outcome->done = outcome->done || outcome->group != NONE ||
                        (outcome->met && !search->rules->attempt_only);
        *ret_open = *ret_open || !outcome->done;
    }
    return RC_OK;
}

/* Whether an entry of some span comes as deep as the pass. */
static enum rc_status
comes_deep(struct run *run, bool *ret_comes)
{
    struct rc_funnel_search *search = run->search;
    uint32_t span = run->span_count;
    uint32_t left;
    uint32_t done;
    *ret_comes = false;
    for (uint32_t i = search->where_starts[1]; i-- > 0 && span > 0;) {
        const uint32_t group = search->where[i];
        const struct group *in = &search->groups[group];
        while (span > 0 && in->time_ms < run->spans[span - 1].from_ms)
            span--;
        if (span == 0 || in->time_ms >= run->spans[span - 1].until_ms)
            continue;
        const uint32_t deadline =
            group_until(search, rc_funnel_deadline(search->rules, in->time_ms));
        for (uint32_t event = in->end; event-- > in->begin && !*ret_comes;) {
            if ((search->problem->events[event].fill & 1) == 0)
                continue;
            if (in->kind == GROUP_PACKED) {
                RC_TRY(rc_funnel_pack(search, group));
                rc_funnel_pack_use(search, event, true);
            }
            *ret_comes = can_complete(search, group, event, deadline, &left, &done);
            if (in->kind != GROUP_PACKED)
                break; /* All of them are complete together. */
        }
        if (*ret_comes)
            return RC_OK;
        if (i % ENTRIES_BETWEEN_LOOKS == 0 && rc_funnel_cancelled(search->rules))
            return RC_CANCELLED;
    }
    return search->cancelled ? RC_CANCELLED : RC_OK;
}

/* The depth of the deepest entry, by halving: without optional steps whoever comes to one step came
 * to all before. */
static enum rc_status
find_deepest(struct run *run, uint32_t bound, uint32_t *ret_depth)
{
    uint32_t low = 0;
    uint32_t high = bound;
    while (low < high) {
        const uint32_t middle = low + (high - low + 1) / 2;
        bool comes;
        RC_TRY(rc_funnel_pass(run->search, middle));
        RC_TRY(comes_deep(run, &comes));
        if (comes)
            low = middle;
        else
            high = middle - 1;
    }
    *ret_depth = low;
    return RC_OK;
}

static enum rc_status
run_depths(struct run *run, const struct rc_funnel_problem *problem)
{
    struct rc_funnel_search *search = run->search;
    run->resolve = run->list != NULL || search->rules->attempt_only;
    RC_TRY(rc_funnel_groups(search, problem, run->resolve));
    run->simple = run->list == NULL && !search->has_packed && search->rules->optional == 0 &&
                  search->rules->exclusion_count == 0;
    bool open = true;
    uint32_t deepest = depth_bound(search);
    if (search->rules->optional == 0 && deepest > HALVED_DEPTHS)
        RC_TRY(find_deepest(run, deepest, &deepest));
    for (uint32_t depth = deepest; depth > 0 && open; depth--) {
        if (search->where_starts[depth] == search->where_starts[depth - 1])
            continue;
        RC_TRY(rc_funnel_pass(search, depth));
        RC_TRY(take_entries(run));
        RC_TRY(close_depth(run, &open));
    }
    return RC_OK;
}

enum rc_status
rc_funnel_search_choose(struct rc_funnel_search *search,
                        const struct rc_funnel_problem *problem,
                        const struct rc_funnel_span *spans,
                        uint32_t span_count,
                        struct rc_funnel_attempt *ret_attempts)
{
    struct outcome one;
    RC_CLEANUP(rc_alloc_freep) struct outcome *many = NULL;
    if (span_count > 1) {
        many = rc_alloc_in(search->account, span_count * sizeof(*many));
        if (many == NULL)
            return RC_NO_MEMORY;
    }
    struct run run = {.search = search,
                      .spans = spans,
                      .span_count = span_count,
                      .outcomes = span_count > 1 ? many : &one,
                      .attempts = ret_attempts};
    for (uint32_t span = 0; span < span_count; span++) {
        run.outcomes[span] = (struct outcome){.group = NONE};
        ret_attempts[span].depth = 0;
    }
    return run_depths(&run, problem);
}

enum rc_status
rc_funnel_search_list(struct rc_funnel_search *search,
                      const struct rc_funnel_problem *problem,
                      const struct rc_funnel_span *spans,
                      uint32_t span_count,
                      struct rc_funnel_list *list)
{
    RC_CLEANUP(rc_alloc_freep)
    struct outcome *outcomes = rc_alloc_in(search->account, span_count * sizeof(*outcomes) + 1);
    if (outcomes == NULL)
        return RC_NO_MEMORY;
    for (uint32_t span = 0; span < span_count; span++)
        outcomes[span] = (struct outcome){.group = NONE};
    struct run run = {.search = search,
                      .spans = spans,
                      .span_count = span_count,
                      .outcomes = outcomes,
                      .list = list};
    return run_depths(&run, problem);
}
