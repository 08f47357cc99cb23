/*
 * Chosen attempt, for users whose events of equal time match one step each (or when times must
 * increase). One pass over the hits.
 *
 * entry[k] is the latest entry from which k steps have been reached so far. Only the latest
 * matters: a chain of k steps that entered later can do all that an earlier one can, and longer,
 * since the window is the only other limit. Hence entry[1] >= entry[2] >= ... in total order, and
 * an event of step k (from 0) turns entry[k] into entry[k + 1].
 *
 *   one event      its steps are taken from the deepest down, so that it fills only one.
 *   equal times    one step an event: the group's steps are taken upwards, so that a chain runs
 * through as many as it can. Strict: as for one event, with the group's steps together.
 *
 * When a depth is reached for the first time, at time t, no attempt that deep ends earlier, and
 * entry[depth] is the last one to be entered that ends here. Its chain is then found from the
 * front: always the earliest event that matches the next step. With one step an event nothing is
 * gained by waiting, so that chain is the earliest in total order and ends at the first event of
 * the step in its group.
 *
 * No chain is deeper than the first step that the user has no event of: events of later steps are
 * as good as none, and once that depth is reached nothing behind can change the answer.
 *
 * Users whose equal times are not so simple are left to funnel_search.c.
 */
#include "engine/query/funnel/funnel_attempt.h"

#include <string.h>

#include "engine/base/assert.h"

#define NONE RC_FUNNEL_NONE

/* One user's pass. */
struct pass {
    const struct rc_funnel_rules *rules;
    const struct rc_hit *hits;
    uint32_t count;
    int64_t entry_until_ms;
    uint64_t mask; /* Steps that a chain can come to. */
    uint32_t depth;
    uint32_t chosen_entry; /* Of the attempt that first reached depth. */
    uint32_t first_entry;  /* The first and the last event of step 0 in the group at hand. */
    uint32_t last_entry;
    uint32_t entry[RC_FUNNEL_STEPS_MAX + 1];
};

/* Whether an entry's window still holds a time. Entries lie at or before it. */
static inline bool
within(const struct pass *pass, uint32_t entry, int64_t time_ms)
{
    return pass->rules->window_ms < 0 ||
           time_ms - pass->hits[entry].time_ms <= pass->rules->window_ms;
}

static inline void
reach(struct pass *pass, uint32_t depth)
{
    if (depth <= pass->depth)
        return;
    pass->depth = depth;
    /* An attempt of one step ends where it enters, so the earliest counts. */
    pass->chosen_entry = depth == 1 ? pass->first_entry : pass->entry[depth];
}

/* The steps of mask that some chain may take next. */
static inline uint64_t
open_steps(const struct pass *pass, uint64_t mask)
{
    return pass->depth >= 63 ? mask : mask & (((uint64_t)2 << pass->depth) - 1);
}

/* One step for any chain: the deepest first. */
static inline void
take_one(struct pass *pass, uint64_t mask, int64_t time_ms)
{
    for (uint64_t steps = open_steps(pass, mask); steps != 0;) {
        const uint32_t step = 63 - (uint32_t)__builtin_clzll(steps);
        steps &= ~((uint64_t)1 << step);
        if (step == 0)
            pass->entry[1] = pass->last_entry;
        else if (pass->entry[step] != NONE && within(pass, pass->entry[step], time_ms))
            pass->entry[step + 1] = pass->entry[step];
        else
            continue;
        reach(pass, step + 1);
    }
}

/* As many steps as there are, upwards. */
static void
take_many(struct pass *pass, uint64_t mask, int64_t time_ms)
{
    for (uint64_t steps = mask; steps != 0; steps &= steps - 1) {
        const uint32_t step = (uint32_t)__builtin_ctzll(steps);
        if (step == 0)
            pass->entry[1] = pass->last_entry;
        else if (pass->entry[step] != NONE && within(pass, pass->entry[step], time_ms))
            pass->entry[step + 1] = pass->entry[step];
        else
            continue;
        reach(pass, step + 1);
    }
}

static inline uint64_t
mask_at(const struct pass *pass, uint32_t hit)
{
    const uint64_t mask = pass->hits[hit].mask & pass->mask;
    return pass->hits[hit].time_ms > pass->entry_until_ms ? mask & ~(uint64_t)1 : mask;
}

/* Takes the group that begins at begin; returns its end, or NONE when it is not simple. */
static uint32_t
take_group(struct pass *pass, uint32_t begin)
{
    const int64_t time_ms = pass->hits[begin].time_ms;
    uint32_t end = begin;
    uint64_t mask = 0;
    bool simple = true;
    for (; end < pass->count && pass->hits[end].time_ms == time_ms; end++) {
        const uint64_t mine = mask_at(pass, end);
        if ((mine & ~mask & 1) != 0)
            pass->first_entry = end;
        if ((mine & 1) != 0)
            pass->last_entry = end;
        simple = simple && (mine & (mine - 1)) == 0;
        mask |= mine;
    }
    if (end - begin == 1 || pass->rules->strict_times)
        take_one(pass, mask, time_ms);
    else if (simple)
        take_many(pass, mask, time_ms);
    else
        return NONE;
    return end;
}

/* Where the search for the step behind hit begins. */
static uint32_t
search_begin(const struct pass *pass, uint32_t hit)
{
    const int64_t time_ms = pass->hits[hit].time_ms;
    if (pass->rules->strict_times) {
        while (hit < pass->count && pass->hits[hit].time_ms == time_ms)
            hit++;
        return hit;
    }
    while (hit > 0 && pass->hits[hit - 1].time_ms == time_ms)
        hit--;
    return hit;
}

static void
find_chain(const struct pass *pass, struct rc_funnel_attempt *ret_attempt)
{
    ret_attempt->depth = pass->depth;
    ret_attempt->filled = rc_funnel_below(pass->depth);
    ret_attempt->hits[0] = pass->chosen_entry;
    for (uint32_t step = 1; step < pass->depth; step++) {
        const uint32_t previous = ret_attempt->hits[step - 1];
        uint32_t at = search_begin(pass, previous);
        while (at < pass->count && (((pass->hits[at].mask >> step) & 1) == 0 || at == previous))
            at++;
        RC_ASSERT(at < pass->count);
        ret_attempt->hits[step] = at;
    }
}

bool
rc_funnel_quick(const struct rc_funnel_rules *rules,
                const struct rc_hit *hits,
                uint32_t count,
                struct rc_funnel_attempt *ret_attempt)
{
    struct pass pass;
    uint32_t first = 0;
    uint64_t any = 0;
    ret_attempt->depth = 0;
    while (first < count && (hits[first].mask & 1) == 0)
        first++;
    if (first == count)
        return true;
    /* Others of the first entry's time may stand before it. */
    uint32_t begin = first;
    while (begin > 0 && hits[begin - 1].time_ms == hits[first].time_ms)
        begin--;
    for (uint32_t i = begin; i < count; i++)
        any |= hits[i].mask;
    if ((any & 2) == 0) { /* Most users: no event of the second step. */
        ret_attempt->depth = 1;
        ret_attempt->filled = 1;
        ret_attempt->hits[0] = first;
        return true;
    }
    const uint32_t bound = any == UINT64_MAX ? 64 : (uint32_t)__builtin_ctzll(~any);
    pass.rules = rules;
    pass.hits = hits;
    pass.count = count;
    pass.entry_until_ms = rules->first_only ? hits[first].time_ms : INT64_MAX;
    pass.mask = rc_funnel_below(bound);
    pass.depth = 0;
    pass.chosen_entry = NONE;
    memset(pass.entry, 0xff, (bound + 1) * sizeof(pass.entry[0]));
    for (uint32_t at = begin; at < count && pass.depth < bound;) {
        at = take_group(&pass, at);
        if (at == NONE)
            return false;
    }
    find_chain(&pass, ret_attempt);
    return true;
}
