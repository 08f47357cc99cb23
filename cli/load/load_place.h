/*
 * Load place: where a load keeps its state (see load_state.h).
 *
 * Beside the archive, so that it is found again from any working directory. Where that folder
 * cannot be written, in the user's state directory: $XDG_STATE_HOME/recount, or
 * ~/.local/state/recount, under the archive's name and a hash of its whole path.
 *
 * Ownership: paths are in the caller's arena.
 * Threading: one thread: it reads the environment.
 */
#ifndef RC_CLI_LOAD_LOAD_PLACE_H
#define RC_CLI_LOAD_LOAD_PLACE_H

#include <stdbool.h>

#include "engine/base/arena.h"

/* Whether files can be made in the folder of this file. */
bool
rc_load_place_is_writable(struct rc_arena *arena, const char *path);

/* The path of the state of an archive that is not a pipe. Directories are made as they are needed;
 * whether they could be, the first write to the path tells. */
const char *
rc_load_place_state(struct rc_arena *arena, const char *archive);

#endif
