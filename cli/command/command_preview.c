/* recount define preview: what an expression or a definition matches. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command/command.h"
#include "cli/options/query_options.h"
#include "cli/render/csv.h"
#include "cli/render/message_json.h"
#include "cli/render/render.h"
#include "recount/v1/preview.pb-c.h"

struct preview {
    struct rc_query_options query;
    const char *compared; /* NULL: all events. */
    struct rc_pointer_list properties;
    int sample; /* -1: the server's default. */
};

enum key { KEY_COMPARED = 0x100, KEY_SAMPLE };

static const struct argp_option options[] = {
    {"of", KEY_COMPARED, "EVENTS", 0, "Shares of these events (default: all)", 1},
    {"by", RC_QUERY_KEY_BY, "PROPERTY", 0,
     "Also count by its values: x or event.x, user.x, account.KEY.x; may be given 16 times", 1},
    {"top", RC_QUERY_KEY_TOP, "N", 0, "So many values (10)", 1},
    {"sample", KEY_SAMPLE, "N", 0, "Show so many of the latest events (10), up to 100", 1},
    {0},
};

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    struct preview *preview = state->input;
    switch (key) {
    case KEY_COMPARED:
        preview->compared = argument;
        return 0;
    case KEY_SAMPLE:
        preview->sample = atoi(argument);
        if (preview->sample < 0 || preview->sample > 100)
            argp_error(state, "--sample takes a number from 0 to 100");
        return 0;
    case RC_QUERY_KEY_BY:
        rc_pointer_list_add(preview->query.session.arena, &preview->properties, argument);
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "name a definition or write an expression");
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num >= 1)
            argp_error(state, "too many words; put the expression into quotes");
        break;
    default:
        break;
    }
    return rc_query_options_parse(&preview->query, key, argument, state);
}

static const struct argp argp = {
    options,
    parse,
    "EXPRESSION",
    "Shows what an expression or a definition matches: events, users, their shares, days, values, "
    "and the latest events; of the last 14 days unless --from or --to says otherwise.\v"
    "  recount define preview 'type = click and element_chain contains \"button\"' --by path\n"
    "  recount define preview @checkout --of 'type = pageview' --from 30d",
    rc_query_children,
    NULL,
    NULL};

/* The one term of an expression. */
static void
set_target(const Recount__V1__Selector *selector,
           Recount__V1__Predicate *any,
           Recount__V1__PreviewDefinitionRequest *request)
{
    static Recount__V1__PredicateList none = RECOUNT__V1__PREDICATE_LIST__INIT;
    const Recount__V1__SelectorTerm *term = selector->terms[0];
    request->target_case = RECOUNT__V1__PREVIEW_DEFINITION_REQUEST__TARGET_PREDICATE;
    request->predicate = any;
    any->kind_case = RECOUNT__V1__PREDICATE__KIND_ALL_OF;
    any->all_of = &none;
    if (term->kind_case == RECOUNT__V1__SELECTOR_TERM__KIND_PREDICATE)
        request->predicate = term->predicate;
    if (term->kind_case != RECOUNT__V1__SELECTOR_TERM__KIND_DEFINITION)
        return;
    request->target_case = RECOUNT__V1__PREVIEW_DEFINITION_REQUEST__TARGET_DEFINITION;
    request->definition = term->definition;
}

static enum rc_exit_code
build(struct preview *preview,
      Recount__V1__Predicate *any,
      Recount__V1__PreviewDefinitionRequest *request)
{
    struct rc_query_options *query = &preview->query;
    Recount__V1__Selector *selector = NULL;
    const bool ranged = query->scope.from != NULL || query->scope.to != NULL;
    enum rc_exit_code code = rc_query_options_selector(query, query->words.items[0], &selector);
    if (code == RC_EXIT_OK && preview->compared != NULL)
        code = rc_query_options_selector(query, preview->compared, &request->compared_with);
    if (code == RC_EXIT_OK)
        code = rc_options_scope(&query->session, &query->scope, ranged, &request->scope);
    if (code != RC_EXIT_OK)
        return code;
    set_target(selector, any, request);
    request->n_properties = preview->properties.count;
    request->properties = rc_need(RC_ARENA_ARRAY(query->session.arena, Recount__V1__PropertyRef *,
                                                 preview->properties.count + 1));
    for (size_t i = 0; i < preview->properties.count; i++) {
        query->by = preview->properties.items[i];
        request->properties[i] = rc_query_options_breakdown(query)->dimensions[0]->property;
    }
    request->top = query->top < 0 ? 0 : (uint32_t)query->top;
    if (preview->sample >= 0) {
        request->optional_sample_size_case =
            RECOUNT__V1__PREVIEW_DEFINITION_REQUEST__OPTIONAL_SAMPLE_SIZE_SAMPLE_SIZE;
        request->sample_size = (uint32_t)preview->sample;
    }
    return code;
}

static const char *
property_name(const Recount__V1__PropertyRef *property)
{
    if (property->source_case == RECOUNT__V1__PROPERTY_REF__SOURCE_ACCOUNT_PROPERTY)
        return property->account_property->name;
    return property->source_case == RECOUNT__V1__PROPERTY_REF__SOURCE_USER_PROPERTY
               ? property->user_property
               : property->event_property;
}

static void
write_share(FILE *out, const char *what, uint64_t count, uint64_t whole, bool has, double share)
{
    char text[32], other[32];
    fprintf(out, "%s %s of %s", rc_paint_count(text, count), what, rc_paint_count(other, whole));
    if (has)
        fprintf(out, " (%.3g %%)", 100 * share);
    fputc('\n', out);
}

static void
render_days(const struct rc_paint *paint, const Recount__V1__PreviewDefinitionResponse *reply)
{
    uint64_t most = 1;
    for (size_t i = 0; i < reply->n_days; i++)
        most = reply->events_by_day[i] > most ? reply->events_by_day[i] : most;
    for (size_t i = 0; i < reply->n_days; i++) {
        char name[48], count[32];
        fprintf(paint->out, "  %-16s ",
                rc_render_bucket(name, reply->days[i], RECOUNT__V1__TIME_UNIT__TIME_UNIT_DAY));
        rc_paint_begin(paint, RC_INK_BAR);
        rc_paint_bar(paint, (double)reply->events_by_day[i] / (double)most, 40);
        rc_paint_end(paint);
        fprintf(paint->out, " %s\n", rc_paint_count(count, reply->events_by_day[i]));
    }
}

static void
render(const struct rc_paint *paint, const Recount__V1__PreviewDefinitionResponse *reply)
{
    char text[256], count[32];
    write_share(paint->out, "events", reply->event_count, reply->compared_event_count,
                reply->optional_event_share_case != 0, reply->event_share);
    write_share(paint->out, "users", reply->user_count, reply->compared_user_count,
                reply->optional_user_share_case != 0, reply->user_share);
    render_days(paint, reply);
    for (size_t i = 0; i < reply->n_properties; i++) {
        const Recount__V1__PropertyPreview *one = reply->properties[i];
        RC_CLEANUP(rc_table_freep) struct rc_table *table = rc_table_new("lr");
        rc_table_add(table, "%s", property_name(one->property));
        rc_table_add(table, "events");
        for (size_t row = 0; row < one->n_rows; row++) {
            rc_table_add(table, "%s", rc_render_label(text, one->rows[row]->label));
            rc_table_add(table, "%s", rc_paint_count(count, one->rows[row]->event_count));
        }
        rc_table_paint(table, paint);
    }
    Recount__V1__ListEventsResponse events = RECOUNT__V1__LIST_EVENTS_RESPONSE__INIT;
    events.user = (char *)"latest events";
    events.n_events = reply->n_sample_events;
    events.events = reply->sample_events;
    events.info = reply->info;
    rc_render_events(paint, &events);
}

/* The figures, then the rows of the properties. */
static void
render_csv(FILE *out, const Recount__V1__PreviewDefinitionResponse *reply)
{
    static const char *const head[] = {"property", "value", "events", NULL};
    const struct {
        const char *name;
        uint64_t count;
    } figures[] = {{"events", reply->event_count},
                   {"users", reply->user_count},
                   {"compared events", reply->compared_event_count},
                   {"compared users", reply->compared_user_count}};
    struct rc_csv_writer csv = {.out = out};
    rc_csv_head(&csv, head);
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
        rc_csv_text(&csv, "");
        rc_csv_text(&csv, figures[i].name);
        rc_csv_count(&csv, figures[i].count);
        rc_csv_end_row(&csv);
    }
    for (size_t i = 0; i < reply->n_properties; i++)
        for (size_t row = 0; row < reply->properties[i]->n_rows; row++) {
            char text[256];
            const Recount__V1__PropertyPreviewRow *one = reply->properties[i]->rows[row];
            rc_csv_text(&csv, property_name(reply->properties[i]->property));
            rc_csv_text(&csv, rc_render_label(text, one->label));
            rc_csv_count(&csv, one->event_count);
            rc_csv_end_row(&csv);
        }
}

enum rc_exit_code
rc_command_preview(int count, char **arguments)
{
    struct preview preview = {.sample = -1};
    Recount__V1__Predicate any = RECOUNT__V1__PREDICATE__INIT;
    Recount__V1__PreviewDefinitionRequest request = RECOUNT__V1__PREVIEW_DEFINITION_REQUEST__INIT;
    Recount__V1__PreviewDefinitionResponse *reply = NULL;
    rc_query_options_begin(&preview.query);
    rc_options_parse(&argp, count, arguments, &preview);
    enum rc_exit_code code = build(&preview, &any, &request);
    if (code == RC_EXIT_OK)
        code = rc_query_call(&preview.query, "DefinitionService/PreviewDefinition", &request,
                             &recount__v1__preview_definition_response__descriptor, &reply);
    if (code == RC_EXIT_OK && preview.query.output.format == RC_OUTPUT_JSON) {
        rc_message_json_print(stdout, &reply->base);
    } else if (code == RC_EXIT_OK && preview.query.output.format == RC_OUTPUT_CSV) {
        render_csv(stdout, reply);
    } else if (code == RC_EXIT_OK) {
        const struct rc_paint paint = rc_paint_of(stdout, preview.query.output.color);
        render(&paint, reply);
    }
    rc_query_options_end(&preview.query);
    return code;
}
