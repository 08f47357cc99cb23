/*
 * Render a funnel: a bar for each step, as long as the step's share of the first one; then the
 * count, the share of the step before, the share of the first and the median time from the step
 * before.
 */
#include <math.h>

#include "cli/language/when.h"
#include "cli/render/render.h"

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

/* The times from the step before, bin by bin. */
static void
render_histograms(const struct rc_paint *paint,
                  const Recount__V1__FunnelResponse *reply,
                  const Recount__V1__FunnelRow *row)
{
    for (size_t i = 1; i < row->n_seconds_from_previous; i++) {
        const Recount__V1__Histogram *histogram = row->seconds_from_previous[i];
        uint64_t most = 1;
        for (size_t k = 0; k < histogram->n_counts; k++)
            most = histogram->counts[k] > most ? histogram->counts[k] : most;
        if (histogram->n_bins > 0 && i < reply->n_step_names) {
            fputs("    seconds to ", paint->out);
            rc_paint_text(paint, reply->step_names[i], NAME_WIDTH_MAX);
            fputc('\n', paint->out);
        }
        for (size_t k = 0; k < histogram->n_bins; k++) {
            char bin[64], count[32];
            rc_render_bin(bin, sizeof(bin), histogram->bins[k]);
            fprintf(paint->out, "    %-28s", bin);
            rc_paint_bar(paint, (double)histogram->counts[k] / (double)most, 20);
            fprintf(paint->out, "%12s\n", rc_paint_count(count, histogram->counts[k]));
        }
    }
}

/* One row of each bucket: the counts of its steps. */
static void
render_buckets(const struct rc_paint *paint,
               const Recount__V1__FunnelResponse *reply,
               size_t row,
               Recount__V1__TimeUnit unit)
{
    for (size_t i = 0; i < reply->n_buckets; i++) {
        const Recount__V1__Bucket *bucket = reply->buckets[i]->bucket;
        const Recount__V1__FunnelRow *of = reply->buckets[i]->rows[row];
        char name[48], count[32];
        rc_render_bucket(name, bucket, unit);
        fprintf(paint->out, "    %s%s", name, bucket->partial ? " *" : "");
        const unsigned used = rc_paint_text_width(name) + (bucket->partial ? 2 : 0);
        fprintf(paint->out, "%*s", used < 24 ? (int)(24 - used) : 1, "");
        for (size_t step = 0; step < of->n_counts; step++)
            fprintf(paint->out, "%12s", rc_paint_count(count, of->counts[step]));
        fputc('\n', paint->out);
    }
}

void
rc_render_funnel(const struct rc_paint *paint,
                 const Recount__V1__FunnelResponse *reply,
                 Recount__V1__TimeUnit unit)
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
        render_histograms(paint, reply, reply->rows[i]);
        render_buckets(paint, reply, i, unit);
    }
    rc_render_info(paint, reply->info);
}

static void
write_row(struct rc_csv_writer *csv,
          const Recount__V1__FunnelResponse *reply,
          const Recount__V1__FunnelRow *row,
          const Recount__V1__Bucket *bucket,
          Recount__V1__TimeUnit unit)
{
    for (size_t i = 0; i < row->n_counts; i++) {
        char label[256], name[48];
        if (bucket != NULL) {
            rc_csv_text(csv, rc_render_bucket(name, bucket, unit));
            rc_csv_number(csv, (double)bucket->start_ms);
        } else if (reply->n_buckets > 0) {
            rc_csv_text(csv, "");
            rc_csv_text(csv, "");
        }
        rc_csv_text(csv, rc_render_label(label, row->label));
        rc_csv_count(csv, i + 1);
        rc_csv_text(csv, i < reply->n_step_names ? reply->step_names[i] : "");
        rc_csv_count(csv, row->counts[i]);
        rc_csv_number(csv, rc_render_at(row->conversion_from_previous, i));
        rc_csv_number(csv, rc_render_at(row->conversion_from_first, i));
        rc_csv_number(csv, rc_render_at(row->mean_seconds_from_previous, i));
        rc_csv_number(csv, rc_render_at(row->median_seconds_from_previous, i));
        rc_csv_number(csv, rc_render_at(row->mean_seconds_from_first, i));
        rc_csv_number(csv, rc_render_at(row->median_seconds_from_first, i));
        rc_csv_end_row(csv);
    }
}

void
rc_render_funnel_csv(FILE *out,
                     const Recount__V1__FunnelResponse *reply,
                     Recount__V1__TimeUnit unit)
{
    static const char *const head[] = {"bucket",
                                       "start_ms",
                                       "row",
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
    rc_csv_head(&csv, reply->n_buckets > 0 ? head : head + 2);
    for (size_t r = 0; r < reply->n_rows; r++)
        write_row(&csv, reply, reply->rows[r], NULL, unit);
    for (size_t i = 0; i < reply->n_buckets; i++)
        for (size_t r = 0; r < reply->buckets[i]->n_rows; r++)
            write_row(&csv, reply, reply->buckets[i]->rows[r], reply->buckets[i]->bucket, unit);
}
