/*
 * Decode: the request of Series.
 *
 * Ownership, Threading, Errors: as in decode.h.
 */
#ifndef RC_SERVER_DECODE_SERIES_H
#define RC_SERVER_DECODE_SERIES_H

#include <recount/v1/series.pb-c.h>

#include "server/decode.h"

/* now_ms stands for an as_of that is not set. */
RC_MUST_USE enum rc_status
rc_decode_series(struct rc_decode *decode,
                 const Recount__V1__SeriesRequest *in,
                 int64_t now_ms,
                 struct rc_series_request *ret_question);

#endif
