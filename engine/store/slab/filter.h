/*
 * Filter: which hashes a slab may hold.
 *
 * A Bloom filter in blocks of one cache line: a lookup touches one line, and a batch of lookups can
 * have its lines fetched ahead. No false negatives; false positives are below 1 in 1,000 at 16 bits
 * a key, and below 1 in 2,000 at 20.
 *
 * Ownership: functions over words of the caller; words are a multiple of a block.
 * Threading: adding is one thread's. Asking a finished filter is anyone's.
 * Units:     sizes in bytes, a multiple of RC_FILTER_BLOCK_BYTES; 0 is the filter of no keys.
 * Format:    part of the slab's format: block and bits of a hash never change for a version.
 */
#ifndef RC_STORE_SLAB_FILTER_H
#define RC_STORE_SLAB_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#define RC_FILTER_BLOCK_BYTES 64u

/* The size for this many keys of so many bits: these, rounded up to a block. */
uint64_t
rc_filter_size_bytes(uint64_t key_count, uint32_t bits_a_key);

/* size_bytes must not be 0 where there are hashes. */
void
rc_filter_add_many(uint64_t *words,
                   uint64_t size_bytes,
                   const uint64_t *hashes,
                   uint32_t hash_count);

bool
rc_filter_may_hold(const uint64_t *words, uint64_t size_bytes, uint64_t hash);

/* ret_may[i] is 1 or 0 for hashes[i]. */
void
rc_filter_may_hold_many(const uint64_t *words,
                        uint64_t size_bytes,
                        const uint64_t *hashes,
                        uint32_t hash_count,
                        uint8_t *ret_may);

#endif
