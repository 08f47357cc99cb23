/*
 * Render a funnel: a bar for each step, as long as the step's share of the first one; then the
 * count, the share of the step before, the share of the first and the median time from the step
 * before.
 */
#include <math.h>

#include "cli/render.h"
#include "cli/when.h"

#define NAME_WIDTH_MAX 32

static unsigned
names_width(const Recount__V1__FunnelResponse *reply)
{
    unsigned width = 4;
    for (size_t i = 0; i < reply->n_step_names; i++) {
        const unsigned one = rc_paint_text_width(reply->step_names[i]);
        width = one > width ? one : width;
    }
    return width > NAME_WIDTH_MAX ? NAME_WIDTH_MAX : width;
}

static void
print_share(const struct rc_paint *paint, double share, int width)
{
    if (isnan(share))
        fprintf(paint->out, "%*s", width, "-");
    else
        fprintf(paint->out, "%*.1f%%", width - 1, share * 100);
}

static void
render_row(const struct rc_paint *paint,
           const Recount__V1__FunnelResponse *reply,
           const Recount__V1__FunnelRow *row)
{
    const unsigned names = names_width(reply);
    const unsigned fixed = 4 + names + 1 + 12 + 9 + 9 + 12;
    const unsigned bar = paint->width > fixed + 60   ? 60
                         : paint->width > fixed + 10 ? paint->width - fixed
                                                     : 10;
    rc_paint_begin(paint, RC_INK_FAINT);
    fprintf(paint->out, "%*s%*s%9s%9s%12s\n", (int)(4 + names + 1 + bar), "", 12, "users",
            "of prev", "of first", "median");
    rc_paint_end(paint);
    for (size_t i = 0; i < row->n_counts; i++) {
        char count[32], time[RC_WHEN_TEXT_BYTES] = "-";
        const double share = rc_render_at(row->conversion_from_first, i);
        const double median = rc_render_at(row->median_seconds_from_previous, i);
        if (!isnan(median))
            rc_when_write_seconds(time, median);
        fprintf(paint->out, "%2zu  ", i + 1);
        const char *name = i < reply->n_step_names ? reply->step_names[i] : "";
        const unsigned used = rc_paint_text(paint, name, names);
        fprintf(paint->out, "%*s", (int)(names - used + 1), "");
        rc_paint_bar(paint, share, bar);
        rc_paint_begin(paint, RC_INK_STRONG);
        fprintf(paint->out, "%12s", rc_paint_count(count, row->counts[i]));
        rc_paint_end(paint);
        print_share(paint, rc_render_at(row->conversion_from_previous, i), 9);
        print_share(paint, share, 9);
        fprintf(paint->out, "%12s\n", time);
    }
}

void
rc_render_funnel(const struct rc_paint *paint, const Recount__V1__FunnelResponse *reply)
{
    for (size_t i = 0; i < reply->n_rows; i++) {
        char label[256];
        if (reply->n_rows > 1) {
            rc_paint_begin(paint, RC_INK_STRONG);
            rc_paint_text(paint, rc_render_label(label, reply->rows[i]->label), paint->width);
            rc_paint_end(paint);
            fputc('\n', paint->out);
        }
        render_row(paint, reply, reply->rows[i]);
    }
    rc_render_info(paint, reply->info);
}

void
rc_render_funnel_csv(FILE *out, const Recount__V1__FunnelResponse *reply)
{
    static const char *const head[] = {"row",
                                       "step",
                                       "name",
                                       "count",
                                       "conversion_from_previous",
                                       "conversion_from_first",
                                       "mean_seconds_from_previous",
                                       "median_seconds_from_previous",
                                       "mean_seconds_from_first",
                                       "median_seconds_from_first",
                                       NULL};
    struct rc_csv_writer csv = {.out = out};
    rc_csv_head(&csv, head);
    for (size_t r = 0; r < reply->n_rows; r++) {
        const Recount__V1__FunnelRow *row = reply->rows[r];
        for (size_t i = 0; i < row->n_counts; i++) {
            char label[256];
            rc_csv_text(&csv, rc_render_label(label, row->label));
            rc_csv_count(&csv, i + 1);
            rc_csv_text(&csv, i < reply->n_step_names ? reply->step_names[i] : "");
            rc_csv_count(&csv, row->counts[i]);
            rc_csv_number(&csv, rc_render_at(row->conversion_from_previous, i));
            rc_csv_number(&csv, rc_render_at(row->conversion_from_first, i));
            rc_csv_number(&csv, rc_render_at(row->mean_seconds_from_previous, i));
            rc_csv_number(&csv, rc_render_at(row->median_seconds_from_previous, i));
            rc_csv_number(&csv, rc_render_at(row->mean_seconds_from_first, i));
            rc_csv_number(&csv, rc_render_at(row->median_seconds_from_first, i));
            rc_csv_end_row(&csv);
        }
    }
}
