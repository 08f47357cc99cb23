/*
 * Seal: turns a full head into slabs, one for each time window that its rows lie in.
 *
 * Ownership: none is passed.
 * Threading: a background worker; takes the project's writer lock only to put the slabs in the
 *            head's place. One seal at a time for a project.
 * Errors:    RC_NO_MEMORY, RC_LIMIT_EXCEEDED, RC_CANCELLED: the head stays as it is.
 */
#ifndef RC_INTAKE_SEAL_H
#define RC_INTAKE_SEAL_H

#include <stdatomic.h>
#include <stdbool.h>

#include "engine/base/status.h"
#include "engine/store/project/project.h"

/* Seals the oldest head that is full. *ret_sealed is false when there is none. */
RC_MUST_USE enum rc_status
rc_seal_oldest(struct rc_project *project,
               const _Atomic(bool) *cancel,
               bool *ret_sealed,
               struct rc_error *reterr_error);

/* Ends the newest head, if it has rows, so that it can be sealed. */
RC_MUST_USE enum rc_status
rc_seal_end_head(struct rc_project *project, struct rc_error *reterr_error);

/* Slabs of the rows in a view's chunks, one a window, in order of window, as the version divides
 * them. From arena; each is a reference of the caller's. Dead rows are left out. For seal and
 * checkpoint. */
RC_MUST_USE enum rc_status
rc_seal_chunks(const struct rc_version *version,
               const struct rc_view_chunk *chunks,
               uint32_t chunk_count,
               struct rc_account *account,
               struct rc_arena *arena,
               const _Atomic(bool) *cancel,
               struct rc_slab ***ret_slabs,
               uint32_t *ret_count,
               struct rc_error *reterr_error);

#endif
