/*
 * Load job: the reader runs on the calling thread, acknowledgements come on the sender's.
 *
 * A batch carries a note: its totals, its position and where its rows came from. What the two
 * threads share (the counts, the failure of the acknowledging side) is under one lock. The saved
 * position only moves when a batch is acknowledged, at most twice a second and once at the end.
 */
#include "cli/load/load_job.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

#include "cli/load/load_progress.h"
#include "cli/load/load_sender.h"
#include "engine/base/clock.h"

#define SAVE_NS UINT64_C(500000000)

#define TABLES 4u

struct note {
    struct rc_load_totals totals;
    struct rc_position position;
    uint32_t counts[TABLES]; /* Of the rows: events, user writes, aliases, account writes. */
    struct rc_load_origin origins[];
};

struct job {
    const struct rc_load_job_options *options;
    struct rc_load_sender *sender;
    struct rc_load_progress progress;
    uint64_t known_batch_id; /* The server has the batches up to here. */
    pthread_mutex_t lock;    /* Guards all below. */
    struct rc_load_job_result result;
    uint64_t server_rejected;
    struct rc_position acknowledged;
    uint64_t saved_ns;
    enum rc_status ack_status; /* The first failure while taking acknowledgements. */
    struct rc_error ack_error;
};

/* Where a refused row came from; NULL when the server names a row that is not there. */
static const struct rc_load_origin *
origin_of(const struct note *note, const Recount__V1__RejectedRow *row)
{
    static const Recount__V1__RowTable tables[TABLES] = {
        RECOUNT__V1__ROW_TABLE__ROW_TABLE_EVENTS, RECOUNT__V1__ROW_TABLE__ROW_TABLE_USER_PROPERTIES,
        RECOUNT__V1__ROW_TABLE__ROW_TABLE_ALIASES,
        RECOUNT__V1__ROW_TABLE__ROW_TABLE_ACCOUNT_PROPERTIES};
    uint32_t before = 0;
    uint32_t table = 0;
    while (table < TABLES && tables[table] != row->table)
        table++;
    if (table == TABLES || row->index >= note->counts[table])
        return NULL;
    for (uint32_t i = 0; i < table; i++)
        before += note->counts[i];
    return &note->origins[before + row->index];
}

static enum rc_status
write_refused(struct job *job,
              const struct note *note,
              const Recount__V1__BatchAck *ack,
              struct rc_error *error)
{
    for (size_t i = 0; i < ack->n_rejected; i++) {
        char reason[512];
        const Recount__V1__RejectedRow *row = ack->rejected[i];
        const struct rc_load_origin *origin = origin_of(note, row);
        if (origin == NULL)
            continue;
        snprintf(reason, sizeof(reason), "%s%s%s", row->field, *row->field == '\0' ? "" : ": ",
                 row->message);
        RC_TRY(rc_rejects_write(job->options->rejects, job->options->paths[origin->input],
                                origin->line, reason, (struct rc_bytes){"", 0}, error));
    }
    return RC_OK;
}

static void
save_position(struct job *job, bool now)
{
    const uint64_t now_ns = rc_clock_monotonic_ns();
    if (job->options->position_path == NULL || job->acknowledged.batch_id == 0 ||
        (!now && now_ns < job->saved_ns + SAVE_NS))
        return;
    job->saved_ns = now_ns;
    /* Rejected rows before the position must be on disk when the position is. */
    enum rc_status status = rc_rejects_flush(job->options->rejects, &job->ack_error);
    if (status == RC_OK)
        status = rc_position_save(&job->acknowledged, job->options->paths,
                                  job->options->position_path, &job->ack_error);
    if (job->ack_status == RC_OK)
        job->ack_status = status;
}

static void
take_ack(void *context, const Recount__V1__BatchAck *ack, void *opaque_note)
{
    struct job *job = context;
    struct note *note = opaque_note;
    struct rc_error error;
    const enum rc_status status = write_refused(job, note, ack, &error);
    pthread_mutex_lock(&job->lock);
    if (status != RC_OK && job->ack_status == RC_OK) {
        job->ack_status = status;
        job->ack_error = error;
    }
    uint64_t rows = 0;
    for (uint32_t i = 0; i < TABLES; i++)
        rows += note->counts[i];
    job->result.accepted += ack->duplicate ? rows : ack->accepted;
    job->result.replaced += ack->replaced;
    job->result.batches++;
    job->server_rejected += ack->rejected_count;
    job->result.file_bytes = note->totals.bytes_done;
    job->acknowledged = note->position;
    save_position(job, false);
    rc_load_progress_show(&job->progress, job->result.accepted,
                          note->totals.rejected + job->server_rejected, note->totals.bytes_done,
                          note->totals.bytes_size, rc_clock_monotonic_ns());
    pthread_mutex_unlock(&job->lock);
    rc_alloc_free(note);
}

static void
say_away(void *context, const char *reason)
{
    struct job *job = context;
    pthread_mutex_lock(&job->lock);
    rc_load_progress_clear(&job->progress);
    pthread_mutex_unlock(&job->lock);
    if (!job->options->quiet)
        fprintf(stderr, "recount: the server takes nothing, trying again: %s\n", reason);
}

static struct note *
note_of(const struct rc_load_batch *batch)
{
    const uint32_t counts[TABLES] = {batch->event_count, batch->user_write_count,
                                     batch->alias_count, batch->account_write_count};
    const struct rc_load_origin *origins[TABLES] = {batch->event_origins, batch->user_write_origins,
                                                    batch->alias_origins,
                                                    batch->account_write_origins};
    size_t rows = 0;
    for (uint32_t i = 0; i < TABLES; i++)
        rows += counts[i];
    struct note *note = rc_alloc(sizeof(*note) + rows * sizeof(*note->origins));
    if (note == NULL)
        return NULL;
    note->totals = *batch->totals;
    note->position = *batch->position;
    struct rc_load_origin *to = note->origins;
    for (size_t i = 0; i < TABLES; i++) {
        note->counts[i] = counts[i];
        if (counts[i] > 0)
            memcpy(to, origins[i], counts[i] * sizeof(*to));
        to += counts[i];
    }
    return note;
}

static enum rc_status
take_batch(void *context, const struct rc_load_batch *batch, struct rc_error *reterr_error)
{
    struct job *job = context;
    pthread_mutex_lock(&job->lock);
    const enum rc_status ack_status = job->ack_status;
    if (ack_status != RC_OK)
        *reterr_error = job->ack_error;
    if (batch->batch_id <= job->known_batch_id) {
        job->result.batches_known++;
        job->progress.begin_bytes = batch->totals->bytes_done;
    }
    pthread_mutex_unlock(&job->lock);
    if (ack_status != RC_OK || batch->batch_id <= job->known_batch_id)
        return ack_status;
    struct note *note = note_of(batch);
    if (note == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a batch");
    const enum rc_status status =
        rc_load_sender_put(job->sender, batch->batch_id, batch->request, note);
    if (status != RC_OK)
        rc_alloc_free(note);
    return status;
}

/* Prints why a load stopped and gives the exit code. */
static enum rc_exit_code
explain(struct job *job, enum rc_status status, const struct rc_error *error)
{
    if (status == RC_UNAVAILABLE) {
        const struct rc_call_error *call_error = rc_load_sender_error(job->sender);
        rc_session_print_error(job->options->session, call_error);
        return rc_exit_code_of_call(call_error->code);
    }
    fprintf(stderr, "recount: %s%s%s\n", error->field, *error->field == '\0' ? "" : ": ",
            error->message);
    return status == RC_LIMIT_EXCEEDED ? RC_EXIT_REJECTED
           : status == RC_NO_MEMORY    ? RC_EXIT_INTERNAL
           : status == RC_INVALID      ? RC_EXIT_USAGE
                                       : RC_EXIT_FILE;
}

static enum rc_status
run_open(struct job *job, struct rc_error *error)
{
    const struct rc_load_job_options *options = job->options;
    struct rc_load_totals totals = {0};
    const struct rc_load_options load = {
        .inputs = options->inputs,
        .input_count = options->input_count,
        .merge_by_time = options->merge_by_time,
        .batch_rows_max = options->batch_rows,
        .first_batch_id = 1,
        .resume_at = options->position,
        .rejects = options->rejects,
        .context = job,
        .take = take_batch,
    };
    enum rc_status status = rc_load(&load, &totals, error);
    if (status == RC_OK)
        status = rc_load_sender_finish(job->sender);
    pthread_mutex_lock(&job->lock);
    if (status == RC_OK && job->ack_status != RC_OK) {
        status = job->ack_status;
        *error = job->ack_error;
    }
    save_position(job, true);
    job->result.skipped = totals.skipped;
    job->result.rejected = totals.rejected + job->server_rejected;
    pthread_mutex_unlock(&job->lock);
    return status;
}

enum rc_exit_code
rc_load_job_run(const struct rc_load_job_options *options, struct rc_load_job_result *ret_result)
{
    struct job job = {.options = options};
    struct rc_error error = {0};
    struct rc_call_error call_error;
    const struct rc_load_sender_options sender_options = {
        .address = options->session->address,
        .project = options->session->project,
        .stream = options->stream,
        .retry_ms = options->retry_ms,
        .ack = take_ack,
        .away = say_away,
        .context = &job,
    };
    pthread_mutex_init(&job.lock, NULL);
    rc_load_progress_begin(&job.progress, stderr, options->quiet);
    enum rc_exit_code code = RC_EXIT_OK;
    const enum rc_status opened =
        rc_load_sender_open(&sender_options, &job.sender, &job.known_batch_id, &call_error);
    job.result.opened = opened == RC_OK;
    if (opened == RC_OK) {
        const enum rc_status status = run_open(&job, &error);
        pthread_mutex_lock(&job.lock);
        rc_load_progress_clear(&job.progress);
        pthread_mutex_unlock(&job.lock);
        if (status != RC_OK)
            code = explain(&job, status, &error);
    } else if (opened == RC_UNAVAILABLE) {
        rc_session_print_error(options->session, &call_error);
        code = rc_exit_code_of_call(call_error.code);
    } else {
        fputs("recount: there is not enough memory\n", stderr);
        code = RC_EXIT_INTERNAL;
    }
    job.sender = rc_load_sender_free(job.sender);
    job.result.seconds = (double)(rc_clock_monotonic_ns() - job.progress.begin_ns) / 1e9;
    *ret_result = job.result;
    pthread_mutex_destroy(&job.lock);
    return code;
}
