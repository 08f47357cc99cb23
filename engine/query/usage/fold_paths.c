/*
 * Paths. Two walks over the same hits: the first counts how often each node stands at each level,
 * and each row of a breakdown, and so ranks them; the second counts nodes, ends and edges of what
 * is shown, for all walks and for each row. Two, because a property may have a million values, but
 * an edge needs a place for each pair.
 */
#include <stdatomic.h>
#include <string.h>

#include "engine/query/plan/plan.h"
#include "engine/query/scope.h"
#include "engine/query/usage/path_figures.h"
#include "engine/query/usage/path_nodes.h"
#include "engine/query/usage/path_rows.h"
#include "engine/query/usage/path_walks.h"
#include "engine/query/usage/paths.h"
#include "engine/query/walk/walk.h"

#define BIT_ANY ((uint64_t)1) /* The plan's first selector. */

struct paths {
    const struct rc_query_context *context;
    const struct rc_paths_request *request;
    struct rc_plan *plan;
    struct rc_path_nodes *nodes;
    struct rc_path_rule rule;
    uint32_t node_count;
    struct rc_path_layout layout;
    struct rc_path_rows rows;
    uint32_t lane_count;
    struct lane *lanes;
    void **states;
};

struct lane {
    const struct paths *paths;
    struct rc_path_reader reader;
    struct rc_path_rows_lane rows;
    uint32_t *ranks; /* First walk: [level][node]. */
    /* Second walk: the layout's for all walks, then for each row shown. */
    struct rc_path_figure *figures;
};

static void
paths_close(struct paths *paths)
{
    for (uint32_t i = 0; i < paths->lane_count; i++) {
        rc_path_reader_close(&paths->lanes[i].reader);
        rc_path_rows_lane_close(&paths->lanes[i].rows);
        rc_alloc_free(paths->lanes[i].ranks);
        rc_alloc_free(paths->lanes[i].figures);
    }
    rc_path_rows_close(&paths->rows);
    paths->nodes = rc_path_nodes_free(paths->nodes);
    paths->plan = rc_plan_free(paths->plan);
}

/* ---- The two walks --------------------------------------------------------------------------- */

static enum rc_status
rank_person(void *state, uint32_t person, const struct rc_hit *hits, uint32_t count)
{
    struct lane *lane = state;
    for (uint32_t at = 0; at < count;) {
        struct rc_path_walk walk;
        RC_TRY(rc_path_reader_next(&lane->reader, person, hits, count, &at, &walk));
        for (uint32_t level = 0; level < walk.count; level++)
            lane->ranks[(size_t)level * lane->paths->node_count + walk.nodes[level]]++;
        if (walk.count > 0 && lane->paths->rows.split != NULL)
            RC_TRY(rc_path_rows_add(&lane->paths->rows, &lane->rows, person, walk.first));
    }
    return RC_OK;
}

/* Whether the cell that is asked for counts a walk, which is in the first row_count rows shown of
 * its lane. */
static bool
is_asked(const struct lane *lane, const struct rc_path_walk *walk, uint32_t row_count)
{
    const struct rc_paths_request *request = lane->paths->request;
    bool inside = request->at.row == lane->paths->rows.shown;
    for (uint32_t i = 0; i < row_count; i++)
        inside = inside || lane->rows.shown[i] == request->at.row;
    return inside && rc_path_layout_counts(&lane->paths->layout, &request->at, walk);
}

static enum rc_status
count_person(void *state, uint32_t person, const struct rc_hit *hits, uint32_t count)
{
    struct lane *lane = state;
    const struct paths *paths = lane->paths;
    for (uint32_t at = 0; at < count;) {
        struct rc_path_walk walk;
        uint32_t row_count = 0;
        RC_TRY(rc_path_reader_next(&lane->reader, person, hits, count, &at, &walk));
        if (walk.count == 0)
            continue;
        rc_path_figures_count(&paths->layout, lane->figures, person, &walk);
        if (paths->rows.shown > 0)
            RC_TRY(rc_path_rows_of(&paths->rows, &lane->rows, person, walk.first, &row_count));
        for (uint32_t i = 0; i < row_count; i++)
            rc_path_figures_count(&paths->layout,
                                  lane->figures +
                                      (lane->rows.shown[i] + 1) * paths->layout.figure_count,
                                  person, &walk);
        if (paths->request->persons != NULL && is_asked(lane, &walk, row_count))
            rc_walk_mark(paths->request->persons, person);
    }
    return RC_OK;
}

static enum rc_status
run(struct paths *paths,
    enum rc_status (*person)(void *, uint32_t, const struct rc_hit *, uint32_t),
    uint64_t *hit_count)
{
    const struct rc_fold fold = {
        .purpose = "paths",
        .ordered = true,
        .lane_count = paths->lane_count,
        .lanes = paths->states,
        .person = person,
    };
    return rc_walk(paths->plan, &fold, hit_count);
}

/* ---- Between the walks ----------------------------------------------------------------------- */

/* Ranks the nodes of every level and lays out the places of the second walk. */
static enum rc_status
rank_levels(struct paths *paths)
{
    struct rc_path_layout *layout = &paths->layout;
    RC_CLEANUP(rc_alloc_freep)
    uint64_t *figures =
        rc_alloc_in(paths->context->account, (size_t)paths->node_count * sizeof(*figures) + 1);
    if (figures == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < paths->request->depth; i++) {
        struct rc_path_layout_level *level = &layout->levels[i];
        memset(figures, 0, (size_t)paths->node_count * sizeof(*figures));
        for (uint32_t lane = 0; lane < paths->lane_count; lane++)
            for (uint32_t node = 0; node < paths->node_count; node++)
                figures[node] += paths->lanes[lane].ranks[(size_t)i * paths->node_count + node];
        RC_TRY(rc_path_nodes_rank(paths->nodes, figures, paths->request->top_n,
                                  paths->context->arena, &level->ranking));
        level->rows = level->ranking.row_count + (level->ranking.has_other ? 1 : 0);
        if (level->rows == 0)
            break;
        layout->level_count = i + 1;
    }
    rc_path_layout_make(layout);
    return RC_OK;
}

/* Ranks the rows of a breakdown. */
static enum rc_status
rank_rows(struct paths *paths)
{
    if (paths->rows.split == NULL)
        return RC_OK;
    const uint32_t count = rc_split_count(paths->rows.split);
    RC_CLEANUP(rc_alloc_freep)
    double *walks = rc_alloc_in(paths->context->account, (size_t)count * sizeof(*walks) + 1);
    if (walks == NULL)
        return RC_NO_MEMORY;
    memset(walks, 0, (size_t)count * sizeof(*walks));
    for (uint32_t i = 0; i < paths->lane_count; i++)
        for (uint32_t row = 0; row < count; row++)
            walks[row] += (double)paths->lanes[i].rows.walks[row];
    return rc_path_rows_rank(&paths->rows, walks, paths->request->breakdown_top_n,
                             paths->context->arena);
}

/* Asked once a row, whose figures are 4 MB at most. */
static bool
is_cancelled(const struct paths *paths)
{
    const _Atomic(bool) *cancel = paths->context->cancel;
    return cancel != NULL && atomic_load_explicit(cancel, memory_order_relaxed);
}

static enum rc_status
open_figures(struct paths *paths)
{
    struct rc_account *account = paths->context->account;
    const size_t bytes = paths->layout.figure_count * sizeof(*paths->lanes->figures);
    for (uint32_t i = 0; i < paths->lane_count; i++) {
        struct lane *lane = &paths->lanes[i];
        lane->ranks = rc_alloc_free(lane->ranks);
        rc_path_rows_lane_close(&lane->rows);
        if (paths->rows.shown > 0)
            RC_TRY(rc_path_rows_lane_open(&paths->rows, account, &lane->rows));
        lane->figures = rc_alloc_in(account, bytes * (paths->rows.shown + 1));
        if (lane->figures == NULL)
            return RC_NO_MEMORY;
        for (uint32_t row = 0; row <= paths->rows.shown; row++) {
            memset(lane->figures + row * paths->layout.figure_count, 0, bytes);
            if (is_cancelled(paths))
                return RC_CANCELLED;
        }
    }
    return RC_OK;
}

/* ---- Reply ----------------------------------------------------------------------------------- */

/* The flow of all walks (row 0), or of a row (from 1): sums the lanes' figures into those of the
 * first. */
static enum rc_status
fill_flow(const struct paths *paths, uint32_t row, struct rc_path_flow *ret_flow)
{
    const uint64_t count = paths->layout.figure_count;
    struct rc_path_figure *sum = paths->lanes[0].figures + row * count;
    for (uint32_t i = 1; i < paths->lane_count; i++) {
        const struct rc_path_figure *figures = paths->lanes[i].figures + row * count;
        for (uint64_t place = 0; place < count; place++) {
            sum[place].walks += figures[place].walks;
            sum[place].users += figures[place].users;
        }
    }
    return is_cancelled(paths)
               ? RC_CANCELLED
               : rc_path_figures_flow(&paths->layout, sum, paths->context->arena, ret_flow);
}

static enum rc_status
fill_reply(const struct paths *paths, struct rc_paths_reply *reply)
{
    struct rc_paths_row *rows =
        RC_ARENA_ARRAY(paths->context->arena, struct rc_paths_row, paths->rows.shown);
    if (rows == NULL)
        return RC_NO_MEMORY;
    RC_TRY(fill_flow(paths, 0, &reply->total));
    for (uint32_t row = 0; row < paths->rows.shown; row++) {
        rows[row].label = rc_path_rows_label(&paths->rows, row);
        RC_TRY(fill_flow(paths, row + 1, &rows[row].flow));
    }
    reply->row_count = paths->rows.shown;
    reply->rows = rows;
    return RC_OK;
}

/* ---- Request --------------------------------------------------------------------------------- */

static enum rc_status
check_selectors(const struct rc_paths_request *request, struct rc_error *reterr_error)
{
    char field[48];
    if (request->selector_count > RC_PATH_SELECTORS_MAX)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "selectors",
                              "there are at most %u selectors, not %u", RC_PATH_SELECTORS_MAX,
                              request->selector_count);
    for (uint32_t i = 0; i < request->selector_count; i++)
        for (uint32_t j = 0; j < i; j++) {
            if (!rc_bytes_equal(request->selectors[i].name, request->selectors[j].name))
                continue;
            rc_error_item(field, sizeof(field), "selectors.selectors", i, "name");
            return rc_error_field(reterr_error, RC_INVALID, field,
                                  "two selectors have the same name");
        }
    return RC_OK;
}

static enum rc_status
check_request(const struct rc_paths_request *request, struct rc_error *reterr_error)
{
    if (request->property.size == 0 && request->selector_count == 0)
        return rc_error_field(reterr_error, RC_INVALID, "nodes",
                              "a property or selectors must say what the nodes are");
    if (request->gap_ms < 0 || request->gap_ms > RC_SESSION_GAP_MS_MAX)
        return rc_error_field(reterr_error, RC_INVALID, "gap_ms",
                              "a gap has from 0 to %lld milliseconds",
                              (long long)RC_SESSION_GAP_MS_MAX);
    if (request->depth < 1 || request->depth > RC_PATH_DEPTH_MAX)
        return rc_error_field(reterr_error, RC_INVALID, "depth", "paths have from 1 to %u levels",
                              RC_PATH_DEPTH_MAX);
    if (request->top_n > RC_PATH_TOP_MAX && request->top_n != RC_TOP_NONE)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "top",
                              "at most %u nodes of a level can be shown", RC_PATH_TOP_MAX);
    if (request->start_count > request->depth)
        return rc_error_field(reterr_error, RC_INVALID, "start_nodes",
                              "the start has more nodes than the paths have levels");
    return check_selectors(request, reterr_error);
}

static enum rc_status
make_plan(struct paths *paths,
          uint32_t *first_selector,
          struct rc_query_stats *stats,
          struct rc_error *reterr_error)
{
    static const struct rc_predicate any = {.kind = RC_PREDICATE_TRUE};
    const struct rc_paths_request *request = paths->request;
    const struct rc_scope *scope = &request->scope;
    struct rc_plan_selector selectors[RC_SELECTORS_MAX];
    struct rc_counted counted;
    uint32_t count = 0;
    selectors[count++] = (struct rc_plan_selector){.predicate = &any, .field = "scope"};
    if (request->excluded != NULL) {
        paths->rule.excluded_bit = (uint64_t)1 << count;
        selectors[count++] =
            (struct rc_plan_selector){.predicate = request->excluded, .field = "excluded"};
    }
    *first_selector = count;
    for (uint32_t i = 0; i < request->selector_count; i++, count++) {
        selectors[count].predicate = request->selectors[i].selector;
        rc_error_item(selectors[count].field, sizeof(selectors[count].field), "selectors.selectors",
                      i, "selector");
    }
    for (uint32_t i = 0; i < count; i++) {
        selectors[i].from_ms = scope->start_ms;
        selectors[i].until_ms = rc_scope_until(scope, scope->end_ms);
    }
    RC_TRY(rc_scope_counted(paths->context, scope, stats, &counted, reterr_error));
    return rc_plan_counted(paths->context, scope->as_of_ms, &counted, selectors, count,
                           &paths->plan, reterr_error);
}

/* The request's nodes as numbers. */
static enum rc_status
make_rule(struct paths *paths)
{
    const struct rc_paths_request *request = paths->request;
    struct rc_path_rule *rule = &paths->rule;
    rule->nodes = paths->nodes;
    rule->gap_ms = request->gap_ms;
    rule->depth = request->depth;
    rule->start_count = request->start_count;
    for (uint32_t i = 0; i < request->start_count; i++)
        RC_TRY(rc_path_nodes_find(paths->nodes, request->start[i], &rule->start[i]));
    rule->has_end = request->end != NULL;
    if (rule->has_end)
        RC_TRY(rc_path_nodes_find(paths->nodes, *request->end, &rule->end));
    return RC_OK;
}

static enum rc_status
open_lanes(struct paths *paths)
{
    const struct rc_query_context *context = paths->context;
    const size_t places = (size_t)paths->node_count * paths->request->depth;
    paths->lanes = RC_ARENA_ARRAY(context->arena, struct lane, context->parallel_max);
    paths->states = RC_ARENA_ARRAY(context->arena, void *, context->parallel_max);
    if (paths->lanes == NULL || paths->states == NULL)
        return RC_NO_MEMORY;
    paths->lane_count = context->parallel_max;
    for (uint32_t i = 0; i < paths->lane_count; i++) {
        struct lane *lane = &paths->lanes[i];
        paths->states[i] = lane;
        lane->paths = paths;
        lane->reader = (struct rc_path_reader){.rule = &paths->rule, .account = context->account};
        lane->ranks = rc_alloc_in(context->account, places * sizeof(*lane->ranks) + 1);
        if (lane->ranks == NULL)
            return RC_NO_MEMORY;
        memset(lane->ranks, 0, places * sizeof(*lane->ranks));
        RC_TRY(rc_path_rows_lane_open(&paths->rows, context->account, &lane->rows));
    }
    return RC_OK;
}

static enum rc_status
answer(struct paths *paths, struct rc_paths_reply *reply)
{
    uint64_t hits_ranked = 0;
    RC_TRY(make_rule(paths));
    RC_TRY(open_lanes(paths));
    RC_TRY(run(paths, rank_person, &hits_ranked));
    RC_TRY(rank_levels(paths));
    RC_TRY(rank_rows(paths));
    RC_TRY(open_figures(paths));
    RC_TRY(run(paths, count_person, &reply->stats.matched_events));
    return fill_reply(paths, reply);
}

enum rc_status
rc_query_paths(const struct rc_query_context *context,
               const struct rc_paths_request *request,
               struct rc_paths_reply *ret_reply,
               struct rc_error *reterr_error)
{
    struct rc_calendar calendar;
    uint32_t first_selector;
    struct rc_paths_reply reply = {.stats.data_version = rc_view_data_version(context->view)};
    RC_CLEANUP(paths_close) struct paths paths = {.context = context, .request = request};
    RC_TRY(rc_scope_check(&request->scope, &calendar, reterr_error));
    RC_TRY(check_request(request, reterr_error));
    RC_TRY(make_plan(&paths, &first_selector, &reply.stats, reterr_error));
    RC_TRY(rc_path_nodes_new(paths.plan, request, first_selector, &paths.nodes, reterr_error));
    paths.node_count = rc_path_nodes_count(paths.nodes);
    RC_TRY(rc_path_rows_open(&paths.rows, paths.plan, request, BIT_ANY, &calendar, &reply.stats,
                             reterr_error));
    RC_TRY_OR(reterr_error, answer(&paths, &reply));
    rc_plan_add_stats(paths.plan, &reply.stats);
    *ret_reply = reply;
    return RC_OK;
}
