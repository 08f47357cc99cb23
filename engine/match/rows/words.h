/*
 * Words: operations on runs of 64-bit words taken as sets of rows. Small, so that they inline and
 * vectorise with the caller's block size.
 */
#ifndef RC_MATCH_ROWS_WORDS_H
#define RC_MATCH_ROWS_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "engine/base/limits.h"

/* The bits below count (0..64). */
static inline uint64_t
rc_word_below(uint32_t count)
{
    return count >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << count) - 1;
}

/* The bits that stand for rows of [begin, end) in the word whose first row is row. */
static inline uint64_t
rc_word_within(uint32_t row, uint32_t begin, uint32_t end)
{
    uint64_t bits = UINT64_MAX;
    if (row < begin)
        bits <<= begin % 64;
    if (end - row < 64)
        bits &= rc_word_below(end - row);
    return bits;
}

static inline bool
rc_words_has(const uint64_t *words, uint32_t index)
{
    return ((words[index / 64] >> (index % 64)) & 1) != 0;
}

/* How many bits are set. */
uint64_t
rc_words_count(const uint64_t *words, uint32_t word_count);

/* How many of the bits [begin, end), one at least, are set. */
uint64_t
rc_words_count_within(const uint64_t *words, uint32_t begin, uint32_t end);

/* Ranks of a set's members: by word how many come before it. How many there are in all. */
uint32_t
rc_words_rank(const uint64_t *words, size_t word_count, uint32_t *ranks);

/* How many members come before index. */
static inline uint32_t
rc_words_rank_of(const uint64_t *words, const uint32_t *ranks, uint32_t index)
{
    const uint64_t before = words[index / 64] & rc_word_below(index % 64);
    return ranks[index / 64] + (uint32_t)__builtin_popcountll(before);
}

/* Turns 64 words on their side: bit j of word i becomes bit i of word j. */
void
rc_words_turn(uint64_t words[64]);

/* Adds to each of counts[0 .. bit_count), at most 64, how many of 64 words have that bit. */
void
rc_words_count_bits(const uint64_t words[64], uint32_t bit_count, uint64_t *counts);

/* Adds to each of counts[0 .. word_count) how many bits the word has. */
void
rc_words_add_counts(const uint64_t *words, uint32_t word_count, uint64_t *counts);

/* Writes first and the place of each set bit, ascending; how many. rows has room for
 * RC_WORDS_ROWS_MORE more than there are, which may be written too. */
#define RC_WORDS_ROWS_MORE 8u
uint32_t
rc_words_rows(const uint64_t *words, uint32_t word_count, uint32_t first, uint32_t *rows);

static inline bool
rc_words_any(const uint64_t *words, uint32_t word_count)
{
    uint64_t any = 0;
    for (uint32_t i = 0; i < word_count; i++)
        any |= words[i];
    return any != 0;
}

/* The places of the words that have bits, at most RC_BLOCK_WORDS; how many. Where few do, a loop
 * over these is guessed right by the processor, and one over all words is not. */
static inline uint32_t
rc_words_list(const uint64_t *words, uint32_t word_count, uint16_t *places)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < word_count; i++) {
        places[count] = (uint16_t)i;
        count += words[i] != 0;
    }
    return count;
}

/* a &= b; whether anything is left. */
static inline bool
rc_words_and(uint64_t *a, const uint64_t *b, uint32_t word_count)
{
    uint64_t any = 0;
    for (uint32_t i = 0; i < word_count; i++) {
        a[i] &= b[i];
        any |= a[i];
    }
    return any != 0;
}

static inline void
rc_words_or(uint64_t *a, const uint64_t *b, uint32_t word_count)
{
    for (uint32_t i = 0; i < word_count; i++)
        a[i] |= b[i];
}

/* Sets the bits [begin, end). */
static inline void
rc_words_set_range(uint64_t *words, uint32_t begin, uint32_t end)
{
    if (begin >= end)
        return;
    const uint32_t first = begin / 64;
    const uint32_t last = (end - 1) / 64;
    const uint64_t first_mask = ~rc_word_below(begin % 64);
    const uint64_t last_mask = rc_word_below((end - 1) % 64 + 1);
    if (first == last) {
        words[first] |= first_mask & last_mask;
        return;
    }
    words[first] |= first_mask;
    for (uint32_t i = first + 1; i < last; i++)
        words[i] = ~(uint64_t)0;
    words[last] |= last_mask;
}

/* Turns the bits below row_count over; the others become zero. */
static inline void
rc_words_invert(uint64_t *words, uint32_t word_count, uint32_t row_count)
{
    for (uint32_t i = 0; i < word_count; i++)
        words[i] = ~words[i];
    const uint32_t whole = row_count / 64;
    if (whole < word_count) {
        words[whole] &= rc_word_below(row_count % 64);
        memset(words + whole + 1, 0, (word_count - whole - 1) * sizeof(*words));
    }
}

#endif
