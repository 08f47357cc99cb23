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
 * Required selectors: a walk over their rows alone marks who has one (a bit a person). If that
 * leaves so few that looking up each one's rows in each slab costs less than reading all rows, the
 * blocks are lists of those persons, read as joined ones are; if it leaves out most, the blocks are
 * as ever and the others' rows are passed over.
 *
 * A plan for persons who are so few is read the same way.
 *
 * Lanes take blocks from one counter. The first status that is not RC_OK stops all of them.
 */
#include "engine/query/walk.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/clock.h"
#include "engine/match/words.h"
#include "engine/query/entities.h"
#include "engine/query/heads.h"
#include "engine/query/hits.h"
#include "engine/query/planner.h"
#include "engine/query/sweep.h"

#define BLOCK_SLOTS_MAX 65536u
#define LISTED_SLOTS_MAX 4096u
#define FLUSH_HITS 4096u

uint32_t rc_walk_block_hits = 16384; /* 24 bytes each, twice: within a core's second cache. */
uint32_t rc_walk_look_up_rows = 8;

struct walk {
    const struct rc_plan *plan;
    const struct rc_fold *fold;
    struct rc_view *view;
    bool anonymous; /* Nobody asks whose the hits are. */
    uint32_t user_count;
    uint32_t block_users;
    uint32_t lane_count;  /* Planned; never more than there are blocks or the fold has. */
    uint32_t block_count; /* Of plain blocks; blocks of listed persons follow. */
    const struct rc_persons *joined; /* NULL: none. */
    uint32_t listed_count;
    uint32_t listed_per_block;
    uint32_t listed_blocks;
    const uint32_t *listed; /* Ascending; NULL: the joined persons, by their index. */
    uint64_t *members;      /* A bit for each user that belongs to a joined person. */
    const uint64_t *marked; /* A bit a person with a required hit; NULL: everybody is fed. */
    const uint64_t *skip;   /* Users that plain blocks leave out; NULL: none. */
    struct rc_heads heads;
    uint32_t *head_starts; /* By block: its hits in heads. */
    _Atomic uint32_t next_block;
    _Atomic int status;
    _Atomic uint64_t hit_count;
    struct rc_explain_walk *explain; /* NULL: nobody asks. */
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
    uint32_t *persons; /* A listed block's. */
    uint64_t hit_count;
};

static inline bool
has_bit(const uint64_t *words, uint32_t index)
{
    return ((words[index / 64] >> (index % 64)) & 1) != 0;
}

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

static enum rc_status
deal_person(struct lane *lane,
            const struct rc_walk_block *block,
            uint32_t slot,
            struct rc_hit *hits,
            uint32_t count)
{
    const struct walk *walk = lane->walk;
    const uint32_t person = rc_walk_person(block, slot);
    const bool one_user =
        block->persons == NULL ||
        (walk->listed != NULL && (walk->members == NULL || !has_bit(walk->members, person)));
    return hand_over(lane, person, one_user, hits, count);
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
            RC_TRY(deal_person(lane, block, slot, lane->dealt + begin, end - begin));
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

/* Where a person that is fed stands among the listed ones. */
static uint32_t
listed_index(const struct walk *walk, uint32_t person)
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

/* The slot of a person in its block. */
static uint32_t
slot_of(const struct walk *walk, uint32_t person, uint32_t *ret_block)
{
    if (walk->anonymous) {
        *ret_block = 0;
        return 0;
    }
    if (walk->listed != NULL || (walk->members != NULL && has_bit(walk->members, person))) {
        const uint32_t index = listed_index(walk, person);
        *ret_block = walk->block_count + index / walk->listed_per_block;
        return index % walk->listed_per_block;
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
        .slot_count = walk->anonymous ? 1 : last - first, .first = first, .skip = walk->skip};
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

/* The first of users[from, count) that is not below user, by doubling steps. */
static uint32_t
gallop(const uint32_t *users, uint32_t from, uint32_t count, uint32_t user)
{
    uint32_t step = 1;
    uint32_t low = from; /* All before it are below user. */
    while (low + step <= count && users[low + step - 1] < user) {
        low += step;
        step *= 2;
    }
    for (; step > 0; step /= 2)
        if (low + step <= count && users[low + step - 1] < user)
            low += step;
    return low;
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
        uint32_t at = 0;
        rc_sweep_open(lane->sweep, i);
        for (uint32_t m = 0; m < member_count && at < user_count; m++) {
            const uint32_t user = (uint32_t)(members[m] >> 32);
            const uint32_t slot = (uint32_t)members[m];
            at = gallop(users, at, user_count, user);
            if (at == user_count || users[at] != user)
                continue;
            rc_sweep_seek(lane->sweep, starts[at], starts[at + 1], RC_OWNER_GIVEN, slot,
                          rc_walk_person(block, slot));
            RC_TRY(read_stretch(lane, block));
        }
    }
    return RC_OK;
}

/* Appends the users who are a person, as slot, to the lane's list. */
static enum rc_status
list_members(struct lane *lane, uint32_t person, uint32_t slot, uint32_t *member_count)
{
    const struct rc_persons *joined = lane->walk->joined;
    const uint64_t *known = lane->walk->members; /* NULL: not made. */
    const bool may_be_joined = joined != NULL && (known == NULL || has_bit(known, person));
    const uint32_t index = may_be_joined ? rc_persons_joined_index(joined, person) : UINT32_MAX;
    uint32_t count = 1;
    const uint32_t *members =
        index == UINT32_MAX ? &person : rc_persons_joined(joined, index, &count);
    RC_TRY(RC_GROW(lane->member_slots, lane->member_capacity, (size_t)*member_count + count));
    for (uint32_t i = 0; i < count; i++)
        lane->member_slots[(*member_count)++] = (uint64_t)members[i] << 32 | slot;
    return RC_OK;
}

static enum rc_status
listed_block(struct lane *lane, uint32_t index)
{
    struct walk *walk = lane->walk;
    const uint32_t first = index * walk->listed_per_block;
    const uint32_t left = walk->listed_count - first;
    const uint32_t slots = left < walk->listed_per_block ? left : walk->listed_per_block;
    uint32_t member_count = 0;
    if (lane->persons == NULL)
        lane->persons = rc_alloc_in(walk->plan->context->account,
                                    walk->listed_per_block * sizeof(*lane->persons));
    if (lane->persons == NULL)
        return RC_NO_MEMORY;
    for (uint32_t slot = 0; slot < slots; slot++) {
        uint32_t count;
        const uint32_t person = walk->listed != NULL
                                    ? walk->listed[first + slot]
                                    : rc_persons_joined(walk->joined, first + slot, &count)[0];
        const uint64_t *filter = walk->plan->persons;
        lane->persons[slot] = person;
        if ((filter == NULL || has_bit(filter, person)) &&
            (walk->marked == NULL || has_bit(walk->marked, person)))
            RC_TRY(list_members(lane, person, slot, &member_count));
    }
    const struct rc_walk_block block = {.slot_count = slots, .persons = lane->persons};
    if (walk->fold->begin != NULL)
        RC_TRY(walk->fold->begin(lane->state, &block));
    if (member_count > 0) {
        if (walk->joined != NULL) /* Else they are in order. */
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
    struct rc_query_progress *progress = walk->plan->context->progress;
    const uint32_t blocks = walk->block_count + walk->listed_blocks;
    for (;;) {
        if (atomic_load_explicit(&walk->status, memory_order_relaxed) != RC_OK)
            return RC_OK;
        if (cancelled(walk))
            return RC_CANCELLED;
        const uint32_t index = atomic_fetch_add(&walk->next_block, 1);
        if (index >= blocks)
            return RC_OK;
        RC_TRY(index < walk->block_count ? plain_block(lane, index)
                                         : listed_block(lane, index - walk->block_count));
        if (progress != NULL)
            atomic_fetch_add_explicit(&progress->done, 1, memory_order_relaxed);
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
    const uint64_t begin_ns = walk->explain == NULL ? 0 : rc_clock_monotonic_ns();
    enum rc_status status = rc_sweep_new(walk->plan, walk->skip, &lane.sweep);
    if (status == RC_OK)
        status = run_blocks(&lane);
    if (walk->explain != NULL)
        walk->explain->lane_ns[index] = rc_clock_monotonic_ns() - begin_ns;
    int expected = RC_OK;
    if (status != RC_OK)
        atomic_compare_exchange_strong(&walk->status, &expected, (int)status);
    atomic_fetch_add(&walk->hit_count, lane.hit_count);
}

static enum rc_explain_feed
feed_of(const struct walk *walk)
{
    if (walk->fold->ordered)
        return RC_FEED_ORDERED;
    if (walk->fold->rows != NULL)
        return RC_FEED_ROWS;
    return walk->anonymous ? RC_FEED_ANONYMOUS : RC_FEED_HITS;
}

/* Bytes of bitmaps, users and times that a walk reads: those of rows that match, and at least a
 * cache line each. */
static uint64_t
bytes_of(const struct rc_plan *plan)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < plan->slab_count; i++) {
        const struct rc_plan_slab *slab = &plan->slabs[i];
        const uint64_t times = (uint64_t)slab->row_count * 4;
        bytes += slab->hits_max * 64 < times ? slab->hits_max * 64 : times;
        for (uint32_t s = 0; s < plan->stream_count; s++)
            bytes += slab->sets[s] == NULL ? 0 : rc_rowset_memory_bytes(slab->sets[s]);
    }
    return bytes;
}

static uint64_t
hits_of(const struct rc_plan *plan)
{
    return plan->plan_only ? (uint64_t)plan->hits_estimate : plan->hits_max;
}

/* Writes down what the walk is going to be. */
static struct rc_explain_walk *
open_explain(const struct walk *walk, enum rc_explain_feed feed, uint32_t blocks, uint32_t lanes)
{
    const struct rc_plan *plan = walk->plan;
    if (plan->explain == NULL)
        return NULL;
    struct rc_explain_walk *out = rc_explain_add_walk(plan->context->explain, plan->explain, lanes);
    if (out == NULL)
        return NULL;
    out->feed = feed;
    out->slabs = plan->plan_only ? plan->slabs_planned : plan->slab_count;
    out->blocks = blocks;
    out->lanes_max = walk->fold->lane_count;
    out->hits_estimate = (double)hits_of(plan);
    out->estimate_ns = rc_planner_walk_ns(plan, feed, hits_of(plan), blocks);
    out->bytes = bytes_of(plan);
    return out;
}

static uint32_t
clamp(uint64_t value, uint32_t least, uint32_t most)
{
    return value < least ? least : value > most ? most : (uint32_t)value;
}

/* Cuts the listed persons into blocks of at most slots_max. */
static void
cut_listed(struct walk *walk, uint32_t slots_max)
{
    walk->listed_per_block =
        clamp(slots_max, 1, slots_max < LISTED_SLOTS_MAX ? slots_max : LISTED_SLOTS_MAX);
    walk->listed_blocks = walk->listed_count / walk->listed_per_block +
                          (walk->listed_count % walk->listed_per_block != 0);
}

/* How many blocks so many hits are to be cut into, and by how many lanes they are walked. */
static uint64_t
blocks_wanted(struct walk *walk, uint64_t hits)
{
    const uint64_t wanted = hits / rc_walk_block_hits + 1;
    const uint32_t most = walk->fold->lane_count;
    const double work_ns = rc_planner_walk_ns(walk->plan, feed_of(walk), hits, wanted);
    const uint32_t planned = rc_planner_lanes(walk->plan->context, work_ns, UINT64_MAX);
    walk->lane_count = planned < most ? planned : most;
    /* Work for several lanes is cut so that none waits long for the last. */
    const uint64_t cuts = walk->lane_count == 1 ? 1 : (uint64_t)4 * walk->lane_count;
    return wanted < cuts ? cuts : wanted;
}

/* Decides the blocks. */
static void
cut_blocks(struct walk *walk)
{
    const uint64_t blocks = blocks_wanted(walk, hits_of(walk->plan));
    uint32_t slots_max = walk->anonymous ? UINT32_MAX : BLOCK_SLOTS_MAX;
    if (!walk->anonymous && walk->fold->slots_max != 0 && walk->fold->slots_max < slots_max)
        slots_max = walk->fold->slots_max;
    walk->block_users = clamp((walk->user_count + blocks - 1) / blocks, 1, slots_max);
    walk->block_count =
        walk->user_count / walk->block_users + (walk->user_count % walk->block_users != 0);
    if (walk->listed_count > 0)
        cut_listed(walk, walk->block_users);
}

/* Marks the users that belong to joined persons. */
static enum rc_status
find_joined(struct walk *walk)
{
    walk->joined = rc_view_persons(walk->view);
    walk->listed_count = walk->joined == NULL ? 0 : rc_persons_joined_count(walk->joined);
    if (walk->listed_count == 0 || walk->anonymous) {
        walk->listed_count = 0;
        walk->joined = NULL;
        return RC_OK;
    }
    walk->members = RC_ARENA_ARRAY(walk->plan->context->arena, uint64_t, walk->user_count / 64 + 1);
    if (walk->members == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < walk->listed_count; i++) {
        uint32_t count;
        const uint32_t *members = rc_persons_joined(walk->joined, i, &count);
        for (uint32_t m = 0; m < count; m++)
            walk->members[members[m] / 64] |= (uint64_t)1 << (members[m] % 64);
    }
    walk->skip = walk->members;
    return RC_OK;
}

/* Leaves those of the hits whose persons are marked. */
static void
keep_marked(const struct walk *walk, struct rc_heads *heads)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < heads->count; i++)
        if (has_bit(walk->marked, heads->hits[i].person))
            heads->hits[kept++] = heads->hits[i];
    heads->count = kept;
}

/* Files the hits of the heads by block, keeping their order. */
static enum rc_status
file_heads(struct walk *walk, struct rc_heads found)
{
    struct rc_arena *arena = walk->plan->context->arena;
    const uint32_t blocks = walk->block_count + walk->listed_blocks;
    uint32_t block;
    if (walk->marked != NULL)
        keep_marked(walk, &found);
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

static enum rc_status
run(struct walk *walk, struct rc_heads heads, uint64_t *hit_count)
{
    const struct rc_query_context *context = walk->plan->context;
    const uint32_t blocks = walk->block_count + walk->listed_blocks;
    const uint32_t lanes = walk->lane_count < blocks ? walk->lane_count : blocks;
    if (blocks == 0)
        return RC_OK;
    walk->explain = open_explain(walk, feed_of(walk), blocks, lanes);
    if (walk->plan->plan_only)
        return RC_OK;
    const uint64_t begin_ns = walk->explain == NULL ? 0 : rc_clock_monotonic_ns();
    RC_TRY(file_heads(walk, heads));
    if (context->progress != NULL)
        atomic_fetch_add_explicit(&context->progress->all, blocks, memory_order_relaxed);
    rc_workers_run(context->workers, lanes, lanes, run_lane, walk);
    *hit_count += atomic_load(&walk->hit_count);
    if (walk->explain != NULL) {
        walk->explain->hits_actual = atomic_load(&walk->hit_count);
        walk->explain->elapsed_ns = rc_clock_monotonic_ns() - begin_ns;
    }
    return (enum rc_status)atomic_load(&walk->status);
}

/* ---- Required selectors ---------------------------------------------------------------------- */

static enum rc_status
fold_mark(void *state,
          const struct rc_walk_block *block,
          const struct rc_hit *hits,
          const uint32_t *slots,
          uint32_t count)
{
    _Atomic uint64_t *words = state;
    (void)hits;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t person = rc_walk_person(block, slots[i]);
        const uint64_t bit = (uint64_t)1 << (person % 64);
        if ((atomic_load_explicit(&words[person / 64], memory_order_relaxed) & bit) == 0)
            atomic_fetch_or_explicit(&words[person / 64], bit, memory_order_relaxed);
    }
    return RC_OK;
}

/* The plan with the streams of some selectors alone. Its rowsets are those of plan. */
static enum rc_status
narrow(const struct rc_plan *plan, uint64_t required, struct rc_plan *ret_plan)
{
    struct rc_arena *arena = plan->context->arena;
    struct rc_plan narrowed = *plan;
    narrowed.streams = RC_ARENA_ARRAY(arena, struct rc_stream, plan->stream_count);
    narrowed.slabs = RC_ARENA_ARRAY(arena, struct rc_plan_slab, plan->slab_count);
    if (narrowed.streams == NULL || narrowed.slabs == NULL)
        return RC_NO_MEMORY;
    narrowed.stream_count = 0;
    narrowed.slab_count = 0;
    narrowed.hits_max = 0;
    for (uint32_t s = 0; s < plan->stream_count; s++)
        if ((plan->streams[s].bit & required) != 0)
            narrowed.streams[narrowed.stream_count++] = plan->streams[s];
    for (uint32_t i = 0; i < plan->slab_count; i++) {
        struct rc_plan_slab slab = {.index = plan->slabs[i].index,
                                    .row_count = plan->slabs[i].row_count};
        slab.sets = RC_ARENA_ARRAY(arena, struct rc_rowset *, narrowed.stream_count);
        if (slab.sets == NULL)
            return RC_NO_MEMORY;
        uint32_t at = 0;
        for (uint32_t s = 0; s < plan->stream_count; s++) {
            if ((plan->streams[s].bit & required) == 0)
                continue;
            slab.sets[at++] = plan->slabs[i].sets[s];
            if (plan->slabs[i].sets[s] != NULL)
                slab.hits_max += rc_rowset_cardinality(plan->slabs[i].sets[s]);
        }
        narrowed.hits_max += slab.hits_max;
        if (slab.hits_max > 0)
            narrowed.slabs[narrowed.slab_count++] = slab;
    }
    *ret_plan = narrowed;
    return RC_OK;
}

/* Marks the persons with a required hit, if the rows of the others are worth it. walk has its
 * joined persons and not its blocks yet. */
static enum rc_status
mark_required(struct walk *walk, const struct rc_heads *heads)
{
    const struct rc_plan *plan = walk->plan;
    struct rc_plan narrowed;
    uint64_t hit_count = 0;
    RC_TRY(narrow(plan, walk->fold->required, &narrowed));
    if (narrowed.hits_max > plan->hits_max / 4)
        return RC_OK;
    uint64_t *marked = RC_ARENA_ARRAY(plan->context->arena, uint64_t, walk->user_count / 64 + 1);
    void **states = RC_ARENA_ARRAY(plan->context->arena, void *, walk->fold->lane_count);
    if (marked == NULL || states == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < walk->fold->lane_count; i++)
        states[i] = marked;
    const struct rc_fold fold = {
        .lane_count = walk->fold->lane_count, .lanes = states, .hits = fold_mark};
    struct walk marking = {
        .plan = &narrowed,
        .fold = &fold,
        .view = walk->view,
        .user_count = walk->user_count,
        .joined = walk->joined,
        .listed_count = walk->listed_count,
        .members = walk->members,
        .skip = walk->skip,
    };
    cut_blocks(&marking);
    RC_TRY(run(&marking, (struct rc_heads){0}, &hit_count));
    for (uint32_t i = 0; i < heads->count; i++) {
        const uint32_t person = heads->hits[i].person;
        if ((heads->hits[i].hit.mask & walk->fold->required) != 0)
            marked[person / 64] |= (uint64_t)1 << (person % 64);
    }
    walk->marked = marked;
    return RC_OK;
}

/* A plan for a few persons alone: as if they were those with a required hit. Bits of ordinals that
 * are no person are left out. */
static enum rc_status
mark_asked(struct walk *walk)
{
    const struct rc_plan *plan = walk->plan;
    const uint32_t joined = walk->joined == NULL ? 0 : rc_persons_joined_count(walk->joined);
    if (walk->marked != NULL || plan->persons == NULL || walk->anonymous ||
        walk->fold->rows != NULL || plan->plan_only)
        return RC_OK;
    const uint64_t count = rc_words_count(plan->persons, (walk->user_count + 63) / 64);
    if (count * plan->slab_count * rc_walk_look_up_rows > plan->hits_max)
        return RC_OK;
    uint64_t *marked = RC_ARENA_ARRAY(plan->context->arena, uint64_t, walk->user_count / 64 + 1);
    if (marked == NULL)
        return RC_NO_MEMORY;
    memcpy(marked, plan->persons, (walk->user_count + 63) / 64 * sizeof(*marked));
    for (uint32_t i = 0; i < joined; i++) {
        uint32_t member_count;
        const uint32_t *members = rc_persons_joined(walk->joined, i, &member_count);
        for (uint32_t m = 1; m < member_count; m++)
            marked[members[m] / 64] &= ~((uint64_t)1 << (members[m] % 64));
    }
    walk->marked = marked;
    return RC_OK;
}

/* Decides the blocks of a walk with marked persons. */
static enum rc_status
cut_marked(struct walk *walk)
{
    struct rc_arena *arena = walk->plan->context->arena;
    const uint64_t hits_max = walk->plan->hits_max;
    const size_t word_count = walk->user_count / 64 + 1;
    uint64_t count = 0;
    for (size_t word = 0; word < word_count; word++)
        count += (uint64_t)__builtin_popcountll(walk->marked[word]);
    if (count * walk->plan->slab_count * rc_walk_look_up_rows > hits_max) {
        uint64_t *skip = RC_ARENA_ARRAY(arena, uint64_t, word_count);
        if (skip == NULL)
            return RC_NO_MEMORY;
        for (size_t word = 0; word < word_count; word++)
            skip[word] = ~walk->marked[word] | (walk->members == NULL ? 0 : walk->members[word]);
        walk->skip = skip;
        cut_blocks(walk);
        return RC_OK;
    }
    uint32_t *listed = rc_arena_alloc(arena, (count + 1) * sizeof(*listed));
    if (listed == NULL)
        return RC_NO_MEMORY;
    walk->listed = listed;
    walk->listed_count = (uint32_t)count;
    for (size_t word = 0; word < word_count; word++)
        for (uint64_t bits = walk->marked[word]; bits != 0; bits &= bits - 1)
            *listed++ = (uint32_t)word * 64 + (uint32_t)__builtin_ctzll(bits);
    const uint64_t hits = count * (hits_max / walk->user_count + 1);
    uint32_t slots_max = walk->fold->slots_max == 0 ? UINT32_MAX : walk->fold->slots_max;
    const uint64_t per_block = count / blocks_wanted(walk, hits) + 1;
    cut_listed(walk, clamp(per_block, 1, slots_max));
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
    struct rc_heads heads = {0};
    RC_ASSERT(fold->lane_count > 0);
    if (plan->entities != NULL)
        return rc_entities_walk(plan, fold, hit_count);
    RC_ASSERT(fold->rows == NULL || (!fold->ordered && !plan->reads_persons));
    RC_ASSERT(fold->required == 0 || (fold->rows == NULL && !fold->anonymous));
    if (walk.user_count == 0)
        return RC_OK;
    RC_TRY(find_joined(&walk));
    if (!plan->plan_only)
        RC_TRY(rc_heads_find(plan, &heads));
    if (fold->required != 0 && !plan->plan_only)
        RC_TRY(mark_required(&walk, &heads));
    RC_TRY(mark_asked(&walk));
    if (walk.marked != NULL)
        RC_TRY(cut_marked(&walk));
    else
        cut_blocks(&walk);
    RC_TRY(run(&walk, heads, hit_count));
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
    RC_TRY(list_members(lane, person, 0, &member_count));
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
    RC_ASSERT(fold->ordered && plan->entities == NULL);
    struct walk walk = {
        .plan = plan,
        .fold = fold,
        .view = plan->context->view,
        .joined = rc_view_persons(plan->context->view),
    };
    RC_CLEANUP(lane_close)
    struct lane lane = {
        .walk = &walk, .state = fold->lanes[0], .hits = {.account = plan->context->account}};
    walk.explain = open_explain(&walk, RC_FEED_ONE, 1, 1);
    if (plan->plan_only)
        return RC_OK;
    const uint64_t begin_ns = walk.explain == NULL ? 0 : rc_clock_monotonic_ns();
    RC_TRY(rc_sweep_new(plan, NULL, &lane.sweep));
    RC_TRY(run_one(&lane, person));
    *hit_count += lane.hit_count;
    if (walk.explain != NULL) {
        walk.explain->hits_actual = lane.hit_count;
        walk.explain->elapsed_ns = walk.explain->lane_ns[0] = rc_clock_monotonic_ns() - begin_ns;
    }
    return rc_view_check_reads(walk.view, NULL);
}
