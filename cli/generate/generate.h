/*
 * Generate: a deterministic archive of autocaptured web events, as NDJSON in the schema of ingest.
 *
 * Every figure of the product is measured on this archive, so it is as rich as real traffic:
 * sessions in bursts, page views with clicks, changes and submissions, about 21 properties and 650
 * bytes an event, users from one-time to 20,000 events, vocabularies by Zipf (2,000 paths, 5,000
 * element chains, 3,000 texts, 500 referrers, 800 cities), mostly new URLs, prices, and user
 * properties (plan, group, signup_date, email) when a user is first seen and when they change.
 * Exactly 0.03 % of the events (rounded to the nearest) are sign-ups: type submit, path /signup,
 * target_text "Sign up"; no other event has that text, and no other submit happens on that path.
 * Times ascend but for slight disorder: about 2 % of the events come seconds late, 0.1 % minutes to
 * hours late.
 *
 * The same options give the same bytes on every machine: all decisions are made in integers.
 *
 * Ownership: options and result are plain memory of the caller; the descriptor stays the caller's.
 * Threading: no shared state; one call runs in the calling thread.
 * Units:     times in UTC ms; days of 86,400 s.
 * Errors:    on any status but RC_OK a part of the archive may have been written.
 */
#ifndef RC_CLI_GENERATE_GENERATE_H
#define RC_CLI_GENERATE_GENERATE_H

#include <stdint.h>

#include "engine/base/status.h"

/* 2025-01-01T00:00:00Z, the first day of an archive unless the caller says otherwise. */
#define RC_GENERATE_START_MS INT64_C(1735689600000)
#define RC_GENERATE_DAYS 90
#define RC_GENERATE_DAYS_MAX 36500
#define RC_GENERATE_EVENTS_MAX UINT64_C(20000000000)
#define RC_GENERATE_USERS_MAX UINT32_C(400000000)
/* One user in so many events, unless the caller says otherwise. */
#define RC_GENERATE_EVENTS_PER_USER 50

struct rc_generate_options {
    uint64_t events;  /* Event lines to write. */
    uint64_t users;   /* 1 to events. Each has at least one event. */
    uint64_t seed;    /* Another seed, another archive over the same vocabularies. */
    int64_t start_ms; /* The first day's midnight. Not negative. */
    uint32_t days;    /* Sessions begin in [start, start + days). */
};

struct rc_generate_result {
    uint64_t events;
    uint64_t signups;        /* Of the events. */
    uint64_t user_writes;    /* Lines with user properties. */
    uint64_t sessions;       /* Bursts. */
    uint64_t property_count; /* Over all events, for the mean. */
    uint64_t bytes;
};

/* The usual archive of so many events: users, start and days as above. */
struct rc_generate_options
rc_generate_options_default(uint64_t events, uint64_t seed);

/*
 * Writes the whole archive to a descriptor, in blocks of about a megabyte. Takes about 1 byte of
 * memory an event and 24 a user.
 *
 *   RC_OK         all is written; *ret_result (NULL is fine) says what.
 *   RC_INVALID    an option is out of its bounds; nothing was written. The field is named.
 *   RC_NO_MEMORY  the plan of the archive found no memory.
 *   RC_IO         the descriptor refused a write (also a closed pipe).
 */
RC_MUST_USE enum rc_status
rc_generate(const struct rc_generate_options *options,
            int descriptor,
            struct rc_generate_result *ret_result,
            struct rc_error *reterr_error);

#endif
