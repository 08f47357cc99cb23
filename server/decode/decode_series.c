/* Decode: the request of Series. */
#include "server/decode/decode_series.h"

#include "engine/base/limits.h"

#define SESSION_GAP_MS ((int64_t)1800000)

_Static_assert((int)RECOUNT__V1__SERIES_MEASURE__SERIES_MEASURE_EVENTS == (int)RC_MEASURE_COUNT &&
                   (int)RECOUNT__V1__SERIES_MEASURE__SERIES_MEASURE_PROPERTY_SUM ==
                       (int)RC_MEASURE_SUM &&
                   (int)RECOUNT__V1__SERIES_MEASURE__SERIES_MEASURE_PROPERTY_DISTINCT_VALUES ==
                       (int)RC_MEASURE_DISTINCT &&
                   (int)RECOUNT__V1__SERIES_MEASURE__SERIES_MEASURE_ROLLING_ACTIVE_USERS ==
                       (int)RC_MEASURE_ROLLING,
               "measures have the same numbers");

/* Refuses what goes with other measures only. */
static enum rc_status
check_options(struct rc_decode *decode, const Recount__V1__Series *in, enum rc_measure measure)
{
    const struct {
        const char *field;
        bool is_set;
        bool belongs;
    } options[] = {
        {"property", in->property[0] != '\0',
         measure >= RC_MEASURE_SUM && measure <= RC_MEASURE_DISTINCT},
        {"percentile", in->percentile != 0, measure == RC_MEASURE_PERCENTILE},
        {"histogram_bins", in->histogram_bins != 0, measure == RC_MEASURE_HISTOGRAM},
        {"rolling_days", in->rolling_days != 0, measure == RC_MEASURE_ROLLING},
        {"session_gap_ms", in->session_gap_ms != 0, measure == RC_MEASURE_SESSIONS},
        {"account_property", in->account_property != NULL,
         measure >= RC_MEASURE_SUM && measure <= RC_MEASURE_DISTINCT && in->property[0] == '\0'},
    };
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (options[i].is_set && !options[i].belongs)
            return rc_decode_fail(decode, RC_INVALID, options[i].field,
                                  "%s does not go with this measure", options[i].field);
    return RC_OK;
}

static enum rc_status
decode_account(struct rc_decode *decode,
               const Recount__V1__AccountProperty *in,
               struct rc_series *series)
{
    const size_t mark = rc_decode_enter(decode, "account_property");
    if (in->account_key[0] == '\0' || in->name[0] == '\0')
        return rc_decode_fail(decode, RC_INVALID, in->name[0] == '\0' ? "name" : "account_key",
                              "the name of a property is missing");
    series->property = rc_bytes_of(in->name);
    series->account_key = rc_bytes_of(in->account_key);
    rc_decode_leave(decode, mark);
    return RC_OK;
}

static enum rc_status
decode_one(struct rc_decode *decode, const Recount__V1__Series *in, struct rc_series *series)
{
    const enum rc_measure measure =
        in->measure == RECOUNT__V1__SERIES_MEASURE__SERIES_MEASURE_UNSPECIFIED
            ? RC_MEASURE_COUNT
            : (enum rc_measure)in->measure;
    RC_TRY(check_options(decode, in, measure));
    *series = (struct rc_series){
        .measure = measure,
        .property = rc_bytes_of(in->property),
        .percentile = in->percentile,
        .bins = in->histogram_bins,
        .rolling_days = in->rolling_days,
        .session_gap_ms = in->session_gap_ms == 0 ? SESSION_GAP_MS : in->session_gap_ms,
    };
    if (in->account_property != NULL)
        RC_TRY(decode_account(decode, in->account_property, series));
    const size_t mark = rc_decode_enter(decode, "selector");
    RC_TRY(rc_decode_selector(decode, in->selector, &series->selector));
    rc_decode_leave(decode, mark);
    return RC_OK;
}

static enum rc_status
decode_formulas(struct rc_decode *decode,
                const Recount__V1__SeriesRequest *in,
                struct rc_series_request *question)
{
    if (in->n_formulas > RC_FORMULAS_MAX)
        return rc_decode_fail(decode, RC_INVALID, "formulas", "at most %u formulas can be drawn",
                              RC_FORMULAS_MAX);
    struct rc_series_formula *formulas =
        RC_ARENA_ARRAY(decode->arena, struct rc_series_formula, in->n_formulas + 1);
    if (formulas == NULL)
        return rc_decode_no_memory(decode);
    for (size_t i = 0; i < in->n_formulas; i++)
        formulas[i].expression = rc_bytes_of(in->formulas[i]->expression);
    question->formulas = formulas;
    question->formula_count = (uint32_t)in->n_formulas;
    return RC_OK;
}

enum rc_status
rc_decode_comparison(struct rc_decode *decode,
                     const Recount__V1__SeriesComparison *in,
                     enum rc_compare_kind *ret_compare,
                     enum rc_unit *ret_shift_unit,
                     uint32_t *ret_shift_count)
{
    *ret_compare = RC_COMPARE_NONE;
    if (in == NULL)
        return RC_OK;
    const size_t mark = rc_decode_enter(decode, "comparison");
    switch (in->kind_case) {
    case RECOUNT__V1__SERIES_COMPARISON__KIND_PREVIOUS_PERIOD:
        *ret_compare = RC_COMPARE_PREVIOUS;
        break;
    case RECOUNT__V1__SERIES_COMPARISON__KIND_SHIFT:
        *ret_compare = RC_COMPARE_SHIFT;
        if (in->shift->unit != RECOUNT__V1__TIME_UNIT__TIME_UNIT_DAY &&
            in->shift->unit != RECOUNT__V1__TIME_UNIT__TIME_UNIT_WEEK &&
            in->shift->unit != RECOUNT__V1__TIME_UNIT__TIME_UNIT_MONTH)
            return rc_decode_fail(decode, RC_INVALID, "shift.unit",
                                  "a range is moved by days, weeks or months");
        *ret_shift_unit = (enum rc_unit)in->shift->unit;
        *ret_shift_count = in->shift->count == 0 ? 1 : in->shift->count;
        break;
    default:
        return rc_decode_fail(decode, RC_INVALID, "", "it is not said what to compare with");
    }
    rc_decode_leave(decode, mark);
    return RC_OK;
}

enum rc_status
rc_decode_series(struct rc_decode *decode,
                 const Recount__V1__SeriesRequest *in,
                 int64_t now_ms,
                 struct rc_series_request *ret_question)
{
    struct rc_series_request question = {.cumulative = in->cumulative};
    RC_TRY(rc_decode_scope(decode, in->scope, RC_RANGE_REQUIRED, now_ms, &question.scope));
    if (in->n_series == 0 || in->n_series > RC_SERIES_MAX)
        return rc_decode_fail(decode, RC_INVALID, "series", "from 1 to %u series can be drawn",
                              RC_SERIES_MAX);
    if (in->bucket != NULL) {
        const size_t mark = rc_decode_enter(decode, "bucket");
        RC_TRY(rc_decode_bucket(decode, in->bucket, &question.unit, &question.unit_count));
        rc_decode_leave(decode, mark);
    }
    RC_TRY(rc_decode_split(decode, "breakdown", in->breakdown, &question.breakdown,
                           &question.dimension_count, &question.top_n));
    RC_TRY(rc_decode_split(decode, "columns", in->columns, &question.columns,
                           &question.column_dimension_count, &question.column_top_n));
    struct rc_series *series = RC_ARENA_ARRAY(decode->arena, struct rc_series, in->n_series);
    if (series == NULL)
        return rc_decode_no_memory(decode);
    for (size_t i = 0; i < in->n_series; i++) {
        const size_t mark = rc_decode_enter_item(decode, "series", i);
        RC_TRY(decode_one(decode, in->series[i], &series[i]));
        rc_decode_leave(decode, mark);
    }
    question.series = series;
    question.series_count = (uint32_t)in->n_series;
    RC_TRY(decode_formulas(decode, in, &question));
    RC_TRY(rc_decode_comparison(decode, in->comparison, &question.compare, &question.shift_unit,
                                &question.shift_count));
    *ret_question = question;
    return RC_OK;
}
