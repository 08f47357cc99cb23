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

/* Whether every name in a segment that is about to be put under name exists, and none leads back to
 * it. */
RC_MUST_USE enum rc_status
rc_segments_check(const struct rc_catalog *definitions,
                  const struct rc_catalog *segments,
                  const struct rc_catalog_entry *entry,
                  const struct rc_segment *segment,
                  struct rc_arena *arena,
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
                     const struct rc_catalog *definitions,
                     const struct rc_catalog *segments,
                     struct rc_bytes name,
                     struct rc_bytes *ret_user,
                     struct rc_error *reterr_error);

#endif
