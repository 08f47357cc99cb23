/*
 * Session rows. Two walks over the sessions: the first counts them by row of the split and so ranks
 * the rows; the second measures those that are shown. A row remembers the last session that it was
 * given, so a session counts in it once.
 */
#include "engine/query/usage/session_rows.h"

#include <string.h>

#include "engine/query/series/series_rank.h"
#include "engine/query/split/split.h"
#include "engine/query/usage/session_figures.h"
#include "engine/query/usage/session_run.h"
#include "engine/query/walk/walk.h"

struct answer {
    const struct rc_session_rows *rows;
    struct rc_split *split;
    struct rc_series_ranking ranking;
    uint32_t shown; /* Rows of the second walk; 0 in the first. */
    uint32_t lane_count;
    struct lane *lanes;
    void **states;
};

struct lane {
    const struct answer *answer;
    struct rc_split_list list;
    uint64_t session; /* The number of the one at hand, from 1. */
    uint64_t *last;   /* By row: the last session in it. */
    uint32_t row_count;
    double *sessions;                    /* First walk, by row of the split. */
    struct rc_session_figures **figures; /* Second walk, by row shown. */
};

static void
lanes_close(struct answer *answer)
{
    for (uint32_t i = 0; i < answer->lane_count; i++) {
        struct lane *lane = &answer->lanes[i];
        rc_split_list_close(&lane->list);
        for (uint32_t row = 0; lane->figures != NULL && row < lane->row_count; row++)
            rc_session_figures_free(lane->figures[row]);
        lane->last = rc_alloc_free(lane->last);
        lane->sessions = rc_alloc_free(lane->sessions);
        lane->figures = rc_alloc_free(lane->figures);
    }
}

static void
answer_close(struct answer *answer)
{
    lanes_close(answer);
    answer->split = rc_split_free(answer->split);
}

/* Counts or measures a session in a row, once. */
static enum rc_status
add_to_row(struct lane *lane,
           uint32_t row,
           uint32_t person,
           const struct rc_hit *hits,
           uint32_t count)
{
    const struct rc_bucket_map *map = lane->answer->rows->map;
    if (lane->last[row] == lane->session)
        return RC_OK;
    lane->last[row] = lane->session;
    if (lane->figures == NULL) {
        lane->sessions[row]++;
        return RC_OK;
    }
    const uint32_t place = map->count == 0 ? 0 : rc_bucket_map_find(map, hits[0].time_ms);
    const struct rc_sessions_request *request = lane->answer->rows->request;
    if (request->persons != NULL && request->at.part == RC_SESSIONS_FIGURES &&
        request->at.row == row && row < lane->answer->shown)
        rc_session_mark(request, place, count, person);
    return rc_session_figures_add(lane->figures[row], person, place, count,
                                  hits[count - 1].time_ms - hits[0].time_ms);
}

static enum rc_status
add_session(struct lane *lane, uint32_t person, const struct rc_hit *hits, uint32_t count)
{
    const struct answer *answer = lane->answer;
    lane->session++;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t *rows;
        uint32_t row_count;
        if ((hits[i].mask & answer->rows->wanted) == 0)
            continue;
        RC_TRY(rc_split_rows(answer->split, person, &hits[i], &lane->list, &rows, &row_count));
        for (uint32_t k = 0; k < row_count; k++) {
            const uint32_t row = lane->figures == NULL ? rows[k] : answer->ranking.row_of[rows[k]];
            RC_TRY(add_to_row(lane, row, person, hits, count));
        }
    }
    return RC_OK;
}

static enum rc_status
fold_person(void *state, uint32_t person, const struct rc_hit *hits, uint32_t count)
{
    struct lane *lane = state;
    const struct rc_sessions_request *request = lane->answer->rows->request;
    for (uint32_t begin = 0; begin < count && hits[begin].time_ms < request->scope.end_ms;) {
        const uint32_t end = rc_session_run_end(hits, begin, count, request->gap_ms);
        if (hits[begin].time_ms >= request->scope.start_ms)
            RC_TRY(add_session(lane, person, hits + begin, end - begin));
        begin = end;
    }
    return RC_OK;
}

static enum rc_status
lane_open(struct lane *lane, const struct answer *answer, uint32_t row_count)
{
    const struct rc_session_rows *rows = answer->rows;
    struct rc_account *account = rows->plan->context->account;
    const size_t bytes = ((size_t)row_count + 1) * sizeof(uint64_t);
    *lane = (struct lane){.answer = answer, .list = {.account = account}};
    lane->last = rc_alloc_in(account, bytes);
    if (lane->last == NULL)
        return RC_NO_MEMORY;
    memset(lane->last, 0, bytes);
    if (answer->shown == 0) {
        lane->sessions = rc_alloc_in(account, bytes);
        if (lane->sessions == NULL)
            return RC_NO_MEMORY;
        memset(lane->sessions, 0, bytes);
        return RC_OK;
    }
    lane->figures = rc_alloc_in(account, bytes);
    if (lane->figures == NULL)
        return RC_NO_MEMORY;
    for (; lane->row_count < row_count; lane->row_count++)
        RC_TRY(rc_session_figures_new(rows->map->count == 0 ? 1 : rows->map->count, account,
                                      &lane->figures[lane->row_count]));
    return RC_OK;
}

static enum rc_status
run(struct answer *answer, uint32_t row_count)
{
    const struct rc_query_context *context = answer->rows->plan->context;
    uint64_t hit_count = 0;
    lanes_close(answer);
    answer->lane_count = 0;
    for (uint32_t i = 0; i < context->parallel_max; i++) {
        answer->states[i] = &answer->lanes[i];
        answer->lane_count = i + 1;
        RC_TRY(lane_open(&answer->lanes[i], answer, row_count));
    }
    const struct rc_fold fold = {.purpose = "sessions of each row",
                                 .ordered = true,
                                 .lane_count = answer->lane_count,
                                 .lanes = answer->states,
                                 .person = fold_person};
    return rc_walk(answer->rows->plan, &fold, &hit_count);
}

static enum rc_status
rank(struct answer *answer)
{
    struct rc_arena *arena = answer->rows->plan->context->arena;
    const uint32_t count = rc_split_count(answer->split);
    double *figures = RC_ARENA_ARRAY(arena, double, count);
    uint8_t *present = RC_ARENA_ARRAY(arena, uint8_t, count);
    if (figures == NULL || present == NULL)
        return RC_NO_MEMORY;
    RC_TRY(run(answer, count));
    for (uint32_t i = 0; i < answer->lane_count; i++)
        for (uint32_t row = 0; row < count; row++)
            figures[row] += answer->lanes[i].sessions[row];
    for (uint32_t row = 0; row < count; row++)
        present[row] = figures[row] > 0;
    RC_TRY(rc_series_rank(answer->split, figures, present, answer->rows->request->breakdown_top_n,
                          arena, &answer->ranking));
    answer->shown = answer->ranking.row_count + (answer->ranking.has_other ? 1 : 0);
    return RC_OK;
}

static enum rc_status
fill_row(const struct answer *answer, uint32_t row, struct rc_sessions_row *result)
{
    struct rc_arena *arena = answer->rows->plan->context->arena;
    struct rc_sessions_figures *places;
    struct rc_session_figures **lanes =
        RC_ARENA_ARRAY(arena, struct rc_session_figures *, answer->lane_count);
    if (lanes == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < answer->lane_count; i++)
        lanes[i] = answer->lanes[i].figures[row];
    RC_TRY(rc_session_figures_sum(lanes, answer->lane_count, arena, &places, &result->total));
    result->figures = places;
    result->label = (struct rc_row_label){.kind = RC_ROW_OTHER};
    if (row == answer->ranking.row_count)
        return RC_OK;
    result->label = (struct rc_row_label){.kind = RC_ROW_VALUE,
                                          .part_count = rc_split_dimension_count(answer->split),
                                          .parts = answer->ranking.labels[row]};
    if (result->label.part_count == 1 && result->label.parts[0].kind == RC_LABEL_VALUE)
        result->label.value = result->label.parts[0].value;
    return RC_OK;
}

static enum rc_status
measure(struct answer *answer, struct rc_sessions_row **ret_rows, uint32_t *ret_count)
{
    const struct rc_query_context *context = answer->rows->plan->context;
    answer->lanes = RC_ARENA_ARRAY(context->arena, struct lane, context->parallel_max);
    answer->states = RC_ARENA_ARRAY(context->arena, void *, context->parallel_max);
    if (answer->lanes == NULL || answer->states == NULL)
        return RC_NO_MEMORY;
    RC_TRY(rank(answer));
    *ret_count = answer->shown;
    if (answer->shown == 0)
        return RC_OK;
    struct rc_sessions_row *rows =
        RC_ARENA_ARRAY(context->arena, struct rc_sessions_row, answer->shown);
    if (rows == NULL)
        return RC_NO_MEMORY;
    /* Where no row is Other, what has no sessions of its own is in none either. */
    RC_TRY(run(answer, answer->ranking.row_count + 1));
    for (uint32_t row = 0; row < answer->shown; row++)
        RC_TRY(fill_row(answer, row, &rows[row]));
    *ret_rows = rows;
    return RC_OK;
}

enum rc_status
rc_session_rows_answer(const struct rc_session_rows *rows,
                       struct rc_query_stats *stats,
                       struct rc_sessions_row **ret_rows,
                       uint32_t *ret_count,
                       struct rc_error *reterr_error)
{
    const struct rc_sessions_request *request = rows->request;
    RC_CLEANUP(answer_close) struct answer answer = {.rows = rows};
    const struct rc_split_request split = {
        .plan = rows->plan,
        .dimensions = request->breakdown,
        .dimension_count = request->dimension_count,
        .scope = &request->scope,
        .calendar = rows->calendar,
        .mask = rows->wanted,
        .stats = stats,
    };
    RC_TRY(rc_split_check(request->breakdown, request->dimension_count, request->breakdown_top_n,
                          reterr_error));
    RC_TRY(rc_split_new(&split, &answer.split, reterr_error));
    RC_TRY_OR(reterr_error, measure(&answer, ret_rows, ret_count));
    return RC_OK;
}
