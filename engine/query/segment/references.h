/*
 * References: which saved definitions and segments name which others, for whoever changes a
 * catalog.
 *
 * Ownership: what is returned is borrowed from the catalog; arena holds scratch.
 * Errors:    RC_NOT_FOUND names what is missing, RC_INVALID a cycle, RC_CORRUPT a payload that is
 * none.
 */
#ifndef RC_QUERY_SEGMENT_REFERENCES_H
#define RC_QUERY_SEGMENT_REFERENCES_H

#include <stdbool.h>

#include "engine/base/arena.h"
#include "engine/base/status.h"
#include "engine/query/segment/segment.h"
#include "engine/store/project/catalog.h"

/* What segments name. */
struct rc_named_catalogs {
    const struct rc_catalog *definitions;
    const struct rc_catalog *segments;
};

/* Whether every name in a segment that is about to be put as entry exists, none leads back to it,
 * and nothing passes a limit with what it names (RC_LIMIT_EXCEEDED). The field is the place in the
 * rule, as far as the segment itself is at fault and not one that it names. */
RC_MUST_USE enum rc_status
rc_segments_check(const struct rc_named_catalogs *catalogs,
                  const struct rc_catalog_entry *entry,
                  const struct rc_segment *segment,
                  struct rc_arena *arena,
                  struct rc_error *reterr_error);

/* Whether a segment that was changed is deeper or has more nodes than before, or may hold more
 * cells in each other. One that could not be resolved before has grown. */
RC_MUST_USE enum rc_status
rc_segment_has_grown(const struct rc_catalog *before,
                     const struct rc_catalog *after,
                     struct rc_bytes name,
                     bool *ret_grown);

/*
 * For a definition or a segment that has grown: whether segments that lead to it are still no
 * larger than may be. O(segments that are rules).
 *   RC_LIMIT_EXCEEDED  one that could be resolved before cannot be in after; the error names it.
 */
RC_MUST_USE enum rc_status
rc_segments_check_users(const struct rc_named_catalogs *before,
                        const struct rc_named_catalogs *after,
                        struct rc_error *reterr_error);

/* The name of the first definition that names the definition name; empty when there is none. */
struct rc_bytes
rc_definitions_find_user(const struct rc_catalog *definitions, struct rc_bytes name);

/* The first segment that names another segment (of_segment) or a definition. */
RC_MUST_USE enum rc_status
rc_segments_find_user(const struct rc_catalog *segments,
                      bool of_segment,
                      struct rc_bytes name,
                      struct rc_bytes *ret_user,
                      struct rc_error *reterr_error);

/* The first derived property, definition or segment that reads a property, other than itself. */
RC_MUST_USE enum rc_status
rc_derived_find_user(const struct rc_catalog *derived,
                     const struct rc_named_catalogs *catalogs,
                     struct rc_bytes name,
                     enum rc_catalog_kind *ret_kind,
                     struct rc_bytes *ret_user,
                     struct rc_error *reterr_error);

#endif
