/*
 * Cell of a chart: a number of a reply, and the persons behind it. A cell is a question and a place
 * in its answer; who they are is found by asking again, so nothing is kept between calls.
 *
 * Ownership: a cell points to its question, which is only read.
 * Threading: called by one thread, which lets workers walk.
 * Errors:    those of the question; RC_INVALID names the part of the place; RC_CONFLICT when the
 *            answer has other rows by now, since then a place would be another row's.
 */
#ifndef RC_QUERY_SEGMENT_CHART_CELL_H
#define RC_QUERY_SEGMENT_CHART_CELL_H

#include "engine/query/funnel/funnel.h"
#include "engine/query/query.h"
#include "engine/query/retention/retention.h"
#include "engine/query/series/series_persons.h"
#include "engine/query/usage/lifecycle.h"
#include "engine/query/usage/paths.h"
#include "engine/query/usage/sessions.h"
#include "engine/query/usage/stickiness.h"

enum rc_chart_cell_kind {
    RC_CHART_SERIES = 1,
    RC_CHART_FUNNEL = 2,
    RC_CHART_RETENTION = 3,
    RC_CHART_LIFECYCLE = 4,
    RC_CHART_STICKINESS = 5,
    RC_CHART_PATHS = 6,
    RC_CHART_SESSIONS = 7,
    RC_CHART_EXPERIMENT = 8, /* Questions of a room that stands on this one; */
    RC_CHART_CORRELATION = 9,
};

struct rc_chart_cell;
struct rc_experiment_request;
struct rc_correlation_request;

/* which brings with it how they are asked: as rc_chart_cell_persons. */
typedef enum rc_status
rc_chart_cell_ask(const struct rc_query_context *context,
                  const struct rc_chart_cell *cell,
                  struct rc_query_stats *stats,
                  uint64_t *words,
                  struct rc_error *reterr_error);

struct rc_chart_cell {
    enum rc_chart_cell_kind kind;
    union {
        const struct rc_series_request *series;
        const struct rc_funnel_request *funnel;
        const struct rc_retention_request *retention;
        const struct rc_lifecycle_request *lifecycle;
        const struct rc_stickiness_request *stickiness;
        const struct rc_paths_request *paths;
        const struct rc_sessions_request *sessions;
        const struct rc_experiment_request *experiment;
        const struct rc_correlation_request *correlation;
    };
    rc_chart_cell_ask *ask; /* Of an experiment and a correlation. */
    uint64_t labels;        /* rc_row_label_hash over the reply's rows; or as below. */
    uint32_t row;
    uint32_t place;   /* Series: which one. Funnel: the step. Retention: the cohort. Stickiness: how
                         many  buckets. Experiment, correlation: which users. */
    uint32_t column;  /* Series, funnel, lifecycle: the bucket. Retention: the column. See their
                         headers. */
    bool dropped;     /* Funnel: who entered and did not reach the step. */
    bool compared;    /* Series: the number of the earlier time. */
    uint32_t pivot;   /* Series: the column of the row; RC_SERIES_ROW: none. */
    uint32_t operand; /* Series: of a formula; RC_SERIES_NO_OPERAND: it is none. */
    struct rc_series_bin bin; /* Series: of a histogram. */
    enum rc_lifecycle_state state;
    struct rc_path_cell path;        /* Paths: all but its row. */
    struct rc_sessions_cell session; /* Sessions: all. */
};

/* Goes over rows one by one: equal results are equal labels in the same order. Begin with 0. */
uint64_t
rc_row_label_hash(uint64_t before, const struct rc_row_label *label);

/* The same of a series: over its rows, then its columns. */
uint64_t
rc_series_label_hash(const struct rc_series_reply *reply, uint32_t result_count);

/* The same of sessions: over rows, entries and exits. */
uint64_t
rc_sessions_label_hash(const struct rc_sessions_reply *reply);

/* The same of paths: over their rows, and the nodes of each level. */
uint64_t
rc_paths_label_hash(const struct rc_paths_reply *reply);

/* Refuses since the answer has other rows by now. */
enum rc_status
rc_chart_cell_changed(struct rc_error *reterr_error);

/* Sets the bits of the cell's persons; words (rc_counted_word_count of them) are zero. A question
 * with an entity is asked with the context's entities, and then they are bits of those. */
RC_MUST_USE enum rc_status
rc_chart_cell_persons(const struct rc_query_context *context,
                      const struct rc_chart_cell *cell,
                      struct rc_query_stats *stats,
                      uint64_t *words,
                      struct rc_error *reterr_error);

#endif
