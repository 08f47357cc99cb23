/*
 * Open addressing with linear probing, at most half full. A slot holds 32 bits of the hash, so a
 * text is compared only when it is almost certainly the one.
 */
#include "loaders/pack_dictionary.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/hash.h"

#define SLOTS_MIN 64

static void
slots_put(struct rc_pack_slots *index, uint64_t slot)
{
    size_t at = (slot >> 32) & (index->capacity - 1);
    while (index->slots[at] != 0)
        at = (at + 1) & (index->capacity - 1);
    index->slots[at] = slot;
}

static enum rc_status
slots_double(struct rc_pack_slots *index)
{
    const size_t capacity = index->capacity == 0 ? SLOTS_MIN : 2 * index->capacity;
    uint64_t *slots = rc_alloc_zero(capacity * sizeof(*slots));
    if (slots == NULL)
        return RC_NO_MEMORY;
    struct rc_pack_slots grown = {slots, capacity, index->count};
    for (size_t i = 0; i < index->capacity; i++)
        if (index->slots[i] != 0)
            slots_put(&grown, index->slots[i]);
    rc_alloc_free(index->slots);
    *index = grown;
    return RC_OK;
}

/* Makes room for one more code. */
static inline enum rc_status
slots_grow(struct rc_pack_slots *index)
{
    return 2 * ((size_t)index->count + 1) <= index->capacity ? RC_OK : slots_double(index);
}

static void
slots_reset(struct rc_pack_slots *index)
{
    if (index->count > 0)
        memset(index->slots, 0, index->capacity * sizeof(*index->slots));
    index->count = 0;
}

/* The high word of every slot: never 0 in its place among the slots, as codes are never 0. */
static uint64_t
slot_of(uint64_t hash, uint32_t code)
{
    return (hash & 0xffffffff00000000ULL) | ((uint64_t)code + 1);
}

void
rc_pack_texts_close(struct rc_pack_texts *texts)
{
    rc_alloc_free(texts->index.slots);
    rc_alloc_free(texts->text);
    rc_alloc_free(texts->ends);
    *texts = (struct rc_pack_texts){0};
}

void
rc_pack_numbers_close(struct rc_pack_numbers *numbers)
{
    rc_alloc_free(numbers->index.slots);
    rc_alloc_free(numbers->values);
    *numbers = (struct rc_pack_numbers){0};
}

void
rc_pack_texts_reset(struct rc_pack_texts *texts)
{
    slots_reset(&texts->index);
    texts->text_size = 0;
    texts->count = 0;
    texts->last = 0;
}

void
rc_pack_numbers_reset(struct rc_pack_numbers *numbers)
{
    slots_reset(&numbers->index);
    numbers->count = 0;
    numbers->last = 0;
}

enum rc_status
rc_pack_texts_append(struct rc_pack_texts *texts, struct rc_bytes text)
{
    if (text.size > UINT32_MAX - texts->text_size)
        return RC_NO_MEMORY;
    RC_TRY(RC_GROW(texts->text, texts->text_capacity, texts->text_size + text.size + 1));
    RC_TRY(RC_GROW(texts->ends, texts->end_capacity, (size_t)texts->count + 1));
    if (text.size > 0)
        memcpy(texts->text + texts->text_size, text.data, text.size);
    texts->text_size += text.size;
    texts->ends[texts->count++] = (uint32_t)texts->text_size;
    return RC_OK;
}

enum rc_status
rc_pack_texts_code(struct rc_pack_texts *texts, struct rc_bytes text, uint32_t *ret_code)
{
    if (texts->count > 0 && rc_pack_texts_is(texts, texts->last, text)) {
        *ret_code = texts->last;
        return RC_OK;
    }
    return rc_pack_texts_end(texts, text, rc_hash(text.data, text.size), ret_code);
}

uint64_t
rc_pack_texts_begin(const struct rc_pack_texts *texts, struct rc_bytes text)
{
    const uint64_t hash = rc_hash(text.data, text.size);
    if (texts->index.capacity > 0)
        __builtin_prefetch(&texts->index.slots[(hash >> 32) & (texts->index.capacity - 1)]);
    return hash;
}

enum rc_status
rc_pack_texts_end(struct rc_pack_texts *texts,
                  struct rc_bytes text,
                  uint64_t hash,
                  uint32_t *ret_code)
{
    RC_TRY(slots_grow(&texts->index));
    const size_t mask = texts->index.capacity - 1;
    for (size_t at = (hash >> 32) & mask; texts->index.slots[at] != 0; at = (at + 1) & mask) {
        const uint64_t slot = texts->index.slots[at];
        const uint32_t code = (uint32_t)slot - 1;
        if (slot >> 32 == hash >> 32 && rc_pack_texts_is(texts, code, text)) {
            texts->last = code;
            *ret_code = code;
            return RC_OK;
        }
    }
    RC_TRY(rc_pack_texts_append(texts, text));
    texts->last = texts->count - 1;
    slots_put(&texts->index, slot_of(hash, texts->last));
    texts->index.count++;
    *ret_code = texts->last;
    return RC_OK;
}

enum rc_status
rc_pack_numbers_code(struct rc_pack_numbers *numbers, uint64_t bits, uint32_t *ret_code)
{
    if (numbers->count > 0 && numbers->values[numbers->last] == bits) {
        *ret_code = numbers->last;
        return RC_OK;
    }
    RC_TRY(slots_grow(&numbers->index));
    const uint64_t hash = rc_hash_u64(bits);
    const size_t mask = numbers->index.capacity - 1;
    for (size_t at = (hash >> 32) & mask; numbers->index.slots[at] != 0; at = (at + 1) & mask) {
        const uint32_t code = (uint32_t)numbers->index.slots[at] - 1;
        if (numbers->values[code] == bits) {
            numbers->last = code;
            *ret_code = code;
            return RC_OK;
        }
    }
    RC_TRY(RC_GROW(numbers->values, numbers->value_capacity, (size_t)numbers->count + 1));
    numbers->last = numbers->count;
    numbers->values[numbers->count++] = bits;
    slots_put(&numbers->index, slot_of(hash, numbers->last));
    numbers->index.count++;
    *ret_code = numbers->last;
    return RC_OK;
}
