/*
 * Walk, feeding. Ordered folds: the hits of a block are dealt to their slots by counting, which
 * keeps the order in which they came; so only persons whose hits came out of order (two slabs of
 * one window, heads, equal times) are sorted.
 */
#include "engine/match/rows/words.h"
#include "engine/query/walk/walk_run.h"

#include <stdatomic.h>
#include <string.h>

#define FLUSH_HITS 4096u
#define SOON_PERSONS 12u /* Of about ten lines of memory each, so many are under way at once. */

bool
rc_walk_cancelled(const struct rc_walk_run *walk)
{
    const _Atomic(bool) *cancel = walk->plan->context->cancel;
    return cancel != NULL && atomic_load_explicit(cancel, memory_order_relaxed);
}

/* An uninitialised array of at least count elements, charged to the query's account. */
static enum rc_status
ensure(const struct rc_walk_run *walk, void **array, size_t *capacity, size_t count, size_t bytes)
{
    if (count <= *capacity)
        return RC_OK;
    *array = rc_alloc_free(*array);
    *capacity = 0;
    *array = rc_alloc_in(walk->plan->context->account, (count + count / 2) * bytes);
    if (*array == NULL)
        return RC_NO_MEMORY;
    *capacity = count + count / 2;
    return RC_OK;
}

#define ENSURE(lane, array, capacity, count)                                  \
    ensure((lane)->walk, (void **)&(lane)->array, &(lane)->capacity, (count), \
           sizeof(*(lane)->array))

static enum rc_status
flush(struct rc_walk_lane *lane, const struct rc_walk_block *block)
{
    struct rc_hits *hits = &lane->hits;
    lane->hit_count += hits->count;
    lane->read_count += hits->count;
    if (hits->count > 0)
        RC_TRY(lane->walk->fold->hits(lane->state, block, hits->hits, hits->slots, hits->count));
    hits->count = 0;
    return RC_OK;
}

enum rc_status
rc_walk_read_stretch(struct rc_walk_lane *lane, const struct rc_walk_block *block)
{
    bool more = true;
    while (more) {
        RC_TRY(rc_sweep_read(lane->sweep, &lane->hits, &more));
        if (!lane->walk->fold->ordered && lane->hits.count >= FLUSH_HITS)
            RC_TRY(flush(lane, block));
        if (more && rc_walk_cancelled(lane->walk))
            return RC_CANCELLED;
    }
    return RC_OK;
}

/* Sorts one person's hits where needed and hands them over. */
static enum rc_status
hand_over(struct rc_walk_lane *lane,
          uint32_t person,
          bool one_user,
          struct rc_hit *hits,
          uint32_t count)
{
    if (!lane->walk->fold->timeless && !rc_hits_are_sorted(hits, count, one_user)) {
        RC_TRY(ENSURE(lane, scratch, scratch_capacity, count));
        rc_hits_sort(lane->walk->view, hits, count, lane->scratch);
    }
    return lane->walk->fold->person(lane->state, person, hits, count);
}

static enum rc_status
deal_person(struct rc_walk_lane *lane,
            const struct rc_walk_block *block,
            uint32_t slot,
            struct rc_hit *hits,
            uint32_t count)
{
    const struct rc_walk_run *walk = lane->walk;
    const uint32_t person = rc_walk_person(block, slot);
    const bool one_user =
        block->persons == NULL ||
        (walk->listed != NULL && (walk->members == NULL || !rc_words_has(walk->members, person)));
    return hand_over(lane, person, one_user, hits, count);
}

/* Hands over the dealt hits of slots that have some; ends[slot]: behind those of a slot. */
static enum rc_status
hand_over_all(struct rc_walk_lane *lane,
              const struct rc_walk_block *block,
              const uint32_t *ends,
              const uint32_t *slots,
              uint32_t slot_count)
{
    const struct rc_fold *fold = lane->walk->fold;
    uint32_t soon = 0;
    uint32_t soon_begin = 0;
    uint32_t begin = 0;
    for (uint32_t i = 0; i < slot_count; i++) {
        for (; fold->soon != NULL && soon < slot_count && soon < i + SOON_PERSONS; soon++) {
            const uint32_t soon_end = ends[slots[soon]];
            fold->soon(lane->state, lane->dealt + soon_begin, soon_end - soon_begin);
            soon_begin = soon_end;
        }
        const uint32_t end = ends[slots[i]];
        RC_TRY(deal_person(lane, block, slots[i], lane->dealt + begin, end - begin));
        begin = end;
    }
    return RC_OK;
}

/* Deals the block's hits to their slots and hands them over person by person. */
static enum rc_status
deal(struct rc_walk_lane *lane, const struct rc_walk_block *block)
{
    const struct rc_hits *hits = &lane->hits;
    const size_t slot_count = block->slot_count;
    if (hits->count == 0)
        return RC_OK;
    lane->hit_count += hits->count;
    lane->read_count += hits->count;
    RC_TRY(ENSURE(lane, starts, starts_capacity, 2 * slot_count + 1));
    RC_TRY(ENSURE(lane, dealt, dealt_capacity, hits->count));
    uint32_t *starts = lane->starts;
    uint32_t *used = starts + slot_count; /* The slots that have hits. */
    uint32_t used_count = 0;
    memset(starts, 0, slot_count * sizeof(*starts));
    for (uint32_t i = 0; i < hits->count; i++)
        starts[hits->slots[i]]++;
    uint32_t sum = 0;
    for (uint32_t slot = 0; slot < slot_count; slot++) {
        const uint32_t count = starts[slot];
        starts[slot] = sum;
        sum += count;
        used[used_count] = slot;
        used_count += count != 0;
    }
    for (uint32_t i = 0; i < hits->count; i++)
        lane->dealt[starts[hits->slots[i]]++] = hits->hits[i];
    /* Each start has moved to its slot's end. */
    return hand_over_all(lane, block, starts, used, used_count);
}

enum rc_status
rc_walk_finish_block(struct rc_walk_lane *lane, const struct rc_walk_block *block)
{
    const enum rc_status status =
        lane->walk->fold->ordered ? deal(lane, block) : flush(lane, block);
    lane->hits.count = 0;
    return status;
}
