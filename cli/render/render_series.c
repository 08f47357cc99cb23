/*
 * Render series: a chart of columns over the buckets, eight lines high, and a table of the numbers.
 *
 * Several buckets share a character where there are more buckets than columns; it then shows the
 * greatest of them. With several rows (a breakdown) each row is one line of its own, eight levels
 * high, and the table has a column for each of the first rows.
 */
#include <math.h>

#include "cli/language/when.h"
#include "cli/render/render.h"

#define CHART_LINES 8
#define TABLE_ROWS_MAX 40
#define TABLE_COLUMNS_MAX 12

static const char *const levels[] = {" ",      "\u2581", "\u2582", "\u2583", "\u2584",
                                     "\u2585", "\u2586", "\u2587", "\u2588"};
static const char *const plain_levels[] = {" ", "_", "_", "_", ":", ":", ":", "#", "#"};

static double
greatest(const Recount__V1__NumberColumn *column, size_t from, size_t to)
{
    double most = NAN;
    for (size_t i = from; i < to; i++) {
        const double one = rc_render_at(column, i);
        most = isnan(most) || one > most ? (isnan(one) ? most : one) : most;
    }
    return most;
}

/* One line of the chart: line 0 is the lowest of lines. */
static void
render_line(const struct rc_paint *paint,
            const Recount__V1__NumberColumn *column,
            size_t buckets,
            size_t columns,
            double most,
            unsigned line,
            unsigned lines)
{
    const char *const *marks = paint->unicode ? levels : plain_levels;
    rc_paint_begin(paint, RC_INK_BAR);
    for (size_t c = 0; c < columns; c++) {
        /* Fewer buckets than columns: each bucket is several columns wide. */
        const size_t from = c * buckets / columns;
        size_t to = (c + 1) * buckets / columns;
        to = to > from ? to : from + 1;
        const double one = greatest(column, from, to);
        const double height =
            isnan(one) || one <= 0 || most <= 0 ? 0 : one / most * 8 * lines - 8.0 * line;
        int level = height >= 8 ? 8 : height <= 0 ? 0 : (int)lround(height);
        if (level == 0 && line == 0 && !isnan(one) && one > 0)
            level = 1;
        fputs(marks[level], paint->out);
    }
    rc_paint_end(paint);
}

static size_t
chart_columns(const struct rc_paint *paint, size_t buckets, unsigned margin)
{
    const size_t room = paint->width > margin + 20 ? paint->width - margin : 20;
    if (buckets >= room)
        return room;
    const size_t wide = room / buckets;
    return buckets * (wide > 6 ? 6 : wide);
}

static void
render_chart(const struct rc_paint *paint,
             const Recount__V1__SeriesResponse *reply,
             const Recount__V1__NumberColumn *column,
             Recount__V1__TimeUnit unit)
{
    char text[48], last[48];
    const size_t buckets = reply->n_buckets;
    const size_t columns = chart_columns(paint, buckets, 14);
    const double most = greatest(column, 0, buckets);
    for (unsigned line = CHART_LINES; line-- > 0;) {
        const bool top = line == CHART_LINES - 1;
        fprintf(paint->out, "%12s ", top ? rc_paint_number(text, most) : line == 0 ? "0" : "");
        render_line(paint, column, buckets, columns, most, line, CHART_LINES);
        fputc('\n', paint->out);
    }
    rc_render_bucket(text, reply->buckets[0], unit);
    rc_render_bucket(last, reply->buckets[buckets - 1], unit);
    const unsigned used = rc_paint_text_width(text);
    const int gap = (int)columns - (int)used - (int)rc_paint_text_width(last);
    rc_paint_begin(paint, RC_INK_FAINT);
    if (buckets > 1 && gap > 0)
        fprintf(paint->out, "%13s%s%*s%s\n", "", text, gap, "", last);
    else
        fprintf(paint->out, "%13s%s%s%s\n", "", text, buckets > 1 ? " to " : "",
                buckets > 1 ? last : "");
    rc_paint_end(paint);
}

/* Rows of a breakdown: a line each with its own name and figure. */
static void
render_lines(const struct rc_paint *paint,
             const Recount__V1__SeriesResponse *reply,
             const Recount__V1__SeriesResult *series)
{
    const size_t columns = chart_columns(paint, reply->n_buckets, 42);
    double most = 0;
    for (size_t i = 0; i + 1 < series->n_rows; i++)
        most = fmax(most, greatest(series->rows[i]->values, 0, reply->n_buckets));
    for (size_t i = 0; i < series->n_rows; i++) {
        char label[256], text[48];
        const Recount__V1__SeriesRow *row = series->rows[i];
        const bool is_total = i + 1 == series->n_rows;
        const bool has_total = row->optional_total_case != 0;
        const unsigned used = rc_paint_text(paint, rc_render_label(label, row->label), 24);
        fprintf(paint->out, "%*s%16s ", (int)(25 - used), "",
                has_total ? rc_paint_number(text, row->total) : "-");
        render_line(paint, row->values, reply->n_buckets, columns,
                    is_total ? greatest(row->values, 0, reply->n_buckets) : most, 0, 1);
        fputc('\n', paint->out);
    }
}

/* A bar for each bin. */
static void
draw_histogram(const struct rc_paint *paint, const Recount__V1__Histogram *histogram)
{
    char label[256], text[48];
    uint64_t most = 1;
    const char *const mark = paint->unicode ? levels[8] : plain_levels[8];
    for (size_t i = 0; i < histogram->n_bins; i++)
        most = histogram->counts[i] > most ? histogram->counts[i] : most;
    for (size_t i = 0; i < histogram->n_bins; i++) {
        rc_render_bin(label, sizeof(label), histogram->bins[i]);
        fprintf(paint->out, "%24s %12s ", label,
                rc_paint_number(text, (double)histogram->counts[i]));
        rc_paint_begin(paint, RC_INK_BAR);
        for (uint64_t bar = 0; bar < histogram->counts[i] * 40 / most; bar++)
            fputs(mark, paint->out);
        rc_paint_end(paint);
        fputc('\n', paint->out);
    }
}

/* The histogram of the range, and with a comparison that of the earlier time. */
static void
render_histogram(const struct rc_paint *paint, const Recount__V1__SeriesRow *row)
{
    char label[256];
    fprintf(paint->out, "%s\n", rc_render_label(label, row->label));
    draw_histogram(paint, row->total_histogram);
    if (row->compared_total_histogram == NULL)
        return;
    fputs("before\n", paint->out);
    draw_histogram(paint, row->compared_total_histogram);
}

/* With a comparison: the earlier time's figure of each row. */
static void
render_compared(const struct rc_paint *paint, const Recount__V1__SeriesResult *series)
{
    char label[256], now[48], before[48];
    RC_CLEANUP(rc_table_freep) struct rc_table *table = rc_table_new("lrr");
    rc_table_add(table, "%s", "");
    rc_table_add(table, "range");
    rc_table_add(table, "before");
    for (size_t i = 0; i < series->n_rows; i++) {
        const Recount__V1__SeriesRow *row = series->rows[i];
        rc_table_add(table, "%s", rc_render_label(label, row->label));
        rc_table_add(table, "%s",
                     row->optional_total_case != 0 ? rc_paint_number(now, row->total) : "-");
        rc_table_add(table, "%s",
                     row->optional_compared_total_case != 0
                         ? rc_paint_number(before, row->compared_total)
                         : "-");
    }
    rc_table_paint(table, paint);
}

static void
render_table(const struct rc_paint *paint,
             const Recount__V1__SeriesResponse *reply,
             const Recount__V1__SeriesResult *series,
             Recount__V1__TimeUnit unit)
{
    char align[TABLE_COLUMNS_MAX + 2] = "l";
    char label[256], text[48];
    const size_t columns = series->n_rows < TABLE_COLUMNS_MAX ? series->n_rows : TABLE_COLUMNS_MAX;
    for (size_t i = 0; i < columns; i++)
        align[1 + i] = 'r';
    RC_CLEANUP(rc_table_freep) struct rc_table *table = rc_table_new(align);
    /* The last rows are the most telling where not all fit: Other and the total. */
    const size_t skip = series->n_rows - columns;
    rc_table_add(table, "%s", "");
    for (size_t i = 0; i < columns; i++)
        rc_table_add(table, "%s",
                     series->n_rows == 1 ? series->name
                                         : rc_render_label(label, series->rows[skip + i]->label));
    const size_t hidden = reply->n_buckets > TABLE_ROWS_MAX ? reply->n_buckets - TABLE_ROWS_MAX : 0;
    for (size_t b = hidden; b < reply->n_buckets; b++) {
        rc_table_add(table, "%s%s", rc_render_bucket(text, reply->buckets[b], unit),
                     reply->buckets[b]->partial ? " *" : "");
        for (size_t i = 0; i < columns; i++)
            rc_table_add(table, "%s",
                         rc_paint_number(text, rc_render_at(series->rows[skip + i]->values, b)));
    }
    rc_table_add(table, "range");
    for (size_t i = 0; i < columns; i++) {
        const Recount__V1__SeriesRow *row = series->rows[skip + i];
        rc_table_add(table, "%s",
                     row->optional_total_case != 0 ? rc_paint_number(text, row->total) : "-");
    }
    rc_table_paint(table, paint);
    if (hidden > 0)
        fprintf(paint->out, "(%zu earlier rows are left out; --csv has them all)\n", hidden);
}

void
rc_render_series(const struct rc_paint *paint,
                 const Recount__V1__SeriesResponse *reply,
                 Recount__V1__TimeUnit unit)
{
    for (size_t i = 0; i < reply->n_series; i++) {
        const Recount__V1__SeriesResult *series = reply->series[i];
        rc_paint_begin(paint, RC_INK_STRONG);
        fprintf(paint->out, "%s%s\n", i == 0 ? "" : "\n", series->name);
        rc_paint_end(paint);
        if (series->n_rows > 0 && series->rows[0]->total_histogram != NULL) {
            for (size_t r = 0; r < series->n_rows; r++)
                render_histogram(paint, series->rows[r]);
            continue;
        }
        if (reply->n_buckets > 0 && series->n_rows == 1)
            render_chart(paint, reply, series->rows[0]->values, unit);
        else if (reply->n_buckets > 0)
            render_lines(paint, reply, series);
        if (series->n_rows > 0)
            render_table(paint, reply, series, unit);
        if (series->n_rows > 0 && series->rows[0]->compared_values != NULL)
            render_compared(paint, series);
        if (series->n_columns > 0)
            rc_render_pivot(paint, series);
    }
    rc_render_info(paint, reply->info);
}
