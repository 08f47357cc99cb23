/*
 * The samples of an experiment about a mean: a number for each user who takes part, by variant.
 *
 * Ownership, Threading, Units, Errors: as in experiment.h.
 */
#ifndef RC_COMPARE_EXPERIMENT_MEANS_H
#define RC_COMPARE_EXPERIMENT_MEANS_H

#include "engine/compare/experiment.h"

struct rc_variant_sample {
    struct rc_value value;
    struct rc_sample sample;
};

/* *ret_samples in the context's arena, by users, ties by value. Means and variances are sums
 * without rounding, so they do not depend on the order in which users came. */
RC_MUST_USE enum rc_status
rc_experiment_means(const struct rc_query_context *context,
                    const struct rc_experiment_request *request,
                    struct rc_query_stats *stats,
                    const struct rc_variant_sample **ret_samples,
                    uint32_t *ret_count,
                    struct rc_error *reterr_error);

#endif
