/*
 * IngestService.ExportUser: one request in, a stream of pieces out.
 *
 * A piece is made by the engine's workers when the client has taken the ones before it, so that a
 * client that reads slowly costs the memory of a few pieces and no thread. The state of the project
 * is pinned from the request to the end of the call.
 *
 * Whoever makes pieces holds a reference to the call; the state goes with the last one.
 */
#include <pthread.h>
#include <recount/v1/ingest.pb-c.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/limits.h"
#include "engine/query/list/export.h"
#include "server/decode.h"
#include "server/server_calls.h"
#include "server/user_lines.h"

#define PIECE_BYTES (256u * 1024)
#define UNSENT_MAX 2u

struct export_call {
    struct rc_call *call; /* Not counted: this is the call's state. */
    struct rc_server *server;
    struct rc_query_session *session;
    char user[RC_USER_ID_BYTES_MAX + 1];
    struct rc_export *export_; /* NULL until the first piece is made. */

    pthread_mutex_t lock; /* Guards what follows. */
    uint32_t unsent;      /* Pieces queued and not yet sent. */
    bool making;          /* A worker makes a piece. */
    bool over;            /* The last piece, or a failure, is on its way. */
};

/* Lines up to the size of a piece. The arena is reset by each item. */
static enum rc_status
make_lines(struct export_call *state,
           struct rc_arena *arena,
           struct rc_writer *lines,
           bool *ret_more,
           struct rc_error *error)
{
    bool more = true;
    while (more && lines->size < PIECE_BYTES) {
        struct rc_export_item item;
        rc_arena_reset(arena);
        RC_TRY(rc_export_next(state->export_, arena, &item, &more, error));
        if (more)
            rc_user_line_write(lines, &item);
        if (lines->failed)
            return rc_error_set(error, RC_NO_MEMORY, "no memory for an export");
    }
    *ret_more = more;
    return RC_OK;
}

static enum rc_status
send_piece(struct export_call *state, bool *ret_more, struct rc_error *error)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    RC_CLEANUP(rc_writer_close) struct rc_writer lines = {.data = NULL};
    if (arena == NULL)
        return rc_error_set(error, RC_NO_MEMORY, "no memory for an export");
    if (state->export_ == NULL)
        RC_TRY(rc_export_open(rc_query_session_context(state->session), rc_bytes_of(state->user),
                              &state->export_, error));
    RC_TRY(make_lines(state, arena, &lines, ret_more, error));
    if (lines.size == 0)
        return RC_OK;
    Recount__V1__ExportUserResponse piece = RECOUNT__V1__EXPORT_USER_RESPONSE__INIT;
    piece.lines = (ProtobufCBinaryData){.len = lines.size, .data = lines.data};
    rc_arena_reset(arena);
    const struct rc_bytes bytes = rc_message_pack(&piece.base, arena);
    if (bytes.data == NULL)
        return rc_error_set(error, RC_NO_MEMORY, "no memory for an export");
    pthread_mutex_lock(&state->lock);
    state->unsent++;
    pthread_mutex_unlock(&state->lock);
    rc_call_write(state->call, bytes);
    return RC_OK;
}

/* A worker: makes pieces until enough are on their way. Owns a reference to the call. */
static void
make_pieces(void *argument)
{
    struct export_call *state = argument;
    bool again = true;
    while (again) {
        struct rc_failure failure = {.error = {.status = RC_OK}};
        bool more = false;
        const enum rc_status status = send_piece(state, &more, &failure.error);
        if (status != RC_OK) {
            failure.error.status = status;
            failure.resource.type = "recount.v1.User";
            (void)snprintf(failure.resource.name, sizeof(failure.resource.name), "%.256s",
                           state->user);
            rc_call_fail(state->call, &failure);
        } else if (!more) {
            const struct rc_outcome success = {.code = RC_CODE_OK, .message = ""};
            rc_call_finish(state->call, &success);
        }
        pthread_mutex_lock(&state->lock);
        state->over = status != RC_OK || !more;
        again = !state->over && state->unsent < UNSENT_MAX;
        state->making = again;
        pthread_mutex_unlock(&state->lock);
    }
    rc_call_unref(state->call); /* The state may be gone after it. */
}

/* Under the lock: has more pieces made if there is room for them. */
static void
make_if_room(struct export_call *state)
{
    if (state->making || state->over || state->unsent >= UNSENT_MAX)
        return;
    state->making = true;
    rc_call_ref(state->call);
    if (rc_workers_submit_in(rc_engine_workers(state->server->engine), rc_call_lane(state->call),
                             make_pieces, state) == RC_OK)
        return;
    struct rc_failure failure = {.error = {.status = RC_OK}};
    state->making = false;
    state->over = true;
    rc_error_set(&failure.error, RC_NO_MEMORY, "no worker for an export");
    rc_call_fail(state->call, &failure);
    rc_call_unref(state->call); /* Not the last one: the caller has its own. */
}

static enum rc_status
begin(struct export_call *state, struct rc_bytes bytes, struct rc_failure *failure)
{
    struct rc_error *error = &failure->error;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 1u << 20);
    ProtobufCMessage *message = NULL;
    struct rc_bytes project;
    if (arena == NULL)
        return rc_error_set(error, RC_NO_MEMORY, "no memory for the call");
    RC_TRY(rc_decode_message(&recount__v1__export_user_request__descriptor, bytes, arena, &message,
                             error));
    const Recount__V1__ExportUserRequest *in = (const Recount__V1__ExportUserRequest *)message;
    struct rc_decode decode = {.arena = arena, .error = error};
    RC_TRY(rc_decode_project(&decode, "parent", in->parent, &project));
    if (in->user[0] == '\0')
        return rc_decode_fail(&decode, RC_INVALID, "user", "the user is missing");
    if (strlen(in->user) > RC_USER_ID_BYTES_MAX)
        return rc_decode_fail(&decode, RC_INVALID, "user", "a user id has at most %u bytes",
                              RC_USER_ID_BYTES_MAX);
    (void)snprintf(state->user, sizeof(state->user), "%s", in->user);
    rc_call_set_lane(state->call, project);
    failure->resource.type = "recount.v1.Project";
    (void)snprintf(failure->resource.name, sizeof(failure->resource.name), "%s", in->parent);
    RC_TRY(rc_engine_begin_query(state->server->engine, project, rc_call_cancelled(state->call),
                                 state->server->config->query_memory_max, &state->session, error));
    return RC_OK;
}

/* ---- Callbacks ------------------------------------------------------------------------------- */

static void
export_open(void *context, struct rc_call *call)
{
    struct export_call *state = rc_alloc_zero(sizeof(*state));
    struct rc_failure failure = {.error = {.status = RC_OK}};
    if (state == NULL) {
        rc_error_set(&failure.error, RC_NO_MEMORY, "no memory for the call");
        rc_call_fail(call, &failure);
        return;
    }
    pthread_mutex_init(&state->lock, NULL);
    state->call = call;
    state->server = context;
    rc_call_set_state(call, state);
    rc_call_read(call);
}

static void
export_message(struct rc_call *call, struct rc_message message)
{
    struct export_call *state = rc_call_state(call);
    struct rc_failure failure = {.error = {.status = RC_OK}};
    const enum rc_status status = begin(state, message.bytes, &failure);
    rc_message_release(&message);
    if (status != RC_OK) {
        failure.error.status = status;
        rc_call_fail(call, &failure);
        return;
    }
    pthread_mutex_lock(&state->lock);
    make_if_room(state);
    pthread_mutex_unlock(&state->lock);
}

static void
export_half_close(struct rc_call *call)
{
    struct rc_failure failure = {.error = {.status = RC_OK}};
    rc_error_set(&failure.error, RC_INVALID, "the request is missing");
    rc_call_fail(call, &failure);
}

static void
export_written(struct rc_call *call, uint32_t left)
{
    struct export_call *state = rc_call_state(call);
    (void)left;
    pthread_mutex_lock(&state->lock);
    state->unsent -= state->unsent > 0;
    make_if_room(state);
    pthread_mutex_unlock(&state->lock);
}

static void
export_end(struct rc_call *call)
{
    struct export_call *state = rc_call_state(call);
    if (state == NULL)
        return;
    rc_export_close(state->export_);
    rc_query_session_end(state->session);
    pthread_mutex_destroy(&state->lock);
    rc_alloc_free(state);
}

const struct rc_stream_handler rc_export_stream = {.open = export_open,
                                                   .message = export_message,
                                                   .half_close = export_half_close,
                                                   .written = export_written,
                                                   .end = export_end};
