/*
 * Series stretches: rows of a slab counted by bucket and by the code of a property, a stretch of
 * rows at a time: for columns in which neighbours mostly have the same code.
 *
 * Ownership: borrows all that it is given.
 * Threading: counters and scratch are one thread's.
 */
#ifndef RC_QUERY_SERIES_SERIES_STRETCH_H
#define RC_QUERY_SERIES_SERIES_STRETCH_H

#include "engine/match/rows/words.h"
#include "engine/query/series/series_count.h"

/* May be written behind the last of a list. */
#define RC_SERIES_LISTED_MORE 64u

#define RC_SERIES_CHUNK 256u

/* Lists of stretches, narrow, so that those of a piece leave room in the first cache. */
struct rc_series_stretches {
    uint64_t counting[RC_PIECE_WORDS]; /* Rows of the piece that count. */
    /* The rows at which they begin, and the end, from the piece's first row on. */
    uint16_t rows[RC_PIECE_ROWS + RC_SERIES_LISTED_MORE];
    /* Of their codes, from this one on, modulo 2^32. */
    uint32_t code_before;
    uint16_t indexes[RC_PIECE_ROWS + RC_SERIES_LISTED_MORE];
    /* Of their times; no_slot: of rows that do not count. */
    uint16_t slots[RC_PIECE_ROWS + RC_SERIES_LISTED_MORE];
    /* Of those that are counted together. */
    uint32_t counters[RC_SERIES_CHUNK];
    uint16_t lengths[RC_SERIES_CHUNK];
    uint32_t listed[RC_PIECE_ROWS + RC_WORDS_ROWS_MORE]; /* The rows, before they are narrow. */
};

/* Counts the rows [begin, end) of a piece that have a bit in words (NULL: all; the first bit is
 * that of the piece's first row). piece->times: of the slab; piece->codes: from begin on. false:
 * nothing was counted, since stretches are not much fewer than rows. */
bool
rc_series_count_stretches(const struct rc_series_piece *piece,
                          struct rc_series_stretches *scratch,
                          const uint64_t *words,
                          uint32_t begin,
                          uint32_t end);

/* The same of a column of marked runs, whose codes need not be in the piece, and of the rows in
 * time. false also where this processor has no kernel for it. */
bool
rc_series_count_marked(const struct rc_series_piece *piece,
                       const struct rc_column_view *column,
                       struct rc_series_stretches *scratch,
                       const uint64_t *words,
                       uint32_t begin,
                       uint32_t end);

/* Its kernels. */
struct rc_series_marked_kernels {
    /* Fills counting, and rows, indexes and slots of stretches, and says how many these are. */
    uint32_t (*list)(const struct rc_series_piece *piece,
                     const struct rc_column_view *column,
                     struct rc_series_stretches *out,
                     const uint64_t *words,
                     uint32_t begin,
                     uint32_t end);
    /* Of a piece with cells: adds to counters, which are the first of their rows, the places of the
     * stretches [first, end), and fills lengths; the first one's are first. Bits of mixed, for 32
     * each: those in a slot of several places, to which nothing was added. */
    void (*place)(const struct rc_series_piece *piece,
                  struct rc_series_stretches *stretches,
                  uint32_t first,
                  uint32_t end,
                  uint32_t *mixed);
};

/* NULL: there are none for this processor. */
const struct rc_series_marked_kernels *
rc_series_marked_kernels_best(void);

#endif
