/*
 * Random numbers of the generator: a 64-bit counter and a strong mix, so a stream can be made for
 * any (seed, user) or (seed, session) without keeping one; and a keyed bijection over 53 bits, so
 * ids look random, never repeat, and need no table.
 *
 * Integers only: the same numbers on every machine.
 */
#ifndef RC_CLI_GENERATE_GENERATE_RANDOM_H
#define RC_CLI_GENERATE_GENERATE_RANDOM_H

#include <stdint.h>

struct rc_random {
    uint64_t state;
};

static inline uint64_t
rc_random_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

/* The stream number `stream` of kind `kind` (a small constant of the caller) under a seed. */
static inline struct rc_random
rc_random_of(uint64_t seed, uint64_t kind, uint64_t stream)
{
    const uint64_t key = rc_random_mix(seed + kind * 0x9e3779b97f4a7c15ULL);
    return (struct rc_random){rc_random_mix(key ^ (stream * 0xd1342543de82ef95ULL))};
}

static inline uint64_t
rc_random_next(struct rc_random *random)
{
    random->state += 0x9e3779b97f4a7c15ULL;
    return rc_random_mix(random->state);
}

/* In [0, limit); limit must not be 0. */
static inline uint32_t
rc_random_below(struct rc_random *random, uint32_t limit)
{
    return (uint32_t)(((rc_random_next(random) >> 32) * limit) >> 32);
}

/* In [low, high]. */
static inline uint32_t
rc_random_between(struct rc_random *random, uint32_t low, uint32_t high)
{
    return low + rc_random_below(random, high - low + 1);
}

/* A bijection of [0, 2^53): multiplying by an odd number and folding high bits down both are. */
static inline uint64_t
rc_random_id53(uint64_t key, uint64_t ordinal)
{
    const uint64_t mask = (UINT64_C(1) << 53) - 1;
    uint64_t x = (ordinal ^ key) & mask;
    x = (x * 0x9e3779b97f4a7c15ULL) & mask;
    x ^= x >> 27;
    x = (x * 0xbf58476d1ce4e5b9ULL) & mask;
    x ^= x >> 26;
    x = (x * 0x94d049bb133111ebULL) & mask;
    return x ^ (x >> 28);
}

#endif
