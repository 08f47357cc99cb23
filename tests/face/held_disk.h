/*
 * Held disk: the syncs of a disk can be held, so that a test says what waits for which sync; and
 * the write of the record that holds certain bytes can fail, or its sync.
 *
 * Ownership: the disk is the test's; one at a time is wrapped.
 * Threading: any thread.
 */
#ifndef RC_TESTS_FACE_HELD_DISK_H
#define RC_TESTS_FACE_HELD_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/file.h"

/* meant: the bytes of the record whose write or sync is to fail. */
void
held_disk_wrap(struct rc_disk *disk, const char *meant);

/* From now on every sync waits. */
void
held_disk_hold(void);

void
held_disk_let_go(void);

/* Whether one waits since they are held. */
bool
held_disk_waits(void);

/* How many began. */
uint32_t
held_disk_syncs(void);

/* The next write of such a record fails once; RC_OK: none. */
void
held_disk_fail_write(enum rc_status status);

/* The sync of such a record fails, each time until it is told RC_OK. */
void
held_disk_fail_sync(enum rc_status status);

#endif
