/*
 * Column builder: decides the form of a new slab's column, and writes it.
 *
 * Two calls, since the slab is one block of exact size: measure says how large a column will be,
 * write fills its bytes. Dictionaries and texts are merged in both rather than kept between: the
 * memory of a merge stays close to what goes in and what comes out. A seal merges in neither.
 *
 * Ownership: scratch is the caller's arena, reset by each call.
 * Threading: one thread.
 * Errors:    RC_NO_MEMORY, RC_CANCELLED, RC_CORRUPT (the texts of a slab that is merged).
 */
#ifndef RC_STORE_BUILDER_COLUMN_BUILDER_H
#define RC_STORE_BUILDER_COLUMN_BUILDER_H

#include "engine/base/arena.h"
#include "engine/store/builder/row_order.h"
#include "engine/store/slab/slab_format.h"

/* A column before it has bytes: its entry in the directory, and how many of its codes are texts. */
struct rc_column_plan {
    struct rc_slab_column column;
    uint32_t text_count;
};

/* Fills all but offset and crc32c. A size of 0: no row has a value, and the column is left out. */
RC_MUST_USE enum rc_status
rc_column_measure(const struct rc_slab_build *build,
                  uint32_t property,
                  struct rc_arena *scratch,
                  struct rc_column_plan *ret_plan);

/* Writes a measured column to bytes (as many as its size, zeroed). */
RC_MUST_USE enum rc_status
rc_column_write(const struct rc_slab_build *build,
                const struct rc_column_plan *plan,
                struct rc_arena *scratch,
                char *bytes);

#endif
