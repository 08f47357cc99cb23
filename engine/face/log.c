/*
 * The log's two ends: what enters it and waits, and what comes out of it, durable and in order, and
 * is applied: on the opening thread at replay, later on the log's or by an applier (queue.c), so
 * that the order of the log is the order of a project's changes.
 */
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/clock.h"
#include "engine/face/engine_state.h"
#include "engine/intake/apply.h"
#include "engine/intake/remove.h"

static bool
is_of_project(const struct rc_record *record)
{
    return record->kind == RC_RECORD_PROJECT_PUT || record->kind == RC_RECORD_PROJECT_DELETE;
}

static enum rc_status
put_project(struct rc_engine *engine, uint64_t sequence, const struct rc_record *record)
{
    RC_CLEANUP(rc_tenant_unrefp)
    struct tenant *tenant = rc_tenant_find(engine, record->project, NULL);
    if (tenant != NULL) {
        rc_project_lock_writer(tenant->project);
        const enum rc_status status = rc_project_set_settings(tenant->project, &record->settings);
        rc_project_unlock_writer(tenant->project);
        return status;
    }
    struct rc_project *project = NULL;
    struct tenant *added = NULL;
    RC_TRY(rc_project_new(&record->settings, &engine->account, engine->head_rows_max, &project));
    rc_project_bound_dictionaries(project, &engine->dictionary_bounds);
    if (engine->window_rows_max != 0)
        rc_project_bound_windows(project, engine->window_rows_max);
    rc_project_publish(project, NULL, sequence);
    return rc_tenant_add(engine, project, sequence, &added);
}

static enum rc_status
delete_project(struct rc_engine *engine, const struct rc_record *record)
{
    RC_CLEANUP(rc_tenant_unrefp) struct tenant *gone = rc_tenant_remove(engine, record->project);
    return gone == NULL ? RC_NOT_FOUND : RC_OK;
}

/* A change of a project, and what it came to. Replay may find a project gone that the record
 * deletes, because the checkpoint saw it go: that is what it came to all the same. */
static enum rc_status
apply_to_project(struct rc_engine *engine, uint64_t sequence, const struct rc_record *record)
{
    RC_CLEANUP(rc_receipts_unrefp) struct rc_receipts *receipts = rc_engine_receipts(engine);
    RC_CLEANUP(rc_receipts_unrefp) struct rc_receipts *next = NULL;
    RC_TRY(rc_receipts_after(receipts, sequence, record, &next));
    const enum rc_status status = record->kind == RC_RECORD_PROJECT_PUT
                                      ? put_project(engine, sequence, record)
                                      : delete_project(engine, record);
    if (status == RC_OK || status == RC_NOT_FOUND)
        rc_engine_set_receipts(engine, RC_TAKE(next));
    return status;
}

/*
 * Whether a batch is the next one of its stream. A batch before it may have been refused (no space)
 * after this one was on its way: then this one is refused too, or the stream would count the lost
 * one as had. Replay comes to the same answer.
 */
static enum rc_status
check_turn(struct tenant *tenant, const struct rc_record *record, bool *ret_duplicate)
{
    rc_project_lock_writer(tenant->project);
    const uint64_t highest =
        rc_streams_highest(rc_project_streams(tenant->project), record->client_stream);
    rc_project_unlock_writer(tenant->project);
    *ret_duplicate = record->batch_id <= highest;
    return *ret_duplicate || record->batch_after == highest ? RC_OK : RC_CONFLICT;
}

static enum rc_status
apply_rows(struct tenant *tenant,
           uint64_t sequence,
           const struct rc_record *record,
           struct rc_ingest_result *result,
           struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(&tenant->engine->account, 0);
    if (arena == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a batch");
    struct rc_reader reader = rc_reader_of(record->batch.data, record->batch.size);
    struct rc_batch read;
    const struct rc_batch *batch = record->decoded != NULL ? record->decoded : &read;
    if (record->decoded == NULL)
        RC_TRY(rc_batch_read(&reader, arena, &read, reterr_error));
    struct rc_applied applied;
    RC_TRY(rc_apply_batch(tenant->project, record->client_stream, record->batch_id, batch, sequence,
                          arena, &applied, reterr_error));
    result->accepted = (uint64_t)batch->events.row_count + batch->writes.row_count +
                       batch->alias_count + batch->accounts.row_count;
    result->replaced = applied.replaced;
    atomic_store(&tenant->applied_at_ns, rc_clock_monotonic_ns());
    atomic_store(&tenant->idle_checked, false);
    if (applied.full_heads > 0) {
        rc_background_kick(tenant);
        rc_background_hold(tenant);
    }
    return RC_OK;
}

static enum rc_status
apply_batch(struct tenant *tenant,
            uint64_t sequence,
            const struct rc_record *record,
            struct rc_ingest_result *result,
            struct rc_error *reterr_error)
{
    RC_TRY(check_turn(tenant, record, &result->duplicate));
    return result->duplicate ? RC_OK : apply_rows(tenant, sequence, record, result, reterr_error);
}

static enum rc_status
apply_changes(struct tenant *tenant, uint64_t sequence, const struct rc_record *record)
{
    RC_CLEANUP(rc_catalogs_close) struct rc_catalogs before = rc_catalogs_of(tenant->project);
    RC_CLEANUP(rc_catalogs_close) struct rc_catalogs next = rc_catalogs_ref(&before);
    RC_CLEANUP(rc_receipts_unrefp)
    struct rc_receipts *receipts = rc_project_receipts(tenant->project);
    RC_CLEANUP(rc_receipts_unrefp) struct rc_receipts *next_receipts = NULL;
    RC_TRY(rc_catalogs_change(&next, record));
    RC_TRY(rc_receipts_after(receipts, sequence, record, &next_receipts));
    rc_project_lock_writer(tenant->project);
    for (uint32_t i = 0; i < RC_CATALOG_KINDS; i++)
        if (next.of[i] != before.of[i])
            rc_project_set_catalog(tenant->project, (enum rc_catalog_kind)(i + 1),
                                   RC_TAKE(next.of[i]));
    rc_project_set_receipts(tenant->project, RC_TAKE(next_receipts));
    rc_project_publish(tenant->project, NULL, sequence);
    rc_project_unlock_writer(tenant->project);
    return RC_OK;
}

static enum rc_status
apply_removal(struct tenant *tenant,
              uint64_t sequence,
              const struct rc_record *record,
              struct rc_removed *removed)
{
    if (record->kind == RC_RECORD_CUT) {
        RC_TRY(rc_remove_before(tenant->project, record->time_ms, sequence, removed));
    } else {
        RC_CLEANUP(rc_arena_freep)
        struct rc_arena *arena = rc_arena_new(&tenant->engine->account, 0);
        if (arena == NULL)
            return RC_NO_MEMORY;
        RC_TRY(rc_remove_user(tenant->project, record->user, record->time_ms, sequence, arena,
                              removed));
    }
    if (removed->events > 0)
        rc_background_merge(tenant);
    return RC_OK;
}

/* Whether a status says what the state makes of a record, so that replay says it again. */
static bool
is_answer(enum rc_status status)
{
    return status == RC_NOT_FOUND || status == RC_CONFLICT;
}

static enum rc_status
apply_to(struct tenant *tenant,
         uint64_t sequence,
         const struct rc_record *record,
         struct rc_ingest_result *result,
         struct rc_removed *removed,
         struct rc_error *reterr_error)
{
    struct rc_error error = {.status = RC_OK};
    enum rc_status status = RC_OK;
    if (rc_stall_refuses(tenant, sequence))
        return RC_UNAVAILABLE;
    if (record->kind == RC_RECORD_BATCH)
        status = apply_batch(tenant, sequence, record, result, &error);
    else if (record->kind == RC_RECORD_USER_DELETE || record->kind == RC_RECORD_CUT)
        status = apply_removal(tenant, sequence, record, removed);
    else
        status = apply_changes(tenant, sequence, record);
    if (status == RC_OK || is_answer(status))
        return status;
    if (error.status != status)
        rc_error_set(&error, status, "%s", rc_status_sentence(status));
    /* What was logged and is not in memory must not be followed by what builds on it. */
    rc_stall_begin(tenant, sequence, &error);
    if (reterr_error != NULL)
        *reterr_error = error;
    return status;
}

static enum rc_status
apply_record(struct rc_engine *engine,
             struct tenant *tenant,
             uint64_t sequence,
             const struct rc_record *record,
             struct rc_ingest_result *result,
             struct rc_removed *removed,
             struct rc_error *reterr_error)
{
    if (record->kind == RC_RECORD_NOTHING)
        return RC_OK;
    if (is_of_project(record))
        return apply_to_project(engine, sequence, record);
    if (tenant == NULL)
        return RC_NOT_FOUND; /* Deleted by a record before this one. */
    return apply_to(tenant, sequence, record, result, removed, reterr_error);
}

/* What a restored project holds of a change is in its state; that it was asked for may not be in
 * the checkpoint, which took the two one after the other. */
static enum rc_status
remember_restored(struct rc_engine *engine, uint64_t sequence, const struct rc_record *record)
{
    RC_CLEANUP(rc_receipts_unrefp) struct rc_receipts *receipts = rc_engine_receipts(engine);
    struct rc_receipts *next = NULL;
    if (!is_of_project(record))
        return RC_OK;
    RC_TRY(rc_receipts_after(receipts, sequence, record, &next));
    rc_engine_set_receipts(engine, next);
    return RC_OK;
}

/*
 * Whether the checkpoint that was restored holds what a record says. A project may have been
 * deleted while the checkpoint was made: then it is restored as of a record behind its end, and the
 * record of its end is still to be carried out.
 */
static bool
is_restored(const struct tenant *tenant, uint64_t sequence, const struct rc_record *record)
{
    if (tenant == NULL)
        return false;
    if (record->kind == RC_RECORD_PROJECT_DELETE)
        return sequence < tenant->incarnation; /* An earlier project of this id. */
    return sequence <= tenant->restored_sequence;
}

enum rc_status
rc_log_replay(struct rc_engine *engine,
              uint64_t sequence,
              struct rc_bytes payload,
              const struct rc_batch *batch,
              struct rc_error *reterr_error)
{
    struct rc_record record;
    struct rc_ingest_result result = {0};
    struct rc_removed removed = {0};
    RC_TRY(rc_record_read(payload, &record, reterr_error));
    record.decoded = batch;
    enum rc_status status = RC_OK;
    struct rc_error error = {.status = RC_OK};
    RC_CLEANUP(rc_tenant_unrefp)
    struct tenant *tenant = rc_tenant_find(engine, record.project, NULL);
    if (record.kind != RC_RECORD_NOTHING && is_restored(tenant, sequence, &record))
        status = remember_restored(engine, sequence, &record);
    else
        status = apply_record(engine, tenant, sequence, &record, &result, &removed, &error);
    atomic_store(&engine->given_out, sequence);
    if (status == RC_OK || is_answer(status))
        return RC_OK;
    return rc_error_set(reterr_error, status, "log record %llu cannot be applied: %.300s",
                        (unsigned long long)sequence,
                        error.status == status ? error.message : rc_status_sentence(status));
}

void
rc_log_apply(struct rc_engine *engine,
             struct tenant *tenant,
             uint64_t sequence,
             struct rc_bytes payload,
             struct ticket *ticket,
             enum rc_status status,
             struct rc_ingest_result *ret_result)
{
    struct rc_record record = {0};
    struct rc_ingest_result result = {.durable_sequence = sequence};
    struct rc_removed removed = {0};
    const enum rc_status readable = rc_record_read(payload, &record, NULL);
    RC_ASSERT(readable == RC_OK); /* We wrote it. */
    ticket->times.applying_ns = rc_clock_monotonic_ns();
    if (status == RC_OK)
        status = apply_record(engine, tenant, sequence, &record, &result,
                              ticket->removed != NULL ? ticket->removed : &removed, NULL);
    if (status != RC_OK && record.kind == RC_RECORD_BATCH)
        rc_tenant_refuse_logged(ticket->tenant, &record);
    result.status = status == RC_CONFLICT ? RC_UNAVAILABLE : status;
    result.duplicate = status == RC_OK && (result.duplicate || ticket->duplicate);
    ticket->times.applied_ns = rc_clock_monotonic_ns();
    result.times = ticket->times;
    *ret_result = result;
}

void
rc_log_tell(struct ticket *ticket, const struct rc_ingest_result *result)
{
    ticket->done(ticket->context, result);
    if (ticket->tenant != NULL)
        rc_room_give(ticket->tenant, ticket->bytes);
    rc_tenant_unref(ticket->tenant);
    rc_alloc_free(ticket);
}

/* Whose records a record must not overtake; a reference. What stands for a batch that the stream
 * had names no project. */
static struct tenant *
find_tenant(struct rc_engine *engine, const struct rc_record *record, const struct ticket *ticket)
{
    if (record->kind != RC_RECORD_NOTHING)
        return rc_tenant_find(engine, record->project, NULL);
    return ticket->tenant == NULL ? NULL : rc_tenant_ref(ticket->tenant);
}

/* Whether others need not notice that the log's thread applies a record. */
static bool
is_quick(const struct rc_engine *engine, const struct rc_record *record, struct rc_bytes payload)
{
    return payload.size <= engine->small_record_bytes && record->kind != RC_RECORD_USER_DELETE &&
           record->kind != RC_RECORD_CUT;
}

void
rc_log_durable(void *context,
               uint64_t sequence,
               struct rc_bytes payload,
               void *token,
               enum rc_status status)
{
    struct rc_engine *engine = context;
    struct ticket *ticket = token;
    struct rc_record record = {0};
    const enum rc_status readable = rc_record_read(payload, &record, NULL);
    RC_ASSERT(readable == RC_OK); /* We wrote it. */
    ticket->times.writing_ns = rc_wal_writing_ns(engine->wal);
    ticket->times.durable_ns = rc_clock_monotonic_ns();
    RC_CLEANUP(rc_tenant_unrefp) struct tenant *tenant = find_tenant(engine, &record, ticket);
    const bool first = tenant == NULL || rc_queue_is_empty(tenant);
    const bool may_wait = status == RC_OK && tenant != NULL && !is_of_project(&record);
    const bool waits = may_wait && (!first || !is_quick(engine, &record, payload)) &&
                       rc_queue_add(tenant, sequence, payload, ticket);
    struct rc_ingest_result result;
    if (!waits && !first)
        rc_queue_wait(tenant);
    if (!waits)
        rc_log_apply(engine, tenant, sequence, payload, ticket, status, &result);
    if (status == RC_OK)
        atomic_store(&engine->given_out, sequence);
    if (!waits)
        rc_log_tell(ticket, &result);
}

/* One caller that waits. */
struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool done;
    enum rc_status status;
};

static void
wake_waiter(void *context, const struct rc_ingest_result *result)
{
    struct waiter *waiter = context;
    pthread_mutex_lock(&waiter->lock);
    waiter->done = true;
    waiter->status = result->status;
    pthread_cond_signal(&waiter->wake);
    pthread_mutex_unlock(&waiter->lock);
}

enum rc_status
rc_log_removal(struct rc_engine *engine,
               const struct rc_record *record,
               struct rc_removed *ret_removed,
               struct rc_error *reterr_error)
{
    struct waiter waiter = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, RC_OK};
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    rc_record_write(&writer, record);
    RC_CLEANUP(rc_alloc_freep) struct ticket *ticket = rc_alloc(sizeof(*ticket));
    if (writer.failed || ticket == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a log record");
    *ticket = (struct ticket){.done = wake_waiter, .context = &waiter, .removed = ret_removed};
    const struct rc_bytes head = {(const char *)writer.data, writer.size};
    RC_TRY(rc_wal_append(engine->wal, head, (struct rc_bytes){0}, ticket, reterr_error));
    ticket = NULL; /* The log's now. */
    pthread_mutex_lock(&waiter.lock);
    while (!waiter.done)
        pthread_cond_wait(&waiter.wake, &waiter.lock);
    pthread_mutex_unlock(&waiter.lock);
    RC_TRY_OR(reterr_error, waiter.status);
    return RC_OK;
}

enum rc_status
rc_log_and_wait(struct rc_engine *engine,
                const struct rc_record *record,
                struct rc_error *reterr_error)
{
    return rc_log_removal(engine, record, NULL, reterr_error);
}
