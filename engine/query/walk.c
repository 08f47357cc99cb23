/*
 * Walk. Blocks are ranges of user ordinals, cut so that a block's hits fit the cache: a block takes
 * its run of rows from each slab (one range, since rows are sorted by user), in the order of
 * windows.
 *
 * Ordered folds: the hits of a block are dealt to their slots by counting, which keeps the order in
 * which they came; so only persons whose hits came out of order (two slabs of one window, heads,
 * equal times) are sorted.
 *
 * Joined persons: their rows lie under several ordinals, so the blocks above leave them out, and
 * blocks of joined persons gather their members' rows slab by slab, members ascending.
 *
 * Lanes take blocks from one counter. The first status that is not RC_OK stops all of them.
 */
#include "engine/query/walk.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/query/heads.h"
#include "engine/query/hits.h"
#include "engine/query/sweep.h"

#define BLOCK_SLOTS_MAX 65536u
#define JOINED_SLOTS_MAX 4096u
#define FLUSH_HITS 4096u

uint32_t rc_walk_block_hits = 16384; /* 24 bytes each, twice: within a core's second cache. */

struct walk {
    const struct rc_plan *plan;
    const struct rc_fold *fold;
    struct rc_view *view;
    bool anonymous; /* Nobody asks whose the hits are. */
    uint32_t user_count;
    uint32_t block_users;
    uint32_t block_count;            /* Of plain blocks; blocks of joined persons follow. */
    const struct rc_persons *joined; /* NULL: none. */
    uint32_t joined_count;
    uint32_t joined_per_block;
    uint32_t joined_blocks;
    uint64_t *members; /* A bit for each user that belongs to a joined person. */
    struct rc_heads heads;
    uint32_t *head_starts; /* By block: its hits in heads. */
    _Atomic uint32_t next_block;
    _Atomic int status;
    _Atomic uint64_t hit_count;
};

/* One thread's share. */
struct lane {
    struct walk *walk;
    void *state; /* The fold's. */
    struct rc_sweep *sweep;
    struct rc_hits hits;
    struct rc_hit *dealt; /* By slot. */
    size_t dealt_capacity;
    struct rc_hit *scratch;
    size_t scratch_capacity;
    uint32_t *starts; /* Per slot of a block. */
    size_t starts_capacity;
    uint64_t *member_slots; /* A block's members: ordinal << 32 | slot. */
    size_t member_capacity;
    uint32_t *persons; /* A joined block's persons. */
    uint64_t hit_count;
};

static bool
cancelled(const struct walk *walk)
{
    const _Atomic(bool) *cancel = walk->plan->context->cancel;
    return cancel != NULL && atomic_load_explicit(cancel, memory_order_relaxed);
}

/* An uninitialised array of at least count elements, charged to the query's account. */
static enum rc_status
ensure(const struct walk *walk, void **array, size_t *capacity, size_t count, size_t bytes)
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
flush(struct lane *lane, const struct rc_walk_block *block)
{
    struct rc_hits *hits = &lane->hits;
    lane->hit_count += hits->count;
    if (hits->count > 0)
        RC_TRY(lane->walk->fold->hits(lane->state, block, hits->hits, hits->slots, hits->count));
    hits->count = 0;
    return RC_OK;
}

/* Reads the stretch that the sweep was set to. */
static enum rc_status
read_stretch(struct lane *lane, const struct rc_walk_block *block)
{
    bool more = true;
    while (more) {
        RC_TRY(rc_sweep_read(lane->sweep, &lane->hits, &more));
        if (!lane->walk->fold->ordered && lane->hits.count >= FLUSH_HITS)
            RC_TRY(flush(lane, block));
        if (more && cancelled(lane->walk))
            return RC_CANCELLED;
    }
    return RC_OK;
}

/* Sorts one person's hits where needed and hands them over. */
static enum rc_status
hand_over(struct lane *lane, uint32_t person, bool one_user, struct rc_hit *hits, uint32_t count)
{
    if (!rc_hits_are_sorted(hits, count, one_user)) {
        RC_TRY(ENSURE(lane, scratch, scratch_capacity, count));
        rc_hits_sort(lane->walk->view, hits, count, lane->scratch);
    }
    return lane->walk->fold->person(lane->state, person, hits, count);
}

/* Deals the block's hits to their slots and hands them over person by person. */
static enum rc_status
deal(struct lane *lane, const struct rc_walk_block *block)
{
    const struct rc_hits *hits = &lane->hits;
    if (hits->count == 0)
        return RC_OK;
    lane->hit_count += hits->count;
    RC_TRY(ENSURE(lane, starts, starts_capacity, (size_t)block->slot_count + 1));
    RC_TRY(ENSURE(lane, dealt, dealt_capacity, hits->count));
    uint32_t *starts = lane->starts;
    memset(starts, 0, ((size_t)block->slot_count + 1) * sizeof(*starts));
    for (uint32_t i = 0; i < hits->count; i++)
        starts[hits->slots[i]]++;
    uint32_t sum = 0;
    for (uint32_t slot = 0; slot <= block->slot_count; slot++) {
        const uint32_t count = starts[slot];
        starts[slot] = sum;
        sum += count;
    }
    for (uint32_t i = 0; i < hits->count; i++)
        lane->dealt[starts[hits->slots[i]]++] = hits->hits[i];
    /* Each start has moved to its slot's end. */
    uint32_t begin = 0;
    for (uint32_t slot = 0; slot < block->slot_count; slot++) {
        const uint32_t end = starts[slot];
        if (end > begin)
            RC_TRY(hand_over(lane, rc_walk_person(block, slot), block->persons == NULL,
                             lane->dealt + begin, end - begin));
        begin = end;
    }
    return RC_OK;
}

static enum rc_status
finish_block(struct lane *lane, const struct rc_walk_block *block)
{
    const enum rc_status status =
        lane->walk->fold->ordered ? deal(lane, block) : flush(lane, block);
    lane->hits.count = 0;
    return status;
}

/* The slot of a person in its block. */
static uint32_t
slot_of(const struct walk *walk, uint32_t person, uint32_t *ret_block)
{
    if (walk->anonymous) {
        *ret_block = 0;
        return 0;
    }
    if (walk->members != NULL && ((walk->members[person / 64] >> (person % 64)) & 1) != 0) {
        const uint32_t index = rc_persons_joined_index(walk->joined, person);
        *ret_block = walk->block_count + index / walk->joined_per_block;
        return index % walk->joined_per_block;
    }
    *ret_block = person / walk->block_users;
    return person % walk->block_users;
}

static enum rc_status
add_heads(struct lane *lane, uint32_t block_index)
{
    const struct walk *walk = lane->walk;
    const uint32_t begin = walk->head_starts[block_index];
    const uint32_t end = walk->head_starts[block_index + 1];
    RC_TRY(rc_hits_reserve(&lane->hits, end - begin));
    for (uint32_t i = begin; i < end; i++) {
        uint32_t block;
        lane->hits.hits[lane->hits.count] = walk->heads.hits[i].hit;
        lane->hits.slots[lane->hits.count++] = slot_of(walk, walk->heads.hits[i].person, &block);
    }
    return RC_OK;
}

static enum rc_status
plain_block(struct lane *lane, uint32_t index)
{
    struct walk *walk = lane->walk;
    const uint32_t first = index * walk->block_users;
    const uint32_t last =
        walk->user_count - first < walk->block_users ? walk->user_count : first + walk->block_users;
    const struct rc_walk_block block = {
        .slot_count = walk->anonymous ? 1 : last - first, .first = first, .skip = walk->members};
    if (walk->fold->begin != NULL)
        RC_TRY(walk->fold->begin(lane->state, &block));
    for (uint32_t i = 0; i < walk->plan->slab_count; i++) {
        uint32_t count;
        const struct rc_slab *slab =
            rc_view_slabs(walk->view, &count)[walk->plan->slabs[i].index].slab;
        const uint32_t *starts = rc_slab_starts(slab);
        const uint32_t begin = first == 0 ? 0 : starts[rc_slab_user_lower_bound(slab, first)];
        const uint32_t end = last == walk->user_count
                                 ? rc_slab_get_info(slab)->row_count
                                 : starts[rc_slab_user_lower_bound(slab, last)];
        if (begin == end)
            continue;
        if (walk->fold->rows != NULL) {
            RC_TRY(walk->fold->rows(lane->state, &block, i, begin, end, &lane->hit_count));
            continue;
        }
        rc_sweep_open(lane->sweep, i);
        rc_sweep_seek(lane->sweep, begin, end, walk->anonymous ? RC_OWNER_NOBODY : RC_OWNER_USER,
                      first, 0);
        RC_TRY(read_stretch(lane, &block));
    }
    RC_TRY(add_heads(lane, index));
    return finish_block(lane, &block);
}

static int
compare_u64(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Reads the rows of members (ordinal << 32 | slot, ascending) from all slabs. */
static enum rc_status
read_members(struct lane *lane,
             const struct rc_walk_block *block,
             const uint64_t *members,
             uint32_t member_count)
{
    const struct walk *walk = lane->walk;
    for (uint32_t i = 0; i < walk->plan->slab_count; i++) {
        uint32_t count;
        const struct rc_slab *slab =
            rc_view_slabs(walk->view, &count)[walk->plan->slabs[i].index].slab;
        const uint32_t *starts = rc_slab_starts(slab);
        const uint32_t *users = rc_slab_users(slab);
        const uint32_t user_count = rc_slab_get_info(slab)->user_count;
        rc_sweep_open(lane->sweep, i);
        for (uint32_t m = 0; m < member_count; m++) {
            const uint32_t user = (uint32_t)(members[m] >> 32);
            const uint32_t slot = (uint32_t)members[m];
            const uint32_t at = rc_slab_user_lower_bound(slab, user);
            if (at == user_count || users[at] != user)
                continue;
            rc_sweep_seek(lane->sweep, starts[at], starts[at + 1], RC_OWNER_GIVEN, slot,
                          rc_walk_person(block, slot));
            RC_TRY(read_stretch(lane, block));
        }
    }
    return RC_OK;
}

/* Appends the members of joined person index, as slot, to the lane's list. */
static enum rc_status
list_members(struct lane *lane, uint32_t index, uint32_t slot, uint32_t *member_count)
{
    uint32_t count;
    const uint32_t *members = rc_persons_joined(lane->walk->joined, index, &count);
    RC_TRY(RC_GROW(lane->member_slots, lane->member_capacity, (size_t)*member_count + count));
    for (uint32_t i = 0; i < count; i++)
        lane->member_slots[(*member_count)++] = (uint64_t)members[i] << 32 | slot;
    return RC_OK;
}

static enum rc_status
joined_block(struct lane *lane, uint32_t index)
{
    struct walk *walk = lane->walk;
    const uint32_t first = index * walk->joined_per_block;
    const uint32_t left = walk->joined_count - first;
    const uint32_t slots = left < walk->joined_per_block ? left : walk->joined_per_block;
    uint32_t member_count = 0;
    if (lane->persons == NULL)
        lane->persons = rc_alloc_in(walk->plan->context->account,
                                    walk->joined_per_block * sizeof(*lane->persons));
    if (lane->persons == NULL)
        return RC_NO_MEMORY;
    for (uint32_t slot = 0; slot < slots; slot++) {
        uint32_t count;
        const uint32_t person = rc_persons_joined(walk->joined, first + slot, &count)[0];
        const uint64_t *filter = walk->plan->persons;
        lane->persons[slot] = person;
        if (filter == NULL || ((filter[person / 64] >> (person % 64)) & 1) != 0)
            RC_TRY(list_members(lane, first + slot, slot, &member_count));
    }
    const struct rc_walk_block block = {.slot_count = slots, .persons = lane->persons};
    if (walk->fold->begin != NULL)
        RC_TRY(walk->fold->begin(lane->state, &block));
    if (member_count > 0) {
        qsort(lane->member_slots, member_count, sizeof(*lane->member_slots), compare_u64);
        RC_TRY(read_members(lane, &block, lane->member_slots, member_count));
    }
    RC_TRY(add_heads(lane, walk->block_count + index));
    return finish_block(lane, &block);
}

static enum rc_status
run_blocks(struct lane *lane)
{
    struct walk *walk = lane->walk;
    const uint32_t blocks = walk->block_count + walk->joined_blocks;
    for (;;) {
        if (atomic_load_explicit(&walk->status, memory_order_relaxed) != RC_OK)
            return RC_OK;
        if (cancelled(walk))
            return RC_CANCELLED;
        const uint32_t index = atomic_fetch_add(&walk->next_block, 1);
        if (index >= blocks)
            return RC_OK;
        RC_TRY(index < walk->block_count ? plain_block(lane, index)
                                         : joined_block(lane, index - walk->block_count));
    }
}

static void
lane_close(struct lane *lane)
{
    lane->sweep = rc_sweep_free(lane->sweep);
    rc_hits_close(&lane->hits);
    rc_alloc_free(lane->dealt);
    rc_alloc_free(lane->scratch);
    rc_alloc_free(lane->starts);
    rc_alloc_free(lane->member_slots);
    rc_alloc_free(lane->persons);
}

static void
run_lane(void *argument, uint32_t index)
{
    struct walk *walk = argument;
    RC_CLEANUP(lane_close)
    struct lane lane = {
        .walk = walk,
        .state = walk->fold->lanes[index],
        .hits = {.account = walk->plan->context->account},
    };
    enum rc_status status = rc_sweep_new(walk->plan, walk->members, &lane.sweep);
    if (status == RC_OK)
        status = run_blocks(&lane);
    int expected = RC_OK;
    if (status != RC_OK)
        atomic_compare_exchange_strong(&walk->status, &expected, (int)status);
    atomic_fetch_add(&walk->hit_count, lane.hit_count);
}

static uint32_t
clamp(uint64_t value, uint32_t least, uint32_t most)
{
    return value < least ? least : value > most ? most : (uint32_t)value;
}

/* Decides the blocks. */
static void
cut_blocks(struct walk *walk)
{
    const uint64_t wanted = walk->plan->hits_max / rc_walk_block_hits + 1;
    const uint32_t lanes = walk->fold->lane_count;
    /* A little work is not worth a second thread; much work gets blocks for all. */
    const uint64_t blocks = wanted == 1 ? 1 : wanted < 4 * lanes ? 4 * lanes : wanted;
    uint32_t slots_max = walk->anonymous ? UINT32_MAX : BLOCK_SLOTS_MAX;
    if (!walk->anonymous && walk->fold->slots_max != 0 && walk->fold->slots_max < slots_max)
        slots_max = walk->fold->slots_max;
    walk->block_users = clamp((walk->user_count + blocks - 1) / blocks, 1, slots_max);
    walk->block_count =
        walk->user_count / walk->block_users + (walk->user_count % walk->block_users != 0);
    if (walk->joined_count > 0) {
        walk->joined_per_block = clamp(walk->block_users, 1, JOINED_SLOTS_MAX);
        walk->joined_blocks = walk->joined_count / walk->joined_per_block +
                              (walk->joined_count % walk->joined_per_block != 0);
    }
}

/* Marks the users that belong to joined persons. */
static enum rc_status
find_joined(struct walk *walk)
{
    walk->joined = rc_view_persons(walk->view);
    walk->joined_count = walk->joined == NULL ? 0 : rc_persons_joined_count(walk->joined);
    if (walk->joined_count == 0 || walk->anonymous) {
        walk->joined_count = 0;
        return RC_OK;
    }
    walk->members = RC_ARENA_ARRAY(walk->plan->context->arena, uint64_t, walk->user_count / 64 + 1);
    if (walk->members == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < walk->joined_count; i++) {
        uint32_t count;
        const uint32_t *members = rc_persons_joined(walk->joined, i, &count);
        for (uint32_t m = 0; m < count; m++)
            walk->members[members[m] / 64] |= (uint64_t)1 << (members[m] % 64);
    }
    return RC_OK;
}

/* Files the hits of the heads by block, keeping their order. */
static enum rc_status
file_heads(struct walk *walk)
{
    struct rc_arena *arena = walk->plan->context->arena;
    const uint32_t blocks = walk->block_count + walk->joined_blocks;
    struct rc_heads found;
    uint32_t block;
    RC_TRY(rc_heads_find(walk->plan, &found));
    walk->head_starts = RC_ARENA_ARRAY(arena, uint32_t, (size_t)blocks + 2);
    if (walk->head_starts == NULL)
        return RC_NO_MEMORY;
    if (found.count == 0)
        return RC_OK;
    struct rc_head_hit *filed = rc_arena_alloc(arena, found.count * sizeof(*filed));
    if (filed == NULL)
        return RC_NO_MEMORY;
    /* Counts go two places up, so that dealing leaves each start where it belongs. */
    uint32_t *starts = walk->head_starts;
    for (uint32_t i = 0; i < found.count; i++) {
        slot_of(walk, found.hits[i].person, &block);
        starts[block + 2]++;
    }
    for (uint32_t i = 2; i < blocks + 2; i++)
        starts[i] += starts[i - 1];
    for (uint32_t i = 0; i < found.count; i++) {
        slot_of(walk, found.hits[i].person, &block);
        filed[starts[block + 1]++] = found.hits[i];
    }
    walk->heads = (struct rc_heads){.count = found.count, .hits = filed};
    RC_ASSERT(starts[blocks] == found.count);
    return RC_OK;
}

enum rc_status
rc_walk(const struct rc_plan *plan, const struct rc_fold *fold, uint64_t *hit_count)
{
    struct walk walk = {
        .plan = plan,
        .fold = fold,
        .view = plan->context->view,
        .anonymous = !fold->ordered && fold->anonymous && !plan->reads_persons,
        .user_count = rc_view_user_count(plan->context->view),
    };
    RC_ASSERT(fold->lane_count > 0);
    RC_ASSERT(fold->rows == NULL || (!fold->ordered && !plan->reads_persons));
    if (walk.user_count == 0)
        return RC_OK;
    RC_TRY(find_joined(&walk));
    cut_blocks(&walk);
    RC_TRY(file_heads(&walk));
    const uint32_t blocks = walk.block_count + walk.joined_blocks;
    const uint32_t lanes = fold->lane_count < blocks ? fold->lane_count : blocks;
    rc_workers_run(plan->context->workers, lanes, lanes, run_lane, &walk);
    *hit_count += atomic_load(&walk.hit_count);
    RC_TRY((enum rc_status)atomic_load(&walk.status));
    return rc_view_check_reads(walk.view, NULL);
}

/* Gathers and hands over all hits of one person. */
static enum rc_status
run_one(struct lane *lane, uint32_t person)
{
    struct walk *walk = lane->walk;
    const struct rc_walk_block block = {.slot_count = 1, .persons = &person};
    struct rc_heads heads;
    uint32_t member_count = 0;
    const uint32_t index =
        walk->joined == NULL ? UINT32_MAX : rc_persons_joined_index(walk->joined, person);
    if (index != UINT32_MAX) {
        RC_TRY(list_members(lane, index, 0, &member_count));
    } else {
        RC_TRY(RC_GROW(lane->member_slots, lane->member_capacity, 1));
        lane->member_slots[member_count++] = (uint64_t)person << 32;
    }
    RC_TRY(read_members(lane, &block, lane->member_slots, member_count));
    RC_TRY(rc_heads_find(walk->plan, &heads));
    for (uint32_t i = 0; i < heads.count; i++) {
        if (heads.hits[i].person != person)
            continue;
        RC_TRY(rc_hits_reserve(&lane->hits, 1));
        lane->hits.hits[lane->hits.count] = heads.hits[i].hit;
        lane->hits.slots[lane->hits.count++] = 0;
    }
    return finish_block(lane, &block);
}

enum rc_status
rc_walk_one(const struct rc_plan *plan,
            const struct rc_fold *fold,
            uint32_t person,
            uint64_t *hit_count)
{
    RC_ASSERT(fold->ordered);
    struct walk walk = {
        .plan = plan,
        .fold = fold,
        .view = plan->context->view,
        .joined = rc_view_persons(plan->context->view),
    };
    RC_CLEANUP(lane_close)
    struct lane lane = {
        .walk = &walk, .state = fold->lanes[0], .hits = {.account = plan->context->account}};
    RC_TRY(rc_sweep_new(plan, NULL, &lane.sweep));
    RC_TRY(run_one(&lane, person));
    *hit_count += lane.hit_count;
    return rc_view_check_reads(walk.view, NULL);
}
