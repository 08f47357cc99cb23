/*
 * Remove: the records that take data out of a project: the deletion of a user, and the cut of
 * events by age. Like apply they decide nothing: the same records in the same order give the same
 * state.
 *
 * What is removed is hidden at once, in one step, from every view that is taken afterwards. It
 * leaves memory and disk later: the slabs are rewritten (merge.h), and checkpoints leave out what
 * no longer belongs to anybody (keep/state.h).
 *
 * Threading: take the project's writer lock.
 * Errors:    RC_NO_MEMORY: nothing was removed.
 */
#ifndef RC_INTAKE_REMOVE_H
#define RC_INTAKE_REMOVE_H

#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/status.h"
#include "engine/store/project/project.h"

struct rc_removed {
    uint64_t users;  /* Ids as sent. */
    uint64_t events; /* That were alive. */
};

/*
 * Deletes a user: the id, every id that is joined with it, and all their events, property writes
 * and aliases. An id that is sent again later is a new user. RC_NOT_FOUND  nobody has the id. An
 * answer: nothing changes.
 */
RC_MUST_USE enum rc_status
rc_remove_user(struct rc_project *project,
               struct rc_bytes user_id,
               int64_t asked_ms,
               uint64_t sequence,
               struct rc_arena *arena,
               struct rc_removed *ret_removed);

/* Hides every event before cut_ms, those that arrive later included. A cut never moves back. */
RC_MUST_USE enum rc_status
rc_remove_before(struct rc_project *project,
                 int64_t cut_ms,
                 uint64_t sequence,
                 struct rc_removed *ret_removed);

#endif
