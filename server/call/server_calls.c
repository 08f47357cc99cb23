/*
 * The way of a unary call: decode, do, encode, answer, log. One function for all methods: what a
 * method adds is a function from message to message.
 */
#include "server/call/server_calls.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/clock.h"
#include "engine/base/limits.h"
#include "engine/query/plan/explain.h"
#include "server/call/quick.h"
#include "server/call/shape.h"
#include "server/decode/decode.h"
#include "server/process/log.h"

/* What a call may allocate besides a query's own memory: enough for the largest message
 * and reply. */
#define CALL_BYTES_MAX ((uint64_t)1 << 30)

static void
log_call(const struct rc_call *call, int code, const struct rc_error *error)
{
    const bool bad = code == RC_CODE_INTERNAL || code == RC_CODE_DATA_LOSS;
    const enum rc_log_level level = bad ? RC_LOG_ERROR : RC_LOG_DEBUG;
    if (!rc_log_enabled(level))
        return;
    const double elapsed_ms = (double)(rc_clock_monotonic_ns() - rc_call_received_ns(call)) / 1e6;
    RC_LOG(level, bad ? "call failed" : "call", {"rpc", rc_call_method(call)->path, 0},
           {"code", rc_code_name(code), 0}, {"dur_ms", NULL, elapsed_ms},
           {"error", error == NULL ? "" : error->message, 0},
           {"field", error == NULL ? "" : error->field, 0});
}

void
rc_call_fail(struct rc_call *call, struct rc_failure *failure)
{
    struct rc_details details;
    failure->late = rc_call_is_late(call);
    const struct rc_outcome outcome = rc_failure_outcome(failure, &details);
    rc_call_finish(call, &outcome);
    log_call(call, outcome.code, &failure->error);
}

void
rc_bind_method(struct rc_server *server,
               const struct rc_service_method *method,
               struct rc_bound_method *ret_bound)
{
    const char *service = strrchr(method->path, '.');
    *ret_bound = (struct rc_bound_method){.server = server, .method = method};
    (void)snprintf(ret_bound->call_name, sizeof(ret_bound->call_name), "%s",
                   service == NULL ? method->path : service + 1);
    char *slash = strchr(ret_bound->call_name, '/');
    if (slash != NULL)
        *slash = '.';
}

/* A unary call between its arrival and its end; all of it lies in its arena. */
struct served {
    struct rc_request request;
    struct rc_failure failure;
    enum rc_status status; /* Of decoding the request; unless RC_OK it has no message. */
    struct rc_shape shape; /* Of a query. */
};

/* Decodes the request. NULL: no memory. */
static struct served *
open_call(const struct rc_bound_method *bound, struct rc_call *call, struct rc_bytes bytes)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, CALL_BYTES_MAX);
    struct served *served = arena == NULL ? NULL : rc_arena_zero(arena, sizeof(*served));
    if (served == NULL)
        return NULL;
    served->request = (struct rc_request){.server = bound->server,
                                          .error = &served->failure.error,
                                          .failure = &served->failure,
                                          .cancel = rc_call_cancelled(call),
                                          .received_ms = rc_call_received_ms(call),
                                          .received_ns = rc_call_received_ns(call)};
    ProtobufCMessage *message = NULL;
    served->status =
        rc_decode_message(bound->method->input, bytes, arena, &message, served->request.error);
    served->request.message = message;
    served->request.packed = bytes;
    if (served->status == RC_OK && bound->method->kind == RC_SERVICE_QUERY)
        served->shape = rc_shape_of(bound->call_name, message);
    served->request.arena = RC_TAKE(arena);
    return served;
}

/* Lists a query among those that run. */
static void
open_query(struct served *served, const struct rc_bound_method *bound, struct rc_call *call)
{
    struct rc_request *request = &served->request;
    struct rc_running *running = rc_arena_zero(request->arena, sizeof(*running));
    if (running == NULL)
        return; /* It runs unseen. */
    *running = (struct rc_running){
        .call_name = bound->call_name,
        .call = call,
        .shape = served->shape,
        .received_ms = request->received_ms,
        .received_ns = request->received_ns,
        .project = {"", 0},
    };
    rc_running_add(&request->server->running, running);
    request->running = running;
}

/* Logs a query that was slow, with its plan as far as it came. */
static void
log_slow(struct rc_request *request, uint64_t elapsed_ns, const char *outcome)
{
    const struct rc_running *running = request->running;
    struct rc_bytes plan = {NULL, 0};
    char project[RC_PROJECT_ID_BYTES_MAX + 1];
    char shape[RC_SHAPE_BYTES_MAX + 1];
    if (request->explain != NULL)
        plan = rc_explain_text(rc_request_explained(request), running->call_name, request->arena);
    (void)snprintf(project, sizeof(project), "%.*s", (int)running->project.size,
                   running->project.data);
    const struct rc_bytes text = rc_shape_text(&running->shape, request->arena);
    (void)snprintf(shape, sizeof(shape), "%.*s", (int)text.size, text.data);
    RC_LOG(RC_LOG_WARN, "slow query", {"rpc", running->call_name, 0}, {"project", project, 0},
           {"dur_ms", NULL, (double)elapsed_ns / 1e6}, {"code", outcome, 0}, {"shape", shape, 0},
           {"plan", plan.data == NULL ? "" : plan.data, 0});
}

/* Takes a query off the list of those that run, and counts it. Its session has not ended. */
static void
close_query(struct rc_request *request, enum rc_status status)
{
    struct rc_running *running = request->running;
    struct rc_server *server = request->server;
    if (running == NULL)
        return;
    const uint64_t elapsed_ns = rc_clock_monotonic_ns() - request->received_ns;
    rc_running_remove(&server->running, running);
    const struct rc_statement_call call = {
        .project = running->project,
        .shape = running->shape,
        .failed = status != RC_OK,
        .elapsed_ns = elapsed_ns,
        .events_matched = request->used.matched_events,
        .bitmaps_computed = request->used.rowsets_built,
        .bitmaps_cached = request->used.rowsets_cached,
        .now_ms = request->received_ms,
    };
    rc_statements_add(server->statements, &call);
    const uint64_t slow_ms = server->config->slow_query_ms;
    if (slow_ms != 0 && elapsed_ns >= slow_ms * 1000000)
        log_slow(request, elapsed_ns, rc_status_name(status));
}

/* Runs the method; on RC_OK *ret_reply is its packed reply. */
static enum rc_status
serve(struct served *served,
      const struct rc_bound_method *bound,
      struct rc_call *call,
      struct rc_bytes *ret_reply)
{
    const struct rc_service_method *method = bound->method;
    struct rc_request *request = &served->request;
    if (atomic_load(request->cancel))
        return rc_error_set(request->error, RC_CANCELLED, "the call was cancelled");
    RC_TRY(served->status);
    if (method->kind == RC_SERVICE_QUERY)
        open_query(served, bound, call);
    ProtobufCMessage *reply = rc_message_new(request->arena, method->output);
    enum rc_status status = RC_NO_MEMORY;
    if (reply != NULL)
        status = method->call(request, request->message, reply);
    if (status == RC_OK && request->hints != NULL)
        status = rc_hints_check_used(request->hints, request->error);
    /* What was read from disk and could not be: the answer is void, and the file has a name. */
    if (request->session != NULL &&
        (status == RC_OK || status == RC_UNAVAILABLE || status == RC_CORRUPT)) {
        struct rc_error error;
        const enum rc_status reads = rc_query_session_check(request->session, &error);
        if (reads != RC_OK) {
            *request->error = error;
            status = reads;
        }
    }
    if (status == RC_OK) {
        *ret_reply = rc_message_pack(reply, request->arena);
        status = ret_reply->data == NULL ? RC_NO_MEMORY : RC_OK;
    }
    if (status != RC_OK && request->error->status == RC_OK)
        rc_error_set(request->error, status, "%s", rc_status_sentence(status));
    return rc_request_place(request, status);
}

static _Atomic uint32_t *
queries_of(struct rc_server *server, const struct rc_call *call)
{
    return &server->queries_of[rc_call_lane(call) % RC_SERVER_LANES];
}

/* In the reverse order of entering: what a project has is never less than what it is counted for.
 */
static void
leave_query(struct rc_server *server, const struct rc_call *call)
{
    atomic_fetch_sub(&server->queries, 1);
    atomic_fetch_sub(queries_of(server, call), 1);
}

/* Of calls of one shape in one project. */
static uint64_t
quick_key(const struct served *served, const struct rc_call *call)
{
    return served->shape.fingerprint ^ rc_call_lane(call);
}

bool
rc_is_quick(void *context, struct rc_call *call, struct rc_bytes bytes)
{
    const struct rc_bound_method *bound = context;
    struct served *served = open_call(bound, call, bytes);
    rc_call_set_state(call, served);
    if (served == NULL)
        return false;
    return served->status != RC_OK ||
           rc_quick_expects(&bound->server->quick, quick_key(served, call));
}

static void
fail_for_memory(struct rc_call *call)
{
    struct rc_failure failure = {.error = {.status = RC_OK}};
    rc_error_set(&failure.error, RC_NO_MEMORY, "no memory for the call");
    rc_call_fail(call, &failure);
}

void
rc_serve_unary(void *context, struct rc_call *call, struct rc_bytes bytes)
{
    const struct rc_bound_method *bound = context;
    const bool query = bound->method->kind == RC_SERVICE_QUERY;
    const struct rc_quick_watch watch = rc_quick_watch();
    struct served *served = rc_call_state(call);
    if (served == NULL)
        served = open_call(bound, call, bytes);
    if (served == NULL) {
        if (query)
            leave_query(bound->server, call);
        fail_for_memory(call);
        return;
    }
    struct rc_request *request = &served->request;
    struct rc_bytes reply = {"", 0};
    const enum rc_status status = serve(served, bound, call, &reply);
    close_query(request, status);
    if (query)
        leave_query(bound->server, call);
    if (status == RC_OK) {
        rc_call_reply(call, reply);
        log_call(call, RC_CODE_OK, NULL);
    } else {
        served->failure.error.status = status;
        rc_request_missing(request);
        rc_call_fail(call, &served->failure);
    }
    request->session = rc_query_session_end(request->session);
    if (query && served->status == RC_OK)
        rc_quick_note(&bound->server->quick, quick_key(served, call), rc_quick_took_ns(&watch));
    rc_arena_free(request->arena); /* It lies in there. */
}

void
rc_drop_query(void *context, struct rc_call *call)
{
    const struct rc_bound_method *bound = context;
    struct served *served = rc_call_state(call);
    leave_query(bound->server, call);
    if (served != NULL)
        rc_arena_free(served->request.arena); /* It lies in there. */
}

/* Counts one more unless that passes max. A try that fails shows to others for a moment, so what is
 * the project's own comes before what is everybody's. */
static bool
count_up(_Atomic uint32_t *count, uint64_t max)
{
    if (atomic_fetch_add(count, 1) < max)
        return true;
    atomic_fetch_sub(count, 1);
    return false;
}

bool
rc_admit_query(void *context, struct rc_call *call)
{
    const struct rc_bound_method *bound = context;
    struct rc_server *server = bound->server;
    struct rc_failure failure = {.error = {.status = RC_OK}};
    const uint64_t max = server->config->queries_max;
    const uint64_t own_max = max - max / 4; /* The rest is for whoever asks little. */
    const bool own_room = count_up(queries_of(server, call), own_max);
    if (own_room && count_up(&server->queries, max))
        return true;
    if (own_room)
        atomic_fetch_sub(queries_of(server, call), 1);
    rc_error_set(&failure.error, RC_LIMIT_EXCEEDED, "%llu queries%s run or wait already",
                 (unsigned long long)(own_room ? max : own_max), own_room ? "" : " of the project");
    rc_call_fail(call, &failure);
    return false;
}
