/*
 * Pieces. Whoever makes pieces holds a reference to the call; the state goes with the last one.
 *
 * One piece is on its way while the next waits, so that a client that keeps up is never waited for.
 */
#include "server/call/pieces.h"

#include <pthread.h>

#include "engine/base/alloc.h"
#include "server/call/server_calls.h"
#include "server/call/shape.h"
#include "server/decode/decode.h"
#include "server/decode/wire.h"

#define UNSENT_MAX 2u

/* Open calls. Each keeps a state of its project, and what it reads from there. */
#define OPEN_MAX 64u
#define OPEN_OF_PROJECT_MAX 16u

/* What a request may take once it is decoded. */
#define REQUEST_BYTES_MAX (2 * RC_DECODE_BYTES_MAX)

struct rc_pieces {
    struct rc_call *call; /* Not counted: this is the call's state. */
    const struct rc_pieces_kind *kind;
    struct rc_request request;
    struct rc_failure failure; /* Of the request: who begins or makes fills it. */
    void *state;               /* NULL: the request has not come. */
    bool entered;              /* It counts among the open ones. */

    pthread_mutex_t lock; /* Guards what follows. */
    uint32_t unsent;      /* Pieces queued and not yet sent. */
    bool making;          /* A worker makes a piece. */
    bool over;            /* The last piece, or a failure, is on its way. */
};

static void
fail(struct rc_pieces *pieces, enum rc_status status)
{
    if (pieces->failure.error.status == RC_OK)
        rc_error_set(&pieces->failure.error, status, "%s", rc_status_sentence(status));
    pieces->failure.error.status = status;
    rc_request_missing(&pieces->request);
    rc_call_fail(pieces->call, &pieces->failure);
}

/* ---- Making ---------------------------------------------------------------------------------- */

enum rc_status
rc_piece_add_head(struct rc_piece *piece, struct rc_arena *arena, const ProtobufCMessage *head)
{
    const struct rc_bytes packed = rc_message_pack(head, arena);
    if (packed.data == NULL)
        return RC_NO_MEMORY;
    rc_write_raw(&piece->message, packed.data, packed.size);
    return RC_OK;
}

enum rc_status
rc_piece_fill(struct rc_request *request,
              void *state,
              enum rc_status (*next)(struct rc_request *request,
                                     void *state,
                                     struct rc_arena *arena,
                                     const ProtobufCMessage **ret_row),
              uint32_t field,
              struct rc_piece *piece)
{
    while (piece->message.size < RC_PIECE_BYTES && !piece->message.failed) {
        const ProtobufCMessage *row;
        rc_arena_reset(piece->arena);
        RC_TRY(next(request, state, piece->arena, &row));
        if (row == NULL)
            return RC_OK;
        const struct rc_bytes packed = rc_message_pack(row, piece->arena);
        if (packed.data == NULL)
            return RC_NO_MEMORY;
        rc_wire_write_bytes(&piece->message, field, packed);
    }
    piece->more = true;
    return RC_OK;
}

static enum rc_status
send_piece(struct rc_pieces *pieces, bool *ret_more)
{
    struct rc_request *request = &pieces->request;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    RC_CLEANUP(rc_writer_close) struct rc_writer message = {.data = NULL};
    if (arena == NULL)
        return rc_error_set(request->error, RC_NO_MEMORY, "no memory for an export");
    struct rc_piece piece = {.arena = arena};
    const enum rc_status status = pieces->kind->make(request, pieces->state, &piece);
    message = piece.message;
    RC_TRY(status);
    RC_TRY(rc_query_session_check(request->session, request->error));
    if (message.failed)
        return rc_error_set(request->error, RC_NO_MEMORY, "no memory for an export");
    *ret_more = piece.more;
    if (message.size == 0)
        return RC_OK;
    pthread_mutex_lock(&pieces->lock);
    pieces->unsent++;
    pthread_mutex_unlock(&pieces->lock);
    rc_call_write(pieces->call, (struct rc_bytes){(const char *)message.data, message.size});
    return RC_OK;
}

/* A worker: makes pieces until enough are on their way. Owns a reference to the call. */
static void
make_pieces(void *argument)
{
    struct rc_pieces *pieces = argument;
    bool again = true;
    while (again) {
        bool more = false;
        const enum rc_status status = send_piece(pieces, &more);
        if (status != RC_OK) {
            fail(pieces, status);
        } else if (!more) {
            const struct rc_outcome success = {.code = RC_CODE_OK, .message = ""};
            rc_call_finish(pieces->call, &success);
        }
        pthread_mutex_lock(&pieces->lock);
        pieces->over = status != RC_OK || !more;
        again = !pieces->over && pieces->unsent < UNSENT_MAX;
        pieces->making = again;
        pthread_mutex_unlock(&pieces->lock);
    }
    rc_call_unref(pieces->call); /* The state may be gone after it. */
}

/* Under the lock: has more pieces made if there is room for them. */
static void
make_if_room(struct rc_pieces *pieces)
{
    if (pieces->making || pieces->over || pieces->unsent >= UNSENT_MAX)
        return;
    pieces->making = true;
    rc_call_ref(pieces->call);
    if (rc_workers_submit_in(rc_engine_workers(pieces->request.server->engine),
                             rc_call_lane(pieces->call), make_pieces, pieces) == RC_OK)
        return;
    pieces->making = false;
    pieces->over = true;
    rc_error_set(&pieces->failure.error, RC_NO_MEMORY, "no worker for an export");
    rc_call_fail(pieces->call, &pieces->failure);
    rc_call_unref(pieces->call); /* Not the last one: the caller has its own. */
}

/* ---- Callbacks ------------------------------------------------------------------------------- */

static void
fail_early(struct rc_call *call, enum rc_status status, const char *message)
{
    struct rc_failure failure = {.error = {.status = RC_OK}};
    rc_error_set(&failure.error, status, "%s", message);
    rc_call_fail(call, &failure);
}

void
rc_pieces_open(const struct rc_pieces_kind *kind, void *server, struct rc_call *call)
{
    struct rc_pieces *pieces = rc_alloc_zero(sizeof(*pieces));
    if (pieces == NULL) {
        fail_early(call, RC_NO_MEMORY, "no memory for the call");
        return;
    }
    pthread_mutex_init(&pieces->lock, NULL);
    pieces->call = call;
    pieces->kind = kind;
    pieces->request = (struct rc_request){.server = server,
                                          .error = &pieces->failure.error,
                                          .failure = &pieces->failure,
                                          .cancel = rc_call_cancelled(call),
                                          .received_ms = rc_call_received_ms(call),
                                          .received_ns = rc_call_received_ns(call)};
    rc_call_set_state(call, pieces);
    rc_call_read(call);
}

static bool
count_up(_Atomic uint32_t *count, uint32_t max)
{
    if (atomic_fetch_add(count, 1) < max)
        return true;
    atomic_fetch_sub(count, 1);
    return false;
}

static _Atomic uint32_t *
open_of(const struct rc_pieces *pieces)
{
    return &pieces->request.server->exports_of[rc_call_lane(pieces->call) % RC_SERVER_LANES];
}

/* The call counts among those of its project, which is known by now, and among all. */
static enum rc_status
enter(struct rc_pieces *pieces)
{
    struct rc_server *server = pieces->request.server;
    const bool own_room = count_up(open_of(pieces), OPEN_OF_PROJECT_MAX);
    pieces->entered = own_room && count_up(&server->exports, OPEN_MAX);
    if (pieces->entered)
        return RC_OK;
    if (own_room)
        atomic_fetch_sub(open_of(pieces), 1);
    return rc_error_set(pieces->request.error, RC_LIMIT_EXCEEDED, "%u exports%s are open already",
                        own_room ? OPEN_MAX : OPEN_OF_PROJECT_MAX,
                        own_room ? "" : " of the project");
}

static void
leave(struct rc_pieces *pieces)
{
    if (!pieces->entered)
        return;
    atomic_fetch_sub(&pieces->request.server->exports, 1);
    atomic_fetch_sub(open_of(pieces), 1);
}

/* Lists the call among what runs. */
static void
show(struct rc_pieces *pieces, const ProtobufCMessage *message)
{
    struct rc_request *request = &pieces->request;
    struct rc_running *running = rc_arena_zero(request->arena, sizeof(*running));
    if (running == NULL)
        return; /* It runs unseen. */
    *running = (struct rc_running){
        .call_name = pieces->kind->name,
        .call = pieces->call,
        .shape = rc_shape_of(pieces->kind->name, message),
        .received_ms = request->received_ms,
        .received_ns = request->received_ns,
        .project = {"", 0},
    };
    rc_running_add(&request->server->running, running);
    request->running = running;
}

static enum rc_status
begin(struct rc_pieces *pieces, struct rc_bytes bytes)
{
    const struct rc_pieces_kind *kind = pieces->kind;
    struct rc_request *request = &pieces->request;
    ProtobufCMessage *message = NULL;
    struct rc_bytes project;
    request->arena = rc_arena_new(NULL, REQUEST_BYTES_MAX);
    if (request->arena == NULL)
        return rc_error_set(request->error, RC_NO_MEMORY, "no memory for the call");
    RC_TRY(rc_decode_message(kind->input, bytes, request->arena, &message, request->error));
    pieces->state = rc_arena_zero(request->arena, kind->state_bytes);
    if (pieces->state == NULL)
        return rc_error_set(request->error, RC_NO_MEMORY, "no memory for the call");
    show(pieces, message);
    RC_TRY(kind->begin(request, pieces->state, message, &project));
    rc_call_set_lane(pieces->call, project);
    return enter(pieces);
}

void
rc_pieces_message(struct rc_call *call, struct rc_message message)
{
    struct rc_pieces *pieces = rc_call_state(call);
    const enum rc_status status = begin(pieces, message.bytes);
    rc_message_release(&message);
    if (status != RC_OK) {
        fail(pieces, status);
        return;
    }
    pthread_mutex_lock(&pieces->lock);
    make_if_room(pieces);
    pthread_mutex_unlock(&pieces->lock);
}

void
rc_pieces_half_close(struct rc_call *call)
{
    fail_early(call, RC_INVALID, "the request is missing");
}

void
rc_pieces_written(struct rc_call *call, uint32_t left)
{
    struct rc_pieces *pieces = rc_call_state(call);
    (void)left;
    pthread_mutex_lock(&pieces->lock);
    pieces->unsent -= pieces->unsent > 0;
    make_if_room(pieces);
    pthread_mutex_unlock(&pieces->lock);
}

void
rc_pieces_end(struct rc_call *call)
{
    struct rc_pieces *pieces = rc_call_state(call);
    if (pieces == NULL)
        return;
    if (pieces->request.running != NULL)
        rc_running_remove(&pieces->request.server->running, pieces->request.running);
    leave(pieces);
    if (pieces->state != NULL && pieces->kind->end != NULL)
        pieces->kind->end(pieces->state);
    rc_query_session_end(pieces->request.session);
    rc_arena_free(pieces->request.arena);
    pthread_mutex_destroy(&pieces->lock);
    rc_alloc_free(pieces);
}
