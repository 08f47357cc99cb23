/*
 * Texts. A block of RC_TEXTS_BLOCK texts begins with a whole one (varint size, bytes); each that
 * follows is a varint common prefix with the one before, a varint size of the rest, and the rest.
 *
 * Why blocks of 16: a search looks at whole keys only, in place, and then decodes half a block; a
 * walk meets a whole key every 16 texts, which costs 1/16 of what the shared prefixes save.
 *
 * The search inside a block builds no key: it keeps how many bytes the last text, which is before
 * the one looked for, shares with it. A text that shares more with the last than that is before it,
 * too; one that shares less is behind; only one that shares as much has to be compared, and only
 * from there on.
 *
 * Bytes may be damaged (a slab is mapped without reading it): block starts, sizes and prefixes are
 * held against what there is before they are followed.
 */
#include "engine/store/texts/texts.h"

#include <string.h>

#include "engine/base/assert.h"

#define BUFFER_BYTES_FIRST ((size_t)256)

/* Reads a number below 2^28 in its shortest form. */
static inline bool
take_number(const unsigned char **at, const unsigned char *end, uint32_t *ret_number)
{
    const unsigned char *p = *at;
    if (p == end)
        return false;
    uint32_t number = *p & 0x7f;
    for (unsigned shift = 7; (*p++ & 0x80) != 0; shift += 7) {
        if (p == end || shift == 28 || *p == 0)
            return false;
        number |= (uint32_t)(*p & 0x7f) << shift;
    }
    *at = p;
    *ret_number = number;
    return true;
}

/* The bytes of a block; false: they are not inside those of the texts. */
static inline bool
block_bytes(const struct rc_texts *texts,
            uint32_t block,
            const unsigned char **ret_at,
            const unsigned char **ret_end)
{
    const bool last = block + 1 == rc_texts_block_count(texts->count);
    const uint64_t start = texts->block_starts[block];
    const uint64_t end = last ? texts->byte_count : texts->block_starts[block + 1];
    if (start > end || end > texts->byte_count)
        return false;
    *ret_at = texts->bytes + start;
    *ret_end = texts->bytes + end;
    return true;
}

void
rc_text_cursor_open(struct rc_text_cursor *cursor,
                    const struct rc_texts *texts,
                    struct rc_account *account)
{
    *cursor = (struct rc_text_cursor){
        .texts = *texts,
        .account = account == NULL ? &rc_account_process : account,
    };
}

void
rc_text_cursor_close(struct rc_text_cursor *cursor)
{
    rc_alloc_free(cursor->buffer);
    cursor->buffer = NULL;
}

static enum rc_status
grow_buffer(struct rc_text_cursor *cursor, size_t size)
{
    size_t capacity = cursor->capacity == 0 ? BUFFER_BYTES_FIRST : cursor->capacity;
    while (capacity < size)
        capacity *= 2;
    char *buffer = rc_alloc_in(cursor->account, capacity);
    if (buffer == NULL)
        return RC_NO_MEMORY;
    if (cursor->key.size > 0)
        memcpy(buffer, cursor->buffer, cursor->key.size);
    rc_alloc_free(cursor->buffer);
    cursor->buffer = buffer;
    cursor->capacity = capacity;
    return RC_OK;
}

enum rc_status
rc_text_cursor_next(struct rc_text_cursor *cursor)
{
    uint32_t prefix = 0;
    uint32_t rest = 0;
    if (cursor->next == cursor->texts.count)
        return RC_NOT_FOUND;
    if (cursor->next % RC_TEXTS_BLOCK == 0) {
        if (!block_bytes(&cursor->texts, cursor->next / RC_TEXTS_BLOCK, &cursor->at, &cursor->end))
            return RC_CORRUPT;
    } else if (!take_number(&cursor->at, cursor->end, &prefix) || prefix > cursor->key.size) {
        return RC_CORRUPT;
    }
    if (!take_number(&cursor->at, cursor->end, &rest) ||
        rest > (size_t)(cursor->end - cursor->at) || prefix + rest > RC_TEXT_BYTES_MAX || rest == 0)
        return RC_CORRUPT;
    if (prefix + rest > cursor->capacity)
        RC_TRY(grow_buffer(cursor, prefix + rest));
    memcpy(cursor->buffer + prefix, cursor->at, rest);
    cursor->at += rest;
    cursor->key = (struct rc_bytes){cursor->buffer, prefix + rest};
    cursor->prefix = prefix;
    cursor->number = cursor->next++;
    return RC_OK;
}

enum rc_status
rc_text_cursor_seek(struct rc_text_cursor *cursor, uint32_t number)
{
    RC_ASSERT(number < cursor->texts.count);
    if (cursor->next == number + 1)
        return RC_OK;
    const bool ahead = cursor->next % RC_TEXTS_BLOCK != 0 && cursor->next <= number &&
                       cursor->next / RC_TEXTS_BLOCK == number / RC_TEXTS_BLOCK;
    if (!ahead)
        cursor->next = number / RC_TEXTS_BLOCK * RC_TEXTS_BLOCK;
    do
        RC_TRY(rc_text_cursor_next(cursor));
    while (cursor->number != number);
    return RC_OK;
}

/* What is looked for: the first text at or above key, or the first past all that begin with it. */
struct target {
    struct rc_bytes key;
    bool past_prefix;
};

/* Whether a text lies before the target, of which *shared bytes are known to be the text's first.
 * rest are the bytes behind those; *shared grows to all that they share. */
static bool
is_before(const struct target *target, const unsigned char *rest, size_t rest_size, size_t *shared)
{
    const size_t wanted = target->key.size - *shared;
    const size_t size_max = rest_size < wanted ? rest_size : wanted;
    const size_t common = rc_bytes_common(rest, target->key.data + *shared, size_max);
    *shared += common;
    if (*shared == target->key.size)
        return target->past_prefix;
    return common == rest_size || rest[common] < (unsigned char)target->key.data[*shared];
}

/* The first text of a block, in place. */
static enum rc_status
block_first(const struct rc_texts *texts, uint32_t block, struct rc_bytes *ret_key)
{
    const unsigned char *at;
    const unsigned char *end;
    uint32_t size = 0;
    if (!block_bytes(texts, block, &at, &end) || !take_number(&at, end, &size) ||
        size > (size_t)(end - at))
        return RC_CORRUPT;
    *ret_key = (struct rc_bytes){(const char *)at, size};
    return RC_OK;
}

/* How many blocks begin before the target. */
static enum rc_status
count_blocks_before(const struct rc_texts *texts, const struct target *target, uint32_t *ret_count)
{
    uint32_t low = 0;
    uint32_t high = rc_texts_block_count(texts->count);
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        struct rc_bytes first;
        size_t shared = 0;
        RC_TRY(block_first(texts, middle, &first));
        if (is_before(target, (const unsigned char *)first.data, first.size, &shared))
            low = middle + 1;
        else
            high = middle;
    }
    *ret_count = low;
    return RC_OK;
}

/* The first text of a block, whose first is before the target, that is not; the number of the next
 * block's first when all are. */
static enum rc_status
search_block(const struct rc_texts *texts,
             uint32_t block,
             const struct target *target,
             uint32_t *ret_number,
             bool *ret_equal)
{
    const unsigned char *at;
    const unsigned char *end;
    uint32_t size = 0;
    uint32_t number = block * RC_TEXTS_BLOCK;
    const uint32_t left = texts->count - number;
    const uint32_t stop = number + (left < RC_TEXTS_BLOCK ? left : RC_TEXTS_BLOCK);
    size_t shared = 0;
    if (!block_bytes(texts, block, &at, &end) || !take_number(&at, end, &size) ||
        size > (size_t)(end - at))
        return RC_CORRUPT;
    (void)is_before(target, at, size, &shared);
    at += size;
    for (number++; number < stop; number++) {
        uint32_t prefix = 0;
        uint32_t rest = 0;
        if (!take_number(&at, end, &prefix) || !take_number(&at, end, &rest) || prefix > size ||
            rest > (size_t)(end - at))
            return RC_CORRUPT;
        if (prefix < shared)
            break;
        if (prefix == shared && !is_before(target, at, rest, &shared)) {
            *ret_equal = shared == target->key.size && prefix + rest == shared;
            break;
        }
        size = prefix + rest;
        at += rest;
    }
    *ret_number = number;
    return RC_OK;
}

static enum rc_status
search(const struct rc_texts *texts,
       const struct target *target,
       uint32_t *ret_number,
       bool *ret_equal)
{
    uint32_t blocks = 0;
    uint32_t number = 0;
    bool equal = false;
    if (texts->count == 0) {
        *ret_number = 0;
        *ret_equal = false;
        return RC_OK;
    }
    RC_TRY(count_blocks_before(texts, target, &blocks));
    if (blocks > 0)
        RC_TRY(search_block(texts, blocks - 1, target, &number, &equal));
    if (number == blocks * RC_TEXTS_BLOCK && number < texts->count) {
        struct rc_bytes first;
        RC_TRY(block_first(texts, blocks, &first));
        equal = rc_bytes_equal(first, target->key);
    }
    *ret_number = number;
    *ret_equal = equal;
    return RC_OK;
}

enum rc_status
rc_texts_lower_bound(const struct rc_texts *texts,
                     struct rc_bytes key,
                     uint32_t *ret_number,
                     bool *ret_equal)
{
    return search(texts, &(struct target){.key = key}, ret_number, ret_equal);
}

enum rc_status
rc_texts_prefix_range(const struct rc_texts *texts,
                      struct rc_bytes prefix,
                      uint32_t *ret_first,
                      uint32_t *ret_end)
{
    uint32_t first = 0;
    uint32_t end = 0;
    bool equal = false;
    RC_TRY(search(texts, &(struct target){.key = prefix}, &first, &equal));
    RC_TRY(search(texts, &(struct target){.key = prefix, .past_prefix = true}, &end, &equal));
    *ret_first = first;
    *ret_end = end;
    return end >= first ? RC_OK : RC_CORRUPT;
}
