/*
 * Asked snapshots: those that were asked for under a request id, so that a retry is answered as the
 * first time and writes none of its own.
 *
 * The last 64 are remembered, until the server stops: a snapshot is no change, and who asks again
 * after that gets one that holds more.
 *
 * Ownership: the caller's.
 * Threading: any thread; a snapshot that is asked for under an id waits for those before it, as the
 *            engine's do anyway.
 */
#ifndef RC_SERVER_ADMIN_ASKED_SNAPSHOTS_H
#define RC_SERVER_ADMIN_ASKED_SNAPSHOTS_H

#include "engine/base/bytes.h"
#include "engine/base/status.h"
#include "engine/face/engine.h"

struct rc_asked_snapshots;

RC_MUST_USE enum rc_status
rc_asked_snapshots_new(struct rc_asked_snapshots **ret_asked);

/* NULL is fine. Returns NULL. */
struct rc_asked_snapshots *
rc_asked_snapshots_free(struct rc_asked_snapshots *asked);

/* Makes a snapshot, or gives what that of the id came to. Without an id rc_engine_snapshot.
 * RC_INVALID names "request_id"; else as rc_engine_snapshot, and nothing is remembered. */
RC_MUST_USE enum rc_status
rc_asked_snapshots_make(struct rc_asked_snapshots *asked,
                        struct rc_engine *engine,
                        struct rc_bytes request_id,
                        struct rc_snapshot_result *ret_result,
                        struct rc_error *reterr_error);

#endif
