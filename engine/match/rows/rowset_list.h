/*
 * Rowset list: the rows of a sparse set in two parts (Elias and Fano). The low bits of each row are
 * packed one behind the other; the rest of it says which bucket of 2^low_bits rows it is in, and
 * the buckets of a block are written in order: a one for each row, a zero behind the last. With as
 * many buckets as rows that is 2 bits a row and its low bits: 12 of a row in a thousand, where its
 * number in the block takes 16.
 *
 *   uint32_t starts[block_count + 1]   how many rows are before each block of RC_BLOCK_ROWS, and
 * all bytes    low bits                  of row i from bit i * low_bits on uint64_t buckets[] of
 * block b from bit starts[b] + b * (buckets a block) on
 *
 * Ownership: a list is a view of the block of memory that its rowset owns.
 * Threading: reads only.
 * Units:     rows of the slab; an index is the number of rows of the set before.
 */
#ifndef RC_MATCH_ROWS_ROWSET_LIST_H
#define RC_MATCH_ROWS_ROWSET_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/limits.h"

struct rc_rowset_list {
    uint32_t block_count;
    uint32_t low_bits; /* 0 .. 16. */
    const uint32_t *starts;
    const unsigned char *lows;
    const uint64_t *buckets;
};

/* The low bits with which so many rows of a slab take least. row_count, cardinality > 0. */
uint32_t
rc_rowset_list_low_bits(uint32_t row_count, uint32_t cardinality);

uint64_t
rc_rowset_list_bytes(uint32_t block_count, uint32_t cardinality, uint32_t low_bits);

/* The list in a block of so many bytes, 8-byte aligned, that rc_rowset_list_write has filled. */
struct rc_rowset_list
rc_rowset_list_of(const void *bytes, uint32_t block_count, uint32_t cardinality, uint32_t low_bits);

/* rows: of all blocks, each within its own, ascending; starts as in the list. */
void
rc_rowset_list_write(void *bytes,
                     uint32_t block_count,
                     uint32_t low_bits,
                     const uint32_t *starts,
                     const uint16_t *rows);

/* Where one is in a list: at the row of an index, or behind the last one of all. */
struct rc_rowset_list_place {
    uint32_t index;
    uint32_t block; /* The one that index is in, or an earlier one. */
    uint64_t bit;   /* In buckets: none of the block between here and the row's. */
};

/* The first row at or past row, which is below the end of the last block. */
struct rc_rowset_list_place
rc_rowset_list_seek(const struct rc_rowset_list *list, uint32_t row);

/* The row of an index below the number of rows. */
uint32_t
rc_rowset_list_row(const struct rc_rowset_list *list, uint32_t index);

/* Copies the rows from *place on that are below end, at most capacity, and moves *place behind
 * them. How many. */
uint32_t
rc_rowset_list_read(const struct rc_rowset_list *list,
                    struct rc_rowset_list_place *place,
                    uint32_t end,
                    uint32_t *rows,
                    uint32_t capacity);

/* Whether each block has as many rows as starts say, ascending, and buckets. */
bool
rc_rowset_list_is_sound(const struct rc_rowset_list *list, uint32_t row_count);

#endif
