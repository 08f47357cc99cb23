/*
 * Costs: what an operation of a plan takes on a processor, in ns. The planner compares plans by
 * these and by nothing else.
 *
 * Measured, not guessed: written by
 *
 *     bench/calibrate --write engine/match/costs.h
 *
 * (built by `ninja calibrate`); docs/performance.md says what each case times. Only the proportions
 * matter to a choice, so another machine of the same kind needs no other table.
 */
#ifndef RC_MATCH_COSTS_H
#define RC_MATCH_COSTS_H

/* clang-format off */
#define RC_COST_LOOKUP      90.0   /* A bitmap asked for in the cache. */
#define RC_COST_KEEP        400.0  /* A bitmap put into the cache, and its allocations. */
#define RC_COST_BLOCK       600.0  /* A block of rows passing through a tree, whatever its work. */
#define RC_COST_CELL        2.5    /* Per cell. */
#define RC_COST_CELL_NEW    80.0   /* Per string tested for the first time. */
#define RC_COST_TEXT        60.0   /* Per text decoded and tested. */
#define RC_COST_COMPARED    0.04   /* Per byte of codes compared. */
#define RC_COST_LOOKED_UP   0.40   /* Per code looked up. */
#define RC_COST_REFINED     3.0    /* Per row looked up singly. */
#define RC_COST_RUN         2.0    /* Per run. */
#define RC_COST_WORD        0.25   /* Per word combined. */
#define RC_COST_ROW_BUILT   3.0    /* Per row of a sparse bitmap. */
#define RC_COST_HIT         8.0    /* Per event fed to a fold as it comes. */
#define RC_COST_HIT_ORDERED 14.0   /* Per event fed person by person, in order. */
#define RC_COST_ROW         1.5    /* Per event that a fold reads from columns by itself. */
#define RC_COST_PIECE       1500.0 /* Per piece of 4,096 rows whose columns are read for it. */
#define RC_COST_WALK_BLOCK  400.0  /* Per block of persons and slab. */
#define RC_COST_WALK_WORD   0.5    /* Per word of a bitmap that is walked. */
#define RC_COST_THREAD      15000.0 /* Another thread woken, and waited for. */
/* clang-format on */

#endif
