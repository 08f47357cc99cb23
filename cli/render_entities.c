/* Render entities: a line for each, with the properties behind the figures. */
#include "cli/message_json.h"
#include "cli/render_usage.h"

static void
write_text(const struct rc_paint *paint, const Recount__V1__ListEntitiesResponse *reply)
{
    char text[1024], count[32];
    RC_CLEANUP(rc_table_freep) struct rc_table *table = rc_table_new("lrlll");
    rc_table_add(table, "entity");
    rc_table_add(table, "events");
    rc_table_add(table, "first");
    rc_table_add(table, "last");
    rc_table_add(table, "properties");
    for (size_t i = 0; i < reply->n_entities; i++) {
        const Recount__V1__EntitySummary *entity = reply->entities[i];
        rc_table_add(table, "%s", rc_render_value(text, sizeof(text), entity->entity));
        rc_table_add_activity(table, entity->event_count, entity->first_event_ms,
                              entity->last_event_ms, entity->properties, entity->n_properties);
    }
    rc_table_paint(table, paint);
    rc_paint_begin(paint, RC_INK_FAINT);
    fprintf(paint->out, "%zu of %s entities\n", reply->n_entities,
            rc_paint_count(count, reply->entity_count));
    rc_paint_end(paint);
    rc_render_info(paint, reply->info);
}

static void
write_csv(FILE *out, const Recount__V1__ListEntitiesResponse *reply, bool with_head)
{
    static const char *const head[] = {"entity",        "event_count", "first_event_ms",
                                       "last_event_ms", "properties",  NULL};
    struct rc_csv_writer csv = {.out = out};
    static char text[65536];
    if (with_head)
        rc_csv_head(&csv, head);
    for (size_t i = 0; i < reply->n_entities; i++) {
        const Recount__V1__EntitySummary *entity = reply->entities[i];
        rc_csv_text(&csv, rc_render_value(text, sizeof(text), entity->entity));
        rc_csv_activity(&csv, entity->event_count, entity->first_event_ms, entity->last_event_ms,
                        entity->properties, entity->n_properties);
        rc_csv_end_row(&csv);
    }
}

void
rc_entities_write_page(const struct rc_output_options *output,
                       const Recount__V1__ListEntitiesResponse *reply,
                       bool is_first)
{
    if (output->format == RC_OUTPUT_JSON) {
        rc_message_json_print(stdout, &reply->base);
    } else if (output->format == RC_OUTPUT_CSV) {
        write_csv(stdout, reply, is_first);
    } else {
        const struct rc_paint paint = rc_paint_of(stdout, output->color);
        write_text(&paint, reply);
    }
}
