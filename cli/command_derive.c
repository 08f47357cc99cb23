/* recount derive: properties that come from others. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/derivation.h"
#include "cli/expression.h"
#include "cli/message.h"
#include "cli/options.h"
#include "cli/resource.h"
#include "recount/v1/property.pb-c.h"

struct derive {
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
    {"replace", KEY_REPLACE, NULL, 0, "Change the derived property if there is one of this name",
     1},
    {0},
};

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    struct derive *derive = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &derive->session;
        state->child_inputs[1] = &derive->output;
        return 0;
    case KEY_DISPLAY_NAME:
        derive->display_name = argument;
        return 0;
    case KEY_DESCRIPTION:
        derive->description = argument;
        return 0;
    case KEY_REPLACE:
        derive->replace = true;
        return 0;
    case ARGP_KEY_ARG:
        if (derive->word_count == 2)
            argp_error(state, "too many words; put source and steps into quotes");
        derive->words[derive->word_count++] = argument;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "name a property and what it comes from, or list");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    options,
    parse,
    "NAME SOURCE,STEP...\nlist\nshow NAME\ndelete NAME",
    "Makes a property of another; holds for all history from now on.\v"
    "  recount derive host 'url, host'\n"
    "  recount derive amount 'price_text, number, times 100'\n"
    "  recount derive weekday 'event time, weekday in \"Europe/Berlin\"'\n"
    "  recount derive section 'path, capture \"^/([^/]+)\", map (shop = Shop, help = Help) else "
    "null'\n"
    "\n"
    "A source is a property, user.x or event time. Steps, with commas between: capture \"regex\" "
    "[group N] [ignoring case]; number; lower; scheme, host, path, query, fragment, parameter NAME "
    "(of "
    "a URL); fold ids; map (FROM = TO, ...) [else VALUE or null]; year, quarter, month, week, "
    "day_of_year, day, weekday, hour, minute [in \"ZONE\"]; plus, minus, times, divided by, floor, "
    "round "
    "NUMBER. One that would be named list, show or delete cannot be made here.",
    rc_command_children,
    NULL,
    NULL};

static enum rc_exit_code
save(struct derive *derive, const char *id, const char *source)
{
    struct rc_session *session = &derive->session;
    struct rc_expression_error error;
    struct rc_call_error call_error;
    Recount__V1__CreateDerivedPropertyRequest request =
        RECOUNT__V1__CREATE_DERIVED_PROPERTY_REQUEST__INIT;
    Recount__V1__CreateDerivedPropertyResponse *reply = NULL;
    Recount__V1__DerivedProperty property = RECOUNT__V1__DERIVED_PROPERTY__INIT;
    if (rc_derivation_parse(session->arena, source, &property, &error) != RC_OK) {
        rc_expression_error_print(stderr, source, &error);
        return RC_EXIT_USAGE;
    }
    property.display_name = (char *)(derive->display_name == NULL ? "" : derive->display_name);
    property.description = (char *)(derive->description == NULL ? "" : derive->description);
    request.parent = (char *)session->project;
    request.derived_property_id = (char *)id;
    request.derived_property = &property;
    enum rc_exit_code code = rc_session_try(
        session, "PropertyService/CreateDerivedProperty", &request,
        &recount__v1__create_derived_property_response__descriptor, &reply, &call_error);
    if (code == RC_EXIT_CONFLICT && derive->replace) {
        Recount__V1__UpdateDerivedPropertyRequest update =
            RECOUNT__V1__UPDATE_DERIVED_PROPERTY_REQUEST__INIT;
        property.name = rc_session_name(session, "derivedProperties", id);
        update.derived_property = &property;
        code = rc_session_try(session, "PropertyService/UpdateDerivedProperty", &update,
                              &recount__v1__update_derived_property_response__descriptor, &reply,
                              &call_error);
    }
    if (code != RC_EXIT_OK)
        rc_session_print_error(session, &call_error);
    else
        fprintf(stderr, "derived %s\n", id);
    return code;
}

static void
cells_of(struct rc_arena *arena, const ProtobufCMessage *one, const char **cells)
{
    const Recount__V1__DerivedProperty *property = (const Recount__V1__DerivedProperty *)one;
    char *text = NULL;
    size_t size = 0;
    FILE *out = rc_need(open_memstream(&text, &size));
    rc_derivation_print(out, property);
    fclose(out);
    cells[0] = rc_session_id(property->name);
    cells[1] = property->display_name;
    cells[2] = rc_text_copy(arena, text);
    cells[3] = property->description;
    free(text);
}

static const struct rc_resource_kind derived_properties = {
    .service = "PropertyService",
    .one = "DerivedProperty",
    .field = "derived_property",
    .many = "derivedProperties",
    .list = "derived_properties",
    .list_request = &recount__v1__list_derived_properties_request__descriptor,
    .list_reply = &recount__v1__list_derived_properties_response__descriptor,
    .get_request = &recount__v1__get_derived_property_request__descriptor,
    .get_reply = &recount__v1__get_derived_property_response__descriptor,
    .delete_request = &recount__v1__delete_derived_property_request__descriptor,
    .delete_reply = &recount__v1__delete_derived_property_response__descriptor,
    .columns = {"name", "display_name", "expression", "description", NULL},
    .table_columns = 3,
    .cells = cells_of};

enum rc_exit_code
rc_command_derive(int count, char **arguments)
{
    struct derive derive = {0};
    rc_session_begin(&derive.session);
    rc_options_parse(&argp, count, arguments, &derive);
    struct rc_session *session = &derive.session;
    const char *first = derive.words[0];
    char *name = rc_session_name(session, "derivedProperties", derive.words[derive.word_count - 1]);
    enum rc_exit_code code = RC_EXIT_USAGE;
    if (derive.word_count == 1 && strcmp(first, "list") == 0)
        code = rc_resource_list(session, &derive.output, &derived_properties);
    else if (derive.word_count == 1)
        fprintf(stderr, "recount: what does %s come from? Write its source and steps behind it\n",
                first);
    else if (strcmp(first, "show") == 0)
        code = rc_resource_show(session, &derive.output, &derived_properties, name);
    else if (strcmp(first, "delete") == 0)
        code = rc_resource_delete(session, &derived_properties, name);
    else
        code = save(&derive, first, derive.words[1]);
    rc_session_end(session);
    return code;
}
