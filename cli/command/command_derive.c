/* recount derive: properties that come from others. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/command/command.h"
#include "cli/command/entry_command.h"
#include "cli/language/derivation.h"
#include "cli/language/expression.h"
#include "cli/session/message.h"
#include "recount/v1/property.pb-c.h"

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    (void)argument;
    if (key != ARGP_KEY_INIT)
        return ARGP_ERR_UNKNOWN;
    rc_entry_init(state->input, state);
    return 0;
}

static const struct argp argp = {
    NULL,
    parse,
    "NAME SOURCE,STEP...\nlist\nshow NAME [VERSION]\nhistory NAME\nrestore NAME VERSION\ndelete "
    "NAME",
    "Makes a property of others; holds for all history from now on.\v"
    "  recount derive host 'url, host'\n"
    "  recount derive amount 'price_text, number, times 100'\n"
    "  recount derive revenue '(price - discount) * quantity, round 0.01'\n"
    "  recount derive weekday 'event time, weekday in \"Europe/Berlin\"'\n"
    "  recount derive section 'path, capture \"^/([^/]+)\", map (shop = Shop, help = Help) else "
    "null'\n"
    "\n"
    "A source is a property, user.x, account.KEY.x, event time, or arithmetic over up to 8 "
    "properties (+ - * /, parentheses; a minus between names needs blanks). Steps, with commas "
    "between: capture \"regex\" [group N] [ignoring case]; number; lower; scheme, host, path, "
    "query, fragment, parameter NAME (of a URL); fold ids; map (FROM = TO, ...) [else VALUE or "
    "null]; year, quarter, month, week, day_of_year, day, weekday, hour, minute [in \"ZONE\"]; "
    "plus, minus, times, divided by, floor, round NUMBER. history lists what a property came from, "
    "since when and by whom; restore makes it that again. One that would be named as one of these "
    "words cannot be made here.",
    rc_entry_children,
    NULL,
    NULL};

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

static const char *const paths[] = {"display_name", "description", "property", "event_time",
                                    "formula",      "steps",       NULL};

static const struct rc_resource_kind derived_properties = {
    .service = "PropertyService",
    .one = "DerivedProperty",
    .field = "derived_property",
    .many = "derivedProperties",
    .list = "derived_properties",
    .list_call = {&recount__v1__list_derived_properties_request__descriptor,
                  &recount__v1__list_derived_properties_response__descriptor},
    .get_call = {&recount__v1__get_derived_property_request__descriptor,
                 &recount__v1__get_derived_property_response__descriptor},
    .delete_call = {&recount__v1__delete_derived_property_request__descriptor,
                    &recount__v1__delete_derived_property_response__descriptor},
    .create_call = {&recount__v1__create_derived_property_request__descriptor,
                    &recount__v1__create_derived_property_response__descriptor},
    .update_call = {&recount__v1__update_derived_property_request__descriptor,
                    &recount__v1__update_derived_property_response__descriptor},
    .versions_call = {&recount__v1__list_derived_property_versions_request__descriptor,
                      &recount__v1__list_derived_property_versions_response__descriptor},
    .paths = paths,
    .columns = {"name", "display_name", "expression", "description", NULL},
    .table_columns = 3,
    .cells = cells_of};

static enum rc_exit_code
save(struct rc_entry_command *command, const char *id, const char *source)
{
    struct rc_expression_error error;
    Recount__V1__DerivedProperty property = RECOUNT__V1__DERIVED_PROPERTY__INIT;
    if (rc_derivation_parse(command->session.arena, source, &property, &error) != RC_OK) {
        rc_expression_error_print(stderr, source, &error);
        return RC_EXIT_USAGE;
    }
    return rc_entry_save(command, &derived_properties, id, &property.base, "derived");
}

enum rc_exit_code
rc_command_derive(int count, char **arguments)
{
    struct rc_entry_command command = {.hint = "name a property and what it comes from, or list"};
    rc_session_begin(&command.session);
    rc_options_parse(&argp, count, arguments, &command);
    enum rc_exit_code code = RC_EXIT_USAGE;
    if (rc_entry_run(&command, &derived_properties, NULL, &code))
        ; /* Done. */
    else if (command.word_count == 2)
        code = save(&command, command.words[0], command.words[1]);
    else if (command.word_count == 3)
        fputs("recount: too many words; put source and steps into quotes\n", stderr);
    else
        fprintf(stderr, "recount: what does %s come from? Write its source and steps behind it\n",
                command.words[0]);
    rc_session_end(&command.session);
    return code;
}
