/*
 * Leaf ranges: where, among dictionary keys in ascending order, the values stand that a leaf may
 * let pass. Sorted texts of a slab are looked at only there: an equality costs a search, and a
 * prefix no test at all.
 *
 * Ownership: ranges and their bytes come from the caller's arena.
 * Threading: pure.
 * Errors:    RC_NO_MEMORY.
 */
#ifndef RC_MATCH_LEAF_LEAF_RANGES_H
#define RC_MATCH_LEAF_LEAF_RANGES_H

#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/status.h"
#include "engine/match/predicate/predicate.h"

enum rc_key_range_kind {
    RC_KEYS_TESTED = 1, /* Each key in it has to be tested. */
    RC_KEYS_PASS = 2,   /* Every key in it passes. */
    RC_KEY_PASSES = 3,  /* The key first passes, if it is there; end is not used. */
};

struct rc_key_range {
    enum rc_key_range_kind kind;
    struct rc_bytes first; /* No key in it is below. Empty: from the least one. */
    struct rc_bytes end;   /* Every key in it is below. Empty: up to the greatest one. */
};

/* leaf is canonical. The ranges are ascending and share no key; a key outside of all of them does
 * not pass. */
RC_MUST_USE enum rc_status
rc_leaf_ranges(const struct rc_leaf *leaf,
               struct rc_arena *arena,
               const struct rc_key_range **ret_ranges,
               uint32_t *ret_count);

#endif
