/*
 * Render retention: a line for each cohort, a column for each cell; a cell is the share in percent
 * on a shade, with * where the cell has begun but not elapsed and nothing where it has not begun.
 * Columns that do not fit into the terminal are left out, and a line says so: --csv has them all.
 */
#include <math.h>

#include "cli/render/render.h"

#define NAME_WIDTH 16
#define USERS_WIDTH 10
#define CELL_WIDTH 7

static bool
is_open(const Recount__V1__RetentionCohort *cohort, size_t cell)
{
    return cell < cohort->n_states &&
           cohort->states[cell] == RECOUNT__V1__CELL_STATE__CELL_STATE_BEGUN;
}

static void
render_cell(const struct rc_paint *paint, double rate, bool open)
{
    if (isnan(rate)) {
        fprintf(paint->out, "%*s", CELL_WIDTH, "");
        return;
    }
    fputc(' ', paint->out);
    rc_paint_shade(paint, rate);
    fprintf(paint->out, "%5.1f%c", rate * 100, open ? '*' : ' ');
    rc_paint_end(paint);
}

static void
render_head(const struct rc_paint *paint, const Recount__V1__RetentionResponse *reply, size_t shown)
{
    rc_paint_begin(paint, RC_INK_FAINT);
    fprintf(paint->out, "%-*s%*s", NAME_WIDTH, "cohort", USERS_WIDTH, "users");
    for (size_t i = 0; i < shown; i++) {
        const Recount__V1__PeriodBracket *column = reply->columns[i];
        char name[32];
        if (column->first == column->last)
            snprintf(name, sizeof(name), "%u", column->first);
        else
            snprintf(name, sizeof(name), "%u-%u", column->first, column->last);
        fprintf(paint->out, "%*s ", CELL_WIDTH - 1, name);
    }
    rc_paint_end(paint);
    fputc('\n', paint->out);
}

static void
render_triangle(const struct rc_paint *paint,
                const Recount__V1__RetentionResponse *reply,
                const Recount__V1__RetentionRow *row,
                Recount__V1__TimeUnit unit,
                size_t shown)
{
    render_head(paint, reply, shown);
    for (size_t i = 0; i < row->n_cohorts && i < reply->n_cohorts; i++) {
        char name[48], count[32];
        const Recount__V1__RetentionCohort *cohort = row->cohorts[i];
        fprintf(paint->out, "%-*s%*s", NAME_WIDTH, rc_render_bucket(name, reply->cohorts[i], unit),
                USERS_WIDTH, rc_paint_count(count, cohort->size));
        for (size_t c = 0; c < shown; c++)
            render_cell(paint, rc_render_at(cohort->rates, c), is_open(cohort, c));
        fputc('\n', paint->out);
    }
    if (row->summary == NULL)
        return;
    rc_paint_begin(paint, RC_INK_STRONG);
    fprintf(paint->out, "%-*s%*s", NAME_WIDTH, "elapsed cells", USERS_WIDTH, "");
    rc_paint_end(paint);
    for (size_t c = 0; c < shown; c++)
        render_cell(paint, rc_render_at(row->summary->rates, c), false);
    fputc('\n', paint->out);
}

void
rc_render_retention(const struct rc_paint *paint,
                    const Recount__V1__RetentionResponse *reply,
                    Recount__V1__TimeUnit unit)
{
    const size_t fitting = paint->width > NAME_WIDTH + USERS_WIDTH + CELL_WIDTH
                               ? (paint->width - NAME_WIDTH - USERS_WIDTH) / CELL_WIDTH
                               : 1;
    const size_t shown = reply->n_columns < fitting ? reply->n_columns : fitting;
    for (size_t i = 0; i < reply->n_rows; i++) {
        char label[256];
        if (reply->n_rows > 1)
            fprintf(paint->out, "%s\n", rc_render_label(label, reply->rows[i]->label));
        render_triangle(paint, reply, reply->rows[i], unit, shown);
    }
    rc_paint_begin(paint, RC_INK_FAINT);
    fputs("percent of the cohort; * the cell's time is not over", paint->out);
    if (shown < reply->n_columns)
        fprintf(paint->out, "; %zu more columns do not fit here", reply->n_columns - shown);
    rc_paint_end(paint);
    fputc('\n', paint->out);
    rc_render_info(paint, reply->info);
}

void
rc_render_retention_csv(FILE *out,
                        const Recount__V1__RetentionResponse *reply,
                        Recount__V1__TimeUnit unit)
{
    static const char *const head[] = {"row",   "cohort", "size",  "first_period", "last_period",
                                       "users", "rate",   "state", "value",        NULL};
    static const char *const states[] = {"", "not_begun", "begun", "elapsed"};
    struct rc_csv_writer csv = {.out = out};
    rc_csv_head(&csv, head);
    for (size_t r = 0; r < reply->n_rows; r++) {
        const Recount__V1__RetentionRow *row = reply->rows[r];
        for (size_t i = 0; i < row->n_cohorts * reply->n_columns; i++) {
            char label[256], name[48];
            const size_t c = i % reply->n_columns;
            const Recount__V1__RetentionCohort *cohort = row->cohorts[i / reply->n_columns];
            const unsigned state = c < cohort->n_states ? (unsigned)cohort->states[c] : 0;
            rc_csv_text(&csv, rc_render_label(label, row->label));
            rc_csv_text(&csv, rc_render_bucket(name, reply->cohorts[i / reply->n_columns], unit));
            rc_csv_count(&csv, cohort->size);
            rc_csv_count(&csv, reply->columns[c]->first);
            rc_csv_count(&csv, reply->columns[c]->last);
            rc_csv_number(&csv, rc_render_at(cohort->users, c));
            rc_csv_number(&csv, rc_render_at(cohort->rates, c));
            rc_csv_text(&csv, states[state < 4 ? state : 0]);
            rc_csv_number(&csv, rc_render_at(cohort->values, c));
            rc_csv_end_row(&csv);
        }
    }
}
