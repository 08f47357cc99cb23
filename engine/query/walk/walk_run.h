/*
 * Walk run: what the files of the walk share: a walk that was made ready, and its lanes.
 *
 * Ownership: a run is the stack's of rc_walk, its arrays the context's arena's; a lane owns its
 *            arrays, charged to the query's account, until rc_walk_lane_close.
 * Threading: a run is not changed while lanes run but for its atomics; a lane is one thread's.
 */
#ifndef RC_QUERY_WALK_WALK_RUN_H
#define RC_QUERY_WALK_WALK_RUN_H

#include <stdatomic.h>

#include "engine/query/walk/heads.h"
#include "engine/query/walk/hits.h"
#include "engine/query/walk/sweep.h"
#include "engine/query/walk/walk.h"

struct rc_walk_run {
    const struct rc_plan *plan;
    const struct rc_fold *fold;
    struct rc_view *view;
    bool anonymous; /* Nobody asks whose the hits are. */
    uint32_t user_count;
    uint32_t lane_count;  /* Planned; never more than there are blocks or the fold has. */
    uint32_t block_count; /* Of plain blocks; blocks of listed persons follow. */
    uint32_t *block_ends; /* Of plain blocks: the first user behind each. */
    const struct rc_persons *joined; /* NULL: none. */
    uint32_t listed_count;
    uint32_t listed_per_block;
    uint32_t listed_blocks;
    const uint32_t *listed;       /* Ascending; NULL: the joined persons, by their index. */
    uint64_t *members;            /* A bit for each user that belongs to a joined person. */
    const uint64_t *marked;       /* A bit a person with a required hit; NULL: everybody is fed. */
    const uint64_t *skip;         /* Users that plain blocks leave out; NULL: none. */
    const struct rc_heads *heads; /* Filed by block. */
    uint32_t *head_starts;        /* By block: its hits in heads. */
    _Atomic uint32_t next_block;
    _Atomic int status;
    _Atomic uint64_t hit_count;
    _Atomic uint64_t read_count;     /* For EXPLAIN. */
    struct rc_explain_walk *explain; /* NULL: nobody asks. */
};

/* One thread's share. */
struct rc_walk_lane {
    struct rc_walk_run *walk;
    void *state; /* The fold's. */
    struct rc_sweep *sweep;
    struct rc_hits hits;
    struct rc_hit *dealt; /* By slot. */
    size_t dealt_capacity;
    struct rc_hit *scratch;
    size_t scratch_capacity;
    uint32_t *starts; /* Per slot of a block, and then the slots that have hits. */
    size_t starts_capacity;
    uint64_t *member_slots; /* A block's members: ordinal << 32 | slot. */
    size_t member_capacity;
    uint32_t *persons; /* A listed block's. */
    uint64_t hit_count;
    uint64_t read_count; /* The same, and all events of rows that the fold read by itself. */
};

static inline uint32_t
rc_walk_clamp(uint64_t value, uint32_t least, uint32_t most)
{
    return value < least ? least : value > most ? most : (uint32_t)value;
}

/* Whether the query was. */
bool
rc_walk_cancelled(const struct rc_walk_run *walk);

/* Reads the stretch that the lane's sweep was set to. */
RC_MUST_USE enum rc_status
rc_walk_read_stretch(struct rc_walk_lane *lane, const struct rc_walk_block *block);

/* Hands the hits of a block that was read to the fold. */
RC_MUST_USE enum rc_status
rc_walk_finish_block(struct rc_walk_lane *lane, const struct rc_walk_block *block);

/* Appends the block's hits in heads. */
RC_MUST_USE enum rc_status
rc_walk_add_heads(struct rc_walk_lane *lane, uint32_t block_index);

/* Files the hits of the heads by block, keeping their order. */
RC_MUST_USE enum rc_status
rc_walk_file_heads(struct rc_walk_run *walk, struct rc_heads *heads);

/* Reads the rows of members (ordinal << 32 | slot, ascending) from all slabs. */
RC_MUST_USE enum rc_status
rc_walk_read_members(struct rc_walk_lane *lane,
                     const struct rc_walk_block *block,
                     const uint64_t *members,
                     uint32_t member_count);

/* Appends the users who are a person, as slot, to the lane's list. */
RC_MUST_USE enum rc_status
rc_walk_list_members(struct rc_walk_lane *lane,
                     uint32_t person,
                     uint32_t slot,
                     uint32_t *member_count);

/* Feeds a block of listed persons, counted from the first of them; */
RC_MUST_USE enum rc_status
rc_walk_listed_block(struct rc_walk_lane *lane, uint32_t index);

/* What the fold is fed; */
enum rc_explain_feed
rc_walk_feed_of(const struct rc_walk_run *walk);

/* and how many hits, at most or as planned. */
uint64_t
rc_walk_hits_of(const struct rc_plan *plan);

/* Cuts the listed persons into blocks of at most slots_max. */
void
rc_walk_cut_listed(struct rc_walk_run *walk, uint32_t slots_max);

/* How many blocks so many hits are to be cut into, and by how many lanes they are walked. */
uint64_t
rc_walk_blocks_wanted(struct rc_walk_run *walk, uint64_t hits);

/* Decides the blocks. */
RC_MUST_USE enum rc_status
rc_walk_cut_blocks(struct rc_walk_run *walk);

/* The first user of a plain block. */
static inline uint32_t
rc_walk_block_first(const struct rc_walk_run *walk, uint32_t block)
{
    return block == 0 ? 0 : walk->block_ends[block - 1];
}

/* and one of a range of users. */
RC_MUST_USE enum rc_status
rc_walk_plain_block(struct rc_walk_lane *lane, uint32_t index);

/* Marks the persons with a required hit, if the rows of the others are worth it. walk has its
 * joined persons and not its blocks yet. */
RC_MUST_USE enum rc_status
rc_walk_mark_required(struct rc_walk_run *walk, const struct rc_heads *heads);

/* A plan for a few persons alone: as if they were those with a required hit. Bits of ordinals that
 * are no person are left out. */
RC_MUST_USE enum rc_status
rc_walk_mark_asked(struct rc_walk_run *walk);

/* Decides the blocks of a walk with marked persons. */
RC_MUST_USE enum rc_status
rc_walk_cut_marked(struct rc_walk_run *walk);

/* For RC_CLEANUP on the struct itself. */
void
rc_walk_lane_close(struct rc_walk_lane *lane);

/* Writes down what the walk is going to be. NULL: nobody asks. */
struct rc_explain_walk *
rc_walk_open_explain(const struct rc_walk_run *walk,
                     enum rc_explain_feed feed,
                     uint32_t blocks,
                     uint32_t lanes);

/* Runs the lanes over the blocks. Adds to *hit_count. */
RC_MUST_USE enum rc_status
rc_walk_run_blocks(struct rc_walk_run *walk, struct rc_heads *heads, uint64_t *hit_count);

#endif
