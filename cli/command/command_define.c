/* recount define: names for what an event means. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command/command.h"
#include "cli/command/entry_command.h"
#include "cli/language/expression.h"
#include "cli/render/message_json.h"
#include "cli/session/message.h"
#include "recount/v1/definition.pb-c.h"

struct define {
    struct rc_entry_command entry;
    Recount__V1__IndexMode mode;
    struct rc_pointer_list labels; /* "key=value", of a list "key" too. */
    const char *prefix;
    const char *containing;
};

enum key { KEY_EAGER = 0x100, KEY_LAZY, KEY_LABEL, KEY_PREFIX, KEY_CONTAINING };

static const struct argp_option options[] = {
    {"eager", KEY_EAGER, NULL, 0, "Build its bitmaps beforehand, in the background", 1},
    {"lazy", KEY_LAZY, NULL, 0, "Build its bitmaps when somebody asks (default)", 1},
    {"label", KEY_LABEL, "KEY=VALUE", 0,
     "A label; list: only those that have it (or KEY alone); may be given several times", 1},
    {"prefix", KEY_PREFIX, "TEXT", 0, "list: only names that begin with this", 1},
    {"containing", KEY_CONTAINING, "TEXT", 0, "list: only display names that have this", 1},
    {0},
};

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    struct define *define = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        rc_entry_init(&define->entry, state);
        return 0;
    case KEY_LABEL:
        rc_pointer_list_add(define->entry.session.arena, &define->labels, argument);
        return 0;
    case KEY_PREFIX:
        define->prefix = argument;
        return 0;
    case KEY_CONTAINING:
        define->containing = argument;
        return 0;
    case KEY_EAGER:
        define->mode = RECOUNT__V1__INDEX_MODE__INDEX_MODE_EAGER;
        return 0;
    case KEY_LAZY:
        define->mode = RECOUNT__V1__INDEX_MODE__INDEX_MODE_LAZY;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    options,
    parse,
    "NAME EXPRESSION\nload FILE\nlist\nshow NAME [VERSION]\nhistory NAME\nrestore NAME "
    "VERSION\nbuild\n"
    "preview EXPRESSION\nsuggest USER EVENT-ID\ndelete NAME",
    "Says what an event means; holds for all history from now on.\v"
    "  recount define signed-up 'type = submit and path = \"/signup\"'\n"
    "  recount define checkout 'type = click and element_chain ~ \"form#checkout\"'\n"
    "\n"
    "Tests: = != < <= > >= in (...) between A and B, is set, contains, starts with, ends with, "
    "like, ~ (regular expression); \"not\" before a word; \"ignoring case\" behind a text test. "
    "They combine by and, or, not and parentheses. user.x is the user's property x; event id "
    "and user id are compared with = and in; @name is another definition; any is every event. A "
    "property with odd characters goes into `back quotes`. load defines what a file says (- is the "
    "standard input), on each line a name, a blank and an expression; a thousand lines are taken "
    "together or not at all. history lists what a definition was, "
    "since when and by whom; restore makes it that again. build computes the bitmaps of all "
    "definitions at once and says how many events each "
    "means; preview shows what an expression matches before it has a name, suggest what one raw "
    "event may mean (both have a --help of their own). A definition that would be named as one of "
    "these words cannot be made here.",
    rc_entry_children,
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
    struct rc_arena *arena = define->entry.session.arena;
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

static const char *const paths[] = {"display_name", "description", "predicate",
                                    "index_mode",   "labels",      NULL};

static const struct rc_resource_kind definitions = {
    .service = "DefinitionService",
    .one = "Definition",
    .field = "definition",
    .many = "definitions",
    .list_call = {&recount__v1__list_definitions_request__descriptor,
                  &recount__v1__list_definitions_response__descriptor},
    .get_call = {&recount__v1__get_definition_request__descriptor,
                 &recount__v1__get_definition_response__descriptor},
    .delete_call = {&recount__v1__delete_definition_request__descriptor,
                    &recount__v1__delete_definition_response__descriptor},
    .create_call = {&recount__v1__create_definition_request__descriptor,
                    &recount__v1__create_definition_response__descriptor},
    .update_call = {&recount__v1__update_definition_request__descriptor,
                    &recount__v1__update_definition_response__descriptor},
    .versions_call = {&recount__v1__list_definition_versions_request__descriptor,
                      &recount__v1__list_definition_versions_response__descriptor},
    .paths = paths,
    .columns = {"name", "display_name", "expression", "description", "index_mode", NULL},
    .table_columns = 3,
    .cells = cells_of};

static enum rc_exit_code
save(struct define *define, const char *id, const char *source)
{
    struct rc_session *session = &define->entry.session;
    struct rc_expression_error error;
    Recount__V1__Definition definition = RECOUNT__V1__DEFINITION__INIT;
    if (rc_expression_predicate(session->arena, session->project, source, &definition.predicate,
                                &error) != RC_OK) {
        rc_expression_error_print(stderr, source, &error);
        return RC_EXIT_USAGE;
    }
    definition.index_mode = define->mode;
    set_labels(define, &definition);
    return rc_entry_save(&define->entry, &definitions, id, &definition.base, "defined");
}

/* ---- Many of a file -------------------------------------------------------------------------- */

#define LOADED_TOGETHER 1000u

/* What is loaded, line by line. */
struct loading {
    struct define *define;
    const char *file; /* As messages name it. */
    size_t line;
    size_t first_line; /* Of those that wait. */
    size_t done;
    Recount__V1__BatchCreateDefinitionsRequest request; /* What waits to be sent. */
};

static enum rc_exit_code
send_loaded(struct loading *loading)
{
    struct rc_session *session = &loading->define->entry.session;
    Recount__V1__BatchCreateDefinitionsRequest *request = &loading->request;
    Recount__V1__BatchCreateDefinitionsResponse *reply = NULL;
    struct rc_call_error error;
    if (request->n_requests == 0)
        return RC_EXIT_OK;
    const enum rc_exit_code code =
        rc_session_try(session, "DefinitionService/BatchCreateDefinitions", request,
                       &recount__v1__batch_create_definitions_response__descriptor, &reply, &error);
    if (code == RC_EXIT_OK) {
        loading->done += request->n_requests;
        request->n_requests = 0;
        return RC_EXIT_OK;
    }
    fprintf(stderr, "%s: nothing of lines %zu to %zu is defined:\n", loading->file,
            loading->first_line, loading->line);
    rc_session_print_error(session, &error);
    return code;
}

/* Takes one line, which it cuts at the end of the name. */
static enum rc_exit_code
load_line(struct loading *loading, char *line)
{
    struct rc_arena *arena = loading->define->entry.session.arena;
    struct rc_expression_error error;
    char *name = line + strspn(line, " \t");
    char *source = name + strcspn(name, " \t");
    if (name[0] == '\0' || name[0] == '#')
        return RC_EXIT_OK;
    if (source[0] != '\0')
        *source++ = '\0';
    Recount__V1__CreateDefinitionRequest *request = RC_MESSAGE(
        arena, Recount__V1__CreateDefinitionRequest, recount__v1__create_definition_request);
    Recount__V1__Definition *definition =
        RC_MESSAGE(arena, Recount__V1__Definition, recount__v1__definition);
    if (rc_expression_predicate(arena, loading->define->entry.session.project, source,
                                &definition->predicate, &error) != RC_OK) {
        fprintf(stderr, "%s:%zu: %s\n", loading->file, loading->line, name);
        rc_expression_error_print(stderr, source, &error);
        return RC_EXIT_USAGE;
    }
    definition->index_mode = loading->define->mode;
    set_labels(loading->define, definition);
    request->definition_id = rc_text_copy(arena, name);
    request->definition = definition;
    if (loading->request.n_requests == 0)
        loading->first_line = loading->line;
    loading->request.requests[loading->request.n_requests++] = request;
    return loading->request.n_requests == LOADED_TOGETHER ? send_loaded(loading) : RC_EXIT_OK;
}

/* Defines what a file says. */
static enum rc_exit_code
load(struct define *define, const char *path)
{
    const bool standard = strcmp(path, "-") == 0;
    struct loading loading = {.define = define,
                              .file = standard ? "standard input" : path,
                              .request = RECOUNT__V1__BATCH_CREATE_DEFINITIONS_REQUEST__INIT};
    enum rc_exit_code code = RC_EXIT_OK;
    char *line = NULL;
    size_t capacity = 0;
    ssize_t size = 0;
    FILE *in = standard ? stdin : fopen(path, "r");
    if (in == NULL) {
        fprintf(stderr, "recount: %s: %s\n", path, strerror(errno));
        return RC_EXIT_USAGE;
    }
    loading.request.parent = (char *)define->entry.session.project;
    if (define->entry.author != NULL)
        loading.request.author = (char *)define->entry.author;
    loading.request.requests = rc_need(RC_ARENA_ARRAY(
        define->entry.session.arena, Recount__V1__CreateDefinitionRequest *, LOADED_TOGETHER));
    while (code == RC_EXIT_OK && (size = getline(&line, &capacity, in)) >= 0) {
        line[strcspn(line, "\r\n")] = '\0';
        loading.line++;
        code = load_line(&loading, line);
    }
    if (code == RC_EXIT_OK)
        code = send_loaded(&loading);
    free(line);
    if (!standard)
        fclose(in);
    fprintf(stderr, "%zu defined\n", loading.done);
    return code;
}

/* Builds the bitmaps of all definitions; a row for each. */
static enum rc_exit_code
build(struct define *define)
{
    struct rc_session *session = &define->entry.session;
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
    if (define->entry.output.format == RC_OUTPUT_JSON) {
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

/* Asks for the definitions that --label, --prefix and --containing leave. */
static ProtobufCMessage *
list_request(struct define *define)
{
    struct rc_arena *arena = define->entry.session.arena;
    Recount__V1__ListDefinitionsRequest *request = RC_MESSAGE(
        arena, Recount__V1__ListDefinitionsRequest, recount__v1__list_definitions_request);
    request->id_prefix = (char *)(define->prefix == NULL ? "" : define->prefix);
    request->display_name_contains = (char *)(define->containing == NULL ? "" : define->containing);
    request->n_labels = define->labels.count;
    request->labels =
        rc_need(RC_ARENA_ARRAY(arena, Recount__V1__LabelFilter *, define->labels.count + 1));
    for (size_t i = 0; i < define->labels.count; i++) {
        Recount__V1__LabelFilter *filter =
            RC_MESSAGE(arena, Recount__V1__LabelFilter, recount__v1__label_filter);
        char *value = cut_label(arena, define->labels.items[i], &filter->key);
        if (value != NULL) {
            filter->optional_value_case = RECOUNT__V1__LABEL_FILTER__OPTIONAL_VALUE_VALUE;
            filter->value = value;
        }
        request->labels[i] = filter;
    }
    return &request->base;
}

enum rc_exit_code
rc_command_define(int count, char **arguments)
{
    struct define define = {.entry = {.hint = "name a definition and its expression, or list"}};
    static char preview[] = "recount define preview";
    static char suggest[] = "recount define suggest";
    if (count > 1 && strcmp(arguments[1], "preview") == 0) {
        arguments[1] = preview;
        return rc_command_preview(count - 1, arguments + 1);
    }
    if (count > 1 && strcmp(arguments[1], "suggest") == 0) {
        arguments[1] = suggest;
        return rc_command_suggest(count - 1, arguments + 1);
    }
    rc_session_begin(&define.entry.session);
    rc_options_parse(&argp, count, arguments, &define);
    const char *first = define.entry.words[0];
    enum rc_exit_code code = RC_EXIT_USAGE;
    if (rc_entry_run(&define.entry, &definitions, list_request(&define), &code))
        ; /* Done. */
    else if (define.entry.word_count == 2 && strcmp(first, "load") == 0)
        code = load(&define, define.entry.words[1]);
    else if (define.entry.word_count == 2)
        code = save(&define, first, define.entry.words[1]);
    else if (strcmp(first, "build") == 0)
        code = build(&define);
    else if (define.entry.word_count == 3)
        fputs("recount: too many words; put the expression into quotes\n", stderr);
    else
        fprintf(stderr, "recount: what does %s mean? Write its expression behind it\n", first);
    rc_session_end(&define.entry.session);
    return code;
}
