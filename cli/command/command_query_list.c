/* recount query users, recount query entities: who they are, and how much they did. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/command/command.h"
#include "cli/command/summary.h"
#include "cli/command/summary_export.h"
#include "cli/options/query_options.h"

struct list {
    struct rc_query_options query;
    bool all;
    struct rc_pointer_list properties;
    int32_t limit;
    /* What it becomes in a request. */
    Recount__V1__Scope *scope;
    Recount__V1__Selector *selector;
};

enum key { KEY_LIMIT = 0x100, KEY_PROPERTY, KEY_ALL };

static const struct argp_option options[] = {
    {"limit", KEY_LIMIT, "N", 0, "At most so many (100)", 1},
    {"all", KEY_ALL, NULL, 0, "All of them: a line of JSON each, or with --csv a table", 1},
    {"property", KEY_PROPERTY, "NAME", 0, "Show only this property; may be given several times", 1},
    {0},
};

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    struct list *list = state->input;
    switch (key) {
    case KEY_LIMIT:
        list->limit = atoi(argument);
        if (list->limit < 1 || list->limit > 1000)
            argp_error(state, "--limit takes a number from 1 to 1000; --all shows more");
        return 0;
    case KEY_ALL:
        list->all = true;
        return 0;
    case KEY_PROPERTY:
        rc_pointer_list_add(list->query.session.arena, &list->properties, argument);
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num >= 1)
            argp_error(state, "there is one kind of events; join several with OR");
        break;
    default:
        break;
    }
    return rc_query_options_parse(&list->query, key, argument, state);
}

static const struct argp users_argp = {
    options,
    parse,
    "[EVENTS]",
    "Who the users are: their properties, and how many events (or such events) they have, the "
    "first and the last; times are UTC.\v"
    "  recount query users --segment payers --property plan\n"
    "  recount query users 'type = purchase' --from 30d --all --csv > users.csv",
    rc_query_children,
    NULL,
    NULL};

static const struct argp entities_argp = {
    options,
    parse,
    "[EVENTS]",
    "Which values of the property that --entity names events have (accounts, session ids): how "
    "many events (or such events), the first and the last; of accounts their properties. Times are "
    "UTC.\v"
    "  recount query entities --entity account --from 30d\n"
    "  recount query entities 'type = purchase' --entity account --property plan --all --csv",
    rc_query_children,
    NULL,
    NULL};

/* Reads the command line, and what is asked about. */
static enum rc_exit_code
begin(struct list *list, const struct argp *argp, int count, char **arguments)
{
    struct rc_query_options *query = &list->query;
    rc_query_options_begin(query);
    rc_options_parse(argp, count, arguments, list);
    const bool with_range = query->scope.from != NULL || query->scope.to != NULL;
    enum rc_exit_code code =
        rc_options_scope(&query->session, &query->scope, with_range, &list->scope);
    if (code == RC_EXIT_OK && query->words.count > 0)
        code = rc_query_options_selector(query, query->words.items[0], &list->selector);
    if (code == RC_EXIT_OK && list->all && (query->plan.explain || query->plan.analyze))
        list->all = false; /* A page is planned as all of them are. */
    if (code == RC_EXIT_OK && list->all) {
        code = rc_users_of_refuse(query);
        list->scope->hints = rc_plan_options_hints(&query->plan, query->session.arena);
    }
    return code;
}

static enum rc_exit_code
export_users(struct list *list)
{
    Recount__V1__ExportSegmentRequest request = RECOUNT__V1__EXPORT_SEGMENT_REQUEST__INIT;
    request.scope = list->scope;
    request.selector = list->selector;
    request.n_properties = list->properties.count;
    request.properties = (char **)list->properties.items;
    return rc_summary_export_users(&list->query.session, &request,
                                   list->query.output.format == RC_OUTPUT_CSV, NULL);
}

static enum rc_exit_code
list_users(struct list *list)
{
    Recount__V1__ListUsersRequest request = RECOUNT__V1__LIST_USERS_REQUEST__INIT;
    Recount__V1__ListUsersResponse *reply = NULL;
    request.scope = list->scope;
    request.selector = list->selector;
    request.page_size = list->limit;
    request.n_properties = list->properties.count;
    request.properties = (char **)list->properties.items;
    const enum rc_exit_code code =
        rc_query_call(&list->query, "QueryService/ListUsers", &request,
                      &recount__v1__list_users_response__descriptor, &reply);
    if (code == RC_EXIT_OK)
        rc_summary_write_users(&list->query.output, reply);
    return code;
}

enum rc_exit_code
rc_command_query_users(int count, char **arguments)
{
    struct list list = {.limit = 100};
    enum rc_exit_code code = begin(&list, &users_argp, count, arguments);
    if (code == RC_EXIT_OK)
        code = list.all ? export_users(&list) : list_users(&list);
    rc_query_options_end(&list.query);
    return code;
}

static enum rc_exit_code
export_entities(struct list *list)
{
    Recount__V1__ExportEntitiesRequest request = RECOUNT__V1__EXPORT_ENTITIES_REQUEST__INIT;
    request.scope = list->scope;
    request.selector = list->selector;
    request.n_properties = list->properties.count;
    request.properties = (char **)list->properties.items;
    return rc_summary_export_entities(&list->query.session, &request,
                                      list->query.output.format == RC_OUTPUT_CSV, NULL);
}

static enum rc_exit_code
list_entities(struct list *list)
{
    Recount__V1__ListEntitiesRequest request = RECOUNT__V1__LIST_ENTITIES_REQUEST__INIT;
    Recount__V1__ListEntitiesResponse *reply = NULL;
    request.scope = list->scope;
    request.selector = list->selector;
    request.page_size = list->limit;
    request.n_properties = list->properties.count;
    request.properties = (char **)list->properties.items;
    const enum rc_exit_code code =
        rc_query_call(&list->query, "QueryService/ListEntities", &request,
                      &recount__v1__list_entities_response__descriptor, &reply);
    if (code == RC_EXIT_OK)
        rc_summary_write_entities(&list->query.output, reply);
    return code;
}

enum rc_exit_code
rc_command_query_entities(int count, char **arguments)
{
    struct list list = {.limit = 100};
    enum rc_exit_code code = begin(&list, &entities_argp, count, arguments);
    if (code == RC_EXIT_OK)
        code = list.all ? export_entities(&list) : list_entities(&list);
    rc_query_options_end(&list.query);
    return code;
}
