/*
 * Match rig: random values, leaves and trees; the slow and obvious twin that answers them; and a
 * view of random slabs, chunks and users that stands in for the project's.
 */
#ifndef RC_TESTS_MATCH_MATCH_RIG_H
#define RC_TESTS_MATCH_MATCH_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/match/predicate/predicate.h"
#include "engine/store/project/view.h"
#include "engine/store/value/value.h"

/* A small generator of its own, so that a seed means the same data everywhere. */
uint64_t
rig_random(uint64_t *state);

uint32_t
rig_below(uint64_t *state, uint32_t count);

/* The seed of RC_TEST_SEED, or a new one; printed. */
uint64_t
rig_seed(void);

/* One of a few dozen values of all kinds, near-equal ones among them; lists too when lists. */
struct rc_value
rig_value(uint64_t *state, bool lists, struct rc_arena *arena);

/* A tree of height at most height over event (and, with user_leaves, user) properties
 * "p0" .. "p5". */
const struct rc_predicate *
rig_predicate(uint64_t *state, uint32_t height, bool user_leaves, struct rc_arena *arena);

/* The twin's answer for one value. */
bool
rig_leaf(const struct rc_leaf *leaf, struct rc_value value);

#define RIG_PROPERTIES 6

/* The twin's answer for one event and its user. */
bool
rig_tree(const struct rc_predicate *predicate,
         const struct rc_value event[RIG_PROPERTIES],
         const struct rc_value user[RIG_PROPERTIES]);

struct rig_view_options {
    uint32_t slab_count;
    uint32_t rows_per_slab;
    uint32_t chunk_count;
    uint32_t user_count;
    uint32_t alias_count;
};

/* A view of random data. Everything belongs to arena but what rig_view_free frees. */
struct rc_view *
rig_view_make(uint64_t *state, const struct rig_view_options *options, struct rc_arena *arena);

void
rig_view_free(struct rc_view *view);

/* Shows only the first rows of each head, so many; UINT32_MAX: all. */
void
rig_view_show(struct rc_view *view, uint32_t rows);

/* The values of a slab's or chunk's row, and of a person. */
void
rig_view_slab_row(const struct rc_view *view,
                  uint32_t slab,
                  uint32_t row,
                  struct rc_arena *arena,
                  struct rc_value values[RIG_PROPERTIES]);

void
rig_view_chunk_row(const struct rc_view *view,
                   uint32_t chunk,
                   uint32_t row,
                   struct rc_arena *arena,
                   struct rc_value values[RIG_PROPERTIES]);

void
rig_view_person(const struct rc_view *view,
                uint32_t person,
                struct rc_arena *arena,
                struct rc_value values[RIG_PROPERTIES]);

#endif
