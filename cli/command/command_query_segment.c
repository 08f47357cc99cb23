/* recount query segment: the size of a set of users, and the users. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command/command.h"
#include "cli/options/query_options.h"
#include "cli/render/csv.h"
#include "cli/render/message_json.h"
#include "cli/render/render.h"
#include "recount/v1/segment.pb-c.h"

struct segment_query {
    struct rc_query_options query;
    bool list;
    uint64_t limit; /* Users to list; 0 means all. */
};

enum key { KEY_USERS = 'u', KEY_LIMIT = 0x100 };

static const struct argp_option options[] = {
    {"users", KEY_USERS, NULL, 0, "List the users in place of their number", 1},
    {"limit", KEY_LIMIT, "N", 0, "List at most so many users (default: all)", 1},
    {0},
};

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    struct segment_query *segment = state->input;
    char *end = NULL;
    switch (key) {
    case KEY_USERS:
        segment->list = true;
        return 0;
    case KEY_LIMIT:
        segment->limit = strtoull(argument, &end, 10);
        if (*argument == '\0' || *end != '\0')
            argp_error(state, "--limit takes a number");
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num >= 1)
            argp_error(state, "there is one rule; put it into quotes");
        segment->query.scope.segment = argument;
        return 0;
    default:
        return rc_query_options_parse(&segment->query, key, argument, state);
    }
}

static const struct argp argp = {
    options,
    parse,
    "[SEGMENT]",
    "How many users are in a segment: a saved one's name or a rule in quotes (default: all "
    "users).\v"
    "  recount query segment 'user.plan = paid and count(@signed-in) > 4 in prior 7d'",
    rc_query_children,
    NULL,
    NULL};

static enum rc_exit_code
count_users(struct segment_query *segment, Recount__V1__Scope *scope)
{
    Recount__V1__CountSegmentRequest request = RECOUNT__V1__COUNT_SEGMENT_REQUEST__INIT;
    Recount__V1__CountSegmentResponse *reply = NULL;
    request.scope = scope;
    scope->hints = rc_plan_options_hints(&segment->query.plan, segment->query.session.arena);
    if (segment->query.plan.explain && !segment->query.plan.analyze) {
        fprintf(stderr, "recount: a segment is explained by running it: --analyze\n");
        return RC_EXIT_USAGE;
    }
    const enum rc_exit_code code =
        rc_session_call(&segment->query.session, "SegmentService/CountSegment", &request,
                        &recount__v1__count_segment_response__descriptor, &reply);
    if (code != RC_EXIT_OK)
        return code;
    if (segment->query.plan.analyze && segment->query.output.format != RC_OUTPUT_JSON) {
        fputs(reply->info->plan == NULL ? "" : reply->info->plan->text, stdout);
        return RC_EXIT_EXPLAINED;
    }
    if (segment->query.output.format == RC_OUTPUT_JSON) {
        rc_message_json_print(stdout, &reply->base);
        return code;
    }
    if (segment->query.output.format == RC_OUTPUT_CSV) {
        static const char *const head[] = {"user_count", "known_user_count", NULL};
        struct rc_csv_writer csv = {.out = stdout};
        rc_csv_head(&csv, head);
        rc_csv_count(&csv, reply->user_count);
        rc_csv_count(&csv, reply->known_user_count);
        rc_csv_end_row(&csv);
        return code;
    }
    const struct rc_paint paint = rc_paint_of(stdout, segment->query.output.color);
    char users[32], known[32];
    const double share = reply->known_user_count == 0
                             ? 0
                             : (double)reply->user_count / (double)reply->known_user_count;
    rc_paint_bar(&paint, share, 40);
    printf(" %s of %s users, %.1f%%\n", rc_paint_count(users, reply->user_count),
           rc_paint_count(known, reply->known_user_count), share * 100);
    rc_render_info(&paint, reply->info);
    return code;
}

static enum rc_exit_code
list_users(struct segment_query *segment, Recount__V1__Scope *scope)
{
    static const char *const head[] = {"user", NULL};
    struct rc_csv_writer csv = {.out = stdout};
    Recount__V1__ListSegmentUsersRequest request = RECOUNT__V1__LIST_SEGMENT_USERS_REQUEST__INIT;
    Recount__V1__ListSegmentUsersResponse *reply = NULL;
    uint64_t listed = 0;
    request.scope = scope;
    request.page_size =
        segment->limit > 0 && segment->limit < 10000 ? (int32_t)segment->limit : 10000;
    if (segment->query.output.format == RC_OUTPUT_CSV)
        rc_csv_head(&csv, head);
    do {
        const enum rc_exit_code code =
            rc_session_call(&segment->query.session, "SegmentService/ListSegmentUsers", &request,
                            &recount__v1__list_segment_users_response__descriptor, &reply);
        if (code != RC_EXIT_OK)
            return code;
        /* Every page looks at the moment of the first one. */
        if (reply->info != NULL) {
            scope->optional_as_of_ms_case = RECOUNT__V1__SCOPE__OPTIONAL_AS_OF_MS_AS_OF_MS;
            scope->as_of_ms = reply->info->as_of_ms;
        }
        if (segment->query.output.format == RC_OUTPUT_JSON)
            rc_message_json_print(stdout, &reply->base);
        for (size_t i = 0; i < reply->n_users; i++, listed++) {
            if (segment->limit > 0 && listed == segment->limit)
                return RC_EXIT_OK;
            if (segment->query.output.format == RC_OUTPUT_TERMINAL) {
                puts(reply->users[i]);
            } else if (segment->query.output.format == RC_OUTPUT_CSV) {
                rc_csv_text(&csv, reply->users[i]);
                rc_csv_end_row(&csv);
            }
        }
        if (segment->limit > 0 && listed >= segment->limit)
            break;
        request.page_token = reply->next_page_token;
    } while (*request.page_token != '\0');
    return RC_EXIT_OK;
}

enum rc_exit_code
rc_command_query_segment(int count, char **arguments)
{
    struct segment_query segment = {0};
    Recount__V1__Scope *scope = NULL;
    rc_query_options_begin(&segment.query);
    rc_options_parse(&argp, count, arguments, &segment);
    enum rc_exit_code code = rc_options_scope(
        &segment.query.session, &segment.query.scope,
        segment.query.scope.from != NULL || segment.query.scope.to != NULL, &scope);
    if (code == RC_EXIT_OK)
        code = rc_users_of_refuse(&segment.query);
    if (code == RC_EXIT_OK)
        code = segment.list ? list_users(&segment, scope) : count_users(&segment, scope);
    rc_query_options_end(&segment.query);
    return code;
}
