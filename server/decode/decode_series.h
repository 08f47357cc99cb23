/*
 * Decode: the request of Series, and the comparison that other requests have as well.
 *
 * Ownership, Threading, Errors: as in decode.h.
 */
#ifndef RC_SERVER_DECODE_DECODE_SERIES_H
#define RC_SERVER_DECODE_DECODE_SERIES_H

#include <recount/v1/series.pb-c.h>

#include "server/decode/decode.h"

/* now_ms stands for an as_of that is not set. */
RC_MUST_USE enum rc_status
rc_decode_series(struct rc_decode *decode,
                 const Recount__V1__SeriesRequest *in,
                 int64_t now_ms,
                 struct rc_series_request *ret_question);

/* in NULL: RC_COMPARE_NONE. The unit and the count are set for RC_COMPARE_SHIFT alone. */
RC_MUST_USE enum rc_status
rc_decode_comparison(struct rc_decode *decode,
                     const Recount__V1__SeriesComparison *in,
                     enum rc_compare_kind *ret_compare,
                     enum rc_unit *ret_shift_unit,
                     uint32_t *ret_shift_count);

#endif
