/*
 * Path figures: the places where walks are counted, once each level's nodes are ranked: all walks,
 * nodes, ends and edges.
 *
 * Users: a place remembers the last person counted in it, so a person whose walks come one after
 * the other is counted once.
 *
 * Ownership: a layout borrows the rankings in its levels; figures are the caller's array.
 * Threading: a layout is made by one thread, then read by any; each lane has figures of its own.
 * Errors:    RC_NO_MEMORY.
 */
#ifndef RC_QUERY_USAGE_PATH_FIGURES_H
#define RC_QUERY_USAGE_PATH_FIGURES_H

#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/limits.h"
#include "engine/base/status.h"
#include "engine/query/split/groups.h"
#include "engine/query/usage/path_walks.h"
#include "engine/query/usage/paths.h"

struct rc_path_layout_level {
    struct rc_ranking ranking;
    uint32_t rows;    /* Nodes shown, and Other. */
    uint64_t nodes;   /* Where in the figures its nodes begin, */
    uint64_t ends;    /* its ends, */
    uint64_t targets; /* and its edges: [row][row of the next level]. */
};

struct rc_path_layout {
    struct rc_path_layout_level levels[RC_PATH_DEPTH_MAX];
    uint32_t level_count; /* With a node. */
    uint64_t figure_count;
};

struct rc_path_figure {
    uint64_t walks;
    uint32_t users;
    uint32_t last_person; /* Plus 1; 0: nobody. */
};

/* Lays out the places of levels whose rankings and rows are set. */
void
rc_path_layout_make(struct rc_path_layout *layout);

/* Counts a walk (of a node or more) of a person in figure_count figures. */
void
rc_path_figures_count(const struct rc_path_layout *layout,
                      struct rc_path_figure *figures,
                      uint32_t person,
                      const struct rc_path_walk *walk);

/* Whether a cell of any row counts a walk. */
bool
rc_path_layout_counts(const struct rc_path_layout *layout,
                      const struct rc_path_cell *cell,
                      const struct rc_path_walk *walk);

/* Figures as an answer's levels and edges, in arena. */
RC_MUST_USE enum rc_status
rc_path_figures_flow(const struct rc_path_layout *layout,
                     const struct rc_path_figure *figures,
                     struct rc_arena *arena,
                     struct rc_path_flow *ret_flow);

#endif
