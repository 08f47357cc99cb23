/*
 * People sweep: people without users who were deleted, in the place of those with them: their ids,
 * what was written of them, their aliases, and the texts of properties that nobody else has. Memory
 * shrinks when the last view of the people before is released.
 *
 * Ordinals and codes keep their meaning: what is left out is a hole.
 *
 * Ownership: none is passed.
 * Threading: a background worker, one at a time for a project. Copies without a lock; takes the
 *            project's writer lock for the little that came meanwhile, and to put the new people in
 *            place.
 * Errors:    RC_NO_MEMORY, RC_LIMIT_EXCEEDED, RC_CANCELLED: everything stays as it was.
 */
#ifndef RC_STORE_SWEEP_PEOPLE_SWEEP_H
#define RC_STORE_SWEEP_PEOPLE_SWEEP_H

#include <stdatomic.h>
#include <stdbool.h>

#include "engine/base/status.h"
#include "engine/store/project/project.h"
#include "engine/store/users/gone.h"

/* gone: users of the project's version, of whom no slab, no head and nothing that is about to
 * become a slab holds a row. NULL: nothing happens. */
RC_MUST_USE enum rc_status
rc_project_sweep_people(struct rc_project *project,
                        const struct rc_gone *gone,
                        const _Atomic(bool) *cancel, /* NULL: never. */
                        struct rc_error *reterr_error);

#endif
