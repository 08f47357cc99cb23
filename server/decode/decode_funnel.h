/*
 * Decode: the request of Funnel, field by field, into what the engine asks.
 *
 * Ownership, Threading, Errors: as in decode.h.
 */
#ifndef RC_SERVER_DECODE_DECODE_FUNNEL_H
#define RC_SERVER_DECODE_DECODE_FUNNEL_H

#include <recount/v1/funnel.pb-c.h>

#include "engine/query/funnel/funnel.h"
#include "server/decode/decode.h"

/* now_ms stands for an as_of that is not set. */
RC_MUST_USE enum rc_status
rc_decode_funnel(struct rc_decode *decode,
                 const Recount__V1__FunnelRequest *in,
                 int64_t now_ms,
                 struct rc_funnel_request *ret_question);

#endif
