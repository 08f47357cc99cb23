/*
 * Cell place: where a number is in a reply, in words that a person reads off what was printed:
 * "step=2,dropped,row=free". What has a name there is named by it (rows, buckets, cohorts, columns,
 * series, nodes, entries, exits; in any case), or by its place from 1 as "#3"; steps, levels and
 * numbers of buckets are numbers.
 *
 * Ownership: texts are the command line's.
 * Threading: one thread.
 * Errors:    what is wrong is printed to standard error, with what there is to choose from.
 */
#ifndef RC_CLI_OPTIONS_CELL_PLACE_H
#define RC_CLI_OPTIONS_CELL_PLACE_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

#include "engine/base/arena.h"
#include "recount/v1/calendar.pb-c.h"
#include "recount/v1/cell.pb-c.h"

/* Whether answers of this kind have numbers with users behind them. */
bool
rc_cell_place_has(const ProtobufCMessageDescriptor *reply);

/* Fills row and place of the cell, all but its handle. words is written to, and what the cell holds
 * lives in arena. unit says how the reply's buckets are named. */
bool
rc_cell_place_read(struct rc_arena *arena,
                   const ProtobufCMessage *reply,
                   char *words,
                   Recount__V1__TimeUnit unit,
                   Recount__V1__Cell *cell);

#endif
