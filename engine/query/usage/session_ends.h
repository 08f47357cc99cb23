/*
 * Session ends: sessions by the value of their first (or last) event, ranked, with Other.
 *
 * Ownership: opaque; owns its counts, charged to the account given; borrows the groups.
 * Threading: a lane has its own; rows are made by one thread when all lanes are done.
 * Errors:    RC_NO_MEMORY.
 */
#ifndef RC_QUERY_USAGE_SESSION_ENDS_H
#define RC_QUERY_USAGE_SESSION_ENDS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/query/split/groups.h"
#include "engine/query/usage/sessions.h"

struct rc_session_ends;

RC_MUST_USE enum rc_status
rc_session_ends_new(const struct rc_groups *groups,
                    struct rc_account *account,
                    struct rc_session_ends **ret_ends);

struct rc_session_ends *
rc_session_ends_free(struct rc_session_ends *ends);

RC_DEFINE_CLEANUP(struct rc_session_ends *, rc_session_ends_free)

/* Counts a session whose event has this set of groups. */
RC_MUST_USE enum rc_status
rc_session_ends_add(struct rc_session_ends *ends, uint32_t set, bool bounced);

/* Adds other to ends; other may then be freed. */
RC_MUST_USE enum rc_status
rc_session_ends_merge(struct rc_session_ends *ends, const struct rc_session_ends *other);

/* Which row a group is in; its number of values: Other. */
struct rc_session_ranking {
    const uint32_t *row_of;
    uint32_t row_count; /* With Other and the total. */
};

/* The rows: values by rank, Other where there are more, the total. From arena. */
RC_MUST_USE enum rc_status
rc_session_ends_rows(const struct rc_session_ends *ends,
                     uint32_t top_n,
                     struct rc_arena *arena,
                     const struct rc_session_end **ret_rows,
                     struct rc_session_ranking *ret_ranking);

#endif
