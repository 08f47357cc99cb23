/* Encode: the plan of a query. What was not possible has no time: 0, with the count beside it. */
#include <math.h>
#include <recount/v1/plan.pb-c.h>

#include "engine/query/plan/explain_predicate.h"
#include "server/encode/encode.h"

static Recount__V1__AccessPath
path_of(enum rc_access access)
{
    static const Recount__V1__AccessPath paths[RC_ACCESS_COUNT] = {
        [RC_ACCESS_NONE] = RECOUNT__V1__ACCESS_PATH__ACCESS_PATH_UNSPECIFIED,
        [RC_ACCESS_BITMAP] = RECOUNT__V1__ACCESS_PATH__ACCESS_PATH_BITMAP,
        [RC_ACCESS_POSTINGS] = RECOUNT__V1__ACCESS_PATH__ACCESS_PATH_POSTINGS,
        [RC_ACCESS_SCAN] = RECOUNT__V1__ACCESS_PATH__ACCESS_PATH_SCAN,
        [RC_ACCESS_SCAN_ONCE] = RECOUNT__V1__ACCESS_PATH__ACCESS_PATH_SCAN_ONCE,
        [RC_ACCESS_RULED_OUT] = RECOUNT__V1__ACCESS_PATH__ACCESS_PATH_RULED_OUT,
    };
    return paths[access];
}

static enum rc_status
encode_way(struct rc_arena *arena,
           const struct rc_explain_way *way,
           enum rc_access access,
           Recount__V1__AccessPlan **ret_way)
{
    Recount__V1__AccessPlan *out;
    RC_NEW(arena, out, recount__v1__access_plan__descriptor);
    out->access_path = path_of(access);
    out->slabs_possible = way->slabs_possible;
    out->slabs_chosen = way->slabs_chosen;
    out->slabs_happened = way->slabs_actual;
    out->estimate_nanos = way->estimate_ns;
    out->estimate_chosen_nanos = way->estimate_chosen_ns;
    out->actual_nanos = way->actual_ns;
    RC_NEW_ARRAY(arena, out->lost, Recount__V1__LostReason *, RC_REASON_COUNT);
    for (uint32_t r = RC_REASON_DEARER; r < RC_REASON_COUNT; r++) {
        if (way->reasons[r] == 0)
            continue;
        Recount__V1__LostReason *lost;
        RC_NEW(arena, lost, recount__v1__lost_reason__descriptor);
        RC_NEW_TEXT(arena, lost->reason,
                    rc_bytes_of(rc_explain_reason_text((enum rc_explain_reason)r)));
        lost->slabs = way->reasons[r];
        out->lost[out->n_lost++] = lost;
    }
    *ret_way = out;
    return RC_OK;
}

static enum rc_status
encode_slabs(struct rc_arena *arena,
             const struct rc_explain_selector *selector,
             Recount__V1__SelectorPlan *out)
{
    RC_NEW_ARRAY(arena, out->slab_plans, Recount__V1__SlabPlan *, selector->slab_count);
    for (uint32_t i = 0; i < selector->slab_count; i++) {
        const struct rc_explain_slab *slab = &selector->slab_list[i];
        Recount__V1__SlabPlan *one;
        RC_NEW(arena, one, recount__v1__slab_plan__descriptor);
        one->slab = slab->id;
        one->window_start_ms = slab->window_start_ms;
        one->events = slab->rows;
        one->planned = path_of(slab->planned);
        one->actual = path_of(slab->actual);
        one->estimate_nanos = slab->estimate_ns;
        one->actual_nanos = slab->actual_ns;
        one->events_estimate = slab->rows_estimate;
        one->events_actual = slab->rows_actual;
        out->slab_plans[out->n_slab_plans++] = one;
    }
    return RC_OK;
}

static enum rc_status
encode_selector(struct rc_arena *arena,
                const struct rc_explain_selector *selector,
                Recount__V1__SelectorPlan **ret_selector)
{
    char predicate[RC_EXPLAIN_PREDICATE_BYTES];
    Recount__V1__SelectorPlan *out;
    RC_NEW(arena, out, recount__v1__selector_plan__descriptor);
    RC_NEW_TEXT(arena, out->selector, rc_bytes_of(selector->field));
    RC_NEW_TEXT(arena, out->predicate,
                rc_bytes_of(rc_explain_predicate(selector->predicate, predicate)));
    out->part = selector->part + 1;
    out->parts = selector->part_count;
    out->reads_user = selector->reads_user;
    out->slabs_left_out_by_time = selector->slabs_by_time;
    out->slabs_left_out_by_users = selector->slabs_by_users;
    out->slabs = selector->slabs;
    out->events_estimate = selector->rows_estimate;
    out->events_actual = selector->rows_actual;
    out->estimate_nanos = selector->estimate_ns;
    out->actual_nanos = selector->actual_ns;
    out->bytes_estimate = selector->work_estimate.bytes;
    out->bytes_actual = selector->work_actual.bytes;
    out->bitmaps_reused = selector->bitmaps_reused;
    out->bitmaps_built = selector->bitmaps_built;
    out->bitmaps_kept = selector->bitmaps_kept;
    out->bitmaps_built_together = selector->bitmaps_together;
    RC_NEW_ARRAY(arena, out->ways, Recount__V1__AccessPlan *, RC_ACCESS_COUNT);
    for (uint32_t i = RC_ACCESS_BITMAP; i < RC_ACCESS_COUNT; i++)
        RC_TRY(encode_way(arena, &selector->ways[i], (enum rc_access)i, &out->ways[out->n_ways++]));
    *ret_selector = out;
    return encode_slabs(arena, selector, out);
}

static enum rc_status
encode_walk(struct rc_arena *arena,
            const struct rc_explain_walk *walk,
            Recount__V1__WalkPlan **ret_walk)
{
    Recount__V1__WalkPlan *out;
    RC_NEW(arena, out, recount__v1__walk_plan__descriptor);
    RC_NEW_TEXT(arena, out->purpose, rc_bytes_of(walk->purpose));
    RC_NEW_TEXT(arena, out->feed, rc_bytes_of(rc_explain_feed_name(walk->feed)));
    out->slabs = walk->slabs;
    out->blocks = walk->blocks;
    out->threads = walk->lanes;
    out->threads_max = walk->lanes_max;
    out->events_estimate = walk->hits_estimate;
    out->events_actual = walk->hits_actual;
    out->estimate_nanos = walk->estimate_ns;
    out->elapsed_nanos = walk->elapsed_ns;
    out->bytes = walk->bytes;
    out->thread_nanos = walk->lane_ns;
    out->n_thread_nanos = walk->elapsed_ns == 0 ? 0 : walk->lanes;
    *ret_walk = out;
    return RC_OK;
}

static enum rc_status
encode_lists(struct rc_arena *arena,
             const struct rc_explain_plan *plan,
             Recount__V1__PartialPlan *out)
{
    size_t feeds = 0;
    size_t walks = 0;
    for (const struct rc_explain_feed_choice *at = plan->feeds; at != NULL; at = at->next)
        feeds++;
    for (const struct rc_explain_walk *at = plan->walks; at != NULL; at = at->next)
        walks++;
    RC_NEW_ARRAY(arena, out->feeds, Recount__V1__FeedPlan *, feeds);
    RC_NEW_ARRAY(arena, out->walks, Recount__V1__WalkPlan *, walks);
    for (const struct rc_explain_feed_choice *at = plan->feeds; at != NULL; at = at->next) {
        Recount__V1__FeedPlan *feed;
        RC_NEW(arena, feed, recount__v1__feed_plan__descriptor);
        feed->series = at->series == RC_EXPLAIN_NO_SERIES ? 0 : at->series;
        feed->rows = at->rows;
        feed->hinted = at->hinted;
        feed->rows_nanos = at->rows_ns;
        feed->events_nanos = at->hits_ns;
        out->feeds[out->n_feeds++] = feed;
    }
    for (const struct rc_explain_walk *at = plan->walks; at != NULL; at = at->next)
        RC_TRY(encode_walk(arena, at, &out->walks[out->n_walks++]));
    return RC_OK;
}

static enum rc_status
encode_part(struct rc_arena *arena,
            const struct rc_explain_plan *plan,
            Recount__V1__PartialPlan **ret_part)
{
    Recount__V1__PartialPlan *out;
    RC_NEW(arena, out, recount__v1__partial_plan__descriptor);
    out->slabs = plan->slabs;
    out->slabs_left_out_by_time = plan->slabs_by_time;
    out->slabs_matched = plan->slabs_walked;
    if (plan->users != UINT32_MAX) {
        out->optional_users_case = RECOUNT__V1__PARTIAL_PLAN__OPTIONAL_USERS_USERS;
        out->users = plan->users;
    }
    out->compile_nanos = plan->compile_ns;
    out->plan_nanos = plan->plan_ns;
    out->fetch_nanos = plan->fetch_ns;
    out->fetch_jobs = plan->fetch_jobs;
    out->fetch_threads = plan->fetch_lanes;
    out->derived_columns_reused = plan->columns_reused;
    out->derived_columns_built = plan->columns_made;
    RC_NEW_ARRAY(arena, out->selectors, Recount__V1__SelectorPlan *, plan->selector_count);
    for (uint32_t i = 0; i < plan->selector_count; i++)
        RC_TRY(encode_selector(arena, &plan->selectors[i], &out->selectors[out->n_selectors++]));
    *ret_part = out;
    return encode_lists(arena, plan, out);
}

enum rc_status
rc_encode_plan(struct rc_arena *arena,
               const struct rc_explain *explain,
               const char *title,
               Recount__V1__QueryPlan **ret_plan)
{
    Recount__V1__QueryPlan *out;
    size_t count = 0;
    RC_NEW(arena, out, recount__v1__query_plan__descriptor);
    RC_NEW_TEXT(arena, out->text, rc_explain_text(explain, title, arena));
    out->executed = !explain->plan_only;
    out->elapsed_nanos = explain->elapsed_ns;
    out->memory_bytes = explain->memory_bytes;
    out->threads_max = explain->parallel_max;
    const struct rc_explain_total total = rc_explain_total(explain);
    out->estimate_nanos = total.estimate_ns;
    out->actual_nanos = total.actual_ns;
    for (const struct rc_explain_plan *at = explain->plans; at != NULL; at = at->next)
        count++;
    RC_NEW_ARRAY(arena, out->parts, Recount__V1__PartialPlan *, count);
    for (const struct rc_explain_plan *at = explain->plans; at != NULL; at = at->next)
        RC_TRY(encode_part(arena, at, &out->parts[out->n_parts++]));
    *ret_plan = out;
    return RC_OK;
}
