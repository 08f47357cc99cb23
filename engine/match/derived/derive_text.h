/*
 * Derive text: what the steps of derived properties read out of a text, and of a time.
 *
 * Ownership: results are borrowed from the text, or lie in the caller's arena.
 * Threading: pure.
 * Errors:    false: the text has no such thing, which is an answer; RC_NO_MEMORY.
 */
#ifndef RC_MATCH_DERIVED_DERIVE_TEXT_H
#define RC_MATCH_DERIVED_DERIVE_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/match/derived/derivation.h"
#include "engine/match/zone.h"

/* The first number in a text: "$1,234.50" is 1234.5. */
bool
rc_text_first_number(struct rc_bytes text, struct rc_value *ret_number);

/* A part of a URL. A host is in lower case, a parameter decoded: these lie in the arena. *ret_found
 * is false where the URL lacks it. */
RC_MUST_USE enum rc_status
rc_text_url_part(struct rc_bytes text,
                 enum rc_url_part part,
                 struct rc_bytes parameter,
                 struct rc_arena *arena,
                 bool *ret_found,
                 struct rc_bytes *ret_part);

/* The text with ":id" in place of the segments of its path that are ids. */
RC_MUST_USE enum rc_status
rc_text_fold_ids(struct rc_bytes text, struct rc_arena *arena, struct rc_bytes *ret_text);

/* A time as RFC 3339 writes it, or a date; without an offset it is UTC. In ms since 1970. */
bool
rc_text_time(struct rc_bytes text, int64_t *ret_time_ms);

/* A zone with the stretch of time whose offset was looked up last. */
struct rc_zone_clock {
    struct rc_zone zone;
    int64_t begin_s;
    int64_t end_s; /* Exclusive; at begin_s: nothing was looked up. */
    int32_t offset_s;
};

/* A part of the local time of an instant within RC_TIME_MS_MIN and _MAX. */
int64_t
rc_time_part_of(struct rc_zone_clock *clock, enum rc_time_part part, int64_t time_ms);

#endif
