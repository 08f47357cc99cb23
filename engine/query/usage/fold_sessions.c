/*
 * Sessions. Two selectors: any event, which makes the sessions, and the events that a session must
 * hold. A person's hits in total order fall into runs; a run that begins inside the range and holds
 * such an event is counted.
 *
 * What is read: from one gap before the range (an event there, and nothing earlier, tells that a
 * session had begun) to where the last session has ended. That is not known before, so the walk
 * stops some way behind the range; if a session was still open there it is asked again, farther.
 */
#include "engine/base/assert.h"
#include "engine/query/plan/plan.h"
#include "engine/query/scope.h"
#include "engine/query/split/groups.h"
#include "engine/query/time/calendar.h"
#include "engine/query/too_slow.h"
#include "engine/query/usage/session_ends.h"
#include "engine/query/usage/session_figures.h"
#include "engine/query/usage/session_rows.h"
#include "engine/query/usage/session_run.h"
#include "engine/query/usage/sessions.h"
#include "engine/query/walk/walk.h"

#define BIT_WANTED ((uint64_t)2)
#define AHEAD_MS ((int64_t)86400 * 1000) /* Behind the range, at first. */

struct sessions {
    const struct rc_query_context *context;
    const struct rc_sessions_request *request;
    struct rc_counted counted;
    struct rc_breakdown ends; /* The property, as a breakdown. */
    struct rc_plan *plan;
    struct rc_groups *groups;                                 /* NULL: no property. */
    struct rc_bucket_map map;                                 /* Without buckets: count 0. */
    int64_t until_ms;                                         /* Of what is read. */
    bool is_all;                                              /* Nothing lies behind it. */
    struct rc_session_ranking ends_of[RC_SESSIONS_EXITS + 1]; /* Of entries and exits. */
    uint32_t lane_count;
    struct lane *lanes;
};

struct lane {
    const struct sessions *sessions;
    struct rc_session_figures *figures;
    struct rc_session_ends *entries;
    struct rc_session_ends *exits;
    bool cut; /* A session was open where the walk stopped. */
};

/* Ends one walk. */
static void
sessions_reset(struct sessions *sessions)
{
    for (uint32_t i = 0; i < sessions->lane_count; i++) {
        struct lane *lane = &sessions->lanes[i];
        lane->figures = rc_session_figures_free(lane->figures);
        lane->entries = rc_session_ends_free(lane->entries);
        lane->exits = rc_session_ends_free(lane->exits);
        lane->cut = false;
    }
    sessions->groups = rc_groups_free(sessions->groups);
    sessions->plan = rc_plan_free(sessions->plan);
}

static uint32_t
bucket_of(const struct sessions *sessions, const struct rc_hit *first)
{
    return sessions->map.count == 0 ? 0 : rc_bucket_map_find(&sessions->map, first->time_ms);
}

static enum rc_status
count_session(struct lane *lane, uint32_t person, const struct rc_hit *hits, uint32_t count)
{
    const struct sessions *sessions = lane->sessions;
    const int64_t first_ms = hits[0].time_ms;
    const int64_t last_ms = hits[count - 1].time_ms;
    if (!sessions->is_all && last_ms + sessions->request->gap_ms >= sessions->until_ms)
        lane->cut = true;
    RC_TRY(rc_session_figures_add(lane->figures, person, bucket_of(sessions, hits), count,
                                  last_ms - first_ms));
    if (sessions->groups == NULL)
        return RC_OK;
    RC_TRY(rc_session_ends_add(lane->entries, rc_groups_of(sessions->groups, person, &hits[0]),
                               count == 1));
    return rc_session_ends_add(
        lane->exits, rc_groups_of(sessions->groups, person, &hits[count - 1]), count == 1);
}

/* Whether a session's value at its first (last) event is in the row that is asked for. */
static bool
ends_in_row(const struct sessions *sessions, const struct rc_hit *hit, uint32_t person)
{
    const struct rc_sessions_cell *at = &sessions->request->at;
    const struct rc_session_ranking *ranking = &sessions->ends_of[at->part];
    uint32_t count;
    uint32_t set = rc_groups_of(sessions->groups, person, hit);
    const uint32_t *groups = rc_groups_list(sessions->groups, &set, &count);
    bool inside = at->row + 1 == ranking->row_count;
    for (uint32_t i = 0; i < count; i++)
        inside = inside || ranking->row_of[groups[i]] == at->row;
    return inside;
}

static enum rc_status
mark_session(struct lane *lane, uint32_t person, const struct rc_hit *hits, uint32_t count)
{
    const struct sessions *sessions = lane->sessions;
    const enum rc_sessions_part part = sessions->request->at.part;
    if (part == RC_SESSIONS_FIGURES ||
        ends_in_row(sessions, &hits[part == RC_SESSIONS_ENTRIES ? 0 : count - 1], person))
        rc_session_mark(sessions->request, bucket_of(sessions, hits), count, person);
    return RC_OK;
}

/* Goes over the sessions of a person that count: a loop for each use of it, since a session is
 * mostly of a few events, and calls by a pointer cost as much as they. */
__attribute__((always_inline)) static inline enum rc_status
each_session(struct lane *lane,
             uint32_t person,
             const struct rc_hit *hits,
             uint32_t count,
             enum rc_status (*session)(struct lane *, uint32_t, const struct rc_hit *, uint32_t))
{
    const struct rc_sessions_request *request = lane->sessions->request;
    for (uint32_t begin = 0; begin < count && hits[begin].time_ms < request->scope.end_ms;) {
        const uint32_t end = rc_session_run_end(hits, begin, count, request->gap_ms);
        uint64_t mask = 0;
        for (uint32_t i = begin; i < end; i++)
            mask |= hits[i].mask;
        if (hits[begin].time_ms >= request->scope.start_ms && (mask & BIT_WANTED) != 0)
            RC_TRY(session(lane, person, hits + begin, end - begin));
        begin = end;
    }
    return RC_OK;
}

static enum rc_status
count_person(void *state, uint32_t person, const struct rc_hit *hits, uint32_t count)
{
    return each_session(state, person, hits, count, count_session);
}

static enum rc_status
mark_person(void *state, uint32_t person, const struct rc_hit *hits, uint32_t count)
{
    return each_session(state, person, hits, count, mark_session);
}

static enum rc_status
check_request(const struct rc_sessions_request *request, struct rc_error *reterr_error)
{
    if (request->gap_ms < 0 || request->gap_ms > RC_SESSION_GAP_MS_MAX)
        return rc_error_field(reterr_error, RC_INVALID, "gap_ms",
                              "a gap has from 0 to %lld milliseconds",
                              (long long)RC_SESSION_GAP_MS_MAX);
    if (request->top_n > RC_BREAKDOWN_ROWS_MAX && request->top_n != RC_TOP_NONE)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "top",
                              "at most %u rows can be shown", RC_BREAKDOWN_ROWS_MAX);
    return RC_OK;
}

static enum rc_status
make_buckets(struct sessions *sessions,
             const struct rc_calendar *calendar,
             struct rc_sessions_reply *reply,
             struct rc_error *reterr_error)
{
    const struct rc_sessions_request *request = sessions->request;
    const struct rc_bucket_request wanted = {
        .unit = request->unit,
        .multiple = request->unit_count,
        .start_ms = request->scope.start_ms,
        .end_ms = request->scope.end_ms,
        .bucket_max = RC_BUCKETS_MAX,
        .field = "bucket.unit",
    };
    if (request->unit == 0)
        return RC_OK;
    RC_TRY(rc_calendar_buckets(calendar, &wanted, sessions->context->arena, &reply->buckets,
                               &reply->bucket_count, reterr_error));
    RC_TRY_OR(reterr_error, rc_bucket_map_make(reply->buckets, reply->bucket_count,
                                               sessions->context->arena, &sessions->map));
    return RC_OK;
}

static enum rc_status
make_plan(struct sessions *sessions, struct rc_error *reterr_error)
{
    static const struct rc_predicate any = {.kind = RC_PREDICATE_TRUE};
    const struct rc_sessions_request *request = sessions->request;
    const struct rc_scope *scope = &request->scope;
    const struct rc_plan_selector selectors[2] = {
        {.predicate = &any,
         .field = "selector",
         .from_ms = scope->start_ms - request->gap_ms,
         .until_ms = sessions->until_ms},
        {.predicate = request->selector,
         .field = "selector",
         .from_ms = scope->start_ms,
         .until_ms = rc_scope_until(scope, scope->end_ms)},
    };
    RC_TRY(rc_plan_counted(sessions->context, scope->as_of_ms, &sessions->counted, selectors, 2,
                           &sessions->plan, reterr_error));
    if (request->property.size == 0)
        return RC_OK;
    const enum rc_status status = rc_groups_new(sessions->plan, &sessions->ends, scope->as_of_ms,
                                                &sessions->groups, reterr_error);
    return rc_too_slow_at(reterr_error, status, "entry_exit_property");
}

static enum rc_status
open_lanes(struct sessions *sessions)
{
    const struct rc_query_context *context = sessions->context;
    for (uint32_t i = 0; i < sessions->lane_count; i++) {
        struct lane *lane = &sessions->lanes[i];
        const uint32_t places = sessions->map.count == 0 ? 1 : sessions->map.count;
        lane->sessions = sessions;
        RC_TRY(rc_session_figures_new(places, context->account, &lane->figures));
        if (sessions->groups == NULL)
            continue;
        RC_TRY(rc_session_ends_new(sessions->groups, context->account, &lane->entries));
        RC_TRY(rc_session_ends_new(sessions->groups, context->account, &lane->exits));
    }
    return RC_OK;
}

static enum rc_status
walk(const struct sessions *sessions,
     enum rc_status (*person)(void *, uint32_t, const struct rc_hit *, uint32_t),
     uint64_t *hit_count)
{
    void **states = RC_ARENA_ARRAY(sessions->context->arena, void *, sessions->lane_count);
    if (states == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < sessions->lane_count; i++)
        states[i] = &sessions->lanes[i];
    const struct rc_fold fold = {
        .purpose = "sessions",
        .ordered = true,
        .lane_count = sessions->lane_count,
        .lanes = states,
        .person = person,
    };
    return rc_walk(sessions->plan, &fold, hit_count);
}

/* Walks until no session is open where the walk stops. */
static enum rc_status
count_sessions(struct sessions *sessions,
               struct rc_query_stats *stats,
               struct rc_error *reterr_error)
{
    const struct rc_scope *scope = &sessions->request->scope;
    const int64_t last_ms = rc_scope_until(scope, RC_TIME_MS_MAX + 1);
    int64_t ahead_ms = AHEAD_MS + 4 * sessions->request->gap_ms;
    uint64_t hits = 0; /* Of the last walk. */
    bool cut = true;
    while (cut) {
        sessions_reset(sessions);
        sessions->is_all = scope->end_ms >= last_ms - ahead_ms;
        sessions->until_ms = sessions->is_all ? last_ms : scope->end_ms + ahead_ms;
        RC_TRY(make_plan(sessions, reterr_error));
        hits = 0;
        RC_TRY_OR(reterr_error, open_lanes(sessions));
        RC_TRY_OR(reterr_error, walk(sessions, count_person, &hits));
        rc_plan_add_stats(sessions->plan, stats);
        cut = false;
        for (uint32_t i = 0; i < sessions->lane_count; i++)
            cut = cut || sessions->lanes[i].cut;
        ahead_ms *= 8; /* The years end before this overflows. */
    }
    stats->matched_events += hits;
    return RC_OK;
}

static enum rc_status
fill_reply(struct sessions *sessions, struct rc_sessions_reply *reply)
{
    struct rc_session_ranking *ends_of = sessions->ends_of;
    struct rc_arena *arena = sessions->context->arena;
    struct lane *lanes = sessions->lanes;
    const uint32_t top_n = sessions->request->top_n;
    struct rc_sessions_figures *places;
    struct rc_session_figures **figures =
        RC_ARENA_ARRAY(arena, struct rc_session_figures *, sessions->lane_count);
    if (figures == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < sessions->lane_count; i++)
        figures[i] = lanes[i].figures;
    RC_TRY(rc_session_figures_sum(figures, sessions->lane_count, arena, &places, &reply->total));
    reply->figures = places;
    if (sessions->groups == NULL)
        return RC_OK;
    for (uint32_t i = 1; i < sessions->lane_count; i++) {
        RC_TRY(rc_session_ends_merge(lanes[0].entries, lanes[i].entries));
        RC_TRY(rc_session_ends_merge(lanes[0].exits, lanes[i].exits));
    }
    RC_TRY(rc_session_ends_rows(lanes[0].entries, top_n, arena, &reply->entries,
                                &ends_of[RC_SESSIONS_ENTRIES]));
    RC_TRY(rc_session_ends_rows(lanes[0].exits, top_n, arena, &reply->exits,
                                &ends_of[RC_SESSIONS_EXITS]));
    reply->entry_count = ends_of[RC_SESSIONS_ENTRIES].row_count;
    reply->exit_count = ends_of[RC_SESSIONS_EXITS].row_count;
    return RC_OK;
}

/* Marks the persons of a cell that is not in a row of the breakdown: one more walk, since its rows
 * are known only now. */
static enum rc_status
mark_persons(const struct sessions *sessions, const struct rc_sessions_reply *reply)
{
    const struct rc_sessions_request *request = sessions->request;
    uint64_t hits = 0;
    if (request->persons == NULL ||
        (request->at.part == RC_SESSIONS_FIGURES && request->at.row != reply->row_count) ||
        (request->at.part != RC_SESSIONS_FIGURES && sessions->groups == NULL))
        return RC_OK;
    return walk(sessions, mark_person, &hits);
}

/* The rows of a breakdown. The plan reads the counted sessions to their ends. */
static enum rc_status
break_down(const struct sessions *sessions,
           const struct rc_calendar *calendar,
           struct rc_sessions_reply *reply,
           struct rc_error *reterr_error)
{
    const struct rc_session_rows rows = {.plan = sessions->plan,
                                         .wanted = BIT_WANTED,
                                         .request = sessions->request,
                                         .calendar = calendar,
                                         .map = &sessions->map};
    struct rc_sessions_row *result = NULL;
    if (sessions->request->breakdown == NULL)
        return RC_OK;
    RC_TRY(rc_session_rows_answer(&rows, &reply->stats, &result, &reply->row_count, reterr_error));
    reply->rows = result;
    return RC_OK;
}

enum rc_status
rc_query_sessions(const struct rc_query_context *context,
                  const struct rc_sessions_request *request,
                  struct rc_sessions_reply *ret_reply,
                  struct rc_error *reterr_error)
{
    struct rc_calendar calendar;
    struct rc_sessions_reply reply = {.stats.data_version = rc_view_data_version(context->view)};
    RC_CLEANUP(sessions_reset)
    struct sessions sessions = {
        .context = context,
        .request = request,
        .ends = {.scope = RC_LEAF_EVENT, .property = request->property},
        .lanes = RC_ARENA_ARRAY(context->arena, struct lane, context->parallel_max),
    };
    if (sessions.lanes == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for sessions");
    sessions.lane_count = context->parallel_max;
    RC_TRY(rc_scope_check(&request->scope, &calendar, reterr_error));
    RC_TRY(check_request(request, reterr_error));
    RC_TRY(make_buckets(&sessions, &calendar, &reply, reterr_error));
    RC_TRY(
        rc_scope_counted(context, &request->scope, &reply.stats, &sessions.counted, reterr_error));
    RC_TRY(count_sessions(&sessions, &reply.stats, reterr_error));
    RC_TRY_OR(reterr_error, fill_reply(&sessions, &reply));
    RC_TRY(break_down(&sessions, &calendar, &reply, reterr_error));
    RC_TRY_OR(reterr_error, mark_persons(&sessions, &reply));
    *ret_reply = reply;
    return RC_OK;
}
