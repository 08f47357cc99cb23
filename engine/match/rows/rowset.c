/*
 * Rowset: five forms. Empty and full sets are a kind and no bits: a third of all (predicate, slab)
 * pairs. Dense ones are plain words, because the library's containers are slow to walk row by row.
 * Sparse ones are lists (rowset_list.h) in one block of memory: 7 to 16 bits a row and 4 bytes a
 * block of rows, where Roaring takes 16, a container and two allocations. Sets whose rows come in
 * runs (what stays the same for a user or a session) are Roaring: its runs take a fraction of
 * either. The figures are in docs/benchmarks.md; BM_Rowset* take them.
 *
 * Invariants (rc_rowset_check):
 *   1. EMPTY has no rows, FULL has all; the others have some and not all.
 *   2. No row is at or past row_count; words past it are zero. Lists ascend.
 *   3. cardinality is the number of rows.
 */
#include "engine/match/rows/rowset.h"

#include "engine/base/assert.h"
#include "engine/match/rows/rowset_form.h"
#include "engine/match/rows/words.h"

struct rc_rowset *
rc_rowset_ref(struct rc_rowset *set)
{
    atomic_fetch_add_explicit(&set->reference_count, 1, memory_order_relaxed);
    return set;
}

struct rc_rowset *
rc_rowset_unref(struct rc_rowset *set)
{
    if (set == NULL ||
        atomic_fetch_sub_explicit(&set->reference_count, 1, memory_order_acq_rel) != 1)
        return NULL;
    rc_alloc_free(atomic_load_explicit(&set->times, memory_order_relaxed));
    rc_alloc_free(atomic_load_explicit(&set->users, memory_order_relaxed));
    if (set->form == RC_ROWSET_ROARING) {
        roaring_bitmap_free(set->roaring);
        rc_account_release(set->account, set->bytes);
    } else if (set->bytes != 0) {
        rc_alloc_free(set->words);
    }
    return rc_alloc_free(set);
}

uint32_t
rc_rowset_row_count(const struct rc_rowset *set)
{
    return set->row_count;
}

uint64_t
rc_rowset_cardinality(const struct rc_rowset *set)
{
    return set->cardinality;
}

uint64_t
rc_rowset_memory_bytes(const struct rc_rowset *set)
{
    const uint64_t kept = (rc_rowset_times(set) == NULL ? 0 : RC_ROWSET_TIME_BYTES) +
                          (rc_rowset_users(set) == NULL ? 0 : RC_ROWSET_USER_BYTES);
    return sizeof(*set) + set->bytes + kept * set->cardinality;
}

/* How many rows of a list are before row. */
static uint32_t
list_index(const struct rc_rowset *set, uint32_t row)
{
    const struct rc_rowset_list list = rc_rowset_list(set);
    return row >= set->row_count ? set->cardinality : rc_rowset_list_seek(&list, row).index;
}

bool
rc_rowset_contains(const struct rc_rowset *set, uint32_t row)
{
    if (row >= set->row_count)
        return false;
    switch (set->form) {
    case RC_ROWSET_EMPTY:
        return false;
    case RC_ROWSET_FULL:
        return true;
    case RC_ROWSET_WORDS:
        return (set->words[row / 64] >> (row % 64) & 1) != 0;
    case RC_ROWSET_LIST:
        return list_index(set, row + 1) > list_index(set, row);
    case RC_ROWSET_ROARING:
        return roaring_bitmap_contains(set->roaring, row);
    }
    return false;
}

/* How many of count ascending rows are below end. */
static uint32_t
count_below(const uint32_t *rows, uint32_t count, uint32_t end)
{
    uint32_t low = 0;
    while (low < count) {
        const uint32_t middle = low + (count - low) / 2;
        if (rows[middle] < end)
            low = middle + 1;
        else
            count = middle;
    }
    return low;
}

/* Copies rows of a Roaring set from *cursor on, below end; in pieces, so that little is read past
 * end. */
static uint32_t
roaring_read(const struct rc_rowset *set,
             uint32_t *cursor,
             uint32_t end,
             uint32_t *rows,
             uint32_t capacity)
{
    const uint32_t piece = 128;
    roaring_uint32_iterator_t iterator;
    roaring_init_iterator(set->roaring, &iterator);
    if (*cursor > 0 && !roaring_move_uint32_iterator_equalorlarger(&iterator, *cursor)) {
        *cursor = end;
        return 0;
    }
    uint32_t count = 0;
    while (count < capacity) {
        const uint32_t wanted = capacity - count < piece ? capacity - count : piece;
        const uint32_t got = roaring_read_uint32_iterator(&iterator, rows + count, wanted);
        const uint32_t taken = count_below(rows + count, got, end);
        count += taken;
        if (got < wanted || taken < got) {
            *cursor = end;
            return count;
        }
    }
    *cursor = rows[count - 1] + 1;
    return count;
}

static uint32_t
words_read(const struct rc_rowset *set,
           uint32_t *cursor,
           uint32_t end,
           uint32_t *rows,
           uint32_t capacity)
{
    uint32_t count = 0;
    uint32_t at = *cursor;
    while (at < end) {
        const uint32_t base = at & ~63u;
        uint64_t word = set->words[at / 64] & ~rc_word_below(at % 64);
        if (end - base < 64)
            word &= rc_word_below(end - base);
        for (; word != 0; word &= word - 1) {
            const uint32_t row = base + (uint32_t)__builtin_ctzll(word);
            if (count == capacity) {
                *cursor = row;
                return count;
            }
            rows[count++] = row;
        }
        at = base + 64;
    }
    *cursor = end;
    return count;
}

static uint32_t
list_read(const struct rc_rowset *set,
          uint32_t *cursor,
          uint32_t end,
          uint32_t *rows,
          uint32_t capacity)
{
    const struct rc_rowset_list list = rc_rowset_list(set);
    struct rc_rowset_list_place place = rc_rowset_list_seek(&list, *cursor);
    const uint32_t count = rc_rowset_list_read(&list, &place, end, rows, capacity);
    *cursor = count < capacity ? end : rows[count - 1] + 1;
    return count;
}

uint32_t
rc_rowset_read(const struct rc_rowset *set,
               uint32_t *cursor,
               uint32_t end,
               uint32_t *rows,
               uint32_t capacity)
{
    const uint32_t last = end < set->row_count ? end : set->row_count;
    uint32_t count = 0;
    if (*cursor >= last || set->form == RC_ROWSET_EMPTY) {
        *cursor = end > *cursor ? end : *cursor;
        return 0;
    }
    if (capacity == 0)
        return 0;
    switch (set->form) {
    case RC_ROWSET_WORDS:
        count = words_read(set, cursor, last, rows, capacity);
        break;
    case RC_ROWSET_LIST:
        count = list_read(set, cursor, last, rows, capacity);
        break;
    case RC_ROWSET_ROARING:
        count = roaring_read(set, cursor, last, rows, capacity);
        break;
    default: /* FULL */
        count = last - *cursor < capacity ? last - *cursor : capacity;
        for (uint32_t i = 0; i < count; i++)
            rows[i] = *cursor + i;
        *cursor += count;
        break;
    }
    if (*cursor >= last)
        *cursor = end;
    return count;
}

/* The rows of a block of a list as words. */
static void
list_words(const struct rc_rowset_list *list, uint32_t block, uint64_t words[RC_BLOCK_WORDS])
{
    struct rc_rowset_list_place place = rc_rowset_list_seek(list, block * RC_BLOCK_ROWS);
    const uint32_t end = (block + 1) * RC_BLOCK_ROWS;
    uint32_t rows[256];
    uint32_t count;
    memset(words, 0, RC_BLOCK_WORDS * sizeof(*words));
    while ((count = rc_rowset_list_read(list, &place, end, rows, 256)) > 0)
        for (uint32_t i = 0; i < count; i++)
            words[rows[i] % RC_BLOCK_ROWS / 64] |= (uint64_t)1 << (rows[i] % 64);
}

enum rc_block_kind
rc_rowset_block(const struct rc_rowset *set,
                uint32_t block,
                uint64_t scratch[RC_BLOCK_WORDS],
                const uint64_t **ret_words)
{
    RC_ASSERT((uint64_t)block * RC_BLOCK_ROWS < set->row_count);
    if (set->form == RC_ROWSET_EMPTY)
        return RC_BLOCK_EMPTY;
    if (set->form == RC_ROWSET_FULL)
        return RC_BLOCK_FULL;
    const uint32_t begin = block * RC_BLOCK_ROWS;
    const uint32_t left = set->row_count - begin;
    const uint32_t row_count = left < RC_BLOCK_ROWS ? left : RC_BLOCK_ROWS;
    if (set->form == RC_ROWSET_WORDS) {
        const uint64_t *words = set->words + (size_t)block * RC_BLOCK_WORDS;
        /* A dense set has a row among the first few: who reads a few rows waits for no others. */
        if (words[0] == 0 && !rc_words_any(words, RC_BLOCK_WORDS))
            return RC_BLOCK_EMPTY;
        *ret_words = words;
        return RC_BLOCK_MIXED;
    }
    if (set->form == RC_ROWSET_LIST) {
        const struct rc_rowset_list list = rc_rowset_list(set);
        const uint32_t count = list.starts[block + 1] - list.starts[block];
        if (count == 0 || count == row_count)
            return count == 0 ? RC_BLOCK_EMPTY : RC_BLOCK_FULL;
        list_words(&list, block, scratch);
        *ret_words = scratch;
        return RC_BLOCK_MIXED;
    }
    uint32_t rows[512];
    uint32_t cursor = begin;
    uint32_t total = 0;
    while (cursor < begin + row_count) {
        const uint32_t count = roaring_read(set, &cursor, begin + row_count, rows, 512);
        if (total == 0 && count > 0)
            memset(scratch, 0, RC_BLOCK_WORDS * sizeof(*scratch));
        for (uint32_t i = 0; i < count; i++) {
            const uint32_t bit = rows[i] - begin;
            scratch[bit / 64] |= (uint64_t)1 << (bit % 64);
        }
        total += count;
    }
    if (total == 0 || total == row_count)
        return total == 0 ? RC_BLOCK_EMPTY : RC_BLOCK_FULL;
    *ret_words = scratch;
    return RC_BLOCK_MIXED;
}

uint64_t
rc_rowset_count_range(const struct rc_rowset *set, uint32_t begin, uint32_t end)
{
    if (end > set->row_count)
        end = set->row_count;
    if (begin >= end || set->form == RC_ROWSET_EMPTY)
        return 0;
    if (set->form == RC_ROWSET_FULL)
        return end - begin;
    if (set->form == RC_ROWSET_LIST)
        return list_index(set, end) - list_index(set, begin);
    if (set->form == RC_ROWSET_ROARING)
        return roaring_bitmap_range_cardinality(set->roaring, begin, end);
    return rc_words_count_within(set->words, begin, end);
}

enum rc_status
rc_rowset_check(const struct rc_rowset *set, struct rc_error *reterr_error)
{
    const uint64_t cardinality = set->cardinality;
    uint64_t counted = 0;
    bool in_range = true;
    switch (set->form) {
    case RC_ROWSET_EMPTY:
        break;
    case RC_ROWSET_FULL:
        counted = set->row_count;
        break;
    case RC_ROWSET_WORDS: {
        const uint32_t word_count = (uint32_t)(set->bytes / sizeof(*set->words));
        counted = rc_words_count(set->words, word_count);
        in_range = rc_rowset_count_range(set, 0, set->row_count) == counted;
        break;
    }
    case RC_ROWSET_LIST: {
        const struct rc_rowset_list list = rc_rowset_list(set);
        in_range = rc_rowset_list_is_sound(&list, set->row_count);
        counted = list.starts[list.block_count];
        break;
    }
    case RC_ROWSET_ROARING:
        counted = roaring_bitmap_get_cardinality(set->roaring);
        in_range = counted > 0 && roaring_bitmap_maximum(set->roaring) < set->row_count;
        break;
    }
    const bool some = set->form != RC_ROWSET_EMPTY && set->form != RC_ROWSET_FULL;
    if (some && (cardinality == 0 || cardinality == set->row_count))
        return rc_error_set(reterr_error, RC_CORRUPT, "a rowset has a form that it does not need");
    if (!in_range)
        return rc_error_set(reterr_error, RC_CORRUPT,
                            "a rowset holds a row past its slab, or rows that do not ascend");
    if (counted != cardinality)
        return rc_error_set(reterr_error, RC_CORRUPT, "a rowset's cardinality is off");
    return RC_OK;
}
