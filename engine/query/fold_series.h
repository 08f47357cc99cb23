/*
 * What the two halves of the series fold share: fold_series.c (plain) and fold_series_rows.c
 * (broken down).
 */
#ifndef RC_QUERY_FOLD_SERIES_H
#define RC_QUERY_FOLD_SERIES_H

#include <stdint.h>

#include "engine/base/status.h"
#include "engine/query/calendar.h"
#include "engine/query/groups.h"
#include "engine/query/plan.h"
#include "engine/query/query.h"
#include "engine/query/walk.h"

struct rc_series_walk {
    const struct rc_query_context *context;
    const struct rc_series_request *request;
    struct rc_plan *plan;
    uint32_t bucket_count; /* 0: only the figure of the range. */
    struct rc_bucket_map map;
    uint32_t slot_words;             /* Words of a person's bits, all unique series together. */
    uint32_t bits_at[RC_SERIES_MAX]; /* Where in them a series begins. */
};

/* Sums the lanes' figures (bucket_count of them and the range's) into a row of the reply. */
RC_MUST_USE enum rc_status
rc_series_add_row(const struct rc_series_walk *walk,
                  uint32_t series,
                  struct rc_row_label label,
                  const uint64_t *const *figures,
                  uint32_t lane_count,
                  struct rc_series_row *ret_row);

/* Fills the rows of a reply with a breakdown. */
RC_MUST_USE enum rc_status
rc_series_answer_rows(const struct rc_series_walk *walk,
                      struct rc_series_reply *reply,
                      struct rc_error *reterr_error);

#endif
