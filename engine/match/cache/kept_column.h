/*
 * Kept column: a made column of a slab (derived/made_column.h) as the cache holds it: a code a row,
 * in as few bytes as they take, and which blocks of rows have theirs. It never changes: a column
 * with more blocks is another one, with what this one has. One that has texts is made whole. In the
 * place of a column that is not worth its bytes stands one that only says so: it was declined.
 *
 * Ownership: counted: rc_kept_column_ref, rc_kept_column_unref. What is read of it is borrowed.
 * Threading: immutable once made; any number of readers.
 * Errors:    RC_NO_MEMORY.
 */
#ifndef RC_MATCH_CACHE_KEPT_COLUMN_H
#define RC_MATCH_CACHE_KEPT_COLUMN_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/store/slab/slab.h"

struct rc_kept_column;

/*
 * Of the blocks that base (NULL: none) has, and of those of blocks (a bit a block; NULL: all) as
 * view, a plain one, has them; present: whether some row of these has a value, else view is not
 * looked at. A block that both have is taken from base.
 */
RC_MUST_USE enum rc_status
rc_kept_column_new(const struct rc_kept_column *base,
                   const struct rc_column_view *view,
                   bool present,
                   const uint64_t *blocks,
                   uint32_t row_count,
                   struct rc_account *account,
                   struct rc_kept_column **ret_column);

/* One that was declined; it has all blocks, and no view. */
RC_MUST_USE enum rc_status
rc_kept_column_new_declined(uint32_t row_count,
                            struct rc_account *account,
                            struct rc_kept_column **ret_column);

bool
rc_kept_column_is_declined(const struct rc_kept_column *column);

struct rc_kept_column *
rc_kept_column_ref(struct rc_kept_column *column);

struct rc_kept_column *
rc_kept_column_unref(struct rc_kept_column *column);

RC_DEFINE_CLEANUP(struct rc_kept_column *, rc_kept_column_unref)

/* Whether it has these blocks; NULL: all. */
bool
rc_kept_column_has(const struct rc_kept_column *column, const uint64_t *blocks);

/* Whether it has all blocks of another one of the same slab. */
bool
rc_kept_column_includes(const struct rc_kept_column *column, const struct rc_kept_column *other);

/*
 * Those of blocks (NULL: all) that it lacks, as a bit a block in ret_missing, which has room for
 * rc_kept_column_words; and so many more in their order that a column is not copied for fewer than
 * an eighth of the blocks that it has: then copying is linear in what is made.
 */
void
rc_kept_column_missing(const struct rc_kept_column *column,
                       const uint64_t *blocks,
                       uint64_t *ret_missing);

/* Words of a bit a block. */
uint32_t
rc_kept_column_words(uint32_t row_count);

/* *ret_view is plain, of RC_PROPERTY_NONE; rows of blocks that it lacks have code 0. false: no row
 * that it has has a value. */
bool
rc_kept_column_view(const struct rc_kept_column *column, struct rc_column_view *ret_view);

/* Heap bytes. */
uint64_t
rc_kept_column_bytes(const struct rc_kept_column *column);

/* Verifies that codes are below the number of cells and texts, that no block is counted past the
 * last, that rows of blocks that are lacked have code 0, and the texts. O(rows). */
RC_MUST_USE enum rc_status
rc_kept_column_check(const struct rc_kept_column *column);

#endif
