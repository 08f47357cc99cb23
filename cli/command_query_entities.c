/* recount query entities: which values of a property there are, and how much happened with each. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/query_options.h"
#include "cli/render_usage.h"

struct entities {
    struct rc_query_options query;
    bool all_pages;
    struct rc_pointer_list properties;
    int32_t limit;
};

enum key { KEY_LIMIT = 0x100, KEY_PROPERTY, KEY_ALL };

static const struct argp_option options[] = {
    {"limit", KEY_LIMIT, "N", 0, "Most entities (100)", 1},
    {"all", KEY_ALL, NULL, 0, "All entities, page by page", 1},
    {"property", KEY_PROPERTY, "NAME", 0, "Show only this property; may be given several times", 1},
    {0},
};

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    struct entities *entities = state->input;
    switch (key) {
    case KEY_LIMIT:
        entities->limit = atoi(argument);
        if (entities->limit < 1 || entities->limit > 1000)
            argp_error(state, "--limit takes a number from 1 to 1000; --all shows more");
        return 0;
    case KEY_ALL:
        entities->all_pages = true;
        return 0;
    case KEY_PROPERTY:
        rc_pointer_list_add(entities->query.session.arena, &entities->properties, argument);
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num >= 1)
            argp_error(state, "there is one kind of events; join several with OR");
        break;
    default:
        break;
    }
    return rc_query_options_parse(&entities->query, key, argument, state);
}

static const struct argp argp = {options,
                                 parse,
                                 "[EVENTS]",
                                 "Which values of the property that --entity names events have "
                                 "(accounts, session ids): how many events (or such events), the "
                                 "first and the last; of accounts their properties. Times are "
                                 "UTC.\v"
                                 "  recount query entities --entity account --from 30d\n"
                                 "  recount query entities 'type = purchase' --entity account "
                                 "--property plan --all --csv",
                                 rc_query_children,
                                 NULL,
                                 NULL};

static enum rc_exit_code
build(struct entities *entities, Recount__V1__ListEntitiesRequest *request)
{
    struct rc_query_options *query = &entities->query;
    const bool with_range = query->scope.from != NULL || query->scope.to != NULL;
    enum rc_exit_code code =
        rc_options_scope(&query->session, &query->scope, with_range, &request->scope);
    if (code == RC_EXIT_OK && query->words.count > 0)
        code = rc_query_options_selector(query, query->words.items[0], &request->selector);
    request->page_size = entities->all_pages ? 1000 : entities->limit;
    request->n_properties = entities->properties.count;
    request->properties = (char **)entities->properties.items;
    return code;
}

enum rc_exit_code
rc_command_query_entities(int count, char **arguments)
{
    struct entities entities = {.limit = 100};
    Recount__V1__ListEntitiesRequest request = RECOUNT__V1__LIST_ENTITIES_REQUEST__INIT;
    Recount__V1__ListEntitiesResponse *reply = NULL;
    rc_query_options_begin(&entities.query);
    rc_options_parse(&argp, count, arguments, &entities);
    enum rc_exit_code code = build(&entities, &request);
    bool more = code == RC_EXIT_OK;
    while (more) {
        const bool is_first = *request.page_token == '\0';
        code = rc_query_call(&entities.query, "QueryService/ListEntities", &request,
                             &recount__v1__list_entities_response__descriptor, &reply);
        if (code != RC_EXIT_OK)
            break;
        rc_entities_write_page(&entities.query.output, reply, is_first);
        request.page_token = reply->next_page_token;
        more = entities.all_pages && *request.page_token != '\0';
    }
    rc_query_options_end(&entities.query);
    return code;
}
