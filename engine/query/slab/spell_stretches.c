/*
 * Spell stretches. A word of 64 rows at a time, and no branch for a row. Of the word is made
 *
 *   ends    a bit for each row behind which another user or another place begins, where the
 *           slab's places are few, or else another slot of the bucket table (slot_ends.h):
 *           stretches of rows end there, each of them a spell, or mostly a visit
 *
 * and the rest is arithmetic (spell_fields.h). Stretches with a row that matches are then the bits
 * of one word, few, and only those are visited. Of stretches that end with a slot, where a bucket
 * begins inside it, each row is one of its own.
 *
 * Stretches of one user and place that follow each other are joined.
 */
#include "engine/query/slab/spells_form.h"

#include <string.h>

#include "engine/match/rows/words.h"
#include "engine/query/slab/spell_fields.h"
#include "engine/query/slab/times_below.h"

#define AHEAD_ROWS 1024u /* Times are asked for so early. */

/* The spells of a piece. */
struct list {
    struct rc_spell *last; /* At first one that is none. */
    uint64_t key;          /* Of it. */
};

/* Adds a spell, or makes the last one longer: written in any case, since a branch would be guessed
 * wrong. */
static inline struct list
add(struct list list, uint32_t slot, uint32_t place, uint32_t twice)
{
    const uint64_t key = (uint64_t)place << 32 | slot;
    const uint32_t longer = key == list.key;
    struct rc_spell *const last = list.last + (1 - longer);
    last->slot = slot;
    last->place = (uint16_t)place;
    last->twice = (uint16_t)(twice | longer);
    return (struct list){.last = last, .key = key};
}

/* Where in the word of rows at row the next one is of another place, or slot. */
static uint64_t
time_ends(const struct rc_spells_slab *slab, uint32_t row)
{
    const struct rc_bucket_table *table = slab->table;
    const uint32_t *times = slab->times + row;
    uint32_t copy[65];
    for (uint32_t i = 0; i < 64; i += 16)
        __builtin_prefetch(times + AHEAD_ROWS + i);
    if (slab->row_count - row <= 64) { /* What is behind the slab's last must not be read. */
        memset(copy, 0, sizeof(copy));
        memcpy(copy, times, (slab->row_count - row) * sizeof(copy[0]));
        times = copy;
    }
    return slab->step_ends != NULL ? slab->step_ends(times, table->steps, table->step_count)
                                   : slab->slot_ends(times);
}

/* The place of a stretch of rows by one of their times: that of all of them, or a mark. */
static inline uint32_t
place_of(const struct rc_spells_slab *slab, uint32_t time)
{
    const uint32_t place = slab->slots[time >> RC_BUCKET_SHIFT];
    return place < RC_BUCKET_MIXED || slab->step_ends == NULL
               ? place
               : rc_bucket_table_find_mixed(slab->table, place, time);
}

/* Adds the rows of a stretch in which a bucket begins, one by one. *counted loses those that are in
 * none. */
static struct list
add_mixed(const struct rc_spells_slab *slab,
          uint32_t row,
          uint64_t bits,
          uint32_t slot,
          struct list list,
          uint64_t *counted)
{
    for (; bits != 0; bits &= bits - 1) {
        const uint32_t time = slab->times[row + (uint32_t)__builtin_ctzll(bits)];
        const uint32_t place = rc_bucket_table_find(slab->table, time);
        if (place != slab->none)
            list = add(list, slot, place, 0);
        else
            *counted &= ~(bits & -bits);
    }
    return list;
}

/* Adds the spells of a word of rows, of which bits match (some do); *counted are those that count.
 */
static inline __attribute__((always_inline)) struct list
add_word(struct rc_spells_slab *slab,
         uint32_t row,
         uint64_t bits,
         struct list list,
         uint64_t *counted)
{
    const uint32_t low = (uint32_t)__builtin_ctzll(bits);
    const uint32_t high = 63 - (uint32_t)__builtin_clzll(bits);
    uint64_t user_begins = 0;
    if (slab->starts[slab->user + 1] <= row + low)
        slab->user = rc_slab_rows_owner(slab->starts, slab->user_count, slab->user, row + low);
    for (uint32_t i = slab->user + 1; slab->starts[i] <= row + high; i++)
        user_begins |= (uint64_t)1 << (slab->starts[i] - row);
    if (slab->skip != NULL)
        bits = rc_spells_leave_out(slab, bits, user_begins);
    const uint64_t ends =
        (slab->mixed ? time_ends(slab, row) : 0) | user_begins >> 1 | (uint64_t)1 << high;
    const uint64_t again = rc_fields_with(rc_fields_but_first(bits, ends), ends);
    *counted = bits;
    for (uint64_t found = rc_fields_with(bits, ends); found != 0; found &= found - 1) {
        const uint32_t bit = (uint32_t)__builtin_ctzll(found);
        const uint64_t until = (found & -found) * 2 - 1;
        const uint32_t user = slab->user + (uint32_t)__builtin_popcountll(user_begins & until);
        const uint32_t slot = slab->users[user] - slab->first;
        const uint32_t place = slab->mixed ? place_of(slab, slab->times[row + bit]) : slab->only;
        if (place < slab->none) {
            list = add(list, slot, place, (uint32_t)((again >> bit) & 1));
            continue;
        }
        const uint64_t before = ends & until >> 1;
        const uint64_t mine =
            before == 0 ? until : until & ~(UINT64_MAX >> __builtin_clzll(before));
        if (place == slab->none)
            *counted &= ~mine;
        else
            list = add_mixed(slab, row, bits & mine, slot, list, counted);
    }
    slab->user += (uint32_t)__builtin_popcountll(user_begins);
    return list;
}

static inline __attribute__((always_inline)) uint32_t
list_piece(struct rc_spells_slab *slab,
           const uint64_t *words,
           uint32_t begin,
           uint32_t end,
           struct rc_spell *spells,
           uint64_t *row_count)
{
    struct list list = {.last = spells, .key = UINT64_MAX};
    for (uint32_t row = begin & ~63u; row < end; row += 64) {
        uint64_t bits = rc_word_within(row, begin, end);
        uint64_t counted;
        if (words != NULL)
            bits &= words[row % RC_PIECE_ROWS / 64];
        if (bits == 0)
            continue;
        list = add_word(slab, row, bits, list, &counted);
        *row_count += (uint64_t)__builtin_popcountll(counted);
    }
    return (uint32_t)(list.last - spells);
}

#if defined(__x86_64__)

/* The build's baseline has no instruction that counts bits. */
__attribute__((target("popcnt,bmi"))) static uint32_t
list_counting(struct rc_spells_slab *slab,
              const uint64_t *words,
              uint32_t begin,
              uint32_t end,
              struct rc_spell *spells,
              uint64_t *row_count)
{
    return list_piece(slab, words, begin, end, spells, row_count);
}

#define HAS_COUNTING (__builtin_cpu_supports("popcnt") && __builtin_cpu_supports("bmi"))

#else

#define list_counting list_piece
#define HAS_COUNTING false

#endif

uint32_t
rc_spells_stretches(struct rc_spells_slab *slab,
                    const uint64_t *words,
                    uint32_t begin,
                    uint32_t end,
                    struct rc_spell *spells,
                    uint64_t *row_count)
{
    return HAS_COUNTING ? list_counting(slab, words, begin, end, spells, row_count)
                        : list_piece(slab, words, begin, end, spells, row_count);
}
