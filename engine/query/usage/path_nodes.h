/*
 * Path nodes: which node an event is, numbered. Of a property with several values, the first one.
 *
 * Ownership: opaque; charges the context's account; borrows the plan and the request.
 * Threading: made by one thread, then read by any.
 * Errors:    those of groups; RC_NO_MEMORY.
 */
#ifndef RC_QUERY_USAGE_PATH_NODES_H
#define RC_QUERY_USAGE_PATH_NODES_H

#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/query/plan/plan.h"
#include "engine/query/split/groups.h"
#include "engine/query/usage/paths.h"
#include "engine/query/walk/walk.h"

struct rc_path_nodes;

/* No node. */
#define RC_PATH_NODE_NONE UINT32_MAX

/* first_selector: where the request's selectors begin in the plan. */
RC_MUST_USE enum rc_status
rc_path_nodes_new(const struct rc_plan *plan,
                  const struct rc_paths_request *request,
                  uint32_t first_selector,
                  struct rc_path_nodes **ret_nodes,
                  struct rc_error *reterr_error);

struct rc_path_nodes *
rc_path_nodes_free(struct rc_path_nodes *nodes);

RC_DEFINE_CLEANUP(struct rc_path_nodes *, rc_path_nodes_free)

/* Nodes are numbered below this. */
uint32_t
rc_path_nodes_count(const struct rc_path_nodes *nodes);

/* The node of a hit, or RC_PATH_NODE_NONE. */
uint32_t
rc_path_nodes_of(const struct rc_path_nodes *nodes, uint32_t person, const struct rc_hit *hit);

/* The node of a value, or RC_PATH_NODE_NONE: no event has it. O(nodes). */
RC_MUST_USE enum rc_status
rc_path_nodes_find(const struct rc_path_nodes *nodes, struct rc_value value, uint32_t *ret_node);

/* Ranks nodes as rc_groups_rank ranks groups. */
RC_MUST_USE enum rc_status
rc_path_nodes_rank(const struct rc_path_nodes *nodes,
                   const uint64_t *figures,
                   uint32_t top_n,
                   struct rc_arena *arena,
                   struct rc_ranking *ret_ranking);

#endif
