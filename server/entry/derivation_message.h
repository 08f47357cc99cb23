/*
 * Derivation message: the source and the steps of a derived property, from messages and back.
 *
 * Ownership: everything made lies in the arena of the request.
 * Errors:    as in decode.h: the path names the step.
 */
#ifndef RC_SERVER_ENTRY_DERIVATION_MESSAGE_H
#define RC_SERVER_ENTRY_DERIVATION_MESSAGE_H

#include <recount/v1/property.pb-c.h>

#include "engine/match/derived/derivation.h"
#include "server/decode/decode.h"

/* decode stands at the derived property. */
RC_MUST_USE enum rc_status
rc_decode_derivation(struct rc_decode *decode,
                     const Recount__V1__DerivedProperty *in,
                     const struct rc_derivation **ret_derivation);

RC_MUST_USE enum rc_status
rc_encode_derivation(struct rc_arena *arena,
                     const struct rc_derivation *derivation,
                     Recount__V1__DerivedProperty *out);

#endif
