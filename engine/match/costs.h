/*
 * Costs: what an operation of a plan takes, in ns. The planner compares plans by these and by
 * nothing else. Measured, and written by
 *
 *     build/release/bench/calibrate --write engine/match/costs.h
 *
 * (docs/performance.md says how). Only proportions matter to a choice.
 */
#ifndef RC_MATCH_COSTS_H
#define RC_MATCH_COSTS_H

/* clang-format off */
#define RC_COST_LOOKUP          29.695 /* A bitmap asked for in the cache. */
#define RC_COST_KEEP            20.000 /* A bitmap put into the cache, and its allocations. */
#define RC_COST_THREAD       15904.000 /* Another thread woken, and waited for. */
#define RC_COST_BLOCK           50.000 /* A block of 64 Ki rows, besides. */
#define RC_COST_CELL             2.967 /* Per entry of a local dictionary asked about. */
#define RC_COST_CELL_NEW        31.160 /* Per string tested for the first time. */
#define RC_COST_TEXT            32.063 /* Per front-coded text decoded and tested. */
#define RC_COST_COMPARED         0.021 /* Per byte of codes compared with one range. */
#define RC_COST_LOOKED_UP        0.630 /* Per code looked up in a table. */
#define RC_COST_REFINED          7.148 /* Per row looked up singly. */
#define RC_COST_RUN              2.304 /* Per run, or row of a sparse column. */
#define RC_COST_WORD             1.336 /* Per word of 64 rows combined, counted or copied. */
#define RC_COST_ROW_BUILT        6.506 /* Per row of a sparse bitmap. */
#define RC_COST_HIT              1.756 /* Per event of a dense bitmap fed to a fold. */
#define RC_COST_SPARSE_HIT      32.042 /* The same of a sparse one: its time is not in the cache. */
#define RC_COST_ORDERED          3.948 /* More per event that is put in order, person by person. */
#define RC_COST_USER             0.831 /* Per user of a walk in order. */
#define RC_COST_WALK_BLOCK    5688.281 /* Per block of persons and slab. */
#define RC_COST_WALK_WORD       19.950 /* Per word of a dense bitmap that is walked. */
#define RC_COST_ROW              2.242 /* Per event that a series reads from columns by itself. */
#define RC_COST_PIECE          182.031 /* Per piece of 4,096 rows with such an event. */
#define RC_COST_PIECE_CODES   1837.853 /* More per piece if a property's codes are read too. */
#define RC_COST_SERIES_HIT      15.213 /* Per event that a series is fed. */
#define RC_COST_VALUE_HIT       12.517 /* More per event if its value of a property is asked. */
#define RC_COST_SERIES       21698.923 /* What a series takes besides. */
#define RC_COST_VALUES       88802.441 /* More if it is by the values of a property. */
/* clang-format on */

#endif
