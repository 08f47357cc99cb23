/*
 * Entity list: values of an event property, those behind a number of a reply or all that events
 * name, with how many events name each, the first and the last; of accounts with their properties.
 * Semantics are those of docs/semantics.md.
 *
 * Ownership: as in query.h; a listing lives in the context's arena and is to be closed.
 * Threading, Units, Errors: as in query.h. Errors of the cell have "cell" in front.
 */
#ifndef RC_QUERY_LIST_ENTITY_LIST_H
#define RC_QUERY_LIST_ENTITY_LIST_H

#include "engine/query/list/person_events.h"
#include "engine/query/query.h"

struct rc_chart_cell;

struct rc_entity_list_request {
    struct rc_scope scope; /* Its entity is what is listed; the events that count are those of its
                              range and of the users of its segment. */
    const struct rc_chart_cell *cell; /* Whose entities are listed; NULL: of the events that count.
                                       */
    const struct rc_predicate *selector; /* Only its events count. */
    uint32_t property_count;             /* Only these properties; 0: all that are stored. */
    const struct rc_bytes *properties;
};

struct rc_entity_row {
    struct rc_value value;
    struct rc_person_event_count events;
    uint32_t property_count;
    const struct rc_event_property *properties; /* Of the account, by name. */
};

struct rc_entity_page {
    uint32_t row_count;
    const struct rc_entity_row *rows; /* By value. */
    bool more;
};

struct rc_entity_list;

/* Finds the entities. */
RC_MUST_USE enum rc_status
rc_entity_list_open(const struct rc_query_context *context,
                    const struct rc_entity_list_request *request,
                    struct rc_query_stats *ret_stats,
                    struct rc_entity_list **ret_list,
                    struct rc_error *reterr_error);

/* NULL is fine. */
void
rc_entity_list_close(struct rc_entity_list *list);

static inline void
rc_entity_list_closep(struct rc_entity_list **list)
{
    rc_entity_list_close(*list);
}

/* How many entities there are. */
uint64_t
rc_entity_list_count(const struct rc_entity_list *list);

/* At most page_rows (1 .. RC_PAGE_ROWS_MAX) of them behind a value; NULL: from the start. */
RC_MUST_USE enum rc_status
rc_entity_list_page(struct rc_entity_list *list,
                    const struct rc_value *after,
                    uint32_t page_rows,
                    struct rc_query_stats *stats,
                    struct rc_entity_page *ret_page,
                    struct rc_error *reterr_error);

/* ---- All of them ----------------------------------------------------------------------------- */

/* Counts the events of all of them; once, and before the first is asked for. An entity takes 24
 * bytes of the query's memory, and 32 more where its value is no text of slabs, whatever its
 * properties hold. */
RC_MUST_USE enum rc_status
rc_entity_list_count_all(struct rc_entity_list *list,
                         struct rc_query_stats *stats,
                         struct rc_error *reterr_error);

/* The next entity by value, whose value is borrowed until the next call, and whose properties come
 * from arena; *ret_more is false, and *ret_row untouched, when there is none. */
RC_MUST_USE enum rc_status
rc_entity_list_next(struct rc_entity_list *list,
                    struct rc_arena *arena,
                    struct rc_entity_row *ret_row,
                    bool *ret_more,
                    struct rc_error *reterr_error);

/* The names of the properties that a row may have, by bytes. */
uint32_t
rc_entity_list_property_count(const struct rc_entity_list *list);

struct rc_bytes
rc_entity_list_property(const struct rc_entity_list *list, uint32_t index);

#endif
