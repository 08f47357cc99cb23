/*
 * Slices: the rows of heads, parted by time window, so that each slab is built of its own rows
 * alone. Without them a head whose rows lie in thousands of windows would be read as often.
 *
 * Ownership: everything comes from the arena or is borrowed from the sources.
 * Threading: one thread.
 * Errors:    RC_NO_MEMORY.
 */
#ifndef RC_INTAKE_SLICES_H
#define RC_INTAKE_SLICES_H

#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/status.h"
#include "engine/store/builder/slab_builder.h"

struct rc_slices {
    struct rc_slab_source *sources; /* By window; those of a window in the order given. */
    uint32_t *starts;               /* window_count + 1 places in sources. */
};

/* Parts sources, which are rows, by windows (apart, ascending, each that a live row lies in among
 * them).
 * Dead rows may be left out. */
RC_MUST_USE enum rc_status
rc_slices_make(const struct rc_slab_source *sources,
               uint32_t source_count,
               const struct rc_window *windows,
               uint32_t window_count,
               struct rc_arena *arena,
               struct rc_slices *ret_slices);

#endif
