/*
 * Derive once: a whole derivation of one thing, formulas included, for whoever has its values at
 * hand and asks once. Who asks about many keeps what steps and formulas compile to: derive.h,
 * made_column.h.
 *
 * Threading: pure.
 * Errors:    RC_NO_MEMORY; RC_TOO_SLOW (pattern.h); RC_INVALID (a zone that is not there any more).
 */
#ifndef RC_QUERY_SUGGEST_DERIVE_ONCE_H
#define RC_QUERY_SUGGEST_DERIVE_ONCE_H

#include "engine/base/alloc.h"
#include "engine/base/arena.h"
#include "engine/base/status.h"
#include "engine/match/derived/derivation.h"
#include "engine/store/value/value.h"

/* derivation is resolved (derived.h). source_value gives the value of a property or of the time
 * that one begins with. The result lies in arena. */
RC_MUST_USE enum rc_status
rc_derive_once(const struct rc_derivation *derivation,
               struct rc_account *account,
               struct rc_value (*source_value)(const void *context,
                                               const struct rc_derivation *source),
               const void *context,
               struct rc_arena *arena,
               struct rc_value *ret_value);

#endif
