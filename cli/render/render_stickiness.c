/*
 * Render stickiness: a bar for each number of buckets, from 1 on. Places behind the last one with a
 * user are left out and counted: a long range has many of them.
 */
#include <math.h>

#include "cli/render/render_usage.h"

static const char *
unit_name(Recount__V1__TimeUnit unit)
{
    static const char *const names[] = {"bucket", "second", "minute",  "hour", "day",
                                        "week",   "month",  "quarter", "year"};
    return names[(unsigned)unit < 9 ? (unsigned)unit : 0];
}

/* Places up to the last one with a user, now or earlier. */
static size_t
places_used(const Recount__V1__StickinessRow *row)
{
    size_t used = row->n_users;
    while (used > 1 && row->users[used - 1] == 0 &&
           (used > row->n_compared_users || row->compared_users[used - 1] == 0))
        used--;
    return used;
}

static void
render_row(const struct rc_paint *paint,
           const Recount__V1__StickinessRow *row,
           Recount__V1__TimeUnit unit)
{
    const bool compared = row->n_compared_users > 0;
    const size_t used = places_used(row);
    double most = 0;
    for (size_t i = 0; i < used; i++)
        most = fmax(most, (double)row->users[i]);
    rc_paint_begin(paint, RC_INK_FAINT);
    fprintf(paint->out, "%8ss%14s%9s%*s\n", unit_name(unit), "users", "share", compared ? 16 : 0,
            compared ? "before" : "");
    rc_paint_end(paint);
    for (size_t i = 0; i < used; i++) {
        char users[32], before[32];
        const double rate = rc_render_at(row->rates, i);
        fprintf(paint->out, "%9zu%14s%8.1f%%", i + 1, rc_paint_count(users, row->users[i]),
                isnan(rate) ? 0.0 : rate * 100);
        if (compared)
            fprintf(paint->out, "%16s", rc_paint_count(before, row->compared_users[i]));
        fputs("  ", paint->out);
        rc_paint_bar(paint, most > 0 ? (double)row->users[i] / most : 0, 30);
        fputc('\n', paint->out);
    }
    rc_paint_begin(paint, RC_INK_FAINT);
    char active[32];
    fprintf(paint->out, "%s users were active", rc_paint_count(active, row->active_users));
    if (compared)
        fprintf(paint->out, ", %s before", rc_paint_count(active, row->compared_active_users));
    if (used < row->n_users)
        fprintf(paint->out, "; nobody in more than %zu of %zu %ss", used, row->n_users,
                unit_name(unit));
    rc_paint_end(paint);
    fputc('\n', paint->out);
}

void
rc_render_stickiness(const struct rc_paint *paint,
                     const Recount__V1__StickinessResponse *reply,
                     Recount__V1__TimeUnit unit)
{
    for (size_t i = 0; i < reply->n_rows; i++) {
        char label[256];
        if (reply->n_rows > 1)
            fprintf(paint->out, "%s\n", rc_render_label(label, reply->rows[i]->label));
        render_row(paint, reply->rows[i], unit);
    }
    rc_render_info(paint, reply->info);
}

void
rc_render_stickiness_csv(FILE *out, const Recount__V1__StickinessResponse *reply)
{
    static const char *const head[] = {
        "row", "buckets", "users", "rate", "compared_users", "compared_rate", NULL};
    struct rc_csv_writer csv = {.out = out};
    rc_csv_head(&csv, head);
    for (size_t r = 0; r < reply->n_rows; r++) {
        for (size_t i = 0; i < reply->rows[r]->n_users; i++) {
            char label[256];
            const Recount__V1__StickinessRow *row = reply->rows[r];
            rc_csv_text(&csv, rc_render_label(label, row->label));
            rc_csv_count(&csv, i + 1);
            rc_csv_count(&csv, row->users[i]);
            rc_csv_number(&csv, rc_render_at(row->rates, i));
            if (i < row->n_compared_users)
                rc_csv_count(&csv, row->compared_users[i]);
            else
                rc_csv_text(&csv, "");
            rc_csv_number(&csv, rc_render_at(row->compared_rates, i));
            rc_csv_end_row(&csv);
        }
    }
}
