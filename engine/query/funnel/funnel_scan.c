/*
 * Funnel scan, in three walks. The bit steps are step 1, or steps 1 and 2 where it takes both to be
 * half of all events.
 *
 *   entrants   over the rows of step 1: who has one, and which is the first. All of these are
 *              counted as attempts that end at step 1 (funnel_entrants.c). With two bit steps those
 *              who come to step 2 get a record (funnel_pairs.c).
 *   further    over the events of the other steps of those users. Who comes further than the bit
 *              steps gets a record; it is no longer counted, or its record of step 2 no longer is
 *              (funnel_further.c).
 *   odd ones   Those who are not so simple are left out of both and go the long way: joined users,
 *              those with an event in a head, several events of one time, an event in several rows
 *              of the breakdown.
 *
 * Why it is shorter: of a step that is a tenth of all events most are never looked at.
 */
#include "engine/query/funnel/funnel_scan.h"

#include <string.h>

#include "engine/match/rows/words.h"
#include "engine/query/funnel/funnel_scan_form.h"
#include "engine/query/plan/explain.h"
#include "engine/query/plan/planner.h"

/* More joined users than one in so many: most would go the long way. */
#define JOINED_SHARE 8u
/* The bits of steps 1 and 2, and of the selectors that stand for these alone. */
#define FIRST ((uint64_t)1)
#define SECOND ((uint64_t)2)

uint32_t rc_funnel_scan_share = 2;

static uint32_t
user_words(const struct rc_funnel_query *query)
{
    return rc_view_user_count(query->context->view) / 64 + 1;
}

static void
scan_close(struct rc_funnel_scan *scan)
{
    for (uint32_t i = 0; i < scan->lane_count; i++) {
        for (uint32_t step = 0; step < RC_FUNNEL_BIT_STEPS_MAX; step++) {
            rc_slab_rows_close(&scan->lanes[i].rows[step]);
            rc_funnel_entries_free(scan->lanes[i].entries[step]);
        }
        rc_alloc_free(scan->lanes[i].firsts);
        rc_alloc_free(scan->lanes[i].pairs);
    }
}

static enum rc_status
make_slabs(struct rc_funnel_scan *scan)
{
    uint32_t count;
    const struct rc_plan *plan = &scan->entrants;
    const struct rc_view_slab *slabs = rc_view_slabs(plan->context->view, &count);
    int64_t latest_ms = INT64_MIN;
    scan->slabs =
        RC_ARENA_ARRAY(plan->context->arena, struct rc_funnel_scan_slab, plan->slab_count);
    if (scan->slabs == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < plan->slab_count; i++) {
        const struct rc_slab *slab = slabs[plan->slabs[i].index].slab;
        const struct rc_slab_info *info = rc_slab_get_info(slab);
        bool timed = false;
        for (uint32_t s = 0; s < plan->stream_count; s++)
            timed = timed || info->time_min_ms < plan->streams[s].from_ms ||
                    info->time_max_ms >= plan->streams[s].until_ms;
        scan->slabs[i] = (struct rc_funnel_scan_slab){
            .info = info,
            .index = plan->slabs[i].index,
            .users = rc_slab_users(slab),
            .starts = rc_slab_starts(slab),
            .times = rc_slab_times(slab),
            .timed = timed,
            .overlaps = i > 0 && info->time_min_ms <= latest_ms,
        };
        latest_ms = info->time_max_ms > latest_ms ? info->time_max_ms : latest_ms;
    }
    return RC_OK;
}

/* Whether some times lie between those of two slabs. */
static bool
slabs_overlap(const struct rc_plan *plan)
{
    uint32_t count;
    const struct rc_view_slab *slabs = rc_view_slabs(plan->context->view, &count);
    int64_t latest_ms = INT64_MIN;
    for (uint32_t i = 0; i < plan->slab_count; i++) {
        const struct rc_slab_info *info = rc_slab_get_info(slabs[plan->slabs[i].index].slab);
        if (i > 0 && info->time_min_ms <= latest_ms)
            return true;
        latest_ms = info->time_max_ms;
    }
    return false;
}

static enum rc_status
lane_open(struct rc_funnel_scan *scan, uint32_t index)
{
    struct rc_funnel_query *query = scan->query;
    struct rc_account *account = query->context->account;
    struct rc_funnel_scan_lane *lane = &scan->lanes[index];
    lane->scan = scan;
    lane->lane = &query->lanes[index];
    for (uint32_t step = 0; step < RC_FUNNEL_BIT_STEPS_MAX; step++)
        lane->rows[step].account = account;
    if (scan->bit_steps == 1)
        lane->firsts = rc_alloc_in(account, RC_FUNNEL_SCAN_SLOTS * sizeof(*lane->firsts));
    else
        lane->pairs = rc_alloc_in(account, RC_FUNNEL_PAIR_SLOTS * sizeof(*lane->pairs));
    return lane->firsts == NULL && lane->pairs == NULL ? RC_NO_MEMORY : RC_OK;
}

static enum rc_status
scan_open(struct rc_funnel_scan *scan)
{
    struct rc_funnel_query *query = scan->query;
    struct rc_arena *arena = query->context->arena;
    const uint32_t words = user_words(query);
    const uint64_t bit_steps = rc_funnel_below(scan->bit_steps);
    for (uint32_t step = 0; step < scan->bit_steps; step++)
        RC_TRY(rc_plan_narrow(query->plan, (uint64_t)1 << step, &scan->steps[step]));
    RC_TRY(rc_plan_narrow(query->plan, bit_steps, &scan->entrants));
    RC_TRY(rc_plan_narrow(query->plan, ~bit_steps, &scan->further));
    RC_TRY(make_slabs(scan));
    scan->timeless = !slabs_overlap(query->plan);
    scan->entered = RC_ARENA_ARRAY(arena, uint64_t, words);
    scan->odd = RC_ARENA_ARRAY(arena, uint64_t, words);
    scan->deeper = RC_ARENA_ARRAY(arena, uint64_t, words);
    scan->lanes = RC_ARENA_ARRAY(arena, struct rc_funnel_scan_lane, query->lane_count);
    if (scan->entered == NULL || scan->odd == NULL || scan->deeper == NULL || scan->lanes == NULL)
        return RC_NO_MEMORY;
    scan->lane_count = query->lane_count;
    for (uint32_t i = 0; i < scan->lane_count; i++)
        RC_TRY(lane_open(scan, i));
    return RC_OK;
}

/* Whether the answer can be found so at all. */
static bool
can_scan(const struct rc_funnel_query *query)
{
    return query->plain && query->counts && query->bucket_count == 0 &&
           !query->request->first_only && query->expand[0] == FIRST && query->lane_count > 0 &&
           query->lanes[0].entrants != NULL && !query->plan->few_users;
}

/* The events of a stream. */
static double
events_of(const struct rc_plan *plan, uint32_t stream)
{
    if (plan->plan_only)
        return plan->explain->selectors[stream].rows_estimate;
    double events = 0;
    for (uint32_t i = 0; i < plan->slab_count; i++)
        if (plan->slabs[i].sets[stream] != NULL)
            events += (double)rc_rowset_cardinality(plan->slabs[i].sets[stream]);
    return events;
}

/* Whether so many of the events are those of bit steps that it is worth it. */
static bool
is_worth_it(const struct rc_plan *plan, double events)
{
    const double hits = plan->plan_only ? plan->hits_estimate : (double)plan->hits_max;
    return events * rc_funnel_scan_share >= hits;
}

/* Whether most users are not joined. */
static bool
are_few_joined(const struct rc_funnel_query *query)
{
    struct rc_view *view = query->context->view;
    const struct rc_persons *joined = rc_view_persons(view);
    return joined == NULL ||
           rc_persons_joined_count(joined) <= rc_view_user_count(view) / JOINED_SHARE;
}

/* How many steps are bits; 0: none. stream: of step 1. */
static uint32_t
bit_steps_of(const struct rc_funnel_query *query, uint32_t stream)
{
    const struct rc_plan *plan = query->plan;
    const struct rc_query_hints *hints = query->context->hints;
    const bool hinted = hints != NULL && hints->walk == RC_WALK_ROWS;
    const uint32_t second = query->request->step_count > 1 && query->expand[1] == SECOND
                                ? rc_slab_rows_stream(plan, SECOND)
                                : UINT32_MAX;
    const double firsts = events_of(plan, stream);
    if (!hinted && !are_few_joined(query))
        return 0;
    if (is_worth_it(plan, firsts))
        return 1;
    if (second != UINT32_MAX && !slabs_overlap(plan) &&
        (hinted || is_worth_it(plan, firsts + events_of(plan, second))))
        return 2;
    return hinted ? 1 : 0;
}

/* Adds the lanes' counts up in the first: another one may have taken off more than it counted. */
static void
add_entrants(struct rc_funnel_query *query)
{
    const uint32_t row_count = rc_funnel_counted_rows(query);
    for (uint32_t i = 1; i < query->lane_count; i++) {
        for (uint32_t row = 0; row < row_count; row++) {
            query->lanes[0].entrants[row] += query->lanes[i].entrants[row];
            query->lanes[i].entrants[row] = 0;
        }
    }
}

/* Records of pairs of users who came further, or became odd, count in no row. */
static void
drop_pairs(struct rc_funnel_scan *scan)
{
    for (uint32_t i = 0; i < scan->lane_count; i++) {
        struct rc_funnel_record *records = scan->lanes[i].lane->records;
        for (size_t r = 0; r < scan->lanes[i].pair_records; r++)
            if (rc_words_has(scan->deeper, records[r].person))
                records[r].kind = 0;
    }
}

enum rc_status
rc_funnel_scan(struct rc_funnel_query *query, uint64_t *hit_count, bool *ret_done)
{
    RC_CLEANUP(scan_close) struct rc_funnel_scan scan = {.query = query};
    const uint32_t stream = can_scan(query) ? rc_slab_rows_stream(query->plan, FIRST) : UINT32_MAX;
    *ret_done = false;
    scan.bit_steps = stream == UINT32_MAX ? 0 : bit_steps_of(query, stream);
    if (scan.bit_steps == 0 ||
        !rc_planner_reads_rows(query->plan, stream, RC_EXPLAIN_NO_SERIES, RC_ROWS_TIMES))
        return RC_OK;
    RC_TRY(scan_open(&scan));
    RC_TRY(rc_funnel_scan_entrants(&scan, hit_count));
    if (query->selector_count > scan.bit_steps)
        RC_TRY(rc_funnel_scan_further(&scan, hit_count));
    add_entrants(query);
    drop_pairs(&scan);
    if (rc_words_any(scan.odd, user_words(query))) {
        struct rc_plan odd = *query->plan;
        odd.persons = scan.odd;
        RC_TRY(rc_funnel_walk(query, &odd, hit_count));
    }
    *ret_done = true;
    return RC_OK;
}
