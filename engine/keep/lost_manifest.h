/*
 * Lost manifest: whether a data directory that has no manifest has lost it. A new directory has
 * nothing; one that stopped before its first checkpoint has a log that tells everything, from the
 * first record on. Projects beside neither belong to a manifest that somebody took away, and the
 * next checkpoint, be it a repair's, would remove them as nobody's.
 *
 * Threading: one thread, which holds the directory's lock.
 * Errors:    as in file.h.
 */
#ifndef RC_KEEP_LOST_MANIFEST_H
#define RC_KEEP_LOST_MANIFEST_H

#include "engine/base/file.h"
#include "engine/base/status.h"

/* To be asked where there is no manifest. RC_CORRUPT: it is lost. */
RC_MUST_USE enum rc_status
rc_lost_manifest_check(struct rc_disk *disk, const char *directory, struct rc_error *reterr_error);

#endif
