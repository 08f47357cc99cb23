/*
 * Match split: a predicate over the event and its user as an OR of parts, each of them a pure event
 * predicate AND a pure user predicate.
 */
#ifndef RC_MATCH_PREDICATE_MATCH_SPLIT_H
#define RC_MATCH_PREDICATE_MATCH_SPLIT_H

#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/status.h"
#include "engine/match/predicate/predicate.h"

#define RC_MATCH_PARTS_MAX 64u

struct rc_match_part {
    const struct rc_predicate *event;   /* Canonical. */
    const struct rc_predicate *persons; /* Canonical; NULL: everybody. */
};

/*
 * predicate is canonical. *ret_parts holds RC_MATCH_PARTS_MAX at most, and one at least.
 *   RC_LIMIT_EXCEEDED  there would be more.
 */
RC_MUST_USE enum rc_status
rc_match_split(const struct rc_predicate *predicate,
               struct rc_arena *arena,
               const struct rc_match_part **ret_parts,
               uint32_t *ret_count);

#endif
