/*
 * Row masks. Of slabs each stream's rowset is asked for the row; of heads, which are few, all hits
 * are found beforehand and stand by chunk and row.
 */
#include "engine/query/walk/row_masks.h"

#include <string.h>

#include "engine/match/rows/rowset.h"
#include "engine/match/rows/words.h"
#include "engine/query/walk/heads.h"

struct rc_row_masks {
    const struct rc_plan *plan;
    const struct rc_plan_slab **slabs; /* By index in the view; NULL: none of its rows match. */
    struct rc_heads heads;
};

enum rc_status
rc_row_masks_new(const struct rc_plan *plan, struct rc_row_masks **ret_masks)
{
    struct rc_account *account = plan->context->account;
    uint32_t slab_count;
    (void)rc_view_slabs(plan->context->view, &slab_count);
    RC_CLEANUP(rc_row_masks_freep)
    struct rc_row_masks *masks = rc_alloc_in(account, sizeof(*masks));
    if (masks == NULL)
        return RC_NO_MEMORY;
    *masks = (struct rc_row_masks){.plan = plan};
    const size_t bytes = (slab_count + (size_t)1) * sizeof(*masks->slabs);
    masks->slabs = rc_alloc_in(account, bytes);
    if (masks->slabs == NULL)
        return RC_NO_MEMORY;
    memset(masks->slabs, 0, bytes);
    for (uint32_t i = 0; i < plan->slab_count; i++)
        masks->slabs[plan->slabs[i].index] = &plan->slabs[i];
    if (!plan->plan_only)
        RC_TRY(rc_heads_find(plan, &masks->heads));
    *ret_masks = RC_TAKE(masks);
    return RC_OK;
}

struct rc_row_masks *
rc_row_masks_free(struct rc_row_masks *masks)
{
    if (masks == NULL)
        return NULL;
    rc_alloc_free(masks->slabs);
    rc_heads_close(&masks->heads);
    return rc_alloc_free(masks);
}

/* The hit of a head's row among those that were found. */
static uint64_t
mask_in_head(const struct rc_heads *heads, const struct rc_hit *hit)
{
    uint32_t low = 0;
    uint32_t high = heads->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const struct rc_hit *at = &heads->hits[middle].hit;
        if (at->source == hit->source && at->row == hit->row)
            return at->mask;
        if (at->source < hit->source || (at->source == hit->source && at->row < hit->row))
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

static bool
is_of(const struct rc_row_masks *masks, const struct rc_stream *stream, const struct rc_hit *hit)
{
    struct rc_view *view = masks->plan->context->view;
    return hit->time_ms >= stream->from_ms && hit->time_ms < stream->until_ms &&
           (stream->persons == NULL ||
            rc_words_has(stream->persons, rc_view_person_of(view, rc_hit_user(view, hit))));
}

uint64_t
rc_row_masks_of(const struct rc_row_masks *masks, const struct rc_hit *hit)
{
    uint64_t mask = 0;
    if ((hit->source & RC_SOURCE_CHUNK) != 0)
        return mask_in_head(&masks->heads, hit);
    const struct rc_plan_slab *slab = masks->slabs[hit->source];
    for (uint32_t s = 0; slab != NULL && s < masks->plan->stream_count; s++)
        if (slab->sets[s] != NULL && rc_rowset_contains(slab->sets[s], hit->row) &&
            is_of(masks, &masks->plan->streams[s], hit))
            mask |= masks->plan->streams[s].bit;
    return mask;
}
