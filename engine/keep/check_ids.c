/*
 * Users are taken in ranges of about RANGE_ROWS events: the hashes of the range's live sent ids are
 * sorted, and equal neighbours are compared exactly. So memory is bounded by the range, or by what
 * the largest user has. Heads hold rows in order of arrival; theirs are gathered and sorted by user
 * once.
 */
#include "engine/keep/check_ids.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/assert.h"

#define RANGE_ROWS ((uint64_t)1 << 20)
#define TOLD_MAX 20u

/* A live event with a sent id. */
struct sent {
    uint64_t hash; /* Of user and id. */
    uint32_t user;
    uint32_t part; /* A slab, or slab_count + a chunk. */
    uint32_t row;
};

struct gathering {
    struct rc_check *check;
    const char *where;
    const struct rc_view_slab *slabs;
    uint32_t slab_count;
    const struct rc_view_chunk *chunks;
    uint32_t chunk_count;
    size_t head_count;
    size_t head_capacity;
    struct sent *heads; /* By user. */
    size_t count;
    size_t capacity;
    struct sent *list; /* Of the range. */
    uint32_t told;
};

static void
gathering_close(struct gathering *gathering)
{
    rc_alloc_free(gathering->heads);
    rc_alloc_free(gathering->list);
}

static bool
is_dead(const uint64_t *dead, uint32_t row)
{
    return dead != NULL && (dead[row / 64] >> (row % 64) & 1) != 0;
}

static struct rc_event_id
id_of(const struct gathering *gathering, const struct sent *sent)
{
    if (sent->part < gathering->slab_count)
        return rc_slab_event_id(gathering->slabs[sent->part].slab, sent->row);
    return gathering->chunks[sent->part - gathering->slab_count].ids[sent->row];
}

static int
compare_users(const void *a, const void *b)
{
    const struct sent *x = a;
    const struct sent *y = b;
    return (x->user > y->user) - (x->user < y->user);
}

static int
compare_hashes(const void *a, const void *b)
{
    const struct sent *x = a;
    const struct sent *y = b;
    return (x->hash > y->hash) - (x->hash < y->hash);
}

static enum rc_status
gather_heads(struct gathering *gathering)
{
    for (uint32_t i = 0; i < gathering->chunk_count; i++) {
        const struct rc_view_chunk *chunk = &gathering->chunks[i];
        RC_TRY(RC_GROW(gathering->heads, gathering->head_capacity,
                       gathering->head_count + chunk->row_count));
        for (uint32_t row = 0; row < chunk->row_count; row++) {
            if (is_dead(chunk->dead, row) || chunk->ids[row].kind == RC_EVENT_ID_DERIVED)
                continue;
            gathering->heads[gathering->head_count++] = (struct sent){
                .hash = rc_event_id_hash(chunk->users[row], &chunk->ids[row]),
                .user = chunk->users[row],
                .part = gathering->slab_count + i,
                .row = row,
            };
        }
    }
    if (gathering->head_count > 1)
        qsort(gathering->heads, gathering->head_count, sizeof(struct sent), compare_users);
    return RC_OK;
}

/* The first of the heads' events whose user is at or above user. */
static size_t
head_lower_bound(const struct gathering *gathering, uint64_t user)
{
    size_t low = 0;
    size_t high = gathering->head_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (gathering->heads[middle].user < user)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The first row of a slab whose user is at or above user. */
static uint32_t
slab_row_of(const struct rc_slab *slab, uint64_t user)
{
    const struct rc_slab_info *info = rc_slab_get_info(slab);
    if (user > UINT32_MAX)
        return info->row_count;
    return rc_slab_starts(slab)[rc_slab_user_lower_bound(slab, (uint32_t)user)];
}

static uint64_t
rows_between(const struct gathering *gathering, uint64_t first, uint64_t end)
{
    uint64_t rows = head_lower_bound(gathering, end) - head_lower_bound(gathering, first);
    for (uint32_t i = 0; i < gathering->slab_count; i++)
        rows += slab_row_of(gathering->slabs[i].slab, end) -
                slab_row_of(gathering->slabs[i].slab, first);
    return rows;
}

static enum rc_status
gather_slab(struct gathering *gathering, uint32_t part, uint64_t first, uint64_t end)
{
    const struct rc_view_slab *view = &gathering->slabs[part];
    const uint32_t *users = rc_slab_users(view->slab);
    const uint32_t *starts = rc_slab_starts(view->slab);
    const uint32_t user_count = rc_slab_get_info(view->slab)->user_count;
    for (uint32_t i = rc_slab_user_lower_bound(view->slab, (uint32_t)first);
         i < user_count && users[i] < end; i++)
        for (uint32_t row = starts[i]; row < starts[i + 1]; row++) {
            const struct rc_event_id id = rc_slab_event_id(view->slab, row);
            if (is_dead(view->dead, row) || id.kind == RC_EVENT_ID_DERIVED)
                continue;
            gathering->list[gathering->count++] = (struct sent){
                .hash = rc_event_id_hash(users[i], &id),
                .user = users[i],
                .part = part,
                .row = row,
            };
        }
    return RC_OK;
}

static void
compare_pair(struct gathering *gathering, const struct sent *a, const struct sent *b)
{
    const struct rc_event_id x = id_of(gathering, a);
    const struct rc_event_id y = id_of(gathering, b);
    if (a->user != b->user || rc_event_id_compare(&x, &y) != 0)
        return;
    if (gathering->told++ < TOLD_MAX)
        rc_check_found(gathering->check, RC_FINDING_PROBLEM, gathering->where,
                       "user %u has two live events with one id (rows %u and %u of slabs or chunks "
                       "%u and %u)",
                       a->user, a->row, b->row, a->part, b->part);
    else
        gathering->check->counts.problems++;
}

static void
find_doubles(struct gathering *gathering)
{
    if (gathering->count > 1)
        qsort(gathering->list, gathering->count, sizeof(struct sent), compare_hashes);
    for (size_t i = 1; i < gathering->count; i++)
        for (size_t k = i; k > 0 && gathering->list[k - 1].hash == gathering->list[i].hash; k--)
            compare_pair(gathering, &gathering->list[k - 1], &gathering->list[i]);
}

/* The end of a range that begins at first and has about RANGE_ROWS events, or one user. */
static uint64_t
range_end(const struct gathering *gathering, uint64_t first, uint64_t users)
{
    uint64_t low = first + 1;
    uint64_t high = users;
    while (low < high) {
        const uint64_t middle = low + (high - low + 1) / 2;
        if (rows_between(gathering, first, middle) <= RANGE_ROWS)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

enum rc_status
rc_check_ids(struct rc_check *check,
             const char *where,
             struct rc_view *view,
             struct rc_error *reterr_error)
{
    RC_CLEANUP(gathering_close) struct gathering gathering = {.check = check, .where = where};
    gathering.slabs = rc_view_slabs(view, &gathering.slab_count);
    gathering.chunks = rc_view_chunks(view, &gathering.chunk_count);
    const uint64_t users = rc_view_user_count(view);
    for (uint32_t i = 0; i < gathering.slab_count; i++)
        RC_TRY(rc_view_use_slab(view, i, RC_SLAB_PART_USERS | RC_SLAB_PART_IDS, reterr_error));
    RC_TRY_OR(reterr_error, gather_heads(&gathering));
    for (uint64_t first = 0, end = 0; first < users; first = end) {
        if (rc_check_is_cancelled(check))
            return rc_error_set(reterr_error, RC_CANCELLED, "the check was cancelled");
        end = range_end(&gathering, first, users);
        const size_t head_first = head_lower_bound(&gathering, first);
        const size_t head_count = head_lower_bound(&gathering, end) - head_first;
        RC_TRY_OR(reterr_error, RC_GROW(gathering.list, gathering.capacity,
                                        (size_t)rows_between(&gathering, first, end)));
        gathering.count = head_count;
        if (head_count > 0)
            memcpy(gathering.list, gathering.heads + head_first, head_count * sizeof(struct sent));
        for (uint32_t i = 0; i < gathering.slab_count; i++)
            RC_TRY_OR(reterr_error, gather_slab(&gathering, i, first, end));
        RC_ASSERT(gathering.count <= gathering.capacity);
        find_doubles(&gathering);
    }
    return RC_OK;
}
