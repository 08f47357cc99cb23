/*
 * Funnel scan, further: events of the steps behind the first, person by person, by the rule of
 * rc_funnel_quick: the latest entry from which k steps have been reached. Entries are looked for
 * when they are needed: for events of step 2 while the user has not reached it; from then on for
 * the last of them when one of step 3 comes, since of all events of step 2 up to then it has the
 * latest entry, and if its window has closed so have the others'.
 *
 * Several events of one time may take steps in any order: who has some among those that decide is
 * odd. Rows of one time lie side by side, so a look at the neighbours' times tells.
 */
#include <string.h>

#include "engine/base/assert.h"
#include "engine/query/funnel/funnel_scan_form.h"

#define SOON_HITS 3u

/* A user's pass over the events of the steps behind the first. entry is as large as steps may be
 * many, so that it is not cleared for each user. */
struct pass {
    struct rc_funnel_scan_lane *lane;
    const struct rc_hit *hits;
    uint32_t count;
    bool timeless; /* They have no times. */
    int64_t window_ms;
    uint32_t bound; /* No chain is deeper. */
    uint32_t depth;
    uint32_t waits;       /* An event of step 2 whose entry was not looked for yet, or NONE. */
    struct rc_hit chosen; /* The entry of the attempt that first reached depth. */
    struct rc_hit entry[RC_FUNNEL_STEPS_MAX + 1]; /* By depth, from 2. */
    bool odd;
};

static inline bool
within(const struct pass *pass, uint32_t depth, int64_t time_ms)
{
    return pass->window_ms < 0 || time_ms - pass->entry[depth].time_ms <= pass->window_ms;
}

static inline void
reach(struct pass *pass, uint32_t depth)
{
    if (depth <= pass->depth)
        return;
    pass->depth = depth;
    pass->chosen = pass->entry[depth];
}

/* An event with its time. */
static inline struct rc_hit
event_at(const struct pass *pass, uint32_t at)
{
    struct rc_hit event = pass->hits[at];
    if (pass->timeless)
        event.time_ms = rc_funnel_entries_time_ms(pass->lane->entries, &event);
    return event;
}

/* Whether one of the events that are fed has the time of another event. */
static inline bool
has_time_of(const struct pass *pass, uint32_t at, const struct rc_hit *event)
{
    const struct rc_hit *hit = &pass->hits[at];
    return at < pass->count && hit->time_ms == event->time_ms &&
           (hit->source != event->source || hit->row != event->row);
}

/* Whether another event may have the time of one, which stands at a place among those fed, or right
 * before it. */
static bool
is_twin(const struct pass *pass, const struct rc_hit *event, uint32_t at)
{
    if (rc_funnel_entries_has_twin(pass->lane->entries, event))
        return true;
    if (pass->timeless) /* No two slabs have the same times. */
        return false;
    return (at > 0 && has_time_of(pass, at - 1, event)) ||
           (at > 1 && has_time_of(pass, at - 2, event)) || has_time_of(pass, at, event) ||
           has_time_of(pass, at + 1, event);
}

/* An event that a chain may take, with its time: if others may be of that time the user is odd. */
static inline struct rc_hit
take_at(struct pass *pass, uint32_t at)
{
    const struct rc_hit event = event_at(pass, at);
    pass->odd = pass->odd || is_twin(pass, &event, at);
    return event;
}

/* Takes an event of step 2: the entry before it, if its window still holds the event. */
static enum rc_status
take_second(struct pass *pass, uint32_t at)
{
    enum rc_funnel_found found;
    struct rc_hit entry;
    const struct rc_hit event = take_at(pass, at);
    const int64_t from_ms = pass->window_ms < 0 || event.time_ms < INT64_MIN + pass->window_ms
                                ? INT64_MIN
                                : event.time_ms - pass->window_ms;
    const uint32_t first_row = pass->timeless ? (uint32_t)pass->hits[at].time_ms : RC_FUNNEL_NO_ROW;
    RC_TRY(
        rc_funnel_entries_before(pass->lane->entries, &event, first_row, from_ms, &found, &entry));
    pass->odd = pass->odd || found == RC_FUNNEL_TIED;
    if (found == RC_FUNNEL_ENTRY) {
        pass->entry[2] = entry;
        reach(pass, 2);
    }
    return RC_OK;
}

/* Takes an event: the deepest of its steps first, so that it fills only one of a chain. */
static enum rc_status
take_event(struct pass *pass, uint32_t at, uint64_t steps)
{
    while (steps != 0) {
        const uint32_t step = 63 - (uint32_t)__builtin_clzll(steps);
        steps &= ~((uint64_t)1 << step);
        if (step == 1) {
            pass->waits = at;
            if (pass->depth >= 2)
                continue;
        }
        if (step <= 2 && pass->waits != RC_FUNNEL_NONE) {
            RC_TRY(take_second(pass, pass->waits));
            pass->waits = RC_FUNNEL_NONE;
        }
        if (step == 1 || !within(pass, step, take_at(pass, at).time_ms))
            continue;
        pass->entry[step + 1] = pass->entry[step];
        reach(pass, step + 1);
    }
    return RC_OK;
}

/* How far the user at hand comes, and with which entry. */
static enum rc_status
run_pass(struct pass *pass)
{
    uint64_t any = 1;
    uint32_t sources = 0;
    for (uint32_t i = 0; i < pass->count; i++) {
        any |= pass->hits[i].mask;
        sources |= pass->hits[i].source;
    }
    pass->odd = (sources & RC_SOURCE_CHUNK) != 0;
    pass->bound = any == UINT64_MAX ? 64 : (uint32_t)__builtin_ctzll(~any);
    for (uint32_t i = 0; i < pass->count && pass->depth < pass->bound && !pass->odd; i++) {
        const struct rc_hit *event = &pass->hits[i];
        const uint64_t open = event->mask & rc_funnel_below(pass->bound) &
                              rc_funnel_below(pass->depth + 1) & ~(uint64_t)1;
        if (open == 0)
            continue;
        RC_TRY(take_event(pass, i, open));
    }
    return RC_OK;
}

/* Whether an event comes behind an entry, which is of another time. */
static bool
is_behind(const struct pass *pass, uint32_t at, const struct rc_hit *entry)
{
    const struct rc_hit *event = &pass->hits[at];
    if (event->source == entry->source)
        return event->row > entry->row;
    return pass->timeless
               ? rc_funnel_entries_is_behind(pass->lane->entries, event->source, entry->time_ms)
               : event->time_ms > entry->time_ms;
}

/* Finds the chosen attempt: from its entry on always the earliest event of the next step. It
 * becomes lane->chain, behind a place for the first entry of all. */
static void
find_chain(struct pass *pass)
{
    struct rc_hit *chain = pass->lane->chain;
    uint32_t at = 0;
    while (at < pass->count && !is_behind(pass, at, &pass->chosen))
        at++;
    pass->odd = is_twin(pass, &pass->chosen, at);
    chain[1] = pass->chosen;
    for (uint32_t step = 1; step < pass->depth; step++, at++) {
        while (at < pass->count && ((pass->hits[at].mask >> step) & 1) == 0)
            at++;
        RC_ASSERT(at < pass->count);
        chain[step + 1] = take_at(pass, at);
    }
}

static enum rc_status
record(struct pass *pass, const struct rc_hit *first)
{
    struct rc_funnel_lane *lane = pass->lane->lane;
    struct rc_funnel_attempt attempt = {.depth = pass->depth,
                                        .filled = rc_funnel_below(pass->depth)};
    for (uint32_t step = 0; step < pass->depth; step++)
        attempt.hits[step] = step + 1;
    pass->lane->chain[0] = *first;
    lane->hits = pass->lane->chain;
    lane->hit_count = pass->depth + 1;
    return rc_funnel_lane_add_plain(lane, &attempt, RC_FUNNEL_NO_BUCKET, NULL, NULL);
}

/* All events of a user behind the first step. */
static enum rc_status
fold_person(void *state, uint32_t person, const struct rc_hit *hits, uint32_t count)
{
    struct rc_funnel_scan_lane *lane = state;
    const struct rc_funnel_query *query = lane->scan->query;
    struct pass pass;
    if (query->expands)
        RC_TRY(rc_funnel_expand(lane->lane, &hits, count));
    pass.lane = lane;
    pass.chosen = (struct rc_hit){.mask = 1};
    pass.hits = hits;
    pass.count = count;
    pass.timeless = lane->scan->timeless;
    pass.window_ms = query->rules.window_ms;
    pass.depth = 1;
    pass.waits = RC_FUNNEL_NONE;
    pass.odd = false;
    lane->lane->person = person;
    rc_funnel_entries_of(lane->entries, person);
    RC_TRY(run_pass(&pass));
    if (!pass.odd && pass.depth == 1)
        return RC_OK;
    if (!pass.odd)
        find_chain(&pass);
    struct rc_hit first = pass.chosen;
    if (query->split != NULL) {
        enum rc_funnel_found found;
        RC_TRY(rc_funnel_entries_first(lane->entries, &found, &first));
        RC_ASSERT(found == RC_FUNNEL_ENTRY);
    }
    bool counted;
    RC_TRY(rc_funnel_scan_count(lane->lane, person, &first, UINT64_MAX, &counted)); /* One less. */
    RC_ASSERT(counted);
    if (!pass.odd)
        return record(&pass, &first);
    rc_walk_mark(lane->scan->odd, person);
    return RC_OK;
}

/* The times of a user's first events will be read. */
static void
fold_soon(void *state, const struct rc_hit *hits, uint32_t count)
{
    const struct rc_funnel_scan_lane *lane = state;
    for (uint32_t i = 0; i < count && i < SOON_HITS; i++)
        rc_funnel_entries_soon(lane->entries, &hits[i]);
}

enum rc_status
rc_funnel_scan_further(struct rc_funnel_scan *scan, uint64_t *hit_count)
{
    struct rc_plan *plan = &scan->further;
    void **states = RC_ARENA_ARRAY(scan->query->context->arena, void *, scan->lane_count);
    if (states == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < scan->lane_count; i++) {
        states[i] = &scan->lanes[i];
        RC_TRY(rc_funnel_entries_new(&scan->entrants, &scan->lanes[i].entries));
    }
    plan->persons = scan->entered;
    const struct rc_fold fold = {
        .purpose = "further steps of entrants",
        .ordered = true,
        .timeless = scan->timeless,
        .required = rc_funnel_plan_bits(scan->query, 2),
        .lane_count = scan->lane_count,
        .lanes = states,
        .person = fold_person,
        .soon = fold_soon,
    };
    return rc_walk(plan, &fold, hit_count);
}
