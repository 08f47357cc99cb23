/* QueryService.Retention. */
#include <math.h>
#include <recount/v1/retention.pb-c.h>

#include "engine/base/limits.h"
#include "engine/query/retention/retention.h"
#include "server/decode/decode.h"
#include "server/encode/encode.h"
#include "server/query/cells.h"
#include "server/query/service_query.h"

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
decode_columns(struct rc_decode *decode,
               const Recount__V1__RetentionRequest *in,
               struct rc_retention_request *question)
{
    if (in->optional_last_period_case ==
        RECOUNT__V1__RETENTION_REQUEST__OPTIONAL_LAST_PERIOD_LAST_PERIOD) {
        if (in->last_period >= RC_COHORTS_MAX)
            return rc_decode_fail(decode, RC_INVALID, "last_period",
                                  "the last period must be below %u", RC_COHORTS_MAX);
        question->period_count = in->last_period + 1;
    }
    if (in->n_brackets > RC_RETENTION_BRACKETS_MAX)
        return rc_decode_fail(decode, RC_INVALID, "brackets", "there are at most %u brackets",
                              RC_RETENTION_BRACKETS_MAX);
    struct rc_retention_bracket *brackets =
        RC_ARENA_ARRAY(decode->arena, struct rc_retention_bracket, in->n_brackets + 1);
    if (brackets == NULL)
        return rc_decode_no_memory(decode);
    for (size_t i = 0; i < in->n_brackets; i++)
        brackets[i] = (struct rc_retention_bracket){.first = in->brackets[i]->first,
                                                    .last = in->brackets[i]->last};
    question->bracket_count = (uint32_t)in->n_brackets;
    question->brackets = brackets;
    return RC_OK;
}

static enum rc_status
decode_value(struct rc_decode *decode,
             const Recount__V1__RetentionValue *in,
             struct rc_retention_request *question)
{
    if (in == NULL)
        return RC_OK;
    const size_t mark = rc_decode_enter(decode, "value");
    if (in->event_property[0] == '\0')
        return rc_decode_fail(decode, RC_INVALID, "event_property",
                              "the name of the property is missing");
    if (in->aggregate == RECOUNT__V1__RETENTION_AGGREGATE__RETENTION_AGGREGATE_UNSPECIFIED)
        return rc_decode_fail(decode, RC_INVALID, "aggregate", "how to aggregate is missing");
    question->property = rc_bytes_of(in->event_property);
    question->aggregate = in->aggregate == RECOUNT__V1__RETENTION_AGGREGATE__RETENTION_AGGREGATE_SUM
                              ? RC_RETENTION_SUM
                              : RC_RETENTION_MEAN;
    rc_decode_leave(decode, mark);
    return RC_OK;
}

enum rc_status
rc_decode_retention(struct rc_decode *decode,
                    const Recount__V1__RetentionRequest *in,
                    int64_t now_ms,
                    struct rc_retention_request *question)
{
    RC_TRY(rc_decode_scope(decode, in->scope, RC_RANGE_REQUIRED, now_ms, &question->scope));
    size_t mark = rc_decode_enter(decode, "period");
    RC_TRY(rc_decode_bucket(decode, in->period, &question->unit, &question->unit_count));
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
    question->rolling = in->periods == RECOUNT__V1__RETENTION_PERIODS__RETENTION_PERIODS_ROLLING;
    question->in_range = in->returns_in_range;
    question->occurrences_min = in->min_occurrences;
    question->same_value = in->same_value_on_return;
    RC_TRY(decode_columns(decode, in, question));
    RC_TRY(rc_decode_split(decode, "breakdown", in->breakdown, &question->breakdown,
                           &question->dimension_count, &question->top_n));
    return decode_value(decode, in->value, question);
}

/* ---- Reply ----------------------------------------------------------------------------------- */

static enum rc_status
encode_cohort(struct rc_arena *arena,
              const struct rc_retention_cohort *cohort,
              uint32_t columns,
              bool with_values,
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
    double *values;
    RC_NEW(arena, out, recount__v1__retention_cohort__descriptor);
    RC_NEW_ARRAY(arena, values, double, columns);
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
        values[i] = cell->value;
    }
    if (with_values)
        RC_TRY(rc_encode_column(arena, values, columns, &out->values));
    RC_TRY(rc_encode_column(arena, users, columns, &out->users));
    RC_TRY(rc_encode_column(arena, rates, columns, &out->rates));
    *ret_cohort = out;
    return RC_OK;
}

static enum rc_status
encode_summary(struct rc_arena *arena,
               const struct rc_retention_summary *summary,
               uint32_t columns,
               bool with_values,
               Recount__V1__RetentionSummary **ret_summary)
{
    Recount__V1__RetentionSummary *out;
    double *rates;
    double *values;
    RC_NEW(arena, out, recount__v1__retention_summary__descriptor);
    RC_NEW_ARRAY(arena, out->users, uint64_t, columns);
    RC_NEW_ARRAY(arena, out->sizes, uint64_t, columns);
    RC_NEW_ARRAY(arena, rates, double, columns);
    RC_NEW_ARRAY(arena, values, double, columns);
    out->n_users = columns;
    out->n_sizes = columns;
    for (uint32_t i = 0; i < columns; i++) {
        out->users[i] = summary[i].users;
        out->sizes[i] = summary[i].cohort_users;
        rates[i] = out->sizes[i] == 0 ? NAN : (double)out->users[i] / (double)out->sizes[i];
        values[i] = summary[i].value;
    }
    *ret_summary = out;
    if (with_values)
        RC_TRY(rc_encode_column(arena, values, columns, &out->values));
    return rc_encode_column(arena, rates, columns, &out->rates);
}

static enum rc_status
encode_row(struct rc_arena *arena,
           const struct rc_retention_reply *answer,
           const struct rc_retention_row *row,
           bool with_values,
           Recount__V1__RetentionRow **ret_row)
{
    Recount__V1__RetentionRow *out;
    RC_NEW(arena, out, recount__v1__retention_row__descriptor);
    RC_TRY(rc_encode_label(arena, &row->label, &out->label));
    RC_NEW_ARRAY(arena, out->cohorts, Recount__V1__RetentionCohort *, answer->cohort_count);
    out->n_cohorts = answer->cohort_count;
    for (uint32_t i = 0; i < answer->cohort_count; i++)
        RC_TRY(encode_cohort(arena, &row->cohorts[i], answer->column_count, with_values,
                             &out->cohorts[i]));
    *ret_row = out;
    return encode_summary(arena, row->summary, answer->column_count, with_values, &out->summary);
}

enum rc_status
rc_call_retention(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__RetentionRequest *in = message;
    Recount__V1__RetentionResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    struct rc_retention_request question = {.period_count = 0};
    struct rc_retention_reply answer;
    RC_TRY(rc_decode_retention(&decode, in, request->received_ms, &question));
    RC_TRY(rc_request_begin(request, &decode, &question.scope));
    RC_TRY(rc_query_retention(rc_query_session_context(request->session), &question, &answer,
                              request->error));
    RC_NEW_ARRAY(request->arena, out->cohorts, Recount__V1__Bucket *, answer.cohort_count);
    out->n_cohorts = answer.cohort_count;
    for (uint32_t i = 0; i < answer.cohort_count; i++)
        RC_TRY(rc_encode_bucket(request->arena, &answer.periods[i], &out->cohorts[i]));
    RC_NEW_ARRAY(request->arena, out->columns, Recount__V1__PeriodBracket *, answer.column_count);
    out->n_columns = answer.column_count;
    for (uint32_t i = 0; i < answer.column_count; i++) {
        RC_NEW(request->arena, out->columns[i], recount__v1__period_bracket__descriptor);
        out->columns[i]->first = answer.columns[i].first;
        out->columns[i]->last = answer.columns[i].last;
    }
    RC_NEW_ARRAY(request->arena, out->rows, Recount__V1__RetentionRow *, answer.row_count);
    out->n_rows = answer.row_count;
    for (uint32_t i = 0; i < answer.row_count; i++)
        RC_TRY(encode_row(request->arena, &answer, &answer.rows[i],
                          question.aggregate != RC_RETENTION_NO_VALUE, &out->rows[i]));
    RC_TRY(rc_encode_info(request, &question.scope, true, &answer.stats, &out->info));
    uint64_t labels = 0;
    for (uint32_t i = 0; i < answer.row_count; i++)
        labels = rc_row_label_hash(labels, &answer.rows[i].label);
    return rc_cell_handle(request, RC_CHART_RETENTION, message, &question.scope, labels,
                          &out->info->cell_handle);
}
