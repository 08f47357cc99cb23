/*
 * Render pivot: a table of the rows of a series by its columns. Columns stand by rank, so where not
 * all fit the last ones are left out, but for the total.
 */
#include "cli/render/render.h"

#define COLUMNS_MAX 12

/* The column that stands at a place of the table. */
static size_t
column_at(const Recount__V1__SeriesResult *series, size_t shown, size_t place)
{
    return place + 1 == shown ? series->n_columns - 1 : place;
}

void
rc_render_pivot(const struct rc_paint *paint, const Recount__V1__SeriesResult *series)
{
    char align[COLUMNS_MAX + 2] = "l";
    char label[256], text[48];
    const size_t shown = series->n_columns < COLUMNS_MAX ? series->n_columns : COLUMNS_MAX;
    for (size_t i = 0; i < shown; i++)
        align[1 + i] = 'r';
    RC_CLEANUP(rc_table_freep) struct rc_table *table = rc_table_new(align);
    rc_table_add(table, "%s", "");
    for (size_t i = 0; i < shown; i++)
        rc_table_add(table, "%s",
                     rc_render_label(label, series->columns[column_at(series, shown, i)]));
    for (size_t r = 0; r < series->n_rows; r++) {
        const Recount__V1__SeriesRow *row = series->rows[r];
        rc_table_add(table, "%s", rc_render_label(label, row->label));
        for (size_t i = 0; i < shown; i++)
            rc_table_add(
                table, "%s",
                rc_paint_number(text, rc_render_at(row->by_column, column_at(series, shown, i))));
    }
    rc_table_paint(table, paint);
    if (shown < series->n_columns)
        fprintf(paint->out, "(%zu columns are left out; --csv has them all)\n",
                series->n_columns - shown);
}
