/* Ingestion up to the log: checks, limits, the numbers of client streams. */
#include "engine/base/assert.h"
#include "engine/base/clock.h"
#include "engine/face/engine_state.h"
#include "engine/intake/columns.h"

static enum rc_status
check_properties(const struct rc_properties *known,
                 const struct rc_batch_table *table,
                 struct rc_error *reterr_error)
{
    if (rc_columns_count_with(known, table) > RC_PROPERTIES_MAX)
        return rc_error_set(reterr_error, RC_LIMIT_EXCEEDED,
                            "the batch would bring the project above %u properties",
                            RC_PROPERTIES_MAX);
    return RC_OK;
}

static enum rc_status
check_request(struct tenant *tenant,
              struct rc_bytes client_stream,
              const struct rc_batch *batch,
              struct rc_error *reterr_error)
{
    RC_TRY(rc_stall_check(tenant, reterr_error));
    if (client_stream.size == 0 || client_stream.size > RC_NAME_BYTES_MAX ||
        !rc_bytes_is_text(client_stream))
        return rc_error_field(reterr_error, RC_INVALID, "client_stream",
                              "a client stream's name is UTF-8 of 1 to %u bytes",
                              RC_NAME_BYTES_MAX);
    if (batch->events.row_count > RC_BATCH_ROWS_MAX ||
        batch->writes.row_count > RC_BATCH_ROWS_MAX || batch->alias_count > RC_BATCH_ROWS_MAX ||
        batch->accounts.row_count > RC_BATCH_ROWS_MAX)
        return rc_error_set(reterr_error, RC_INVALID, "a batch has at most %u rows of a kind",
                            RC_BATCH_ROWS_MAX);
    RC_CLEANUP(rc_properties_freep)
    struct rc_properties *properties = rc_project_pin_event_properties(tenant->project);
    RC_TRY(check_properties(properties, &batch->events, reterr_error));
    RC_CLEANUP(rc_people_freep) struct rc_people *people = rc_project_pin_people(tenant->project);
    RC_TRY(check_properties(rc_people_properties(people), &batch->writes, reterr_error));
    return check_properties(rc_people_properties(rc_project_accounts(tenant->project)),
                            &batch->accounts, reterr_error);
}

static uint64_t
applied_highest(struct tenant *tenant, struct rc_bytes client_stream)
{
    rc_project_lock_writer(tenant->project);
    const uint64_t highest = rc_streams_highest(rc_project_streams(tenant->project), client_stream);
    rc_project_unlock_writer(tenant->project);
    return highest;
}

/* What a stream stood at when a batch took its number. */
struct turn {
    uint64_t before;  /* The batch before it. */
    uint64_t refused; /* As in struct tenant. */
    bool duplicate;   /* The stream has had it. */
};

/* RC_UNAVAILABLE: a batch below it must be sent again first. */
static enum rc_status
take_turn_locked(struct tenant *tenant,
                 struct rc_bytes client_stream,
                 uint64_t batch_id,
                 struct turn *turn)
{
    /* What was applied is never above what was logged. Only of a stream that has logged nothing
     * since the start, or had all of it refused, the project is asked: its writer may be held for
     * as long as a batch before this one takes to be applied. */
    const uint64_t logged = rc_streams_highest(&tenant->logged, client_stream);
    turn->before = logged != 0 ? logged : applied_highest(tenant, client_stream);
    turn->refused = rc_streams_highest(&tenant->refused, client_stream);
    turn->duplicate = batch_id <= turn->before;
    if (turn->duplicate)
        return RC_OK;
    if (turn->refused != 0 && batch_id > turn->refused)
        return RC_UNAVAILABLE;
    RC_TRY(rc_streams_set(&tenant->refused, client_stream, 0));
    return rc_streams_set(&tenant->logged, client_stream, batch_id);
}

static enum rc_status
take_turn(struct tenant *tenant,
          struct rc_bytes client_stream,
          uint64_t batch_id,
          struct turn *ret_turn)
{
    pthread_mutex_lock(&tenant->logging);
    const enum rc_status status = take_turn_locked(tenant, client_stream, batch_id, ret_turn);
    pthread_mutex_unlock(&tenant->logging);
    return status;
}

/* Sets what a stream stands at. Its name is known: nothing is allocated. */
static void
set_turn(struct tenant *tenant, struct rc_bytes client_stream, uint64_t logged, uint64_t refused)
{
    const enum rc_status logged_status = rc_streams_set(&tenant->logged, client_stream, logged);
    const enum rc_status refused_status = rc_streams_set(&tenant->refused, client_stream, refused);
    RC_ASSERT(logged_status == RC_OK && refused_status == RC_OK);
}

/* A batch did not enter the log after all; unless one before it was refused meanwhile, the stream
 * stands where it stood. */
static void
return_turn(struct tenant *tenant,
            struct rc_bytes client_stream,
            uint64_t batch_id,
            const struct turn *turn)
{
    pthread_mutex_lock(&tenant->logging);
    if (rc_streams_highest(&tenant->logged, client_stream) == batch_id)
        set_turn(tenant, client_stream, turn->before, turn->refused);
    pthread_mutex_unlock(&tenant->logging);
}

void
rc_tenant_refuse_logged(struct tenant *tenant, const struct rc_record *record)
{
    pthread_mutex_lock(&tenant->logging);
    if (rc_streams_highest(&tenant->logged, record->client_stream) >= record->batch_id)
        set_turn(tenant, record->client_stream, record->batch_after, record->batch_id);
    pthread_mutex_unlock(&tenant->logging);
}

/* Enters a batch, or what stands for one that the stream has had, into the log. */
static enum rc_status
enter(struct tenant *tenant,
      struct rc_record record,
      struct rc_bytes body,
      struct ticket *ticket,
      struct rc_error *reterr_error)
{
    const struct rc_bytes client_stream = record.client_stream;
    struct turn turn = {0};
    const enum rc_status taken = take_turn(tenant, client_stream, record.batch_id, &turn);
    if (taken == RC_UNAVAILABLE)
        return rc_error_set(reterr_error, RC_UNAVAILABLE,
                            "batch %llu of the stream was refused and must be sent again first",
                            (unsigned long long)turn.refused);
    RC_TRY_OR(reterr_error, taken);
    record.batch_after = turn.before;
    ticket->duplicate = turn.duplicate;
    if (turn.duplicate) {
        /* The first copy may still be on its way to the disk: answer behind it. */
        record = (struct rc_record){.kind = RC_RECORD_NOTHING};
        body = (struct rc_bytes){0};
    }
    RC_CLEANUP(rc_writer_close) struct rc_writer head = {0};
    rc_record_write(&head, &record);
    enum rc_status status = RC_NO_MEMORY;
    if (head.failed)
        rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a log record");
    else
        status = rc_wal_append(tenant->engine->wal,
                               (struct rc_bytes){(const char *)head.data, head.size}, body, ticket,
                               reterr_error);
    if (status != RC_OK && !turn.duplicate)
        return_turn(tenant, client_stream, record.batch_id, &turn);
    return status;
}

enum rc_status
rc_engine_ingest(struct rc_engine *engine,
                 struct rc_bytes project,
                 struct rc_bytes client_stream,
                 uint64_t batch_id,
                 const struct rc_batch *batch,
                 struct rc_arena *arena,
                 void (*done)(void *context, const struct rc_ingest_result *result),
                 void *context,
                 struct rc_rejects *ret_rejects,
                 struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_tenant_unrefp)
    struct tenant *tenant = rc_tenant_find(engine, project, reterr_error);
    if (tenant == NULL)
        return RC_NOT_FOUND;
    RC_TRY(check_request(tenant, client_stream, batch, reterr_error));
    struct rc_batch_keep keep;
    struct rc_rejects rejects;
    struct rc_batch_times times;
    rc_project_times(tenant->project, rc_clock_wall_ms(), &times.least_ms, &times.greatest_ms);
    RC_TRY_OR(reterr_error, rc_batch_check_within(batch, &times, arena, &keep, &rejects));
    RC_TRY(rc_stall_probe(tenant, batch, arena, reterr_error));
    RC_CLEANUP(rc_writer_close) struct rc_writer body = {0};
    rc_batch_write(&body, batch, &keep, arena);
    if (body.failed)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a batch");
    RC_TRY(rc_tenant_check_memory(tenant, body.size, reterr_error));
    RC_CLEANUP(rc_alloc_freep) struct ticket *ticket = rc_alloc(sizeof(*ticket));
    if (ticket == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a batch");
    *ticket = (struct ticket){.done = done, .context = context};
    ticket->tenant = rc_tenant_ref(tenant);
    ticket->times.checked_ns = rc_clock_monotonic_ns();
    const struct rc_record record = {
        .kind = RC_RECORD_BATCH,
        .project = project,
        .client_stream = client_stream,
        .batch_id = batch_id,
    };
    rc_room_take(tenant, body.size);
    ticket->bytes = body.size;
    ticket->times.let_in_ns = rc_clock_monotonic_ns();
    pthread_mutex_lock(&tenant->intake);
    const enum rc_status status =
        enter(tenant, record, (struct rc_bytes){(const char *)body.data, body.size}, ticket,
              reterr_error);
    pthread_mutex_unlock(&tenant->intake);
    if (status != RC_OK) {
        rc_room_give(tenant, body.size);
        rc_tenant_unref(ticket->tenant);
        return status;
    }
    ticket = NULL; /* The log's now. */
    *ret_rejects = rejects;
    return RC_OK;
}

enum rc_status
rc_engine_stream_position(struct rc_engine *engine,
                          struct rc_bytes project,
                          struct rc_bytes client_stream,
                          uint64_t *ret_batch_id,
                          struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_tenant_unrefp)
    struct tenant *tenant = rc_tenant_find(engine, project, reterr_error);
    if (tenant == NULL)
        return RC_NOT_FOUND;
    /* Whoever asks begins the stream anew, behind the answer. */
    pthread_mutex_lock(&tenant->logging);
    enum rc_status status = RC_OK;
    if (rc_streams_highest(&tenant->refused, client_stream) != 0)
        status = rc_streams_set(&tenant->refused, client_stream, 0);
    *ret_batch_id = applied_highest(tenant, client_stream);
    pthread_mutex_unlock(&tenant->logging);
    RC_TRY_OR(reterr_error, status);
    return RC_OK;
}
