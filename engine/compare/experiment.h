/*
 * Experiment: what users did, by variant, beside a control, and what chance could have done. A
 * variant is a value of a property: of the user, or of the event by which the user takes part.
 *
 *   funnel  Users take part by an event of step 1 in the range, and convert by reaching the last
 * step; the funnel is that of funnel.h, with its values read at the first event of step 1 in the
 * range. mean    Users take part by an exposure in the range. Each has a number: of the metric's
 * events in the range that are not earlier than the first exposure, or the sum of a property of
 * them. Who has none has 0.
 *
 * With several values of the property a user counts in each.
 *
 * Ownership, Threading, Units, Errors: as in query.h.
 */
#ifndef RC_COMPARE_EXPERIMENT_H
#define RC_COMPARE_EXPERIMENT_H

#include "engine/compare/inference.h"
#include "engine/query/funnel/funnel.h"
#include "engine/query/query.h"

#define RC_VARIANTS_MAX 100u /* More are no experiment; Holm's correction is quadratic in them. */

struct rc_experiment_request {
    struct rc_scope scope;
    const struct rc_funnel_request
        *funnel;                         /* Its scope and breakdown are not read. NULL: a mean. */
    const struct rc_predicate *exposure; /* Of a mean, as what follows. */
    const struct rc_predicate *metric;
    struct rc_bytes property;       /* To sum; empty: events are counted. */
    struct rc_breakdown variant;    /* A property. */
    const struct rc_value *control; /* NULL: the variant with most users. */
    double confidence;              /* In (0, 1). */
};

struct rc_experiment_variant {
    struct rc_value value;
    bool is_control;
    uint64_t users;
    uint64_t converted; /* Of a funnel. */
    double figure;      /* The rate or the mean; NaN: there is none. */
    double variance;    /* Of a mean. */
    struct rc_interval interval;
    struct rc_difference beside_control; /* The variant's figure minus the control's. */
    double p_corrected;                  /* After Holm, over all variants but the control. */
};

struct rc_experiment_reply {
    uint32_t variant_count; /* The control first, then by users, ties by value. */
    const struct rc_experiment_variant *variants;
    double statistic; /* Chi-square over all variants of a funnel, */
    double p;         /* and its p-value; NaN without. */
    bool few;         /* Of a funnel: counts are too few for the tests. */
    struct rc_query_stats stats;
};

/* Splits a funnel as the experiment does, over its scope. */
void
rc_experiment_split(const struct rc_experiment_request *request, struct rc_funnel_request *funnel);

/* RC_NOT_FOUND: nobody has the control's value. RC_LIMIT_EXCEEDED: more than RC_VARIANTS_MAX
 * values. */
RC_MUST_USE enum rc_status
rc_query_experiment(const struct rc_query_context *context,
                    const struct rc_experiment_request *request,
                    struct rc_experiment_reply *ret_reply,
                    struct rc_error *reterr_error);

#endif
