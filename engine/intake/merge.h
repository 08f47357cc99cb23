/*
 * Merge: makes one slab of several of the same window, so that a query meets few; of a window that
 * was divided since (windows.h), one for each part.
 *
 * Tiers: slabs of a window within a factor of RC_MERGE_FANOUT in rows are merged when there are
 * that many, so that each row is rewritten once per tier. When nothing arrives, rc_merge_pick_idle
 * also joins what the tiers leave, and rewrites a slab that is a quarter dead.
 *
 * A merge that leaves rows out sweeps the dictionaries afterwards (dictionary_sweep.h): what only
 * those rows had is freed when it is most of what there is.
 *
 * Threading: a background worker; takes the project's writer lock only for the exchange. One merge
 *            at a time for a project.
 * Errors:    RC_NO_MEMORY, RC_LIMIT_EXCEEDED, RC_CANCELLED, and what rc_slab_use says of a cold
 * slab: everything stays as it was.
 */
#ifndef RC_INTAKE_MERGE_H
#define RC_INTAKE_MERGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/status.h"
#include "engine/base/workers.h"
#include "engine/store/project/project.h"

#define RC_MERGE_FANOUT 16u
#define RC_MERGE_SLABS_MAX 256u

/* Slabs to be merged, those of each window together, by id in the order of the version. */
struct rc_merge_plan {
    uint32_t count; /* 0: nothing to do. */
    uint64_t rows;  /* Live ones. */
    uint64_t ids[RC_MERGE_SLABS_MAX];
};

/* In windows that have slabs without live rows, these; in others, what the tiers ask for. */
void
rc_merge_pick(const struct rc_version *version, struct rc_merge_plan *ret_plan);

/* What is worth doing while nothing arrives. */
void
rc_merge_pick_idle(const struct rc_version *version, struct rc_merge_plan *ret_plan);

/* The whole of windows that have more than one slab or dead rows. */
void
rc_merge_pick_all(const struct rc_version *version, struct rc_merge_plan *ret_plan);

/* A slab that holds rows of users who were deleted: who are gone, or whose ordinal is a hole in
 * ids. */
void
rc_merge_pick_absent(const struct rc_version *version,
                     const struct rc_dictionary *ids,
                     struct rc_merge_plan *ret_plan);

/* Carries a plan out, with the help of those of the workers who are free (NULL: alone). The slabs
 * named are gone from the project afterwards. */
RC_MUST_USE enum rc_status
rc_merge_run(struct rc_project *project,
             const struct rc_merge_plan *plan,
             struct rc_workers *workers,
             const _Atomic(bool) *cancel,
             struct rc_error *reterr_error);

#endif
