/*
 * Person properties: the properties of persons at a moment, person by person.
 *
 * Those that are stored, and the derived ones that are asked for by name.
 *
 * Ownership: a reader and its names are in the context's arena and borrow from its view; it is to
 *            be closed. What is read is copied into the arena that is given: a reply may outlive
 *            the view.
 * Threading: called by one thread.
 * Errors:    RC_NO_MEMORY; of derived ones those of row_deriver.h.
 */
#ifndef RC_QUERY_LIST_PERSON_PROPERTIES_H
#define RC_QUERY_LIST_PERSON_PROPERTIES_H

#include "engine/query/list/row_deriver.h"
#include "engine/query/query.h"

struct rc_person_property {
    struct rc_bytes name;
    const struct rc_dictionary *values;
    const rc_cell *cells;           /* By person. */
    struct rc_row_deriver *deriver; /* NULL: it is stored, and read from the cells. */
};

struct rc_person_properties {
    uint32_t count;
    struct rc_person_property *list; /* By the bytes of their names. */
    uint32_t source_count;
    struct rc_person_property *sources; /* What the derived ones begin with. */
};

/* The properties of these names that there are, derived ones among them; name_count 0: all that are
 * stored. */
RC_MUST_USE enum rc_status
rc_person_properties_open(const struct rc_query_context *context,
                          int64_t as_of_ms,
                          const struct rc_bytes *names,
                          uint32_t name_count,
                          struct rc_person_properties *ret_properties,
                          struct rc_error *reterr_error);

/* For RC_CLEANUP on the struct itself; a zeroed one may be closed. */
void
rc_person_properties_close(struct rc_person_properties *properties);

/* Those that a person has. */
RC_MUST_USE enum rc_status
rc_person_properties_read(const struct rc_person_properties *properties,
                          uint32_t person,
                          struct rc_arena *arena,
                          const struct rc_event_property **ret_list,
                          uint32_t *ret_count);

#endif
