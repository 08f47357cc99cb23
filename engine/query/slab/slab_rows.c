/* Slab rows. A block of the rowset is looked at once and serves its sixteen pieces. */
#include "engine/query/slab/slab_rows.h"

#include "engine/base/assert.h"
#include "engine/query/walk/walk.h"

#define NO_BLOCK UINT32_MAX

_Static_assert(RC_BLOCK_ROWS % RC_PIECE_ROWS == 0, "a piece lies in one block");

void
rc_slab_rows_close(struct rc_slab_rows *rows)
{
    rows->scratch = rc_alloc_free(rows->scratch);
}

enum rc_status
rc_slab_rows_open(struct rc_slab_rows *rows,
                  const struct rc_plan *plan,
                  uint32_t plan_slab,
                  uint32_t stream)
{
    if (rows->scratch == NULL)
        rows->scratch =
            rc_alloc_in(rows->account, (RC_BLOCK_WORDS + RC_PIECE_WORDS) * sizeof(*rows->scratch));
    if (rows->scratch == NULL)
        return RC_NO_MEMORY;
    rows->set = plan->slabs[plan_slab].sets[stream];
    rows->dead = rc_plan_view_slab(plan, plan_slab)->dead;
    rows->block = NO_BLOCK;
    return RC_OK;
}

bool
rc_slab_rows_piece(struct rc_slab_rows *rows, uint32_t base, const uint64_t **ret_words)
{
    if (rows->set == NULL)
        return false;
    if (rows->block != base / RC_BLOCK_ROWS) {
        rows->block = base / RC_BLOCK_ROWS;
        rows->kind = rc_rowset_block(rows->set, rows->block, rows->scratch, &rows->words);
    }
    if (rows->kind == RC_BLOCK_EMPTY)
        return false;
    const uint64_t *words =
        rows->kind == RC_BLOCK_FULL ? NULL : rows->words + base % RC_BLOCK_ROWS / 64;
    if (rows->dead != NULL) {
        uint64_t *alive = rows->scratch + RC_BLOCK_WORDS;
        for (uint32_t word = 0; word < RC_PIECE_WORDS; word++)
            alive[word] =
                (words == NULL ? UINT64_MAX : words[word]) & ~rows->dead[base / 64 + word];
        words = alive;
    }
    *ret_words = words;
    return true;
}

/* The one stream of a bit. */
static uint32_t
only_stream(const struct rc_plan *plan, uint64_t bit)
{
    uint32_t found = UINT32_MAX;
    for (uint32_t s = 0; s < plan->stream_count; s++) {
        if (plan->streams[s].bit != bit)
            continue;
        if (found != UINT32_MAX)
            return UINT32_MAX;
        found = s;
    }
    return found;
}

uint32_t
rc_slab_rows_stream(const struct rc_plan *plan, uint64_t bit)
{
    return plan->reads_persons || plan->entities != NULL ? UINT32_MAX : only_stream(plan, bit);
}

/* Whether a stream's rows are read one by one in all slabs. */
static bool
is_sparse(const struct rc_plan *plan, uint32_t stream)
{
    double rows = 0;
    bool sparse = true;
    for (uint32_t i = 0; i < plan->slab_count; i++) {
        const struct rc_rowset *set = plan->slabs[i].sets[stream];
        sparse = sparse && (set == NULL || rc_rowset_is_sparse(set));
        rows += plan->slabs[i].row_count;
    }
    return plan->plan_only
               ? plan->explain->selectors[stream].rows_estimate * RC_ROWSET_SPARSE_SHARE <= rows
               : sparse;
}

uint32_t
rc_slab_rows_asked_stream(const struct rc_plan *plan, uint64_t bit)
{
    if (!plan->reads_persons || plan->entities != NULL)
        return rc_slab_rows_stream(plan, bit);
    const uint32_t stream = only_stream(plan, bit);
    /* A stream's own persons are the plan's where it is the only one. */
    const bool filtered = stream != UINT32_MAX && plan->persons != NULL &&
                          (plan->streams[stream].persons == NULL || plan->stream_count == 1);
    return filtered && is_sparse(plan, stream) && !rc_walk_looks_up(plan) ? stream : UINT32_MAX;
}

uint32_t
rc_slab_rows_owner(const uint32_t *starts, uint32_t user_count, uint32_t user, uint32_t row)
{
    /* Mostly a few users on: by doubling steps, and then between the last two. */
    uint32_t step = 1;
    while (user + step < user_count && starts[user + step] <= row) {
        user += step;
        step *= 2;
    }
    for (; step > 0; step /= 2)
        if (user + step < user_count && starts[user + step] <= row)
            user += step;
    return user;
}
