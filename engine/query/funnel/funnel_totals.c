/*
 * Funnel totals. Open attempts of one depth stand in a queue, the oldest first. No attempt
 * overtakes another: they enter a depth in the order of their entries, so both their windows end in
 * that order too, and those that are past theirs are taken off the front. An event looks at the
 * queues of the steps that it matches, from the deepest, and advances the first that it can:
 * constant time for each step that an event matches.
 *
 * With strict steps an attempt is broken by an event of another step than its last and its next one
 * that lies strictly between in time. So once the time goes on, what its events break is taken off
 * the fronts: the attempts that were there before that time, which stand before those that came to
 * their depth at it.
 *
 * A queue is a list through the attempts.
 */
#include "engine/query/funnel/funnel_totals.h"

#include <string.h>

#define NONE RC_FUNNEL_NONE
#define EVENTS_BETWEEN_LOOKS 4096u

struct open_attempt {
    int64_t deadline_ms;
    int64_t last_ms;
    uint32_t depth;
    uint32_t next;
    size_t hits; /* In totals->hits: a place for each step. */
};

struct rc_funnel_totals {
    const struct rc_funnel_rules *rules;
    struct rc_account *account;
    struct open_attempt *attempts;
    size_t attempt_capacity;
    uint32_t attempt_count;
    uint32_t *hits; /* step_count an attempt. */
    size_t hit_capacity;
    uint64_t open;   /* Depths whose queue is not empty, a bit each. */
    int64_t at_ms;   /* Strict steps: the time of the event before, */
    uint64_t broken; /* and the depths at which events of that time break attempts. */
    uint32_t first[RC_FUNNEL_STEPS_MAX];
    uint32_t last[RC_FUNNEL_STEPS_MAX];
};

enum rc_status
rc_funnel_totals_new(const struct rc_funnel_rules *rules,
                     struct rc_account *account,
                     struct rc_funnel_totals **ret_totals)
{
    struct rc_funnel_totals *totals = rc_alloc_in(account, sizeof(*totals));
    if (totals == NULL)
        return RC_NO_MEMORY;
    memset(totals, 0, sizeof(*totals));
    totals->rules = rules;
    totals->account = account;
    *ret_totals = totals;
    return RC_OK;
}

struct rc_funnel_totals *
rc_funnel_totals_free(struct rc_funnel_totals *totals)
{
    if (totals == NULL)
        return NULL;
    rc_alloc_free(totals->attempts);
    rc_alloc_free(totals->hits);
    return rc_alloc_free(totals);
}

static enum rc_status
grow(struct rc_funnel_totals *totals)
{
    const size_t steps = totals->rules->step_count;
    const size_t needed = (size_t)totals->attempt_count + 1;
    RC_TRY(RC_GROW_IN(totals->account, totals->attempts, totals->attempt_capacity, needed));
    return RC_GROW_IN(totals->account, totals->hits, totals->hit_capacity, needed * steps);
}

/* depth: 1 .. step_count - 1. */
static void
push(struct rc_funnel_totals *totals, uint32_t attempt, uint32_t depth)
{
    totals->attempts[attempt].next = NONE;
    if (((totals->open >> depth) & 1) == 0)
        totals->first[depth] = attempt;
    else
        totals->attempts[totals->last[depth]].next = attempt;
    totals->last[depth] = attempt;
    totals->open |= (uint64_t)1 << depth;
}

static void
pop(struct rc_funnel_totals *totals, uint32_t depth)
{
    totals->first[depth] = totals->attempts[totals->first[depth]].next;
    if (totals->first[depth] == NONE)
        totals->open &= ~((uint64_t)1 << depth);
}

/* The depths at which an event that matches these steps breaks an attempt: there it matches another
 * one than the last filled and the next. */
static uint64_t
depths_broken_by(uint64_t steps)
{
    const uint64_t lowest = steps & -steps;
    const uint64_t others = steps ^ lowest;
    if (steps == 0)
        return 0;
    if (others == 0)
        return ~(lowest | lowest << 1);
    return others == lowest << 1 ? ~others : UINT64_MAX;
}

/* Takes off what the events before time_ms break, and notes what one at time_ms does. */
static void
break_attempts(struct rc_funnel_totals *totals, const struct rc_funnel_event *event)
{
    if (event->time_ms != totals->at_ms) {
        for (uint64_t depths = totals->open & totals->broken; depths != 0; depths &= depths - 1) {
            const uint32_t depth = (uint32_t)__builtin_ctzll(depths);
            while (((totals->open >> depth) & 1) != 0 &&
                   totals->attempts[totals->first[depth]].last_ms < totals->at_ms)
                pop(totals, depth);
        }
        totals->broken = 0;
        totals->at_ms = event->time_ms;
    }
    totals->broken |= depths_broken_by(event->raw);
}

static bool
is_late(const struct rc_funnel_totals *totals, const struct open_attempt *attempt, int64_t time_ms)
{
    const int64_t *windows_ms = totals->rules->step_windows_ms;
    return time_ms > attempt->deadline_ms ||
           (windows_ms != NULL && windows_ms[attempt->depth] >= 0 &&
            time_ms - attempt->last_ms > windows_ms[attempt->depth]);
}

/* Advances the oldest open attempt of a depth by an event, if there is one in time. */
static bool
advance(struct rc_funnel_totals *totals, uint32_t depth, const struct rc_funnel_event *event)
{
    while (((totals->open >> depth) & 1) != 0 &&
           is_late(totals, &totals->attempts[totals->first[depth]], event->time_ms))
        pop(totals, depth);
    if (((totals->open >> depth) & 1) == 0)
        return false;
    const uint32_t index = totals->first[depth];
    struct open_attempt *attempt = &totals->attempts[index];
    if (totals->rules->strict_times && event->time_ms == attempt->last_ms)
        return false; /* So are those behind it. */
    pop(totals, depth);
    totals->hits[attempt->hits + depth] = event->hit;
    attempt->last_ms = event->time_ms;
    attempt->depth = depth + 1;
    if (attempt->depth < totals->rules->step_count)
        push(totals, index, attempt->depth);
    return true;
}

static enum rc_status
open_attempt(struct rc_funnel_totals *totals, const struct rc_funnel_event *event)
{
    RC_TRY(grow(totals));
    const uint32_t index = totals->attempt_count++;
    totals->attempts[index] = (struct open_attempt){
        .deadline_ms = rc_funnel_deadline(totals->rules, event->time_ms),
        .last_ms = event->time_ms,
        .depth = 1,
        .hits = (size_t)index * totals->rules->step_count,
    };
    totals->hits[totals->attempts[index].hits] = event->hit;
    if (totals->rules->step_count > 1)
        push(totals, index, 1);
    return RC_OK;
}

/* The first event that is not before a time. */
static uint32_t
first_event(const struct rc_funnel_problem *problem, int64_t time_ms)
{
    uint32_t low = 0;
    uint32_t high = problem->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (problem->events[middle].time_ms < time_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

enum rc_status
rc_funnel_totals_run(struct rc_funnel_totals *totals,
                     const struct rc_funnel_problem *problem,
                     const struct rc_funnel_span *span,
                     enum rc_status (*take)(void *context, const struct rc_funnel_attempt *attempt),
                     void *context)
{
    totals->attempt_count = 0;
    totals->open = 0;
    totals->broken = 0;
    totals->at_ms = span->from_ms;
    for (uint32_t i = first_event(problem, span->from_ms); i < problem->count; i++) {
        const struct rc_funnel_event *event = &problem->events[i];
        bool advanced = false;
        if (i % EVENTS_BETWEEN_LOOKS == 0 && rc_funnel_cancelled(totals->rules))
            return RC_CANCELLED;
        if (event->time_ms >= span->until_ms && totals->open == 0)
            break;
        if (totals->rules->order == RC_FUNNEL_STRICT_STEPS)
            break_attempts(totals, event);
        for (uint64_t steps = event->fill & totals->open; steps != 0 && !advanced;) {
            const uint32_t depth = 63 - (uint32_t)__builtin_clzll(steps);
            steps &= ~((uint64_t)1 << depth);
            advanced = advance(totals, depth, event);
        }
        if (!advanced && (event->fill & 1) != 0 && event->time_ms < span->until_ms)
            RC_TRY(open_attempt(totals, event));
    }
    for (uint32_t i = 0; i < totals->attempt_count; i++) {
        const struct open_attempt *open = &totals->attempts[i];
        struct rc_funnel_attempt attempt;
        attempt.depth = open->depth;
        attempt.filled = rc_funnel_below(open->depth);
        memcpy(attempt.hits, totals->hits + open->hits, open->depth * sizeof(attempt.hits[0]));
        RC_TRY(take(context, &attempt));
    }
    return RC_OK;
}
