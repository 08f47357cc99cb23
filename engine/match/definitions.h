/*
 * Definitions: names for predicates. A catalog entry's payload is a stored predicate; resolving
 * replaces every DEFINITION node of a tree by the tree it names.
 */
#ifndef RC_MATCH_DEFINITIONS_H
#define RC_MATCH_DEFINITIONS_H

#include "engine/base/arena.h"
#include "engine/base/status.h"
#include "engine/match/predicate.h"
#include "engine/store/catalog.h"

/*
 * A tree without DEFINITION nodes, in arena.
 *   RC_NOT_FOUND       a name that is not in the catalog; the error names it.
 *   RC_INVALID         a cycle; the error names its definitions in order.
 *   RC_LIMIT_EXCEEDED  the resolved tree passes RC_PREDICATE_NODES_MAX or _DEPTH_MAX.
 */
RC_MUST_USE enum rc_status
rc_definitions_resolve(const struct rc_catalog *definitions,
                       const struct rc_predicate *predicate,
                       struct rc_arena *arena,
                       const struct rc_predicate **ret_predicate,
                       struct rc_error *reterr_error);

/* The same for a definition that is about to be put under name: a cycle through name is
 * an error. */
RC_MUST_USE enum rc_status
rc_definitions_check(const struct rc_catalog *definitions,
                     struct rc_bytes name,
                     const struct rc_predicate *predicate,
                     struct rc_error *reterr_error);

#endif
