/*
 * Spells. A word of 64 rows at a time, and no branch for a row. Of the word is made
 *
 *   ends    a bit for each row behind which another user or another place begins, where the
 *           slab's places are few, or else another slot of the bucket table (slot_ends.h):
 *           stretches of rows end there, each of them a spell, or mostly a visit
 *
 * and the rest is arithmetic. A stretch is a field of bits up to its end. Adding ones to the bits
 * that match below the end carries into the end if and only if there are some (any_of); taking one
 * away where a field begins turns its bits over up to the first that is set, so that "and" clears
 * that one (but_first). Stretches with a row that matches are then the bits of one word, few, and
 * only those are visited. Of stretches that end with a slot, where a bucket begins inside it, each
 * row is one of its own.
 *
 * Stretches of one user and place that follow each other are joined.
 */
#include "engine/query/walk/spells.h"

#include <string.h>

#include "engine/match/rows/words.h"
#include "engine/query/walk/slot_ends.h"
#include "engine/query/walk/times_below.h"

#define AHEAD_ROWS 1024u /* Times are asked for so early. */

/* What reading the rows of a slab takes. */
struct slab {
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

enum rc_status
rc_spells_open(struct rc_spells *reader,
               const struct rc_plan *plan,
               uint32_t stream,
               const struct rc_bucket_table *tables)
{
    *reader = (struct rc_spells){
        .plan = plan, .stream = stream, .tables = tables, .rows.account = plan->context->account};
    reader->spells =
        rc_alloc_in(plan->context->account, (RC_PIECE_ROWS + 1) * sizeof(*reader->spells));
    return reader->spells == NULL ? RC_NO_MEMORY : RC_OK;
}

void
rc_spells_close(struct rc_spells *reader)
{
    rc_slab_rows_close(&reader->rows);
    reader->spells = rc_alloc_free(reader->spells);
}

/* The fields that have a bit, by their ends. */
static inline uint64_t
any_of(uint64_t bits, uint64_t ends)
{
    return (((bits & ~ends) + ~ends) | bits) & ends;
}

/* The bits but for each field's first one. */
static inline uint64_t
but_first(uint64_t bits, uint64_t ends)
{
    const uint64_t begins = ends << 1 | 1;
    const uint64_t stopped = bits | ends;
    return stopped & (stopped - begins) & bits;
}

/* Takes the rows of users who are skipped out of a word's. */
static uint64_t
leave_out(const struct slab *slab, uint64_t bits, uint64_t user_begins)
{
    uint64_t left = bits;
    uint32_t user = slab->user;
    for (uint64_t begins = user_begins; left != 0; begins &= begins - 1, user++) {
        const uint64_t mine = left & ((begins & -begins) - 1);
        const uint32_t ordinal = slab->users[user];
        if (((slab->skip[ordinal / 64] >> (ordinal % 64)) & 1) != 0)
            bits &= ~mine;
        left &= ~mine;
    }
    return bits;
}

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
time_ends(const struct slab *slab, uint32_t row)
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
place_of(const struct slab *slab, uint32_t time)
{
    const uint32_t place = slab->slots[time >> RC_BUCKET_SHIFT];
    return place < RC_BUCKET_MIXED || slab->step_ends == NULL
               ? place
               : rc_bucket_table_find_mixed(slab->table, place, time);
}

/* Adds the rows of a stretch in which a bucket begins, one by one. *counted loses those that are in
 * none. */
static struct list
add_mixed(const struct slab *slab,
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
add_word(struct slab *slab, uint32_t row, uint64_t bits, struct list list, uint64_t *counted)
{
    const uint32_t low = (uint32_t)__builtin_ctzll(bits);
    const uint32_t high = 63 - (uint32_t)__builtin_clzll(bits);
    uint64_t user_begins = 0;
    if (slab->starts[slab->user + 1] <= row + low)
        slab->user = rc_slab_rows_owner(slab->starts, slab->user_count, slab->user, row + low);
    for (uint32_t i = slab->user + 1; slab->starts[i] <= row + high; i++)
        user_begins |= (uint64_t)1 << (slab->starts[i] - row);
    if (slab->skip != NULL)
        bits = leave_out(slab, bits, user_begins);
    const uint64_t ends =
        (slab->mixed ? time_ends(slab, row) : 0) | user_begins >> 1 | (uint64_t)1 << high;
    const uint64_t again = any_of(but_first(bits, ends), ends);
    *counted = bits;
    for (uint64_t found = any_of(bits, ends); found != 0; found &= found - 1) {
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

/* Lists the spells of the rows [begin, end) of a piece behind the one at spells, which is none;
 * returns how many there are. */
static inline __attribute__((always_inline)) uint32_t
list_piece(struct slab *slab,
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

typedef uint32_t (*lister)(struct slab *slab,
                           const uint64_t *words,
                           uint32_t begin,
                           uint32_t end,
                           struct rc_spell *spells,
                           uint64_t *row_count);

static uint32_t
list_plain(struct slab *slab,
           const uint64_t *words,
           uint32_t begin,
           uint32_t end,
           struct rc_spell *spells,
           uint64_t *row_count)
{
    return list_piece(slab, words, begin, end, spells, row_count);
}

#if defined(__x86_64__)

/* The build's baseline has no instruction that counts bits. */
__attribute__((target("popcnt,bmi"))) static uint32_t
list_counting(struct slab *slab,
              const uint64_t *words,
              uint32_t begin,
              uint32_t end,
              struct rc_spell *spells,
              uint64_t *row_count)
{
    return list_piece(slab, words, begin, end, spells, row_count);
}

static lister
choose_lister(void)
{
    return __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("bmi") ? list_counting
                                                                             : list_plain;
}

#else

static lister
choose_lister(void)
{
    return list_plain;
}

#endif

enum rc_status
rc_spells_read(struct rc_spells *reader,
               const struct rc_walk_block *block,
               uint32_t plan_slab,
               uint32_t begin,
               uint32_t end,
               rc_spells_take take,
               void *state,
               uint64_t *row_count)
{
    uint32_t slab_count;
    const uint32_t index = reader->plan->slabs[plan_slab].index;
    const struct rc_slab *view_slab =
        rc_view_slabs(reader->plan->context->view, &slab_count)[index].slab;
    const struct rc_bucket_table *table = &reader->tables[plan_slab];
    struct slab slab = {
        .table = table,
        .slots = table->slots,
        .only = table->only,
        .none = table->bucket_count,
        .times = rc_slab_times(view_slab),
        .starts = rc_slab_starts(view_slab),
        .users = rc_slab_users(view_slab),
        .slot_ends = rc_slot_ends_best(),
        .step_ends = table->step_count <= RC_BUCKET_STEPS_MAX ? rc_step_ends_best() : NULL,
        .user_count = rc_slab_get_info(view_slab)->user_count,
        .row_count = rc_slab_get_info(view_slab)->row_count,
        .user = rc_slab_user_index_of_row(view_slab, begin),
        .first = block->first,
        .skip = block->skip,
        .mixed = table->only == RC_BUCKET_MIXED,
    };
    const lister list = choose_lister();
    RC_TRY(rc_slab_rows_open(&reader->rows, reader->plan, plan_slab, reader->stream));
    for (uint32_t stop; begin < end; begin = stop) {
        const uint64_t *words;
        const uint32_t base = begin & ~(RC_PIECE_ROWS - 1);
        stop = end - base < RC_PIECE_ROWS ? end : base + RC_PIECE_ROWS;
        if (!rc_slab_rows_piece(&reader->rows, base, &words))
            continue;
        const uint32_t count = list(&slab, words, begin, stop, reader->spells, row_count);
        if (count > 0)
            take(state, reader->spells + 1, count);
    }
    return RC_OK;
}
