/*
 * Query rig: a small random project, spread over slabs (several a window), heads, dead rows and
 * joined users, and the same events as a plain array, for slow twins.
 */
#ifndef RC_TESTS_QUERY_QUERY_RIG_H
#define RC_TESTS_QUERY_QUERY_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/workers.h"
#include "engine/query/query.h"
#include "engine/store/project/project.h"

#define RIG_USERS 60u
#define RIG_EVENTS_MAX 900u
#define RIG_NAMES 4u                          /* "a" .. "d". */
#define RIG_START_MS ((int64_t)1709251200000) /* 2024-03-01. */
#define RIG_HOUR_MS ((int64_t)3600000)
#define RIG_DAY_MS (24 * RIG_HOUR_MS)
#define RIG_SPAN_MS (70 * RIG_DAY_MS)
#define RIG_NO_PLAN 255u

struct rig_event {
    int64_t time_ms;
    uint32_t user;
    uint32_t person;
    uint32_t name;  /* RIG_NAMES: not set. */
    uint32_t price; /* 0: not set, 1: 1, 2: "1.0", 3: "x", 4: true, 5: the list "x", "y", 6: 2.5. */
    struct rc_event_id id;
};

struct rig {
    struct rc_project *project;
    struct rc_view *view;
    struct rc_match_cache *cache;
    struct rc_workers *workers;
    struct rc_arena *arena; /* Predicates, replies. */
    uint32_t event_count;   /* Live ones, in total order per person: by (person, time, id, user). */
    struct rig_event events[RIG_EVENTS_MAX];
    uint32_t person[RIG_USERS];
    /* Writes of the user property "plan": values 0 .. 2, RIG_NO_PLAN removes. */
    uint32_t write_count;
    struct {
        uint32_t user;
        uint32_t plan;
        int64_t time_ms;
    } writes[RIG_USERS * 2];
    struct rc_catalog *definitions;
    struct rc_catalog *segments;
};

uint64_t
rig_random(uint64_t *state);

/* Builds a project, or fails the test. */
struct rig *
rig_new(uint64_t *state);

void
rig_free(struct rig *rig);

/* A context with so many threads. */
struct rc_query_context
rig_context(struct rig *rig, uint32_t threads);

/* The plan of a person, of writes up to as_of: RIG_NO_PLAN for none. */
uint32_t
rig_plan_of(const struct rig *rig, uint32_t person, int64_t as_of_ms);

/* Whether a person exists at as_of. */
bool
rig_knows(const struct rig *rig, uint32_t person, int64_t as_of_ms);

/* Selectors: events whose name is in names (a bit each; 0: any event), of users of a plan
 * (RIG_NO_PLAN: anybody's). */
struct rig_selector {
    uint32_t names;
    uint32_t plan;
};

struct rig_selector
rig_random_selector(uint64_t *state);

bool
rig_selects(const struct rig *rig,
            const struct rig_selector *selector,
            const struct rig_event *event,
            int64_t as_of_ms);

const struct rc_predicate *
rig_predicate(struct rig *rig, const struct rig_selector *selector);

/* The name is "a" and the price 2.5: few events, and so few in some slabs that they are read one by
 * one. */
const struct rc_predicate *
rig_rare_predicate(struct rig *rig);

/* "plan" is the given one. */
const struct rc_predicate *
rig_plan_predicate(struct rig *rig, uint32_t plan);

#endif
