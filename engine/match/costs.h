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
#define RC_COST_LOOKUP          28.267 /* A bitmap asked for in the cache. */
#define RC_COST_KEEP           122.082 /* A bitmap put into the cache, and its allocations. */
#define RC_COST_THREAD       11938.000 /* Another thread woken, and waited for. */
#define RC_COST_BLOCK          724.066 /* A block of 64 Ki rows, besides. */
#define RC_COST_CELL             4.834 /* Per entry of a local dictionary asked about. */
#define RC_COST_CELL_NEW        33.269 /* Per string tested for the first time. */
#define RC_COST_TEXT            36.904 /* Per front-coded text decoded and tested. */
#define RC_COST_COMPARED         0.010 /* Per byte of codes compared with one range. */
#define RC_COST_LOOKED_UP        0.386 /* Per code looked up in a table. */
#define RC_COST_REFINED          4.957 /* Per row looked up singly. */
#define RC_COST_RUN              1.793 /* Per run, or row of a sparse column. */
#define RC_COST_WORD             0.518 /* Per word of 64 rows combined, counted or copied. */
#define RC_COST_ROW_BUILT        5.987 /* Per row of a sparse bitmap. */
#define RC_COST_HIT              1.650 /* Per event of a dense bitmap fed to a fold. */
#define RC_COST_SPARSE_HIT      32.192 /* The same of a sparse one: its time is not in the cache. */
#define RC_COST_ORDERED          4.390 /* More per event that is put in order, person by person. */
#define RC_COST_USER             0.842 /* Per user of a walk in order. */
#define RC_COST_WALK_BLOCK    5686.327 /* Per block of persons and slab. */
#define RC_COST_WALK_WORD       19.507 /* Per word of a dense bitmap that is walked. */
#define RC_COST_ROW              2.344 /* Per event that a series reads from columns by itself. */
#define RC_COST_PIECE          184.359 /* Per piece of 4,096 rows with such an event. */
#define RC_COST_PIECE_CODES   2180.454 /* More per piece if a property's codes are read too. */
#define RC_COST_SERIES_HIT      14.940 /* Per event that a series is fed. */
#define RC_COST_VALUE_HIT       13.544 /* More per event if its value of a property is asked. */
#define RC_COST_SERIES       21356.744 /* What a series takes besides. */
#define RC_COST_VALUES       85322.680 /* More if it is by the values of a property. */
/* clang-format on */

#endif
