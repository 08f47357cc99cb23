/*
 * Cells of experiments and correlations: who is behind a number of theirs. A cell of a chart
 * (query/segment/chart_cell.h) whose question is of this room, and is asked here.
 *
 * Ownership, Threading: as in chart_cell.h.
 * Errors:    those of the question; RC_INVALID names "row" or "users"; RC_CONFLICT.
 */
#ifndef RC_COMPARE_COMPARE_CELLS_H
#define RC_COMPARE_COMPARE_CELLS_H

#include "engine/compare/correlation.h"
#include "engine/compare/experiment.h"
#include "engine/query/segment/chart_cell.h"

/* The place of a cell: which users. */
enum rc_compared_users {
    RC_COMPARED_ALL = 0,       /* Who take part; who have the candidate. */
    RC_COMPARED_CONVERTED = 1, /* Those of them who converted; of an experiment of a funnel. */
    RC_COMPARED_OTHERS = 2,    /* The others. */
};

/* The row of a correlation's cell behind all candidates: the population. */
#define RC_CORRELATION_POPULATION UINT32_MAX

/* Over the variants in their order. */
uint64_t
rc_experiment_label_hash(const struct rc_experiment_reply *reply);

/* Over the candidates in their order. */
uint64_t
rc_correlation_label_hash(const struct rc_correlation_reply *reply);

/* What cells of the kinds are asked by. */
rc_chart_cell_ask rc_experiment_persons;
rc_chart_cell_ask rc_correlation_persons;

#endif
