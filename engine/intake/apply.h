/*
 * Apply: puts a logged batch into a project and makes it visible. It decides nothing: the same
 * batches in the same order give the same state, at ingestion and at replay.
 *
 * Ownership: the batch is borrowed during the call.
 * Threading: takes the project's writer lock.
 * Errors:    RC_NO_MEMORY, RC_LIMIT_EXCEEDED: the project holds rows that were never published; it
 * must not be written to again before a restart.
 */
#ifndef RC_INTAKE_APPLY_H
#define RC_INTAKE_APPLY_H

#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/status.h"
#include "engine/intake/batch.h"
#include "engine/store/project.h"

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
               struct rc_applied *ret_applied);

#endif
