/*
 * Slab builder: turns rows of heads and slabs into one new slab. Sealing and merging both end here.
 *
 * The caller gives sources; the builder sorts their rows by (user, time, event id), leaves out
 * those that the caller masks, and writes each column once.
 *
 * Ownership: sources are borrowed during the call.
 * Threading: a background worker calls it, it can take a second; others may help with columns.
 * Errors:    RC_NO_MEMORY, RC_LIMIT_EXCEEDED (account), RC_CANCELLED: nothing is kept.
 */
#ifndef RC_STORE_BUILDER_SLAB_BUILDER_H
#define RC_STORE_BUILDER_SLAB_BUILDER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/base/status.h"
#include "engine/base/workers.h"
#include "engine/store/builder/row_source.h"
#include "engine/store/slab/slab.h"

struct rc_slab_source {
    const struct rc_slab *slab;       /* Either this, */
    const struct rc_row_source *rows; /* or this. */
    const uint64_t *dead;             /* A bit a row to leave out; NULL: none. */
};

/*
 * Builds one slab of the rows of all sources whose time lies in the window.
 * Rows of equal (user, time, id) stay in the order of the sources and of their rows. Columns are
 * built by the caller and those of the workers who are free (NULL: by the caller alone), each with
 * the tables of one column; the bytes are the same.
 *   RC_OK  *ret_slab is the slab, or NULL when no row is left.
 */
RC_MUST_USE enum rc_status
rc_slab_build(const struct rc_slab_source *sources,
              uint32_t source_count,
              struct rc_window window,
              struct rc_workers *workers,
              struct rc_account *account,
              const _Atomic(bool) *cancel, /* NULL: never. */
              struct rc_slab **ret_slab,
              struct rc_error *reterr_error);

#endif
