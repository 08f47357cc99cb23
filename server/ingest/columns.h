/*
 * Columns: builds the columns of a batch's table row by row: a dictionary of distinct values and
 * the codes of the rows that have one.
 *
 * A row is begun by its first put; rc_columns_commit keeps it, rc_columns_rollback forgets it.
 *
 * Ownership: everything comes from the arena, copies of names and texts included.
 * Threading: one thread at a time.
 * Errors:    RC_NO_MEMORY leaves the row open: roll it back.
 */
#ifndef RC_SERVER_INGEST_COLUMNS_H
#define RC_SERVER_INGEST_COLUMNS_H

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/status.h"
#include "engine/intake/batch.h"
#include "engine/store/value/value.h"

struct rc_columns;

/* NULL: no memory. */
struct rc_columns *
rc_columns_new(struct rc_arena *arena);

/* Sets a property of the open row. Texts are copied when they are new to the column.
 *   RC_EXISTS  the row has the property already. */
RC_MUST_USE enum rc_status
rc_columns_put(struct rc_columns *columns, struct rc_bytes name, struct rc_value value);

/* Keeps the open row, of this user at this time. user is copied when it is new. */
RC_MUST_USE enum rc_status
rc_columns_commit(struct rc_columns *columns, struct rc_bytes user, int64_t time_ms);

void
rc_columns_rollback(struct rc_columns *columns);

/* Moves what the open row of from has put to the open row of into, which has put nothing. */
RC_MUST_USE enum rc_status
rc_columns_move(struct rc_columns *from, struct rc_columns *into);

/* The rows as a table. No row may be open. */
RC_MUST_USE enum rc_status
rc_columns_finish(struct rc_columns *columns, struct rc_batch_table *ret_table);

#endif
