/* recount statements, queries, cancel: what queries took, what runs, and an end to it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command/command.h"
#include "cli/options/options.h"
#include "cli/render/csv.h"
#include "cli/render/message_json.h"
#include "cli/render/paint.h"
#include "recount/v1/activity.pb-c.h"
#include "recount/v1/admin.pb-c.h"

struct activity {
    struct rc_session session;
    struct rc_output_options output;
    const char *word; /* A project, or a query's number. */
    Recount__V1__StatementOrder order;
    int top;
    bool reset;
};

enum key { KEY_BY = 'b', KEY_TOP = 'n', KEY_RESET = 0x100 };

static const struct argp_option statement_options[] = {
    {"by", KEY_BY, "WHAT", 0, "Order: total (default), mean or calls", 1},
    {"top", KEY_TOP, "N", 0, "Only the first N (20)", 1},
    {"reset", KEY_RESET, NULL, 0, "Forget all statements, of every project", 1},
    {0},
};

static Recount__V1__StatementOrder
order_of(struct argp_state *state, const char *name)
{
    static const char *const names[] = {"total", "mean", "calls"};
    for (int i = 0; i < 3; i++)
        if (strcmp(name, names[i]) == 0)
            return (Recount__V1__StatementOrder)(i + 1);
    argp_error(state, "--by takes total, mean or calls");
    return RECOUNT__V1__STATEMENT_ORDER__STATEMENT_ORDER_UNSPECIFIED;
}

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    struct activity *activity = state->input;
    char *end = NULL;
    long top;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &activity->session;
        state->child_inputs[1] = &activity->output;
        return 0;
    case KEY_BY:
        activity->order = order_of(state, argument);
        return 0;
    case KEY_TOP:
        top = strtol(argument, &end, 10);
        if (*argument == '\0' || *end != '\0' || top < 1 || top > 1000)
            argp_error(state, "--top takes a number from 1 to 1000");
        activity->top = (int)top;
        return 0;
    case KEY_RESET:
        activity->reset = true;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num > 0)
            argp_error(state, "too many words");
        activity->word = argument;
        return 0;
    case ARGP_KEY_NO_ARGS:
        if (strcmp(state->name, "recount cancel") == 0)
            argp_error(state, "which query? \"recount queries\" lists them");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp statements_argp = {
    statement_options,   parse, "[PROJECT]", "What queries of one shape took.",
    rc_command_children, NULL,  NULL};
static const struct argp queries_argp = {
    NULL, parse, "[PROJECT]", "The queries that run now.", rc_command_children, NULL, NULL};
static const struct argp cancel_argp = {
    NULL, parse, "QUERY", "Ends a query that runs.", rc_command_children, NULL, NULL};

static void
begin(struct activity *activity, const struct argp *argp, int count, char **arguments)
{
    rc_session_begin(&activity->session);
    rc_options_parse(argp, count, arguments, activity);
}

/* "projects/x" of the word; empty without one. */
static char *
project_of(const struct activity *activity, char name[256])
{
    name[0] = '\0';
    if (activity->word != NULL)
        snprintf(name, 256, "projects/%s", activity->word);
    return name;
}

/* "1.23 ms". Returns text. */
static const char *
write_micros(char text[32], double micros)
{
    if (micros < 1e3)
        snprintf(text, 32, "%.0f us", micros);
    else if (micros < 1e6)
        snprintf(text, 32, "%.2f ms", micros / 1e3);
    else
        snprintf(text, 32, "%.2f s", micros / 1e6);
    return text;
}

/* ---- Statements ------------------------------------------------------------------------------ */

static void
print_statement(const struct rc_paint *paint, const Recount__V1__Statement *one)
{
    char a[32], b[32], c[32], d[32], e[32], f[32];
    rc_paint_begin(paint, RC_INK_STRONG);
    fprintf(paint->out, "%s", one->fingerprint);
    rc_paint_end(paint);
    fprintf(paint->out, "  %s  %" PRIu64 " calls", rc_session_id(one->project), one->calls);
    if (one->failed_calls > 0)
        fprintf(paint->out, " (%" PRIu64 " failed)", one->failed_calls);
    fprintf(paint->out, "  total %s  mean %s  p50 %s  p95 %s  p99 %s  max %s\n",
            write_micros(a, (double)one->total_micros), write_micros(b, one->mean_micros),
            write_micros(c, one->p50_micros), write_micros(d, one->p95_micros),
            write_micros(e, one->p99_micros), write_micros(f, (double)one->max_micros));
    fprintf(paint->out,
            "  %" PRIu64 " events, bitmaps: %" PRIu64 " computed, %" PRIu64 " found\n  %s\n",
            one->events_matched, one->bitmaps_computed, one->bitmaps_cached, one->shape);
}

static void
print_statements_csv(const Recount__V1__ListStatementsResponse *reply)
{
    static const char *const head[] = {
        "fingerprint",      "project",        "call",        "calls",
        "failed_calls",     "total_micros",   "mean_micros", "p50_micros",
        "p95_micros",       "p99_micros",     "max_micros",  "events",
        "bitmaps_computed", "bitmaps_cached", "shape",       NULL};
    struct rc_csv_writer csv = {.out = stdout};
    rc_csv_head(&csv, head);
    for (size_t i = 0; i < reply->n_statements; i++) {
        const Recount__V1__Statement *one = reply->statements[i];
        rc_csv_text(&csv, one->fingerprint);
        rc_csv_text(&csv, rc_session_id(one->project));
        rc_csv_text(&csv, one->call);
        rc_csv_count(&csv, one->calls);
        rc_csv_count(&csv, one->failed_calls);
        rc_csv_count(&csv, one->total_micros);
        rc_csv_number(&csv, one->mean_micros);
        rc_csv_number(&csv, one->p50_micros);
        rc_csv_number(&csv, one->p95_micros);
        rc_csv_number(&csv, one->p99_micros);
        rc_csv_count(&csv, one->max_micros);
        rc_csv_count(&csv, one->events_matched);
        rc_csv_count(&csv, one->bitmaps_computed);
        rc_csv_count(&csv, one->bitmaps_cached);
        rc_csv_text(&csv, one->shape);
        rc_csv_end_row(&csv);
    }
}

static enum rc_exit_code
reset(struct activity *activity)
{
    Recount__V1__ResetStatementsRequest request = RECOUNT__V1__RESET_STATEMENTS_REQUEST__INIT;
    Recount__V1__ResetStatementsResponse *reply = NULL;
    const enum rc_exit_code code =
        rc_session_call(&activity->session, "AdminService/ResetStatements", &request,
                        &recount__v1__reset_statements_response__descriptor, &reply);
    if (code == RC_EXIT_OK)
        printf("%" PRIu64 " statements forgotten\n", reply->forgotten_statements);
    return code;
}

enum rc_exit_code
rc_command_statements(int count, char **arguments)
{
    struct activity activity = {.top = 20};
    Recount__V1__ListStatementsRequest request = RECOUNT__V1__LIST_STATEMENTS_REQUEST__INIT;
    Recount__V1__ListStatementsResponse *reply = NULL;
    char project[256];
    begin(&activity, &statements_argp, count, arguments);
    request.project = project_of(&activity, project);
    request.order = activity.order;
    request.page_size = activity.top;
    enum rc_exit_code code = activity.reset ? reset(&activity) : RC_EXIT_OK;
    if (code == RC_EXIT_OK && !activity.reset)
        code = rc_session_call(&activity.session, "AdminService/ListStatements", &request,
                               &recount__v1__list_statements_response__descriptor, &reply);
    if (code == RC_EXIT_OK && reply != NULL && activity.output.format == RC_OUTPUT_JSON) {
        rc_message_json_print(stdout, &reply->base);
    } else if (code == RC_EXIT_OK && reply != NULL && activity.output.format == RC_OUTPUT_CSV) {
        print_statements_csv(reply);
    } else if (code == RC_EXIT_OK && reply != NULL) {
        const struct rc_paint paint = rc_paint_of(stdout, activity.output.color);
        for (size_t i = 0; i < reply->n_statements; i++)
            print_statement(&paint, reply->statements[i]);
    }
    rc_session_end(&activity.session);
    return code;
}

/* ---- Queries --------------------------------------------------------------------------------- */

static void
print_query(const struct rc_paint *paint, const Recount__V1__RunningQuery *one)
{
    char elapsed[32];
    rc_paint_begin(paint, RC_INK_STRONG);
    fprintf(paint->out, "%" PRIu64, one->query_id);
    rc_paint_end(paint);
    fprintf(paint->out, "  %s  since %s  %" PRIu64 " of %" PRIu64 " steps  %.1f MB%s\n  %s\n",
            rc_session_id(one->project), write_micros(elapsed, (double)one->elapsed_micros),
            one->steps_done, one->steps_all, (double)one->memory_bytes / 1e6,
            one->cancelled ? "  cancelled" : "", one->shape);
}

static void
print_queries_csv(const Recount__V1__ListQueriesResponse *reply)
{
    static const char *const head[] = {"query_id",       "project",    "call",
                                       "elapsed_micros", "steps_done", "steps_all",
                                       "memory_bytes",   "shape",      NULL};
    struct rc_csv_writer csv = {.out = stdout};
    rc_csv_head(&csv, head);
    for (size_t i = 0; i < reply->n_queries; i++) {
        const Recount__V1__RunningQuery *one = reply->queries[i];
        rc_csv_count(&csv, one->query_id);
        rc_csv_text(&csv, rc_session_id(one->project));
        rc_csv_text(&csv, one->call);
        rc_csv_count(&csv, one->elapsed_micros);
        rc_csv_count(&csv, one->steps_done);
        rc_csv_count(&csv, one->steps_all);
        rc_csv_count(&csv, one->memory_bytes);
        rc_csv_text(&csv, one->shape);
        rc_csv_end_row(&csv);
    }
}

enum rc_exit_code
rc_command_queries(int count, char **arguments)
{
    struct activity activity = {0};
    Recount__V1__ListQueriesRequest request = RECOUNT__V1__LIST_QUERIES_REQUEST__INIT;
    Recount__V1__ListQueriesResponse *reply = NULL;
    char project[256];
    begin(&activity, &queries_argp, count, arguments);
    request.project = project_of(&activity, project);
    const enum rc_exit_code code =
        rc_session_call(&activity.session, "AdminService/ListQueries", &request,
                        &recount__v1__list_queries_response__descriptor, &reply);
    if (code == RC_EXIT_OK && activity.output.format == RC_OUTPUT_JSON) {
        rc_message_json_print(stdout, &reply->base);
    } else if (code == RC_EXIT_OK && activity.output.format == RC_OUTPUT_CSV) {
        print_queries_csv(reply);
    } else if (code == RC_EXIT_OK) {
        const struct rc_paint paint = rc_paint_of(stdout, activity.output.color);
        for (size_t i = 0; i < reply->n_queries; i++)
            print_query(&paint, reply->queries[i]);
    }
    rc_session_end(&activity.session);
    return code;
}

enum rc_exit_code
rc_command_cancel(int count, char **arguments)
{
    struct activity activity = {0};
    Recount__V1__CancelQueryRequest request = RECOUNT__V1__CANCEL_QUERY_REQUEST__INIT;
    Recount__V1__CancelQueryResponse *reply = NULL;
    char *end = NULL;
    begin(&activity, &cancel_argp, count, arguments);
    request.query_id = strtoull(activity.word, &end, 10);
    enum rc_exit_code code = RC_EXIT_USAGE;
    if (activity.word[0] < '0' || activity.word[0] > '9' || *end != '\0')
        fprintf(stderr, "recount: \"%s\" is no number of a query\n", activity.word);
    else
        code = rc_session_call(&activity.session, "AdminService/CancelQuery", &request,
                               &recount__v1__cancel_query_response__descriptor, &reply);
    rc_session_end(&activity.session);
    return code;
}
