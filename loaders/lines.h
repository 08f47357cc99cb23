/*
 * Lines: cuts an input into rows.
 *
 * A row ends at a line feed (a carriage return before it is dropped). In CSV a line feed inside
 * quotes does not end it. The bytes of a row stay in one buffer with 64 readable bytes behind, as
 * the JSON parser wants.
 *
 * Ownership: lines own their buffer and borrow the input. A row is valid until the next one is
 *            read.
 * Threading: one thread at a time.
 * Units:     offsets in bytes of the decompressed input, line numbers from 1.
 */
#ifndef RC_LOADERS_LINES_H
#define RC_LOADERS_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/bytes.h"
#include "engine/base/status.h"
#include "loaders/input.h"

/* The longest row: a user's whole history in one row of a database dump can have tens of MB. */
#define RC_ROW_BYTES_MAX ((size_t)256 << 20)
#define RC_ROW_PADDING_BYTES 64

struct rc_lines {
    struct rc_input *input; /* Borrowed. */
    char *buffer;           /* Owned. */
    size_t capacity;
    size_t begin;    /* The next row starts here. */
    size_t end;      /* Bytes in the buffer. */
    uint64_t offset; /* Of buffer[begin]. */
    uint64_t line;   /* Of buffer[begin]. */
    bool quoted;     /* Rows of CSV. */
    bool at_end;     /* The input has no more bytes. */
};

/* For RC_CLEANUP on the struct itself. */
void
rc_lines_close(struct rc_lines *lines);

/*
 *   RC_OK              *ret_row, *ret_offset and *ret_line describe the next row; it may be empty.
 *   RC_NOT_FOUND       the input is at its end.
 *   RC_LIMIT_EXCEEDED  the row is longer than RC_ROW_BYTES_MAX.
 *   others             of rc_input_read; RC_NO_MEMORY.
 */
RC_MUST_USE enum rc_status
rc_lines_next(struct rc_lines *lines,
              struct rc_bytes *ret_row,
              uint64_t *ret_offset,
              uint64_t *ret_line,
              struct rc_error *reterr_error);

#endif
