/*
 * Apply: puts a logged batch into a project and makes it visible. It decides nothing: the same
 * batches in the same order give the same state, at ingestion and at replay.
 *
 * Ownership: the batch is borrowed during the call.
 * Threading: takes the project's writer lock.
 * Errors:    RC_UNAVAILABLE, RC_CORRUPT (a slab on disk could not be read), RC_NO_MEMORY,
 *            RC_LIMIT_EXCEEDED: nothing of the batch is in the project; others may be applied, or
 * it another time. RC_CONFLICT, with the same: it would take the project past RC_PROPERTIES_MAX,
 * which is what the state makes of it at replay, too.
 */
#ifndef RC_INTAKE_APPLY_H
#define RC_INTAKE_APPLY_H

#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/status.h"
#include "engine/intake/batch.h"
#include "engine/store/project/project.h"

struct rc_applied {
    uint64_t replaced;   /* Events that replaced an earlier one. */
    uint32_t full_heads; /* Heads that now wait to be sealed. */
};

RC_MUST_USE enum rc_status
rc_apply_batch(struct rc_project *project,
               struct rc_bytes client_stream,
               uint64_t batch_id,
               const struct rc_batch *batch,
               uint64_t sequence,
               struct rc_arena *arena,
               struct rc_applied *ret_applied,
               struct rc_error *reterr_error);

/* Whether all that applying a batch needs of slabs on disk can be read now; on any thread. What was
 * read a moment ago may fail a moment later. Errors as those of rc_apply_batch. */
RC_MUST_USE enum rc_status
rc_apply_probe(struct rc_project *project,
               const struct rc_batch *batch,
               struct rc_arena *arena,
               struct rc_error *reterr_error);

#endif
