/*
 * Segment: a rule that selects users: a tree of AND, OR, NOT over user predicates and behaviour, as
 * data.
 *
 * Ownership: trees are built in an arena and never changed after.
 * Errors:    RC_INVALID names the node: "any_of[1].behaviour.window".
 */
#ifndef RC_QUERY_SEGMENT_SEGMENT_H
#define RC_QUERY_SEGMENT_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/status.h"
#include "engine/match/predicate/predicate.h"
#include "engine/store/project/catalog.h"

struct rc_chart_cell;

enum rc_segment_kind {
    RC_SEGMENT_ALL_OF = 1,
    RC_SEGMENT_ANY_OF = 2,
    RC_SEGMENT_NOT = 3,  /* One child. */
    RC_SEGMENT_USER = 4, /* predicate: user leaves only. */
    RC_SEGMENT_BEHAVIOUR = 5,
    RC_SEGMENT_SAVED = 6, /* Another segment by name. */
    RC_SEGMENT_LIST = 7,  /* The users of a fixed list. */
    RC_SEGMENT_CELL = 8,  /* Those behind a number of a reply. */
};

enum rc_comparison { RC_EQ = 1, RC_NE, RC_LT, RC_LE, RC_GT, RC_GE };

enum rc_behaviour_window {
    RC_WINDOW_ALL_TIME = 1, /* Up to as_of. */
    RC_WINDOW_RELATIVE = 2, /* (as_of - prior_ms, as_of]. */
    RC_WINDOW_ABSOLUTE = 3, /* [start_ms, end_ms), and not after as_of. */
};

enum rc_behaviour_measure {
    RC_BEHAVIOUR_COUNT = 1,         /* Events. */
    RC_BEHAVIOUR_DISTINCT_DAYS = 2, /* Local days in the request's zone. */
    RC_BEHAVIOUR_SUM = 3,           /* Of a property's numbers; of nothing 0. */
    RC_BEHAVIOUR_SEQUENCE = 4,      /* Matches of a sequence that do not overlap: sequence.h. */
};

struct rc_sequence_step {
    const struct rc_predicate *selector; /* May hold DEFINITION nodes. */
    bool adjacent;                       /* Not the first. */
    int64_t least_ms;                    /* From the step before; of the first 0. */
};

struct rc_behaviour {
    const struct rc_predicate *selector; /* May hold DEFINITION nodes. NULL: of a SEQUENCE. */
    struct rc_bytes property;            /* SUM. */
    uint32_t step_count;                 /* SEQUENCE: 2 .. RC_FUNNEL_STEPS_MAX. */
    const struct rc_sequence_step *steps;
    int64_t within_ms; /* SEQUENCE: from the first step to the last; negative: no limit. */
    enum rc_behaviour_measure measure;
    enum rc_comparison comparison; /* measure <comparison> n; users without events have 0. */
    double n;
    enum rc_behaviour_window window;
    int64_t prior_ms;
    int64_t start_ms;
    int64_t end_ms;
};

/* A definition, a segment or a property that the question of a cell names. */
struct rc_cell_name {
    enum rc_catalog_kind kind;
    struct rc_bytes name;
};

/* Reads the stored form of a cell, into arena: what it means is the business of whoever stored it.
 * RC_INVALID: it is none of the project. */
typedef enum rc_status
rc_cell_read(struct rc_bytes project,
             struct rc_bytes stored,
             struct rc_arena *arena,
             const struct rc_chart_cell **ret_cell,
             struct rc_error *reterr_error);

struct rc_segment {
    enum rc_segment_kind kind;
    uint32_t child_count;
    const struct rc_segment *const *children;
    const struct rc_predicate *predicate; /* USER. */
    struct rc_behaviour behaviour;        /* BEHAVIOUR. */
    struct rc_bytes name;                 /* SAVED. */
    uint64_t version;                     /* SAVED: which one; 0: the current one. */
    uint32_t user_count;                  /* LIST: ids as sent, in any order. */
    uint32_t name_count; /* CELL that is stored: what must stay as long as it does. */
    const struct rc_bytes *users;
    const struct rc_chart_cell *cell; /* CELL: NULL: to be read when it is asked about. */
    struct rc_bytes stored;           /* CELL: for rc_cell_read; empty: it cannot be stored. */
    const struct rc_cell_name *names;
};

/* The selectors of a behaviour. */
static inline uint32_t
rc_behaviour_selector_count(const struct rc_behaviour *behaviour)
{
    return behaviour->measure == RC_BEHAVIOUR_SEQUENCE ? behaviour->step_count : 1;
}

static inline const struct rc_predicate *
rc_behaviour_selector(const struct rc_behaviour *behaviour, uint32_t index)
{
    return behaviour->measure == RC_BEHAVIOUR_SEQUENCE ? behaviour->steps[index].selector
                                                       : behaviour->selector;
}

/* Depth, counts, that user predicates hold user leaves only and selectors event leaves or both. */
RC_MUST_USE enum rc_status
rc_segment_check(const struct rc_segment *segment, struct rc_error *reterr_error);

/* The stored form (payload of a catalog entry). */
void
rc_segment_write(struct rc_writer *writer, const struct rc_segment *segment);

/* Whether a stored segment is a list, which names nothing. */
bool
rc_segment_is_list(struct rc_bytes payload);

/* Puts the place of a child before the field of its error: "any_of[1]", "negation". */
void
rc_segment_place_child(const struct rc_segment *segment,
                       uint32_t index,
                       struct rc_error *reterr_error);

RC_MUST_USE enum rc_status
rc_segment_read(struct rc_reader *reader,
                struct rc_arena *arena,
                const struct rc_segment **ret_segment,
                struct rc_error *reterr_error);

#endif
