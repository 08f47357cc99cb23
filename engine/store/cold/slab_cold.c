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
 */
#include "engine/store/cold/slab_cold.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/checksum.h"
#include "engine/base/pages.h"
#include "engine/store/cold/slab_cold_form.h"
#include "engine/store/slab/slab_layout.h"

/* Read and summed in pieces that stay in the processor's cache in between. */
#define PIECE_BYTES ((size_t)256 << 10)

enum rc_status
rc_cold_failed(const struct rc_cold *cold,
               enum rc_status status,
               const char *why,
               struct rc_error *reterr_error)
{
    return rc_error_set(reterr_error, status == RC_IO ? RC_UNAVAILABLE : status,
                        "a slab on disk cannot be read: %s: %.160s", cold->path, why);
}

enum rc_status
rc_cold_read_into_place(struct rc_cold *cold,
                        uint64_t offset,
                        size_t size,
                        uint32_t crc32c,
                        struct rc_error *reterr_error)
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
            return rc_cold_failed(cold, status, cause.message, reterr_error);
        if (got < piece)
            return rc_cold_failed(cold, RC_CORRUPT, "the file is too short", reterr_error);
        sum = rc_crc32c_extend(sum, place, piece);
        done += piece;
    }
    return sum == crc32c
               ? RC_OK
               : rc_cold_failed(cold, RC_CORRUPT, "a checksum of its content is off", reterr_error);
}

/* Whether what was read of the ids or a column fits in with the rest. */
static enum rc_status
check_part(struct rc_cold *cold, const struct rc_cold_part *part, struct rc_error *error)
{
    const uint32_t index = (uint32_t)(part - cold->parts);
    struct rc_error cause;
    enum rc_status status = RC_OK;
    if (index == RC_SLAB_IDS - 1)
        status = rc_slab_layout_check_ids(cold->pages, &cause);
    else if (index >= RC_SLAB_SECTION_COUNT)
        status = rc_slab_layout_check_column(cold->pages, index - RC_SLAB_SECTION_COUNT, &cause);
    if (status == RC_OK)
        return RC_OK;
    return rc_cold_failed(cold, RC_CORRUPT, cause.message, error);
}

/* With the slab's lock held. */
static enum rc_status
load_locked(struct rc_cold *cold, struct rc_cold_part *part, struct rc_error *error)
{
    if (!rc_account_charge(cold->account, part->size))
        return rc_error_set(error, RC_LIMIT_EXCEEDED, "no memory to read a slab of %s", cold->path);
    enum rc_status status =
        rc_cold_read_into_place(cold, part->offset, part->size, part->crc32c, error);
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
is_loaded(const struct rc_cold_part *part)
{
    return part->size == 0 || atomic_load_explicit(&part->loaded, memory_order_acquire);
}

static enum rc_status
load(struct rc_cold *cold, struct rc_cold_part *part)
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
        rc_cold_cache_keep_bound(cold->cache);
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
        rc_cold_cache_keep_bound(cold->cache);
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

const struct rc_slab_header *
rc_cold_header(const struct rc_cold *cold)
{
    return (const struct rc_slab_header *)(void *)cold->pages;
}

const struct rc_slab_section *
rc_cold_section(const struct rc_cold *cold, enum rc_slab_section_kind kind)
{
    return &rc_cold_header(cold)->sections[kind - 1];
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
    return status != RC_OK
               ? rc_cold_failed(cold, status, cause.message, reterr_error)
               : rc_cold_failed(cold, RC_CORRUPT, "the file is too short", reterr_error);
}

enum rc_status
rc_cold_damaged(struct rc_cold *cold, struct rc_error *reterr_error)
{
    atomic_fetch_add(&cold->cache->failures, 1);
    return rc_cold_failed(cold, RC_CORRUPT, "a checksum of its content is off", reterr_error);
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
rc_cold_has_column(const struct rc_cold *cold, uint32_t index)
{
    return is_loaded(&cold->parts[RC_SLAB_SECTION_COUNT + index]);
}

bool
rc_cold_need_column(struct rc_cold *cold, uint32_t index)
{
    return load(cold, &cold->parts[RC_SLAB_SECTION_COUNT + index]) == RC_OK;
}
