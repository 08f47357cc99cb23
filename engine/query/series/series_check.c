/* Series check. */
#include "engine/query/series/series_check.h"

#include <math.h>

#include "engine/base/limits.h"
#include "engine/query/split/split.h"

/* Sets *ret_field and returns what is wrong with one series; NULL: nothing. */
static const char *
fault_of(const struct rc_series *series, bool cumulative, const char **ret_field)
{
    *ret_field = "measure";
    if (series->measure < RC_MEASURE_COUNT || series->measure > RC_MEASURE_ROLLING)
        return "the measure is unknown";
    if (cumulative && series->measure != RC_MEASURE_COUNT && series->measure != RC_MEASURE_UNIQUE)
        return "running sums are of events and of unique users only";
    *ret_field = "property";
    if (series->measure >= RC_MEASURE_SUM && series->measure <= RC_MEASURE_DISTINCT &&
        series->property.size == 0)
        return "the property to measure is missing";
    *ret_field = "percentile";
    if (series->measure == RC_MEASURE_PERCENTILE &&
        !(series->percentile >= 0 && series->percentile <= 100))
        return "a percentile is from 0 to 100";
    *ret_field = "histogram_bins";
    if (series->measure == RC_MEASURE_HISTOGRAM &&
        (series->bins == 0 || series->bins > RC_BINS_MAX))
        return "a histogram has from 1 to 1000 bins";
    *ret_field = "rolling_days";
    if (series->measure == RC_MEASURE_ROLLING &&
        (series->rolling_days == 0 || series->rolling_days > RC_ROLLING_DAYS_MAX))
        return "rolling users are of 1 to 1000 days";
    *ret_field = "session_gap_ms";
    if (series->measure == RC_MEASURE_SESSIONS && series->session_gap_ms < 1)
        return "the pause that ends a session is at least a millisecond";
    if (series->measure == RC_MEASURE_SESSIONS && series->session_gap_ms > RC_SESSION_GAP_MS_MAX)
        return "a session's pauses are of at most 31622400000 ms (366 days)";
    return NULL;
}

static enum rc_status
check_formulas(const struct rc_series_request *request,
               struct rc_arena *arena,
               const struct rc_formula **ret_formulas,
               struct rc_error *reterr_error)
{
    char field[48];
    for (uint32_t i = 0; i < request->formula_count; i++) {
        rc_error_item(field, sizeof(field), "formulas", i, "expression");
        struct rc_error error = {0};
        enum rc_status status =
            rc_formula_parse(request->formulas[i].expression, "series", request->series_count,
                             arena, &ret_formulas[i], &error);
        if (status != RC_OK)
            return rc_error_field(reterr_error, status, field, "%s", error.message);
        for (uint32_t s = 0; s < request->series_count; s++)
            if ((rc_formula_operands(ret_formulas[i]) >> s & 1) != 0 &&
                request->series[s].measure == RC_MEASURE_HISTOGRAM)
                return rc_error_field(reterr_error, RC_INVALID, field,
                                      "a histogram is no number that a formula could use");
    }
    return RC_OK;
}

static enum rc_status
check_comparison(const struct rc_series_request *request, struct rc_error *reterr_error)
{
    if (request->compare == RC_COMPARE_NONE)
        return RC_OK;
    if (request->compare == RC_COMPARE_SHIFT && request->shift_unit != RC_UNIT_DAY &&
        request->shift_unit != RC_UNIT_WEEK && request->shift_unit != RC_UNIT_MONTH)
        return rc_error_field(reterr_error, RC_INVALID, "comparison.shift.unit",
                              "a range is moved by days, weeks or months");
    return RC_OK;
}

static enum rc_status
check_splits(const struct rc_series_request *request, struct rc_error *reterr_error)
{
    if (request->breakdown == NULL)
        return request->columns == NULL
                   ? RC_OK
                   : rc_error_field(reterr_error, RC_INVALID, "columns",
                                    "there is no breakdown whose rows could have columns");
    RC_TRY(rc_split_check(request->breakdown,
                          request->dimension_count == 0 ? 1 : request->dimension_count,
                          request->top_n, reterr_error));
    if (request->columns == NULL)
        return RC_OK;
    const enum rc_status status = rc_split_check(request->columns, request->column_dimension_count,
                                                 request->column_top_n, reterr_error);
    return rc_error_rename(reterr_error, status, "breakdown", "columns");
}

enum rc_status
rc_series_check(const struct rc_series_request *request,
                struct rc_arena *arena,
                const struct rc_formula **ret_formulas,
                struct rc_error *reterr_error)
{
    char field[48];
    const char *name;
    if (request->series_count == 0)
        return rc_error_field(reterr_error, RC_INVALID, "series", "at least one series is needed");
    if (request->series_count > RC_SERIES_MAX)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "series",
                              "there are at most %u series, not %u", RC_SERIES_MAX,
                              request->series_count);
    if (request->formula_count > RC_FORMULAS_MAX)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "formulas",
                              "there are at most %u formulas, not %u", RC_FORMULAS_MAX,
                              request->formula_count);
    for (uint32_t i = 0; i < request->series_count; i++) {
        const char *fault = fault_of(&request->series[i], request->cumulative, &name);
        if (fault == NULL)
            continue;
        rc_error_item(field, sizeof(field), "series", i, name);
        return rc_error_field(reterr_error, RC_INVALID, field, "%s", fault);
    }
    RC_TRY(check_formulas(request, arena, ret_formulas, reterr_error));
    RC_TRY(check_comparison(request, reterr_error));
    return check_splits(request, reterr_error);
}
