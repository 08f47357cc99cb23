/*
 * Plan: who acts how often and when, decided before the first line is written.
 *
 * Users' event counts follow a power law that adds up to the archive exactly; each user's events
 * are cut into sessions; the sessions' beginnings are sorted by time. Which users sign up, and at
 * which of their events, is decided here too, so that the number of sign-ups is exact.
 *
 * Ownership: the plan owns its arrays. The generator advances the users' counters while it writes.
 * Threading: one thread at a time.
 * Units:     a user is an index in [0, user_count); beginnings in seconds from the archive's start.
 */
#ifndef RC_CLI_GENERATE_GENERATE_PLAN_H
#define RC_CLI_GENERATE_GENERATE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/generate/generate.h"
#include "engine/base/cleanup.h"
#include "engine/base/status.h"

struct rc_plan_user {
    uint32_t event_count;   /* All of the user's events. */
    uint32_t planned;       /* Events given to sessions that have begun. */
    uint32_t written;       /* Events written. */
    uint32_t sessions_left; /* Sessions that have not begun. */
    uint32_t signup_first;  /* The first sign-up is the user's event of this ordinal. */
    uint32_t signup_count;
};

struct rc_plan {
    struct rc_plan_user *users; /* Owned. */
    uint64_t *sessions;         /* Owned. Beginning in the high word, user in the low; ascending. */
    uint64_t session_count;
    uint64_t signup_count;
    uint32_t user_count;
};

RC_MUST_USE enum rc_status
rc_plan_new(const struct rc_generate_options *options,
            struct rc_plan **ret_plan,
            struct rc_error *reterr_error);

/* NULL is fine. Returns NULL. */
struct rc_plan *
rc_plan_free(struct rc_plan *plan);

RC_DEFINE_CLEANUP(struct rc_plan *, rc_plan_free)

/* Events of the session that begins now; the user's counters move on. At least 1. */
uint32_t
rc_plan_session_events(struct rc_plan_user *user, uint64_t random);

/* Whether the user's event of this ordinal is a sign-up. */
bool
rc_plan_is_signup(const struct rc_plan_user *user, uint32_t ordinal);

#endif
