/*
 * Spells. Where a slab's places are ranks (time/bucket_ranks.h) and the processor has the
 * instructions, a piece's spells are listed by kernels (spell_lists.h); else its words of rows are
 * taken one by one (spell_stretches.c).
 */
#include "engine/query/slab/spells.h"

#include <string.h>

#include "engine/match/rows/words.h"
#include "engine/query/slab/spell_lists.h"
#include "engine/query/slab/spells_form.h"

bool rc_spells_wide = true;

/* A slab's. */
struct rc_spells_ranks {
    bool known; /* Its places are ranks. */
    struct rc_bucket_ranks ranks;
};

struct rc_spells_scratch {
    struct rc_spell_rows rows;
    struct rc_spell_list list;
};

/* Finds the ranks of all slabs. */
static enum rc_status
open_lists(struct rc_spells *reader)
{
    const struct rc_plan *plan = reader->plan;
    struct rc_account *account = plan->context->account;
    reader->kernels = rc_spell_kernels_avx512();
    if (reader->kernels == NULL || !rc_spells_wide)
        return RC_OK;
    reader->ranks = rc_alloc_in(account, (plan->slab_count + (size_t)1) * sizeof(*reader->ranks));
    reader->scratch = rc_alloc_in(account, sizeof(*reader->scratch));
    if (reader->ranks == NULL || reader->scratch == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < plan->slab_count; i++)
        reader->ranks[i].known = rc_bucket_ranks_make(&reader->tables[i], &reader->ranks[i].ranks);
    return RC_OK;
}

enum rc_status
rc_spells_open(struct rc_spells *reader,
               const struct rc_plan *plan,
               uint32_t stream,
               const struct rc_bucket_table *tables)
{
    *reader = (struct rc_spells){
        .plan = plan, .stream = stream, .tables = tables, .rows.account = plan->context->account};
    reader->spells =
        rc_alloc_in(plan->context->account,
                    (1 + RC_PIECE_ROWS + RC_SPELLS_LISTED_MORE) * sizeof(*reader->spells));
    return reader->spells == NULL ? RC_NO_MEMORY : open_lists(reader);
}

void
rc_spells_close(struct rc_spells *reader)
{
    rc_slab_rows_close(&reader->rows);
    reader->spells = rc_alloc_free(reader->spells);
    reader->ranks = rc_alloc_free(reader->ranks);
    reader->scratch = rc_alloc_free(reader->scratch);
}

uint64_t
rc_spells_leave_out(const struct rc_spells_slab *slab, uint64_t bits, uint64_t user_begins)
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

/* Marks where the users of the words of a piece begin; slab->user is the one before. How many. */
static uint32_t
mark_begins(const struct rc_spells_slab *slab, uint32_t base, struct rc_spell_rows *rows)
{
    uint32_t user = slab->user + 1;
    const uint32_t stop = base + rows->word_end * 64;
    const uint32_t *starts = slab->starts;
    memset(rows->begins, 0, sizeof(rows->begins));
    for (; user < slab->user_count && starts[user] < stop; user++)
        rows->begins[(starts[user] - base) / 64] |= (uint64_t)1 << (starts[user] % 64);
    return user - slab->user - 1;
}

/* Takes the rows of the piece's users who are skipped out. */
static void
leave_out(struct rc_spells_slab slab, struct rc_spell_rows *rows)
{
    for (uint32_t word = rows->word_begin; word < rows->word_end; word++) {
        rows->bits[word] = rc_spells_leave_out(&slab, rows->bits[word], rows->begins[word]);
        slab.user += (uint32_t)__builtin_popcountll(rows->begins[word]);
    }
}

/* Makes the rows [begin, end) of a piece ready; slab->user becomes who has the first of its words.
 * How many users begin in them. */
static uint32_t
make_rows(struct rc_spells_slab *slab,
          const uint64_t *words,
          uint32_t begin,
          uint32_t end,
          struct rc_spell_rows *rows)
{
    const uint32_t base = begin & ~(RC_PIECE_ROWS - 1);
    rows->times = slab->times + base;
    rows->row_count = slab->row_count - base;
    rows->word_begin = (begin - base) / 64;
    rows->word_end = (end - base + 63) / 64;
    if (slab->starts[slab->user + 1] <= (begin & ~63u))
        slab->user = rc_slab_rows_owner(slab->starts, slab->user_count, slab->user, begin & ~63u);
    if (words != NULL)
        memcpy(rows->bits, words, sizeof(rows->bits));
    else
        memset(rows->bits, 0xff, sizeof(rows->bits));
    rows->bits[rows->word_begin] &= rc_word_within(begin & ~63u, begin, end);
    rows->bits[rows->word_end - 1] &= rc_word_within((end - 1) & ~63u, begin, end);
    const uint32_t users = mark_begins(slab, base, rows);
    if (slab->skip != NULL)
        leave_out(*slab, rows);
    return users;
}

/* The same as rc_spells_stretches, by the reader's kernels. */
static uint32_t
list_ranks(struct rc_spells *reader,
           uint32_t plan_slab,
           struct rc_spells_slab *slab,
           const uint64_t *words,
           uint32_t begin,
           uint32_t end,
           uint64_t *row_count)
{
    struct rc_spell_rows *rows = &reader->scratch->rows;
    const struct rc_spell_list *list = &reader->scratch->list;
    const struct rc_bucket_ranks *ranks = &reader->ranks[plan_slab].ranks;
    const uint32_t users = make_rows(slab, words, begin, end, rows);
    rows->ranks = ranks;
    const uint32_t count = reader->kernels->list(rows, &reader->scratch->list);
    reader->kernels->write(list, count, ranks, slab->users + slab->user, slab->first,
                           reader->spells + 1);
    *row_count += rc_words_count(rows->bits + rows->word_begin, rows->word_end - rows->word_begin);
    slab->user += users;
    return count;
}

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
    const struct rc_slab *view_slab = rc_plan_view_slab(reader->plan, plan_slab)->slab;
    const struct rc_bucket_table *table = &reader->tables[plan_slab];
    struct rc_spells_slab slab = {
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
    const bool ranked = reader->ranks != NULL && reader->ranks[plan_slab].known;
    RC_TRY(rc_slab_rows_open(&reader->rows, reader->plan, plan_slab, reader->stream));
    for (uint32_t stop; begin < end; begin = stop) {
        const uint64_t *words;
        const uint32_t base = begin & ~(RC_PIECE_ROWS - 1);
        stop = end - base < RC_PIECE_ROWS ? end : base + RC_PIECE_ROWS;
        if (!rc_slab_rows_piece(&reader->rows, base, &words))
            continue;
        const uint32_t count =
            ranked ? list_ranks(reader, plan_slab, &slab, words, begin, stop, row_count)
                   : rc_spells_stretches(&slab, words, begin, stop, reader->spells, row_count);
        if (count > 0)
            take(state, reader->spells + 1, count);
    }
    return RC_OK;
}
