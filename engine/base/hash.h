/*
 * Hash: XXH3, 64 bits. Stored filters depend on it, so it is part of the slab's format and never
 * changes for a format version.
 */
#ifndef RC_BASE_HASH_H
#define RC_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t
rc_hash(const void *data, size_t size);

uint64_t
rc_hash_seeded(const void *data, size_t size, uint64_t seed);

/* A strong mix of one word (for integer keys); a bijection. */
static inline uint64_t
rc_hash_u64(uint64_t x)
{
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93ULL;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93ULL;
    x ^= x >> 32;
    return x;
}

#endif
