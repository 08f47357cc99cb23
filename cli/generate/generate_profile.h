/*
 * Profile: what is always true of one user, made anew from the seed whenever it is needed, so a
 * hundred million users take no memory.
 *
 * Ownership: plain memory.
 * Threading: no state.
 */
#ifndef RC_CLI_GENERATE_GENERATE_PROFILE_H
#define RC_CLI_GENERATE_GENERATE_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/generate/generate_vocabulary.h"

struct rc_profile {
    uint64_t user_id; /* 53 bits, unique under a seed. */
    uint32_t city;
    uint32_t devices[2]; /* Indexes for rc_device_write: the usual one and the other one. */
    uint32_t plan;       /* Index for rc_profile_write_plan, of users known before the archive. */
    uint32_t signup_days_before;
    char group; /* 'A' or 'B'. */
};

struct rc_profile
rc_profile_of(const struct rc_vocabulary *vocabulary, uint64_t seed, uint32_t user);

/* The user property lines. Each writes one line and returns its end. */

/* When a user is first seen. is_new: the user signs up within the archive, so has no date yet. */
char *
rc_profile_write_first(char *at,
                       const struct rc_profile *profile,
                       uint64_t seed,
                       uint32_t user,
                       bool is_new,
                       int64_t start_ms,
                       int64_t time_ms);

/* At a sign-up. */
char *
rc_profile_write_signup(char *at,
                        const struct rc_profile *profile,
                        uint64_t seed,
                        uint32_t user,
                        int64_t time_ms);

/* When a user changes plan; plan is any number. */
char *
rc_profile_write_plan(char *at, uint64_t user_id, uint64_t plan, int64_t time_ms);

/* The properties browser, browser_version, os, device, screen of a device: 5 members. */
char *
rc_device_write(char *at, uint32_t device);

#endif
