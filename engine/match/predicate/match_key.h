/*
 * Match key: the canonical bytes of a predicate and their hash: what the cache is asked by.
 *
 * Ownership: the bytes are in the arena that the key was made in.
 */
#ifndef RC_MATCH_PREDICATE_MATCH_KEY_H
#define RC_MATCH_PREDICATE_MATCH_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/status.h"
#include "engine/match/predicate/predicate.h"

struct rc_match_key {
    uint64_t hash;
    struct rc_bytes bytes;
};

/* predicate must be canonical. */
RC_MUST_USE enum rc_status
rc_match_key_of(const struct rc_predicate *predicate,
                struct rc_arena *arena,
                struct rc_match_key *ret_key);

/* The key whose bytes these are; borrows them. */
struct rc_match_key
rc_match_key_of_bytes(struct rc_bytes bytes);

static inline bool
rc_match_key_equal(const struct rc_match_key *a, const struct rc_match_key *b)
{
    return a->hash == b->hash && rc_bytes_equal(a->bytes, b->bytes);
}

#endif
