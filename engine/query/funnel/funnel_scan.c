/*
 * Funnel scan, in three walks:
 *
 *   entrants   over the rows of step 1: who has one, and which is the first. All of these are
 *              counted as attempts that end at step 1 (funnel_entrants.c).
 *   further    over the events of the other steps of those users. Who comes further than step 1
 *              gets a record and is no longer counted (funnel_further.c).
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
/* The bit of step 1, and of the selector that stands for it alone. */
#define FIRST ((uint64_t)1)

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
        rc_slab_rows_close(&scan->lanes[i].rows);
        rc_alloc_free(scan->lanes[i].firsts);
        rc_funnel_entries_free(scan->lanes[i].entries);
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
        scan->slabs[i] = (struct rc_funnel_scan_slab){
            .info = info,
            .index = plan->slabs[i].index,
            .users = rc_slab_users(slab),
            .starts = rc_slab_starts(slab),
            .times = rc_slab_times(slab),
            .timed = info->time_min_ms < plan->streams[0].from_ms ||
                     info->time_max_ms >= plan->streams[0].until_ms,
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
scan_open(struct rc_funnel_scan *scan)
{
    struct rc_funnel_query *query = scan->query;
    struct rc_arena *arena = query->context->arena;
    const uint32_t words = user_words(query);
    RC_TRY(rc_plan_narrow(query->plan, FIRST, &scan->entrants));
    RC_TRY(rc_plan_narrow(query->plan, ~FIRST, &scan->further));
    RC_TRY(make_slabs(scan));
    scan->timeless = !slabs_overlap(query->plan);
    scan->entered = RC_ARENA_ARRAY(arena, uint64_t, words);
    scan->odd = RC_ARENA_ARRAY(arena, uint64_t, words);
    scan->lanes = RC_ARENA_ARRAY(arena, struct rc_funnel_scan_lane, query->lane_count);
    if (scan->entered == NULL || scan->odd == NULL || scan->lanes == NULL)
        return RC_NO_MEMORY;
    scan->lane_count = query->lane_count;
    for (uint32_t i = 0; i < scan->lane_count; i++) {
        struct rc_funnel_scan_lane *lane = &scan->lanes[i];
        lane->scan = scan;
        lane->lane = &query->lanes[i];
        lane->rows.account = query->context->account;
        lane->firsts =
            rc_alloc_in(query->context->account, RC_FUNNEL_SCAN_SLOTS * sizeof(*lane->firsts));
        if (lane->firsts == NULL)
            return RC_NO_MEMORY;
    }
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

/* Whether so many events are the first step's, and so many users are not joined, that it is worth
 * it. */
static bool
is_worth_it(const struct rc_funnel_query *query, uint32_t stream)
{
    const struct rc_plan *plan = query->plan;
    struct rc_view *view = query->context->view;
    const struct rc_persons *joined = rc_view_persons(view);
    double entries = plan->plan_only ? plan->explain->selectors[stream].rows_estimate : 0;
    for (uint32_t i = 0; i < plan->slab_count && !plan->plan_only; i++)
        if (plan->slabs[i].sets[stream] != NULL)
            entries += (double)rc_rowset_cardinality(plan->slabs[i].sets[stream]);
    const double hits = plan->plan_only ? plan->hits_estimate : (double)plan->hits_max;
    return entries * rc_funnel_scan_share >= hits &&
           (joined == NULL ||
            rc_persons_joined_count(joined) <= rc_view_user_count(view) / JOINED_SHARE);
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

enum rc_status
rc_funnel_scan(struct rc_funnel_query *query, uint64_t *hit_count, bool *ret_done)
{
    RC_CLEANUP(scan_close) struct rc_funnel_scan scan = {.query = query};
    const uint32_t stream = can_scan(query) ? rc_slab_rows_stream(query->plan, FIRST) : UINT32_MAX;
    *ret_done = false;
    const struct rc_query_hints *hints = query->context->hints;
    const bool hinted = hints != NULL && hints->walk == RC_WALK_ROWS;
    if (stream == UINT32_MAX || !(hinted || is_worth_it(query, stream)) ||
        !rc_planner_reads_rows(query->plan, stream, RC_EXPLAIN_NO_SERIES, RC_ROWS_TIMES))
        return RC_OK;
    RC_TRY(scan_open(&scan));
    RC_TRY(rc_funnel_scan_entrants(&scan, hit_count));
    if (query->selector_count > 1)
        RC_TRY(rc_funnel_scan_further(&scan, hit_count));
    add_entrants(query);
    if (rc_words_any(scan.odd, user_words(query))) {
        struct rc_plan odd = *query->plan;
        odd.persons = scan.odd;
        RC_TRY(rc_funnel_walk(query, &odd, hit_count));
    }
    *ret_done = true;
    return RC_OK;
}
