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
read_times(const struct rc_rowset *set, const void *source, void *made)
{
    const uint32_t *times = source;
    uint16_t *out = made;
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
    return rc_rowset_keep(set, &set->times, RC_ROWSET_TIME_BYTES, share, read_times, times);
}
