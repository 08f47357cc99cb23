/*
 * Restore: makes a project of its files: reads the state, maps the slabs.
 *
 * Errors: RC_CORRUPT, RC_NOT_FOUND, RC_IO name the file.
 */
#ifndef RC_KEEP_RESTORE_H
#define RC_KEEP_RESTORE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/file.h"
#include "engine/base/status.h"
#include "engine/keep/checkpoint.h"
#include "engine/store/project.h"

/* verify also reads every slab whole and checks all that it promises. *ret_kept lists the slabs on
 * disk. */
RC_MUST_USE enum rc_status
rc_restore_project(struct rc_disk *disk,
                   const char *directory,
                   struct rc_bytes id,
                   uint64_t incarnation,
                   uint64_t number,
                   struct rc_account *parent,
                   uint32_t head_rows_max,
                   bool verify,
                   struct rc_project **ret_project,
                   struct rc_kept_slabs *ret_kept,
                   struct rc_error *reterr_error);

#endif
