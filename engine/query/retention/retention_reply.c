/* Retention: the reply. Cells of or_after over plain columns lie where their users' last period is,
 * and are summed up from the last column to the first. */
#include <math.h>

#include "engine/query/retention/retention_frame.h"

/* When a cell begins for the earliest who can enter, and ends for the latest. */
static void
times_of(const struct rc_retention *retention,
         uint32_t cohort,
         const struct rc_retention_bracket *column,
         int64_t *ret_begin_ms,
         int64_t *ret_end_ms)
{
    const struct rc_scope *scope = &retention->request->scope;
    const struct rc_bucket *period = &retention->periods[cohort];
    /* Nobody enters before the range, so no return of cell 0 is earlier either. */
    const int64_t first_ms =
        period->start_ms > scope->start_ms ? period->start_ms : scope->start_ms;
    const int64_t last_ms = (period->end_ms < scope->end_ms ? period->end_ms : scope->end_ms) - 1;
    if (retention->rolling_ms != 0) {
        *ret_begin_ms = first_ms + (int64_t)column->first * retention->rolling_ms;
        *ret_end_ms = last_ms + ((int64_t)column->last + 1) * retention->rolling_ms;
        return;
    }
    *ret_begin_ms = column->first == 0 ? first_ms : period[column->first].start_ms;
    *ret_end_ms = period[column->last].end_ms;
}

static enum rc_cell_state
state_of(const struct rc_retention *retention, uint32_t cohort, uint32_t column)
{
    const struct rc_scope *scope = &retention->request->scope;
    int64_t as_of_ms = scope->as_of_ms;
    int64_t begin_ms;
    int64_t end_ms;
    if (retention->request->in_range && scope->end_ms < as_of_ms)
        as_of_ms = scope->end_ms;
    times_of(retention, cohort, &retention->columns[column], &begin_ms, &end_ms);
    return as_of_ms >= end_ms     ? RC_CELL_ELAPSED
           : as_of_ms >= begin_ms ? RC_CELL_BEGUN
                                  : RC_CELL_NOT_BEGUN;
}

static double
value_of(const struct rc_retention *retention, const struct rc_exact_sum *sum, uint64_t users)
{
    if (retention->request->aggregate == RC_RETENTION_SUM)
        return rc_exact_sum_figure(sum);
    return users == 0 ? NAN : rc_exact_sum_mean(sum, users);
}

/* The cells of one cohort; adds to the summary and to its sums. */
static enum rc_status
fill_cohort(const struct rc_retention *retention,
            uint32_t row,
            uint32_t cohort,
            struct rc_retention_cohort *result,
            struct rc_retention_cell *cells,
            struct rc_retention_summary *summary,
            struct rc_exact_sum *summary_sums)
{
    struct rc_account *account = retention->context->account;
    const uint32_t width = retention->column_count;
    const size_t at = (size_t)row * retention->cohort_count + cohort;
    const bool summed = retention->plain_columns && retention->request->on_or_after;
    const bool with_value = retention->request->aggregate != RC_RETENTION_NO_VALUE;
    uint64_t users = 0;
    RC_CLEANUP(rc_exact_sum_close) struct rc_exact_sum sum = {0};
    for (uint32_t i = 0; i < retention->lane_count; i++)
        result->users += retention->lanes[i].sizes[at];
    for (uint32_t n = width; n-- > 0;) {
        if (!summed) {
            users = 0;
            rc_exact_sum_close(&sum);
            sum = (struct rc_exact_sum){0};
        }
        for (uint32_t i = 0; i < retention->lane_count; i++) {
            users += retention->lanes[i].cells[at * width + n];
            if (with_value)
                RC_TRY(rc_exact_sum_join(account, &sum, &retention->lanes[i].sums[at * width + n]));
        }
        const enum rc_cell_state state = state_of(retention, cohort, n);
        cells[n] = (struct rc_retention_cell){.state = state, .value = NAN};
        if (state == RC_CELL_NOT_BEGUN)
            continue;
        cells[n].users = users;
        if (with_value)
            cells[n].value = value_of(retention, &sum, users);
        if (state != RC_CELL_ELAPSED)
            continue;
        summary[n].users += users;
        summary[n].cohort_users += result->users;
        summary[n].value = 0;
        if (with_value)
            RC_TRY(rc_exact_sum_join(account, &summary_sums[n], &sum));
    }
    result->cells = cells;
    return RC_OK;
}

static enum rc_status
fill_row(const struct rc_retention *retention, uint32_t row, struct rc_retention_row *result)
{
    struct rc_arena *arena = retention->context->arena;
    const uint32_t width = retention->column_count;
    const uint32_t cohort_count = retention->cohort_count;
    struct rc_retention_cohort *cohorts =
        RC_ARENA_ARRAY(arena, struct rc_retention_cohort, cohort_count);
    struct rc_retention_cell *cells =
        RC_ARENA_ARRAY(arena, struct rc_retention_cell, (size_t)cohort_count * width);
    struct rc_retention_summary *summary =
        RC_ARENA_ARRAY(arena, struct rc_retention_summary, width);
    struct rc_exact_sum *sums = RC_ARENA_ARRAY(arena, struct rc_exact_sum, width);
    if (cohorts == NULL || cells == NULL || summary == NULL || sums == NULL)
        return RC_NO_MEMORY;
    for (uint32_t n = 0; n < width; n++)
        summary[n].value = NAN;
    enum rc_status status = RC_OK;
    for (uint32_t i = 0; i < cohort_count && status == RC_OK; i++)
        status =
            fill_cohort(retention, row, i, &cohorts[i], cells + (size_t)i * width, summary, sums);
    for (uint32_t n = 0; n < width; n++) {
        if (!isnan(summary[n].value)) /* Some cohort's cell has elapsed. */
            summary[n].value = value_of(retention, &sums[n], summary[n].users);
        rc_exact_sum_close(&sums[n]);
    }
    result->cohorts = cohorts;
    result->summary = summary;
    return status;
}

static struct rc_row_label
label_of(const struct rc_retention *retention, uint32_t row)
{
    if (row + 1 == retention->row_count)
        return (struct rc_row_label){.kind = RC_ROW_TOTAL};
    if (row == retention->ranking.row_count)
        return (struct rc_row_label){.kind = RC_ROW_OTHER};
    struct rc_row_label label = {.kind = RC_ROW_VALUE,
                                 .part_count = rc_split_dimension_count(retention->split),
                                 .parts = retention->ranking.labels[row]};
    if (label.part_count == 1 && label.parts[0].kind == RC_LABEL_VALUE)
        label.value = label.parts[0].value;
    return label;
}

enum rc_status
rc_retention_fill_reply(const struct rc_retention *retention, struct rc_retention_reply *reply)
{
    struct rc_retention_row *rows =
        RC_ARENA_ARRAY(retention->context->arena, struct rc_retention_row, retention->row_count);
    if (rows == NULL)
        return RC_NO_MEMORY;
    for (uint32_t row = 0; row < retention->row_count; row++) {
        rows[row].label = label_of(retention, row);
        RC_TRY(fill_row(retention, row, &rows[row]));
    }
    reply->column_count = retention->column_count;
    reply->columns = retention->columns;
    reply->row_count = retention->row_count;
    reply->rows = rows;
    return RC_OK;
}
