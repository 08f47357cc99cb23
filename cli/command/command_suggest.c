/* recount define suggest: what one raw event may mean. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command/command.h"
#include "cli/language/expression.h"
#include "cli/options/query_options.h"
#include "cli/render/csv.h"
#include "cli/render/message_json.h"
#include "cli/render/render.h"
#include "recount/v1/suggest.pb-c.h"

struct suggest {
    struct rc_query_options query;
    Recount__V1__EventFacts facts;
    bool has_facts;
    int limit; /* 0: all. */
};

enum key { KEY_FACT = 0x100, KEY_LIMIT };

static const struct argp_option options[] = {
    {"fact", KEY_FACT, "FACT=PROPERTY", 0,
     "Which property says the type, element_chain, text, path, url or host; may be given for each",
     1},
    {"limit", KEY_LIMIT, "N", 0, "So many suggestions, from the most specific on (all)", 1},
    {0},
};

/* Takes "path=page_path". */
static bool
set_fact(struct suggest *suggest, char *argument)
{
    const struct {
        const char *name;
        char **property;
    } facts[] = {
        {"type", &suggest->facts.type}, {"element_chain", &suggest->facts.element_chain},
        {"text", &suggest->facts.text}, {"path", &suggest->facts.path},
        {"url", &suggest->facts.url},   {"host", &suggest->facts.host},
    };
    char *equals = strchr(argument, '=');
    for (size_t i = 0; equals != NULL && i < sizeof(facts) / sizeof(facts[0]); i++) {
        const size_t size = strlen(facts[i].name);
        if (size != (size_t)(equals - argument) || memcmp(argument, facts[i].name, size) != 0)
            continue;
        *facts[i].property = equals + 1;
        suggest->has_facts = true;
        return true;
    }
    return false;
}

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    struct suggest *suggest = state->input;
    switch (key) {
    case KEY_FACT:
        if (!set_fact(suggest, argument))
            argp_error(state, "--fact takes type, element_chain, text, path, url or host, =, and "
                              "the name of a property");
        return 0;
    case KEY_LIMIT:
        suggest->limit = atoi(argument);
        if (suggest->limit < 1 || suggest->limit > 32)
            argp_error(state, "--limit takes a number from 1 to 32");
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "name the event's user and its id");
        return 0;
    case ARGP_KEY_END:
        if (state->arg_num != 2)
            argp_error(state, "name the event's user and its id");
        return 0;
    default:
        return rc_query_options_parse(&suggest->query, key, argument, state);
    }
}

static const struct argp argp = {
    options,
    parse,
    "USER EVENT-ID",
    "Says what an event may mean: expressions that select it, from the most to the least specific, "
    "with how many events and users each selects; of the last 14 days (or those around the event) "
    "unless --from or --to says otherwise. \"recount query events\" lists a user's events with "
    "their "
    "ids.\v"
    "  recount define suggest u42 1017 --from 30d\n"
    "  recount define suggest u42 1017 --fact type=event_name",
    rc_query_children,
    NULL,
    NULL};

/* The predicate as "recount define" takes it. */
static const char *
expression_of(struct rc_arena *arena, const Recount__V1__Suggestion *suggestion)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = rc_need(open_memstream(&text, &size));
    rc_expression_print_predicate(out, suggestion->predicate);
    fclose(out);
    const char *copy = rc_text_copy(arena, text);
    free(text);
    return copy;
}

/* The names of definitions, with blanks between. */
static const char *
definitions_of(struct rc_arena *arena, const Recount__V1__Suggestion *suggestion)
{
    char *names = rc_text_copy(arena, "");
    for (size_t i = 0; i < suggestion->n_definitions; i++)
        names = rc_text_format(arena, "%s%s@%s", names, i > 0 ? " " : "",
                               rc_session_id(suggestion->definitions[i]));
    return names;
}

static void
render(const struct suggest *suggest,
       const struct rc_paint *paint,
       const Recount__V1__SuggestDefinitionsResponse *reply)
{
    struct rc_arena *arena = suggest->query.session.arena;
    RC_CLEANUP(rc_table_freep) struct rc_table *table = rc_table_new("rrll");
    rc_table_add(table, "events");
    rc_table_add(table, "users");
    rc_table_add(table, "meaning");
    rc_table_add(table, "defined as");
    for (size_t i = 0; i < reply->n_suggestions; i++) {
        char count[32];
        rc_table_add(table, "%s", rc_paint_count(count, reply->suggestions[i]->event_count));
        rc_table_add(table, "%s", rc_paint_count(count, reply->suggestions[i]->user_count));
        rc_table_add(table, "%s", reply->suggestions[i]->label);
        rc_table_add(table, "%s", definitions_of(arena, reply->suggestions[i]));
    }
    rc_table_paint(table, paint);
    for (size_t i = 0; i < reply->n_suggestions; i++)
        fprintf(paint->out, "%s\n", expression_of(arena, reply->suggestions[i]));
    rc_render_info(paint, reply->info);
}

static void
render_csv(const struct suggest *suggest,
           FILE *out,
           const Recount__V1__SuggestDefinitionsResponse *reply)
{
    static const char *const head[] = {"events",     "users",       "label",
                                       "expression", "definitions", NULL};
    struct rc_arena *arena = suggest->query.session.arena;
    struct rc_csv_writer csv = {.out = out};
    rc_csv_head(&csv, head);
    for (size_t i = 0; i < reply->n_suggestions; i++) {
        rc_csv_count(&csv, reply->suggestions[i]->event_count);
        rc_csv_count(&csv, reply->suggestions[i]->user_count);
        rc_csv_text(&csv, reply->suggestions[i]->label);
        rc_csv_text(&csv, expression_of(arena, reply->suggestions[i]));
        rc_csv_text(&csv, definitions_of(arena, reply->suggestions[i]));
        rc_csv_end_row(&csv);
    }
}

static enum rc_exit_code
ask(struct suggest *suggest, Recount__V1__SuggestDefinitionsResponse **ret_reply)
{
    struct rc_query_options *query = &suggest->query;
    Recount__V1__SuggestDefinitionsRequest request = RECOUNT__V1__SUGGEST_DEFINITIONS_REQUEST__INIT;
    const bool ranged = query->scope.from != NULL || query->scope.to != NULL;
    const enum rc_exit_code code =
        rc_options_scope(&query->session, &query->scope, ranged, &request.scope);
    if (code != RC_EXIT_OK)
        return code;
    request.user = query->words.items[0];
    request.event_id = query->words.items[1];
    request.facts = suggest->has_facts ? &suggest->facts : NULL;
    request.limit = (uint32_t)suggest->limit;
    return rc_query_call(query, "DefinitionService/SuggestDefinitions", &request,
                         &recount__v1__suggest_definitions_response__descriptor, ret_reply);
}

enum rc_exit_code
rc_command_suggest(int count, char **arguments)
{
    struct suggest suggest = {.facts = RECOUNT__V1__EVENT_FACTS__INIT};
    Recount__V1__SuggestDefinitionsResponse *reply = NULL;
    rc_query_options_begin(&suggest.query);
    rc_options_parse(&argp, count, arguments, &suggest);
    const enum rc_exit_code code = ask(&suggest, &reply);
    if (code == RC_EXIT_OK && suggest.query.output.format == RC_OUTPUT_JSON) {
        rc_message_json_print(stdout, &reply->base);
    } else if (code == RC_EXIT_OK && suggest.query.output.format == RC_OUTPUT_CSV) {
        render_csv(&suggest, stdout, reply);
    } else if (code == RC_EXIT_OK) {
        const struct rc_paint paint = rc_paint_of(stdout, suggest.query.output.color);
        render(&suggest, &paint, reply);
    }
    rc_query_options_end(&suggest.query);
    return code;
}
