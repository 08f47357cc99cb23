/* Users of: the question is asked as always; the reply's handle and the place make a cell, and its
 * users are listed as of the reply's moment. */
#include "cli/options/users_of.h"

#include <stdio.h>

#include "cli/command/summary.h"
#include "cli/command/summary_export.h"
#include "cli/options/cell_place.h"
#include "cli/options/query_options.h"
#include "cli/session/message.h"
#include "recount/v1/segment.pb-c.h"

enum key { KEY_USERS_OF = 0x1600, KEY_SAVE_USERS };

static const struct argp_option options[] = {
    {"users-of", KEY_USERS_OF, "PLACE", 0,
     "List the users behind a number in place of the answer: \"step=2,dropped\", "
     "\"cohort=2025-03-03,column=1\", \"row=free,bucket=2025-03-01\"; names as they are printed, "
     "or "
     "#3 for the third (also where a name has a comma)",
     1},
    {"save-users", KEY_SAVE_USERS, "NAME", 0, "With --users-of: save them as a segment", 1},
    {0},
};

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    struct rc_users_of_options *of = state->input;
    switch (key) {
    case KEY_USERS_OF:
        of->place = argument;
        return 0;
    case KEY_SAVE_USERS:
        of->save_as = argument;
        return 0;
    case ARGP_KEY_END:
        if (of->save_as != NULL && of->place == NULL)
            argp_error(state, "--save-users needs --users-of");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp rc_users_of_argp = {options, parse, NULL, NULL, NULL, NULL, NULL};

static enum rc_exit_code
save(struct rc_query_options *query, Recount__V1__SegmentRule *rule)
{
    Recount__V1__CreateSegmentRequest request = RECOUNT__V1__CREATE_SEGMENT_REQUEST__INIT;
    Recount__V1__CreateSegmentResponse *reply = NULL;
    Recount__V1__Segment segment = RECOUNT__V1__SEGMENT__INIT;
    segment.membership_case = RECOUNT__V1__SEGMENT__MEMBERSHIP_RULE;
    segment.rule = rule;
    request.parent = (char *)query->session.project;
    request.segment_id = (char *)query->users_of.save_as;
    request.segment = &segment;
    const enum rc_exit_code code =
        rc_session_call(&query->session, "SegmentService/CreateSegment", &request,
                        &recount__v1__create_segment_response__descriptor, &reply);
    if (code == RC_EXIT_OK)
        fprintf(stderr, "saved %s\n", query->users_of.save_as);
    return code;
}

/* All of them in a file, the first page for people; so are entities. */
static enum rc_exit_code
list_users(struct rc_query_options *query, Recount__V1__Scope *scope)
{
    Recount__V1__ListUsersRequest request = RECOUNT__V1__LIST_USERS_REQUEST__INIT;
    Recount__V1__ListUsersResponse *reply = NULL;
    if (query->output.format != RC_OUTPUT_TERMINAL) {
        Recount__V1__ExportSegmentRequest all = RECOUNT__V1__EXPORT_SEGMENT_REQUEST__INIT;
        all.scope = scope;
        return rc_summary_export_users(&query->session, &all, query->output.format == RC_OUTPUT_CSV,
                                       NULL);
    }
    request.scope = scope;
    const enum rc_exit_code code =
        rc_session_call(&query->session, "QueryService/ListUsers", &request,
                        &recount__v1__list_users_response__descriptor, &reply);
    if (code == RC_EXIT_OK)
        rc_summary_write_users(&query->output, reply);
    return code;
}

static enum rc_exit_code
list_entities(struct rc_query_options *query, Recount__V1__Scope *scope, Recount__V1__Cell *cell)
{
    Recount__V1__ListEntitiesRequest request = RECOUNT__V1__LIST_ENTITIES_REQUEST__INIT;
    Recount__V1__ListEntitiesResponse *reply = NULL;
    if (query->output.format != RC_OUTPUT_TERMINAL) {
        Recount__V1__ExportEntitiesRequest all = RECOUNT__V1__EXPORT_ENTITIES_REQUEST__INIT;
        all.scope = scope;
        all.cell = cell;
        return rc_summary_export_entities(&query->session, &all,
                                          query->output.format == RC_OUTPUT_CSV, NULL);
    }
    request.scope = scope;
    request.cell = cell;
    const enum rc_exit_code code =
        rc_session_call(&query->session, "QueryService/ListEntities", &request,
                        &recount__v1__list_entities_response__descriptor, &reply);
    if (code == RC_EXIT_OK)
        rc_summary_write_entities(&query->output, reply);
    return code;
}

enum rc_exit_code
rc_users_of(struct rc_query_options *query, const ProtobufCMessage *reply)
{
    Recount__V1__Cell cell = RECOUNT__V1__CELL__INIT;
    Recount__V1__SegmentRule rule = RECOUNT__V1__SEGMENT_RULE__INIT;
    Recount__V1__SegmentFilter filter = RECOUNT__V1__SEGMENT_FILTER__INIT;
    Recount__V1__Scope scope = RECOUNT__V1__SCOPE__INIT;
    if (query->users_of.place == NULL)
        return RC_EXIT_OK;
    const Recount__V1__QueryInfo *info =
        *(Recount__V1__QueryInfo **)rc_message_member((ProtobufCMessage *)(uintptr_t)reply, "info");
    if (*info->cell_handle == '\0') {
        fputs("recount: nobody can be listed behind this answer: its question is too long\n",
              stderr);
        return RC_EXIT_USAGE;
    }
    if (query->scope.entity != NULL && query->users_of.save_as != NULL) {
        fputs("recount: --save-users saves users, and this answer counts values of a property\n",
              stderr);
        return RC_EXIT_USAGE;
    }
    if (!rc_cell_place_read(query->session.arena, reply, query->users_of.place, query->unit, &cell))
        return RC_EXIT_USAGE;
    cell.handle = info->cell_handle;
    rule.kind_case = RECOUNT__V1__SEGMENT_RULE__KIND_CELL;
    rule.cell = &cell;
    filter.source_case = RECOUNT__V1__SEGMENT_FILTER__SOURCE_RULE;
    filter.rule = &rule;
    scope.project = (char *)query->session.project;
    scope.optional_as_of_ms_case = RECOUNT__V1__SCOPE__OPTIONAL_AS_OF_MS_AS_OF_MS;
    scope.as_of_ms = info->as_of_ms;
    if (query->scope.entity != NULL) {
        scope.entity_property = (char *)query->scope.entity;
        const enum rc_exit_code listed = list_entities(query, &scope, &cell);
        return listed == RC_EXIT_OK ? RC_EXIT_EXPLAINED : listed;
    }
    scope.segment = &filter;
    const enum rc_exit_code code =
        query->users_of.save_as != NULL ? save(query, &rule) : list_users(query, &scope);
    return code == RC_EXIT_OK ? RC_EXIT_EXPLAINED : code;
}

enum rc_exit_code
rc_users_of_refuse(const struct rc_query_options *query)
{
    if (query->users_of.place == NULL)
        return RC_EXIT_OK;
    fputs("recount: this answer has no numbers for --users-of\n", stderr);
    return RC_EXIT_USAGE;
}
