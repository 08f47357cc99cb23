/*
 * Input: the bytes of an archive file, decompressed.
 *
 * gzip (with several members, as log rotation makes them) and zstd (with several frames) are known
 * by their first bytes, not by the name of the file; anything else is read as it is. "-" is
 * standard input.
 *
 * Ownership: an input owns its descriptor (not standard input's).
 * Threading: one thread at a time.
 * Units:     bytes.
 * Errors:    RC_NOT_FOUND, RC_IO for the file; RC_CORRUPT for compressed bytes that are damaged or
 *            end early.
 */
#ifndef RC_LOADERS_INPUT_H
#define RC_LOADERS_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/status.h"

struct rc_input;

RC_MUST_USE enum rc_status
rc_input_open(const char *path, struct rc_input **ret_input, struct rc_error *reterr_error);

/* NULL is fine. Returns NULL. */
struct rc_input *
rc_input_close(struct rc_input *input);

RC_DEFINE_CLEANUP(struct rc_input *, rc_input_close)

/* Reads up to size bytes; *ret_size is 0 only at the end. */
RC_MUST_USE enum rc_status
rc_input_read(struct rc_input *input,
              void *data,
              size_t size,
              size_t *ret_size,
              struct rc_error *reterr_error);

/* Goes forward by size bytes, for a file that is not compressed without reading it. RC_CORRUPT: the
 * input ends before. */
RC_MUST_USE enum rc_status
rc_input_skip(struct rc_input *input, uint64_t size, struct rc_error *reterr_error);

/* Bytes of the file read so far, before decompression; and all of them, 0 if that is not known. */
uint64_t
rc_input_file_done(const struct rc_input *input);

uint64_t
rc_input_file_size(const struct rc_input *input);

#endif
