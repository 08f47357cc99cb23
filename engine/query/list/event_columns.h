/*
 * Event columns: derived properties of events that a list shows, event by event.
 *
 * Ownership: opened ones are to be closed; the rest is in the context's arena. What an event gets
 *            is in it too.
 * Threading: one thread.
 * Errors:    RC_NO_MEMORY, those of row_deriver.h.
 */
#ifndef RC_QUERY_LIST_EVENT_COLUMNS_H
#define RC_QUERY_LIST_EVENT_COLUMNS_H

#include "engine/query/list/row_deriver.h"
#include "engine/query/query.h"

struct rc_event_column {
    struct rc_bytes name;
    struct rc_row_deriver *deriver;
};

struct rc_event_columns {
    uint32_t count;
    struct rc_event_column *list;
};

/* Those of the names that are derived properties of events. */
RC_MUST_USE enum rc_status
rc_event_columns_open(const struct rc_query_context *context,
                      const struct rc_bytes *names,
                      uint32_t name_count,
                      struct rc_event_columns *ret_columns,
                      struct rc_error *reterr_error);

/* For RC_CLEANUP on the struct itself; a zeroed one may be closed. */
void
rc_event_columns_close(struct rc_event_columns *columns);

/* Puts them among the event's properties, where they hide stored ones of their names. */
RC_MUST_USE enum rc_status
rc_event_columns_add(const struct rc_event_columns *columns,
                     struct rc_arena *arena,
                     struct rc_event *event);

/* What the event has stored under the name. */
struct rc_value
rc_event_stored_value(const struct rc_event *event, struct rc_bytes name);

/* What a deriver makes of an event whose properties are those that are stored. */
RC_MUST_USE enum rc_status
rc_event_derive(struct rc_row_deriver *deriver,
                const struct rc_event *event,
                struct rc_arena *arena,
                struct rc_value *ret_value);

#endif
