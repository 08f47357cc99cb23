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

#endif
