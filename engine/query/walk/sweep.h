/*
 * Sweep: the hits of one slab, in stretches of rows that ascend. Reads the rowsets of all streams
 * word by word, takes dead rows off, and says whose each row is.
 *
 * Ownership: scratch is the sweep's, charged to the account; the plan is borrowed.
 * Threading: one thread at a time; each lane has its own.
 */
#ifndef RC_QUERY_WALK_SWEEP_H
#define RC_QUERY_WALK_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/query/plan/plan.h"
#include "engine/query/walk/hits.h"

/* Rows that are looked at together, and the most hits that a call adds. */
#define RC_SWEEP_ROWS 4096u

/* Whose a row is. */
enum rc_sweep_owner {
    RC_OWNER_NOBODY, /* Not asked: slot 0. */
    RC_OWNER_USER,   /* slot = user - first; users in skip are left out. */
    RC_OWNER_GIVEN,  /* All rows are one person's, who has slot first. */
};

struct rc_sweep;

/* timeless: in place of a time hits have the first row of their user, and with
 * RC_OWNER_GIVEN that of the stretch, which then is a user's rows. */
RC_MUST_USE enum rc_status
rc_sweep_new(const struct rc_plan *plan,
             const uint64_t *skip,
             bool timeless,
             struct rc_sweep **ret_sweep);

struct rc_sweep *
rc_sweep_free(struct rc_sweep *sweep);

RC_DEFINE_CLEANUP(struct rc_sweep *, rc_sweep_free)

/* Turns to a slab (an index into plan->slabs), at its first row. */
void
rc_sweep_open(struct rc_sweep *sweep, uint32_t plan_slab);

/* Sets the stretch [begin, end), which must not begin before the end of the last one. person is who
 * all the rows belong to with RC_OWNER_GIVEN. */
void
rc_sweep_seek(struct rc_sweep *sweep,
              uint32_t begin,
              uint32_t end,
              enum rc_sweep_owner owner,
              uint32_t first,
              uint32_t person);

/* Whether a slab's streams are all read row by row, and few. */
bool
rc_sweep_merges(const struct rc_plan *plan, uint32_t plan_slab);

/* Sets many stretches of such a slab, ascending, one at least, each of one person's rows; persons:
 * whose, by slot. Both are borrowed until the next seek. Each stream is read through once, and what
 * lies between stretches is passed over. */
void
rc_sweep_seek_stretches(struct rc_sweep *sweep,
                        const struct rc_walk_stretch *stretches,
                        uint32_t count,
                        const uint32_t *persons);

/* Appends the hits of some more rows to hits, at most RC_SWEEP_ROWS of them; sets *ret_more to
 * whether rows are left. */
RC_MUST_USE enum rc_status
rc_sweep_read(struct rc_sweep *sweep, struct rc_hits *hits, bool *ret_more);

#endif
