/*
 * Rowset list. Reading goes from one to the next in the buckets' words: its place less its index is
 * how many zeros are before, which is its bucket. Seeking counts zeros word by word, of one block.
 */
#include "engine/match/rows/rowset_list.h"

#include <string.h>

#include "engine/base/assert.h"

#define BLOCK_BITS 16u

_Static_assert(RC_BLOCK_ROWS == 1u << BLOCK_BITS, "a row of a block has so many bits");

/* Bytes that are read behind the last low bits. */
#define LOWS_PADDING 4u

static uint32_t
buckets_per_block(uint32_t low_bits)
{
    return RC_BLOCK_ROWS >> low_bits;
}

uint32_t
rc_rowset_list_low_bits(uint32_t row_count, uint32_t cardinality)
{
    uint32_t bits = 0;
    while (bits < BLOCK_BITS && row_count / cardinality >> (bits + 1) != 0)
        bits++;
    return bits;
}

static uint64_t
starts_bytes(uint32_t block_count)
{
    return ((uint64_t)block_count + 1) * sizeof(uint32_t);
}

/* Before the buckets, whole words. */
static uint64_t
buckets_at(uint32_t block_count, uint32_t cardinality, uint32_t low_bits)
{
    const uint64_t lows = ((uint64_t)cardinality * low_bits + 7) / 8 + LOWS_PADDING;
    return (starts_bytes(block_count) + lows + 7) / 8 * 8;
}

static uint64_t
bucket_words(uint32_t block_count, uint32_t cardinality, uint32_t low_bits)
{
    return (cardinality + (uint64_t)block_count * buckets_per_block(low_bits) + 63) / 64;
}

uint64_t
rc_rowset_list_bytes(uint32_t block_count, uint32_t cardinality, uint32_t low_bits)
{
    return buckets_at(block_count, cardinality, low_bits) +
           bucket_words(block_count, cardinality, low_bits) * sizeof(uint64_t);
}

struct rc_rowset_list
rc_rowset_list_of(const void *bytes, uint32_t block_count, uint32_t cardinality, uint32_t low_bits)
{
    const unsigned char *begin = bytes;
    return (struct rc_rowset_list){
        .block_count = block_count,
        .low_bits = low_bits,
        .starts = bytes,
        .lows = begin + starts_bytes(block_count),
        .buckets = (const void *)(begin + buckets_at(block_count, cardinality, low_bits)),
    };
}

static uint64_t
first_bit(const struct rc_rowset_list *list, uint32_t block)
{
    return list->starts[block] + (uint64_t)block * buckets_per_block(list->low_bits);
}

static uint32_t
low_of(const struct rc_rowset_list *list, uint32_t index)
{
    const uint64_t bit = (uint64_t)index * list->low_bits;
    uint32_t word;
    memcpy(&word, list->lows + bit / 8, sizeof(word));
    return word >> (bit % 8) & ((1u << list->low_bits) - 1);
}

void
rc_rowset_list_write(void *bytes,
                     uint32_t block_count,
                     uint32_t low_bits,
                     const uint32_t *starts,
                     const uint16_t *rows)
{
    const uint32_t cardinality = starts[block_count];
    memset(bytes, 0, rc_rowset_list_bytes(block_count, cardinality, low_bits));
    memcpy(bytes, starts, starts_bytes(block_count));
    const struct rc_rowset_list list = rc_rowset_list_of(bytes, block_count, cardinality, low_bits);
    unsigned char *lows = (unsigned char *)bytes + (list.lows - (const unsigned char *)bytes);
    uint64_t *buckets =
        (uint64_t *)bytes + buckets_at(block_count, cardinality, low_bits) / sizeof(*buckets);
    const uint32_t low_mask = (1u << low_bits) - 1;
    for (uint32_t block = 0; block < block_count; block++) {
        const uint64_t first = first_bit(&list, block) - starts[block];
        for (uint32_t i = starts[block]; i < starts[block + 1]; i++) {
            const uint64_t low_bit = (uint64_t)i * low_bits;
            const uint64_t bit = first + i + (rows[i] >> low_bits);
            uint32_t word;
            memcpy(&word, lows + low_bit / 8, sizeof(word));
            word |= (rows[i] & low_mask) << (low_bit % 8);
            memcpy(lows + low_bit / 8, &word, sizeof(word));
            buckets[bit / 64] |= (uint64_t)1 << (bit % 64);
        }
    }
}

/* Where the rows of a bucket begin, of a block. */
__attribute__((always_inline)) static inline uint64_t
bucket_begin(const struct rc_rowset_list *list, uint32_t block, uint32_t bucket)
{
    const uint64_t first = first_bit(list, block);
    uint64_t word_at = first / 64;
    /* Zeros from here on; what is before the first bit counts as ones. */
    uint64_t zeros = ~list->buckets[word_at] & UINT64_MAX << (first % 64);
    uint32_t left = bucket; /* Zeros to pass. */
    if (left == 0)
        return first;
    for (;;) {
        const uint32_t count = (uint32_t)__builtin_popcountll(zeros);
        if (count >= left)
            break;
        left -= count;
        zeros = ~list->buckets[++word_at];
    }
    for (; left > 1; left--)
        zeros &= zeros - 1;
    return word_at * 64 + (uint64_t)__builtin_ctzll(zeros) + 1;
}

#if defined(__x86_64__)

__attribute__((target("popcnt"))) static uint64_t
bucket_begin_popcnt(const struct rc_rowset_list *list, uint32_t block, uint32_t bucket)
{
    return bucket_begin(list, block, bucket);
}

static uint64_t
bucket_begin_best(const struct rc_rowset_list *list, uint32_t block, uint32_t bucket)
{
    return __builtin_cpu_supports("popcnt") ? bucket_begin_popcnt(list, block, bucket)
                                            : bucket_begin(list, block, bucket);
}

#else

static uint64_t
bucket_begin_best(const struct rc_rowset_list *list, uint32_t block, uint32_t bucket)
{
    return bucket_begin(list, block, bucket);
}

#endif

struct rc_rowset_list_place
rc_rowset_list_seek(const struct rc_rowset_list *list, uint32_t row)
{
    const uint32_t block = row / RC_BLOCK_ROWS;
    RC_ASSERT(block < list->block_count);
    const uint32_t bucket = row % RC_BLOCK_ROWS >> list->low_bits;
    const uint32_t low = row & ((1u << list->low_bits) - 1);
    const uint64_t bit = bucket_begin_best(list, block, bucket);
    const uint64_t before = (uint64_t)block * buckets_per_block(list->low_bits) + bucket;
    struct rc_rowset_list_place place = {(uint32_t)(bit - before), block, bit};
    while ((list->buckets[place.bit / 64] >> (place.bit % 64) & 1) != 0 &&
           low_of(list, place.index) < low) {
        place.index++;
        place.bit++;
    }
    return place;
}

uint32_t
rc_rowset_list_row(const struct rc_rowset_list *list, uint32_t index)
{
    uint32_t block = 0;
    for (uint32_t end = list->block_count; end - block > 1;) {
        const uint32_t middle = block + (end - block) / 2;
        if (list->starts[middle] <= index)
            block = middle;
        else
            end = middle;
    }
    const uint64_t first = first_bit(list, block);
    uint64_t word_at = first / 64;
    uint64_t word = list->buckets[word_at] & UINT64_MAX << (first % 64);
    for (uint32_t left = index - list->starts[block];; left--) {
        while (word == 0)
            word = list->buckets[++word_at];
        if (left == 0)
            break;
        word &= word - 1;
    }
    const uint64_t bit = word_at * 64 + (uint64_t)__builtin_ctzll(word);
    const uint32_t bucket = (uint32_t)(bit - first) - (index - list->starts[block]);
    return block * RC_BLOCK_ROWS + (bucket << list->low_bits | low_of(list, index));
}

/* Copies those of one block with an index below stop; false: a row at or past end came. */
static bool
read_block(const struct rc_rowset_list *list,
           struct rc_rowset_list_place *place,
           uint32_t stop,
           uint32_t end,
           uint32_t *rows)
{
    const struct rc_rowset_list local = *list; /* Rows that are written are no part of it. */
    const uint32_t base = place->block * RC_BLOCK_ROWS;
    const uint64_t buckets_before = (uint64_t)place->block * buckets_per_block(local.low_bits);
    uint32_t index = place->index;
    uint64_t bit = place->bit;
    uint64_t first = bit / 64 * 64; /* Of word. */
    uint64_t word = local.buckets[bit / 64] & UINT64_MAX << (bit % 64);
    bool more = true;
    while (index < stop) {
        while (word == 0) {
            first += 64;
            word = local.buckets[first / 64];
        }
        const uint64_t at = first + (uint64_t)__builtin_ctzll(word);
        const uint32_t bucket = (uint32_t)(at - index - buckets_before);
        const uint32_t row = base + (bucket << local.low_bits | low_of(&local, index));
        more = row < end;
        if (!more)
            break;
        *rows++ = row;
        word &= word - 1;
        index++;
        bit = at + 1;
    }
    place->index = index;
    place->bit = bit;
    return more;
}

uint32_t
rc_rowset_list_read(const struct rc_rowset_list *list,
                    struct rc_rowset_list_place *place,
                    uint32_t end,
                    uint32_t *rows,
                    uint32_t capacity)
{
    const uint32_t cardinality = list->starts[list->block_count];
    uint32_t count = 0;
    bool more = true;
    while (more && count < capacity && place->index < cardinality) {
        while (place->index == list->starts[place->block + 1]) {
            place->block++;
            place->bit = first_bit(list, place->block);
        }
        const uint32_t first = place->index;
        const uint32_t left = list->starts[place->block + 1] - first;
        const uint32_t stop = first + (left < capacity - count ? left : capacity - count);
        more = read_block(list, place, stop, end, rows + count);
        count += place->index - first;
    }
    return count;
}

/* Whether the buckets of a block are so many, with as many rows. */
static bool
block_is_sound(const struct rc_rowset_list *list, uint32_t block)
{
    const uint64_t end = first_bit(list, block + 1);
    uint32_t ones = 0;
    for (uint64_t bit = first_bit(list, block); bit < end; bit++)
        ones += (uint32_t)(list->buckets[bit / 64] >> (bit % 64) & 1);
    const bool ends_a_bucket = (list->buckets[(end - 1) / 64] >> ((end - 1) % 64) & 1) == 0;
    return ends_a_bucket && ones == list->starts[block + 1] - list->starts[block];
}

bool
rc_rowset_list_is_sound(const struct rc_rowset_list *list, uint32_t row_count)
{
    const uint32_t cardinality = list->starts[list->block_count];
    struct rc_rowset_list_place place = {0};
    uint32_t next = 0;
    if (list->starts[0] != 0)
        return false;
    for (uint32_t block = 0; block < list->block_count; block++)
        if (list->starts[block + 1] < list->starts[block] ||
            list->starts[block + 1] > cardinality || !block_is_sound(list, block))
            return false;
    for (uint32_t i = 0; i < cardinality; i++) {
        uint32_t row;
        if (rc_rowset_list_read(list, &place, row_count, &row, 1) != 1 || row < next ||
            row / RC_BLOCK_ROWS != place.block)
            return false;
        next = row + 1;
    }
    return true;
}
