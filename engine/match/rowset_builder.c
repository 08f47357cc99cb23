/*
 * Rowset builder: starts with a list of rows and turns to words once the list is longer than one
 * row in RC_ROWSET_SPARSE_ROWS, so that a sparse set over two thousand million rows never needs its
 * words.
 */
#include "engine/base/assert.h"
#include "engine/match/rowset.h"
#include "engine/match/rowset_form.h"
#include "engine/match/words.h"

struct rc_rowset_builder {
    struct rc_account *account;
    uint32_t row_count;
    uint32_t block_count; /* Of the finished set. */
    uint32_t block;       /* The next to be appended. */
    uint64_t cardinality;
    uint32_t *rows; /* NULL once there are words. */
    size_t row_capacity;
    uint64_t *words; /* NULL until the list is too long. */
};

enum rc_status
rc_rowset_builder_new(uint32_t row_count,
                      struct rc_account *account,
                      struct rc_rowset_builder **ret_builder)
{
    RC_ASSERT(row_count <= RC_SLAB_ROWS_MAX);
    struct rc_rowset_builder *builder = rc_alloc_in(account, sizeof(*builder));
    if (builder == NULL)
        return RC_NO_MEMORY;
    const uint32_t block_count =
        (uint32_t)(((uint64_t)row_count + RC_BLOCK_ROWS - 1) / RC_BLOCK_ROWS);
    *builder = (struct rc_rowset_builder){
        .account = account, .row_count = row_count, .block_count = block_count};
    *ret_builder = builder;
    return RC_OK;
}

struct rc_rowset_builder *
rc_rowset_builder_free(struct rc_rowset_builder *builder)
{
    if (builder != NULL) {
        rc_alloc_free(builder->rows);
        rc_alloc_free(builder->words);
    }
    return rc_alloc_free(builder);
}

static enum rc_status
turn_to_words(struct rc_rowset_builder *builder)
{
    const uint64_t bytes = (uint64_t)builder->block_count * RC_BLOCK_WORDS * sizeof(uint64_t);
    uint64_t *words = rc_alloc_in(builder->account, bytes);
    if (words == NULL)
        return RC_NO_MEMORY;
    memset(words, 0, bytes);
    for (uint64_t i = 0; i < builder->cardinality; i++)
        words[builder->rows[i] / 64] |= (uint64_t)1 << (builder->rows[i] % 64);
    builder->rows = rc_alloc_free(builder->rows);
    builder->row_capacity = 0;
    builder->words = words;
    return RC_OK;
}

/* Room for needed rows, from the builder's account. */
static enum rc_status
reserve_rows(struct rc_rowset_builder *builder, uint64_t needed)
{
    if (needed <= builder->row_capacity)
        return RC_OK;
    if (builder->rows == NULL) {
        const size_t capacity = needed < 256 ? 256 : needed;
        builder->rows = rc_alloc_in(builder->account, capacity * sizeof(*builder->rows));
        builder->row_capacity = builder->rows == NULL ? 0 : capacity;
        return builder->rows == NULL ? RC_NO_MEMORY : RC_OK;
    }
    return RC_GROW(builder->rows, builder->row_capacity, (size_t)needed);
}

enum rc_status
rc_rowset_builder_append(struct rc_rowset_builder *builder, const uint64_t *words)
{
    RC_ASSERT(builder->block < builder->block_count);
    const uint32_t begin = builder->block * RC_BLOCK_ROWS;
    const uint64_t count = words == NULL ? 0 : rc_words_count(words, RC_BLOCK_WORDS);
    if (count == 0) {
        builder->block++;
        return RC_OK;
    }
    const uint64_t total = builder->cardinality + count;
    if (builder->words == NULL && total > builder->row_count / RC_ROWSET_SPARSE_ROWS)
        RC_TRY(turn_to_words(builder));
    if (builder->words != NULL) {
        memcpy(builder->words + (size_t)builder->block * RC_BLOCK_WORDS, words,
               RC_BLOCK_WORDS * sizeof(*words));
    } else {
        RC_TRY(reserve_rows(builder, total));
        uint32_t *out = builder->rows + builder->cardinality;
        for (uint32_t i = 0; i < RC_BLOCK_WORDS; i++) {
            for (uint64_t word = words[i]; word != 0; word &= word - 1)
                *out++ = begin + i * 64 + (uint32_t)__builtin_ctzll(word);
        }
    }
    builder->cardinality = total;
    builder->block++;
    return RC_OK;
}

/* Packs the list of rows. Charges what it takes, as the library allocates by itself. */
static enum rc_status
pack(struct rc_rowset_builder *builder, struct rc_rowset *set)
{
    roaring_bitmap_t *roaring = roaring_bitmap_of_ptr(builder->cardinality, builder->rows);
    if (roaring == NULL)
        return RC_NO_MEMORY;
    roaring_bitmap_run_optimize(roaring);
    roaring_bitmap_shrink_to_fit(roaring);
    const uint64_t bytes = sizeof(*roaring) + roaring_bitmap_portable_size_in_bytes(roaring) +
                           (uint64_t)roaring->high_low_container.size * 32;
    if (!rc_account_charge(builder->account, bytes)) {
        roaring_bitmap_free(roaring);
        return RC_NO_MEMORY;
    }
    set->form = RC_ROWSET_ROARING;
    set->roaring = roaring;
    set->charged_bytes = bytes;
    return RC_OK;
}

enum rc_status
rc_rowset_builder_finish(struct rc_rowset_builder *builder, struct rc_rowset **ret_set)
{
    RC_ASSERT(builder->block == builder->block_count);
    RC_ASSERT(builder->cardinality <= builder->row_count);
    RC_CLEANUP(rc_rowset_unrefp)
    struct rc_rowset *set = rc_alloc_in(builder->account, sizeof(*set));
    if (set == NULL)
        return RC_NO_MEMORY;
    *set = (struct rc_rowset){.row_count = builder->row_count,
                              .cardinality = builder->cardinality,
                              .account = builder->account};
    atomic_init(&set->reference_count, 1);
    if (builder->cardinality == 0) {
        set->form = RC_ROWSET_EMPTY;
    } else if (builder->cardinality == builder->row_count) {
        set->form = RC_ROWSET_FULL;
    } else if (builder->words != NULL) {
        set->form = RC_ROWSET_WORDS;
        set->words = RC_TAKE(builder->words);
        set->words_bytes = (uint64_t)builder->block_count * RC_BLOCK_WORDS * sizeof(uint64_t);
    } else {
        RC_TRY(pack(builder, set));
    }
    RC_AUDIT(rc_rowset_check(set, NULL) == RC_OK);
    *ret_set = RC_TAKE(set);
    return RC_OK;
}
