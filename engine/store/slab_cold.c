/*
 * Cold slab: the pages of a whole slab are reserved, but only those parts (sections, columns) that
 * somebody needed were read into their place. So everything that reads a slab finds it where it
 * always is, and knows nothing of this; format and checksums are those of the file.
 *
 * Why not a mapping: a page that cannot be read would be a signal for the process; here it is a
 * status for who asked. And memory that is asked for by parts can be counted and given back.
 *
 * A part is read under the slab's lock, into pages that nobody looks at before it is marked as
 * loaded, which is after its checksum was found right. Parts are dropped all at once, and only
 * while nobody uses the slab: uses is -1 for as long as that takes. What cannot be read is tried
 * again by the next use; until then every further need fails at once, so that a query over a broken
 * disk ends soon.
 *
 * Lock order: a slab's before the cache's.
 */
#include "engine/store/slab_cold.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/checksum.h"
#include "engine/base/limits.h"
#include "engine/base/pages.h"
#include "engine/store/cold_cache.h"
#include "engine/store/slab_layout.h"

/* Read and summed in pieces that stay in the processor's cache in between. */
#define PIECE_BYTES ((size_t)256 << 10)

struct part {
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
    struct part parts[]; /* Sections in the order of the table, then columns. */
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

/* ---- the cache ---- */

enum rc_status
rc_cold_cache_new(uint64_t bytes_max, struct rc_cold_cache **ret_cache)
{
    struct rc_cold_cache *cache = rc_alloc_zero(sizeof(*cache));
    if (cache == NULL)
        return RC_NO_MEMORY;
    cache->bytes_max = bytes_max;
    pthread_mutex_init(&cache->lock, NULL);
    *ret_cache = cache;
    return RC_OK;
}

struct rc_cold_cache *
rc_cold_cache_free(struct rc_cold_cache *cache)
{
    if (cache == NULL)
        return NULL;
    RC_ASSERT(cache->first == NULL && atomic_load(&cache->bytes) == 0);
    pthread_mutex_destroy(&cache->lock);
    return rc_alloc_free(cache);
}

/* Gives all parts of a slab that nobody uses back. */
static uint64_t
drop_parts(struct rc_cold *cold)
{
    for (uint32_t i = 0; i < cold->part_count; i++) {
        struct part *part = &cold->parts[i];
        if (!atomic_load_explicit(&part->loaded, memory_order_relaxed))
            continue;
        atomic_store_explicit(&part->loaded, false, memory_order_relaxed);
        rc_pages_drop(cold->pages, part->offset, part->size);
    }
    const uint64_t bytes = atomic_exchange(&cold->loaded_bytes, 0);
    rc_account_release(cold->account, bytes);
    atomic_fetch_sub(&cold->cache->bytes, bytes);
    return bytes;
}

/* The one that was unused for longest, or NULL. */
static struct rc_cold *
find_oldest(struct rc_cold_cache *cache, const struct rc_account *account)
{
    struct rc_cold *oldest = NULL;
    for (struct rc_cold *at = cache->first; at != NULL; at = at->next) {
        if ((account != NULL && at->account != account) || atomic_load(&at->uses) != 0 ||
            atomic_load(&at->loaded_bytes) == 0)
            continue;
        if (oldest == NULL || atomic_load(&at->used_at) < atomic_load(&oldest->used_at))
            oldest = at;
    }
    return oldest;
}

uint64_t
rc_cold_cache_shrink(struct rc_cold_cache *cache, const struct rc_account *account, uint64_t bytes)
{
    uint64_t freed = 0;
    pthread_mutex_lock(&cache->lock);
    while (freed < bytes) {
        struct rc_cold *oldest = find_oldest(cache, account);
        int32_t unused = 0;
        if (oldest == NULL)
            break;
        if (!atomic_compare_exchange_strong(&oldest->uses, &unused, -1))
            continue; /* Somebody was quicker. */
        freed += drop_parts(oldest);
        atomic_store(&oldest->uses, 0);
    }
    pthread_mutex_unlock(&cache->lock);
    return freed;
}

static void
keep_bound(struct rc_cold_cache *cache)
{
    const uint64_t bytes = atomic_load(&cache->bytes);
    if (bytes > cache->bytes_max)
        (void)rc_cold_cache_shrink(cache, NULL, bytes - cache->bytes_max);
}

void
rc_cold_cache_get_stats(struct rc_cold_cache *cache, struct rc_cold_stats *ret_stats)
{
    pthread_mutex_lock(&cache->lock);
    const uint64_t slabs = cache->slab_count;
    pthread_mutex_unlock(&cache->lock);
    *ret_stats = (struct rc_cold_stats){
        .slabs = slabs,
        .bytes = atomic_load(&cache->bytes),
        .reads = atomic_load(&cache->reads),
        .read_bytes = atomic_load(&cache->read_bytes),
        .failures = atomic_load(&cache->failures),
    };
}

/* ---- reading ---- */

/* Says what went wrong with the file. What the system refused may succeed another time. */
static enum rc_status
read_failed(struct rc_cold *cold, enum rc_status status, const char *why, struct rc_error *error)
{
    return rc_error_set(error, status == RC_IO ? RC_UNAVAILABLE : status,
                        "a slab on disk cannot be read: %s: %.160s", cold->path, why);
}

/* Reads bytes of the file into their place. */
static enum rc_status
read_bytes(struct rc_cold *cold,
           uint64_t offset,
           size_t size,
           uint32_t crc32c,
           struct rc_error *error)
{
    struct rc_error cause;
    uint32_t sum = 0;
    rc_pages_expect(cold->pages, offset, size);
    for (size_t done = 0; done < size;) {
        const size_t piece = size - done < PIECE_BYTES ? size - done : PIECE_BYTES;
        char *place = cold->pages + offset + done;
        size_t got = 0;
        const enum rc_status status =
            rc_file_read_at(cold->file, place, piece, offset + done, &got, &cause);
        if (status != RC_OK)
            return read_failed(cold, status, cause.message, error);
        if (got < piece)
            return read_failed(cold, RC_CORRUPT, "the file is too short", error);
        sum = rc_crc32c_extend(sum, place, piece);
        done += piece;
    }
    return sum == crc32c ? RC_OK
                         : read_failed(cold, RC_CORRUPT, "a checksum of its content is off", error);
}

/* Whether what was read of a column fits in with the rest. */
static enum rc_status
check_part(struct rc_cold *cold, const struct part *part, struct rc_error *error)
{
    const uint32_t index = (uint32_t)(part - cold->parts);
    struct rc_error cause;
    if (index < RC_SLAB_SECTION_COUNT)
        return RC_OK;
    if (rc_slab_layout_check_column(cold->pages, index - RC_SLAB_SECTION_COUNT, &cause) == RC_OK)
        return RC_OK;
    return read_failed(cold, RC_CORRUPT, cause.message, error);
}

/* With the slab's lock held. */
static enum rc_status
load_locked(struct rc_cold *cold, struct part *part, struct rc_error *error)
{
    if (!rc_account_charge(cold->account, part->size))
        return rc_error_set(error, RC_LIMIT_EXCEEDED, "no memory to read a slab of %s", cold->path);
    enum rc_status status = read_bytes(cold, part->offset, part->size, part->crc32c, error);
    if (status == RC_OK)
        status = check_part(cold, part, error);
    if (status != RC_OK) {
        rc_pages_drop(cold->pages, part->offset, part->size);
        rc_account_release(cold->account, part->size);
        return status;
    }
    atomic_fetch_add(&cold->loaded_bytes, part->size);
    atomic_fetch_add(&cold->cache->bytes, part->size);
    atomic_fetch_add(&cold->cache->reads, 1);
    atomic_fetch_add(&cold->cache->read_bytes, part->size);
    atomic_store_explicit(&part->loaded, true, memory_order_release);
    return RC_OK;
}

static inline bool
is_loaded(const struct part *part)
{
    return part->size == 0 || atomic_load_explicit(&part->loaded, memory_order_acquire);
}

static enum rc_status
load(struct rc_cold *cold, struct part *part)
{
    RC_ASSERT(atomic_load_explicit(&cold->uses, memory_order_relaxed) > 0);
    if (is_loaded(part))
        return RC_OK;
    pthread_mutex_lock(&cold->lock);
    enum rc_status status = RC_OK;
    if (!is_loaded(part)) {
        struct rc_error error;
        status = atomic_load(&cold->broken) ? cold->error.status : load_locked(cold, part, &error);
        if (status != RC_OK && !atomic_load(&cold->broken)) {
            cold->error = error;
            atomic_store(&cold->broken, true);
            atomic_fetch_add(&cold->cache->failures, 1);
        }
        if (status != RC_OK)
            atomic_fetch_add(&cold->failures, 1);
    }
    pthread_mutex_unlock(&cold->lock);
    if (status == RC_OK)
        keep_bound(cold->cache);
    return status;
}

/* The sections of each enum rc_slab_part. */
static const struct {
    uint32_t part;
    enum rc_slab_section_kind kind;
} sections_of_parts[] = {
    {RC_SLAB_PART_USERS, RC_SLAB_USERS},   {RC_SLAB_PART_USERS, RC_SLAB_STARTS},
    {RC_SLAB_PART_TIMES, RC_SLAB_TIMES},   {RC_SLAB_PART_IDS, RC_SLAB_IDS},
    {RC_SLAB_PART_IDS, RC_SLAB_TEXT_BITS}, {RC_SLAB_PART_IDS, RC_SLAB_DERIVED_BITS},
    {RC_SLAB_PART_IDS, RC_SLAB_TEXT_ENDS}, {RC_SLAB_PART_IDS, RC_SLAB_TEXT},
};

static enum rc_status
load_parts(struct rc_cold *cold, uint32_t parts)
{
    for (size_t i = 0; i < sizeof(sections_of_parts) / sizeof(sections_of_parts[0]); i++)
        if ((parts & sections_of_parts[i].part) != 0)
            RC_TRY(load(cold, &cold->parts[sections_of_parts[i].kind - 1]));
    if ((parts & RC_SLAB_PART_COLUMNS) != 0)
        for (uint32_t i = RC_SLAB_SECTION_COUNT; i < cold->part_count; i++)
            RC_TRY(load(cold, &cold->parts[i]));
    return RC_OK;
}

/* Holds the parts that are loaded; waits while they are being dropped. */
static void
hold(struct rc_cold *cold)
{
    int32_t uses = atomic_load(&cold->uses);
    for (;;) {
        if (uses < 0) {
            pthread_mutex_lock(&cold->cache->lock);
            pthread_mutex_unlock(&cold->cache->lock);
            uses = atomic_load(&cold->uses);
        } else if (atomic_compare_exchange_weak(&cold->uses, &uses, uses + 1)) {
            return;
        }
    }
}

enum rc_status
rc_cold_use(struct rc_cold *cold, uint32_t parts, struct rc_error *reterr_error)
{
    hold(cold);
    atomic_store(&cold->broken, false);
    const enum rc_status status = load_parts(cold, parts);
    if (status == RC_OK)
        return RC_OK;
    const enum rc_status said = rc_cold_error(cold, reterr_error);
    RC_ASSERT(said != RC_OK);
    rc_cold_unuse(cold);
    return status;
}

void
rc_cold_unuse(struct rc_cold *cold)
{
    atomic_store(&cold->used_at, atomic_fetch_add(&cold->cache->clock, 1));
    const int32_t before = atomic_fetch_sub(&cold->uses, 1);
    RC_ASSERT(before > 0);
    if (before == 1)
        keep_bound(cold->cache);
}

uint32_t
rc_cold_failures(const struct rc_cold *cold)
{
    return atomic_load(&cold->failures);
}

enum rc_status
rc_cold_error(struct rc_cold *cold, struct rc_error *reterr_error)
{
    pthread_mutex_lock(&cold->lock);
    const enum rc_status status = cold->error.status;
    if (reterr_error != NULL)
        *reterr_error = cold->error;
    pthread_mutex_unlock(&cold->lock);
    return status;
}

uint64_t
rc_cold_memory_bytes(const struct rc_cold *cold)
{
    return cold->kept_bytes + atomic_load(&cold->loaded_bytes);
}

const struct rc_slab_section *
rc_cold_section(const struct rc_cold *cold, enum rc_slab_section_kind kind)
{
    return &((const struct rc_slab_header *)(void *)cold->pages)->sections[kind - 1];
}

struct rc_cold_ids *
rc_cold_get_ids(struct rc_cold *cold)
{
    return cold->ids;
}

enum rc_status
rc_cold_read(struct rc_cold *cold,
             enum rc_slab_section_kind kind,
             uint64_t offset,
             size_t size,
             void *out,
             bool *ret_loaded,
             struct rc_error *reterr_error)
{
    const struct rc_slab_section *section = rc_cold_section(cold, kind);
    struct rc_error cause;
    size_t got = 0;
    RC_ASSERT(atomic_load_explicit(&cold->uses, memory_order_relaxed) > 0);
    RC_ASSERT(offset <= section->size && size <= section->size - offset);
    *ret_loaded = is_loaded(&cold->parts[kind - 1]);
    if (*ret_loaded) {
        memcpy(out, cold->pages + section->offset + offset, size);
        return RC_OK;
    }
    const enum rc_status status =
        rc_file_read_at(cold->file, out, size, section->offset + offset, &got, &cause);
    atomic_fetch_add(&cold->cache->reads, 1);
    atomic_fetch_add(&cold->cache->read_bytes, got);
    if (status == RC_OK && got == size)
        return RC_OK;
    atomic_fetch_add(&cold->cache->failures, 1);
    return status != RC_OK ? read_failed(cold, status, cause.message, reterr_error)
                           : read_failed(cold, RC_CORRUPT, "the file is too short", reterr_error);
}

enum rc_status
rc_cold_damaged(struct rc_cold *cold, struct rc_error *reterr_error)
{
    atomic_fetch_add(&cold->cache->failures, 1);
    return read_failed(cold, RC_CORRUPT, "a checksum of its content is off", reterr_error);
}

bool
rc_cold_has(const struct rc_cold *cold, enum rc_slab_section_kind kind)
{
    return is_loaded(&cold->parts[kind - 1]);
}

bool
rc_cold_need_ids(struct rc_cold *cold)
{
    return load_parts(cold, RC_SLAB_PART_IDS) == RC_OK;
}

bool
rc_cold_need_column(struct rc_cold *cold, uint32_t index)
{
    return load(cold, &cold->parts[RC_SLAB_SECTION_COUNT + index]) == RC_OK;
}

/* ---- opening and closing ---- */

void
rc_cold_free(struct rc_cold *cold)
{
    if (cold == NULL)
        return;
    struct rc_cold_cache *cache = cold->cache;
    RC_ASSERT(atomic_load(&cold->uses) == 0);
    pthread_mutex_lock(&cache->lock);
    const bool listed = cold->before != NULL || cache->first == cold;
    if (listed) {
        drop_parts(cold);
        if (cold->next != NULL)
            cold->next->before = cold->before;
        *(cold->before != NULL ? &cold->before->next : &cache->first) = cold->next;
        cache->slab_count--;
    }
    pthread_mutex_unlock(&cache->lock);
    rc_account_release(cold->account, cold->kept_bytes);
    rc_cold_ids_free(cold->ids);
    rc_pages_free(cold->pages, cold->size);
    rc_file_close(cold->file);
    pthread_mutex_destroy(&cold->lock);
    rc_alloc_free(cold);
}

static void
rc_cold_freep(struct rc_cold **cold)
{
    rc_cold_free(*cold);
}

static void
enter_list(struct rc_cold *cold)
{
    struct rc_cold_cache *cache = cold->cache;
    pthread_mutex_lock(&cache->lock);
    cold->next = cache->first;
    if (cold->next != NULL)
        cold->next->before = cold;
    cache->first = cold;
    cache->slab_count++;
    pthread_mutex_unlock(&cache->lock);
}

/* What of a slab stays in memory: what says where to look for an event. */
static const enum rc_slab_section_kind kept_kinds[] = {RC_SLAB_DIRECTORY, RC_SLAB_FILTER,
                                                       RC_SLAB_USERS, RC_SLAB_STARTS};
#define KEPT_COUNT (sizeof(kept_kinds) / sizeof(kept_kinds[0]))

/* Reads what stays in memory, only if it can lie where the header says. */
static enum rc_status
read_kept(struct rc_cold *cold, struct rc_error *reterr_error)
{
    const struct rc_slab_header *header = (const struct rc_slab_header *)(void *)cold->pages;
    struct rc_error cause;
    if (header->size != cold->size || header->crc32c != rc_slab_header_crc32c(header))
        return read_failed(cold, RC_CORRUPT, "its header is damaged", reterr_error);
    for (size_t i = 0; i < KEPT_COUNT; i++) {
        const struct rc_slab_section *kept = rc_cold_section(cold, kept_kinds[i]);
        if (kept->offset > cold->size || kept->size > cold->size - kept->offset)
            return read_failed(cold, RC_CORRUPT, "its header is damaged", reterr_error);
        if (kept->size > 0)
            RC_TRY(read_bytes(cold, kept->offset, kept->size, kept->crc32c, reterr_error));
    }
    if (rc_slab_layout_check_frame(cold->pages, cold->size, &cause) != RC_OK)
        return read_failed(cold, RC_CORRUPT, cause.message, reterr_error);
    return RC_OK;
}

static void
list_parts(struct rc_cold *cold)
{
    const struct rc_slab_header *header = (const struct rc_slab_header *)(void *)cold->pages;
    const struct rc_slab_section *directory = &header->sections[RC_SLAB_DIRECTORY - 1];
    const struct rc_slab_column *columns =
        (const struct rc_slab_column *)(const void *)(cold->pages + directory->offset);
    for (uint32_t i = 0; i < RC_SLAB_SECTION_COUNT; i++) {
        const struct rc_slab_section *section = &header->sections[i];
        bool kept = false; /* Then it is no part that could be dropped. */
        for (size_t k = 0; k < KEPT_COUNT; k++)
            kept = kept || section->kind == kept_kinds[k];
        cold->parts[i] = (struct part){
            .offset = section->offset, .size = kept ? 0 : section->size, .crc32c = section->crc32c};
    }
    for (uint32_t i = 0; i < header->column_count; i++)
        cold->parts[RC_SLAB_SECTION_COUNT + i] = (struct part){
            .offset = columns[i].offset, .size = columns[i].size, .crc32c = columns[i].crc32c};
}

/* A cold slab with nothing but its file and its header, of which only the count of columns was
 * looked at. */
static enum rc_status
open_file(struct rc_cold_cache *cache,
          struct rc_disk *disk,
          const char *path,
          struct rc_account *account,
          struct rc_cold **ret_cold,
          struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_file_closep) struct rc_file *file = NULL;
    struct rc_slab_header header;
    uint64_t size = 0;
    size_t got = 0;
    RC_TRY(rc_file_open(disk, path, RC_FILE_READ, &file, reterr_error));
    RC_TRY(rc_file_size(file, &size, reterr_error));
    RC_TRY(rc_file_read_at(file, &header, sizeof(header), 0, &got, reterr_error));
    if (got < sizeof(header) || header.column_count > RC_PROPERTIES_MAX)
        return rc_error_set(reterr_error, RC_CORRUPT, "%s is not a slab", path);
    const uint32_t parts = RC_SLAB_SECTION_COUNT + header.column_count;
    struct rc_cold *cold = rc_alloc_in(account, sizeof(*cold) + parts * sizeof(struct part));
    if (cold == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to open a slab");
    memset(cold, 0, sizeof(*cold) + parts * sizeof(struct part));
    cold->cache = cache;
    cold->account = account;
    cold->file = RC_TAKE(file);
    cold->size = size;
    cold->part_count = parts;
    pthread_mutex_init(&cold->lock, NULL);
    const size_t length = strlen(path);
    const size_t skip = length < sizeof(cold->path) ? 0 : length - sizeof(cold->path) + 1;
    memcpy(cold->path, path + skip, length - skip + 1);
    cold->pages = rc_pages_reserve(size);
    if (cold->pages == NULL || rc_cold_ids_new(account, &cold->ids) != RC_OK) {
        rc_cold_free(cold);
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to open a slab");
    }
    memcpy(cold->pages, &header, sizeof(header));
    *ret_cold = cold;
    return RC_OK;
}

enum rc_status
rc_slab_open_cold(struct rc_cold_cache *cache,
                  struct rc_disk *disk,
                  const char *path,
                  struct rc_account *account,
                  struct rc_slab **ret_slab,
                  struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_cold_freep) struct rc_cold *cold = NULL;
    RC_TRY(open_file(cache, disk, path, account, &cold, reterr_error));
    RC_TRY(read_kept(cold, reterr_error));
    uint64_t kept_bytes = sizeof(struct rc_slab_header);
    for (size_t i = 0; i < KEPT_COUNT; i++)
        kept_bytes += rc_cold_section(cold, kept_kinds[i])->size;
    if (!rc_account_charge(account, kept_bytes))
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to open a slab");
    cold->kept_bytes = kept_bytes;
    list_parts(cold);
    struct rc_slab *slab = rc_slab_over_cold(cold, cold->pages);
    if (slab == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to open a slab");
    enter_list(RC_TAKE(cold));
    *ret_slab = slab;
    return RC_OK;
}
