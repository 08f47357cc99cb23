/*
 * Manifest: one small file, MANIFEST, that is replaced as a whole and says by its checksum that it
 * is whole. What is in it is the business of the room above.
 *
 * Ownership: the reader owns the bytes that it gets.
 * Threading: one writer per directory at a time.
 * Units:     bytes.
 * Format:    magic "RCMANIF\1" (8), payload bytes (u64), CRC32C of the payload (u32), CRC32C of the
 * 20 bytes before (u32), payload. Little-endian.
 */
#ifndef RC_DURABLE_MANIFEST_H
#define RC_DURABLE_MANIFEST_H

#include "engine/base/bytes.h"
#include "engine/base/file.h"
#include "engine/base/status.h"

#define RC_MANIFEST_HEADER_BYTES 24
/* A manifest is read into memory at once; it names files, so 1 GiB is millions of them. */
#define RC_MANIFEST_BYTES_MAX ((uint64_t)1 << 30)

/*
 * Replaces the manifest of a directory, durably.
 *   RC_LIMIT_EXCEEDED  the payload is above RC_MANIFEST_BYTES_MAX. Nothing changed.
 *   Else               as rc_disk_replace_file.
 */
RC_MUST_USE enum rc_status
rc_manifest_write(struct rc_disk *disk,
                  const char *directory,
                  struct rc_bytes payload,
                  struct rc_error *reterr_error);

/*
 * Reads it back.
 *   RC_OK         *ret_payload, which must be empty, holds the payload; close it.
 *   RC_NOT_FOUND  the directory has no manifest.
 *   RC_CORRUPT    it is damaged; the error says how.
 */
RC_MUST_USE enum rc_status
rc_manifest_read(struct rc_disk *disk,
                 const char *directory,
                 struct rc_writer *ret_payload,
                 struct rc_error *reterr_error);

#endif
