/*
 * Like: a compiled LIKE pattern over whole texts. % is any run of characters, _ any one character,
 * and \ takes the next character literally.
 *
 * Ownership: in the arena that it was compiled into, but for its automaton: rc_like_close releases
 *            that.
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

struct rc_pattern;

struct rc_like {
    struct rc_pattern *automaton;   /* Of patterns with an _; NULL: the parts decide. */
    struct rc_bytes first;          /* Text before the first %. */
    struct rc_bytes last;           /* Text after the last %. */
    const struct rc_bytes *middles; /* Texts between two %, in order; none is empty. */
    uint32_t middle_count;
    bool exact; /* No % at all: the text is first. */
};

/* Whether the pattern is well-formed: no backslash at its end. */
bool
rc_like_is_valid(struct rc_bytes pattern);

RC_MUST_USE enum rc_status
rc_like_compile(struct rc_bytes pattern, struct rc_arena *arena, struct rc_like *ret_like);

void
rc_like_close(struct rc_like *like);

/* Linear in the text.
 *   RC_TOO_SLOW, RC_NO_MEMORY  of a pattern with an _, as in pattern.h. */
RC_MUST_USE enum rc_status
rc_like_match(const struct rc_like *like, struct rc_bytes text, bool *ret_matches);

#endif
