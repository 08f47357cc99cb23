/* recount properties: what events and users hold, and the values of one property. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command/command.h"
#include "cli/language/when.h"
#include "cli/options/query_options.h"
#include "cli/render/csv.h"
#include "cli/render/message_json.h"
#include "cli/render/render.h"
#include "recount/v1/property_list.pb-c.h"

struct properties {
    struct rc_query_options query;
    const char *events; /* NULL: all. */
    const char *prefix;
    bool ignore_case;
    int32_t limit;
};

enum key { KEY_EVENTS = 'e', KEY_PREFIX = 0x100, KEY_IGNORE_CASE, KEY_LIMIT };

static const struct argp_option options[] = {
    {"events", KEY_EVENTS, "EVENTS", 0, "Of these events: a definition's name or an expression", 1},
    {"prefix", KEY_PREFIX, "TEXT", 0, "Only names, or values, that begin with this", 1},
    {"ignore-case", KEY_IGNORE_CASE, NULL, 0, "Ignore the case of the prefix of values", 1},
    {"limit", KEY_LIMIT, "N", 0, "Most rows (100), up to 1000", 1},
    {0},
};

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    struct properties *properties = state->input;
    switch (key) {
    case KEY_EVENTS:
        properties->events = argument;
        return 0;
    case KEY_PREFIX:
        properties->prefix = argument;
        return 0;
    case KEY_IGNORE_CASE:
        properties->ignore_case = true;
        return 0;
    case KEY_LIMIT:
        properties->limit = atoi(argument);
        if (properties->limit < 1 || properties->limit > 1000)
            argp_error(state, "--limit takes a number from 1 to 1000");
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num >= 1)
            argp_error(state, "there is one property");
        break;
    default:
        break;
    }
    return rc_query_options_parse(&properties->query, key, argument, state);
}

static const struct argp argp = {
    options,
    parse,
    "[PROPERTY]",
    "Lists the properties of events, users and accounts, or the values of one.\v"
    "  recount properties --events 'type = click' --from 30d\n"
    "  recount properties path --prefix /item/\n"
    "  recount properties user.plan",
    rc_query_children,
    NULL,
    NULL};

/* ---- Properties ------------------------------------------------------------------------------ */

static const char *
name_of(char text[512], const Recount__V1__PropertySummary *one)
{
    const Recount__V1__PropertyRef *property = one->property;
    switch (property->source_case) {
    case RECOUNT__V1__PROPERTY_REF__SOURCE_USER_PROPERTY:
        snprintf(text, 512, "user.%s", property->user_property);
        break;
    case RECOUNT__V1__PROPERTY_REF__SOURCE_ACCOUNT_PROPERTY:
        snprintf(text, 512, "account.%s.%s", property->account_property->account_key,
                 property->account_property->name);
        break;
    default:
        snprintf(text, 512, "%s", property->event_property);
    }
    return text;
}

/* "text 12, number 3" */
static const char *
kinds_of(char text[128], const Recount__V1__PropertySummary *one)
{
    const struct {
        const char *name;
        uint64_t count;
    } kinds[] = {{"text", one->text_count},
                 {"number", one->number_count},
                 {"boolean", one->boolean_count},
                 {"list", one->list_count}};
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < 4; i++)
        if (kinds[i].count == one->count)
            return strcpy(text, kinds[i].name);
        else if (kinds[i].count > 0)
            used += (size_t)snprintf(text + used, 128 - used, "%s%s %llu", used > 0 ? ", " : "",
                                     kinds[i].name, (unsigned long long)kinds[i].count);
    return text;
}

static void
render_properties(const struct rc_paint *paint, const Recount__V1__ListPropertiesResponse *reply)
{
    static const char *const heads[] = {"property", "kinds", "count", "share",
                                        "values",   "first", "last"};
    char text[512], kinds[128], count[32];
    RC_CLEANUP(rc_table_freep) struct rc_table *table = rc_table_new("llrrrll");
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        rc_table_add(table, "%s", heads[i]);
    for (size_t i = 0; i < reply->n_properties; i++) {
        const Recount__V1__PropertySummary *one = reply->properties[i];
        rc_table_add(table, "%s", name_of(text, one));
        rc_table_add(table, "%s", kinds_of(kinds, one));
        rc_table_add(table, "%s", rc_paint_count(count, one->count));
        rc_table_add(table, "%.3g %%", 100 * one->share);
        rc_table_add(table, "%s",
                     one->optional_distinct_value_count_case == 0
                         ? "-"
                         : rc_paint_count(count, one->distinct_value_count));
        rc_table_add(table, "%s", rc_when_write(text, one->first_seen_ms, 0, RC_WHEN_MINUTE));
        rc_table_add(table, "%s", rc_when_write(text, one->last_seen_ms, 0, RC_WHEN_MINUTE));
    }
    rc_table_paint(table, paint);
    rc_paint_begin(paint, RC_INK_FAINT);
    fprintf(paint->out, "of %s events and ", rc_paint_count(count, reply->event_count));
    fprintf(paint->out, "%s users", rc_paint_count(count, reply->user_count));
    for (size_t i = 0; i < reply->n_account_counts; i++)
        fprintf(paint->out, ", %s accounts by %s",
                rc_paint_count(count, reply->account_counts[i]->account_count),
                reply->account_counts[i]->account_key);
    fprintf(paint->out, "%s\n",
            reply->next_page_token[0] != '\0' ? "; there are more properties" : "");
    rc_paint_end(paint);
    rc_render_info(paint, reply->info);
}

static void
write_properties_csv(FILE *out, const Recount__V1__ListPropertiesResponse *reply)
{
    static const char *const head[] = {
        "property",      "count",        "share",      "boolean_count",
        "number_count",  "text_count",   "list_count", "distinct_values",
        "first_seen_ms", "last_seen_ms", NULL};
    struct rc_csv_writer csv = {.out = out};
    rc_csv_head(&csv, head);
    for (size_t i = 0; i < reply->n_properties; i++) {
        char text[512];
        const Recount__V1__PropertySummary *one = reply->properties[i];
        rc_csv_text(&csv, name_of(text, one));
        rc_csv_count(&csv, one->count);
        rc_csv_number(&csv, one->share);
        rc_csv_count(&csv, one->boolean_count);
        rc_csv_count(&csv, one->number_count);
        rc_csv_count(&csv, one->text_count);
        rc_csv_count(&csv, one->list_count);
        if (one->optional_distinct_value_count_case != 0)
            rc_csv_count(&csv, one->distinct_value_count);
        else
            rc_csv_text(&csv, "");
        rc_csv_number(&csv, (double)one->first_seen_ms);
        rc_csv_number(&csv, (double)one->last_seen_ms);
        rc_csv_end_row(&csv);
    }
}

static enum rc_exit_code
list_properties(struct properties *properties,
                Recount__V1__Scope *scope,
                Recount__V1__Selector *selector)
{
    Recount__V1__ListPropertiesRequest request = RECOUNT__V1__LIST_PROPERTIES_REQUEST__INIT;
    Recount__V1__ListPropertiesResponse *reply = NULL;
    const struct rc_output_options *output = &properties->query.output;
    request.scope = scope;
    request.selector = selector;
    request.name_prefix = (char *)properties->prefix;
    request.page_size = properties->limit;
    const enum rc_exit_code code =
        rc_query_call(&properties->query, "PropertyService/ListProperties", &request,
                      &recount__v1__list_properties_response__descriptor, &reply);
    if (code != RC_EXIT_OK)
        return code;
    if (output->format == RC_OUTPUT_JSON) {
        rc_message_json_print(stdout, &reply->base);
    } else if (output->format == RC_OUTPUT_CSV) {
        write_properties_csv(stdout, reply);
    } else {
        const struct rc_paint paint = rc_paint_of(stdout, output->color);
        render_properties(&paint, reply);
    }
    return code;
}

/* ---- Values ---------------------------------------------------------------------------------- */

static void
render_values(const struct rc_paint *paint, const Recount__V1__ListPropertyValuesResponse *reply)
{
    char text[4096], count[32];
    RC_CLEANUP(rc_table_freep) struct rc_table *table = rc_table_new("lr");
    rc_table_add(table, "value");
    rc_table_add(table, "events");
    for (size_t i = 0; i < reply->n_values; i++) {
        rc_table_add(table, "%s", rc_render_value(text, sizeof(text), reply->values[i]->value));
        rc_table_add(table, "%s", rc_paint_count(count, reply->values[i]->event_count));
    }
    rc_table_paint(table, paint);
    if (reply->has_more)
        fputs("there are more values\n", paint->out);
    rc_render_info(paint, reply->info);
}

static void
write_values_csv(FILE *out, const Recount__V1__ListPropertyValuesResponse *reply)
{
    static const char *const head[] = {"value", "events", NULL};
    struct rc_csv_writer csv = {.out = out};
    char text[4096];
    rc_csv_head(&csv, head);
    for (size_t i = 0; i < reply->n_values; i++) {
        rc_csv_text(&csv, rc_render_value(text, sizeof(text), reply->values[i]->value));
        rc_csv_count(&csv, reply->values[i]->event_count);
        rc_csv_end_row(&csv);
    }
}

static enum rc_exit_code
list_values(struct properties *properties,
            Recount__V1__Scope *scope,
            Recount__V1__Selector *selector)
{
    Recount__V1__ListPropertyValuesRequest request =
        RECOUNT__V1__LIST_PROPERTY_VALUES_REQUEST__INIT;
    Recount__V1__ListPropertyValuesResponse *reply = NULL;
    struct rc_query_options *query = &properties->query;
    query->by = query->words.items[0];
    request.scope = scope;
    request.selector = selector;
    request.property = rc_query_options_breakdown(query)->dimensions[0]->property;
    request.prefix = (char *)properties->prefix;
    request.case_insensitive = properties->ignore_case;
    request.page_size = properties->limit;
    const enum rc_exit_code code =
        rc_query_call(query, "PropertyService/ListPropertyValues", &request,
                      &recount__v1__list_property_values_response__descriptor, &reply);
    if (code != RC_EXIT_OK)
        return code;
    if (query->output.format == RC_OUTPUT_JSON) {
        rc_message_json_print(stdout, &reply->base);
    } else if (query->output.format == RC_OUTPUT_CSV) {
        write_values_csv(stdout, reply);
    } else {
        const struct rc_paint paint = rc_paint_of(stdout, query->output.color);
        render_values(&paint, reply);
    }
    return code;
}

enum rc_exit_code
rc_command_properties(int count, char **arguments)
{
    struct properties properties = {.prefix = "", .limit = 100};
    struct rc_query_options *query = &properties.query;
    Recount__V1__Scope *scope = NULL;
    Recount__V1__Selector *selector = NULL;
    rc_query_options_begin(query);
    rc_options_parse(&argp, count, arguments, &properties);
    const bool ranged = query->scope.from != NULL || query->scope.to != NULL;
    enum rc_exit_code code = rc_options_scope(&query->session, &query->scope, ranged, &scope);
    if (code == RC_EXIT_OK && properties.events != NULL)
        code = rc_query_options_selector(query, properties.events, &selector);
    if (code == RC_EXIT_OK)
        code = query->words.count == 0 ? list_properties(&properties, scope, selector)
                                       : list_values(&properties, scope, selector);
    rc_query_options_end(query);
    return code;
}
