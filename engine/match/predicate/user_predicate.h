/*
 * User predicate: a predicate over user leaves only, evaluated for all persons at once (for
 * segments).
 */
#ifndef RC_MATCH_PREDICATE_USER_PREDICATE_H
#define RC_MATCH_PREDICATE_USER_PREDICATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/status.h"
#include "engine/match/matcher.h"
#include "engine/match/predicate/predicate.h"
#include "engine/store/project/view.h"

/* Sets a bit in words (rc_view_user_count bits, zeroed by the caller) for each ordinal whose person
 * passes; bits of ordinals that are no person, or no known one, are undefined. RC_INVALID: an event
 * leaf. */
RC_MUST_USE enum rc_status
rc_user_predicate_match(struct rc_match_cache *cache,
                        struct rc_view *view,
                        int64_t as_of_ms,
                        const _Atomic(bool) *cancel,
                        const struct rc_predicate *predicate,
                        struct rc_arena *arena,
                        uint64_t *words,
                        struct rc_error *reterr_error);

#endif
