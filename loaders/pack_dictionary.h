/*
 * Dictionaries of one batch: each distinct text or number of a column gets a code, in the order of
 * arrival.
 *
 * Ownership: a dictionary owns its arrays; a zeroed struct is an empty one. Resetting keeps the
 *            memory, so that after the first batches nothing is allocated.
 * Threading: one thread at a time.
 * Errors:    RC_NO_MEMORY leaves the dictionary as it was.
 */
#ifndef RC_LOADERS_PACK_DICTIONARY_H
#define RC_LOADERS_PACK_DICTIONARY_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/bytes.h"
#include "engine/base/status.h"
#include "loaders/field.h"

struct rc_pack_slots {
    uint64_t *slots; /* High word: of the hash. Low word: code + 1; 0 is free. */
    size_t capacity; /* A power of two, or 0. */
    uint32_t count;
};

struct rc_pack_texts {
    struct rc_pack_slots index;
    char *text; /* All texts, one after the other. */
    size_t text_size;
    size_t text_capacity;
    uint32_t *ends; /* Of each text in text. */
    size_t end_capacity;
    uint32_t count;
    uint32_t last; /* The code found last: neighbours are often equal. */
};

struct rc_pack_numbers {
    struct rc_pack_slots index;
    uint64_t *values; /* Bits of an int64_t or a double. */
    size_t value_capacity;
    uint32_t count;
    uint32_t last;
};

/* For RC_CLEANUP on the structs themselves. */
void
rc_pack_texts_close(struct rc_pack_texts *texts);
void
rc_pack_numbers_close(struct rc_pack_numbers *numbers);

/* Forgets the content, keeps the memory. */
void
rc_pack_texts_reset(struct rc_pack_texts *texts);
void
rc_pack_numbers_reset(struct rc_pack_numbers *numbers);

/* Whether the text of this code is text. */
static inline bool
rc_pack_texts_is(const struct rc_pack_texts *texts, uint32_t code, struct rc_bytes text)
{
    const uint32_t begin = code == 0 ? 0 : texts->ends[code - 1];
    return texts->ends[code] - begin == text.size &&
           rc_bytes_match(texts->text + begin, text.data, text.size);
}

/* The code of a text, a new one if needed. */
RC_MUST_USE enum rc_status
rc_pack_texts_code(struct rc_pack_texts *texts, struct rc_bytes text, uint32_t *ret_code);

/* The same in two steps, so that what the one waits for is fetched while others are begun. */
uint64_t
rc_pack_texts_begin(const struct rc_pack_texts *texts, struct rc_bytes text);

RC_MUST_USE enum rc_status
rc_pack_texts_end(struct rc_pack_texts *texts,
                  struct rc_bytes text,
                  uint64_t begun,
                  uint32_t *ret_code);

/* Appends a text without looking for it: a list of texts, not a dictionary. */
RC_MUST_USE enum rc_status
rc_pack_texts_append(struct rc_pack_texts *texts, struct rc_bytes text);

RC_MUST_USE enum rc_status
rc_pack_numbers_code(struct rc_pack_numbers *numbers, uint64_t bits, uint32_t *ret_code);

#endif
