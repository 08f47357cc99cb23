/*
 * Rowset builder: starts with a list of rows and turns to words once the list is longer than one
 * row in RC_ROWSET_SPARSE_ROWS, so that a sparse set over two thousand million rows never needs its
 * words. Runs are counted on the way: they say whether Roaring is worth it.
 */
#include "engine/base/assert.h"
#include "engine/match/rows/rowset.h"
#include "engine/match/rows/rowset_form.h"
#include "engine/match/rows/words.h"

#define ROWS_FIRST 256u /* Room of a list that begins. */

struct rc_rowset_builder {
    struct rc_account *account;
    uint32_t row_count;
    uint32_t block_count; /* Of the finished set. */
    uint32_t block;       /* The next to be appended. */
    uint32_t cardinality;
    uint32_t run_count;
    bool last_row;    /* The last row of the block before is in the set. */
    uint32_t *starts; /* By block: of rows. */
    uint16_t *rows;   /* Within their blocks. NULL once there are words. */
    size_t row_capacity;
    uint64_t *words; /* NULL until the list is too long. */
};

enum rc_status
rc_rowset_builder_new(uint32_t row_count,
                      struct rc_account *account,
                      struct rc_rowset_builder **ret_builder)
{
    RC_ASSERT(row_count <= RC_SLAB_ROWS_MAX);
    RC_CLEANUP(rc_rowset_builder_freep)
    struct rc_rowset_builder *builder = rc_alloc_in(account, sizeof(*builder));
    if (builder == NULL)
        return RC_NO_MEMORY;
    const uint32_t block_count = rc_rowset_block_count(row_count);
    *builder = (struct rc_rowset_builder){
        .account = account, .row_count = row_count, .block_count = block_count};
    builder->starts = rc_alloc_in(account, ((size_t)block_count + 1) * sizeof(*builder->starts));
    if (builder->starts == NULL)
        return RC_NO_MEMORY;
    builder->starts[0] = 0;
    *ret_builder = RC_TAKE(builder);
    return RC_OK;
}

struct rc_rowset_builder *
rc_rowset_builder_free(struct rc_rowset_builder *builder)
{
    if (builder != NULL) {
        rc_alloc_free(builder->starts);
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
    for (uint32_t block = 0; block < builder->block; block++) {
        uint64_t *of_block = words + (size_t)block * RC_BLOCK_WORDS;
        for (uint32_t i = builder->starts[block]; i < builder->starts[block + 1]; i++)
            of_block[builder->rows[i] / 64] |= (uint64_t)1 << (builder->rows[i] % 64);
    }
    builder->rows = rc_alloc_free(builder->rows);
    builder->row_capacity = 0;
    builder->words = words;
    return RC_OK;
}

/* Room for needed rows, from the builder's account. */
static enum rc_status
reserve_rows(struct rc_rowset_builder *builder, uint64_t needed)
{
    return RC_GROW_IN(builder->account, builder->rows, builder->row_capacity,
                      needed < ROWS_FIRST ? ROWS_FIRST : (size_t)needed);
}

/* Counts the runs that begin in a block. */
static void
count_runs(struct rc_rowset_builder *builder, const uint64_t *words)
{
    uint64_t before = builder->last_row ? 1 : 0;
    uint64_t starts[RC_BLOCK_WORDS];
    for (uint32_t i = 0; i < RC_BLOCK_WORDS; i++) {
        starts[i] = words[i] & ~(words[i] << 1 | before);
        before = words[i] >> 63;
    }
    builder->run_count += (uint32_t)rc_words_count(starts, RC_BLOCK_WORDS);
    builder->last_row = before != 0;
}

/* Appends the count rows of a block to the list. */
static enum rc_status
append_rows(struct rc_rowset_builder *builder, const uint64_t *words, uint64_t count)
{
    RC_TRY(reserve_rows(builder, builder->cardinality + count));
    uint16_t *out = builder->rows + builder->cardinality;
    bool before = builder->last_row;
    uint32_t next = 0; /* Behind the last row. */
    uint16_t places[RC_BLOCK_WORDS];
    const uint32_t place_count = rc_words_list(words, RC_BLOCK_WORDS, places);
    for (uint32_t i = 0; i < place_count; i++) {
        for (uint64_t word = words[places[i]]; word != 0; word &= word - 1) {
            const uint32_t row = places[i] * 64u + (uint32_t)__builtin_ctzll(word);
            builder->run_count += !(row == next && (row > 0 || before));
            next = row + 1;
            *out++ = (uint16_t)row;
        }
    }
    builder->last_row = next == RC_BLOCK_ROWS;
    return RC_OK;
}

/* The block that was appended last ends with so many rows. */
static void
end_block(struct rc_rowset_builder *builder, uint64_t total)
{
    builder->cardinality = (uint32_t)total;
    builder->block++;
    builder->starts[builder->block] = (uint32_t)total;
}

enum rc_status
rc_rowset_builder_append(struct rc_rowset_builder *builder, const uint64_t *words)
{
    RC_ASSERT(builder->block < builder->block_count);
    const uint64_t count = words == NULL ? 0 : rc_words_count(words, RC_BLOCK_WORDS);
    const uint64_t total = builder->cardinality + count;
    if (count == 0) {
        builder->last_row = false;
    } else {
        if (builder->words == NULL && total > builder->row_count / RC_ROWSET_SPARSE_ROWS)
            RC_TRY(turn_to_words(builder));
        if (builder->words == NULL) {
            RC_TRY(append_rows(builder, words, count));
        } else {
            count_runs(builder, words);
            memcpy(builder->words + (size_t)builder->block * RC_BLOCK_WORDS, words,
                   RC_BLOCK_WORDS * sizeof(*words));
        }
    }
    end_block(builder, total);
    return RC_OK;
}

enum rc_status
rc_rowset_builder_append_rows(struct rc_rowset_builder *builder,
                              const uint16_t *rows,
                              uint32_t count)
{
    RC_ASSERT(builder->block < builder->block_count);
    const uint64_t total = (uint64_t)builder->cardinality + count;
    if (builder->words != NULL || total > builder->row_count / RC_ROWSET_SPARSE_ROWS) {
        uint64_t words[RC_BLOCK_WORDS] = {0};
        for (uint32_t i = 0; i < count; i++)
            words[rows[i] / 64] |= (uint64_t)1 << (rows[i] % 64);
        return rc_rowset_builder_append(builder, words);
    }
    if (count == 0)
        return rc_rowset_builder_append(builder, NULL);
    RC_TRY(reserve_rows(builder, total));
    memcpy(builder->rows + builder->cardinality, rows, count * sizeof(*rows));
    builder->run_count += !(rows[0] == 0 && builder->last_row);
    for (uint32_t i = 1; i < count; i++)
        builder->run_count += rows[i] != rows[i - 1] + 1;
    builder->last_row = rows[count - 1] == RC_BLOCK_ROWS - 1;
    end_block(builder, total);
    return RC_OK;
}

/* Packs the list of rows. Charges what it takes, as the library allocates by itself. */
static enum rc_status
pack(struct rc_rowset_builder *builder, struct rc_rowset *set)
{
    roaring_bitmap_t *roaring = roaring_bitmap_create();
    if (roaring == NULL)
        return RC_NO_MEMORY;
    for (uint32_t block = 0; block < builder->block_count; block++) {
        const uint32_t base = block * RC_BLOCK_ROWS;
        const uint32_t end = builder->starts[block + 1];
        for (uint32_t i = builder->starts[block]; i < end;) {
            const uint32_t first = builder->rows[i];
            uint32_t last = first;
            while (++i < end && builder->rows[i] == last + 1)
                last++;
            roaring_bitmap_add_range_closed(roaring, base + first, base + last);
        }
    }
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
    set->bytes = bytes;
    return RC_OK;
}

static enum rc_status
write_list(const struct rc_rowset_builder *builder, uint32_t low_bits, struct rc_rowset *set)
{
    const uint64_t bytes =
        rc_rowset_list_bytes(builder->block_count, builder->cardinality, low_bits);
    set->list = rc_alloc_in(builder->account, bytes);
    if (set->list == NULL)
        return RC_NO_MEMORY;
    rc_rowset_list_write(set->list, builder->block_count, low_bits, builder->starts, builder->rows);
    set->form = RC_ROWSET_LIST;
    set->low_bits = low_bits;
    set->bytes = bytes;
    return RC_OK;
}

/* Makes the smaller of both forms for sparse sets. */
static enum rc_status
finish_sparse(struct rc_rowset_builder *builder, struct rc_rowset *set)
{
    const uint64_t runs = (uint64_t)builder->run_count * RC_ROARING_RUN_BYTES +
                          (uint64_t)builder->block_count * RC_ROARING_BLOCK_BYTES;
    const uint32_t low_bits = rc_rowset_list_low_bits(builder->row_count, builder->cardinality);
    const uint64_t list =
        rc_rowset_list_bytes(builder->block_count, builder->cardinality, low_bits);
    return runs < list / 2 ? pack(builder, set) : write_list(builder, low_bits, set);
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
    *set = (struct rc_rowset){.form = RC_ROWSET_EMPTY,
                              .row_count = builder->row_count,
                              .cardinality = builder->cardinality,
                              .account = builder->account};
    atomic_init(&set->reference_count, 1);
    if (builder->cardinality > 0 && builder->cardinality == builder->row_count) {
        set->form = RC_ROWSET_FULL;
    } else if (builder->words != NULL) {
        set->form = RC_ROWSET_WORDS;
        set->words = RC_TAKE(builder->words);
        set->bytes = (uint64_t)builder->block_count * RC_BLOCK_WORDS * sizeof(uint64_t);
    } else if (builder->cardinality > 0) {
        RC_TRY(finish_sparse(builder, set));
    }
    RC_AUDIT(rc_rowset_check(set, NULL) == RC_OK);
    *ret_set = RC_TAKE(set);
    return RC_OK;
}
