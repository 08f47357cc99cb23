/* recount query overlap: how many users some segments have in common. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/command/command.h"
#include "cli/language/expression.h"
#include "cli/options/query_options.h"
#include "cli/render/csv.h"
#include "cli/render/message_json.h"
#include "cli/render/render.h"
#include "recount/v1/segment.pb-c.h"

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    if (key != ARGP_KEY_NO_ARGS)
        return rc_query_options_parse(state->input, key, argument, state);
    argp_error(state, "name segments, or write rules in quotes");
    return 0;
}

static const struct argp argp = {
    NULL,
    parse,
    "SEGMENT...",
    "How many users are in each combination of up to five segments: saved ones' names or rules in "
    "quotes; in all of these, and in these and no other.\v"
    "  recount query overlap payers 'count(@signed-in) > 4 in prior 7d' 'user.plan = free'",
    rc_query_children,
    NULL,
    NULL};

static enum rc_exit_code
read_segments(struct rc_query_options *query, Recount__V1__OverlapSegmentsRequest *request)
{
    struct rc_arena *arena = query->session.arena;
    request->n_segments = query->words.count;
    request->segments =
        rc_need(RC_ARENA_ARRAY(arena, Recount__V1__SegmentFilter *, query->words.count + 1));
    for (size_t i = 0; i < query->words.count; i++) {
        const char *source = query->words.items[i];
        struct rc_expression_error error;
        if (rc_expression_filter(arena, query->session.project, source, &request->segments[i],
                                 &error) == RC_OK)
            continue;
        rc_expression_error_print(stderr, source, &error);
        return RC_EXIT_USAGE;
    }
    return RC_EXIT_OK;
}

/* "payers and quiet". */
static const char *
words_of(const struct rc_query_options *query, const Recount__V1__SegmentOverlap *overlap)
{
    const char *text = "";
    for (size_t i = 0; i < overlap->n_segments; i++)
        text = rc_text_format(query->session.arena, "%s%s%s", text, i == 0 ? "" : " and ",
                              (const char *)query->words.items[overlap->segments[i]]);
    return text;
}

static void
write_csv(const struct rc_query_options *query, const Recount__V1__OverlapSegmentsResponse *reply)
{
    static const char *const head[] = {"segments", "user_count", "exclusive_user_count", NULL};
    struct rc_csv_writer csv = {.out = stdout};
    rc_csv_head(&csv, head);
    for (size_t i = 0; i < reply->n_overlaps; i++) {
        rc_csv_text(&csv, words_of(query, reply->overlaps[i]));
        rc_csv_count(&csv, reply->overlaps[i]->user_count);
        rc_csv_count(&csv, reply->overlaps[i]->exclusive_user_count);
        rc_csv_end_row(&csv);
    }
    rc_csv_text(&csv, "");
    rc_csv_count(&csv, reply->scope_user_count);
    rc_csv_count(&csv, reply->none_count);
    rc_csv_end_row(&csv);
}

static void
write_table(const struct rc_query_options *query, const Recount__V1__OverlapSegmentsResponse *reply)
{
    const struct rc_paint paint = rc_paint_of(stdout, query->output.color);
    RC_CLEANUP(rc_table_freep) struct rc_table *table = rc_table_new("lrr");
    char users[32];
    char exclusive[32];
    rc_table_add(table, "in all of");
    rc_table_add(table, "users");
    rc_table_add(table, "and in no other");
    for (size_t i = 0; i < reply->n_overlaps; i++) {
        rc_table_add(table, "%s", words_of(query, reply->overlaps[i]));
        rc_table_add(table, "%s", rc_paint_count(users, reply->overlaps[i]->user_count));
        rc_table_add(table, "%s",
                     rc_paint_count(exclusive, reply->overlaps[i]->exclusive_user_count));
    }
    rc_table_add(table, "(none)");
    rc_table_add(table, "%s", rc_paint_count(users, reply->scope_user_count));
    rc_table_add(table, "%s", rc_paint_count(exclusive, reply->none_count));
    rc_table_paint(table, &paint);
    rc_render_info(&paint, reply->info);
}

enum rc_exit_code
rc_command_query_overlap(int count, char **arguments)
{
    struct rc_query_options query = {0};
    Recount__V1__OverlapSegmentsRequest request = RECOUNT__V1__OVERLAP_SEGMENTS_REQUEST__INIT;
    Recount__V1__OverlapSegmentsResponse *reply = NULL;
    rc_query_options_begin(&query);
    rc_options_parse(&argp, count, arguments, &query);
    const bool with_range = query.scope.from != NULL || query.scope.to != NULL;
    enum rc_exit_code code =
        rc_options_scope(&query.session, &query.scope, with_range, &request.scope);
    if (code == RC_EXIT_OK)
        code = rc_users_of_refuse(&query);
    if (code == RC_EXIT_OK)
        code = read_segments(&query, &request);
    if (code == RC_EXIT_OK)
        code = rc_session_call(&query.session, "SegmentService/OverlapSegments", &request,
                               &recount__v1__overlap_segments_response__descriptor, &reply);
    if (code == RC_EXIT_OK && query.output.format == RC_OUTPUT_JSON)
        rc_message_json_print(stdout, &reply->base);
    else if (code == RC_EXIT_OK && query.output.format == RC_OUTPUT_CSV)
        write_csv(&query, reply);
    else if (code == RC_EXIT_OK)
        write_table(&query, reply);
    rc_query_options_end(&query);
    return code;
}
