/*
 * Source: one input, read and mapped row by row.
 *
 * Ownership: a source owns its input and parsers, borrows its mapping, pack and rejects. The row at
 *            hand is valid until the next one is read.
 * Threading: one thread at a time.
 * Errors:    bad rows go to the rejects and are no errors, until the budget is used up.
 */
#ifndef RC_LOADERS_SOURCE_H
#define RC_LOADERS_SOURCE_H

#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "loaders/mapper.h"
#include "loaders/mapping.h"
#include "loaders/rejects.h"

struct rc_source;

struct rc_source_options {
    const char *path; /* "-" is standard input. */
    const struct rc_mapping *mapping;
    struct rc_pack *pack;
    struct rc_rejects *rejects;
    uint64_t offset; /* Where to begin; 0 for the whole input. */
    uint64_t line;   /* The line there; ignored when offset is 0. */
};

/* Opens an input and reads the header of CSV. */
RC_MUST_USE enum rc_status
rc_source_open(const struct rc_source_options *options,
               struct rc_source **ret_source,
               struct rc_error *reterr_error);

/* NULL is fine. Returns NULL. */
struct rc_source *
rc_source_close(struct rc_source *source);

RC_DEFINE_CLEANUP(struct rc_source *, rc_source_close)

/*
 * Reads on to the next good row; it is then at hand. *skipped counts the rows that the mapping left
 * out, *rejected the bad ones.
 *   RC_OK         there is a row at hand, or the input is at its end; see rc_source_row.
 *   others        the input cannot be read on, memory, or the budget of rejects.
 */
RC_MUST_USE enum rc_status
rc_source_next(struct rc_source *source,
               uint64_t *skipped,
               uint64_t *rejected,
               struct rc_error *reterr_error);

/* The row at hand; NULL before the first and behind the last one. */
const struct rc_mapped_row *
rc_source_row(const struct rc_source *source);

/* Puts the row at hand into the pack. */
RC_MUST_USE enum rc_status
rc_source_add(struct rc_source *source);

/* The line of the row at hand. */
uint64_t
rc_source_line(const struct rc_source *source);

/* Bytes of the row at hand. */
size_t
rc_source_row_bytes(const struct rc_source *source);

/* Where to begin to read the row at hand and all behind it again. */
void
rc_source_position(const struct rc_source *source, uint64_t *ret_offset, uint64_t *ret_line);

/* Bytes of the file, before decompression: read so far, and all (0: not known). */
void
rc_source_progress(const struct rc_source *source, uint64_t *ret_done, uint64_t *ret_size);

#endif
