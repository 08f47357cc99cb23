#include "engine/intake/hide.h"

#include "engine/base/assert.h"

static enum rc_status
hide_slab_rows(struct rc_version *draft, uint32_t slab, uint32_t row, uint32_t end, uint64_t *rows)
{
    for (; row < end; row++) {
        bool newly = false;
        RC_TRY(rc_version_kill_slab_row(draft, slab, row, &newly));
        *rows += newly;
    }
    return RC_OK;
}

static enum rc_status
hide_users_in_slab(struct rc_version *draft,
                   uint32_t slab,
                   const uint32_t *users,
                   uint32_t user_count,
                   uint64_t *rows)
{
    struct rc_slab *at = draft->slabs[slab].slab;
    enum rc_status status = RC_OK;
    RC_TRY(rc_slab_use(at, RC_SLAB_PART_USERS, NULL));
    const uint32_t *starts = rc_slab_starts(at);
    const uint32_t slab_users = rc_slab_get_info(at)->user_count;
    for (uint32_t i = 0; i < user_count && status == RC_OK; i++) {
        const uint32_t index = rc_slab_user_lower_bound(at, users[i]);
        if (index < slab_users && rc_slab_users(at)[index] == users[i])
            status = hide_slab_rows(draft, slab, starts[index], starts[index + 1], rows);
    }
    rc_slab_unuse(at);
    return status;
}

static bool
is_among(const uint32_t *users, uint32_t user_count, uint32_t user)
{
    uint32_t low = 0;
    uint32_t high = user_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (users[middle] < user)
            low = middle + 1;
        else
            high = middle;
    }
    return low < user_count && users[low] == user;
}

/* Heads hold rows in order of arrival: each is looked at. users NULL: rows before cut_ms. */
static enum rc_status
hide_in_heads(struct rc_version *draft,
              const uint32_t *users,
              uint32_t user_count,
              int64_t cut_ms,
              uint64_t *rows)
{
    for (uint32_t head = 0; head < draft->head_count; head++) {
        const uint32_t chunk_count = rc_head_chunk_count(draft->heads[head].head);
        for (uint32_t c = 0; c < chunk_count; c++) {
            struct rc_view_chunk chunk;
            rc_head_chunk(draft->heads[head].head, c, RC_CHUNK_WHOLE, &chunk);
            for (uint32_t row = 0; row < chunk.row_count; row++) {
                const bool hidden = users != NULL ? is_among(users, user_count, chunk.users[row])
                                                  : chunk.times_ms[row] < cut_ms;
                bool newly = false;
                if (hidden)
                    RC_TRY(rc_version_kill_head_row(draft, head, c, row, &newly));
                *rows += newly;
            }
        }
    }
    return RC_OK;
}

enum rc_status
rc_hide_users(struct rc_version *draft, const uint32_t *users, uint32_t user_count, uint64_t *rows)
{
    RC_ASSERT(user_count > 0);
    for (uint32_t slab = 0; slab < draft->slab_count; slab++)
        RC_TRY(hide_users_in_slab(draft, slab, users, user_count, rows));
    return hide_in_heads(draft, users, user_count, 0, rows);
}

static enum rc_status
hide_before_in_slab(struct rc_version *draft, uint32_t slab, int64_t cut_ms, uint64_t *rows)
{
    struct rc_slab *at = draft->slabs[slab].slab;
    const struct rc_slab_info *info = rc_slab_get_info(at);
    enum rc_status status = RC_OK;
    if (info->time_min_ms >= cut_ms)
        return RC_OK;
    if (info->time_max_ms < cut_ms)
        return hide_slab_rows(draft, slab, 0, info->row_count, rows);
    /* Rows are in order of time only within a user: all are looked at. */
    RC_TRY(rc_slab_use(at, RC_SLAB_PART_TIMES, NULL));
    const uint32_t *times = rc_slab_times(at);
    const uint32_t offset = (uint32_t)(cut_ms - info->window_start_ms);
    for (uint32_t row = 0; row < info->row_count && status == RC_OK; row++)
        if (times[row] < offset)
            status = hide_slab_rows(draft, slab, row, row + 1, rows);
    rc_slab_unuse(at);
    return status;
}

enum rc_status
rc_hide_before(struct rc_version *draft, int64_t cut_ms, uint64_t *rows)
{
    for (uint32_t slab = 0; slab < draft->slab_count; slab++)
        RC_TRY(hide_before_in_slab(draft, slab, cut_ms, rows));
    return hide_in_heads(draft, NULL, 0, cut_ms, rows);
}

enum rc_status
rc_hide_in_slab(struct rc_version *draft, uint32_t slab, const struct rc_version *before)
{
    uint64_t rows = 0;
    uint32_t count = 0;
    const uint32_t *users = rc_gone_users(draft->gone, &count);
    if (draft->gone != before->gone)
        RC_TRY(hide_users_in_slab(draft, slab, users, count, &rows));
    if (draft->cut_ms > before->cut_ms)
        RC_TRY(hide_before_in_slab(draft, slab, draft->cut_ms, &rows));
    return RC_OK;
}
