/* Rowset, users: made at once from where each user's rows begin, then published, as times are. */
#include "engine/match/rows/rowset_form.h"

#define BATCH_ROWS 256u

const uint32_t *
rc_rowset_users(const struct rc_rowset *set)
{
    return atomic_load_explicit(&set->users, memory_order_acquire);
}

/* The user of each row: mostly a few users on from the one before, so by doubling steps. */
static void
find_users(const struct rc_rowset *set, const void *source, void *made)
{
    const struct rc_row_owners *owners = source;
    uint32_t *out = made;
    uint32_t rows[BATCH_ROWS];
    uint32_t cursor = 0;
    uint32_t at = 0; /* Of the user of the row before. */
    while (cursor < set->row_count) {
        const uint32_t count = rc_rowset_read(set, &cursor, set->row_count, rows, BATCH_ROWS);
        for (uint32_t i = 0; i < count; i++) {
            uint32_t step = 1;
            for (; at + step < owners->user_count && owners->starts[at + step] <= rows[i];
                 step *= 2)
                at += step;
            for (; step > 0; step /= 2)
                if (at + step < owners->user_count && owners->starts[at + step] <= rows[i])
                    at += step;
            *out++ = owners->users[at];
        }
    }
}

const uint32_t *
rc_rowset_keep_users(struct rc_rowset *set, const struct rc_row_owners *owners, uint32_t share)
{
    return rc_rowset_keep(set, &set->users, RC_ROWSET_USER_BYTES, share, find_users, owners);
}
