/*
 * Series tally: how often each number of a property occurs in each bucket, counted over rows of a
 * slab.
 *
 * Ownership: a tally borrows its counters and what a slab names.
 * Threading: a tally is one thread's.
 */
#ifndef RC_QUERY_SERIES_SERIES_TALLY_H
#define RC_QUERY_SERIES_SERIES_TALLY_H

#include <stdint.h>

#include "engine/match/rows/words.h"
#include "engine/query/number/property_numbers.h"
#include "engine/query/slab/slab_rows.h"
#include "engine/query/time/bucket_cells.h"
#include "engine/query/time/bucket_table.h"

/* May be written behind the last of a list. */
#define RC_TALLY_MORE 16u

struct rc_tally {
    const struct rc_numbers *numbers;
    uint32_t number_count;
    uint32_t buckets; /* At least 1. */
    /* [bucket][number], each with one more, for what does not count: cheaper than a branch. */
    uint32_t *counts;
    uint32_t codes[RC_PIECE_ROWS];                     /* Scratch: of a piece's rows, */
    uint32_t rows[RC_PIECE_ROWS + RC_WORDS_ROWS_MORE]; /* those that have one, */
    uint32_t times[RC_PIECE_ROWS + RC_TALLY_MORE];     /* or the times of these. */
};

/* A slab whose rows are counted. */
struct rc_tally_slab {
    const struct rc_bucket_table *table;
    const struct rc_bucket_cells *cells; /* Of the table; NULL: there are none. */
    const struct rc_column_view *column;
    const uint32_t *entries; /* By its codes; see rc_numbers_of_slab. */
    const uint32_t *times;
};

/* Counts the rows [begin, end) of a piece that have a bit in words (NULL: all). How many of them
 * have a number and are in a bucket. */
uint32_t
rc_tally_piece(struct rc_tally *tally,
               const struct rc_tally_slab *slab,
               const uint64_t *words,
               uint32_t begin,
               uint32_t end);

/* The same with cells, of a column of any form but SPARSE, whose rows have one number at most. */
typedef uint32_t (*rc_tally_kernel)(struct rc_tally *tally,
                                    const struct rc_tally_slab *slab,
                                    const uint64_t *words,
                                    uint32_t begin,
                                    uint32_t end);

/* NULL: there is none for this processor. */
rc_tally_kernel
rc_tally_kernel_best(void);

#endif
