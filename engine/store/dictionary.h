/*
 * Dictionary: byte string -> dense code, for text that repeats. One per project and property (of
 * strings, lists and the odd number that does not fit a cell), and one for the users' sent ids.
 *
 * Codes count from 0 in the order of arrival, so that a dictionary is a function of the log, and
 * whatever was evaluated for codes below n stays true when it grows. A code is never given to
 * another key: where a key was deleted, its code is a hole.
 *
 * Ownership: the dictionary owns its bytes; an entry's address never changes while it lives.
 * Threading: one writer (intern). Any thread may read codes below a count that it got from
 *            rc_dictionary_count, without a lock; find takes a short lock of its own.
 * Errors:    RC_NO_MEMORY leaves it as it was. RC_LIMIT_EXCEEDED past 2^32 - 2 entries.
 */
#ifndef RC_STORE_DICTIONARY_H
#define RC_STORE_DICTIONARY_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/base/bytes.h"
#include "engine/base/cleanup.h"
#include "engine/base/status.h"

struct rc_dictionary;

#define RC_CODE_NONE UINT32_MAX

RC_MUST_USE enum rc_status
rc_dictionary_new(struct rc_account *account, struct rc_dictionary **ret_dictionary);

struct rc_dictionary *
rc_dictionary_free(struct rc_dictionary *dictionary);

RC_DEFINE_CLEANUP(struct rc_dictionary *, rc_dictionary_free)

/* The code of key, which is added when it is new. Writer only. */
RC_MUST_USE enum rc_status
rc_dictionary_intern(struct rc_dictionary *dictionary, struct rc_bytes key, uint32_t *ret_code);

/* The code of key, or RC_CODE_NONE. */
uint32_t
rc_dictionary_find(const struct rc_dictionary *dictionary, struct rc_bytes key);

/* The key of a code below the count. Borrowed; lives as long as the dictionary. O(1). */
struct rc_bytes
rc_dictionary_key(const struct rc_dictionary *dictionary, uint32_t code);

/* Entries published so far (acquire). */
uint32_t
rc_dictionary_count(const struct rc_dictionary *dictionary);

uint64_t
rc_dictionary_memory_bytes(const struct rc_dictionary *dictionary);

/* Writer: finding the key of a code gives RC_CODE_NONE from now on, interning it a new code. The
 * bytes stay readable by code as long as the dictionary lives. Nothing happens to a hole. */
void
rc_dictionary_forget(struct rc_dictionary *dictionary, uint32_t code);

/* Writer: adds codes without a key; theirs reads as empty. Some may have been added on failure. */
RC_MUST_USE enum rc_status
rc_dictionary_add_holes(struct rc_dictionary *dictionary, uint32_t count);

bool
rc_dictionary_is_hole(const struct rc_dictionary *dictionary, uint32_t code);

/* Codes that are holes or forgotten. */
uint32_t
rc_dictionary_absent_count(const struct rc_dictionary *dictionary);

/* Verifies: every key finds its own code, codes are dense. O(entries). */
RC_MUST_USE enum rc_status
rc_dictionary_check(const struct rc_dictionary *dictionary, struct rc_error *reterr_error);

/* Stored form: varint count, then the keys (varint size, bytes) in code order. A size of
 * RC_DICTIONARY_HOLES is none: a varint follows, of so many codes without a key. */
#define RC_DICTIONARY_HOLES UINT32_MAX

void
rc_dictionary_write(const struct rc_dictionary *dictionary,
                    uint32_t count,
                    struct rc_writer *writer);

/* The same with holes in the place of codes whose bit in live is not set; NULL: all are. */
void
rc_dictionary_write_live(const struct rc_dictionary *dictionary,
                         uint32_t count,
                         const uint64_t *live,
                         struct rc_writer *writer);

/* Interns every key of a stored dictionary into an empty one. RC_CORRUPT: broken bytes
 * or repeats. */
RC_MUST_USE enum rc_status
rc_dictionary_read(struct rc_dictionary *dictionary,
                   struct rc_reader *reader,
                   struct rc_error *reterr_error);

#endif
