/* recount define: names for what an event means. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/csv.h"
#include "cli/expression.h"
#include "cli/message.h"
#include "cli/message_json.h"
#include "cli/options.h"
#include "cli/paint.h"
#include "recount/v1/definition.pb-c.h"

struct define {
    struct rc_session session;
    struct rc_output_options output;
    const char *display_name;
    const char *description;
    const char *words[2];
    int word_count;
    bool replace;
};

enum key { KEY_DISPLAY_NAME = 0x100, KEY_DESCRIPTION, KEY_REPLACE };

static const struct argp_option options[] = {
    {"display-name", KEY_DISPLAY_NAME, "TEXT", 0, "Name for people (default: the id)", 1},
    {"description", KEY_DESCRIPTION, "TEXT", 0, "What it is for", 1},
    {"replace", KEY_REPLACE, NULL, 0, "Change the definition if there is one of this name", 1},
    {0},
};

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    struct define *define = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &define->session;
        state->child_inputs[1] = &define->output;
        return 0;
    case KEY_DISPLAY_NAME:
        define->display_name = argument;
        return 0;
    case KEY_DESCRIPTION:
        define->description = argument;
        return 0;
    case KEY_REPLACE:
        define->replace = true;
        return 0;
    case ARGP_KEY_ARG:
        if (define->word_count == 2)
            argp_error(state, "too many words; put the expression into quotes");
        define->words[define->word_count++] = argument;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "name a definition and its expression, or list");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&rc_session_argp, 0, NULL, 0},
                                             {&rc_output_argp, 0, NULL, 0},
                                             {0}};

static const struct argp argp = {
    options,
    parse,
    "NAME EXPRESSION\nlist\nshow NAME\ndelete NAME",
    "Says what an event means; holds for all history from now on.\v"
    "  recount define signed-up 'type = submit and path = \"/signup\"'\n"
    "  recount define checkout 'type = click and element_chain ~ \"form#checkout\"'\n"
    "\n"
    "Tests: = != < <= > >= in (...) between A and B, is set, contains, starts with, ends with, "
    "like, ~ (regular expression); \"not\" before a word; \"ignoring case\" behind a text test. "
    "They combine by and, or, not and parentheses. user.x is the user's property x; @name is "
    "another definition; any is every event. A property with odd characters goes into `back "
    "quotes`. A definition that would be named list, show or delete cannot be made here.",
    children,
    NULL,
    NULL};

static enum rc_exit_code
save(struct define *define, const char *id, const char *source)
{
    struct rc_session *session = &define->session;
    struct rc_expression_error error;
    struct rc_call_error call_error;
    Recount__V1__CreateDefinitionRequest request = RECOUNT__V1__CREATE_DEFINITION_REQUEST__INIT;
    Recount__V1__CreateDefinitionResponse *reply = NULL;
    Recount__V1__Definition definition = RECOUNT__V1__DEFINITION__INIT;
    if (rc_expression_predicate(session->arena, session->project, source, &definition.predicate,
                                &error) != RC_OK) {
        rc_expression_error_print(stderr, source, &error);
        return RC_EXIT_USAGE;
    }
    definition.display_name = (char *)(define->display_name == NULL ? "" : define->display_name);
    definition.description = (char *)(define->description == NULL ? "" : define->description);
    request.parent = (char *)session->project;
    request.definition_id = (char *)id;
    request.definition = &definition;
    enum rc_exit_code code =
        rc_session_try(session, "DefinitionService/CreateDefinition", &request,
                       &recount__v1__create_definition_response__descriptor, &reply, &call_error);
    if (code == RC_EXIT_CONFLICT && define->replace) {
        Recount__V1__UpdateDefinitionRequest update = RECOUNT__V1__UPDATE_DEFINITION_REQUEST__INIT;
        definition.name = rc_session_name(session, "definitions", id);
        update.definition = &definition;
        code = rc_session_try(session, "DefinitionService/UpdateDefinition", &update,
                              &recount__v1__update_definition_response__descriptor, &reply,
                              &call_error);
    }
    if (code != RC_EXIT_OK)
        rc_session_print_error(session, &call_error);
    else
        fprintf(stderr, "defined %s\n", id);
    return code;
}

static void
print_expression(struct rc_arena *arena, const Recount__V1__Predicate *predicate, char **ret_text)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = rc_need(open_memstream(&text, &size));
    if (predicate != NULL)
        rc_expression_print_predicate(out, predicate);
    fclose(out);
    *ret_text = rc_text_copy(arena, text);
    free(text);
}

static void
print_all(struct define *define, Recount__V1__Definition *const *definitions, size_t count)
{
    static const char *const head[] = {"name", "display_name", "expression", "description", NULL};
    const bool csv_wanted = define->output.format == RC_OUTPUT_CSV;
    const struct rc_paint paint = rc_paint_of(stdout, define->output.color);
    RC_CLEANUP(rc_table_freep) struct rc_table *table = rc_table_new("lll");
    struct rc_csv_writer csv = {.out = stdout};
    if (csv_wanted)
        rc_csv_head(&csv, head);
    for (size_t i = 0; i < 3; i++)
        rc_table_add(table, "%s", head[i]);
    for (size_t i = 0; i < count; i++) {
        char *expression = NULL;
        const Recount__V1__Definition *one = definitions[i];
        print_expression(define->session.arena, one->predicate, &expression);
        if (csv_wanted) {
            rc_csv_text(&csv, rc_session_id(one->name));
            rc_csv_text(&csv, one->display_name);
            rc_csv_text(&csv, expression);
            rc_csv_text(&csv, one->description);
            rc_csv_end_row(&csv);
        }
        rc_table_add(table, "%s", rc_session_id(one->name));
        rc_table_add(table, "%s", one->display_name);
        rc_table_add(table, "%s", expression);
    }
    if (!csv_wanted)
        rc_table_paint(table, &paint);
}

static enum rc_exit_code
list(struct define *define)
{
    struct rc_session *session = &define->session;
    struct rc_pointer_list all = {0};
    Recount__V1__ListDefinitionsRequest request = RECOUNT__V1__LIST_DEFINITIONS_REQUEST__INIT;
    Recount__V1__ListDefinitionsResponse *reply = NULL;
    request.parent = (char *)session->project;
    request.page_size = 1000;
    do {
        const enum rc_exit_code code =
            rc_session_call(session, "DefinitionService/ListDefinitions", &request,
                            &recount__v1__list_definitions_response__descriptor, &reply);
        if (code != RC_EXIT_OK)
            return code;
        for (size_t i = 0; i < reply->n_definitions; i++)
            rc_pointer_list_add(session->arena, &all, reply->definitions[i]);
        request.page_token = reply->next_page_token;
    } while (*request.page_token != '\0');
    if (define->output.format == RC_OUTPUT_JSON) {
        Recount__V1__ListDefinitionsResponse whole = RECOUNT__V1__LIST_DEFINITIONS_RESPONSE__INIT;
        whole.n_definitions = all.count;
        whole.definitions = (Recount__V1__Definition **)all.items;
        rc_message_json_print(stdout, &whole.base);
    } else {
        print_all(define, (Recount__V1__Definition **)all.items, all.count);
    }
    return RC_EXIT_OK;
}

static enum rc_exit_code
show(struct define *define, const char *id)
{
    Recount__V1__GetDefinitionRequest request = RECOUNT__V1__GET_DEFINITION_REQUEST__INIT;
    Recount__V1__GetDefinitionResponse *reply = NULL;
    request.name = rc_session_name(&define->session, "definitions", id);
    const enum rc_exit_code code =
        rc_session_call(&define->session, "DefinitionService/GetDefinition", &request,
                        &recount__v1__get_definition_response__descriptor, &reply);
    if (code != RC_EXIT_OK || reply->definition == NULL)
        return code;
    if (define->output.format == RC_OUTPUT_JSON)
        rc_message_json_print(stdout, &reply->definition->base);
    else
        print_all(define, &reply->definition, 1);
    return RC_EXIT_OK;
}

static enum rc_exit_code delete (struct define *define, const char *id) {
    Recount__V1__DeleteDefinitionRequest request = RECOUNT__V1__DELETE_DEFINITION_REQUEST__INIT;
    Recount__V1__DeleteDefinitionResponse *reply = NULL;
    request.name = rc_session_name(&define->session, "definitions", id);
    return rc_session_call(&define->session,
                           "DefinitionService/DeleteDefinition",
                           &request,
                           &recount__v1__delete_definition_response__descriptor,
                           &reply);
}

enum rc_exit_code
rc_command_define(int count, char **arguments)
{
    struct define define = {0};
    rc_session_begin(&define.session);
    rc_options_parse(&argp, count, arguments, &define);
    const char *first = define.words[0];
    enum rc_exit_code code = RC_EXIT_USAGE;
    if (define.word_count == 1 && strcmp(first, "list") == 0)
        code = list(&define);
    else if (define.word_count == 1)
        fprintf(stderr, "recount: what does %s mean? Write its expression behind it\n", first);
    else if (strcmp(first, "show") == 0)
        code = show(&define, define.words[1]);
    else if (strcmp(first, "delete") == 0)
        code = delete (&define, define.words[1]);
    else
        code = save(&define, first, define.words[1]);
    rc_session_end(&define.session);
    return code;
}
