/*
 * Render comparisons: experiments and correlations, drawn for a terminal and as tables for other
 * programs.
 *
 * Threading: one thread.
 */
#ifndef RC_CLI_RENDER_RENDER_COMPARISONS_H
#define RC_CLI_RENDER_RENDER_COMPARISONS_H

#include "cli/render/render.h"
#include "recount/v1/correlation.pb-c.h"
#include "recount/v1/experiment.pb-c.h"

/* A line for each variant: users, the rate or mean with its interval, what it is beside the
 * control. */
void
rc_render_experiment(const struct rc_paint *paint,
                     const Recount__V1__ExperimentResponse *reply,
                     bool is_rate);
void
rc_render_experiment_csv(FILE *out, const Recount__V1__ExperimentResponse *reply);

/* A line for each candidate: its odds ratio with the interval, and how many have it. */
void
rc_render_correlation(const struct rc_paint *paint, const Recount__V1__CorrelationResponse *reply);
void
rc_render_correlation_csv(FILE *out, const Recount__V1__CorrelationResponse *reply);

/* The name of a candidate; may be written into text. */
const char *
rc_render_candidate(char text[256], const Recount__V1__CorrelationCandidate *candidate);

#endif
