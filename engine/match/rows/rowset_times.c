/* Rowset, times: made at once from a column of all rows, then published; of two who make them one
 * is late, and throws his away. */
#include "engine/base/assert.h"
#include "engine/match/rows/rowset_form.h"

#define BATCH_ROWS 256u

uint32_t rc_rowset_window_share = 256;

const uint16_t *
rc_rowset_times(const struct rc_rowset *set)
{
    return atomic_load_explicit(&set->times, memory_order_acquire);
}

uint32_t
rc_rowset_row(const struct rc_rowset *set, uint32_t index)
{
    RC_ASSERT(set->form == RC_ROWSET_LIST && index < set->cardinality);
    const struct rc_rowset_list list = rc_rowset_list(set);
    return rc_rowset_list_row(&list, index);
}

/* All lines that a batch of rows needs are asked for before one of them is waited for. */
static void
read_times(const struct rc_rowset *set, const uint32_t *times, uint16_t *out)
{
    uint32_t rows[BATCH_ROWS];
    uint32_t cursor = 0;
    while (cursor < set->row_count) {
        const uint32_t count = rc_rowset_read(set, &cursor, set->row_count, rows, BATCH_ROWS);
        for (uint32_t i = 0; i < count; i++)
            __builtin_prefetch(&times[rows[i]]);
        for (uint32_t i = 0; i < count; i++)
            *out++ = (uint16_t)(times[rows[i]] >> RC_ROWSET_TIME_SHIFT);
    }
}

const uint16_t *
rc_rowset_keep_times(struct rc_rowset *set, const uint32_t *times, uint32_t share)
{
    uint16_t *kept = atomic_load_explicit(&set->times, memory_order_acquire);
    if (kept != NULL || !rc_rowset_may_keep(set, share))
        return kept;
    uint16_t *made = rc_alloc_in(set->account, (size_t)set->cardinality * RC_ROWSET_TIME_BYTES);
    if (made == NULL)
        return NULL;
    read_times(set, times, made);
    if (atomic_compare_exchange_strong(&set->times, &kept, made))
        return made;
    rc_alloc_free(made);
    return kept;
}
