/*
 * Text writer: front-codes ascending texts, or only counts how many bytes that would take.
 *
 * Ownership: block_starts and bytes are the caller's, of the sizes that a counting pass over the
 *            same texts gave, or more; a writer owns a copy of the last text: close it.
 * Threading: one thread.
 * Errors:    RC_NO_MEMORY; RC_LIMIT_EXCEEDED past 2^31 texts; RC_CORRUPT, as stated.
 */
#ifndef RC_STORE_TEXTS_TEXT_WRITER_H
#define RC_STORE_TEXTS_TEXT_WRITER_H

#include "engine/store/texts/texts.h"

/* The two varints before what a text does not share; both are below 2^21. */
#define RC_TEXT_CODED_MAX 6u
_Static_assert(RC_TEXT_BYTES_MAX < (uint32_t)1 << 21, "varints of at most three bytes");

struct rc_text_writer {
    uint64_t *block_starts; /* NULL: only counts. */
    unsigned char *bytes;   /* NULL: only counts. */
    uint32_t count;
    uint64_t byte_count;
    struct rc_account *account;
    char *last; /* A copy of the last text. */
    size_t last_size;
    size_t capacity;
};

/* Counts. */
void
rc_text_writer_open(struct rc_text_writer *writer, struct rc_account *account);

/* For RC_CLEANUP on the struct itself. */
void
rc_text_writer_close(struct rc_text_writer *writer);

/* Begins anew: counts again, or writes when block_starts and bytes are given. */
void
rc_text_writer_restart(struct rc_text_writer *writer, uint64_t *block_starts, unsigned char *bytes);

/* Whether key is the last text that was put. */
static inline bool
rc_text_writer_is_last(const struct rc_text_writer *writer, struct rc_bytes key)
{
    return writer->count > 0 &&
           rc_bytes_equal((struct rc_bytes){writer->last, writer->last_size}, key);
}

/* Puts the next text. RC_CORRUPT: it is not above the last, as those of a damaged slab may be. */
RC_MUST_USE enum rc_status
rc_text_writer_put(struct rc_text_writer *writer, struct rc_bytes key);

#endif
