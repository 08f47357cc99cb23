/*
 * View uses: which cold slabs a view uses, how much of memory that is, and whether all that it read
 * of them is true.
 *
 * Ownership: owned by the view; borrows its slabs.
 * Threading: any thread; one lock, not held while a slab is read.
 * Errors:    as rc_slab_use; the first failure is kept.
 */
#ifndef RC_STORE_PROJECT_VIEW_USES_H
#define RC_STORE_PROJECT_VIEW_USES_H

#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/base/status.h"
#include "engine/store/project/view.h"

struct rc_view_uses;

/* *ret_uses is NULL when none of the slabs is cold. account is the query's: its limit bounds what
 * is used. */
RC_MUST_USE enum rc_status
rc_view_uses_new(const struct rc_view_slab *slabs,
                 uint32_t slab_count,
                 struct rc_account *account,
                 struct rc_view_uses **ret_uses);

/* Ends all uses. NULL is fine. Returns NULL. */
struct rc_view_uses *
rc_view_uses_free(struct rc_view_uses *uses);

/* As rc_view_use_slab, rc_view_unuse_slab, rc_view_check_reads. */
RC_MUST_USE enum rc_status
rc_view_uses_begin(struct rc_view_uses *uses,
                   uint32_t slab,
                   uint32_t parts,
                   struct rc_error *reterr_error);

void
rc_view_uses_end(struct rc_view_uses *uses, uint32_t slab);

RC_MUST_USE enum rc_status
rc_view_uses_check(struct rc_view_uses *uses, struct rc_error *reterr_error);

#endif
