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
    uint64_t bytes;        /* Of these; for ROARING what the account was charged. */
    _Atomic(void *) times; /* Of uint16_t, an rc_alloc block; NULL: none are kept. Written once. */
    _Atomic(void *) users; /* Of uint32_t, the same. */
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

/*
 * A number for each row that is kept beside a set, of which the cache or somebody else has a
 * reference too, if it is a list and at most one row in share: at once for all rows, then
 * published; of two who make them one is late, and throws his away.
 */
static inline void *
rc_rowset_keep(struct rc_rowset *set,
               _Atomic(void *) *place,
               size_t row_bytes,
               uint32_t share,
               void (*fill)(const struct rc_rowset *set, const void *source, void *out),
               const void *source)
{
    void *kept = atomic_load_explicit(place, memory_order_acquire);
    if (kept != NULL || set->form != RC_ROWSET_LIST || set->cardinality > set->row_count / share ||
        atomic_load_explicit(&set->reference_count, memory_order_relaxed) < 2)
        return kept;
    void *made = rc_alloc_in(set->account, set->cardinality * row_bytes);
    if (made == NULL)
        return NULL;
    fill(set, source, made);
    if (atomic_compare_exchange_strong(place, &kept, made))
        return made;
    rc_alloc_free(made);
    return kept;
}

/* A set holds words when more than one row in this many is in it: then words are walked faster than
 * lists, and take at most twice their bytes. */
#define RC_ROWSET_SPARSE_ROWS RC_ROWSET_SPARSE_SHARE

/* Rows come in runs when Roaring's, of 4 bytes each and as many a block as RC_ROARING_BLOCK_BYTES,
 * take less than half of a list. */
#define RC_ROARING_RUN_BYTES 4u
#define RC_ROARING_BLOCK_BYTES 48u

#endif
