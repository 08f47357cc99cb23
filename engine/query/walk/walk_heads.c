/*
 * Walk, heads. The hits of heads are found at once and filed by block, keeping their order; each
 * block takes its own.
 */
#include "engine/query/walk/walk_run.h"

#include <stdatomic.h>

#include "engine/base/assert.h"
#include "engine/match/rows/words.h"

/* Where a person that is fed stands among the listed ones. */
static uint32_t
listed_index(const struct rc_walk_run *walk, uint32_t person)
{
    if (walk->listed == NULL)
        return rc_persons_joined_index(walk->joined, person);
    uint32_t low = 0;
    uint32_t high = walk->listed_count;
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (walk->listed[middle] <= person)
            low = middle;
        else
            high = middle;
    }
    RC_ASSERT(walk->listed[low] == person);
    return low;
}

/* Whether a person that is fed is one of those of listed blocks. */
static bool
is_listed(const struct rc_walk_run *walk, uint32_t person)
{
    return walk->listed != NULL || (walk->members != NULL && rc_words_has(walk->members, person));
}

/* The block of a person. */
static uint32_t
block_of(const struct rc_walk_run *walk, uint32_t person)
{
    if (walk->anonymous)
        return 0;
    if (is_listed(walk, person))
        return walk->block_count + listed_index(walk, person) / walk->listed_per_block;
    uint32_t low = 0;
    for (uint32_t high = walk->block_count - 1; low < high;) {
        const uint32_t middle = low + (high - low) / 2;
        if (walk->block_ends[middle] <= person)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The slot of a person of a block in it. */
static uint32_t
slot_of(const struct rc_walk_run *walk, uint32_t block, uint32_t person)
{
    if (walk->anonymous)
        return 0;
    return block < walk->block_count ? person - rc_walk_block_first(walk, block)
                                     : listed_index(walk, person) % walk->listed_per_block;
}

enum rc_status
rc_walk_add_heads(struct rc_walk_lane *lane, uint32_t block_index)
{
    const struct rc_walk_run *walk = lane->walk;
    const uint32_t begin = walk->head_starts[block_index];
    const uint32_t end = walk->head_starts[block_index + 1];
    RC_TRY(rc_hits_reserve(&lane->hits, end - begin));
    for (uint32_t i = begin; i < end; i++) {
        lane->hits.hits[lane->hits.count] = walk->heads->hits[i].hit;
        lane->hits.slots[lane->hits.count++] =
            slot_of(walk, block_index, walk->heads->hits[i].person);
    }
    return RC_OK;
}

/* Leaves those of the hits whose persons are marked. */
static void
keep_marked(const struct rc_walk_run *walk, struct rc_heads *heads)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < heads->count; i++)
        if (rc_words_has(walk->marked, heads->hits[i].person))
            heads->hits[kept++] = heads->hits[i];
    heads->count = kept;
}

enum rc_status
rc_walk_file_heads(struct rc_walk_run *walk, struct rc_heads *heads)
{
    const struct rc_query_context *context = walk->plan->context;
    const uint32_t blocks = walk->block_count + walk->listed_blocks;
    if (walk->marked != NULL)
        keep_marked(walk, heads);
    uint32_t *starts = RC_ARENA_ARRAY(context->arena, uint32_t, (size_t)blocks + 2);
    if (starts == NULL)
        return RC_NO_MEMORY;
    walk->heads = heads;
    walk->head_starts = starts;
    if (heads->count == 0)
        return RC_OK;
    if (walk->anonymous) { /* All are the first block's. */
        for (uint32_t block = 1; block <= blocks; block++)
            starts[block] = heads->count;
        return RC_OK;
    }
    RC_CLEANUP(rc_alloc_freep)
    struct rc_head_hit *filed = rc_alloc_in(context->account, heads->count * sizeof(*filed));
    RC_CLEANUP(rc_alloc_freep)
    uint32_t *block_of_hit = rc_alloc_in(context->account, heads->count * sizeof(*block_of_hit));
    if (filed == NULL || block_of_hit == NULL)
        return RC_NO_MEMORY;
    /* Counts go two places up, so that dealing leaves each start where it belongs. */
    for (uint32_t i = 0; i < heads->count; i++) {
        block_of_hit[i] = block_of(walk, heads->hits[i].person);
        starts[block_of_hit[i] + 2]++;
    }
    for (uint32_t i = 2; i < blocks + 2; i++)
        starts[i] += starts[i - 1];
    for (uint32_t i = 0; i < heads->count; i++)
        filed[starts[block_of_hit[i] + 1]++] = heads->hits[i];
    RC_ASSERT(starts[blocks] == heads->count);
    rc_alloc_free(heads->hits);
    heads->hits = RC_TAKE(filed);
    return RC_OK;
}
