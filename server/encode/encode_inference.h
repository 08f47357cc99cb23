/*
 * Encode: what statistics say.
 *
 * Ownership, Threading, Errors: as in encode.h.
 */
#ifndef RC_SERVER_ENCODE_ENCODE_INFERENCE_H
#define RC_SERVER_ENCODE_ENCODE_INFERENCE_H

#include <recount/v1/experiment.pb-c.h>

#include "engine/base/arena.h"
#include "engine/compare/inference.h"

/* An interval that does not exist (NaN) is none: *ret_interval stays NULL. */
RC_MUST_USE enum rc_status
rc_encode_interval(struct rc_arena *arena,
                   struct rc_interval interval,
                   Recount__V1__Interval **ret_interval);

#endif
