/*
 * Paths: which nodes follow which, level by level, in users' sessions. Semantics are those of
 * docs/semantics.md.
 *
 * A node is a value of an event property, or the name of the first of some selectors that an event
 * matches. Sessions are made of a user's events in the range; each gives at most one walk: a list
 * of nodes, whose places are the levels.
 *
 * Ownership, Threading, Units, Errors: as in query.h.
 */
#ifndef RC_QUERY_USAGE_PATHS_H
#define RC_QUERY_USAGE_PATHS_H

#include "engine/query/query.h"

/* Which walks a number of a flow counts. */
enum rc_path_part {
    RC_PATH_WALKS = 1,    /* All. */
    RC_PATH_NODE = 2,     /* Those with a node at a level. */
    RC_PATH_DROP_OFF = 3, /* Those that end there. */
    RC_PATH_EDGE = 4,     /* Those that go on from there to a node. */
};

struct rc_path_cell {
    uint32_t row; /* Of the reply; its number of rows: the total. */
    enum rc_path_part part;
    uint32_t level; /* Indexes from 0. */
    uint32_t node;
    uint32_t target;
};

/* A selector whose events are a node. */
struct rc_path_selector {
    struct rc_bytes name; /* No two are equal. */
    const struct rc_predicate *selector;
};

struct rc_paths_request {
    struct rc_scope scope;
    struct rc_bytes property; /* Nodes are its values; empty: nodes are selectors. */
    uint32_t selector_count;  /* 0 with a property, else 1 .. RC_PATH_SELECTORS_MAX. */
    const struct rc_path_selector *selectors;
    const struct rc_predicate *excluded; /* These events are no nodes. NULL: none. */
    int64_t gap_ms;                      /* A longer pause ends a session. */
    uint32_t depth;                      /* Levels: 1 .. RC_PATH_DEPTH_MAX. */
    uint32_t top_n;                      /* Nodes of a level: .. RC_PATH_TOP_MAX; 0: 9. */
    /* Walks begin at the first place where these nodes follow one another. 0: at the session's
     * first node. At most depth. */
    uint32_t start_count;
    const struct rc_value *start;
    const struct rc_value *end; /* Walks end at its first place behind the start. NULL: anywhere. */
    const struct rc_breakdown *breakdown; /* NULL: none. */
    uint32_t dimension_count;
    uint32_t breakdown_top_n; /* .. RC_PATH_ROWS_MAX, as in a series. */
    /* NULL, or a bit a person (zero): set for those whose walks are counted in the cell at. */
    uint64_t *persons;
    struct rc_path_cell at;
};

struct rc_path_node {
    struct rc_row_label label; /* VALUE or OTHER. */
    uint64_t walks;
    uint64_t users;
    uint64_t drop_off_walks; /* That end here; none with an end. */
    uint64_t drop_off_users;
};

struct rc_path_level {
    uint32_t node_count; /* By walks, ties by value; OTHER is the last. */
    const struct rc_path_node *nodes;
};

struct rc_path_edge {
    uint32_t level;  /* Index of the source's level; the target is in the next. */
    uint32_t source; /* Index into its nodes. */
    uint32_t target;
    uint64_t walks;
    uint64_t users;
};

/* Walks, drawn from level to level. */
struct rc_path_flow {
    uint64_t walks;
    uint64_t users; /* With a walk. */
    uint32_t level_count;
    const struct rc_path_level *levels;
    uint64_t edge_count; /* By level, source, target; each with a walk. */
    const struct rc_path_edge *edges;
};

struct rc_paths_row {
    struct rc_row_label label;
    struct rc_path_flow flow; /* Of the nodes of the total. */
};

struct rc_paths_reply {
    struct rc_path_flow total;
    uint32_t row_count; /* Of a breakdown: its values by walks, OTHER. */
    const struct rc_paths_row *rows;
    struct rc_query_stats stats;
};

RC_MUST_USE enum rc_status
rc_query_paths(const struct rc_query_context *context,
               const struct rc_paths_request *request,
               struct rc_paths_reply *ret_reply,
               struct rc_error *reterr_error);

#endif
