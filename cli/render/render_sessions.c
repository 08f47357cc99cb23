/*
 * Render sessions: a table of the figures, a line for each bucket and one for the range, and two
 * lists with bars: where sessions begin and where they end.
 */
#include <math.h>

#include "cli/language/when.h"
#include "cli/render/render_usage.h"

#define TABLE_ROWS_MAX 60

static const char *const heads[] = {"sessions",    "users",       "bounces",      "bounce rate",
                                    "mean events", "mean length", "median length"};
#define COLUMNS (sizeof(heads) / sizeof(heads[0]))

static const Recount__V1__NumberColumn *
column_of(const Recount__V1__SessionsFigures *figures, size_t column)
{
    const Recount__V1__NumberColumn *const columns[COLUMNS] = {
        figures->sessions,    figures->users,        figures->bounces,       figures->bounce_rates,
        figures->mean_events, figures->mean_seconds, figures->median_seconds};
    return columns[column];
}

/* A length of time as a person says it. Returns text. */
static const char *
length_text(char text[48], double seconds)
{
    if (isnan(seconds))
        snprintf(text, 48, "-");
    else if (seconds < 60)
        snprintf(text, 48, "%.1f s", seconds);
    else if (seconds < 3600)
        snprintf(text, 48, "%d:%02d min", (int)seconds / 60, (int)seconds % 60);
    else
        snprintf(text, 48, "%.0f:%02d h", floor(seconds / 3600), (int)(fmod(seconds, 3600) / 60));
    return text;
}

static void
add_figures(struct rc_table *table, const Recount__V1__SessionsFigures *figures, size_t place)
{
    for (size_t c = 0; c < COLUMNS; c++) {
        char text[48];
        const double number = rc_render_at(column_of(figures, c), place);
        if (c >= 5)
            rc_table_add(table, "%s", length_text(text, number));
        else if (c == 3)
            rc_table_add(table, isnan(number) ? "-" : "%.1f%%", number * 100);
        else
            rc_table_add(table, "%s", rc_paint_number(text, number));
    }
}

static void
render_row(const struct rc_paint *paint,
           const Recount__V1__SessionsResponse *reply,
           const Recount__V1__SessionsRow *row,
           Recount__V1__TimeUnit unit)
{
    const size_t hidden = reply->n_buckets > TABLE_ROWS_MAX ? reply->n_buckets - TABLE_ROWS_MAX : 0;
    RC_CLEANUP(rc_table_freep) struct rc_table *table = rc_table_new("lrrrrrrr");
    rc_table_add(table, "%s", "");
    for (size_t c = 0; c < COLUMNS; c++)
        rc_table_add(table, "%s", heads[c]);
    for (size_t b = hidden; b < reply->n_buckets; b++) {
        char name[48];
        rc_table_add(table, "%s%s", rc_render_bucket(name, reply->buckets[b], unit),
                     reply->buckets[b]->partial ? " *" : "");
        add_figures(table, row->buckets, b);
    }
    rc_table_add(table, "range");
    add_figures(table, row->total, 0);
    rc_table_paint(table, paint);
    if (hidden > 0)
        fprintf(paint->out, "(%zu earlier rows are left out; --csv has them all)\n", hidden);
}

static void
render_ends(const struct rc_paint *paint,
            const char *title,
            Recount__V1__SessionEnd *const *ends,
            size_t count)
{
    if (count == 0)
        return;
    rc_paint_begin(paint, RC_INK_FAINT);
    fprintf(paint->out, "\n%-40s%14s%10s\n", title, "sessions", "bounces");
    rc_paint_end(paint);
    const uint64_t most = ends[count - 1]->sessions;
    for (size_t i = 0; i < count; i++) {
        char label[256], text[32];
        const unsigned used = rc_paint_text(paint, rc_render_label(label, ends[i]->label), 38);
        const double rate =
            ends[i]->sessions == 0 ? 0 : (double)ends[i]->bounces / (double)ends[i]->sessions * 100;
        fprintf(paint->out, "%*s%14s%9.1f%%  ", (int)(40 - used), "",
                rc_paint_count(text, ends[i]->sessions), rate);
        rc_paint_bar(paint, most == 0 ? 0 : (double)ends[i]->sessions / (double)most, 24);
        fputc('\n', paint->out);
    }
}

void
rc_render_sessions(const struct rc_paint *paint,
                   const Recount__V1__SessionsResponse *reply,
                   Recount__V1__TimeUnit unit)
{
    for (size_t i = 0; i < reply->n_rows; i++) {
        char label[256];
        if (reply->n_rows > 1)
            fprintf(paint->out, "%s\n", rc_render_label(label, reply->rows[i]->label));
        render_row(paint, reply, reply->rows[i], unit);
    }
    render_ends(paint, "sessions begin with", reply->entries, reply->n_entries);
    render_ends(paint, "sessions end with", reply->exits, reply->n_exits);
    rc_render_info(paint, reply->info);
}

static void
csv_figures(struct rc_csv_writer *csv, const Recount__V1__SessionsFigures *figures, size_t place)
{
    for (size_t c = 0; c < COLUMNS; c++)
        rc_csv_number(csv, rc_render_at(column_of(figures, c), place));
    rc_csv_end_row(csv);
}

void
rc_render_sessions_csv(FILE *out,
                       const Recount__V1__SessionsResponse *reply,
                       Recount__V1__TimeUnit unit)
{
    static const char *const head[] = {
        "row",     "bucket",      "start_ms",    "partial",      "sessions",       "users",
        "bounces", "bounce_rate", "mean_events", "mean_seconds", "median_seconds", NULL};
    struct rc_csv_writer csv = {.out = out};
    rc_csv_head(&csv, head);
    for (size_t r = 0; r < reply->n_rows; r++) {
        char label[256], name[48];
        rc_render_label(label, reply->rows[r]->label);
        for (size_t b = 0; b < reply->n_buckets; b++) {
            rc_csv_text(&csv, label);
            rc_csv_text(&csv, rc_render_bucket(name, reply->buckets[b], unit));
            rc_csv_number(&csv, (double)reply->buckets[b]->start_ms);
            rc_csv_text(&csv, reply->buckets[b]->partial ? "true" : "false");
            csv_figures(&csv, reply->rows[r]->buckets, b);
        }
        rc_csv_text(&csv, label);
        rc_csv_text(&csv, "range");
        rc_csv_text(&csv, "");
        rc_csv_text(&csv, "false");
        csv_figures(&csv, reply->rows[r]->total, 0);
    }
}

void
rc_render_session_ends_csv(FILE *out, const Recount__V1__SessionsResponse *reply)
{
    static const char *const head[] = {"end", "value", "sessions", "bounces", NULL};
    struct rc_csv_writer csv = {.out = out};
    rc_csv_head(&csv, head);
    for (size_t i = 0; i < reply->n_entries + reply->n_exits; i++) {
        char label[256];
        const bool exit = i >= reply->n_entries;
        const Recount__V1__SessionEnd *end =
            exit ? reply->exits[i - reply->n_entries] : reply->entries[i];
        rc_csv_text(&csv, exit ? "exit" : "entry");
        rc_csv_text(&csv, rc_render_label(label, end->label));
        rc_csv_count(&csv, end->sessions);
        rc_csv_count(&csv, end->bounces);
        rc_csv_end_row(&csv);
    }
}
