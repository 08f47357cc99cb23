/*
 * Ties. Hits fall into groups of equal time. Inside a group a chain takes consecutive steps with
 * distinct events: a matching of steps to events (augmenting paths). Going as deep as possible in a
 * group is never worse for depth, so the depth of a user comes from one pass forward, as in
 * funnel_attempt.c.
 *
 * Which chain an entry has is another matter: the earliest in total order may take an event now
 * that a deeper step of this group would need, if that step can still be taken later within the
 * window. So each choice of the chain asks: if this event takes this step, can the rest be reached
 * in time? done[g][k] answers for the groups behind: the group in which a chain of k steps that
 * enters group g is complete at the earliest, from one pass backward.
 *
 * Only a step's first CANDIDATES events of a group are looked at: a chain uses at most 64 events of
 * a group, and a matching of the other steps as many again, so 128 always leave a free one.
 *
 * Entries are tried from the latest to the earliest: first those that can be complete in the first
 * group in which anybody can (best_group); if one ends at the group's first event of the last step,
 * none can beat it. Else all entries that could end before the best so far are tried too.
 */
#include "engine/query/funnel_ties.h"

#include <string.h>

#include "engine/base/assert.h"

#define NONE UINT32_MAX
#define CANDIDATES (2 * RC_FUNNEL_STEPS_MAX)
#define EVENTS_MAX (CANDIDATES * RC_FUNNEL_STEPS_MAX)
#define NO_STEP UINT8_MAX

struct rc_funnel_ties {
    struct rc_funnel_rules rules;
    struct rc_account *account;
    const struct rc_hit *hits;
    uint32_t count;
    int64_t entry_until_ms;
    uint32_t depth; /* The deepest that anybody gets. */
    uint32_t best_group;
    uint32_t group_count;
    uint32_t *groups; /* group_count + 1 starts. */
    size_t group_capacity;
    uint32_t *done; /* [group_count + 1][depth + 1]. */
    size_t done_capacity;
    /* The group at hand: its events that are candidates of some step, in order. */
    uint32_t loaded;
    uint32_t event_count;
    uint32_t events[EVENTS_MAX];
    bool used[EVENTS_MAX];     /* By the chain. */
    uint8_t owner[EVENTS_MAX]; /* The step of the matching, or NO_STEP. */
    uint32_t seen[EVENTS_MAX];
    uint32_t stamp;
    uint16_t candidate_count[RC_FUNNEL_STEPS_MAX];
    uint16_t candidates[RC_FUNNEL_STEPS_MAX][CANDIDATES]; /* Indexes into events. */
};

enum rc_status
rc_funnel_ties_new(const struct rc_funnel_rules *rules,
                   struct rc_account *account,
                   struct rc_funnel_ties **ret_ties)
{
    struct rc_funnel_ties *ties = rc_alloc_in(account, sizeof(*ties));
    if (ties == NULL)
        return RC_NO_MEMORY;
    memset(ties, 0, sizeof(*ties));
    ties->rules = *rules;
    ties->account = account;
    *ret_ties = ties;
    return RC_OK;
}

struct rc_funnel_ties *
rc_funnel_ties_free(struct rc_funnel_ties *ties)
{
    if (ties == NULL)
        return NULL;
    rc_alloc_free(ties->groups);
    rc_alloc_free(ties->done);
    return rc_alloc_free(ties);
}

static uint64_t
mask_at(const struct rc_funnel_ties *ties, uint32_t hit)
{
    const uint64_t mask = ties->hits[hit].mask;
    return ties->hits[hit].time_ms > ties->entry_until_ms ? mask & ~(uint64_t)1 : mask;
}

static int64_t
group_time(const struct rc_funnel_ties *ties, uint32_t group)
{
    return ties->hits[ties->groups[group]].time_ms;
}

/* An uninitialised array of at least count elements. */
static enum rc_status
ensure(const struct rc_funnel_ties *ties, uint32_t **array, size_t *capacity, size_t count)
{
    if (count <= *capacity)
        return RC_OK;
    *array = rc_alloc_free(*array);
    *capacity = 0;
    *array = rc_alloc_in(ties->account, count * sizeof(**array));
    if (*array == NULL)
        return RC_NO_MEMORY;
    *capacity = count;
    return RC_OK;
}

static enum rc_status
find_groups(struct rc_funnel_ties *ties)
{
    RC_TRY(ensure(ties, &ties->groups, &ties->group_capacity, (size_t)ties->count + 1));
    ties->group_count = 0;
    for (uint32_t i = 0; i < ties->count; i++)
        if (i == 0 || ties->hits[i].time_ms != ties->hits[i - 1].time_ms)
            ties->groups[ties->group_count++] = i;
    ties->groups[ties->group_count] = ties->count;
    ties->loaded = NONE;
    return RC_OK;
}

/* Lists the candidates of a group. */
static void
load(struct rc_funnel_ties *ties, uint32_t group)
{
    if (ties->loaded == group) {
        memset(ties->used, 0, ties->event_count * sizeof(ties->used[0]));
        return;
    }
    ties->loaded = group;
    ties->event_count = 0;
    memset(ties->candidate_count, 0, ties->rules.step_count * sizeof(ties->candidate_count[0]));
    for (uint32_t hit = ties->groups[group]; hit < ties->groups[group + 1]; hit++) {
        bool taken = false;
        for (uint64_t steps = mask_at(ties, hit); steps != 0; steps &= steps - 1) {
            const uint32_t step = (uint32_t)__builtin_ctzll(steps);
            if (ties->candidate_count[step] == CANDIDATES)
                continue;
            ties->candidates[step][ties->candidate_count[step]++] = (uint16_t)ties->event_count;
            taken = true;
        }
        if (!taken)
            continue;
        ties->events[ties->event_count] = hit;
        ties->used[ties->event_count] = false;
        ties->seen[ties->event_count] = 0;
        ties->event_count++;
    }
    ties->stamp = 0;
}

/* Finds an event for step, moving others to other events where that helps. */
static bool
augment(struct rc_funnel_ties *ties, uint32_t step)
{
    for (uint32_t i = 0; i < ties->candidate_count[step]; i++) {
        const uint16_t event = ties->candidates[step][i];
        if (ties->used[event] || ties->seen[event] == ties->stamp)
            continue;
        ties->seen[event] = ties->stamp;
        if (ties->owner[event] == NO_STEP || augment(ties, ties->owner[event])) {
            ties->owner[event] = (uint8_t)step;
            return true;
        }
    }
    return false;
}

/* How many steps a chain of steps steps has after taking all that it can in the group at hand, up
 * to limit. */
static uint32_t
extend(struct rc_funnel_ties *ties, uint32_t steps, uint32_t limit)
{
    memset(ties->owner, NO_STEP, ties->event_count * sizeof(ties->owner[0]));
    while (steps < limit) {
        ties->stamp++;
        if (!augment(ties, steps))
            break;
        steps++;
    }
    return steps;
}

static bool
within(const struct rc_funnel_ties *ties, int64_t entry_ms, int64_t time_ms)
{
    return ties->rules.window_ms < 0 || time_ms - entry_ms <= ties->rules.window_ms;
}

/* Forward: the depth, and the first group in which it is reached. */
static void
find_depth(struct rc_funnel_ties *ties)
{
    int64_t entry_ms[RC_FUNNEL_STEPS_MAX + 1];
    int64_t before_ms[RC_FUNNEL_STEPS_MAX + 1];
    const uint32_t steps = ties->rules.step_count;
    ties->depth = 0;
    for (uint32_t group = 0; group < ties->group_count; group++) {
        const int64_t time_ms = group_time(ties, group);
        load(ties, group);
        memcpy(before_ms, entry_ms, (ties->depth + 1) * sizeof(entry_ms[0]));
        const uint32_t depth_before = ties->depth;
        /* Deepest first, so that the latest entry has the last word. */
        for (uint32_t k = depth_before + 1; k-- > 0;) {
            if (k > 0 && !within(ties, before_ms[k], time_ms))
                continue;
            const uint32_t end = extend(ties, k, steps);
            for (uint32_t j = k + 1; j <= end; j++)
                entry_ms[j] = k == 0 ? time_ms : before_ms[k];
            if (end > ties->depth) {
                ties->depth = end;
                ties->best_group = group;
            }
        }
    }
}

/* Backward: done. */
static enum rc_status
find_done(struct rc_funnel_ties *ties)
{
    const size_t width = (size_t)ties->depth + 1;
    RC_TRY(
        ensure(ties, &ties->done, &ties->done_capacity, ((size_t)ties->group_count + 1) * width));
    memset(ties->done + ties->group_count * width, 0xff, width * sizeof(uint32_t));
    for (uint32_t group = ties->group_count; group-- > 0;) {
        uint32_t *row = ties->done + group * width;
        load(ties, group);
        row[0] = NONE;
        for (uint32_t k = 1; k < ties->depth; k++) {
            const uint32_t end = extend(ties, k, ties->depth);
            row[k] = end == ties->depth ? group : row[width + end];
        }
        row[ties->depth] = group;
    }
    return RC_OK;
}

/* The group in which a chain of steps steps behind group is complete, if in time; else NONE. */
static uint32_t
done_behind(const struct rc_funnel_ties *ties, uint32_t group, uint32_t steps, int64_t entry_ms)
{
    const uint32_t done = ties->done[((size_t)group + 1) * (ties->depth + 1) + steps];
    return done != NONE && within(ties, entry_ms, group_time(ties, done)) ? done : NONE;
}

/* Marks a hit of the group at hand as used by the chain. */
static void
use_hit(struct rc_funnel_ties *ties, uint32_t hit, bool used)
{
    uint32_t low = 0;
    uint32_t high = ties->event_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (ties->events[middle] < hit)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < ties->event_count && ties->events[low] == hit)
        ties->used[low] = used;
}

/* The group in which an entry can be complete at the earliest, or NONE. */
static uint32_t
entry_done(struct rc_funnel_ties *ties, uint32_t group, uint32_t hit)
{
    load(ties, group);
    use_hit(ties, hit, true);
    const uint32_t end = extend(ties, 1, ties->depth);
    use_hit(ties, hit, false);
    return end == ties->depth ? group : done_behind(ties, group, end, ties->hits[hit].time_ms);
}

/* The chain of an entry that can be complete. */
static void
find_chain(struct rc_funnel_ties *ties, uint32_t group, struct rc_funnel_attempt *attempt)
{
    const int64_t entry_ms = ties->hits[attempt->hits[0]].time_ms;
    uint32_t steps = 1;
    load(ties, group);
    use_hit(ties, attempt->hits[0], true);
    while (steps < ties->depth) {
        bool taken = false;
        for (uint32_t i = 0; i < ties->candidate_count[steps] && !taken; i++) {
            const uint16_t event = ties->candidates[steps][i];
            if (ties->used[event])
                continue;
            ties->used[event] = true;
            const uint32_t end = extend(ties, steps + 1, ties->depth);
            taken = end == ties->depth || done_behind(ties, group, end, entry_ms) != NONE;
            if (taken)
                attempt->hits[steps] = ties->events[event];
            else
                ties->used[event] = false;
        }
        if (taken) {
            steps++;
            continue;
        }
        group++;
        RC_ASSERT(group < ties->group_count);
        load(ties, group);
    }
    attempt->depth = ties->depth;
}

/* Tries entries, latest first, whose earliest end is best_group (first) or behind it
 * (not first). */
static void
try_entries(struct rc_funnel_ties *ties,
            bool first,
            uint32_t least_last,
            struct rc_funnel_attempt *best)
{
    struct rc_funnel_attempt attempt;
    const uint32_t depth = ties->depth;
    for (uint32_t group = ties->group_count; group-- > 0;) {
        for (uint32_t hit = ties->groups[group + 1]; hit-- > ties->groups[group];) {
            if ((mask_at(ties, hit) & 1) == 0)
                continue;
            const uint32_t done = entry_done(ties, group, hit);
            if (done == NONE || first != (done == ties->best_group))
                continue;
            if (best->depth > 0 && ties->groups[done] > best->hits[depth - 1])
                continue;
            attempt.hits[0] = hit;
            find_chain(ties, group, &attempt);
            const uint32_t last = attempt.hits[depth - 1];
            if (best->depth == 0 || last < best->hits[depth - 1] ||
                (last == best->hits[depth - 1] && hit > best->hits[0]))
                *best = attempt;
            if (best->hits[depth - 1] == least_last)
                return;
        }
    }
}

enum rc_status
rc_funnel_ties_choose(struct rc_funnel_ties *ties,
                      const struct rc_hit *hits,
                      uint32_t count,
                      int64_t entry_until_ms,
                      struct rc_funnel_attempt *ret_attempt)
{
    ties->hits = hits;
    ties->count = count;
    ties->entry_until_ms = entry_until_ms;
    ret_attempt->depth = 0;
    RC_TRY(find_groups(ties));
    find_depth(ties);
    if (ties->depth == 0)
        return RC_OK;
    RC_TRY(find_done(ties));
    uint32_t least_last = ties->groups[ties->best_group];
    while (((mask_at(ties, least_last) >> (ties->depth - 1)) & 1) == 0)
        least_last++;
    try_entries(ties, true, least_last, ret_attempt);
    RC_ASSERT(ret_attempt->depth == ties->depth);
    if (ret_attempt->hits[ties->depth - 1] != least_last)
        try_entries(ties, false, least_last, ret_attempt);
    return RC_OK;
}
