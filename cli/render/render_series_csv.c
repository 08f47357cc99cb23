/*
 * Render series as CSV: a line for each row and bucket, then one for the range; of a histogram a
 * line for each bin of those. With a comparison the earlier number stands in a column of its own.
 * With columns each row's cells of the range follow, and say which column they are.
 */
#include <math.h>
#include <stdio.h>

#include "cli/render/render.h"

struct place {
    const Recount__V1__SeriesResult *series;
    const Recount__V1__SeriesRow *row;
    const Recount__V1__Bucket *bucket; /* NULL: the range. */
    size_t index;
    Recount__V1__TimeUnit unit;
    bool compares;
    const Recount__V1__RowLabel *column; /* NULL: no cell. index is its place then. */
};

/* One line; bin is NULL unless it is one of a histogram. */
static void
write_line(struct rc_csv_writer *csv,
           const struct place *place,
           const Recount__V1__Bin *bin,
           double number)
{
    char text[256], label[400];
    const Recount__V1__SeriesRow *row = place->row;
    const bool whole = place->bucket == NULL;
    rc_csv_text(csv, place->series->name);
    int used = snprintf(label, sizeof(label), "%s", rc_render_label(text, row->label));
    if (bin != NULL && used > 0) {
        rc_render_bin(text, sizeof(text), bin);
        snprintf(label + used, sizeof(label) - (size_t)used, " %s", text);
    }
    rc_csv_text(csv, label);
    if (place->series->n_columns > 0)
        rc_csv_text(csv, place->column == NULL ? "" : rc_render_label(text, place->column));
    rc_csv_text(csv, whole ? "range" : rc_render_bucket(text, place->bucket, place->unit));
    if (whole)
        rc_csv_text(csv, "");
    else
        rc_csv_number(csv, (double)place->bucket->start_ms);
    rc_csv_text(csv, !whole && place->bucket->partial ? "true" : "false");
    rc_csv_number(csv, number);
    if (place->compares)
        rc_csv_number(csv, place->column != NULL
                               ? rc_render_at(row->compared_by_column, place->index)
                           : !whole ? rc_render_at(row->compared_values, place->index)
                           : row->optional_compared_total_case != 0 ? row->compared_total
                                                                    : NAN);
    rc_csv_end_row(csv);
}

static void
write_place(struct rc_csv_writer *csv, const struct place *place)
{
    const Recount__V1__SeriesRow *row = place->row;
    const Recount__V1__Histogram *histogram = place->bucket == NULL ? row->total_histogram
                                              : place->index < row->n_histograms
                                                  ? row->histograms[place->index]
                                                  : NULL;
    if (histogram == NULL) {
        write_line(csv, place, NULL,
                   place->bucket != NULL           ? rc_render_at(row->values, place->index)
                   : row->optional_total_case != 0 ? row->total
                                                   : NAN);
        return;
    }
    for (size_t i = 0; i < histogram->n_bins; i++)
        write_line(csv, place, histogram->bins[i], (double)histogram->counts[i]);
}

/* The cells of a row, each a line. */
static void
write_cells(struct rc_csv_writer *csv, const struct place *row)
{
    struct place cell = *row;
    for (cell.index = 0; cell.index < row->series->n_columns; cell.index++) {
        cell.column = row->series->columns[cell.index];
        write_line(csv, &cell, NULL, rc_render_at(row->row->by_column, cell.index));
    }
}

void
rc_render_series_csv(FILE *out,
                     const Recount__V1__SeriesResponse *reply,
                     Recount__V1__TimeUnit unit)
{
    const bool compares = reply->n_series > 0 && reply->series[0]->n_rows > 0 &&
                          reply->series[0]->rows[0]->compared_values != NULL;
    const bool columns = reply->n_series > 0 && reply->series[0]->n_columns > 0;
    static const char *const head[] = {"series",  "row",   "column",         "bucket", "start_ms",
                                       "partial", "value", "compared_value", NULL};
    const char *names[sizeof(head) / sizeof(head[0])];
    size_t count = 0;
    for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++)
        if ((columns || i != 2) && (compares || i != 7))
            names[count++] = head[i];
    struct rc_csv_writer csv = {.out = out};
    rc_csv_head(&csv, names);
    for (size_t s = 0; s < reply->n_series; s++) {
        for (size_t r = 0; r < reply->series[s]->n_rows; r++) {
            for (size_t b = 0; b <= reply->n_buckets; b++) {
                const struct place place = {
                    .series = reply->series[s],
                    .row = reply->series[s]->rows[r],
                    .bucket = b == reply->n_buckets ? NULL : reply->buckets[b],
                    .index = b,
                    .unit = unit,
                    .compares = compares,
                };
                write_place(&csv, &place);
                if (place.bucket == NULL)
                    write_cells(&csv, &place);
            }
        }
    }
}
