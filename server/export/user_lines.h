/*
 * User lines: an exported user as NDJSON, which Ingest takes back.
 *
 * Ownership: borrows the item.
 * Threading: pure functions.
 * Errors:    the writer's.
 */
#ifndef RC_SERVER_EXPORT_USER_LINES_H
#define RC_SERVER_EXPORT_USER_LINES_H

#include "engine/base/bytes.h"
#include "engine/query/list/export.h"

/* Appends the item's line, with its end. */
void
rc_user_line_write(struct rc_writer *writer, const struct rc_export_item *item);

#endif
