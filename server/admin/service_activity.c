/* AdminService: what queries run, and what queries of one shape took. */
#include <recount/v1/activity.pb-c.h>
#include <stdlib.h>

#include "engine/base/clock.h"
#include "server/call/service.h"
#include "server/decode/decode.h"
#include "server/encode/encode.h"

/* The id of the project that a list is for; empty: all. It may be gone by now: then the list is
 * what is left of it. */
static enum rc_status
decode_filter(struct rc_request *request, const char *name, struct rc_bytes *ret_project)
{
    struct rc_decode decode = rc_request_decode(request);
    *ret_project = (struct rc_bytes){"", 0};
    return name[0] == '\0' ? RC_OK : rc_decode_project(&decode, "project", name, ret_project);
}

static enum rc_status
encode_names(struct rc_arena *arena,
             struct rc_bytes project,
             uint64_t fingerprint,
             char **ret_project,
             char **ret_fingerprint)
{
    if (project.size > 0)
        RC_TRY(
            rc_encode_format(arena, ret_project, "projects/%.*s", (int)project.size, project.data));
    return rc_encode_format(arena, ret_fingerprint, "%016llx", (unsigned long long)fingerprint);
}

/* ---- Statements ------------------------------------------------------------------------------ */

static double
mean_ns(const struct rc_statement *statement)
{
    return (double)statement->total_ns / (double)statement->calls;
}

static int
descending(double x, double y)
{
    return (x < y) - (x > y);
}

static int
by_total(const void *a, const void *b)
{
    return descending((double)((const struct rc_statement *)a)->total_ns,
                      (double)((const struct rc_statement *)b)->total_ns);
}

static int
by_mean(const void *a, const void *b)
{
    return descending(mean_ns(a), mean_ns(b));
}

static int
by_calls(const void *a, const void *b)
{
    return descending((double)((const struct rc_statement *)a)->calls,
                      (double)((const struct rc_statement *)b)->calls);
}

static enum rc_status
encode_statement(struct rc_arena *arena,
                 const struct rc_statement *statement,
                 Recount__V1__Statement **ret_statement)
{
    Recount__V1__Statement *out;
    RC_NEW(arena, out, recount__v1__statement__descriptor);
    RC_TRY(encode_names(arena, statement->project, statement->fingerprint, &out->project,
                        &out->fingerprint));
    RC_NEW_TEXT(arena, out->call, rc_bytes_of(statement->call));
    RC_NEW_TEXT(arena, out->shape, statement->shape);
    out->calls = statement->calls;
    out->failed_calls = statement->failed;
    out->total_micros = statement->total_ns / 1000;
    out->mean_micros = mean_ns(statement) / 1e3;
    out->p50_micros = statement->p50_ns / 1e3;
    out->p95_micros = statement->p95_ns / 1e3;
    out->p99_micros = statement->p99_ns / 1e3;
    out->max_micros = statement->max_ns / 1000;
    out->events_matched = statement->events_matched;
    out->bitmaps_computed = statement->bitmaps_computed;
    out->bitmaps_cached = statement->bitmaps_cached;
    out->last_call_ms = statement->last_ms;
    *ret_statement = out;
    return RC_OK;
}

static enum rc_status
list_statements(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__ListStatementsRequest *in = message;
    Recount__V1__ListStatementsResponse *out = reply;
    struct rc_bytes project;
    struct rc_statement *list;
    uint32_t count;
    uint32_t shown;
    RC_TRY(decode_filter(request, in->project, &project));
    RC_TRY(rc_request_page_size(request, in->page_size, 100, RC_STATEMENTS_MAX, &shown));
    RC_TRY(rc_statements_list(request->server->statements, project, request->arena, &list, &count,
                              &out->since_ms, &out->evicted_statements));
    qsort(list, count, sizeof(*list),
          in->order == RECOUNT__V1__STATEMENT_ORDER__STATEMENT_ORDER_MEAN_TIME ? by_mean
          : in->order == RECOUNT__V1__STATEMENT_ORDER__STATEMENT_ORDER_CALLS   ? by_calls
                                                                               : by_total);
    shown = count < shown ? count : shown;
    RC_NEW_ARRAY(request->arena, out->statements, Recount__V1__Statement *, shown);
    for (uint32_t i = 0; i < shown; i++)
        RC_TRY(encode_statement(request->arena, &list[i], &out->statements[out->n_statements++]));
    return RC_OK;
}

static enum rc_status
reset_statements(struct rc_request *request, const void *message, void *reply)
{
    Recount__V1__ResetStatementsResponse *out = reply;
    (void)message;
    out->forgotten_statements =
        rc_statements_reset(request->server->statements, request->received_ms);
    return RC_OK;
}

/* ---- Queries --------------------------------------------------------------------------------- */

static enum rc_status
encode_query(struct rc_arena *arena,
             const struct rc_running_view *query,
             uint64_t now_ns,
             Recount__V1__RunningQuery **ret_query)
{
    Recount__V1__RunningQuery *out;
    RC_NEW(arena, out, recount__v1__running_query__descriptor);
    out->query_id = query->id;
    RC_TRY(
        encode_names(arena, query->project, query->fingerprint, &out->project, &out->fingerprint));
    RC_NEW_TEXT(arena, out->call, rc_bytes_of(query->call_name));
    RC_NEW_TEXT(arena, out->shape, query->shape);
    out->received_ms = query->received_ms;
    out->elapsed_micros = (now_ns - query->received_ns) / 1000;
    out->steps_done = query->done;
    out->steps_all = query->all;
    out->memory_bytes = query->memory_bytes;
    out->cancelled = query->cancelled;
    *ret_query = out;
    return RC_OK;
}

static enum rc_status
list_queries(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__ListQueriesRequest *in = message;
    Recount__V1__ListQueriesResponse *out = reply;
    struct rc_bytes project;
    struct rc_running_view *views;
    uint32_t count;
    RC_TRY(decode_filter(request, in->project, &project));
    RC_TRY(rc_running_list_all(&request->server->running, project, request->arena, &views, &count));
    const uint64_t now_ns = rc_clock_monotonic_ns();
    RC_NEW_ARRAY(request->arena, out->queries, Recount__V1__RunningQuery *, count);
    for (uint32_t i = 0; i < count; i++)
        RC_TRY(encode_query(request->arena, &views[i], now_ns, &out->queries[out->n_queries++]));
    return RC_OK;
}

static enum rc_status
cancel_query(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__CancelQueryRequest *in = message;
    (void)reply;
    if (in->query_id == 0)
        return rc_error_field(request->error, RC_INVALID, "query_id", "the query is missing");
    if (rc_running_cancel(&request->server->running, in->query_id))
        return RC_OK;
    return rc_error_field(request->error, RC_NOT_FOUND, "query_id", "no query %llu runs",
                          (unsigned long long)in->query_id);
}

#define METHOD(name, snake)                                                            \
    {                                                                                  \
        "/recount.v1.AdminService/" name, &recount__v1__##snake##_request__descriptor, \
            &recount__v1__##snake##_response__descriptor, snake, RC_SERVICE_CONTROL    \
    }

static const struct rc_service_method methods[] = {
    METHOD("ListStatements", list_statements),
    METHOD("ResetStatements", reset_statements),
    METHOD("ListQueries", list_queries),
    METHOD("CancelQuery", cancel_query),
};

const struct rc_service rc_service_activity = {methods, sizeof(methods) / sizeof(methods[0])};
