/*
 * Texts: the values of a slab's column that hardly repeat, as one sorted run of front-coded bytes
 * inside the slab. No dictionary of the project knows them.
 *
 * A text is the key of a value (value_key.h): a kind byte and what follows it. Texts are distinct
 * and ascend by bytes, so a text's number is its rank, and those with one prefix are neighbours.
 *
 * Ownership: struct rc_texts points into the slab (or arena) that holds the bytes. A cursor owns
 *            the buffer of its key: close it.
 * Threading: texts are immutable. A cursor is one thread's.
 * Units:     a number counts from 0 in [0, count).
 * Errors:    RC_CORRUPT: the bytes are no texts. Whatever they are, nothing is read outside of
 *            them. RC_NO_MEMORY: the key does not fit the account; the cursor must only be closed.
 * Format:    slab_format.h.
 */
#ifndef RC_STORE_TEXTS_TEXTS_H
#define RC_STORE_TEXTS_TEXTS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/base/bytes.h"
#include "engine/base/limits.h"
#include "engine/base/status.h"

/* Every text of a block but its first is coded against the one before. */
#define RC_TEXTS_BLOCK 16u

/* A text's bytes: a string with its kind, or a list with its elements' lengths. */
#define RC_TEXT_BYTES_MAX (RC_VALUE_BYTES_MAX + 8192u)

struct rc_texts {
    uint32_t count; /* 0: none, and nothing else means anything. */
    uint64_t byte_count;
    const uint64_t *block_starts; /* Where each block begins in bytes. */
    const unsigned char *bytes;
};

static inline uint32_t
rc_texts_block_count(uint32_t text_count)
{
    return text_count / RC_TEXTS_BLOCK + (text_count % RC_TEXTS_BLOCK != 0 ? 1 : 0);
}

/*
 * A cursor walks texts in order, decoding each once. Open it (or seek), then
 *
 *     while ((status = rc_text_cursor_next(&cursor)) == RC_OK)
 *         use cursor.number and cursor.key;
 *     if (status != RC_NOT_FOUND) ...
 */
struct rc_text_cursor {
    struct rc_texts texts;
    uint32_t number;     /* Of key. */
    struct rc_bytes key; /* Valid until the next call. */
    uint32_t prefix;     /* So many of its bytes are coded as those of the key before. */
    uint32_t next;       /* The text that comes next. */
    const unsigned char *at;
    const unsigned char *end;
    char *buffer;
    size_t capacity;
    struct rc_account *account;
};

/* Before the first text. account (NULL: the process's) is charged for the buffer. */
void
rc_text_cursor_open(struct rc_text_cursor *cursor,
                    const struct rc_texts *texts,
                    struct rc_account *account);

/* For RC_CLEANUP on the struct itself; a zeroed cursor may be closed. */
void
rc_text_cursor_close(struct rc_text_cursor *cursor);

/* Steps to the next text: its number and key. RC_NOT_FOUND: there is none. */
RC_MUST_USE enum rc_status
rc_text_cursor_next(struct rc_text_cursor *cursor);

/* Goes to a text below the count, and reads it. Forward inside a block it decodes only what lies
 * between; so ascending numbers cost no more than a walk. */
RC_MUST_USE enum rc_status
rc_text_cursor_seek(struct rc_text_cursor *cursor, uint32_t number);

/* The first text at or above key; the count when there is none. *ret_equal: it is key. Allocates
 * nothing. O(log count). */
RC_MUST_USE enum rc_status
rc_texts_lower_bound(const struct rc_texts *texts,
                     struct rc_bytes key,
                     uint32_t *ret_number,
                     bool *ret_equal);

/* The texts that begin with prefix: [*ret_first, *ret_end). */
RC_MUST_USE enum rc_status
rc_texts_prefix_range(const struct rc_texts *texts,
                      struct rc_bytes prefix,
                      uint32_t *ret_first,
                      uint32_t *ret_end);

/* Verifies: blocks where they should be, keys distinct, ascending, coded in the one way there is,
 * each the key of a value. O(bytes). */
RC_MUST_USE enum rc_status
rc_texts_check(const struct rc_texts *texts, struct rc_error *reterr_error);

#endif
