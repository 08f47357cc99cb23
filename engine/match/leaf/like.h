/*
 * Like: a compiled LIKE pattern over whole texts. % is any run of characters, _ any one character,
 * and \ takes the next character literally.
 *
 * Ownership: in the arena that it was compiled into.
 * Threading: immutable once compiled.
 * Errors:    RC_INVALID: the pattern ends in a lone backslash.
 */
#ifndef RC_MATCH_LEAF_LIKE_H
#define RC_MATCH_LEAF_LIKE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/status.h"

/* So many of any character, then a text. */
struct rc_like_run {
    uint32_t gap;
    struct rc_bytes text; /* Empty only where a piece ends in a gap. */
};

/* What stands between two %. */
struct rc_like_piece {
    uint32_t run_count;
    uint32_t characters; /* Of texts and gaps. */
    const struct rc_like_run *runs;
};

struct rc_like {
    struct rc_like_piece first;          /* Before the first %. */
    struct rc_like_piece last;           /* Behind the last %. */
    const struct rc_like_piece *middles; /* Between two, in order; none is empty. */
    uint32_t middle_count;
    bool exact; /* No % at all: the text is first. */
};

/* Whether the pattern is well-formed: no backslash at its end. */
bool
rc_like_is_valid(struct rc_bytes pattern);

RC_MUST_USE enum rc_status
rc_like_compile(struct rc_bytes pattern, struct rc_arena *arena, struct rc_like *ret_like);

/* Linear in the text where the pattern has no _.
 *   RC_TOO_SLOW  one with an _ would take longer than a few milliseconds. */
RC_MUST_USE enum rc_status
rc_like_match(const struct rc_like *like, struct rc_bytes text, bool *ret_matches);

#endif
