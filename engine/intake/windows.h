/*
 * Windows: into which windows the time of a project is divided. A window that holds more rows
 * than the version allows is divided into the next shorter ones, and stays so as long as there is a
 * slab of one of them: what was divided is not joined again when rows go, so that no window goes
 * back and forth. Nothing else is remembered; a version says it all.
 *
 * New slabs are made for the windows that are not divided. Older ones of a longer window are true
 * beside them, until a merge divides them.
 *
 * Threading: reads a version.
 */
#ifndef RC_INTAKE_WINDOWS_H
#define RC_INTAKE_WINDOWS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/store/project/version.h"
#include "engine/store/slab/window.h"

/* O(log slabs), and slabs of the window. */
bool
rc_window_is_divided(const struct rc_version *version, struct rc_window window);

/* The windows that a window is divided into, none of which is divided further, in order of time;
 * the window itself if it is not. Returns how many: at most RC_WINDOW_PARTS_MAX. */
uint32_t
rc_window_parts(const struct rc_version *version,
                struct rc_window window,
                struct rc_window parts[RC_WINDOW_PARTS_MAX]);

/* Of windows that are apart and ascend, the last that begins at a time or before; 0 when none
 * does. */
uint32_t
rc_window_find(const struct rc_window *windows, uint32_t count, int64_t time_ms);

#endif
