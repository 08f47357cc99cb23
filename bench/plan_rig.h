/*
 * Plan rig: a seeded project of some slabs in memory, for what times plans: calibrate and plans.
 * Its columns have the shapes that matter to a scan:
 *
 *   name     20 values, a third of the rows the first; each slab lacks some of them
 *   path     400 values, skewed: codes of two bytes
 *   chain    2,000 long texts: what regular expressions and LIKE read
 *   browser  6 values, one a user: runs
 *   price    numbers, on one row in twelve: sparse
 *   search   texts that hardly repeat, on one row in eight: no dictionary
 *
 * Ownership: the rig owns all it hands out.
 * Threading: one thread makes it; queries may use two.
 */
#ifndef RC_BENCH_PLAN_RIG_H
#define RC_BENCH_PLAN_RIG_H

#include <stdint.h>

#include "engine/query/query.h"
#include "engine/store/project/project.h"

#define PLAN_RIG_NAMES 20u
#define PLAN_RIG_PATHS 400u
#define PLAN_RIG_CHAINS 2000u
#define PLAN_RIG_BROWSERS 6u

struct plan_rig {
    struct rc_project *project;
    struct rc_view *view;
    struct rc_match_cache *cache;
    struct rc_workers *workers;
    struct rc_arena *arena;   /* Of queries; reset after each. */
    struct rc_arena *lasting; /* Of predicates. */
    uint32_t slabs;
    uint32_t users;
    int64_t start_ms;
    int64_t end_ms;
};

/* Aborts when it cannot. */
struct plan_rig *
plan_rig_new(uint64_t seed, uint32_t slabs, uint32_t rows, uint32_t users);

struct plan_rig *
plan_rig_free(struct plan_rig *rig);

struct rc_query_context
plan_rig_context(struct plan_rig *rig, uint32_t threads);

uint64_t
plan_rig_random(uint64_t *state);

/* Ends the program with a word unless status is RC_OK. */
void
plan_rig_must(enum rc_status status, const struct rc_error *error);

/* Processor time of the calling thread, ns. */
uint64_t
plan_rig_thread_ns(void);

/* ---- Predicates, in rig->lasting ------------------------------------------------------------- */

/* A leaf with up to two values. */
const struct rc_predicate *
plan_rig_leaf(struct plan_rig *rig,
              const char *property,
              enum rc_leaf_operator
              operator,
              uint32_t value_count,
              const struct rc_value *values);

/* "p17": the name, path, chain or browser of a number. */
const struct rc_predicate *
plan_rig_is(struct plan_rig *rig, const char *property, uint32_t number);

const struct rc_predicate *
plan_rig_list(struct plan_rig *rig,
              enum rc_predicate_kind kind,
              uint32_t count,
              const struct rc_predicate *const *children);

/* A random tree of the given height at most. */
const struct rc_predicate *
plan_rig_tree(struct plan_rig *rig, uint64_t *state, uint32_t height);

#endif
