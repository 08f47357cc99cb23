/* Rowset, inside: the representation, shared by rowset.c and rowset_builder.c and nobody else. */
#ifndef RC_MATCH_ROWSET_FORM_H
#define RC_MATCH_ROWSET_FORM_H

#include <stdatomic.h>
#include <stdint.h>

#include <roaring/roaring.h>

#include "engine/match/rowset.h"

enum rc_rowset_form {
    RC_ROWSET_EMPTY,
    RC_ROWSET_FULL,
    RC_ROWSET_WORDS,
    RC_ROWSET_ROARING,
};

struct rc_rowset {
    _Atomic uint32_t reference_count;
    enum rc_rowset_form form;
    uint32_t row_count;
    uint64_t cardinality;
    uint64_t *words;           /* WORDS: all blocks whole; an rc_alloc block. */
    uint64_t words_bytes;      /* Of words. */
    roaring_bitmap_t *roaring; /* ROARING. */
    struct rc_account *account;
    uint64_t charged_bytes; /* What the account was charged for roaring. */
};

/* A set holds words when more than one row in this many is in it: then words are walked faster than
 * containers, and take at most four times their bytes. */
#define RC_ROWSET_SPARSE_ROWS RC_ROWSET_SPARSE_SHARE

#endif
