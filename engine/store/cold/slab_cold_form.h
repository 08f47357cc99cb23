/*
 * Cold slab, its form: the structs behind cold_cache.h, for cold_cache.c, slab_cold.c and
 * slab_cold_open.c alone.
 *
 * Lock order: a slab's before the cache's.
 */
#ifndef RC_STORE_COLD_SLAB_COLD_FORM_H
#define RC_STORE_COLD_SLAB_COLD_FORM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/store/cold/cold_cache.h"
#include "engine/store/cold/slab_cold.h"

/* A section or a column. */
struct rc_cold_part {
    uint64_t offset;
    uint64_t size; /* 0: the slab has none. */
    uint32_t crc32c;
    _Atomic(bool) loaded;
};

struct rc_cold {
    struct rc_cold_cache *cache;
    struct rc_account *account;
    struct rc_file *file;
    char *pages;
    size_t size;
    uint64_t kept_bytes; /* Charged: header, directory, filter, users. */
    struct rc_cold_ids *ids;
    _Atomic(int32_t) uses;
    _Atomic(uint64_t) used_at;      /* By the cache's clock of uses. */
    _Atomic(uint64_t) loaded_bytes; /* Charged: the loaded parts. */
    _Atomic(uint32_t) failures;
    _Atomic(bool) broken; /* The last read failed, and nobody has begun to use the slab since. */
    pthread_mutex_t lock; /* Held while a part is read; guards error. */
    struct rc_error error;
    struct rc_cold *next; /* The cache's list. */
    struct rc_cold *before;
    char path[RC_ERROR_MESSAGE_BYTES / 2]; /* Its end, for messages. */
    uint32_t part_count;
    struct rc_cold_part parts[]; /* Sections in the order of the table, then columns. */
};

struct rc_cold_cache {
    uint64_t bytes_max;
    _Atomic(uint64_t) bytes;
    _Atomic(uint64_t) clock;
    _Atomic(uint64_t) reads;
    _Atomic(uint64_t) read_bytes;
    _Atomic(uint64_t) failures;
    pthread_mutex_t lock; /* Guards the list; held while memory is given back. */
    struct rc_cold *first;
    uint64_t slab_count;
};

/* Says what went wrong with the file. What the system refused may succeed another time. */
enum rc_status
rc_cold_failed(const struct rc_cold *cold,
               enum rc_status status,
               const char *why,
               struct rc_error *reterr_error);

/* Reads bytes of the file into their place, and holds them against their checksum. */
RC_MUST_USE enum rc_status
rc_cold_read_into_place(struct rc_cold *cold,
                        uint64_t offset,
                        size_t size,
                        uint32_t crc32c,
                        struct rc_error *reterr_error);

/* Enters a slab into its cache's list, and takes it out with all that is loaded of it. */
void
rc_cold_cache_enter(struct rc_cold *cold);

void
rc_cold_cache_leave(struct rc_cold *cold);

/* Gives back what the cache holds beyond its bound. */
void
rc_cold_cache_keep_bound(struct rc_cold_cache *cache);

#endif
