/*
 * Leaf codes: two bits a code, known and passes, in chunks that double (1,024 codes, the next
 * 1,024, the next 2,048, ...), so that no chunk ever moves and 23 pointers reach every code.
 *
 * A word of 64 known bits lies beside its word of 64 passes bits. Who tests a code sets passes
 * first and known after it (release); who reads known (acquire) therefore sees passes. Bits are
 * only ever set.
 */
#include "engine/match/leaf/leaf_codes.h"

#include <stdatomic.h>

#include "engine/base/assert.h"
#include "engine/store/value/value_key.h"

#define CHUNK_CODES_FIRST_LOG2 10u
#define CHUNK_COUNT 23u

_Static_assert(((uint64_t)1 << (CHUNK_CODES_FIRST_LOG2 + CHUNK_COUNT - 1)) >= UINT32_MAX,
               "the chunks reach every code");

struct word_pair {
    _Atomic uint64_t known;
    _Atomic uint64_t passes;
};

struct rc_leaf_codes {
    struct rc_account *account;
    struct rc_leaf_test *test;
    _Atomic uint64_t chunk_bytes;
    _Atomic uint64_t
        rows_seen; /* Both only grow, and are read apart: a share that is a little off */
    _Atomic uint64_t rows_passed; /* is no harm. */
    _Atomic(struct word_pair *) chunks[CHUNK_COUNT];
};

enum rc_status
rc_leaf_codes_new(const struct rc_leaf *leaf,
                  struct rc_account *account,
                  struct rc_leaf_codes **ret_codes)
{
    RC_CLEANUP(rc_leaf_codes_freep)
    struct rc_leaf_codes *codes = rc_alloc_in(account, sizeof(*codes));
    if (codes == NULL)
        return RC_NO_MEMORY;
    codes->account = account;
    codes->test = NULL;
    atomic_init(&codes->chunk_bytes, 0);
    atomic_init(&codes->rows_seen, 0);
    atomic_init(&codes->rows_passed, 0);
    for (uint32_t i = 0; i < CHUNK_COUNT; i++)
        atomic_init(&codes->chunks[i], NULL);
    RC_TRY(rc_leaf_test_new(leaf, account, &codes->test));
    *ret_codes = RC_TAKE(codes);
    return RC_OK;
}

struct rc_leaf_codes *
rc_leaf_codes_free(struct rc_leaf_codes *codes)
{
    for (uint32_t i = 0; codes != NULL && i < CHUNK_COUNT; i++)
        rc_alloc_free(atomic_load_explicit(&codes->chunks[i], memory_order_relaxed));
    if (codes != NULL)
        rc_leaf_test_free(codes->test);
    return rc_alloc_free(codes);
}

struct place {
    uint32_t chunk;
    uint32_t first; /* Code of the chunk. */
    uint32_t size;
};

static struct place
place_of(uint32_t code)
{
    const uint32_t high = code >> CHUNK_CODES_FIRST_LOG2;
    const uint32_t index = high == 0 ? 0 : 32u - (uint32_t)__builtin_clz(high);
    const uint32_t first = index == 0 ? 0 : 1u << (CHUNK_CODES_FIRST_LOG2 + index - 1);
    RC_ASSERT(index < CHUNK_COUNT);
    return (struct place){index, first, index == 0 ? 1u << CHUNK_CODES_FIRST_LOG2 : first};
}

/* The pair of a code, or NULL when memory for its chunk is refused. */
static struct word_pair *
pair_of(struct rc_leaf_codes *codes, uint32_t code)
{
    const struct place place = place_of(code);
    const uint32_t index = place.chunk;
    struct word_pair *chunk = atomic_load_explicit(&codes->chunks[index], memory_order_acquire);
    if (chunk == NULL) {
        const uint64_t bytes = (uint64_t)(place.size / 64) * sizeof(*chunk);
        struct word_pair *fresh = rc_alloc_in(codes->account, bytes);
        if (fresh == NULL)
            return NULL;
        memset(fresh, 0, bytes);
        if (atomic_compare_exchange_strong_explicit(&codes->chunks[index], &chunk, fresh,
                                                    memory_order_acq_rel, memory_order_acquire)) {
            atomic_fetch_add_explicit(&codes->chunk_bytes, bytes, memory_order_relaxed);
            chunk = fresh;
        } else {
            rc_alloc_free(fresh);
        }
    }
    return &chunk[(code - place.first) / 64];
}

/* The arena for the elements of lists, made on first use; NULL: scratch says why. */
static struct rc_arena *
items_of(const struct rc_leaf_codes *codes, struct rc_leaf_scratch *scratch)
{
    if (scratch->items == NULL)
        scratch->items = rc_arena_new(codes->account, 0);
    if (scratch->items == NULL)
        scratch->status = RC_NO_MEMORY;
    return scratch->items;
}

/* Tests a value that was read with a status. */
static bool
test_value(const struct rc_leaf_codes *codes,
           enum rc_status status,
           struct rc_value value,
           struct rc_leaf_scratch *scratch)
{
    if (status != RC_OK) {
        scratch->status = status;
        return false;
    }
    const bool passes = rc_leaf_test_value(codes->test, value, scratch);
    if (value.kind == RC_VALUE_LIST)
        rc_arena_reset(scratch->items);
    return passes;
}

/* Tests the value of a cell, without the table. */
static bool
test_cell(const struct rc_leaf_codes *codes,
          const struct rc_dictionary *dictionary,
          rc_cell cell,
          struct rc_leaf_scratch *scratch)
{
    struct rc_value value = rc_value_null();
    if (items_of(codes, scratch) == NULL)
        return false;
    const enum rc_status status = rc_cell_value(dictionary, cell, scratch->items, &value);
    return test_value(codes, status, value, scratch);
}

bool
rc_leaf_codes_key(struct rc_leaf_codes *codes, struct rc_bytes key, struct rc_leaf_scratch *scratch)
{
    struct rc_value value = rc_value_null();
    if (items_of(codes, scratch) == NULL)
        return false;
    const enum rc_status status = rc_value_of_key(key, scratch->items, &value);
    return test_value(codes, status, value, scratch);
}

bool
rc_leaf_codes_value(struct rc_leaf_codes *codes,
                    struct rc_value value,
                    struct rc_leaf_scratch *scratch)
{
    return test_value(codes, RC_OK, value, scratch);
}

bool
rc_leaf_codes_cell(struct rc_leaf_codes *codes,
                   const struct rc_dictionary *dictionary,
                   rc_cell cell,
                   struct rc_leaf_scratch *scratch)
{
    if (cell == 0)
        return false;
    if (rc_cell_kind_of(cell) != RC_CELL_CODE)
        return test_cell(codes, dictionary, cell, scratch);
    const uint32_t code = rc_cell_code(cell);
    const uint64_t bit = (uint64_t)1 << (code % 64);
    struct word_pair *pair = pair_of(codes, code);
    if (pair == NULL)
        return test_cell(codes, dictionary, cell, scratch);
    if ((atomic_load_explicit(&pair->known, memory_order_acquire) & bit) != 0)
        return (atomic_load_explicit(&pair->passes, memory_order_relaxed) & bit) != 0;
    const bool passes = test_cell(codes, dictionary, cell, scratch);
    if (scratch->status != RC_OK)
        return false;
    if (passes)
        atomic_fetch_or_explicit(&pair->passes, bit, memory_order_relaxed);
    atomic_fetch_or_explicit(&pair->known, bit, memory_order_release);
    return passes;
}

bool
rc_leaf_codes_known(struct rc_leaf_codes *codes, rc_cell cell, bool *ret_passes)
{
    *ret_passes = false;
    if (cell == 0)
        return true;
    if (rc_cell_kind_of(cell) != RC_CELL_CODE)
        return false;
    const uint32_t code = rc_cell_code(cell);
    const struct place place = place_of(code);
    const uint64_t bit = (uint64_t)1 << (code % 64);
    struct word_pair *pair =
        atomic_load_explicit(&codes->chunks[place.chunk], memory_order_acquire);
    if (pair == NULL)
        return false;
    pair += (code - place.first) / 64;
    if ((atomic_load_explicit(&pair->known, memory_order_acquire) & bit) == 0)
        return false;
    *ret_passes = (atomic_load_explicit(&pair->passes, memory_order_relaxed) & bit) != 0;
    return true;
}

void
rc_leaf_codes_count(struct rc_leaf_codes *codes, uint64_t rows, uint64_t passed)
{
    atomic_fetch_add_explicit(&codes->rows_seen, rows, memory_order_relaxed);
    atomic_fetch_add_explicit(&codes->rows_passed, passed, memory_order_relaxed);
}

bool
rc_leaf_codes_share(const struct rc_leaf_codes *codes, double *ret_share)
{
    const uint64_t rows = atomic_load_explicit(&codes->rows_seen, memory_order_relaxed);
    const uint64_t passed = atomic_load_explicit(&codes->rows_passed, memory_order_relaxed);
    if (rows == 0)
        return false;
    *ret_share = passed == 0     ? 0.5 / (double)rows
                 : passed < rows ? (double)passed / (double)rows
                                 : 1;
    return true;
}

bool
rc_leaf_codes_is_compiled(const struct rc_leaf_codes *codes)
{
    return rc_leaf_test_is_compiled(codes->test);
}

void
rc_leaf_codes_rest(struct rc_leaf_codes *codes)
{
    rc_leaf_test_rest(codes->test);
}

const struct rc_deriver *
rc_leaf_codes_deriver(const struct rc_leaf_codes *codes)
{
    return rc_leaf_test_deriver(codes->test);
}

uint64_t
rc_leaf_codes_memory_bytes(const struct rc_leaf_codes *codes)
{
    return sizeof(*codes) + rc_leaf_test_memory_bytes(codes->test) +
           atomic_load_explicit(&codes->chunk_bytes, memory_order_relaxed);
}
