/*
 * Manifest content: what a checkpoint's manifest says. durable/manifest.h wraps it in a checksum.
 *
 *     u64 number, u64 sequence, varint count,
 *     count times: bytes id, u64 incarnation, u64 sequence,
 *     count times: varint number - state_number,
 *     bytes receipts: store/project/receipts.h
 *     u64 log: durable/wal_mark.h,
 *     count times: u32 checksum with which the state ends
 *
 * The second list came later: where it is absent, every state has the checkpoint's number. Then
 * came the receipts of changes of projects: where they are absent, there are none. Then the log's
 * number, which is absent or 0 in a checkpoint without a log, as a backup is, and absent in those
 * that were made before logs had one. The checksums came last.
 */
#ifndef RC_KEEP_MANIFEST_CONTENT_H
#define RC_KEEP_MANIFEST_CONTENT_H

#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/status.h"

struct rc_manifest_project {
    struct rc_bytes id;
    uint64_t incarnation;
    uint64_t sequence;     /* Log records up to this one are in its state. */
    uint64_t state_number; /* Of its state file: of the checkpoint that last found it changed. */
    uint32_t state_crc32c; /* With which that file ends; 0: not known, of an earlier version. */
};

struct rc_manifest_content {
    uint64_t number;   /* Of the checkpoint: the number of the state files that it wrote. */
    uint64_t sequence; /* Projects made or deleted up to this record are as listed. */
    uint32_t project_count;
    const struct rc_manifest_project *projects;
    struct rc_bytes receipts; /* As stored, which was checked when it was read; empty: none. */
    uint64_t log;             /* The number of the log that goes on from here; 0: of none. */
};

void
rc_manifest_content_write(struct rc_writer *writer, const struct rc_manifest_content *content);

/* Texts are borrowed from bytes, the array comes from arena. */
RC_MUST_USE enum rc_status
rc_manifest_content_read(struct rc_bytes bytes,
                         struct rc_arena *arena,
                         struct rc_manifest_content *ret_content,
                         struct rc_error *reterr_error);

#endif
