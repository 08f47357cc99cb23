/*
 * Paths. Two walks over the same hits: the first counts how often each node stands at each level
 * and so ranks the nodes of a level; the second counts nodes, ends and edges of what is shown. Two,
 * because a property may have a million values, but an edge needs a place for each pair.
 *
 * Users: a place remembers the last person counted in it, so a person is counted once.
 */
#include <stdio.h>
#include <string.h>

#include "engine/query/path_nodes.h"
#include "engine/query/path_walks.h"
#include "engine/query/paths.h"
#include "engine/query/plan.h"
#include "engine/query/scope.h"
#include "engine/query/walk.h"

struct level {
    struct rc_ranking ranking;
    uint32_t rows;    /* Nodes shown, and Other. */
    uint64_t nodes;   /* Where in the figures its nodes begin, */
    uint64_t ends;    /* its ends, */
    uint64_t targets; /* and its edges: [row][row of the next level]. */
};

struct figure {
    uint64_t walks;
    uint32_t users;
    uint32_t last_person; /* Plus 1; 0: nobody. */
};

struct paths {
    const struct rc_query_context *context;
    const struct rc_paths_request *request;
    struct rc_plan *plan;
    struct rc_path_nodes *nodes;
    struct rc_path_rule rule;
    uint32_t node_count;
    struct level levels[RC_PATH_DEPTH_MAX];
    uint32_t level_count; /* With a node. */
    uint64_t figure_count;
    uint32_t lane_count;
    struct lane *lanes;
    void **states;
};

struct lane {
    const struct paths *paths;
    struct rc_path_reader reader;
    uint32_t *ranks; /* First walk: [level][node]. */
    struct figure *figures;
};

static void
paths_close(struct paths *paths)
{
    for (uint32_t i = 0; i < paths->lane_count; i++) {
        rc_path_reader_close(&paths->lanes[i].reader);
        rc_alloc_free(paths->lanes[i].ranks);
        rc_alloc_free(paths->lanes[i].figures);
    }
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
    }
    return RC_OK;
}

static inline void
count_in(struct figure *figure, uint32_t person)
{
    figure->walks++;
    figure->users += figure->last_person != person + 1;
    figure->last_person = person + 1;
}

static enum rc_status
count_person(void *state, uint32_t person, const struct rc_hit *hits, uint32_t count)
{
    struct lane *lane = state;
    const struct level *levels = lane->paths->levels;
    for (uint32_t at = 0; at < count;) {
        struct rc_path_walk walk;
        RC_TRY(rc_path_reader_next(&lane->reader, person, hits, count, &at, &walk));
        if (walk.count == 0)
            continue;
        count_in(&lane->figures[0], person);
        uint32_t row = levels[0].ranking.row_of[walk.nodes[0]];
        for (uint32_t level = 0; level < walk.count; level++) {
            count_in(&lane->figures[levels[level].nodes + row], person);
            if (level + 1 == walk.count)
                break;
            const uint32_t next = levels[level + 1].ranking.row_of[walk.nodes[level + 1]];
            const uint64_t edge = (uint64_t)row * levels[level + 1].rows + next;
            count_in(&lane->figures[levels[level].targets + edge], person);
            row = next;
        }
        if (walk.drops_off)
            count_in(&lane->figures[levels[walk.count - 1].ends + row], person);
    }
    return RC_OK;
}

static enum rc_status
run(struct paths *paths,
    enum rc_status (*person)(void *, uint32_t, const struct rc_hit *, uint32_t),
    uint64_t *hit_count)
{
    const struct rc_fold fold = {
        .ordered = true,
        .lane_count = paths->lane_count,
        .lanes = paths->states,
        .person = person,
    };
    return rc_walk(paths->plan, &fold, hit_count);
}

/* ---- Between the walks ----------------------------------------------------------------------- */

/* Ranks the nodes of every level and lays out the places of the second walk: the first is for all
 * walks. */
static enum rc_status
rank_levels(struct paths *paths)
{
    RC_CLEANUP(rc_alloc_freep)
    uint64_t *figures =
        rc_alloc_in(paths->context->account, (size_t)paths->node_count * sizeof(*figures) + 1);
    if (figures == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < paths->request->depth; i++) {
        struct level *level = &paths->levels[i];
        memset(figures, 0, (size_t)paths->node_count * sizeof(*figures));
        for (uint32_t lane = 0; lane < paths->lane_count; lane++)
            for (uint32_t node = 0; node < paths->node_count; node++)
                figures[node] += paths->lanes[lane].ranks[(size_t)i * paths->node_count + node];
        RC_TRY(rc_path_nodes_rank(paths->nodes, figures, paths->request->top_n,
                                  paths->context->arena, &level->ranking));
        level->rows = level->ranking.row_count + (level->ranking.has_other ? 1 : 0);
        if (level->rows == 0)
            break;
        paths->level_count = i + 1;
    }
    uint64_t places = 1;
    for (uint32_t i = 0; i < paths->level_count; i++) {
        struct level *level = &paths->levels[i];
        const uint32_t next = i + 1 < paths->level_count ? paths->levels[i + 1].rows : 0;
        level->nodes = places;
        level->ends = level->nodes + level->rows;
        level->targets = level->ends + level->rows;
        places = level->targets + (uint64_t)level->rows * next;
    }
    paths->figure_count = places;
    return RC_OK;
}

static enum rc_status
open_figures(struct paths *paths)
{
    for (uint32_t i = 0; i < paths->lane_count; i++) {
        struct lane *lane = &paths->lanes[i];
        lane->ranks = rc_alloc_free(lane->ranks);
        lane->figures =
            rc_alloc_in(paths->context->account, paths->figure_count * sizeof(*lane->figures));
        if (lane->figures == NULL)
            return RC_NO_MEMORY;
        memset(lane->figures, 0, paths->figure_count * sizeof(*lane->figures));
    }
    return RC_OK;
}

/* ---- Reply ----------------------------------------------------------------------------------- */

/* Sums the lanes' figures into those of the first. */
static const struct figure *
add_up(struct paths *paths)
{
    struct figure *sum = paths->lanes[0].figures;
    for (uint32_t i = 1; i < paths->lane_count; i++)
        for (uint64_t place = 0; place < paths->figure_count; place++) {
            sum[place].walks += paths->lanes[i].figures[place].walks;
            sum[place].users += paths->lanes[i].figures[place].users;
        }
    return sum;
}

static enum rc_status
fill_levels(const struct paths *paths, const struct figure *figures, struct rc_paths_reply *reply)
{
    struct rc_arena *arena = paths->context->arena;
    struct rc_path_level *levels = RC_ARENA_ARRAY(arena, struct rc_path_level, paths->level_count);
    if (levels == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < paths->level_count; i++) {
        const struct level *level = &paths->levels[i];
        struct rc_path_node *nodes = RC_ARENA_ARRAY(arena, struct rc_path_node, level->rows);
        if (nodes == NULL)
            return RC_NO_MEMORY;
        for (uint32_t row = 0; row < level->rows; row++) {
            const bool is_value = row < level->ranking.row_count;
            nodes[row] = (struct rc_path_node){
                .label = {.kind = is_value ? RC_ROW_VALUE : RC_ROW_OTHER,
                          .value = is_value ? level->ranking.values[row] : rc_value_null()},
                .walks = figures[level->nodes + row].walks,
                .users = figures[level->nodes + row].users,
                .drop_off_walks = figures[level->ends + row].walks,
                .drop_off_users = figures[level->ends + row].users};
        }
        levels[i] = (struct rc_path_level){.node_count = level->rows, .nodes = nodes};
    }
    reply->level_count = paths->level_count;
    reply->levels = levels;
    return RC_OK;
}

static enum rc_status
fill_edges(const struct paths *paths, const struct figure *figures, struct rc_paths_reply *reply)
{
    uint64_t count = 0;
    for (int pass = 0; pass < 2; pass++) {
        struct rc_path_edge *edges = NULL;
        if (pass == 1) {
            edges = RC_ARENA_ARRAY(paths->context->arena, struct rc_path_edge, count);
            if (edges == NULL)
                return RC_NO_MEMORY;
            reply->edge_count = count;
            reply->edges = edges;
            count = 0;
        }
        for (uint32_t i = 0; i + 1 < paths->level_count; i++) {
            const uint32_t targets = paths->levels[i + 1].rows;
            for (uint32_t place = 0; place < paths->levels[i].rows * targets; place++) {
                const struct figure *figure = &figures[paths->levels[i].targets + place];
                if (figure->walks > 0 && pass == 1)
                    edges[count] = (struct rc_path_edge){.level = i,
                                                         .source = place / targets,
                                                         .target = place % targets,
                                                         .walks = figure->walks,
                                                         .users = figure->users};
                count += figure->walks > 0;
            }
        }
    }
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
            snprintf(field, sizeof(field), "selectors[%u].name", i);
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
    if (request->depth < 2 || request->depth > RC_PATH_DEPTH_MAX)
        return rc_error_field(reterr_error, RC_INVALID, "depth", "paths have from 2 to %u levels",
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
        snprintf(selectors[count].field, sizeof(selectors[count].field), "selectors[%u].selector",
                 i);
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
    RC_TRY(open_figures(paths));
    RC_TRY(run(paths, count_person, &reply->stats.matched_events));
    const struct figure *figures = add_up(paths);
    reply->walks = figures[0].walks;
    reply->users = figures[0].users;
    RC_TRY(fill_levels(paths, figures, reply));
    return fill_edges(paths, figures, reply);
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
    RC_TRY_OR(reterr_error, answer(&paths, &reply));
    rc_plan_add_stats(paths.plan, &reply.stats);
    *ret_reply = reply;
    return RC_OK;
}
