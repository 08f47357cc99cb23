/*
 * Event read: a hit as the whole event, for what shows events; and the total order of events.
 *
 * Ownership: what is read is copied into the arena: a reply may outlive the view.
 * Threading: a reader belongs to one thread; keys may be taken and compared by any.
 * Errors:    RC_NO_MEMORY.
 */
#ifndef RC_QUERY_LIST_EVENT_READ_H
#define RC_QUERY_LIST_EVENT_READ_H

#include "engine/query/query.h"
#include "engine/query/walk/walk.h"

/* What orders events: a hit's or a place's. */
struct rc_event_key {
    int64_t time_ms;
    struct rc_event_id id;
    struct rc_bytes user_id; /* As sent. */
};

/* Borrows from the view. */
struct rc_event_key
rc_event_key_of(struct rc_view *view, const struct rc_hit *hit);

int
rc_event_key_compare(const struct rc_event_key *a, const struct rc_event_key *b);

struct rc_named_property {
    struct rc_bytes name;
    uint32_t property;
};

/* The properties by the bytes of their names, which are copied. */
RC_MUST_USE enum rc_status
rc_property_names(const struct rc_properties *properties,
                  struct rc_arena *arena,
                  struct rc_named_property **ret_names,
                  uint32_t *ret_count);

RC_MUST_USE enum rc_status
rc_bytes_copy(struct rc_arena *arena, struct rc_bytes bytes, struct rc_bytes *ret_bytes);

/* Copies the texts of a value. */
RC_MUST_USE enum rc_status
rc_value_copy(struct rc_arena *arena, struct rc_value value, struct rc_value *ret_value);

struct rc_event_reader {
    struct rc_view *view;
    struct rc_arena *arena;
    struct rc_named_property *names; /* Of event properties, by name. */
    uint32_t name_count;
    struct rc_event_property *scratch; /* name_count of them. */
};

RC_MUST_USE enum rc_status
rc_event_reader_open(struct rc_view *view,
                     struct rc_arena *arena,
                     struct rc_event_reader *ret_reader);

/* All of the event but how many equal ones come before it: place.repeat is 0. */
RC_MUST_USE enum rc_status
rc_event_read(struct rc_event_reader *reader, const struct rc_hit *hit, struct rc_event *ret_event);

#endif
