/*
 * Spells: the rows of a selector in a slab, by user and place: a spell is the matching rows of one
 * user whose times have one place of a bucket table, and they stand together, since a user's rows
 * are in order of time. For folds of rows (rc_fold.rows) that ask in which buckets users did
 * something, and at most whether they did it twice: what they do is done once a spell and not once
 * a row.
 *
 * A user may have several spells of one place: of other slabs, and where one was cut in two.
 *
 * Ownership: a reader owns its scratch; see rc_spells_close. The rest is borrowed.
 * Threading: a reader is one thread's.
 */
#ifndef RC_QUERY_SLAB_SPELLS_H
#define RC_QUERY_SLAB_SPELLS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/status.h"
#include "engine/query/slab/slab_rows.h"
#include "engine/query/slab/spell_lists.h"
#include "engine/query/time/bucket_table.h"
#include "engine/query/walk/walk.h"

struct rc_spell {
    uint32_t slot;  /* The user's, in the block. */
    uint16_t place; /* Below the table's bucket_count: other rows are left out. */
    uint16_t twice; /* 1: it has two rows or more. */
};

struct rc_spells_ranks;
struct rc_spells_scratch;

struct rc_spells {
    const struct rc_plan *plan;
    uint32_t stream;                      /* Of rc_slab_rows_stream. */
    const struct rc_bucket_table *tables; /* By slab of the plan. */
    struct rc_slab_rows rows;
    struct rc_spell *spells;                /* One that is none, and those of a piece. */
    const struct rc_spell_kernels *kernels; /* NULL: this processor has none. */
    struct rc_spells_ranks *ranks;          /* By slab of the plan; NULL: nothing lists by ranks. */
    struct rc_spells_scratch *scratch;
};

RC_MUST_USE enum rc_status
rc_spells_open(struct rc_spells *reader,
               const struct rc_plan *plan,
               uint32_t stream,
               const struct rc_bucket_table *tables);

/* NULL is no reader; one that was not opened is fine. */
void
rc_spells_close(struct rc_spells *reader);

typedef void (*rc_spells_take)(void *state, const struct rc_spell *spells, uint32_t count);

/* Gives the spells of the rows [begin, end) of a slab of the plan, which are of the block's users,
 * to take, some at a time. Adds the rows that count to *row_count. */
RC_MUST_USE enum rc_status
rc_spells_read(struct rc_spells *reader,
               const struct rc_walk_block *block,
               uint32_t plan_slab,
               uint32_t begin,
               uint32_t end,
               rc_spells_take take,
               void *state,
               uint64_t *row_count);

/* For tests: whether wide vectors may be used. Set while nothing runs. */
extern bool rc_spells_wide;

#endif
