/*
 * QueryService.Retention.
 *
 * How many periods a range has depends on the calendar, which the engine knows. So without
 * last_period the engine is asked for at least as many cells as there can be cohorts, and the reply
 * shows as many as there are.
 */
#include <math.h>
#include <recount/v1/retention.pb-c.h>

#include "engine/base/limits.h"
#include "server/decode.h"
#include "server/encode.h"
#include "server/service_query.h"

/* The shortest that each unit can be: a day of 23 hours, and so on. */
static int64_t
unit_ms_min(enum rc_unit unit)
{
    static const int64_t hour = (int64_t)3600 * 1000;
    switch (unit) {
    case RC_UNIT_SECOND:
        return 1000;
    case RC_UNIT_MINUTE:
        return (int64_t)60 * 1000;
    case RC_UNIT_HOUR:
        return hour;
    case RC_UNIT_DAY:
        return 22 * hour;
    case RC_UNIT_WEEK:
        return (int64_t)6 * 24 * hour;
    case RC_UNIT_MONTH:
        return (int64_t)27 * 24 * hour;
    case RC_UNIT_QUARTER:
        return (int64_t)89 * 24 * hour;
    case RC_UNIT_YEAR:
        return (int64_t)364 * 24 * hour;
    }
    return hour;
}

static uint32_t
periods_max(const struct rc_scope *scope, enum rc_unit unit)
{
    const int64_t count = (scope->end_ms - scope->start_ms) / unit_ms_min(unit) + 2;
    return count < (int64_t)RC_COHORTS_MAX ? (uint32_t)count : RC_COHORTS_MAX;
}

static enum rc_status
refuse_options(struct rc_decode *decode, const Recount__V1__RetentionRequest *in)
{
    RC_REFUSE(decode, in->periods == RECOUNT__V1__RETENTION_PERIODS__RETENTION_PERIODS_ROLLING,
              "periods");
    RC_REFUSE(decode, in->n_brackets > 0, "brackets");
    RC_REFUSE(decode, in->returns_in_range, "returns_in_range");
    RC_REFUSE(decode, in->breakdown != NULL, "breakdown");
    RC_REFUSE(decode, in->same_value_on_return, "same_value_on_return");
    RC_REFUSE(decode, in->min_occurrences > 1, "min_occurrences");
    RC_REFUSE(decode, in->value != NULL, "value");
    return RC_OK;
}

static enum rc_cohort_kind
cohort_of(Recount__V1__RetentionCohorts cohorts)
{
    switch (cohorts) {
    case RECOUNT__V1__RETENTION_COHORTS__RETENTION_COHORTS_FIRST_TIME:
        return RC_COHORT_FIRST_TIME;
    case RECOUNT__V1__RETENTION_COHORTS__RETENTION_COHORTS_FIRST_IN_RANGE:
        return RC_COHORT_FIRST_IN_RANGE;
    default:
        return RC_COHORT_RECURRING;
    }
}

static enum rc_status
decode_request(struct rc_decode *decode,
               const Recount__V1__RetentionRequest *in,
               int64_t now_ms,
               struct rc_retention_request *question)
{
    RC_TRY(rc_decode_scope(decode, in->scope, RC_RANGE_REQUIRED, now_ms, &question->scope));
    RC_TRY(refuse_options(decode, in));
    size_t mark = rc_decode_enter(decode, "period");
    RC_TRY(rc_decode_bucket(decode, in->period, &question->unit));
    rc_decode_leave(decode, mark);
    mark = rc_decode_enter(decode, "start_event");
    RC_TRY(rc_decode_selector(decode, in->start_event, &question->start));
    rc_decode_leave(decode, mark);
    question->back = question->start;
    if (in->return_event != NULL) {
        mark = rc_decode_enter(decode, "return_event");
        RC_TRY(rc_decode_selector(decode, in->return_event, &question->back));
        rc_decode_leave(decode, mark);
    }
    question->cohort = cohort_of(in->cohorts);
    question->on_or_after =
        in->returns == RECOUNT__V1__RETENTION_RETURNS__RETENTION_RETURNS_ON_OR_AFTER;
    question->period_count = periods_max(&question->scope, question->unit);
    if (in->optional_last_period_case ==
        RECOUNT__V1__RETENTION_REQUEST__OPTIONAL_LAST_PERIOD_LAST_PERIOD) {
        if (in->last_period >= RC_COHORTS_MAX)
            return rc_decode_fail(decode, RC_INVALID, "last_period",
                                  "the last period must be below %u", RC_COHORTS_MAX);
        question->period_count = in->last_period + 1;
    }
    return RC_OK;
}

/* ---- Reply ----------------------------------------------------------------------------------- */

static enum rc_status
encode_cohort(struct rc_arena *arena,
              const struct rc_retention_cohort *cohort,
              uint32_t columns,
              Recount__V1__RetentionCohort **ret_cohort)
{
    static const Recount__V1__CellState states[] = {
        [RC_CELL_NOT_BEGUN] = RECOUNT__V1__CELL_STATE__CELL_STATE_NOT_BEGUN,
        [RC_CELL_BEGUN] = RECOUNT__V1__CELL_STATE__CELL_STATE_BEGUN,
        [RC_CELL_ELAPSED] = RECOUNT__V1__CELL_STATE__CELL_STATE_ELAPSED,
    };
    Recount__V1__RetentionCohort *out;
    double *users;
    double *rates;
    RC_NEW(arena, out, recount__v1__retention_cohort__descriptor);
    RC_NEW_ARRAY(arena, users, double, columns);
    RC_NEW_ARRAY(arena, rates, double, columns);
    RC_NEW_ARRAY(arena, out->states, Recount__V1__CellState, columns);
    out->n_states = columns;
    out->size = cohort->users;
    for (uint32_t i = 0; i < columns; i++) {
        const struct rc_retention_cell *cell = &cohort->cells[i];
        out->states[i] = states[cell->state];
        users[i] = cell->state == RC_CELL_NOT_BEGUN ? NAN : (double)cell->users;
        rates[i] = cohort->users == 0 ? NAN : users[i] / (double)cohort->users;
    }
    RC_TRY(rc_encode_column(arena, users, columns, &out->users));
    RC_TRY(rc_encode_column(arena, rates, columns, &out->rates));
    *ret_cohort = out;
    return RC_OK;
}

static enum rc_status
encode_summary(struct rc_arena *arena,
               const struct rc_retention_reply *answer,
               uint32_t columns,
               Recount__V1__RetentionSummary **ret_summary)
{
    Recount__V1__RetentionSummary *out;
    double *rates;
    RC_NEW(arena, out, recount__v1__retention_summary__descriptor);
    RC_NEW_ARRAY(arena, out->users, uint64_t, columns);
    RC_NEW_ARRAY(arena, out->sizes, uint64_t, columns);
    RC_NEW_ARRAY(arena, rates, double, columns);
    out->n_users = columns;
    out->n_sizes = columns;
    for (uint32_t i = 0; i < columns; i++) {
        out->users[i] = answer->summary[i].users;
        out->sizes[i] = answer->summary[i].cohort_users;
        rates[i] = out->sizes[i] == 0 ? NAN : (double)out->users[i] / (double)out->sizes[i];
    }
    *ret_summary = out;
    return rc_encode_column(arena, rates, columns, &out->rates);
}

static enum rc_status
encode_rows(struct rc_arena *arena,
            const struct rc_retention_reply *answer,
            uint32_t columns,
            Recount__V1__RetentionResponse *out)
{
    static const struct rc_row_label total = {.kind = RC_ROW_TOTAL};
    Recount__V1__RetentionRow *row;
    RC_NEW(arena, row, recount__v1__retention_row__descriptor);
    RC_TRY(rc_encode_label(arena, &total, &row->label));
    RC_NEW_ARRAY(arena, row->cohorts, Recount__V1__RetentionCohort *, answer->cohort_count);
    row->n_cohorts = answer->cohort_count;
    for (uint32_t i = 0; i < answer->cohort_count; i++)
        RC_TRY(encode_cohort(arena, &answer->cohorts[i], columns, &row->cohorts[i]));
    RC_TRY(encode_summary(arena, answer, columns, &row->summary));
    RC_NEW_ARRAY(arena, out->rows, Recount__V1__RetentionRow *, 1);
    out->rows[0] = row;
    out->n_rows = 1;
    return RC_OK;
}

enum rc_status
rc_call_retention(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__RetentionRequest *in = message;
    Recount__V1__RetentionResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    struct rc_retention_request question = {.period_count = 0};
    struct rc_retention_reply answer;
    RC_TRY(decode_request(&decode, in, request->received_ms, &question));
    RC_TRY(rc_request_begin(request, &decode, &question.scope));
    RC_TRY(rc_query_retention(rc_query_session_context(request->session), &question, &answer,
                              request->error));
    const bool all = in->optional_last_period_case ==
                     RECOUNT__V1__RETENTION_REQUEST__OPTIONAL_LAST_PERIOD__NOT_SET;
    const uint32_t columns = all && answer.cohort_count < answer.period_count ? answer.cohort_count
                                                                              : answer.period_count;
    RC_NEW_ARRAY(request->arena, out->cohorts, Recount__V1__Bucket *, answer.cohort_count);
    out->n_cohorts = answer.cohort_count;
    for (uint32_t i = 0; i < answer.cohort_count; i++)
        RC_TRY(rc_encode_bucket(request->arena, &answer.cohorts[i].period, &out->cohorts[i]));
    RC_NEW_ARRAY(request->arena, out->columns, Recount__V1__PeriodBracket *, columns);
    out->n_columns = columns;
    for (uint32_t i = 0; i < columns; i++) {
        RC_NEW(request->arena, out->columns[i], recount__v1__period_bracket__descriptor);
        out->columns[i]->first = out->columns[i]->last = i;
    }
    RC_TRY(encode_rows(request->arena, &answer, columns, out));
    return rc_encode_info(request, &question.scope, true, &answer.stats, &out->info);
}
