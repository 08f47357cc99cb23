/*
 * Series count: rows of a slab counted by bucket and by the code of a property: the loops of
 * series_scan.c and series_codes.c.
 *
 * Ownership: a piece borrows all that it names.
 * Threading: counters are one thread's.
 */
#ifndef RC_QUERY_SERIES_SERIES_COUNT_H
#define RC_QUERY_SERIES_SERIES_COUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/match/rows/rowset.h"
#include "engine/match/rows/scan.h"
#include "engine/query/slab/slab_rows.h"
#include "engine/query/time/bucket_cells.h"
#include "engine/query/time/bucket_table.h"

#define RC_SERIES_COPIES 4u

/* What counting rows takes. */
struct rc_series_piece {
    const struct rc_bucket_table *table;
    const uint16_t *slots;               /* Its. */
    const struct rc_bucket_cells *cells; /* NULL: its places change too often for them. */
    const uint32_t *times;               /* From the first row on that is counted. */
    const uint32_t *codes;               /* The same; NULL: all rows are without one. */
    const uint32_t *counters; /* By code and 1 (RC_CODE_NONE: 0): the first counter of its row. */
    uint32_t *narrow;         /* The counters: behind those of a row's buckets one for what does not
                                 count. */
    uint32_t buckets;
    uint32_t unread;        /* The first counter of codes that are counted elsewhere. */
    uint32_t copies;        /* 1, or RC_SERIES_COPIES: neighbours seldom wait for each other. */
    uint32_t copy_counters; /* From a counter to its next copy. */
};

/* Counts count rows of a piece, or those that have a bit in words, where the first one's is first.
 */
void
rc_series_count_rows(const struct rc_series_piece *piece,
                     const uint64_t *words,
                     uint32_t first,
                     uint32_t count);

/* Counts the rows [begin, end), one at least, of a column of MARKED_RUNS by code and 1, run by run.
 */
void
rc_series_count_runs(uint32_t *counts,
                     const struct rc_column_view *column,
                     uint32_t begin,
                     uint32_t end);

/* Whose rows of a sparse set count. */
struct rc_series_asked {
    const uint64_t *persons; /* A bit each. */
    const uint64_t *skip;    /* Users whose rows are counted elsewhere, a bit each; NULL: none. */
    struct rc_row_owners owners;
};

/* Counts the rows [begin, end) of a sparse set one by one, without codes. times: of the slab.
 * asked NULL: everybody's. */
void
rc_series_count_singly(const struct rc_series_piece *piece,
                       const struct rc_rowset *set,
                       const uint64_t *dead,
                       const struct rc_series_asked *asked,
                       uint32_t begin,
                       uint32_t end);

/* The same of a set that times are kept with (rc_rowset_times), and users if some are asked about:
 * only rows whose time counts are looked at. */
void
rc_series_count_kept(const struct rc_series_piece *piece,
                     const struct rc_rowset *set,
                     const uint64_t *dead,
                     const struct rc_series_asked *asked,
                     uint32_t begin,
                     uint32_t end);

/* The times that count, as offsets from the window's start; both ends included. */
struct rc_scan_range
rc_series_time_range(const struct rc_bucket_table *table);

/* Of a slab some of whose rows are out of time: those of words (NULL: all) from the row base to
 * stop that are in it, as words. false: none. times: of the slab. */
bool
rc_series_in_time(const struct rc_series_piece *piece,
                  uint32_t base,
                  uint32_t stop,
                  const uint64_t *words,
                  uint64_t *in_time);

#endif
