/*
 * QueryService.Paths.
 *
 * A selector without a name is called by its label, which may be the display name of a definition;
 * so names are given when the project is at hand. A handle holds them, so that its cells need not
 * look.
 */
#include "engine/query/usage/paths.h"

#include <recount/v1/paths.pb-c.h>

#include "engine/base/limits.h"
#include "server/decode/decode.h"
#include "server/encode/encode.h"
#include "server/query/cells.h"
#include "server/query/service_query.h"

#define GAP_MS_DEFAULT ((int64_t)30 * 60 * 1000)
#define DEPTH_DEFAULT 5u

static enum rc_status
decode_selectors(struct rc_decode *decode,
                 const Recount__V1__PathSelectors *in,
                 struct rc_paths_request *question)
{
    if (in->n_selectors == 0 || in->n_selectors > RC_PATH_SELECTORS_MAX)
        return rc_decode_fail(decode, RC_INVALID, "selectors", "from 1 to %u selectors are nodes",
                              RC_PATH_SELECTORS_MAX);
    struct rc_path_selector *selectors =
        RC_ARENA_ARRAY(decode->arena, struct rc_path_selector, in->n_selectors);
    if (selectors == NULL)
        return rc_decode_no_memory(decode);
    for (size_t i = 0; i < in->n_selectors; i++) {
        const size_t mark = rc_decode_enter_item(decode, "selectors.selectors", i);
        (void)rc_decode_enter(decode, "selector");
        RC_TRY(rc_decode_selector(decode, in->selectors[i]->selector, &selectors[i].selector));
        selectors[i].name = rc_bytes_of(in->selectors[i]->name);
        rc_decode_leave(decode, mark);
    }
    question->selectors = selectors;
    question->selector_count = (uint32_t)in->n_selectors;
    return RC_OK;
}

static enum rc_status
decode_nodes(struct rc_decode *decode,
             const Recount__V1__PathsRequest *in,
             struct rc_paths_request *question)
{
    switch (in->nodes_case) {
    case RECOUNT__V1__PATHS_REQUEST__NODES_PROPERTY:
        question->property = rc_bytes_of(in->property);
        return question->property.size > 0
                   ? RC_OK
                   : rc_decode_fail(decode, RC_INVALID, "property", "the property has no name");
    case RECOUNT__V1__PATHS_REQUEST__NODES_SELECTORS:
        return decode_selectors(decode, in->selectors, question);
    default:
        return rc_decode_fail(decode, RC_INVALID, "nodes",
                              "a property or selectors must say what the nodes are");
    }
}

/* A node's value; null is one. */
static enum rc_status
decode_node(struct rc_decode *decode, const Recount__V1__Value *in, struct rc_value *node)
{
    if (in->kind_case == RECOUNT__V1__VALUE__KIND__NOT_SET) {
        *node = rc_value_null();
        return RC_OK;
    }
    return rc_decode_value(decode, in, node);
}

/* The start and the end. */
static enum rc_status
decode_places(struct rc_decode *decode,
              const Recount__V1__PathsRequest *in,
              struct rc_paths_request *question)
{
    struct rc_value *values = RC_ARENA_ARRAY(decode->arena, struct rc_value, in->n_start_nodes + 1);
    if (values == NULL)
        return rc_decode_no_memory(decode);
    if (in->n_start_nodes > question->depth)
        return rc_decode_fail(decode, RC_INVALID, "start_nodes",
                              "the start has more nodes than the paths have levels");
    for (size_t i = 0; i < in->n_start_nodes; i++) {
        const size_t mark = rc_decode_enter_item(decode, "start_nodes", i);
        RC_TRY(decode_node(decode, in->start_nodes[i], &values[i]));
        rc_decode_leave(decode, mark);
    }
    question->start = values;
    question->start_count = (uint32_t)in->n_start_nodes;
    if (in->end_node != NULL) {
        const size_t mark = rc_decode_enter(decode, "end_node");
        RC_TRY(decode_node(decode, in->end_node, &values[in->n_start_nodes]));
        rc_decode_leave(decode, mark);
        question->end = &values[in->n_start_nodes];
    }
    return RC_OK;
}

enum rc_status
rc_decode_paths(struct rc_decode *decode,
                const Recount__V1__PathsRequest *in,
                int64_t now_ms,
                struct rc_paths_request *question)
{
    RC_TRY(rc_decode_scope(decode, in->scope, RC_RANGE_REQUIRED, now_ms, &question->scope));
    RC_TRY(rc_decode_split(decode, "breakdown", in->breakdown, &question->breakdown,
                           &question->dimension_count, &question->breakdown_top_n));
    RC_TRY(decode_nodes(decode, in, question));
    if (in->excluded != NULL) {
        const size_t mark = rc_decode_enter(decode, "excluded");
        RC_TRY(rc_decode_selector(decode, in->excluded, &question->excluded));
        rc_decode_leave(decode, mark);
    }
    question->gap_ms = GAP_MS_DEFAULT;
    if (in->optional_gap_ms_case == RECOUNT__V1__PATHS_REQUEST__OPTIONAL_GAP_MS_GAP_MS)
        question->gap_ms = in->gap_ms;
    question->depth = in->depth == 0 ? DEPTH_DEFAULT : in->depth;
    if (in->optional_top_case == RECOUNT__V1__PATHS_REQUEST__OPTIONAL_TOP_TOP) {
        if (in->top > RC_PATH_TOP_MAX)
            return rc_decode_fail(decode, RC_INVALID, "top",
                                  "at most %u nodes of a level can be shown", RC_PATH_TOP_MAX);
        question->top_n = in->top == 0 ? RC_TOP_NONE : in->top;
    }
    return decode_places(decode, in, question);
}

/* Names the selectors of a request whose session has begun; *ret_named is the request with them. */
static enum rc_status
name_selectors(struct rc_request *request,
               const Recount__V1__PathsRequest *in,
               struct rc_paths_request *question,
               const Recount__V1__PathsRequest **ret_named)
{
    struct rc_path_selector *selectors;
    Recount__V1__PathsRequest *named = rc_arena_copy(request->arena, in, sizeof(*in));
    *ret_named = named;
    if (named == NULL)
        return RC_NO_MEMORY;
    if (question->selector_count == 0)
        return RC_OK;
    RC_NEW_ARRAY(request->arena, selectors, struct rc_path_selector, question->selector_count);
    RC_NEW(request->arena, named->selectors, recount__v1__path_selectors__descriptor);
    RC_NEW_ARRAY(request->arena, named->selectors->selectors, Recount__V1__PathSelector *,
                 question->selector_count);
    named->selectors->n_selectors = question->selector_count;
    for (uint32_t i = 0; i < question->selector_count; i++) {
        Recount__V1__PathSelector *one =
            rc_arena_copy(request->arena, in->selectors->selectors[i], sizeof(*one));
        if (one == NULL)
            return RC_NO_MEMORY;
        named->selectors->selectors[i] = one;
        RC_TRY(rc_selector_label(request, one->name, one->selector, &one->name));
        selectors[i] = (struct rc_path_selector){.name = rc_bytes_of(one->name),
                                                 .selector = question->selectors[i].selector};
    }
    question->selectors = selectors;
    return RC_OK;
}

static enum rc_status
encode_level(struct rc_arena *arena,
             const struct rc_path_level *level,
             Recount__V1__PathLevel **ret_level)
{
    Recount__V1__PathLevel *out;
    RC_NEW(arena, out, recount__v1__path_level__descriptor);
    RC_NEW_ARRAY(arena, out->nodes, Recount__V1__PathNode *, level->node_count);
    out->n_nodes = level->node_count;
    for (uint32_t i = 0; i < level->node_count; i++) {
        Recount__V1__PathNode *node;
        RC_NEW(arena, node, recount__v1__path_node__descriptor);
        RC_TRY(rc_encode_label(arena, &level->nodes[i].label, &node->label));
        node->walks = level->nodes[i].walks;
        node->users = level->nodes[i].users;
        node->drop_off_walks = level->nodes[i].drop_off_walks;
        node->drop_off_users = level->nodes[i].drop_off_users;
        out->nodes[i] = node;
    }
    *ret_level = out;
    return RC_OK;
}

static enum rc_status
encode_levels(struct rc_arena *arena,
              const struct rc_path_flow *flow,
              Recount__V1__PathLevel ***ret_levels,
              size_t *ret_count)
{
    RC_NEW_ARRAY(arena, *ret_levels, Recount__V1__PathLevel *, flow->level_count);
    *ret_count = flow->level_count;
    for (uint32_t i = 0; i < flow->level_count; i++)
        RC_TRY(encode_level(arena, &flow->levels[i], &(*ret_levels)[i]));
    return RC_OK;
}

static enum rc_status
encode_edges(struct rc_arena *arena,
             const struct rc_path_flow *flow,
             Recount__V1__PathEdge ***ret_edges,
             size_t *ret_count)
{
    RC_NEW_ARRAY(arena, *ret_edges, Recount__V1__PathEdge *, flow->edge_count);
    *ret_count = flow->edge_count;
    for (uint64_t i = 0; i < flow->edge_count; i++) {
        Recount__V1__PathEdge *edge;
        RC_NEW(arena, edge, recount__v1__path_edge__descriptor);
        edge->level = flow->edges[i].level + 1;
        edge->source = flow->edges[i].source;
        edge->target = flow->edges[i].target;
        edge->walks = flow->edges[i].walks;
        edge->users = flow->edges[i].users;
        (*ret_edges)[i] = edge;
    }
    return RC_OK;
}

static enum rc_status
encode_row(struct rc_arena *arena, const struct rc_paths_row *row, Recount__V1__PathsRow **ret_row)
{
    Recount__V1__PathsRow *out;
    RC_NEW(arena, out, recount__v1__paths_row__descriptor);
    RC_TRY(rc_encode_label(arena, &row->label, &out->label));
    RC_TRY(encode_levels(arena, &row->flow, &out->levels, &out->n_levels));
    RC_TRY(encode_edges(arena, &row->flow, &out->edges, &out->n_edges));
    out->walks = row->flow.walks;
    out->users = row->flow.users;
    *ret_row = out;
    return RC_OK;
}

static enum rc_status
encode_reply(struct rc_arena *arena,
             const struct rc_paths_reply *answer,
             Recount__V1__PathsResponse *out)
{
    RC_TRY(encode_levels(arena, &answer->total, &out->levels, &out->n_levels));
    RC_TRY(encode_edges(arena, &answer->total, &out->edges, &out->n_edges));
    out->walks = answer->total.walks;
    out->users = answer->total.users;
    RC_NEW_ARRAY(arena, out->rows, Recount__V1__PathsRow *, answer->row_count);
    out->n_rows = answer->row_count;
    for (uint32_t i = 0; i < answer->row_count; i++)
        RC_TRY(encode_row(arena, &answer->rows[i], &out->rows[i]));
    return RC_OK;
}

enum rc_status
rc_call_paths(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__PathsRequest *named;
    Recount__V1__PathsResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    struct rc_paths_request question = {.selector_count = 0};
    struct rc_paths_reply answer;
    RC_TRY(rc_decode_paths(&decode, message, request->received_ms, &question));
    RC_TRY(rc_request_begin(request, &decode, &question.scope));
    RC_TRY(name_selectors(request, message, &question, &named));
    RC_TRY(rc_query_paths(rc_query_session_context(request->session), &question, &answer,
                          request->error));
    RC_TRY(encode_reply(request->arena, &answer, out));
    RC_TRY(rc_encode_info(request, &question.scope, true, &answer.stats, &out->info));
    return rc_cell_handle(request, RC_CHART_PATHS, &named->base, &question.scope,
                          rc_paths_label_hash(&answer), &out->info->cell_handle);
}
