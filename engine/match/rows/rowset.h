/*
 * Rowset: a set of rows of one slab; the one bitmap interface. Words for dense sets, lists of rows
 * for sparse ones, Roaring where rows come in runs; who uses it does not know which.
 *
 * Ownership: counted: rc_rowset_ref, rc_rowset_unref.
 * Threading: immutable once built; any number of readers.
 * Units:     rows in [0, row_count); blocks of RC_BLOCK_ROWS rows, RC_BLOCK_WORDS words.
 */
#ifndef RC_MATCH_ROWS_ROWSET_H
#define RC_MATCH_ROWS_ROWSET_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/base/status.h"

struct rc_rowset;

/* A set is kept as words when more than one row in this many is in it. */
#define RC_ROWSET_SPARSE_SHARE 32u

/* Builds a set from blocks of words, given in ascending order, each once, none missing. Bits at and
 * past row_count must be zero. */
struct rc_rowset_builder;

RC_MUST_USE enum rc_status
rc_rowset_builder_new(uint32_t row_count,
                      struct rc_account *account,
                      struct rc_rowset_builder **ret_builder);

struct rc_rowset_builder *
rc_rowset_builder_free(struct rc_rowset_builder *builder);

RC_DEFINE_CLEANUP(struct rc_rowset_builder *, rc_rowset_builder_free)

/* words: RC_BLOCK_WORDS of them, or NULL for an empty block. */
RC_MUST_USE enum rc_status
rc_rowset_builder_append(struct rc_rowset_builder *builder, const uint64_t *words);

/* The same for a block whose rows are known by number: ascending, within the block. */
RC_MUST_USE enum rc_status
rc_rowset_builder_append_rows(struct rc_rowset_builder *builder,
                              const uint16_t *rows,
                              uint32_t count);

/* Finishes into the smallest representation. The builder must be freed afterwards all the same. */
RC_MUST_USE enum rc_status
rc_rowset_builder_finish(struct rc_rowset_builder *builder, struct rc_rowset **ret_set);

struct rc_rowset *
rc_rowset_ref(struct rc_rowset *set);

struct rc_rowset *
rc_rowset_unref(struct rc_rowset *set);

RC_DEFINE_CLEANUP(struct rc_rowset *, rc_rowset_unref)

uint32_t
rc_rowset_row_count(const struct rc_rowset *set);

uint64_t
rc_rowset_cardinality(const struct rc_rowset *set);

/* Whether so few rows are in it that it is read row by row rather than by words. */
static inline bool
rc_rowset_is_sparse(const struct rc_rowset *set)
{
    return rc_rowset_cardinality(set) <= rc_rowset_row_count(set) / RC_ROWSET_SPARSE_SHARE;
}

uint64_t
rc_rowset_memory_bytes(const struct rc_rowset *set);

bool
rc_rowset_contains(const struct rc_rowset *set, uint32_t row);

enum rc_block_kind { RC_BLOCK_EMPTY, RC_BLOCK_FULL, RC_BLOCK_MIXED };

/*
 * The words of one block. FULL and EMPTY write nothing to scratch (FULL: all rows below row_count).
 * MIXED: *ret_words points to RC_BLOCK_WORDS words, in the set itself or in scratch.
 */
enum rc_block_kind
rc_rowset_block(const struct rc_rowset *set,
                uint32_t block,
                uint64_t scratch[RC_BLOCK_WORDS],
                const uint64_t **ret_words);

/*
 * Copies up to capacity rows of the set in [*cursor, end), ascending, into rows; advances *cursor
 * past the last one copied (to end when there are no more). Returns how many.
 */
uint32_t
rc_rowset_read(const struct rc_rowset *set,
               uint32_t *cursor,
               uint32_t end,
               uint32_t *rows,
               uint32_t capacity);

/* The row before which there are so many others; for sets with times. */
uint32_t
rc_rowset_row(const struct rc_rowset *set, uint32_t index);

/*
 * The upper half of the time of each row, in order of rows: kept beside a set that is asked for its
 * times again and again, each of which lies on a cache line of its own. Who asks says up to which
 * share of rows that is worth its bytes: of sets of at most one row in RC_ROWSET_TIMES_SHARE a
 * thousand take a byte an event; few sets are asked within a window that ends with each question,
 * and those may have one row in rc_rowset_window_share.
 */
#define RC_ROWSET_TIME_SHIFT 16
#define RC_ROWSET_TIME_BYTES 2u
#define RC_ROWSET_TIMES_SHARE 2048u

extern uint32_t rc_rowset_window_share; /* Tests change it. */

/* NULL: none are kept. */
const uint16_t *
rc_rowset_times(const struct rc_rowset *set);

/* Keeps them, if the set has at most one row in share, is a list and is not the caller's alone: the
 * cache has it too. times: of all rows of the slab. Returns them; NULL: none are kept, for want of
 * memory too. */
const uint16_t *
rc_rowset_keep_times(struct rc_rowset *set, const uint32_t *times, uint32_t share);

/*
 * The user of each row, the same way: of a sparse set each is a search through a slab's users,
 * which waits for memory a dozen times. Of sets of at most one row in RC_ROWSET_TIMES_SHARE a
 * thousand take two bytes an event.
 */
#define RC_ROWSET_USER_BYTES 4u

/* Whose the rows of a slab are, in order of rows. */
struct rc_row_owners {
    const uint32_t *starts; /* Where each one's rows begin; one more: where the last one's end. */
    const uint32_t *users;
    uint32_t user_count;
};

/* NULL: none are kept. */
const uint32_t *
rc_rowset_users(const struct rc_rowset *set);

/* Keeps them as rc_rowset_keep_times keeps times. */
const uint32_t *
rc_rowset_keep_users(struct rc_rowset *set, const struct rc_row_owners *owners, uint32_t share);

/* Rows of the set in [begin, end). */
uint64_t
rc_rowset_count_range(const struct rc_rowset *set, uint32_t begin, uint32_t end);

RC_MUST_USE enum rc_status
rc_rowset_check(const struct rc_rowset *set, struct rc_error *reterr_error);

#endif
