/*
 * Snapshots on a schedule: one thread that wakes up, writes one, and sleeps again.
 *
 * Ownership: the server must outlive it.
 * Threading: start and stop from one thread.
 */
#ifndef RC_SERVER_PROCESS_SNAPSHOTS_H
#define RC_SERVER_PROCESS_SNAPSHOTS_H

#include <stdint.h>

#include "engine/base/status.h"

struct rc_server;
struct rc_snapshots;

/* interval_ms 0: no schedule; *ret_snapshots is then NULL. */
RC_MUST_USE enum rc_status
rc_snapshots_start(struct rc_server *server,
                   uint64_t interval_ms,
                   struct rc_snapshots **ret_snapshots,
                   struct rc_error *reterr_error);

/* Waits for a snapshot that is being written. NULL is fine. Returns NULL. */
struct rc_snapshots *
rc_snapshots_stop(struct rc_snapshots *snapshots);

#endif
