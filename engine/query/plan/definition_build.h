/*
 * Definition build: the bitmaps of many definitions at once, and how many events each means.
 *
 * Ownership: what comes back is in the context's arena.
 * Threading: the caller's thread, which lets workers compute.
 * Errors:    those of definitions; RC_CANCELLED; RC_NO_MEMORY. What was built stays in the cache.
 */
#ifndef RC_QUERY_PLAN_DEFINITION_BUILD_H
#define RC_QUERY_PLAN_DEFINITION_BUILD_H

#include "engine/base/status.h"
#include "engine/match/build.h"
#include "engine/query/query.h"

/* Definitions in one call: a reply of these takes a megabyte. */
#define RC_BUILD_DEFINITIONS_MAX 10000u

struct rc_definitions_built {
    uint64_t *event_counts; /* Live ones; RC_BUILD_UNCOUNTED: the data alone does not say;
                               RC_BUILD_TOO_SLOW. */
    uint64_t rowsets_built;
    uint64_t rowsets_cached;
    uint64_t data_version;
};

/* entries are of the context's catalog. */
RC_MUST_USE enum rc_status
rc_definitions_build(const struct rc_query_context *context,
                     const struct rc_catalog_entry *entries,
                     uint32_t count,
                     struct rc_definitions_built *ret_built,
                     struct rc_error *reterr_error);

#endif
