/*
 * What every disk must do, whichever it is: the real one and the faulty one run the same checks.
 *
 * Ownership: root must exist, be empty and outlive the call.
 * Threading: one thread.
 * Errors:    a broken promise fails the running cmocka test.
 */
#ifndef RC_TESTS_BASE_DISK_CHECKS_H
#define RC_TESTS_BASE_DISK_CHECKS_H

#include "engine/base/file.h"

void
check_disk(struct rc_disk *disk, const char *root);

#endif
