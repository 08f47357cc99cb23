/*
 * Slab check, the part about columns. Callers want rc_slab_check (slab.h).
 *
 * Ownership: borrows the slab.
 * Threading: reads only.
 * Errors:    RC_CORRUPT names the property of the broken column; RC_NO_MEMORY.
 */
#ifndef RC_STORE_SLAB_SLAB_CHECK_H
#define RC_STORE_SLAB_SLAB_CHECK_H

#include "engine/base/status.h"
#include "engine/store/slab/slab.h"

RC_MUST_USE enum rc_status
rc_slab_check_columns(const struct rc_slab *slab, struct rc_error *reterr_error);

#endif
