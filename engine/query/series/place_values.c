/*
 * Place values: pairs in a table with open addressing that is at most three quarters full, and that
 * is doubled by adding everything again; bits where they take no more than the next table would.
 *
 * A full table that cannot be doubled halves the codes that it holds, but holds as many as there is
 * room of bits for: then it becomes bits. So codes are left to another round only where pairs are
 * many, and there are never more rounds than bits alone would take. Codes are halved and not hashes
 * of pairs, since bits need a stretch of codes.
 */
#include "engine/query/series/place_values.h"

#include <stdbool.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/hash.h"

#define SLOTS_FIRST 128u
#define WORDS_BETWEEN_LOOKS (1u << 14) /* At the cancel flag: about a millisecond. */
#define STRIDE 0x9e3779b97f4a7c15u     /* Odd; its multiples spread evenly. */

uint64_t rc_place_values_slots_max = (uint64_t)1 << 21;

void
rc_place_values_close(struct rc_place_values *values)
{
    values->slots = rc_alloc_free(values->slots);
    values->bits = rc_alloc_free(values->bits);
    values->pair_count = 0;
    values->slot_count = 0;
}

void
rc_place_values_open(struct rc_place_values *values,
                     const struct rc_query_context *context,
                     uint64_t place_count,
                     uint32_t first,
                     uint32_t width)
{
    RC_ASSERT(first > 0 && width > 0); /* No pair is 0. */
    RC_ASSERT(place_count <= UINT32_MAX);
    rc_place_values_close(values);
    *values = (struct rc_place_values){.context = context,
                                       .place_count = place_count,
                                       .slots_max = rc_place_values_slots_max,
                                       .first = first,
                                       .width = width};
}

static uint64_t *
words_new(const struct rc_place_values *values, uint64_t count)
{
    uint64_t *words = rc_alloc_in(values->context->account, count * sizeof(*words));
    if (words != NULL)
        memset(words, 0, count * sizeof(*words));
    return words;
}

/* The at-th word or slot is next: looks at the cancel flag now and then. */
static inline enum rc_status
look(const struct rc_place_values *values, uint64_t at)
{
    const _Atomic(bool) *cancel = values->context->cancel;
    const bool cancelled = at % WORDS_BETWEEN_LOOKS == 0 && cancel != NULL &&
                           atomic_load_explicit(cancel, memory_order_relaxed);
    return cancelled ? RC_CANCELLED : RC_OK;
}

/* The slot of a pair: the one that holds it, or the free one where it belongs. */
static inline uint64_t
slot_of(const struct rc_place_values *values, uint64_t pair)
{
    uint64_t slot = rc_hash_u64(pair) & (values->slot_count - 1);
    while (values->slots[slot] != 0 && values->slots[slot] != pair)
        slot = (slot + 1) & (values->slot_count - 1);
    return slot;
}

/* Adds the pairs of a table, every stride-th after the other; stride is odd. */
static enum rc_status
add_slots(struct rc_place_values *values,
          const uint64_t *slots,
          uint64_t slot_count,
          uint64_t stride)
{
    for (uint64_t i = 0; i < slot_count; i++) {
        const uint64_t pair = slots[i * stride & (slot_count - 1)];
        RC_TRY(look(values, i));
        if (pair != 0)
            RC_TRY(rc_place_values_add(values, pair >> 32, (uint32_t)pair));
    }
    return RC_OK;
}

/* Moves what is held of the pairs to bits, or to a table of so many slots. */
static enum rc_status
rebuild(struct rc_place_values *values, bool to_bits, uint64_t count)
{
    uint64_t *words = words_new(values, count);
    if (words == NULL)
        return RC_NO_MEMORY;
    RC_CLEANUP(rc_alloc_freep) uint64_t *slots = values->slots;
    const uint64_t slot_count = values->slot_count;
    values->slots = to_bits ? NULL : words;
    values->bits = to_bits ? words : NULL;
    values->slot_count = to_bits ? 0 : count;
    values->pair_count = 0;
    return add_slots(values, slots, slot_count, 1);
}

/* The words that bits may take. */
static uint64_t
bits_max(const struct rc_place_values *values)
{
    const uint64_t words = 2 * rc_place_values_slots_max;
    return words < values->place_count ? values->place_count : words;
}

static enum rc_status
make_room(struct rc_place_values *values)
{
    const uint64_t first = SLOTS_FIRST < values->slots_max ? SLOTS_FIRST : values->slots_max;
    const uint64_t next = values->slot_count == 0 ? first : 2 * values->slot_count;
    const uint64_t words = values->place_count * rc_place_values_words(values);
    const bool full = next > values->slots_max;
    if (words <= (full ? bits_max(values) : next))
        return rebuild(values, true, words);
    if (!full)
        return rebuild(values, false, next);
    const uint64_t fits = bits_max(values) / values->place_count * 64;
    RC_ASSERT(fits < values->width);
    values->width = values->width / 2 > fits ? values->width / 2 : (uint32_t)fits;
    return rebuild(values, false, values->slot_count);
}

enum rc_status
rc_place_values_add_pair(struct rc_place_values *values, uint64_t place, uint32_t code)
{
    RC_ASSERT(place < values->place_count);
    if (values->pair_count >= values->slot_count / 4 * 3) {
        RC_TRY(make_room(values));
        return rc_place_values_add(values, place, code); /* To bits, or not held any more. */
    }
    const uint64_t pair = place << 32 | code;
    const uint64_t slot = slot_of(values, pair);
    values->pair_count += values->slots[slot] == 0;
    values->slots[slot] = pair;
    return RC_OK;
}

/* Adds the pairs of bits. */
static enum rc_status
add_bits(struct rc_place_values *values, const struct rc_place_values *others)
{
    const uint64_t words = rc_place_values_words(others);
    for (uint64_t i = 0; i < others->place_count * words; i++) {
        RC_TRY(look(values, i));
        if (values->bits != NULL && values->width == others->width) {
            values->bits[i] |= others->bits[i];
            continue;
        }
        for (uint64_t left = others->bits[i]; left != 0; left &= left - 1) {
            const uint64_t at = i % words * 64 + (uint64_t)__builtin_ctzll(left);
            RC_TRY(rc_place_values_add(values, i / words, others->first + (uint32_t)at));
        }
    }
    return RC_OK;
}

enum rc_status
rc_place_values_join(struct rc_place_values *values, struct rc_place_values *others)
{
    RC_ASSERT(others->first == values->first && others->place_count == values->place_count);
    values->slots_max += others->slots_max;
    /* Not in the order of slots, which is that of hashes: they would crowd in one part of the table
     * after the other. */
    const enum rc_status status =
        others->bits != NULL ? add_bits(values, others)
                             : add_slots(values, others->slots, others->slot_count, STRIDE);
    rc_place_values_close(others);
    return status;
}

enum rc_status
rc_place_values_count(const struct rc_place_values *values, double *counts)
{
    const uint64_t words = rc_place_values_words(values);
    for (uint64_t slot = 0; slot < values->slot_count; slot++) {
        RC_TRY(look(values, slot));
        if (values->slots[slot] != 0)
            counts[values->slots[slot] >> 32]++;
    }
    for (uint64_t i = 0; values->bits != NULL && i < values->place_count * words; i++) {
        RC_TRY(look(values, i));
        counts[i / words] += __builtin_popcountll(values->bits[i]);
    }
    return RC_OK;
}
