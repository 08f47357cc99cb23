/*
 * Spell lists: the spells of a piece of rows (slab/spells.h) as lists of narrow numbers, where a
 * table's places are ranks (time/bucket_ranks.h). All that is done for a row is done for 64 of them
 * at once, and no branch asks how many spells a word has.
 *
 * Ownership: borrows all that it is given.
 * Threading: pure.
 */
#ifndef RC_QUERY_SLAB_SPELL_LISTS_H
#define RC_QUERY_SLAB_SPELL_LISTS_H

#include <stdint.h>

#include "engine/query/slab/slab_rows.h"
#include "engine/query/time/bucket_ranks.h"

#define RC_SPELL_TWICE_BIT 7
#define RC_SPELL_TWICE 0x80u      /* More than the rank: the spell has two rows or more. */
#define RC_SPELLS_LISTED_MORE 64u /* May be written behind the last of a list, or of spells. */

struct rc_spell;

/* The rows of a piece. */
struct rc_spell_rows {
    const struct rc_bucket_ranks *ranks;
    const uint32_t *times; /* Of the piece's first row, */
    uint32_t row_count;    /* and how many there are from there on, in the slab. */
    uint32_t word_begin;   /* The words that are looked at. */
    uint32_t word_end;
    uint64_t bits[RC_PIECE_WORDS];   /* Rows that match; those that do not count are taken out. */
    uint64_t begins[RC_PIECE_WORDS]; /* Rows with which another user begins. */
};

struct rc_spell_list {
    uint16_t users[RC_PIECE_ROWS + RC_SPELLS_LISTED_MORE]; /* By how many begin before, or with. */
    uint8_t ranks[RC_PIECE_ROWS + RC_SPELLS_LISTED_MORE];
};

struct rc_spell_kernels {
    /* Lists the spells of the words, each cut where a word ends. How many. */
    uint32_t (*list)(struct rc_spell_rows *rows, struct rc_spell_list *list);
    /* Writes the first count of a list as spells. users: the ordinals of the slab's from the one on
     * who has the first row; slots are counted from first on. */
    void (*write)(const struct rc_spell_list *list,
                  uint32_t count,
                  const struct rc_bucket_ranks *ranks,
                  const uint32_t *users,
                  uint32_t first,
                  struct rc_spell *spells);
};

/* NULL where this processor cannot run them. */
const struct rc_spell_kernels *
rc_spell_kernels_avx512(void);

#endif
