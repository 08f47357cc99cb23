/* Render events: a line for the time and the id, then the properties. Times are UTC. */
#include <string.h>

#include "cli/language/when.h"
#include "cli/render/render.h"

#define VALUE_BYTES 4096

static void
render_properties(const struct rc_paint *paint,
                  Recount__V1__Property *const *properties,
                  size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char value[VALUE_BYTES];
        rc_paint_begin(paint, RC_INK_FAINT);
        fputs("    ", paint->out);
        const unsigned used = rc_paint_text(paint, properties[i]->name, 28);
        rc_paint_end(paint);
        fprintf(paint->out, "%*s", (int)(used < 24 ? 25 - used : 1), "");
        rc_paint_text(paint, rc_render_value(value, sizeof(value), properties[i]->value),
                      paint->width > 60 ? paint->width - 30 : 30);
        fputc('\n', paint->out);
    }
}

void
rc_render_events(const struct rc_paint *paint, const Recount__V1__ListEventsResponse *reply)
{
    rc_paint_begin(paint, RC_INK_STRONG);
    fprintf(paint->out, "%s\n", reply->user);
    rc_paint_end(paint);
    render_properties(paint, reply->user_properties, reply->n_user_properties);
    for (size_t i = 0; i < reply->n_events; i++) {
        char time[RC_WHEN_TEXT_BYTES];
        const Recount__V1__Event *event = reply->events[i];
        fprintf(paint->out, "%s  ", rc_when_write(time, event->time_ms, 0, RC_WHEN_RFC3339));
        rc_paint_text(paint, event->id, 40);
        fputc('\n', paint->out);
        render_properties(paint, event->properties, event->n_properties);
        for (size_t d = 0; d < event->n_definitions; d++) {
            const char *id = strrchr(event->definitions[d], '/');
            fputs("    @", paint->out);
            rc_paint_text(paint, id == NULL ? event->definitions[d] : id + 1, 128);
            fputc('\n', paint->out);
        }
    }
    rc_render_info(paint, reply->info);
}

void
rc_render_events_csv(FILE *out, const Recount__V1__ListEventsResponse *reply, bool with_head)
{
    static const char *const head[] = {"user", "time", "id", "property", "value", NULL};
    struct rc_csv_writer csv = {.out = out};
    if (with_head)
        rc_csv_head(&csv, head);
    for (size_t i = 0; i < reply->n_events; i++) {
        const Recount__V1__Event *event = reply->events[i];
        for (size_t p = 0; p < event->n_properties; p++) {
            char time[RC_WHEN_TEXT_BYTES], value[VALUE_BYTES];
            rc_csv_text(&csv, event->user);
            rc_csv_text(&csv, rc_when_write(time, event->time_ms, 0, RC_WHEN_RFC3339));
            rc_csv_text(&csv, event->id);
            rc_csv_text(&csv, event->properties[p]->name);
            rc_csv_text(&csv, rc_render_value(value, sizeof(value), event->properties[p]->value));
            rc_csv_end_row(&csv);
        }
    }
}
