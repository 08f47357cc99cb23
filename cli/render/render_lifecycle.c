/*
 * Render lifecycle: a line for each bucket. The bar is the users who were active, in three inks:
 * returning, resurrecting, new; without colours they are told apart by their characters. Dormant
 * users have a number and no bar: they are not there.
 */
#include <math.h>

#include "cli/render/render_usage.h"

#define NAME_WIDTH 18
#define NUMBER_WIDTH 15
#define BAR_MAX 40u

struct part {
    const char *name;
    const char *mark;
    const char *plain_mark;
    enum rc_ink ink;
};

static const struct part parts[] = {
    {"returning", "\u2588", "#", RC_INK_BAR},
    {"resurrecting", "\u2593", "+", RC_INK_STRONG},
    {"new", "\u2592", ":", RC_INK_GOOD},
};

static double
number_of(const Recount__V1__LifecycleRow *row, unsigned part, size_t bucket)
{
    const Recount__V1__NumberColumn *const columns[] = {
        row->returning_users, row->resurrecting_users, row->new_users, row->dormant_users};
    return rc_render_at(columns[part], bucket);
}

static double
active(const Recount__V1__LifecycleRow *row, size_t bucket)
{
    return number_of(row, 0, bucket) + number_of(row, 1, bucket) + number_of(row, 2, bucket);
}

static void
render_bar(const struct rc_paint *paint,
           const Recount__V1__LifecycleRow *row,
           size_t bucket,
           double most,
           unsigned width)
{
    double sum = 0;
    unsigned drawn = 0;
    for (unsigned part = 0; part < 3; part++) {
        const double users = number_of(row, part, bucket);
        sum += isnan(users) ? 0 : users;
        const unsigned until = most > 0 ? (unsigned)lround(sum / most * width) : 0;
        rc_paint_begin(paint, parts[part].ink);
        for (; drawn < until; drawn++)
            fputs(paint->unicode ? parts[part].mark : parts[part].plain_mark, paint->out);
        rc_paint_end(paint);
    }
}

static void
render_row(const struct rc_paint *paint,
           const Recount__V1__LifecycleResponse *reply,
           const Recount__V1__LifecycleRow *row,
           Recount__V1__TimeUnit unit)
{
    const unsigned numbers = NAME_WIDTH + 4 * NUMBER_WIDTH + 2;
    const unsigned room = paint->width > numbers + 10 ? paint->width - numbers : 10;
    const unsigned width = room < BAR_MAX ? room : BAR_MAX;
    double most = 0;
    for (size_t i = 0; i < reply->n_buckets; i++)
        most = fmax(most, active(row, i));
    for (size_t i = 0; i < reply->n_buckets; i++) {
        char name[48], text[48];
        fprintf(paint->out, "%s%-*s", rc_render_bucket(name, reply->buckets[i], unit),
                reply->buckets[i]->partial ? 2 : 0, reply->buckets[i]->partial ? " *" : "");
        const unsigned used = rc_paint_text_width(name) + (reply->buckets[i]->partial ? 2 : 0);
        fprintf(paint->out, "%*s", used < NAME_WIDTH ? (int)(NAME_WIDTH - used) : 0, "");
        for (unsigned part = 0; part < 4; part++)
            fprintf(paint->out, "%*s", NUMBER_WIDTH,
                    rc_paint_number(text, number_of(row, part, i)));
        fputs("  ", paint->out);
        render_bar(paint, row, i, most, width);
        fputc('\n', paint->out);
    }
}

void
rc_render_lifecycle(const struct rc_paint *paint,
                    const Recount__V1__LifecycleResponse *reply,
                    Recount__V1__TimeUnit unit)
{
    for (size_t i = 0; i < reply->n_rows; i++) {
        char label[256];
        if (reply->n_rows > 1)
            fprintf(paint->out, "%s\n", rc_render_label(label, reply->rows[i]->label));
        rc_paint_begin(paint, RC_INK_FAINT);
        fprintf(paint->out, "%-*s", NAME_WIDTH, "");
        for (unsigned part = 0; part < 3; part++)
            fprintf(paint->out, "%*s %s", NUMBER_WIDTH - 2, parts[part].name,
                    paint->unicode ? parts[part].mark : parts[part].plain_mark);
        fprintf(paint->out, "%*s", NUMBER_WIDTH, "dormant");
        rc_paint_end(paint);
        fputc('\n', paint->out);
        render_row(paint, reply, reply->rows[i], unit);
    }
    rc_render_info(paint, reply->info);
}

void
rc_render_lifecycle_csv(FILE *out,
                        const Recount__V1__LifecycleResponse *reply,
                        Recount__V1__TimeUnit unit)
{
    static const char *const head[] = {"row",       "bucket",       "start_ms", "partial", "new",
                                       "returning", "resurrecting", "dormant",  NULL};
    struct rc_csv_writer csv = {.out = out};
    rc_csv_head(&csv, head);
    for (size_t r = 0; r < reply->n_rows; r++) {
        for (size_t i = 0; i < reply->n_buckets; i++) {
            char label[256], name[48];
            const Recount__V1__LifecycleRow *row = reply->rows[r];
            rc_csv_text(&csv, rc_render_label(label, row->label));
            rc_csv_text(&csv, rc_render_bucket(name, reply->buckets[i], unit));
            rc_csv_number(&csv, (double)reply->buckets[i]->start_ms);
            rc_csv_text(&csv, reply->buckets[i]->partial ? "true" : "false");
            rc_csv_number(&csv, rc_render_at(row->new_users, i));
            rc_csv_number(&csv, rc_render_at(row->returning_users, i));
            rc_csv_number(&csv, rc_render_at(row->resurrecting_users, i));
            rc_csv_number(&csv, rc_render_at(row->dormant_users, i));
            rc_csv_end_row(&csv);
        }
    }
}
