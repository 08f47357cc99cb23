/*
 * Session figures: adds sessions up, bucket by bucket and for the range.
 *
 * Ownership: opaque; owns its arrays, charged to the account given.
 * Threading: a lane has its own; figures are made by one thread when all lanes are done.
 * Errors:    RC_NO_MEMORY.
 */
#ifndef RC_QUERY_USAGE_SESSION_FIGURES_H
#define RC_QUERY_USAGE_SESSION_FIGURES_H

#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/query/usage/sessions.h"

struct rc_session_figures;

/* place_count: buckets. */
RC_MUST_USE enum rc_status
rc_session_figures_new(uint32_t place_count,
                       struct rc_account *account,
                       struct rc_session_figures **ret_figures);

struct rc_session_figures *
rc_session_figures_free(struct rc_session_figures *figures);

RC_DEFINE_CLEANUP(struct rc_session_figures *, rc_session_figures_free)

/* A session of event_count events in a bucket. A person's sessions come one after the other, by
 * bucket. */
RC_MUST_USE enum rc_status
rc_session_figures_add(struct rc_session_figures *figures,
                       uint32_t person,
                       uint32_t place,
                       uint32_t event_count,
                       int64_t length_ms);

/* The sums over lanes: one for each bucket, and for the range. From arena. */
RC_MUST_USE enum rc_status
rc_session_figures_sum(struct rc_session_figures *const *lanes,
                       uint32_t lane_count,
                       struct rc_arena *arena,
                       struct rc_sessions_figures **ret_places,
                       struct rc_sessions_figures *ret_total);

#endif
