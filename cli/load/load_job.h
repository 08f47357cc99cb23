/*
 * Load job: one load from archives to a server: the reader's batches go to the sender, the
 * acknowledgements to the counts, the reject file and the saved position.
 *
 * Ownership: options are borrowed during the call.
 * Threading: one call at a time.
 */
#ifndef RC_CLI_LOAD_LOAD_JOB_H
#define RC_CLI_LOAD_LOAD_JOB_H

#include "cli/session/exit_code.h"
#include "cli/session/session.h"
#include "loaders/load.h"

struct rc_load_job_options {
    struct rc_session *session;
    const struct rc_load_input *inputs;
    const char *const *paths; /* Of the inputs. */
    uint32_t input_count;
    bool merge_by_time;
    uint32_t batch_rows; /* 0: the loaders' default. */
    const char *stream;
    const char *position_path;          /* NULL: the position is not saved. */
    const struct rc_position *position; /* NULL: from the beginning. */
    struct rc_rejects *rejects;
    int64_t retry_ms;
    bool quiet;
};

struct rc_load_job_result {
    uint64_t accepted;
    uint64_t replaced;
    uint64_t skipped;
    uint64_t rejected;      /* By the reader and by the server. */
    uint64_t batches;       /* Sent in this run. */
    uint64_t batches_known; /* Not sent: the server had them. */
    uint64_t file_bytes;
    double seconds;
    bool opened; /* The server took the stream. */
};

/* What went wrong is printed. The result is filled in any case. */
RC_MUST_USE enum rc_exit_code
rc_load_job_run(const struct rc_load_job_options *options, struct rc_load_job_result *ret_result);

#endif
