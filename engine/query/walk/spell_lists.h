/*
 * Spell lists: the spells of a piece of rows (walk/spells.h) as lists of narrow numbers, where a
 * table's places are ranks (time/bucket_ranks.h). All that is done for a row is done for 64 of them
 * at once, and no branch asks how many spells a word has.
 *
 * Ownership: borrows all that it is given.
 * Threading: pure.
 */
#ifndef RC_QUERY_WALK_SPELL_LISTS_H
#define RC_QUERY_WALK_SPELL_LISTS_H

#include <stdint.h>

#include "engine/query/time/bucket_ranks.h"
#include "engine/query/walk/slab_rows.h"

#define RC_SPELL_TWICE 0x80u      /* More than the rank: the spell has two rows or more. */
#define RC_SPELLS_LISTED_MORE 64u /* May be written behind the last of a list. */

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

/* Lists the spells of the words, each cut where a word ends. How many. */
typedef uint32_t (*rc_spell_lister)(struct rc_spell_rows *rows, struct rc_spell_list *list);

/* NULL where this processor cannot run it. */
rc_spell_lister
rc_spell_lister_avx512(void);

#endif
