/*
 * Render comparisons. An interval is drawn as [low, high]; where there is none the cell is a dash.
 * What chance explains (an interval that holds "no difference") is said in words beside the
 * p-value.
 */
#include "cli/render/render_comparisons.h"

#include <math.h>
#include <string.h>

#define CELL_BYTES 96

static const char *
interval_text(char text[CELL_BYTES], const Recount__V1__Interval *interval, double scale)
{
    if (interval == NULL)
        return "-";
    (void)snprintf(text, CELL_BYTES, "[%.4g, %.4g]", interval->low * scale, interval->high * scale);
    return text;
}

static void
add_variant(struct rc_table *table, const Recount__V1__ExperimentVariant *variant, bool is_rate)
{
    char value[256], users[32], cell[CELL_BYTES];
    const double scale = is_rate ? 100 : 1;
    const Recount__V1__ExperimentDifference *beside = variant->beside_control;
    rc_table_add(table, "%s%s", rc_render_value(value, sizeof(value), variant->value),
                 variant->is_control ? " (control)" : "");
    rc_table_add(table, "%s", rc_paint_count(users, variant->users));
    rc_table_add(table, "%.4g%s", variant->figure * scale, is_rate ? "%" : "");
    rc_table_add(table, "%s", interval_text(cell, variant->interval, scale));
    if (beside == NULL) {
        rc_table_add(table, "%s", variant->is_control ? "" : "-");
        rc_table_add(table, "%s", "");
        rc_table_add(table, "%s", "");
        return;
    }
    rc_table_add(table, "%+.4g", beside->difference * scale);
    rc_table_add(table, "%s", interval_text(cell, beside->interval, scale));
    rc_table_add(table, "%.3g", beside->p_value_corrected);
}

void
rc_render_experiment(const struct rc_paint *paint,
                     const Recount__V1__ExperimentResponse *reply,
                     bool is_rate)
{
    static const char *const head[] = {"variant", "users",    "", "interval",
                                       "beside",  "interval", "p"};
    RC_CLEANUP(rc_table_freep) struct rc_table *table = rc_table_new("lrrrrrr");
    for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++)
        rc_table_add(table, "%s", i == 2 ? (is_rate ? "rate" : "mean") : head[i]);
    for (size_t i = 0; i < reply->n_variants; i++)
        add_variant(table, reply->variants[i], is_rate);
    rc_table_paint(table, paint);
    rc_paint_begin(paint, RC_INK_FAINT);
    if (reply->overall != NULL)
        fprintf(paint->out,
                "all variants together: chi-square %.4g, %u degrees of freedom, p %.3g\n",
                reply->overall->chi_square, reply->overall->degrees_of_freedom,
                reply->overall->p_value);
    if (reply->has_few_users)
        fputs("there are too few users for the tests to be relied on\n", paint->out);
    rc_paint_end(paint);
    rc_render_info(paint, reply->info);
}

static void
csv_interval(struct rc_csv_writer *csv, const Recount__V1__Interval *interval)
{
    rc_csv_number(csv, interval == NULL ? NAN : interval->low);
    rc_csv_number(csv, interval == NULL ? NAN : interval->high);
}

void
rc_render_experiment_csv(FILE *out, const Recount__V1__ExperimentResponse *reply)
{
    static const char *const head[] = {"variant",
                                       "is_control",
                                       "users",
                                       "converted_users",
                                       "figure",
                                       "low",
                                       "high",
                                       "difference",
                                       "difference_low",
                                       "difference_high",
                                       "p_value",
                                       "p_value_corrected",
                                       NULL};
    struct rc_csv_writer csv = {.out = out};
    rc_csv_head(&csv, head);
    for (size_t i = 0; i < reply->n_variants; i++) {
        char value[256];
        const Recount__V1__ExperimentVariant *variant = reply->variants[i];
        const Recount__V1__ExperimentDifference *beside = variant->beside_control;
        rc_csv_text(&csv, rc_render_value(value, sizeof(value), variant->value));
        rc_csv_text(&csv, variant->is_control ? "true" : "false");
        rc_csv_count(&csv, variant->users);
        rc_csv_count(&csv, variant->converted_users);
        rc_csv_number(&csv, variant->figure);
        csv_interval(&csv, variant->interval);
        rc_csv_number(&csv, beside == NULL ? NAN : beside->difference);
        csv_interval(&csv, beside == NULL ? NULL : beside->interval);
        rc_csv_number(&csv, beside == NULL ? NAN : beside->p_value);
        rc_csv_number(&csv, beside == NULL ? NAN : beside->p_value_corrected);
        rc_csv_end_row(&csv);
    }
}

/* ---- Correlations ---------------------------------------------------------------------------- */

static double
odds_of(const Recount__V1__CorrelationCandidate *candidate)
{
    return candidate->optional_odds_ratio_case ==
                   RECOUNT__V1__CORRELATION_CANDIDATE__OPTIONAL_ODDS_RATIO_ODDS_RATIO
               ? candidate->odds_ratio
               : NAN;
}

static double
p_of(const Recount__V1__CorrelationCandidate *candidate)
{
    return candidate->optional_p_value_case ==
                   RECOUNT__V1__CORRELATION_CANDIDATE__OPTIONAL_P_VALUE_P_VALUE
               ? candidate->p_value
               : NAN;
}

const char *
rc_render_candidate(char text[256], const Recount__V1__CorrelationCandidate *candidate)
{
    char value[128];
    if (candidate->kind_case == RECOUNT__V1__CORRELATION_CANDIDATE__KIND_EVENT)
        return candidate->label;
    (void)snprintf(text, 256, "%s = %s", candidate->label,
                   rc_render_value(value, sizeof(value), candidate->property->value));
    return text;
}

void
rc_render_correlation(const struct rc_paint *paint, const Recount__V1__CorrelationResponse *reply)
{
    static const char *const head[] = {"candidate", "odds ratio", "interval",
                                       "converted", "others",     "p"};
    RC_CLEANUP(rc_table_freep) struct rc_table *table = rc_table_new("lrrrrr");
    char count[32];
    for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++)
        rc_table_add(table, "%s", head[i]);
    for (size_t i = 0; i < reply->n_candidates; i++) {
        char name[256], cell[CELL_BYTES];
        const Recount__V1__CorrelationCandidate *candidate = reply->candidates[i];
        const double odds = odds_of(candidate);
        const double p = p_of(candidate);
        rc_table_add(table, "%s", rc_render_candidate(name, candidate));
        rc_table_add(table, isnan(odds) ? "-" : "%.4g", odds);
        rc_table_add(table, "%s", interval_text(cell, candidate->interval, 1));
        rc_table_add(table, "%s", rc_paint_count(count, candidate->converted_users));
        rc_table_add(table, "%s", rc_paint_count(count, candidate->other_users));
        rc_table_add(table, isnan(p) ? "-" : "%.3g", p);
    }
    rc_table_paint(table, paint);
    rc_paint_begin(paint, RC_INK_FAINT);
    char converted[32], candidates[32];
    fprintf(paint->out, "%s of %s users converted; %s candidates\n",
            rc_paint_count(converted, reply->converted_users), rc_paint_count(count, reply->users),
            rc_paint_count(candidates, reply->candidate_count));
    rc_paint_end(paint);
    rc_render_info(paint, reply->info);
}

void
rc_render_correlation_csv(FILE *out, const Recount__V1__CorrelationResponse *reply)
{
    static const char *const head[] = {"candidate",       "odds_ratio",  "low",     "high",
                                       "converted_users", "other_users", "p_value", NULL};
    struct rc_csv_writer csv = {.out = out};
    rc_csv_head(&csv, head);
    for (size_t i = 0; i < reply->n_candidates; i++) {
        char name[256];
        const Recount__V1__CorrelationCandidate *candidate = reply->candidates[i];
        rc_csv_text(&csv, rc_render_candidate(name, candidate));
        rc_csv_number(&csv, odds_of(candidate));
        csv_interval(&csv, candidate->interval);
        rc_csv_count(&csv, candidate->converted_users);
        rc_csv_count(&csv, candidate->other_users);
        rc_csv_number(&csv, p_of(candidate));
        rc_csv_end_row(&csv);
    }
}
