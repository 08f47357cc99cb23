/* Rowset, inside: the representation, shared by rowset*.c and nobody else. */
#ifndef RC_MATCH_ROWS_ROWSET_FORM_H
#define RC_MATCH_ROWS_ROWSET_FORM_H

#include <stdatomic.h>
#include <stdint.h>

#include <roaring/roaring.h>

#include "engine/match/rows/rowset.h"
#include "engine/match/rows/rowset_list.h"

enum rc_rowset_form {
    RC_ROWSET_EMPTY,
    RC_ROWSET_FULL,
    RC_ROWSET_WORDS,
    RC_ROWSET_LIST,
    RC_ROWSET_ROARING,
};

struct rc_rowset {
    _Atomic uint32_t reference_count;
    enum rc_rowset_form form;
    uint32_t row_count;
    uint32_t cardinality;
    uint32_t low_bits; /* LIST. */
    union {
        uint64_t *words;           /* WORDS: all blocks whole; an rc_alloc block. */
        void *list;                /* LIST: rowset_list.h; an rc_alloc block. */
        roaring_bitmap_t *roaring; /* ROARING. */
    };
    uint64_t bytes;            /* Of these; for ROARING what the account was charged. */
    _Atomic(uint16_t *) times; /* An rc_alloc block; NULL: none are kept. Written once. */
    _Atomic(uint32_t *) users; /* The same. */
    struct rc_account *account;
};

static inline uint32_t
rc_rowset_block_count(uint32_t row_count)
{
    return (uint32_t)(((uint64_t)row_count + RC_BLOCK_ROWS - 1) / RC_BLOCK_ROWS);
}

/* LIST. */
static inline struct rc_rowset_list
rc_rowset_list(const struct rc_rowset *set)
{
    return rc_rowset_list_of(set->list, rc_rowset_block_count(set->row_count), set->cardinality,
                             set->low_bits);
}

/* Whether a number for each row may be kept beside a set of at most one row in share: it is a list,
 * and somebody else (the cache) has it too. */
static inline bool
rc_rowset_may_keep(const struct rc_rowset *set, uint32_t share)
{
    return set->form == RC_ROWSET_LIST && set->cardinality <= set->row_count / share &&
           atomic_load_explicit(&set->reference_count, memory_order_relaxed) >= 2;
}

/* A set holds words when more than one row in this many is in it: then words are walked faster than
 * lists, and take at most twice their bytes. */
#define RC_ROWSET_SPARSE_ROWS RC_ROWSET_SPARSE_SHARE

/* Rows come in runs when Roaring's, of 4 bytes each and as many a block as RC_ROARING_BLOCK_BYTES,
 * take less than half of a list. */
#define RC_ROARING_RUN_BYTES 4u
#define RC_ROARING_BLOCK_BYTES 48u

#endif
