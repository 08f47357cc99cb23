/*
 * Cold cache: what of the slabs that live on disk only is in memory just now.
 *
 * A cold slab keeps its header, its directory, its filter and its users in memory, which is what
 * says where to look for an event. Times, ids and columns are read when somebody needs them
 * (rc_slab_use, rc_slab_column), stay while somebody uses the slab, and are given back, the longest
 * unused first, when all of them take more than the cache may.
 *
 * Ownership: opaque; outlives its slabs.
 * Threading: any thread.
 * Units:     bytes. What is in memory is charged to the account that a slab was opened with.
 * Errors:    as stated.
 */
#ifndef RC_STORE_COLD_COLD_CACHE_H
#define RC_STORE_COLD_COLD_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/base/cleanup.h"
#include "engine/base/file.h"
#include "engine/base/status.h"
#include "engine/store/slab/slab.h"

struct rc_cold_cache;

/* bytes_max bounds what is kept of slabs that nobody uses; what is in use may pass it. */
RC_MUST_USE enum rc_status
rc_cold_cache_new(uint64_t bytes_max, struct rc_cold_cache **ret_cache);

/* Every slab must be gone. NULL is fine. Returns NULL. */
struct rc_cold_cache *
rc_cold_cache_free(struct rc_cold_cache *cache);

RC_DEFINE_CLEANUP(struct rc_cold_cache *, rc_cold_cache_free)

/* Gives memory of slabs of an account (NULL: of any) that nobody uses back, the longest unused
 * first, until it is at least bytes; returns how much it was. */
uint64_t
rc_cold_cache_shrink(struct rc_cold_cache *cache, const struct rc_account *account, uint64_t bytes);

struct rc_cold_stats {
    uint64_t slabs;
    uint64_t bytes;      /* In memory now, headers, filters and users left out. */
    uint64_t reads;      /* Pieces that were read since the cache was made. */
    uint64_t read_bytes; /* Of them. */
    uint64_t failures;   /* Pieces that could not be read or were damaged. */
};

void
rc_cold_cache_get_stats(struct rc_cold_cache *cache, struct rc_cold_stats *ret_stats);

/*
 * A stored slab as a cold one: reads and verifies its header, directory, filter and users. The file
 * stays open, so that it can be read although it was replaced and removed meanwhile. account is
 * charged for what is in memory. RC_CORRUPT, RC_IO, RC_NOT_FOUND  name the file.
 */
RC_MUST_USE enum rc_status
rc_slab_open_cold(struct rc_cold_cache *cache,
                  struct rc_disk *disk,
                  const char *path,
                  struct rc_account *account,
                  struct rc_slab **ret_slab,
                  struct rc_error *reterr_error);

#endif
