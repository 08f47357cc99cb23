/*
 * Access: the ways in which the rows of a predicate in a slab are found, and the work that a way
 * is, counted in operations. The same counts are what a plan expects and what an evaluation did,
 * so that both can be held against each other; costs.h turns them into time.
 *
 * Threading: plain values.
 */
#ifndef RC_MATCH_ACCESS_H
#define RC_MATCH_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

enum rc_access {
    RC_ACCESS_NONE = 0,     /* Not decided: whoever evaluates does what is nearest. */
    RC_ACCESS_BITMAP = 1,   /* The bitmap that is kept of the whole predicate. */
    RC_ACCESS_POSTINGS = 2, /* Bitmaps kept of its parts, combined; columns where a part has none.
                               The result is kept. */
    RC_ACCESS_SCAN = 3,     /* Columns alone. The result is kept. */
    RC_ACCESS_SCAN_ONCE =
        4, /* Columns alone, only of rows or blocks that are asked for. Nothing is kept. */
    RC_ACCESS_RULED_OUT =
        5, /* No row is read: the slab's dictionaries hold nothing that matches. */
};
#define RC_ACCESS_COUNT 6u

/* "bitmap", "postings", "scan", "scan once", "ruled out". */
const char *
rc_access_name(enum rc_access access);

/* Operations. */
struct rc_match_work {
    uint64_t cells;      /* Entries of local dictionaries that are asked about. */
    uint64_t cells_new;  /* Of these, strings that no query has tested yet. */
    uint64_t texts;      /* Front-coded texts that are decoded and tested. */
    uint64_t compared;   /* Bytes of codes compared with ranges, once a range. */
    uint64_t looked_up;  /* Codes looked up in a table, in the order of rows. */
    uint64_t refined;    /* The same for single rows that are left over. */
    uint64_t runs;       /* Runs of equal rows, and rows of sparse columns. */
    uint64_t words;      /* Words of 64 rows that are combined, counted or copied. */
    uint64_t rows_built; /* Rows that enter a sparse bitmap one by one. */
    uint64_t bytes;      /* That all of this reads and writes. */
    /* Columns that no slab stores (derived/made_column.h): no time of theirs is counted here. */
    uint64_t columns_made;
    uint64_t columns_reused;
};

static inline void
rc_match_work_add(struct rc_match_work *work, const struct rc_match_work *more)
{
    work->cells += more->cells;
    work->cells_new += more->cells_new;
    work->texts += more->texts;
    work->compared += more->compared;
    work->looked_up += more->looked_up;
    work->refined += more->refined;
    work->runs += more->runs;
    work->words += more->words;
    work->rows_built += more->rows_built;
    work->bytes += more->bytes;
    work->columns_made += more->columns_made;
    work->columns_reused += more->columns_reused;
}

/* Rows of a slab; begin < end. */
struct rc_row_range {
    uint32_t begin;
    uint32_t end;
};

/* How a slab is to be evaluated. All zero: as RC_ACCESS_NONE. */
struct rc_match_order {
    enum rc_access access;
    bool keep;              /* Put the result into the cache. */
    bool keeps_columns;     /* And columns that are made for it, of the blocks that are wanted. */
    bool reads_rows;        /* Read rows even where dictionaries say that none matches. */
    const uint64_t *blocks; /* A bit for each block of RC_BLOCK_ROWS rows that is wanted; the others
                               come out empty. NULL: all. Never together with keep. */
    const struct rc_row_range *ranges; /* Only these rows, ascending, all of them in blocks that are
                                          wanted; for few rows, which are looked at one by one. */
    uint32_t range_count;              /* 0: all rows of the blocks. */
};

struct rc_match_estimate {
    double rows;                   /* That match. */
    bool ruled_out;                /* Certainly none does. */
    bool has_postings;             /* Some part has a bitmap. */
    uint32_t leaves;               /* Of the tree. */
    bool cold;                     /* The slab lies on disk: columns were not looked at. */
    struct rc_match_work scan;     /* RC_ACCESS_SCAN, of all blocks. */
    struct rc_match_work postings; /* RC_ACCESS_POSTINGS. */
};

/* The time that work takes, in ns. */
double
rc_match_work_ns(const struct rc_match_work *work);

#endif
