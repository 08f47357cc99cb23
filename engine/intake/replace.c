#include "engine/intake/replace.h"

#include "engine/base/assert.h"

/* The arrivals that were sent with an id: only they can replace. */
struct sent {
    uint32_t count;
    uint32_t *arrivals; /* Their places. */
    uint64_t *hashes;
};

static enum rc_status
collect_sent(const struct rc_arrivals *arrivals, struct rc_arena *arena, struct sent *ret_sent)
{
    struct sent sent = {
        .arrivals = rc_arena_alloc(arena, arrivals->count * sizeof(uint32_t)),
        .hashes = rc_arena_alloc(arena, arrivals->count * sizeof(uint64_t)),
    };
    if (sent.arrivals == NULL || sent.hashes == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < arrivals->count; i++) {
        if (arrivals->ids[i].kind == RC_EVENT_ID_DERIVED)
            continue;
        sent.arrivals[sent.count] = i;
        sent.hashes[sent.count++] = rc_event_id_hash(arrivals->users[i], &arrivals->ids[i]);
    }
    *ret_sent = sent;
    return RC_OK;
}

static enum rc_status
need_draft(const struct rc_version *version, struct rc_version **draft)
{
    return *draft != NULL ? RC_OK : rc_version_draft(version, draft);
}

static enum rc_status
replace_in_slab(const struct rc_version *version,
                uint32_t slab,
                const struct rc_arrivals *arrivals,
                const struct sent *sent,
                uint8_t *may_hold,
                struct rc_version **draft,
                uint64_t *replaced)
{
    struct rc_slab *at = version->slabs[slab].slab;
    rc_slab_may_hold_many(at, sent->hashes, sent->count, may_hold);
    for (uint32_t k = 0; k < sent->count; k++) {
        const uint32_t i = sent->arrivals[k];
        uint32_t row = 0;
        bool found = false;
        if (may_hold[k])
            RC_TRY(rc_slab_search_event(at, arrivals->users[i], &arrivals->ids[i], &found, &row,
                                        NULL));
        if (!found)
            continue;
        bool newly = false;
        RC_TRY(need_draft(version, draft));
        RC_TRY(rc_version_kill_slab_row(*draft, slab, row, &newly));
        *replaced += newly;
    }
    return RC_OK;
}

static enum rc_status
replace_in_head(const struct rc_version *version,
                uint32_t head,
                const struct rc_arrivals *arrivals,
                const struct sent *sent,
                struct rc_version **draft,
                uint64_t *replaced)
{
    for (uint32_t k = 0; k < sent->count; k++) {
        const uint32_t i = sent->arrivals[k];
        struct rc_head_place place;
        if (!rc_head_find(version->heads[head].head, arrivals->users[i], &arrivals->ids[i], &place))
            continue;
        bool newly = false;
        RC_TRY(need_draft(version, draft));
        RC_TRY(rc_version_kill_head_row(*draft, head, place.chunk, place.row, &newly));
        *replaced += newly;
    }
    return RC_OK;
}

enum rc_status
rc_replace_earlier(const struct rc_version *version,
                   const struct rc_arrivals *arrivals,
                   struct rc_arena *arena,
                   struct rc_version **draft,
                   uint64_t *replaced)
{
    struct sent sent;
    RC_TRY(collect_sent(arrivals, arena, &sent));
    uint8_t *may_hold = rc_arena_alloc(arena, sent.count);
    if (may_hold == NULL)
        return RC_NO_MEMORY;
    for (uint32_t slab = 0; slab < version->slab_count && sent.count > 0; slab++)
        RC_TRY(replace_in_slab(version, slab, arrivals, &sent, may_hold, draft, replaced));
    RC_ASSERT(version->head_count > 0);
    for (uint32_t head = 0; head + 1 < version->head_count && sent.count > 0; head++)
        RC_TRY(replace_in_head(version, head, arrivals, &sent, draft, replaced));
    return RC_OK;
}
