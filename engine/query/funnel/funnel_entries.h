/*
 * Funnel entries: events of a step (the first, mostly) that are looked up in the bitmaps of slabs
 * and not fed: the last one of a user before an event, the first behind one, and the first of all.
 *
 * Ownership: owns its scratch memory, charged to the query's account; borrows the plan.
 * Threading: one thread at a time; each lane has its own.
 * Errors:    RC_NO_MEMORY.
 */
#ifndef RC_QUERY_FUNNEL_FUNNEL_ENTRIES_H
#define RC_QUERY_FUNNEL_FUNNEL_ENTRIES_H

#include <stdbool.h>

#include "engine/base/cleanup.h"
#include "engine/query/walk/walk.h"

struct rc_funnel_entries;

/* plan: of the step's one stream, as rc_slab_rows_stream wants it. */
RC_MUST_USE enum rc_status
rc_funnel_entries_new(const struct rc_plan *plan, struct rc_funnel_entries **ret_entries);

struct rc_funnel_entries *
rc_funnel_entries_free(struct rc_funnel_entries *entries);

RC_DEFINE_CLEANUP(struct rc_funnel_entries *, rc_funnel_entries_free)

enum rc_funnel_found {
    RC_FUNNEL_NO_ENTRY,
    RC_FUNNEL_ENTRY,
    RC_FUNNEL_TIED, /* Which event it is hangs on ids: equal times. */
};

/* The user whose entries are asked for next; users ascend, or all is searched anew. */
void
rc_funnel_entries_of(struct rc_funnel_entries *entries, uint32_t user);

#define RC_FUNNEL_NO_ROW UINT32_MAX

/* The last entry before an event of the user, which is in a slab, at or behind from_ms; events
 * ascend in total order. first_row: the user's first in that slab, or RC_FUNNEL_NO_ROW: it is to be
 * found. The time that all of a user's calls take together is linear in its rows. */
RC_MUST_USE enum rc_status
rc_funnel_entries_before(struct rc_funnel_entries *entries,
                         const struct rc_hit *event,
                         uint32_t first_row,
                         int64_t from_ms,
                         enum rc_funnel_found *ret_found,
                         struct rc_hit *ret_entry);

/* The user's first entry. */
RC_MUST_USE enum rc_status
rc_funnel_entries_first(struct rc_funnel_entries *entries,
                        enum rc_funnel_found *ret_found,
                        struct rc_hit *ret_entry);

/* The user's first entry behind an event in a slab, where no two slabs have the same times. */
RC_MUST_USE enum rc_status
rc_funnel_entries_after(struct rc_funnel_entries *entries,
                        const struct rc_hit *event,
                        bool *ret_found,
                        struct rc_hit *ret_next);

/* Asks for the memory that the others will read of an event. */
void
rc_funnel_entries_soon(const struct rc_funnel_entries *entries, const struct rc_hit *event);

/* Whether all times of a slab (an index in the view) are behind one. */
bool
rc_funnel_entries_is_behind(const struct rc_funnel_entries *entries,
                            uint32_t slab,
                            int64_t time_ms);

/* The time of an event in a slab. */
int64_t
rc_funnel_entries_time_ms(const struct rc_funnel_entries *entries, const struct rc_hit *event);

/* Whether another row of the slab beside the event's has its time: mostly one of the same user. */
bool
rc_funnel_entries_has_twin(const struct rc_funnel_entries *entries, const struct rc_hit *event);

#endif
