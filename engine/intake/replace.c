#include "engine/intake/replace.h"

#include <stdlib.h>

#include "engine/base/assert.h"
#include "engine/intake/packed.h"
#include "engine/store/slab/slab_find.h"

/* What a place of may_hold becomes when the copy was found. */
#define FOUND 2u

#define AHEAD 16u /* Arrivals between fetching what a look-up needs and looking. */

enum rc_status
rc_arrivals_hash(uint32_t count,
                 const uint32_t *users,
                 const struct rc_event_id *ids,
                 struct rc_arena *arena,
                 const uint64_t **ret_hashes)
{
    uint64_t *hashes = RC_ARENA_ARRAY(arena, uint64_t, count + 1);
    if (hashes == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++)
        hashes[i] = ids[i].kind == RC_EVENT_ID_DERIVED ? 0 : rc_event_id_hash(users[i], &ids[i]);
    *ret_hashes = hashes;
    return RC_OK;
}

/* The arrivals that were sent with an id, which only can replace, and whose copy is not found. */
struct sent {
    uint32_t count;
    uint32_t *arrivals; /* Their places. */
    uint64_t *hashes;
};

static enum rc_status
collect_sent(const struct rc_arrivals *arrivals,
             const bool *found,
             struct rc_arena *arena,
             struct sent *ret_sent)
{
    struct sent sent = {
        .arrivals = rc_arena_alloc(arena, arrivals->count * sizeof(uint32_t)),
        .hashes = rc_arena_alloc(arena, arrivals->count * sizeof(uint64_t)),
    };
    if (sent.arrivals == NULL || sent.hashes == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < arrivals->count; i++) {
        if (found[i] || arrivals->ids[i].kind == RC_EVENT_ID_DERIVED)
            continue;
        sent.arrivals[sent.count] = i;
        sent.hashes[sent.count++] = arrivals->hashes[i];
    }
    *ret_sent = sent;
    return RC_OK;
}

static enum rc_status
need_draft(const struct rc_version *version, struct rc_version **draft)
{
    return *draft != NULL ? RC_OK : rc_version_draft(version, draft);
}

/* Leaves out the arrivals whose earlier copy was found: there is no second one that is alive. */
static void
keep_open(struct sent *sent, const uint8_t *may_hold)
{
    uint32_t kept = 0;
    for (uint32_t k = 0; k < sent->count; k++) {
        if (may_hold[k] == FOUND)
            continue;
        sent->arrivals[kept] = sent->arrivals[k];
        sent->hashes[kept++] = sent->hashes[k];
    }
    sent->count = kept;
}

/* A copy has the time of the first one, mostly. */
static bool
find_row(const struct rc_version_slab *slab,
         const struct rc_arrivals *arrivals,
         uint32_t i,
         struct rc_event_index *index,
         uint32_t *ret_row)
{
    const uint32_t user = arrivals->users[i];
    const struct rc_event_id *id = &arrivals->ids[i];
    return rc_slab_find_event_at(slab->slab, user, rc_packed_i64(arrivals->times_ms, i), id,
                                 ret_row) ||
           rc_event_index_find(index, slab->slab, slab->id, user, id, ret_row);
}

/* Whether a slab that may hold an event does. */
static enum rc_status
find_in_slab(const struct rc_version_slab *slab,
             const struct rc_arrivals *arrivals,
             uint32_t i,
             struct rc_event_index *index,
             bool *ret_found,
             uint32_t *ret_row,
             struct rc_error *reterr_error)
{
    if (rc_slab_is_cold(slab->slab))
        return rc_slab_search_event(slab->slab, arrivals->users[i], &arrivals->ids[i], ret_found,
                                    ret_row, reterr_error);
    *ret_found = find_row(slab, arrivals, i, index, ret_row);
    return RC_OK;
}

/* A search for the copies of all arrivals. */
struct search {
    const struct rc_version *version;
    const struct rc_arrivals *arrivals;
    struct rc_event_index *index;
    struct sent sent;
    uint8_t *may_hold;
    struct rc_version **draft;
    bool *found;
    uint64_t *replaced;
    struct rc_error *error;
};

static enum rc_status
replace_in_slab(struct search *search, uint32_t slab)
{
    const struct rc_version_slab *at = &search->version->slabs[slab];
    struct sent *sent = &search->sent;
    rc_slab_may_hold_many(at->slab, sent->hashes, sent->count, search->may_hold);
    bool any = false;
    for (uint32_t k = 0; k < sent->count; k++) {
        uint32_t row = 0;
        bool found = false;
        bool newly = false;
        if (search->may_hold[k])
            RC_TRY(find_in_slab(at, search->arrivals, sent->arrivals[k], search->index, &found,
                                &row, search->error));
        if (!found)
            continue;
        RC_TRY_OR(search->error, need_draft(search->version, search->draft));
        RC_TRY_OR(search->error, rc_version_kill_slab_row(*search->draft, slab, row, &newly));
        if (newly)
            search->may_hold[k] = FOUND;
        search->found[sent->arrivals[k]] = newly;
        any = any || newly;
        *search->replaced += newly;
    }
    if (any)
        keep_open(sent, search->may_hold);
    return RC_OK;
}

static int
compare_keys(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The places of the slabs of a kind in the low halves, those with many rows first: they hold most
 * copies. */
static enum rc_status
order_slabs(const struct rc_version *version,
            bool cold,
            struct rc_arena *arena,
            uint64_t **ret_order,
            uint32_t *ret_count)
{
    uint32_t count = 0;
    uint64_t *order = rc_arena_alloc(arena, version->slab_count * sizeof(order[0]));
    if (order == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < version->slab_count; i++) {
        const struct rc_slab *slab = version->slabs[i].slab;
        if (rc_slab_is_cold(slab) == cold)
            order[count++] = (uint64_t)(UINT32_MAX - rc_slab_get_info(slab)->row_count) << 32 | i;
    }
    qsort(order, count, sizeof(order[0]), compare_keys);
    *ret_order = order;
    *ret_count = count;
    return RC_OK;
}

enum rc_status
rc_replace_in_slabs(const struct rc_version *version,
                    bool cold,
                    const struct rc_arrivals *arrivals,
                    struct rc_event_index *index,
                    struct rc_arena *arena,
                    struct rc_version **draft,
                    bool *found,
                    uint64_t *replaced,
                    struct rc_error *reterr_error)
{
    struct search search = {.version = version,
                            .arrivals = arrivals,
                            .index = index,
                            .draft = draft,
                            .found = found,
                            .replaced = replaced,
                            .error = reterr_error};
    uint64_t *order = NULL;
    uint32_t count = 0;
    RC_TRY_OR(reterr_error, order_slabs(version, cold, arena, &order, &count));
    if (count == 0)
        return RC_OK;
    RC_TRY_OR(reterr_error, collect_sent(arrivals, found, arena, &search.sent));
    search.may_hold = rc_arena_alloc(arena, search.sent.count);
    if (search.may_hold == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to look for earlier copies");
    for (uint32_t k = 0; k < count && search.sent.count > 0; k++)
        RC_TRY(replace_in_slab(&search, (uint32_t)order[k]));
    return RC_OK;
}

static enum rc_status
replace_in_head(const struct rc_version *version,
                uint32_t head,
                const struct rc_arrivals *arrivals,
                const bool *found,
                struct rc_version **draft,
                uint64_t *replaced)
{
    const struct rc_head *at = version->heads[head].head;
    for (uint32_t i = 0; i < arrivals->count; i++) {
        struct rc_head_place place;
        if (i + AHEAD < arrivals->count)
            rc_head_fetch(at, arrivals->hashes[i + AHEAD]);
        if (found[i] || arrivals->ids[i].kind == RC_EVENT_ID_DERIVED ||
            !rc_head_find(at, arrivals->hashes[i], arrivals->users[i], &arrivals->ids[i], &place))
            continue;
        bool newly = false;
        RC_TRY(need_draft(version, draft));
        RC_TRY(rc_version_kill_head_row(*draft, head, place.chunk, place.row, &newly));
        *replaced += newly;
    }
    return RC_OK;
}

enum rc_status
rc_replace_in_heads(const struct rc_version *version,
                    const struct rc_arrivals *arrivals,
                    const bool *found,
                    struct rc_version **draft,
                    uint64_t *replaced)
{
    RC_ASSERT(version->head_count > 0);
    for (uint32_t head = 0; head + 1 < version->head_count; head++)
        RC_TRY(replace_in_head(version, head, arrivals, found, draft, replaced));
    return RC_OK;
}

static enum rc_status
probe_slab(struct rc_slab *slab,
           const struct rc_arrivals *arrivals,
           const struct sent *sent,
           uint8_t *may_hold,
           struct rc_error *reterr_error)
{
    rc_slab_may_hold_many(slab, sent->hashes, sent->count, may_hold);
    for (uint32_t k = 0; k < sent->count; k++) {
        const uint32_t i = sent->arrivals[k];
        uint32_t row = 0;
        bool found = false;
        if (may_hold[k])
            RC_TRY(rc_slab_search_event(slab, arrivals->users[i], &arrivals->ids[i], &found, &row,
                                        reterr_error));
    }
    return RC_OK;
}

enum rc_status
rc_replace_probe(const struct rc_version *version,
                 const struct rc_arrivals *arrivals,
                 struct rc_arena *arena,
                 struct rc_error *reterr_error)
{
    struct sent sent;
    bool *found = RC_ARENA_ARRAY(arena, bool, arrivals->count + 1);
    uint8_t *may_hold = rc_arena_alloc(arena, arrivals->count + 1);
    if (found == NULL || may_hold == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to look for earlier copies");
    RC_TRY_OR(reterr_error, collect_sent(arrivals, found, arena, &sent));
    for (uint32_t i = 0; i < version->slab_count; i++)
        if (rc_slab_is_cold(version->slabs[i].slab))
            RC_TRY(probe_slab(version->slabs[i].slab, arrivals, &sent, may_hold, reterr_error));
    return RC_OK;
}
