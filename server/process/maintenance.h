/*
 * Maintenance: what recountd does with a directory instead of serving it: --check, --repair,
 * --restore. It prints what it looked at and what it found, for a person.
 *
 * Errors: the exit status: 0 all is in order (or was made so), 1 something is wrong, 2 it could not
 *         be done or not be finished; err says why.
 */
#ifndef RC_SERVER_PROCESS_MAINTENANCE_H
#define RC_SERVER_PROCESS_MAINTENANCE_H

#include <stdio.h>

#include "server/process/config.h"

int
rc_maintenance_run(const struct rc_config *config, FILE *out, FILE *err);

#endif
