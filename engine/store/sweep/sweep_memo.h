/*
 * Sweep memo: which codes of each property's dictionary a project's cold slabs have, remembered
 * from one dictionary sweep to the next. Cold slabs never change, so a sweep reads a column of them
 * once for as long as the same slabs are cold, and not each time that the project comes to rest.
 *
 * Ownership: the project's. Bits are charged to its account: a bit a code.
 * Threading: one sweep at a time.
 * Errors:    as stated.
 */
#ifndef RC_STORE_SWEEP_SWEEP_MEMO_H
#define RC_STORE_SWEEP_SWEEP_MEMO_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/base/status.h"
#include "engine/store/project/view.h"

struct rc_sweep_memo {
    uint32_t slab_count;
    uint64_t *slab_ids; /* The cold slabs that it is about, in the order of the version. */
    uint32_t property_count;
    struct rc_sweep_codes {
        uint32_t code_count;
        uint64_t *bits; /* NULL: not known. */
    } * properties;
};

/* Forgets everything. */
void
rc_sweep_memo_close(struct rc_sweep_memo *memo);

/* Makes it one about the cold slabs of a view: what is known stays if they are the same. On
 * RC_NO_MEMORY nothing is known. */
RC_MUST_USE enum rc_status
rc_sweep_memo_open(struct rc_sweep_memo *memo,
                   const struct rc_view *view,
                   uint32_t property_count,
                   struct rc_account *account);

/*
 * Makes the codes of some properties known: reads their columns of the view's cold slabs. wanted
 * and code_counts are by property; codes from code_counts on do not occur. RC_UNAVAILABLE,
 * RC_CORRUPT, RC_LIMIT_EXCEEDED  a column could not be read: nothing is learned.
 */
RC_MUST_USE enum rc_status
rc_sweep_memo_learn(struct rc_sweep_memo *memo,
                    const struct rc_view *view,
                    const bool *wanted,
                    const uint32_t *code_counts,
                    struct rc_account *account);

/* Sets the bits of the codes that are in the slabs, of a property that is known. */
void
rc_sweep_memo_mark(const struct rc_sweep_memo *memo,
                   uint32_t property,
                   uint32_t code_count,
                   uint64_t *bits);

/* Sets the bits of those cells that are codes. */
void
rc_sweep_mark_cells(const rc_cell *cells, uint32_t count, uint32_t code_count, uint64_t *bits);

#endif
