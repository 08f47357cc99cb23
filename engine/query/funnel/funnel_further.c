/*
 * Funnel scan, further: events of the steps behind the bit steps, person by person, by the rule of
 * rc_funnel_quick: the latest entry from which k steps have been reached. Let step 2 be the first
 * that is fed. Entries are looked for when they are needed: for events of step 2 while the user has
 * not reached it; from then on for the last of them when one of step 3 comes, since of all events
 * of step 2 up to then it has the latest entry, and if its window has closed so have the others'.
 *
 * Of two bit steps the latest entry before an event is the last one before the last event of step 2
 * before it.
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
    uint32_t bits;  /* The bit steps, which are the first. */
    uint32_t bound; /* No chain is deeper. */
    uint32_t depth; /* At least bits. */
    uint32_t
        waits; /* An event of the first fed step whose entry was not looked for yet, or NONE. */
    struct rc_hit chosen; /* The entry of the attempt that first reached depth. */
    struct rc_hit entry[RC_FUNNEL_STEPS_MAX + 1]; /* By depth, from bits + 1. */
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
        event.time_ms = rc_funnel_entries_time_ms(pass->lane->entries[0], &event);
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
    if (rc_funnel_entries_has_twin(pass->lane->entries[0], event))
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

/* Takes an event of the first fed step: the entry before it, if its window still holds the event.
 */
static enum rc_status
take_first_fed(struct pass *pass, uint32_t at)
{
    struct rc_hit entry = take_at(pass, at);
    const uint32_t source = entry.source;
    const int64_t from_ms = pass->window_ms < 0 || entry.time_ms < INT64_MIN + pass->window_ms
                                ? INT64_MIN
                                : entry.time_ms - pass->window_ms;
    for (uint32_t step = pass->bits; step-- > 0;) {
        enum rc_funnel_found found;
        const struct rc_hit event = entry;
        const uint32_t first_row = pass->timeless && event.source == source
                                       ? (uint32_t)pass->hits[at].time_ms
                                       : RC_FUNNEL_NO_ROW;
        RC_TRY(rc_funnel_entries_before(pass->lane->entries[step], &event, first_row, from_ms,
                                        &found, &entry));
        pass->odd = pass->odd || found == RC_FUNNEL_TIED;
        if (found != RC_FUNNEL_ENTRY)
            return RC_OK;
        if (step > 0)
            pass->odd = pass->odd || rc_funnel_entries_has_twin(pass->lane->entries[step], &entry);
    }
    pass->entry[pass->bits + 1] = entry;
    reach(pass, pass->bits + 1);
    return RC_OK;
}

/* Takes an event: the deepest of its steps first, so that it fills only one of a chain. */
static enum rc_status
take_event(struct pass *pass, uint32_t at, uint64_t steps)
{
    while (steps != 0) {
        const uint32_t step = 63 - (uint32_t)__builtin_clzll(steps);
        steps &= ~((uint64_t)1 << step);
        if (step == pass->bits) {
            pass->waits = at;
            if (pass->depth > pass->bits)
                continue;
        }
        if (step <= pass->bits + 1 && pass->waits != RC_FUNNEL_NONE) {
            RC_TRY(take_first_fed(pass, pass->waits));
            pass->waits = RC_FUNNEL_NONE;
        }
        if (step == pass->bits || !within(pass, step, take_at(pass, at).time_ms))
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
    uint64_t any = rc_funnel_below(pass->bits);
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
                              rc_funnel_below(pass->depth + 1) & ~rc_funnel_below(pass->bits);
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
               ? rc_funnel_entries_is_behind(pass->lane->entries[0], event->source, entry->time_ms)
               : event->time_ms > entry->time_ms;
}

/* Finds the chosen attempt: from its entry on always the earliest event of the next step. It
 * becomes lane->chain, behind a place for the first entry of all. */
static enum rc_status
find_chain(struct pass *pass)
{
    struct rc_hit *chain = pass->lane->chain;
    uint32_t at = 0;
    chain[1] = pass->chosen;
    for (uint32_t step = 1; step < pass->bits; step++) {
        bool found;
        pass->odd =
            pass->odd || rc_funnel_entries_has_twin(pass->lane->entries[step], &chain[step]);
        RC_TRY(rc_funnel_entries_after(pass->lane->entries[step], &chain[step], &found,
                                       &chain[step + 1]));
        RC_ASSERT(found);
    }
    while (at < pass->count && !is_behind(pass, at, &chain[pass->bits]))
        at++;
    pass->odd = pass->odd || is_twin(pass, &chain[pass->bits], at);
    for (uint32_t step = pass->bits; step < pass->depth; step++, at++) {
        while (at < pass->count && ((pass->hits[at].mask >> step) & 1) == 0)
            at++;
        RC_ASSERT(at < pass->count);
        chain[step + 1] = take_at(pass, at);
    }
    return RC_OK;
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

/* Takes a user out of the counts of those who come no further than the bit steps; first: its first
 * entry. */
static enum rc_status
take_out(const struct pass *pass, uint32_t person, const struct rc_hit *first)
{
    bool counted;
    if (pass->bits > 1) {
        rc_walk_mark(pass->lane->scan->deeper, person);
        return RC_OK;
    }
    RC_TRY(rc_funnel_scan_count(pass->lane->lane, person, first, UINT64_MAX, &counted));
    RC_ASSERT(counted); /* One less. */
    return RC_OK;
}

/* All events of a user behind the bit steps. */
static enum rc_status
fold_person(void *state, uint32_t person, const struct rc_hit *hits, uint32_t count)
{
    struct rc_funnel_scan_lane *lane = state;
    const struct rc_funnel_query *query = lane->scan->query;
    const uint32_t bits = lane->scan->bit_steps;
    struct pass pass;
    if (query->expands)
        RC_TRY(rc_funnel_expand(lane->lane, &hits, count));
    pass.lane = lane;
    pass.chosen = (struct rc_hit){.mask = 1};
    pass.hits = hits;
    pass.count = count;
    pass.timeless = lane->scan->timeless;
    pass.window_ms = query->rules.window_ms;
    pass.bits = pass.depth = bits;
    pass.waits = RC_FUNNEL_NONE;
    pass.odd = false;
    lane->lane->person = person;
    for (uint32_t step = 0; step < bits; step++)
        rc_funnel_entries_of(lane->entries[step], person);
    RC_TRY(run_pass(&pass));
    if (!pass.odd && pass.depth == bits)
        return RC_OK;
    if (!pass.odd)
        RC_TRY(find_chain(&pass));
    struct rc_hit first = pass.chosen;
    if (query->split != NULL) {
        enum rc_funnel_found found;
        RC_TRY(rc_funnel_entries_first(lane->entries[0], &found, &first));
        RC_ASSERT(found == RC_FUNNEL_ENTRY);
    }
    RC_TRY(take_out(&pass, person, &first));
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
        rc_funnel_entries_soon(lane->entries[0], &hits[i]);
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
        for (uint32_t step = 0; step < scan->bit_steps; step++)
            RC_TRY(rc_funnel_entries_new(&scan->steps[step], &scan->lanes[i].entries[step]));
    }
    plan->persons = scan->entered;
    const struct rc_fold fold = {
        .purpose = "further steps of entrants",
        .ordered = true,
        .timeless = scan->timeless,
        .required = rc_funnel_plan_bits(scan->query, (uint64_t)1 << scan->bit_steps),
        .lane_count = scan->lane_count,
        .lanes = states,
        .person = fold_person,
        .soon = fold_soon,
    };
    return rc_walk(plan, &fold, hit_count);
}
