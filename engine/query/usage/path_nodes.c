/*
 * Path nodes. Of a property they are the groups of a breakdown; of selectors, their numbers.
 *
 * Selectors are few, so their ranking is plain insertion.
 */
#include "engine/query/usage/path_nodes.h"
#include "engine/query/too_slow.h"

#include <string.h>

#define TOP_DEFAULT 9u

struct rc_path_nodes {
    const struct rc_paths_request *request;
    struct rc_account *account;
    struct rc_breakdown breakdown;
    struct rc_groups *groups; /* NULL: nodes are selectors. */
    uint32_t first_selector;
};

enum rc_status
rc_path_nodes_new(const struct rc_plan *plan,
                  const struct rc_paths_request *request,
                  uint32_t first_selector,
                  struct rc_path_nodes **ret_nodes,
                  struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_path_nodes_freep)
    struct rc_path_nodes *nodes = rc_alloc_in(plan->context->account, sizeof(*nodes));
    if (nodes == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the nodes of paths");
    *nodes =
        (struct rc_path_nodes){.request = request,
                               .account = plan->context->account,
                               .breakdown = {.scope = RC_LEAF_EVENT, .property = request->property},
                               .first_selector = first_selector};
    if (request->property.size > 0) {
        const enum rc_status status = rc_groups_new(
            plan, &nodes->breakdown, request->scope.as_of_ms, &nodes->groups, reterr_error);
        RC_TRY(rc_too_slow_at(reterr_error, status, "property"));
    }
    *ret_nodes = RC_TAKE(nodes);
    return RC_OK;
}

struct rc_path_nodes *
rc_path_nodes_free(struct rc_path_nodes *nodes)
{
    if (nodes == NULL)
        return NULL;
    rc_groups_free(nodes->groups);
    return rc_alloc_free(nodes);
}

uint32_t
rc_path_nodes_count(const struct rc_path_nodes *nodes)
{
    return nodes->groups != NULL ? rc_groups_count(nodes->groups) : nodes->request->selector_count;
}

uint32_t
rc_path_nodes_of(const struct rc_path_nodes *nodes, uint32_t person, const struct rc_hit *hit)
{
    if (nodes->groups != NULL) {
        uint32_t count;
        const uint32_t set = rc_groups_of(nodes->groups, person, hit);
        return rc_groups_list(nodes->groups, &set, &count)[0];
    }
    const uint64_t mask = hit->mask >> nodes->first_selector;
    return mask == 0 ? RC_PATH_NODE_NONE : (uint32_t)__builtin_ctzll(mask);
}

enum rc_status
rc_path_nodes_find(const struct rc_path_nodes *nodes, struct rc_value value, uint32_t *ret_node)
{
    const uint32_t count = rc_path_nodes_count(nodes);
    *ret_node = RC_PATH_NODE_NONE;
    if (nodes->groups == NULL) {
        for (uint32_t i = 0; i < count && value.kind == RC_VALUE_STRING; i++)
            if (rc_bytes_equal(nodes->request->selectors[i].name, value.string))
                *ret_node = i;
        return RC_OK;
    }
    RC_CLEANUP(rc_arena_freep) struct rc_arena *scratch = rc_arena_new(nodes->account, 0);
    if (scratch == NULL)
        return RC_NO_MEMORY;
    const struct rc_value wanted = rc_value_group(value);
    for (uint32_t group = 0; group < count && *ret_node == RC_PATH_NODE_NONE; group++) {
        struct rc_value found;
        RC_TRY(rc_groups_value(nodes->groups, group, scratch, &found));
        if (rc_value_same(found, wanted))
            *ret_node = group;
        rc_arena_reset(scratch);
    }
    return RC_OK;
}

/* Whether selector a stands before selector b. */
static bool
before(const struct rc_path_nodes *nodes, const uint64_t *figures, uint32_t a, uint32_t b)
{
    const struct rc_path_selector *selectors = nodes->request->selectors;
    if (figures[a] != figures[b])
        return figures[a] > figures[b];
    return rc_bytes_compare(selectors[a].name, selectors[b].name) < 0;
}

static enum rc_status
rank_selectors(const struct rc_path_nodes *nodes,
               const uint64_t *figures,
               uint32_t top_n,
               struct rc_arena *arena,
               struct rc_ranking *ret_ranking)
{
    const uint32_t count = nodes->request->selector_count;
    uint32_t *order = RC_ARENA_ARRAY(arena, uint32_t, count);
    uint32_t *row_of = RC_ARENA_ARRAY(arena, uint32_t, count);
    struct rc_value *values = RC_ARENA_ARRAY(arena, struct rc_value, count);
    if (order == NULL || row_of == NULL || values == NULL)
        return RC_NO_MEMORY;
    uint32_t found = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (figures[i] == 0)
            continue;
        uint32_t at = found++;
        for (; at > 0 && before(nodes, figures, i, order[at - 1]); at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    const uint32_t rows = found < top_n ? found : top_n;
    for (uint32_t i = 0; i < count; i++)
        row_of[i] = rows;
    for (uint32_t row = 0; row < rows; row++) {
        row_of[order[row]] = row;
        values[row] = rc_value_string(nodes->request->selectors[order[row]].name);
    }
    *ret_ranking = (struct rc_ranking){.row_count = rows,
                                       .has_other = found > rows,
                                       .groups = order,
                                       .row_of = row_of,
                                       .values = values};
    return RC_OK;
}

enum rc_status
rc_path_nodes_rank(const struct rc_path_nodes *nodes,
                   const uint64_t *figures,
                   uint32_t top_n,
                   struct rc_arena *arena,
                   struct rc_ranking *ret_ranking)
{
    if (nodes->groups != NULL)
        return rc_groups_rank(nodes->groups, figures, top_n, arena, ret_ranking);
    const uint32_t top = top_n == 0 ? TOP_DEFAULT : top_n == RC_TOP_NONE ? 0 : top_n;
    return rank_selectors(nodes, figures, top, arena, ret_ranking);
}
