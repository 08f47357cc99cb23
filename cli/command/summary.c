/* Summary: a line for each, with the properties behind the figures. */
#include "cli/command/summary.h"

#include <math.h>

#include "cli/language/when.h"
#include "cli/render/message_json.h"
#include "cli/render/render.h"

struct page {
    const char *one; /* What they are called. */
    const char *many;
    rc_summary_of *of;
    size_t count;
    void *const *messages;
    uint64_t all;
    const Recount__V1__QueryInfo *info;
};

struct rc_summary
rc_summary_of_user(const void *message)
{
    const Recount__V1__UserSummary *user = message;
    return (struct rc_summary){.user = user->user,
                               .event_count = user->event_count,
                               .first_event_ms = user->first_event_ms,
                               .last_event_ms = user->last_event_ms,
                               .property_count = user->n_properties,
                               .properties = user->properties};
}

struct rc_summary
rc_summary_of_entity(const void *message)
{
    const Recount__V1__EntitySummary *entity = message;
    return (struct rc_summary){.entity = entity->entity,
                               .event_count = entity->event_count,
                               .first_event_ms = entity->first_event_ms,
                               .last_event_ms = entity->last_event_ms,
                               .property_count = entity->n_properties,
                               .properties = entity->properties};
}

static const char *
name_of(const struct rc_summary *summary, char *text, size_t size)
{
    return summary->user != NULL ? summary->user : rc_render_value(text, size, summary->entity);
}

/* "name=value, ...", cut where text ends. */
static const char *
properties_of(const struct rc_summary *summary, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < summary->property_count && used < size; i++) {
        char value[4096];
        rc_render_value(value, sizeof(value), summary->properties[i]->value);
        used += (size_t)snprintf(text + used, size - used, "%s%s=%s", i == 0 ? "" : ", ",
                                 summary->properties[i]->name, value);
    }
    return text;
}

static void
add_time(struct rc_table *table, bool is_set, int64_t time_ms)
{
    char text[RC_WHEN_TEXT_BYTES];
    rc_table_add(table, "%s", is_set ? rc_when_write(text, time_ms, 0, RC_WHEN_MINUTE) : "-");
}

static void
draw(const struct rc_paint *paint, const struct page *page)
{
    char text[1024];
    RC_CLEANUP(rc_table_freep) struct rc_table *table = rc_table_new("lrlll");
    rc_table_add(table, "%s", page->one);
    rc_table_add(table, "events");
    rc_table_add(table, "first");
    rc_table_add(table, "last");
    rc_table_add(table, "properties");
    for (size_t i = 0; i < page->count; i++) {
        const struct rc_summary summary = page->of(page->messages[i]);
        rc_table_add(table, "%s", name_of(&summary, text, sizeof(text)));
        rc_table_add(table, "%s", rc_paint_count(text, summary.event_count));
        add_time(table, summary.event_count > 0, summary.first_event_ms);
        add_time(table, summary.event_count > 0, summary.last_event_ms);
        rc_table_add(table, "%s", properties_of(&summary, text, sizeof(text)));
    }
    rc_table_paint(table, paint);
    rc_paint_begin(paint, RC_INK_FAINT);
    fprintf(paint->out, "%zu of %s %s\n", page->count, rc_paint_count(text, page->all), page->many);
    rc_paint_end(paint);
    rc_render_info(paint, page->info);
}

static void
write_csv(FILE *out, const struct page *page)
{
    const char *const head[] = {page->one,       "event_count", "first_event_ms",
                                "last_event_ms", "properties",  NULL};
    struct rc_csv_writer csv = {.out = out};
    static char text[65536];
    rc_csv_head(&csv, head);
    for (size_t i = 0; i < page->count; i++) {
        const struct rc_summary summary = page->of(page->messages[i]);
        const bool has = summary.event_count > 0;
        rc_csv_text(&csv, name_of(&summary, text, sizeof(text)));
        rc_csv_count(&csv, summary.event_count);
        rc_csv_number(&csv, has ? (double)summary.first_event_ms : NAN);
        rc_csv_number(&csv, has ? (double)summary.last_event_ms : NAN);
        rc_csv_text(&csv, properties_of(&summary, text, sizeof(text)));
        rc_csv_end_row(&csv);
    }
}

static void
write_page(const struct rc_output_options *output,
           const ProtobufCMessage *reply,
           const struct page *page)
{
    if (output->format == RC_OUTPUT_JSON) {
        rc_message_json_print(stdout, reply);
    } else if (output->format == RC_OUTPUT_CSV) {
        write_csv(stdout, page);
    } else {
        const struct rc_paint paint = rc_paint_of(stdout, output->color);
        draw(&paint, page);
    }
}

void
rc_summary_write_users(const struct rc_output_options *output,
                       const Recount__V1__ListUsersResponse *reply)
{
    const struct page page = {.one = "user",
                              .many = "users",
                              .of = rc_summary_of_user,
                              .count = reply->n_users,
                              .messages = (void *const *)reply->users,
                              .all = reply->user_count,
                              .info = reply->info};
    write_page(output, &reply->base, &page);
}

void
rc_summary_write_entities(const struct rc_output_options *output,
                          const Recount__V1__ListEntitiesResponse *reply)
{
    const struct page page = {.one = "entity",
                              .many = "entities",
                              .of = rc_summary_of_entity,
                              .count = reply->n_entities,
                              .messages = (void *const *)reply->entities,
                              .all = reply->entity_count,
                              .info = reply->info};
    write_page(output, &reply->base, &page);
}
