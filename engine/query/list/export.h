/*
 * Export: everything that a project holds of one user (all ids that are joined), one item after the
 * other: aliases, property writes in the order of their arrival, events in total order.
 *
 * Ownership: an export borrows the query's context, which must outlive it, and owns its list of
 *            events, charged to the context's account. Items are borrowed until the next call.
 * Threading: one thread at a time.
 * Errors:    RC_NO_MEMORY, RC_LIMIT_EXCEEDED: the list of events does not fit the query's memory;
 *            RC_CANCELLED.
 */
#ifndef RC_QUERY_LIST_EXPORT_H
#define RC_QUERY_LIST_EXPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/query/query.h"
#include "engine/store/users/people.h"

struct rc_export;

enum rc_export_kind {
    RC_EXPORT_ALIAS, /* user and other are one. */
    RC_EXPORT_WRITE, /* properties[0] of user was written at time_ms; null: removed. */
    RC_EXPORT_EVENT,
};

struct rc_export_item {
    enum rc_export_kind kind;
    struct rc_bytes user; /* As sent. */
    struct rc_bytes other;
    int64_t time_ms;
    struct rc_bytes event_id; /* "~" and 16 hexadecimal digits for one that was derived. */
    uint32_t repeat; /* How many events before it are equal in time, id and user: without an id. */
    uint32_t property_count;
    const struct rc_event_property *properties;
};

/* RC_NOT_FOUND: no such user. */
RC_MUST_USE enum rc_status
rc_export_open(const struct rc_query_context *context,
               struct rc_bytes user_id,
               struct rc_export **ret_export,
               struct rc_error *reterr_error);

/* NULL is fine. Returns NULL. */
struct rc_export *
rc_export_close(struct rc_export *export_);

RC_DEFINE_CLEANUP(struct rc_export *, rc_export_close)

/* The next item; *ret_more is false, and *ret_item untouched, when there is none. Texts may come
 * from arena. */
RC_MUST_USE enum rc_status
rc_export_next(struct rc_export *export_,
               struct rc_arena *arena,
               struct rc_export_item *ret_item,
               bool *ret_more,
               struct rc_error *reterr_error);

#endif
