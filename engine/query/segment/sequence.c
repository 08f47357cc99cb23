/*
 * Sequence. Events are taken in groups of equal time. For each step there is the latest first event
 * that a chain up to it can have begun with, since a later beginning can do all that an earlier one
 * can; kept as
 *   ripe   of chains whose last event is long enough ago for the next step's least time,
 *   young  the others, by time, of steps whose next step has a least time,
 *   last   of chains whose last event is in the group before, for a next step that is adjacent.
 *
 * Inside a group events take steps in whichever order, so what a group can add to a chain of i
 * steps is as many of the steps behind as can be given different events of it: found by augmenting
 * paths. A group is mostly one event, and then the first step behind is all there is.
 *
 * A match that ends inside a group ends at the least prefix of it that completes a chain: looked
 * for in steps that double, so that a group of a million events is still read a few times and not a
 * million times.
 */
#include "engine/query/segment/sequence.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/limits.h"

#define NEVER INT64_MIN
#define NONE UINT32_MAX

/* A chain up to some step: when it began, and when it was there. */
struct chain {
    int64_t begun_ms;
    int64_t there_ms;
};

/* Chains up to a step that wait for the least time of the next. */
struct young {
    uint32_t first;
    uint32_t count;
    size_t capacity;
    struct chain *chains;
};

struct rc_sequence {
    struct rc_account *account;
    const struct rc_behaviour *behaviour;
    uint32_t step_count;
    int64_t ripe[RC_FUNNEL_STEPS_MAX]; /* By step before: of chains of i + 1 steps. */
    struct chain last[RC_FUNNEL_STEPS_MAX];
    struct young young[RC_FUNNEL_STEPS_MAX];
    int64_t before_ms; /* Of the group before; NEVER: there is none. */
    /* A group's. */
    size_t owner_capacity;
    uint32_t *owners; /* By event of the group: the step that has it. */
    uint32_t *seen;   /* The augmentation that looked at it last. */
    uint32_t turn;
};

enum rc_status
rc_sequence_new(const struct rc_behaviour *behaviour,
                struct rc_account *account,
                struct rc_sequence **ret_sequence)
{
    RC_ASSERT(behaviour->step_count >= 2 && behaviour->step_count <= RC_FUNNEL_STEPS_MAX);
    struct rc_sequence *sequence = rc_alloc_in(account, sizeof(*sequence));
    if (sequence == NULL)
        return RC_NO_MEMORY;
    memset(sequence, 0, sizeof(*sequence));
    sequence->account = account;
    sequence->behaviour = behaviour;
    sequence->step_count = behaviour->step_count;
    *ret_sequence = sequence;
    return RC_OK;
}

struct rc_sequence *
rc_sequence_free(struct rc_sequence *sequence)
{
    if (sequence == NULL)
        return NULL;
    for (uint32_t i = 0; i < sequence->step_count; i++)
        rc_alloc_free(sequence->young[i].chains);
    rc_alloc_free(sequence->owners);
    rc_alloc_free(sequence->seen);
    return rc_alloc_free(sequence);
}

/* Forgets all chains: a match ended, or a person begins. */
static void
forget(struct rc_sequence *sequence)
{
    for (uint32_t i = 0; i < sequence->step_count; i++) {
        sequence->ripe[i] = NEVER;
        sequence->last[i] = (struct chain){.begun_ms = NEVER};
        sequence->young[i].first = 0;
        sequence->young[i].count = 0;
    }
}

/* Chains that have waited long enough at time_ms. */
static void
ripen(struct rc_sequence *sequence, int64_t time_ms)
{
    for (uint32_t i = 0; i + 1 < sequence->step_count; i++) {
        struct young *young = &sequence->young[i];
        const int64_t least_ms = sequence->behaviour->steps[i + 1].least_ms;
        while (young->first < young->count &&
               time_ms - young->chains[young->first].there_ms >= least_ms) {
            const int64_t begun_ms = young->chains[young->first++].begun_ms;
            sequence->ripe[i] = begun_ms > sequence->ripe[i] ? begun_ms : sequence->ripe[i];
        }
    }
}

/* When the best chain of so many steps began that an event at time_ms can follow; NEVER: none. */
static int64_t
begun(const struct rc_sequence *sequence, uint32_t steps, int64_t time_ms)
{
    const struct rc_behaviour *behaviour = sequence->behaviour;
    if (steps == 0)
        return time_ms;
    int64_t begun_ms = sequence->ripe[steps - 1];
    if (behaviour->steps[steps].adjacent) {
        const struct chain *last = &sequence->last[steps - 1];
        const bool follows = last->begun_ms != NEVER && last->there_ms == sequence->before_ms &&
                             time_ms - last->there_ms >= behaviour->steps[steps].least_ms;
        begun_ms = follows ? last->begun_ms : NEVER;
    }
    if (begun_ms != NEVER && behaviour->within_ms >= 0 && time_ms - begun_ms > behaviour->within_ms)
        return NEVER;
    return begun_ms;
}

/* Finds an event for step, moving the events of other steps where that helps. */
static bool
augment(struct rc_sequence *sequence, const struct rc_hit *group, uint32_t count, uint32_t step)
{
    const uint64_t bit = (uint64_t)1 << step;
    for (uint32_t i = 0; i < count; i++)
        if ((group[i].mask & bit) != 0 && sequence->owners[i] == NONE) {
            sequence->owners[i] = step;
            return true;
        }
    for (uint32_t i = 0; i < count; i++) {
        if ((group[i].mask & bit) == 0 || sequence->seen[i] == sequence->turn)
            continue;
        sequence->seen[i] = sequence->turn;
        if (augment(sequence, group, count, sequence->owners[i])) {
            sequence->owners[i] = step;
            return true;
        }
    }
    return false;
}

/* How many of the steps behind the first so many the group's events can fill. */
static uint32_t
reach(struct rc_sequence *sequence, const struct rc_hit *group, uint32_t count, uint32_t steps)
{
    const struct rc_behaviour *behaviour = sequence->behaviour;
    uint32_t filled = 0;
    if (count == 1)
        return (group->mask >> steps) & 1;
    for (uint32_t i = 0; i < count; i++)
        sequence->owners[i] = NONE;
    for (uint32_t step = steps; step < sequence->step_count; step++) {
        /* Within a group no time passes. */
        if (filled > 0 && behaviour->steps[step].least_ms > 0)
            break;
        sequence->turn++;
        if (!augment(sequence, group, count, step))
            break;
        filled++;
    }
    return filled;
}

static bool
completes(struct rc_sequence *sequence, const struct rc_hit *group, uint32_t count)
{
    for (uint32_t steps = sequence->step_count; steps-- > 0;)
        if (begun(sequence, steps, group->time_ms) != NEVER &&
            steps + reach(sequence, group, count, steps) == sequence->step_count)
            return true;
    return false;
}

/* How many of the group's first events complete a match; 0: all of them do not. */
static uint32_t
match_length(struct rc_sequence *sequence, const struct rc_hit *group, uint32_t count)
{
    uint32_t high = 1; /* Long enough, once it is. */
    while (!completes(sequence, group, high)) {
        if (high == count)
            return 0;
        high = high > count / 2 ? count : 2 * high;
    }
    uint32_t low = high / 2; /* Not long enough. */
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (completes(sequence, group, middle))
            high = middle;
        else
            low = middle;
    }
    return high;
}

static enum rc_status
add_chain(struct rc_sequence *sequence, uint32_t steps, int64_t begun_ms, int64_t time_ms)
{
    const uint32_t at = steps - 1;
    struct chain *last = &sequence->last[at];
    if (last->begun_ms == NEVER || last->there_ms != time_ms || begun_ms > last->begun_ms)
        *last = (struct chain){.begun_ms = begun_ms, .there_ms = time_ms};
    struct young *young = &sequence->young[at];
    if (young->first == young->count) {
        young->first = 0;
        young->count = 0;
    }
    RC_TRY(RC_GROW_IN(sequence->account, young->chains, young->capacity, (size_t)young->count + 1));
    young->chains[young->count++] = (struct chain){.begun_ms = begun_ms, .there_ms = time_ms};
    return RC_OK;
}

/* Adds the chains that end in a group without a match. */
static enum rc_status
absorb(struct rc_sequence *sequence, const struct rc_hit *group, uint32_t count)
{
    const int64_t time_ms = group->time_ms;
    int64_t best_ms[RC_FUNNEL_STEPS_MAX];
    for (uint32_t i = 0; i < sequence->step_count; i++)
        best_ms[i] = NEVER;
    for (uint32_t steps = 0; steps + 1 < sequence->step_count; steps++) {
        const int64_t begun_ms = begun(sequence, steps, time_ms);
        const uint32_t filled = begun_ms == NEVER ? 0 : reach(sequence, group, count, steps);
        for (uint32_t i = steps; i < steps + filled; i++)
            best_ms[i] = begun_ms > best_ms[i] ? begun_ms : best_ms[i];
    }
    for (uint32_t i = 0; i + 1 < sequence->step_count; i++)
        if (best_ms[i] != NEVER)
            RC_TRY(add_chain(sequence, i + 1, best_ms[i], time_ms));
    return RC_OK;
}

static enum rc_status
reserve_group(struct rc_sequence *sequence, uint32_t count)
{
    size_t capacity = sequence->owner_capacity;
    RC_TRY(RC_GROW_IN(sequence->account, sequence->seen, capacity, count));
    RC_TRY(RC_GROW_IN(sequence->account, sequence->owners, sequence->owner_capacity, count));
    memset(sequence->seen, 0, count * sizeof(*sequence->seen));
    sequence->turn = 0;
    return RC_OK;
}

enum rc_status
rc_sequence_count(struct rc_sequence *sequence,
                  const struct rc_hit *hits,
                  uint32_t count,
                  uint32_t *ret_matches)
{
    uint32_t matches = 0;
    uint32_t end = 0;
    forget(sequence);
    sequence->before_ms = NEVER;
    for (uint32_t at = 0; at < count; at = end) {
        while (end < count && hits[end].time_ms == hits[at].time_ms)
            end++;
        RC_TRY(reserve_group(sequence, end - at));
        ripen(sequence, hits[at].time_ms);
        while (at < end) {
            const uint32_t length = match_length(sequence, hits + at, end - at);
            if (length == 0)
                break;
            matches++;
            at += length;
            forget(sequence);
        }
        if (at < end)
            RC_TRY(absorb(sequence, hits + at, end - at));
        sequence->before_ms = hits[end - 1].time_ms;
    }
    *ret_matches = matches;
    return RC_OK;
}
