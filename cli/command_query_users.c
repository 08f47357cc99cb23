/* recount query users: who the users are, and how much they did. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/message_json.h"
#include "cli/query_options.h"
#include "cli/render_usage.h"

struct users {
    struct rc_query_options query;
    bool all_pages;
    struct rc_pointer_list properties;
    int32_t limit;
};

enum key { KEY_LIMIT = 0x100, KEY_PROPERTY, KEY_ALL };

static const struct argp_option options[] = {
    {"limit", KEY_LIMIT, "N", 0, "Most users (100)", 1},
    {"all", KEY_ALL, NULL, 0, "All users, page by page", 1},
    {"property", KEY_PROPERTY, "NAME", 0, "Show only this property; may be given several times", 1},
    {0},
};

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    struct users *users = state->input;
    switch (key) {
    case KEY_LIMIT:
        users->limit = atoi(argument);
        if (users->limit < 1 || users->limit > 1000)
            argp_error(state, "--limit takes a number from 1 to 1000; --all shows more");
        return 0;
    case KEY_ALL:
        users->all_pages = true;
        return 0;
    case KEY_PROPERTY:
        rc_pointer_list_add(users->query.session.arena, &users->properties, argument);
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num >= 1)
            argp_error(state, "there is one kind of events; join several with OR");
        break;
    default:
        break;
    }
    return rc_query_options_parse(&users->query, key, argument, state);
}

static const struct argp argp = {options,
                                 parse,
                                 "[EVENTS]",
                                 "Who the users are: their properties, and how many events (or "
                                 "such events) they have, the first "
                                 "and the last; times are UTC.\v"
                                 "  recount query users --segment payers --property plan\n"
                                 "  recount query users 'type = purchase' --from 30d --all --csv",
                                 rc_query_children,
                                 NULL,
                                 NULL};

static enum rc_exit_code
build(struct users *users, Recount__V1__ListUsersRequest *request)
{
    struct rc_query_options *query = &users->query;
    const bool with_range = query->scope.from != NULL || query->scope.to != NULL;
    enum rc_exit_code code =
        rc_options_scope(&query->session, &query->scope, with_range, &request->scope);
    if (code == RC_EXIT_OK && query->words.count > 0)
        code = rc_query_options_selector(query, query->words.items[0], &request->selector);
    request->page_size = users->all_pages ? 1000 : users->limit;
    request->n_properties = users->properties.count;
    request->properties = (char **)users->properties.items;
    return code;
}

static void
write_page(const struct users *users, const Recount__V1__ListUsersResponse *reply, bool is_first)
{
    if (users->query.output.format == RC_OUTPUT_JSON) {
        rc_message_json_print(stdout, &reply->base);
    } else if (users->query.output.format == RC_OUTPUT_CSV) {
        rc_render_users_csv(stdout, reply, is_first);
    } else {
        const struct rc_paint paint = rc_paint_of(stdout, users->query.output.color);
        rc_render_users(&paint, reply);
    }
}

enum rc_exit_code
rc_command_query_users(int count, char **arguments)
{
    struct users users = {.limit = 100};
    Recount__V1__ListUsersRequest request = RECOUNT__V1__LIST_USERS_REQUEST__INIT;
    Recount__V1__ListUsersResponse *reply = NULL;
    rc_query_options_begin(&users.query);
    rc_options_parse(&argp, count, arguments, &users);
    enum rc_exit_code code = build(&users, &request);
    bool more = code == RC_EXIT_OK;
    while (more) {
        const bool is_first = *request.page_token == '\0';
        code = rc_query_call(&users.query, "QueryService/ListUsers", &request,
                             &recount__v1__list_users_response__descriptor, &reply);
        if (code != RC_EXIT_OK)
            break;
        write_page(&users, reply, is_first);
        request.page_token = reply->next_page_token;
        more = users.all_pages && *request.page_token != '\0';
    }
    rc_query_options_end(&users.query);
    return code;
}
