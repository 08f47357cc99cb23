/*
 * Spells, inside: shared by spells.c and spell_stretches.c and nobody else.
 */
#ifndef RC_QUERY_SLAB_SPELLS_FORM_H
#define RC_QUERY_SLAB_SPELLS_FORM_H

#include "engine/query/slab/slot_ends.h"
#include "engine/query/slab/spells.h"
#include "engine/query/slab/times_below.h"

/* What reading the rows of a slab takes. */
struct rc_spells_slab {
    const struct rc_bucket_table *table;
    const uint16_t *slots; /* Its, */
    uint32_t only;         /* its, */
    uint32_t none;         /* and the place of what does not count. */
    const uint32_t *times;
    const uint32_t *starts;
    const uint32_t *users;
    rc_slot_ends slot_ends;
    rc_step_ends step_ends; /* NULL: there are too many steps. */
    uint32_t user_count;
    uint32_t row_count;
    uint32_t user; /* Who has the row that is next, or somebody before. */
    uint32_t first;
    const uint64_t *skip;
    bool mixed; /* Rows have several places. */
};

/* Takes the rows of users who are skipped out of a word's; slab->user has its first, or the first
 * that is left. */
uint64_t
rc_spells_leave_out(const struct rc_spells_slab *slab, uint64_t bits, uint64_t user_begins);

/* Lists the spells of the rows [begin, end) of a piece behind the one at spells, which is none;
 * returns how many there are. Adds the rows that count to *row_count. words NULL: all rows. */
uint32_t
rc_spells_stretches(struct rc_spells_slab *slab,
                    const uint64_t *words,
                    uint32_t begin,
                    uint32_t end,
                    struct rc_spell *spells,
                    uint64_t *row_count);

#endif
