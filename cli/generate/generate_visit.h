/*
 * Session: one visit under way, which writes its events one by one.
 *
 * What stays the same during a visit (browser, place, referrer, campaign) is written once, into a
 * fragment that each event copies. What changes is a small machine: the page, the cart, the steps
 * from a product to an order, and the sign-up.
 *
 * Ownership: plain memory of the caller; the vocabulary is borrowed by each call.
 * Threading: one thread at a time.
 * Units:     ms and cents.
 */
#ifndef RC_CLI_GENERATE_GENERATE_VISIT_H
#define RC_CLI_GENERATE_GENERATE_VISIT_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/generate/generate_plan.h"
#include "cli/generate/generate_random.h"
#include "cli/generate/generate_vocabulary.h"

/* Most bytes of one event line, of one line with user properties, and of the fragments. */
#define RC_EVENT_LINE_BYTES_MAX 4096
#define RC_USER_LINE_BYTES_MAX 512
#define RC_URL_BYTES_MAX 512
#define RC_FRAGMENT_BYTES_MAX 1536

enum rc_cart { RC_CART_EMPTY, RC_CART_FILLED, RC_CART_ORDERED };

struct rc_visit {
    struct rc_random random;
    uint64_t user_id;
    uint32_t user; /* Index in the plan. */
    uint32_t events_left;
    uint32_t depth; /* The next event is the session's event of this number, from 1. */
    uint32_t page;
    uint32_t cart_cents;
    enum rc_cart cart;
    bool has_page;                /* The first event of a session is a page view. */
    uint32_t url_size;            /* Of url, the current page's; 0 while there is none. */
    uint32_t fragment_size;       /* Of fragment. */
    uint32_t fragment_properties; /* How many properties the fragment has. */
    uint32_t campaign;            /* 1 + index, or 0. */
    char url[RC_URL_BYTES_MAX];
    char fragment[RC_FRAGMENT_BYTES_MAX];
};

/* Begins a session of a user; session_id is written into its fragment. */
void
rc_visit_begin(struct rc_visit *session,
               const struct rc_vocabulary *vocabulary,
               uint64_t seed,
               uint64_t session_ordinal,
               uint32_t user,
               uint32_t event_count);

/* What one event is, beside its line. */
struct rc_visit_event {
    char *end;
    uint32_t property_count;
    bool is_signup;
};

/* Writes the next event of the session as a line; at has room for RC_EVENT_LINE_BYTES_MAX. */
struct rc_visit_event
rc_visit_write(struct rc_visit *session,
               const struct rc_vocabulary *vocabulary,
               const struct rc_plan_user *plan_user,
               int64_t time_ms,
               uint64_t event_id,
               char *at);

/* Ms until the next event of the session: mostly seconds, never half an hour. */
int64_t
rc_visit_gap_ms(struct rc_visit *session);

#endif
