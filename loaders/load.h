/*
 * Load: reads archives, maps their rows and hands them over in batches, ready to be sent.
 *
 * The way of the data: input (decompressed) - rows - records - mapping - pack - batch. The batches'
 * bytes are recount.v1.IngestRequest messages with a ColumnarBatch and a batch_id, without project
 * and client_stream: whoever sends them opens the stream with a first message of its own.
 *
 * Batches are numbered upwards from first_batch_id. The same inputs, mappings and options give the
 * same batches, also when a load is resumed at the position of one of them.
 *
 * Ownership: options are borrowed during the call; a batch is valid during its callback.
 * Threading: one load runs in the calling thread; the callback is called from it.
 * Units:     bytes, rows, lines from 1.
 * Errors:    the error names the input. What was handed over before an error stands.
 */
#ifndef RC_LOADERS_LOAD_H
#define RC_LOADERS_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/bytes.h"
#include "engine/base/status.h"
#include "loaders/mapping.h"
#include "loaders/position.h"
#include "loaders/rejects.h"

/* Rows of a batch, and bytes after which it is closed. What comes through a pipe may be live, and
 * other events of its project wait while a batch is applied. Files are an archive: twice as much
 * has its texts looked up less often, and is what a project may have on its way in the server's log
 * (engine/face/room.c). */
#define RC_LOAD_BATCH_ROWS 8192
#define RC_LOAD_BATCH_BYTES ((size_t)1 << 20)
#define RC_LOAD_ARCHIVE_BATCH_ROWS 16384
#define RC_LOAD_ARCHIVE_BATCH_BYTES ((size_t)2 << 20)

struct rc_load_input {
    const char *path; /* "-" is standard input. */
    const struct rc_mapping *mapping;
};

struct rc_load_totals {
    uint64_t events;
    uint64_t user_writes;
    uint64_t aliases;
    uint64_t account_writes;
    uint64_t skipped;    /* Rows that the mapping left out. */
    uint64_t rejected;   /* Bad rows. */
    uint64_t batches;    /* Handed over, this one included. */
    uint64_t bytes_done; /* Of the files, before decompression. */
    uint64_t bytes_size; /* Of all files; 0 when one is not known (a pipe). */
};

/* Where a row of a batch came from. */
struct rc_load_origin {
    uint32_t input; /* Index in the options' inputs. */
    uint64_t line;
};

struct rc_load_batch {
    struct rc_bytes request; /* An IngestRequest. */
    uint64_t batch_id;
    uint32_t event_count;
    uint32_t user_write_count;
    uint32_t alias_count;
    uint32_t account_write_count;
    const struct rc_load_origin
        *event_origins; /* One for each row, to name rows the server refuses. */
    const struct rc_load_origin *user_write_origins;
    const struct rc_load_origin *alias_origins;
    const struct rc_load_origin *account_write_origins;
    const struct rc_position *position; /* Behind this batch. */
    const struct rc_load_totals *totals;
};

struct rc_load_options {
    const struct rc_load_input *inputs;
    uint32_t input_count;    /* 1 to RC_LOAD_INPUTS_MAX. */
    bool merge_by_time;      /* Else one input after the other. */
    uint32_t batch_rows_max; /* 0: RC_LOAD_BATCH_ROWS, of files RC_LOAD_ARCHIVE_BATCH_ROWS. */
    size_t batch_bytes;      /* 0: RC_LOAD_BATCH_BYTES, of files RC_LOAD_ARCHIVE_BATCH_BYTES. */
    uint64_t first_batch_id; /* At least 1. Ignored with resume_at. */
    const struct rc_position
        *resume_at; /* NULL: from the beginning. Goes on with its batch_id + 1. */
    struct rc_rejects *rejects;
    void *context;
    /* Takes a batch. Any status but RC_OK ends the load with it. */
    enum rc_status (*take)(void *context,
                           const struct rc_load_batch *batch,
                           struct rc_error *reterr_error);
};

/*
 * Loads everything.
 *   RC_OK              all inputs are read; *ret_totals counts this call.
 *   RC_INVALID         an option, or an input that cannot be of its format.
 *   RC_LIMIT_EXCEEDED  more bad rows than the rejects allow, or a row of over 256 MiB.
 *   RC_NOT_FOUND, RC_IO, RC_CORRUPT  an input cannot be read.
 *   others             of take; RC_NO_MEMORY.
 * ret_totals (NULL is fine) is filled in any case.
 */
RC_MUST_USE enum rc_status
rc_load(const struct rc_load_options *options,
        struct rc_load_totals *ret_totals,
        struct rc_error *reterr_error);

#endif
