/* Render users: a line for each, with the properties behind the figures. */
#include <math.h>

#include "cli/render_usage.h"
#include "cli/when.h"

const char *
rc_render_properties(char *text,
                     size_t size,
                     Recount__V1__Property *const *properties,
                     size_t count)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < count && used < size; i++) {
        char value[4096];
        rc_render_value(value, sizeof(value), properties[i]->value);
        used += (size_t)snprintf(text + used, size - used, "%s%s=%s", i == 0 ? "" : ", ",
                                 properties[i]->name, value);
    }
    return text;
}

void
rc_table_add_activity(struct rc_table *table,
                      uint64_t events,
                      int64_t first_ms,
                      int64_t last_ms,
                      Recount__V1__Property *const *properties,
                      size_t count)
{
    char text[1024];
    rc_table_add(table, "%s", rc_paint_count(text, events));
    rc_table_add(table, "%s", events > 0 ? rc_when_write(text, first_ms, 0, RC_WHEN_MINUTE) : "-");
    rc_table_add(table, "%s", events > 0 ? rc_when_write(text, last_ms, 0, RC_WHEN_MINUTE) : "-");
    rc_table_add(table, "%s", rc_render_properties(text, sizeof(text), properties, count));
}

void
rc_csv_activity(struct rc_csv_writer *csv,
                uint64_t events,
                int64_t first_ms,
                int64_t last_ms,
                Recount__V1__Property *const *properties,
                size_t count)
{
    static char text[65536];
    rc_csv_count(csv, events);
    rc_csv_number(csv, events > 0 ? (double)first_ms : NAN);
    rc_csv_number(csv, events > 0 ? (double)last_ms : NAN);
    rc_csv_text(csv, rc_render_properties(text, sizeof(text), properties, count));
}

void
rc_render_users(const struct rc_paint *paint, const Recount__V1__ListUsersResponse *reply)
{
    char count[32];
    RC_CLEANUP(rc_table_freep) struct rc_table *table = rc_table_new("lrlll");
    rc_table_add(table, "user");
    rc_table_add(table, "events");
    rc_table_add(table, "first");
    rc_table_add(table, "last");
    rc_table_add(table, "properties");
    for (size_t i = 0; i < reply->n_users; i++) {
        const Recount__V1__UserSummary *user = reply->users[i];
        rc_table_add(table, "%s", user->user);
        rc_table_add_activity(table, user->event_count, user->first_event_ms, user->last_event_ms,
                              user->properties, user->n_properties);
    }
    rc_table_paint(table, paint);
    rc_paint_begin(paint, RC_INK_FAINT);
    fprintf(paint->out, "%zu of %s users\n", reply->n_users,
            rc_paint_count(count, reply->user_count));
    rc_paint_end(paint);
    rc_render_info(paint, reply->info);
}

void
rc_render_users_csv(FILE *out, const Recount__V1__ListUsersResponse *reply, bool with_head)
{
    static const char *const head[] = {"user",          "event_count", "first_event_ms",
                                       "last_event_ms", "properties",  NULL};
    struct rc_csv_writer csv = {.out = out};
    if (with_head)
        rc_csv_head(&csv, head);
    for (size_t i = 0; i < reply->n_users; i++) {
        const Recount__V1__UserSummary *user = reply->users[i];
        rc_csv_text(&csv, user->user);
        rc_csv_activity(&csv, user->event_count, user->first_event_ms, user->last_event_ms,
                        user->properties, user->n_properties);
        rc_csv_end_row(&csv);
    }
}
