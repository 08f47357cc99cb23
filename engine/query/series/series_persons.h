/*
 * Series persons: who is behind a number of a series: the users with an event that it counts, or
 * with a session, in its row, its column, its bucket and its bin.
 *
 * Ownership, Threading, Units, Errors: as in query.h; errors of the cell name "series",
 * "operand", "row", "column", "bucket", "bin" or "compared"; RC_CONFLICT (without a message): the
 * rows are others than those of the reply.
 */
#ifndef RC_QUERY_SERIES_SERIES_PERSONS_H
#define RC_QUERY_SERIES_SERIES_PERSONS_H

#include "engine/query/query.h"

struct rc_series_others;
struct rc_series_query;

#define RC_SERIES_RANGE UINT32_MAX /* The range's figure, in place of a bucket. */
#define RC_SERIES_ROW UINT32_MAX   /* The row's own figure, in place of a column's. */

#define RC_SERIES_NO_OPERAND UINT32_MAX /* Of a series, whose users are its own. */

/* A bin of a histogram by its ends, in the property's units: what they hold does not depend on
 * where the histogram's bins lie by now. */
struct rc_series_bin {
    bool is_asked; /* false: the number is that of all bins. */
    double low;
    double high;
    bool high_included;
};

/* A number of a reply; of a formula, one of those that it is computed from. */
struct rc_series_cell {
    uint32_t result;  /* Series, then formulas. */
    uint32_t operand; /* Of a formula: a series that it names. */
    uint32_t row;     /* Among those of the result. */
    uint32_t bucket;  /* Of a column: RC_SERIES_RANGE. */
    uint32_t column;
    struct rc_series_bin bin;
    bool compared;   /* That of the earlier time. */
    uint64_t labels; /* rc_series_label_hash of the reply. */
};

/* persons: a bit each, zero. */
RC_MUST_USE enum rc_status
rc_query_series_persons(const struct rc_query_context *context,
                        const struct rc_series_request *request,
                        const struct rc_series_cell *cell,
                        uint64_t *persons,
                        struct rc_query_stats *stats,
                        struct rc_error *reterr_error);

/* The same of a query whose rows are ranked. others: with a comparison. */
RC_MUST_USE enum rc_status
rc_series_mark(const struct rc_series_query *query,
               const struct rc_series_others *others,
               const struct rc_series_cell *cell,
               uint64_t *persons,
               struct rc_query_stats *stats,
               struct rc_error *reterr_error);

#endif
