/*
 * Walk, listed persons: those that are joined, and those that alone are asked about. Their rows lie
 * apart, so a block gathers its members' rows slab by slab, members ascending.
 */
#include "engine/match/rows/words.h"
#include "engine/query/slab/slab_rows.h"
#include "engine/query/walk/walk_run.h"

#include <stdlib.h>

static int
compare_u64(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* A member who is in a slab. */
struct member_rows {
    uint32_t index; /* Of the user in the slab. */
    uint32_t slot;
};

/* Members of a block that are looked up in a slab before the first one's rows are read. */
#define MEMBERS_TOGETHER RC_WALK_STRETCHES_MAX

/* Of so many of them the times are under way at once, so many rows of each: more follow while these
 * are read. */
#define MEMBERS_SOON 4u
#define ROWS_SOON 256u
#define TIMES_A_LINE 16u

/* Looks the next members from *next on up in a slab; those of them that are in it, none only when
 * none is left. Where their rows begin is asked for. *at: the next are not before this one. */
static uint32_t
find_members(const struct rc_slab *slab,
             const uint64_t *members,
             uint32_t member_count,
             uint32_t *next,
             uint32_t *at,
             struct member_rows *found)
{
    const uint32_t *starts = rc_slab_starts(slab);
    const uint32_t *users = rc_slab_users(slab);
    const uint32_t user_count = rc_slab_get_info(slab)->user_count;
    uint32_t sought[MEMBERS_TOGETHER];
    uint32_t places[MEMBERS_TOGETHER];
    uint32_t count = 0;
    while (count == 0 && *next < member_count) {
        const uint64_t *batch = members + *next;
        const uint32_t left = member_count - *next;
        const uint32_t size = left < MEMBERS_TOGETHER ? left : MEMBERS_TOGETHER;
        for (uint32_t i = 0; i < size; i++)
            sought[i] = (uint32_t)(batch[i] >> 32);
        rc_slab_rows_owners(users, user_count, *at, sought, size, places);
        for (uint32_t i = 0; i < size; i++) {
            if (users[places[i]] != sought[i])
                continue;
            found[count++] = (struct member_rows){places[i], (uint32_t)batch[i]};
            __builtin_prefetch(&starts[places[i]]);
        }
        *next += size;
        *at = places[size - 1];
    }
    return count;
}

/* Asks for the times of a member's rows: nobody's are near them. */
static void
ask_for_times(const struct rc_slab *slab, const struct member_rows *member)
{
    const uint32_t *times = rc_slab_times(slab);
    const uint32_t begin = rc_slab_starts(slab)[member->index];
    const uint32_t end = rc_slab_starts(slab)[member->index + 1];
    const uint32_t last = end - begin < ROWS_SOON ? end : begin + ROWS_SOON;
    for (uint32_t row = begin; row < last; row += TIMES_A_LINE)
        __builtin_prefetch(&times[row]);
}

static enum rc_status
read_found(struct rc_walk_lane *lane,
           const struct rc_walk_block *block,
           const struct rc_slab *slab,
           const struct member_rows *found,
           uint32_t count)
{
    const uint32_t *starts = rc_slab_starts(slab);
    uint32_t soon = 0;
    for (uint32_t i = 0; i < count; i++) {
        for (; soon < count && soon < i + MEMBERS_SOON && !lane->walk->fold->timeless; soon++)
            ask_for_times(slab, &found[soon]);
        rc_sweep_seek(lane->sweep, starts[found[i].index], starts[found[i].index + 1],
                      RC_OWNER_GIVEN, found[i].slot, rc_walk_person(block, found[i].slot));
        RC_TRY(rc_walk_read_stretch(lane, block));
    }
    return RC_OK;
}

/* The rows of members, by slot. */
static void
list_stretches(const uint32_t *starts,
               const struct member_rows *found,
               uint32_t count,
               struct rc_walk_stretch *stretches)
{
    for (uint32_t i = 0; i < count; i++)
        stretches[i] = (struct rc_walk_stretch){
            .slot = found[i].slot,
            .begin = starts[found[i].index],
            .end = starts[found[i].index + 1],
        };
}

/* Reads them together, where streams are merged. */
static enum rc_status
merge_found(struct rc_walk_lane *lane,
            const struct rc_walk_block *block,
            const uint32_t *starts,
            const struct member_rows *found,
            uint32_t count)
{
    struct rc_walk_stretch stretches[MEMBERS_TOGETHER];
    list_stretches(starts, found, count, stretches);
    rc_sweep_seek_stretches(lane->sweep, stretches, count, block->persons);
    return rc_walk_read_stretch(lane, block);
}

/* Gives them to a fold that takes them as they are. */
static enum rc_status
give_found(struct rc_walk_lane *lane,
           const struct rc_walk_block *block,
           uint32_t plan_slab,
           const uint32_t *starts,
           const struct member_rows *found,
           uint32_t count)
{
    struct rc_walk_stretch stretches[MEMBERS_TOGETHER];
    const uint64_t hit_count = lane->hit_count;
    list_stretches(starts, found, count, stretches);
    RC_TRY(lane->walk->fold->stretches(lane->state, block, plan_slab, stretches, count,
                                       &lane->hit_count));
    lane->read_count += lane->hit_count - hit_count;
    return rc_walk_cancelled(lane->walk) ? RC_CANCELLED : RC_OK;
}

enum rc_status
rc_walk_read_members(struct rc_walk_lane *lane,
                     const struct rc_walk_block *block,
                     const uint64_t *members,
                     uint32_t member_count)
{
    const struct rc_walk_run *walk = lane->walk;
    struct member_rows found[MEMBERS_TOGETHER];
    for (uint32_t i = 0; i < walk->plan->slab_count; i++) {
        uint32_t count;
        const struct rc_slab *slab = rc_plan_view_slab(walk->plan, i)->slab;
        uint32_t next = 0;
        uint32_t at = 0;
        const bool merges = rc_sweep_merges(walk->plan, i);
        rc_sweep_open(lane->sweep, i);
        while ((count = find_members(slab, members, member_count, &next, &at, found)) > 0) {
            const uint32_t *starts = rc_slab_starts(slab);
            if (walk->fold->stretches != NULL)
                RC_TRY(give_found(lane, block, i, starts, found, count));
            else if (merges)
                RC_TRY(merge_found(lane, block, starts, found, count));
            else
                RC_TRY(read_found(lane, block, slab, found, count));
        }
    }
    return RC_OK;
}

enum rc_status
rc_walk_list_members(struct rc_walk_lane *lane,
                     uint32_t person,
                     uint32_t slot,
                     uint32_t *member_count)
{
    const struct rc_persons *joined = lane->walk->joined;
    const uint64_t *known = lane->walk->members; /* NULL: not made. */
    const bool may_be_joined = joined != NULL && (known == NULL || rc_words_has(known, person));
    const uint32_t index = may_be_joined ? rc_persons_joined_index(joined, person) : UINT32_MAX;
    uint32_t count = 1;
    const uint32_t *members =
        index == UINT32_MAX ? &person : rc_persons_joined(joined, index, &count);
    RC_TRY(RC_GROW_IN(lane->walk->plan->context->account, lane->member_slots, lane->member_capacity,
                      (size_t)*member_count + count));
    for (uint32_t i = 0; i < count; i++)
        lane->member_slots[(*member_count)++] = (uint64_t)members[i] << 32 | slot;
    return RC_OK;
}

enum rc_status
rc_walk_listed_block(struct rc_walk_lane *lane, uint32_t index)
{
    struct rc_walk_run *walk = lane->walk;
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
        if ((filter == NULL || rc_words_has(filter, person)) &&
            (walk->marked == NULL || rc_words_has(walk->marked, person)))
            RC_TRY(rc_walk_list_members(lane, person, slot, &member_count));
    }
    const struct rc_walk_block block = {.slot_count = slots, .persons = lane->persons};
    if (walk->fold->begin != NULL)
        RC_TRY(walk->fold->begin(lane->state, &block));
    if (member_count > 0) {
        if (walk->joined != NULL) /* Else they are in order. */
            qsort(lane->member_slots, member_count, sizeof(*lane->member_slots), compare_u64);
        RC_TRY(rc_walk_read_members(lane, &block, lane->member_slots, member_count));
    }
    RC_TRY(rc_walk_add_heads(lane, walk->block_count + index));
    return rc_walk_finish_block(lane, &block);
}
