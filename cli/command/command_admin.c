/* recount stats, snapshot, purge, health: the state of a server. */
#include <stdio.h>
#include <string.h>

#include "cli/command/command.h"
#include "cli/language/when.h"
#include "cli/options/options.h"
#include "cli/render/csv.h"
#include "cli/render/message_json.h"
#include "cli/render/paint.h"
#include "grpc/health/v1/health.pb-c.h"
#include "recount/v1/admin.pb-c.h"

struct admin {
    struct rc_session session;
    struct rc_output_options output;
    const char *name; /* stats: only this project; health: this service. */
};

static bool
takes_name(const char *command)
{
    return strcmp(command, "recount stats") == 0 || strcmp(command, "recount health") == 0;
}

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    struct admin *admin = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &admin->session;
        state->child_inputs[1] = &admin->output;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num > 0 || !takes_name(state->name))
            argp_error(state, "too many words");
        admin->name = argument;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp stats_argp = {
    NULL, parse, "[PROJECT]", "Figures of the server and its projects.", rc_command_children,
    NULL, NULL};
static const struct argp snapshot_argp = {
    NULL, parse, "", "Writes a snapshot now; returns when it is durable.", rc_command_children,
    NULL, NULL};
static const struct argp purge_argp = {NULL,
                                       parse,
                                       "",
                                       "Erases now what deleted users left in the server's files.",
                                       rc_command_children,
                                       NULL,
                                       NULL};
static const struct argp health_argp = {
    NULL,
    parse,
    "[SERVICE]",
    "Asks whether the server is ready, or one of its services (recount.v1.IngestService); exits "
    "with 0 if it is, 6 if not.",
    rc_command_children,
    NULL,
    NULL};

/* "12.3 MB". text has room for 32 bytes. Returns text. */
static const char *
write_bytes(char text[32], uint64_t bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double amount = (double)bytes;
    size_t unit = 0;
    while (amount >= 1000 && unit < 4) {
        amount /= 1000;
        unit++;
    }
    snprintf(text, 32, unit == 0 ? "%.0f %s" : "%.1f %s", amount, units[unit]);
    return text;
}

/* What somebody has to do something about. */
static void
print_troubles(const struct rc_paint *paint, const Recount__V1__ServerStatistics *server)
{
    char due[48];
    if (server->log_error[0] != '\0')
        fprintf(paint->out, "  the log takes no more records until a restart: %s\n",
                server->log_error);
    if (server->snapshot_failures > 0)
        fprintf(paint->out, "  the last %llu snapshots failed: %s\n",
                (unsigned long long)server->snapshot_failures, server->snapshot_error);
    if (server->purge_failures > 0)
        fprintf(paint->out, "  the last %llu purges failed: %s\n",
                (unsigned long long)server->purge_failures, server->purge_error);
    if (server->purge_due_time_ms > 0)
        fprintf(paint->out, "  deleted users will be out of all files by %s\n",
                rc_when_write(due, server->purge_due_time_ms, 0, RC_WHEN_RFC3339));
}

static void
print_server(const struct rc_paint *paint, const Recount__V1__ServerStatistics *server)
{
    char start[48], snapshot[48], resident[32], log[32];
    rc_paint_begin(paint, RC_INK_STRONG);
    fprintf(paint->out, "recountd %s\n", server->version);
    rc_paint_end(paint);
    fprintf(paint->out, "  since %s, %s resident, log of %s, %u queries running\n",
            rc_when_write(start, server->start_time_ms, 0, RC_WHEN_RFC3339),
            write_bytes(resident, server->resident_bytes), write_bytes(log, server->log_bytes),
            server->running_queries);
    print_troubles(paint, server);
    if (server->snapshot_time_ms > 0)
        fprintf(paint->out, "  last snapshot at %s\n",
                rc_when_write(snapshot, server->snapshot_time_ms, 0, RC_WHEN_RFC3339));
    else
        fprintf(paint->out, "  no snapshot since it started\n");
}

static void
print_project(const struct rc_paint *paint, const Recount__V1__ProjectStatistics *project)
{
    char a[48], b[48], c[32], d[32];
    rc_paint_begin(paint, RC_INK_STRONG);
    fprintf(paint->out, "%s\n", rc_session_id(project->project));
    rc_paint_end(paint);
    fprintf(paint->out, "  %s events of %s users", rc_paint_count(c, project->event_count),
            rc_paint_count(d, project->user_count));
    if (project->event_count > 0)
        fprintf(paint->out, ", %s to %s",
                rc_when_write(a, project->first_event_time_ms, 0, RC_WHEN_RFC3339),
                rc_when_write(b, project->last_event_time_ms, 0, RC_WHEN_RFC3339));
    fprintf(paint->out,
            "\n  %llu event properties, %llu user properties, %llu definitions, %llu segments\n",
            (unsigned long long)project->event_property_count,
            (unsigned long long)project->user_property_count,
            (unsigned long long)project->definition_count,
            (unsigned long long)project->segment_count);
    fprintf(paint->out, "  %llu slabs, %s events in the head",
            (unsigned long long)project->slab_count, rc_paint_count(c, project->head_event_count));
    const Recount__V1__MemoryStatistics *memory = project->memory;
    if (memory == NULL) {
        fputc('\n', paint->out);
        return;
    }
    fprintf(paint->out, ", %s of memory", write_bytes(c, memory->total_bytes));
    if (project->event_count > 0)
        fprintf(paint->out, " (%.1f bytes an event)",
                (double)memory->total_bytes / (double)project->event_count);
    fprintf(paint->out, "\n  slabs %s, head %s,", write_bytes(c, memory->slab_bytes),
            write_bytes(d, memory->head_bytes));
    fprintf(paint->out, " dictionaries %s, users %s,", write_bytes(c, memory->dictionary_bytes),
            write_bytes(d, memory->user_bytes));
    fprintf(paint->out, " bitmaps %s", write_bytes(c, memory->bitmap_bytes));
    if (project->cold_slab_count > 0)
        fprintf(paint->out, ", of %llu slabs on disk %s",
                (unsigned long long)project->cold_slab_count, write_bytes(c, memory->cold_bytes));
    fputc('\n', paint->out);
}

static void
print_csv(const Recount__V1__GetStatisticsResponse *reply)
{
    static const char *const head[] = {"project",    "event_count",      "user_count",
                                       "slab_count", "head_event_count", "memory_bytes",
                                       NULL};
    struct rc_csv_writer csv = {.out = stdout};
    rc_csv_head(&csv, head);
    for (size_t i = 0; i < reply->n_projects; i++) {
        const Recount__V1__ProjectStatistics *one = reply->projects[i];
        rc_csv_text(&csv, rc_session_id(one->project));
        rc_csv_count(&csv, one->event_count);
        rc_csv_count(&csv, one->user_count);
        rc_csv_count(&csv, one->slab_count);
        rc_csv_count(&csv, one->head_event_count);
        rc_csv_count(&csv, one->memory == NULL ? 0 : one->memory->total_bytes);
        rc_csv_end_row(&csv);
    }
}

enum rc_exit_code
rc_command_stats(int count, char **arguments)
{
    struct admin admin = {0};
    Recount__V1__GetStatisticsRequest request = RECOUNT__V1__GET_STATISTICS_REQUEST__INIT;
    Recount__V1__GetStatisticsResponse *reply = NULL;
    char project[256];
    rc_session_begin(&admin.session);
    rc_options_parse(&stats_argp, count, arguments, &admin);
    if (admin.name != NULL) {
        snprintf(project, sizeof(project), "projects/%s", admin.name);
        request.project = project;
    }
    const enum rc_exit_code code =
        rc_session_call(&admin.session, "AdminService/GetStatistics", &request,
                        &recount__v1__get_statistics_response__descriptor, &reply);
    if (code == RC_EXIT_OK && admin.output.format == RC_OUTPUT_JSON) {
        rc_message_json_print(stdout, &reply->base);
    } else if (code == RC_EXIT_OK && admin.output.format == RC_OUTPUT_CSV) {
        print_csv(reply);
    } else if (code == RC_EXIT_OK) {
        const struct rc_paint paint = rc_paint_of(stdout, admin.output.color);
        if (reply->server != NULL)
            print_server(&paint, reply->server);
        for (size_t i = 0; i < reply->n_projects; i++)
            print_project(&paint, reply->projects[i]);
    }
    rc_session_end(&admin.session);
    return code;
}

enum rc_exit_code
rc_command_snapshot(int count, char **arguments)
{
    struct admin admin = {0};
    Recount__V1__CreateSnapshotRequest request = RECOUNT__V1__CREATE_SNAPSHOT_REQUEST__INIT;
    Recount__V1__CreateSnapshotResponse *reply = NULL;
    rc_session_begin(&admin.session);
    admin.session.timeout_ms =
        0; /* It takes as long as it takes, unless --timeout says otherwise. */
    rc_options_parse(&snapshot_argp, count, arguments, &admin);
    const enum rc_exit_code code =
        rc_session_call(&admin.session, "AdminService/CreateSnapshot", &request,
                        &recount__v1__create_snapshot_response__descriptor, &reply);
    char written[32];
    if (code == RC_EXIT_OK && admin.output.format == RC_OUTPUT_JSON)
        rc_message_json_print(stdout, &reply->base);
    else if (code == RC_EXIT_OK)
        printf("snapshot: %llu slabs, %s written in %.1f ms\n",
               (unsigned long long)reply->written_slabs, write_bytes(written, reply->written_bytes),
               (double)reply->elapsed_micros / 1000);
    rc_session_end(&admin.session);
    return code;
}

enum rc_exit_code
rc_command_purge(int count, char **arguments)
{
    struct admin admin = {0};
    Recount__V1__PurgeRequest request = RECOUNT__V1__PURGE_REQUEST__INIT;
    Recount__V1__PurgeResponse *reply = NULL;
    rc_session_begin(&admin.session);
    admin.session.timeout_ms = 0; /* As for a snapshot. */
    rc_options_parse(&purge_argp, count, arguments, &admin);
    const enum rc_exit_code code =
        rc_session_call(&admin.session, "AdminService/Purge", &request,
                        &recount__v1__purge_response__descriptor, &reply);
    if (code == RC_EXIT_OK && admin.output.format == RC_OUTPUT_JSON)
        rc_message_json_print(stdout, &reply->base);
    else if (code == RC_EXIT_OK)
        printf("purged %llu projects: %llu slabs rewritten in %.1f ms\n",
               (unsigned long long)reply->purged_projects,
               (unsigned long long)reply->rewritten_slabs, (double)reply->elapsed_micros / 1000);
    rc_session_end(&admin.session);
    return code;
}

enum rc_exit_code
rc_command_health(int count, char **arguments)
{
    struct admin admin = {0};
    Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    Grpc__Health__V1__HealthCheckResponse *reply = NULL;
    rc_session_begin(&admin.session);
    admin.session.timeout_ms = 5000;
    rc_options_parse(&health_argp, count, arguments, &admin);
    if (admin.name != NULL)
        request.service = (char *)(uintptr_t)admin.name;
    enum rc_exit_code code =
        rc_session_call(&admin.session, "/grpc.health.v1.Health/Check", &request,
                        &grpc__health__v1__health_check_response__descriptor, &reply);
    if (code == RC_EXIT_OK) {
        const bool serving =
            reply->status == GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
        if (admin.output.format == RC_OUTPUT_JSON)
            rc_message_json_print(stdout, &reply->base);
        else
            puts(serving ? "serving" : "not serving");
        code = serving ? RC_EXIT_OK : RC_EXIT_UNAVAILABLE;
    }
    rc_session_end(&admin.session);
    return code;
}
