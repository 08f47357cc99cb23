/*
 * Stale files: what lies in the projects' directories and is named by no checkpoint: slabs and
 * states of earlier ones, what a crash left half written, all files of deleted projects.
 *
 * Threading: under the lock of checkpoints: a project made meanwhile has no directory yet.
 */
#ifndef RC_KEEP_STALE_H
#define RC_KEEP_STALE_H

#include "engine/keep/checkpoint.h"

/* Removes what a checkpoint that was just committed does not name; each project's kept is its list
 * of slabs. What cannot be removed now (false) is tried again after the next checkpoint. */
bool
rc_stale_clear(const struct rc_checkpoint *checkpoint);

#endif
