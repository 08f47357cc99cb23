/*
 * Value key: the bytes under which a dictionary or a slab's texts know a value that does not fit a
 * cell: the kind byte, then for a string its bytes up to the end (no length: strings are nearly all
 * there is), for a list or a number its stored form without the kind byte. Equal values have equal
 * keys.
 *
 * Ownership: an open key owns its buffer and points into the value or itself: do not copy it.
 * Threading: pure functions.
 * Errors:    RC_NO_MEMORY; RC_CORRUPT where bytes are read.
 */
#ifndef RC_STORE_VALUE_VALUE_KEY_H
#define RC_STORE_VALUE_VALUE_KEY_H

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/status.h"
#include "engine/store/value/value.h"

struct rc_value_key {
    char stack[1024]; /* Short keys need no allocation. */
    struct rc_writer heap;
    struct rc_bytes bytes; /* The key. */
};

/* Close it whatever the status. */
RC_MUST_USE enum rc_status
rc_value_key_open(struct rc_value_key *key, struct rc_value value);

/* For RC_CLEANUP on the struct itself. */
void
rc_value_key_close(struct rc_value_key *key);

/* The value of a key. Strings are borrowed from the key. A list's item array comes from arena
 * (which may be NULL when the caller knows that there are none: a list then has item_count but
 * items is NULL). */
RC_MUST_USE enum rc_status
rc_value_of_key(struct rc_bytes key, struct rc_arena *arena, struct rc_value *ret_value);

/* RC_CORRUPT unless the bytes are the key of a value that does not fit a cell, in its one form. */
RC_MUST_USE enum rc_status
rc_value_key_check(struct rc_bytes key, struct rc_arena *arena);

#endif
