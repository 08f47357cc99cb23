/*
 * Walk: the one loop. Feeds every person's matching events to a fold.
 *
 * Persons are taken in blocks. A lane (one thread's share of the work) takes a block, collects the
 * hits of its persons from all slabs and heads, and hands them to the fold: as they come (with a
 * slot that says whose they are), or person by person in total order. Which lane gets a block is
 * chance, so what the lanes gathered must add up to the same in any order.
 *
 * Ownership: the plan and the fold's lanes are the caller's; hits are valid during the call.
 * Threading: a lane's callbacks run on one thread at a time; lanes run at the same time.
 * Units:     ms since 1970, UTC; persons are ordinals (rc_view_persons).
 * Errors:    a callback's status ends the walk and is returned; RC_CANCELLED; RC_NO_MEMORY.
 */
#ifndef RC_QUERY_WALK_WALK_H
#define RC_QUERY_WALK_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/status.h"
#include "engine/query/plan/plan.h"

/* Sources: slabs by their index in the view; chunks of heads with this bit. */
#define RC_SOURCE_CHUNK ((uint32_t)1 << 31)

struct rc_hit {
    int64_t time_ms;
    uint64_t mask;   /* The selectors that it matches. */
    uint32_t source; /* rc_view_slabs index, or RC_SOURCE_CHUNK | rc_view_chunks index. */
    uint32_t row;
};

/* The persons of a block. */
struct rc_walk_block {
    uint32_t slot_count;
    uint32_t first;          /* Slot s is the person first + s, */
    const uint32_t *persons; /* or persons[s] if not NULL. */
    const uint64_t *skip;    /* Users whose rows belong to other blocks, a bit each; NULL: none. */
};

static inline uint32_t
rc_walk_person(const struct rc_walk_block *block, uint32_t slot)
{
    return block->persons != NULL ? block->persons[slot] : block->first + slot;
}

/* Sets a person's bit; lanes share the words. */
static inline void
rc_walk_mark(uint64_t *persons, uint32_t person)
{
    __atomic_fetch_or(&persons[person / 64], (uint64_t)1 << (person % 64), __ATOMIC_RELAXED);
}

/* The rows that a user has in a slab. */
struct rc_walk_stretch {
    uint32_t slot;
    uint32_t begin;
    uint32_t end;
};

/* As many are handed over together, at most. */
#define RC_WALK_STRETCHES_MAX 64u

/* What a fold wants. lane is one of the lanes given to rc_walk. */
struct rc_fold {
    const char *purpose; /* What it finds, for EXPLAIN: "entrants". */
    /* Person by person in total order; else as they come, a person's in many pieces. */
    bool ordered;
    /* Unordered only: whose the hits are does not matter; all slots are 0. */
    bool anonymous;
    /* Not with anonymous or rows: a mask of selectors; the hits of persons without a hit of any of
     * them need not be fed, and where that saves reading them they are not. 0: all are fed. */
    uint64_t required;
    /* Ordered only: hits are not sorted and the times of slabs' rows are not read: those of a
     * person come by slab and row, in the plan's order, then those of heads. Of the former time_ms
     * is the first row that the user has in the slab. */
    bool timeless;
    uint32_t slots_max;  /* Per block; 0: the walk decides. */
    uint32_t lane_count; /* At least 1; more than the context's parallel_max is never needed. */
    void *const *lanes;
    /* May be NULL. */
    enum rc_status (*begin)(void *lane, const struct rc_walk_block *block);
    /* Unordered. */
    enum rc_status (*hits)(void *lane,
                           const struct rc_walk_block *block,
                           const struct rc_hit *hits,
                           const uint32_t *slots,
                           uint32_t count);
    /* Unordered, may be NULL: takes rows of a slab (an index into plan->slabs) as they are, and
     * finds the hits among them itself; hits then gets those of heads and of joined persons. The
     * rows are of the block's users. Adds to *hit_count. The plan asks for no person, or
     * asks_persons says that rows does. */
    enum rc_status (*rows)(void *lane,
                           const struct rc_walk_block *block,
                           uint32_t plan_slab,
                           uint32_t begin,
                           uint32_t end,
                           uint64_t *hit_count);
    bool asks_persons;            /* rows leaves out whom the plan does not ask for. */
    enum rc_rows_reading reading; /* What rows reads, for the planner. */
    /* Unordered, of a plan for some persons, who are few; may be NULL: they alone are looked up,
     * and this takes the rows that they have in a slab (an index into plan->slabs) as they are, and
     * finds the hits among them itself; hits then gets those of heads. A person may have several
     * stretches. Adds to *hit_count. */
    enum rc_status (*stretches)(void *lane,
                                const struct rc_walk_block *block,
                                uint32_t plan_slab,
                                const struct rc_walk_stretch *stretches,
                                uint32_t count,
                                uint64_t *hit_count);
    /* Ordered: all hits of one person; count > 0. */
    enum rc_status (*person)(void *lane,
                             uint32_t person,
                             const struct rc_hit *hits,
                             uint32_t count);
    /* Ordered, may be NULL: some persons before these hits are handed over, as they are then (not
     * sorted): to ask for the memory that person will read. */
    void (*soon)(void *lane, const struct rc_hit *hits, uint32_t count);
};

/* Tests: how many hits a block aims at; a small number makes many blocks of little data. */
extern uint32_t rc_walk_block_hits;

/* What it costs to look up a person's rows in a slab, in rows that a sweep reads meanwhile. Tests:
 * 0 lists the persons of a required selector always. */
extern uint32_t rc_walk_look_up_rows;

/* Of sets of at most one row in this many that are walked alone users are kept; tests change it. */
extern uint32_t rc_walk_users_share;

/* Whether a plan's persons are so few that their rows alone are looked up. */
bool
rc_walk_looks_up(const struct rc_plan *plan);

/* Feeds everything; where the plan has entities, each of them as a person. Adds to *hit_count the
 * hits that were fed. */
RC_MUST_USE enum rc_status
rc_walk(const struct rc_plan *plan, const struct rc_fold *fold, uint64_t *hit_count);

/* Feeds one person (an ordered fold's lane 0). */
RC_MUST_USE enum rc_status
rc_walk_one(const struct rc_plan *plan,
            const struct rc_fold *fold,
            uint32_t person,
            uint64_t *hit_count);

/* What identifies a hit's event, for folds that show it. */
struct rc_event_id
rc_hit_event_id(struct rc_view *view, const struct rc_hit *hit);

/* The user as sent. */
uint32_t
rc_hit_user(struct rc_view *view, const struct rc_hit *hit);

#endif
