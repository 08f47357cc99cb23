/* recount define: names for what an event means. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/expression.h"
#include "cli/message.h"
#include "cli/message_json.h"
#include "cli/options.h"
#include "cli/resource.h"
#include "recount/v1/definition.pb-c.h"

struct define {
    struct rc_session session;
    struct rc_output_options output;
    const char *display_name;
    const char *description;
    const char *words[2];
    int word_count;
    bool replace;
    Recount__V1__IndexMode mode;
    struct rc_pointer_list labels; /* "key=value", of a list "key" too. */
    const char *prefix;
    const char *containing;
};

enum key {
    KEY_DISPLAY_NAME = 0x100,
    KEY_DESCRIPTION,
    KEY_REPLACE,
    KEY_EAGER,
    KEY_LAZY,
    KEY_LABEL,
    KEY_PREFIX,
    KEY_CONTAINING
};

static const struct argp_option options[] = {
    {"display-name", KEY_DISPLAY_NAME, "TEXT", 0, "Name for people (default: the id)", 1},
    {"description", KEY_DESCRIPTION, "TEXT", 0, "What it is for", 1},
    {"eager", KEY_EAGER, NULL, 0, "Build its bitmaps beforehand, in the background", 1},
    {"lazy", KEY_LAZY, NULL, 0, "Build its bitmaps when somebody asks (default)", 1},
    {"label", KEY_LABEL, "KEY=VALUE", 0,
     "A label; list: only those that have it (or KEY alone); may be given several times", 1},
    {"prefix", KEY_PREFIX, "TEXT", 0, "list: only names that begin with this", 1},
    {"containing", KEY_CONTAINING, "TEXT", 0, "list: only display names that have this", 1},
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
    case KEY_LABEL:
        rc_pointer_list_add(define->session.arena, &define->labels, argument);
        return 0;
    case KEY_PREFIX:
        define->prefix = argument;
        return 0;
    case KEY_CONTAINING:
        define->containing = argument;
        return 0;
    case KEY_REPLACE:
        define->replace = true;
        return 0;
    case KEY_EAGER:
        define->mode = RECOUNT__V1__INDEX_MODE__INDEX_MODE_EAGER;
        return 0;
    case KEY_LAZY:
        define->mode = RECOUNT__V1__INDEX_MODE__INDEX_MODE_LAZY;
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

static const struct argp argp = {
    options,
    parse,
    "NAME EXPRESSION\nlist\nshow NAME\nbuild\npreview EXPRESSION\ndelete NAME",
    "Says what an event means; holds for all history from now on.\v"
    "  recount define signed-up 'type = submit and path = \"/signup\"'\n"
    "  recount define checkout 'type = click and element_chain ~ \"form#checkout\"'\n"
    "\n"
    "Tests: = != < <= > >= in (...) between A and B, is set, contains, starts with, ends with, "
    "like, ~ (regular expression); \"not\" before a word; \"ignoring case\" behind a text test. "
    "They combine by and, or, not and parentheses. user.x is the user's property x; @name is "
    "another definition; any is every event. A property with odd characters goes into `back "
    "quotes`. build computes the bitmaps of all definitions at once and says how many events each "
    "means; preview shows what an expression matches before it has a name (it has a --help of its "
    "own). A definition that would be named list, show, build, preview or delete cannot be made "
    "here.",
    rc_command_children,
    NULL,
    NULL};

/* Cuts "key=value" in two. NULL: there is no value. */
static char *
cut_label(struct rc_arena *arena, const char *text, char **ret_key)
{
    char *key = rc_text_copy(arena, text);
    char *equals = strchr(key, '=');
    *ret_key = key;
    if (equals == NULL)
        return NULL;
    *equals = '\0';
    return equals + 1;
}

static void
set_labels(struct define *define, Recount__V1__Definition *definition)
{
    struct rc_arena *arena = define->session.arena;
    definition->n_labels = define->labels.count;
    definition->labels =
        rc_need(RC_ARENA_ARRAY(arena, Recount__V1__Label *, define->labels.count + 1));
    for (size_t i = 0; i < define->labels.count; i++) {
        Recount__V1__Label *label = RC_MESSAGE(arena, Recount__V1__Label, recount__v1__label);
        char *value = cut_label(arena, define->labels.items[i], &label->key);
        label->value = value == NULL ? label->value : value;
        definition->labels[i] = label;
    }
}

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
    definition.index_mode = define->mode;
    set_labels(define, &definition);
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
cells_of(struct rc_arena *arena, const ProtobufCMessage *one, const char **cells)
{
    const Recount__V1__Definition *definition = (const Recount__V1__Definition *)one;
    char *text = NULL;
    size_t size = 0;
    FILE *out = rc_need(open_memstream(&text, &size));
    if (definition->predicate != NULL)
        rc_expression_print_predicate(out, definition->predicate);
    fclose(out);
    cells[0] = rc_session_id(definition->name);
    cells[1] = definition->display_name;
    cells[2] = rc_text_copy(arena, text);
    cells[3] = definition->description;
    cells[4] =
        definition->index_mode == RECOUNT__V1__INDEX_MODE__INDEX_MODE_EAGER ? "eager" : "lazy";
    free(text);
}

static const struct rc_resource_kind definitions = {
    .service = "DefinitionService",
    .one = "Definition",
    .field = "definition",
    .many = "definitions",
    .list_request = &recount__v1__list_definitions_request__descriptor,
    .list_reply = &recount__v1__list_definitions_response__descriptor,
    .get_request = &recount__v1__get_definition_request__descriptor,
    .get_reply = &recount__v1__get_definition_response__descriptor,
    .delete_request = &recount__v1__delete_definition_request__descriptor,
    .delete_reply = &recount__v1__delete_definition_response__descriptor,
    .columns = {"name", "display_name", "expression", "description", "index_mode", NULL},
    .table_columns = 3,
    .cells = cells_of};

/* Builds the bitmaps of all definitions; a row for each. */
static enum rc_exit_code
build(struct define *define)
{
    struct rc_session *session = &define->session;
    struct rc_call_error error;
    Recount__V1__BuildDefinitionsRequest request = RECOUNT__V1__BUILD_DEFINITIONS_REQUEST__INIT;
    Recount__V1__BuildDefinitionsResponse *reply = NULL;
    request.parent = (char *)session->project;
    const enum rc_exit_code code =
        rc_session_try(session, "DefinitionService/BuildDefinitions", &request,
                       &recount__v1__build_definitions_response__descriptor, &reply, &error);
    if (code != RC_EXIT_OK) {
        rc_session_print_error(session, &error);
        return code;
    }
    if (define->output.format == RC_OUTPUT_JSON) {
        rc_message_json_print(stdout, &reply->base);
        return RC_EXIT_OK;
    }
    for (size_t i = 0; i < reply->n_counts; i++) {
        const Recount__V1__DefinitionCount *one = reply->counts[i];
        if (one->optional_event_count_case ==
            RECOUNT__V1__DEFINITION_COUNT__OPTIONAL_EVENT_COUNT_EVENT_COUNT)
            printf("%s\t%llu\n", rc_session_id(one->name), (unsigned long long)one->event_count);
        else
            printf("%s\t%s\n", rc_session_id(one->name),
                   one->pattern_too_slow ? "its pattern is too slow" : "-");
    }
    fprintf(stderr, "%zu definitions in %.1f ms: %llu bitmaps computed, %llu found\n",
            reply->n_counts, (double)reply->elapsed_micros / 1000,
            (unsigned long long)reply->bitmaps_computed, (unsigned long long)reply->bitmaps_cached);
    return RC_EXIT_OK;
}

/* The definitions that --label, --prefix and --containing leave. */
static enum rc_exit_code
list(struct define *define)
{
    struct rc_arena *arena = define->session.arena;
    Recount__V1__ListDefinitionsRequest request = RECOUNT__V1__LIST_DEFINITIONS_REQUEST__INIT;
    request.id_prefix = (char *)(define->prefix == NULL ? "" : define->prefix);
    request.display_name_contains = (char *)(define->containing == NULL ? "" : define->containing);
    request.n_labels = define->labels.count;
    request.labels =
        rc_need(RC_ARENA_ARRAY(arena, Recount__V1__LabelFilter *, define->labels.count + 1));
    for (size_t i = 0; i < define->labels.count; i++) {
        Recount__V1__LabelFilter *filter =
            RC_MESSAGE(arena, Recount__V1__LabelFilter, recount__v1__label_filter);
        char *value = cut_label(arena, define->labels.items[i], &filter->key);
        if (value != NULL) {
            filter->optional_value_case = RECOUNT__V1__LABEL_FILTER__OPTIONAL_VALUE_VALUE;
            filter->value = value;
        }
        request.labels[i] = filter;
    }
    return rc_resource_list_some(&define->session, &define->output, &definitions, &request.base);
}

enum rc_exit_code
rc_command_define(int count, char **arguments)
{
    struct define define = {0};
    if (count > 1 && strcmp(arguments[1], "preview") == 0) {
        static char name[] = "recount define preview";
        arguments[1] = name;
        return rc_command_preview(count - 1, arguments + 1);
    }
    rc_session_begin(&define.session);
    rc_options_parse(&argp, count, arguments, &define);
    struct rc_session *session = &define.session;
    const char *first = define.words[0];
    char *name = rc_session_name(session, "definitions", define.words[define.word_count - 1]);
    enum rc_exit_code code = RC_EXIT_USAGE;
    if (define.word_count == 1 && strcmp(first, "list") == 0)
        code = list(&define);
    else if (define.word_count == 1 && strcmp(first, "build") == 0)
        code = build(&define);
    else if (define.word_count == 1)
        fprintf(stderr, "recount: what does %s mean? Write its expression behind it\n", first);
    else if (strcmp(first, "show") == 0)
        code = rc_resource_show(session, &define.output, &definitions, name);
    else if (strcmp(first, "delete") == 0)
        code = rc_resource_delete(session, &definitions, name);
    else
        code = save(&define, first, define.words[1]);
    rc_session_end(session);
    return code;
}
