/*
 * Slab layout: whether bytes can be a slab at all, before anyone follows an offset in them.
 *
 * Checks what costs O(columns): magic, version, header checksum, that every section and column lies
 * inside the bytes, in order, aligned, and has the size that the counts demand. What the sections
 * hold is the business of rc_slab_check.
 */
#ifndef RC_STORE_SLAB_SLAB_LAYOUT_H
#define RC_STORE_SLAB_SLAB_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/status.h"

/* data is 8-byte aligned. RC_CORRUPT names what is wrong. */
RC_MUST_USE enum rc_status
rc_slab_layout_check(const void *data, size_t size, struct rc_error *reterr_error);

/* The same for a slab of which only header, directory and filter are there: ids and columns are not
 * looked into. */
RC_MUST_USE enum rc_status
rc_slab_layout_check_frame(const void *data, size_t size, struct rc_error *reterr_error);

/* What the check of a frame left out: for the ids, whose bytes are there. */
RC_MUST_USE enum rc_status
rc_slab_layout_check_ids(const void *data, struct rc_error *reterr_error);

/* The same for one column. */
RC_MUST_USE enum rc_status
rc_slab_layout_check_column(const void *data, uint32_t index, struct rc_error *reterr_error);

#endif
