/*
 * Opening a cold slab: what says where to look for an event is read, verified and stays; the rest
 * is listed as parts. Nothing of the file is believed before a checksum was found right: of the
 * header only the count of columns, which bounds an allocation.
 */
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/limits.h"
#include "engine/base/pages.h"
#include "engine/store/cold/slab_cold_form.h"
#include "engine/store/slab/slab_layout.h"

/* What of a slab stays in memory. */
static const enum rc_slab_section_kind kept_kinds[] = {RC_SLAB_DIRECTORY, RC_SLAB_FILTER,
                                                       RC_SLAB_USERS, RC_SLAB_STARTS};
#define KEPT_COUNT (sizeof(kept_kinds) / sizeof(kept_kinds[0]))

void
rc_cold_free(struct rc_cold *cold)
{
    if (cold == NULL)
        return;
    RC_ASSERT(atomic_load(&cold->uses) == 0);
    rc_cold_cache_leave(cold);
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

/* Reads what stays in memory, only if it can lie where the header says. */
static enum rc_status
read_kept(struct rc_cold *cold, struct rc_error *reterr_error)
{
    const struct rc_slab_header *header = (const struct rc_slab_header *)(void *)cold->pages;
    struct rc_error cause;
    if (header->size != cold->size || header->crc32c != rc_slab_header_crc32c(header))
        return rc_cold_failed(cold, RC_CORRUPT, "its header is damaged", reterr_error);
    for (size_t i = 0; i < KEPT_COUNT; i++) {
        const struct rc_slab_section *kept = rc_cold_section(cold, kept_kinds[i]);
        if (kept->offset > cold->size || kept->size > cold->size - kept->offset)
            return rc_cold_failed(cold, RC_CORRUPT, "its header is damaged", reterr_error);
        if (kept->size > 0)
            RC_TRY(rc_cold_read_into_place(cold, kept->offset, kept->size, kept->crc32c,
                                           reterr_error));
    }
    if (rc_slab_layout_check_frame(cold->pages, cold->size, &cause) != RC_OK)
        return rc_cold_failed(cold, RC_CORRUPT, cause.message, reterr_error);
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
        cold->parts[i] = (struct rc_cold_part){
            .offset = section->offset, .size = kept ? 0 : section->size, .crc32c = section->crc32c};
    }
    for (uint32_t i = 0; i < header->column_count; i++)
        cold->parts[RC_SLAB_SECTION_COUNT + i] = (struct rc_cold_part){
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
    RC_TRY(rc_file_use(file, reterr_error));
    RC_TRY(rc_file_size(file, &size, reterr_error));
    RC_TRY(rc_file_read_at(file, &header, sizeof(header), 0, &got, reterr_error));
    if (got < sizeof(header) || header.column_count > RC_PROPERTIES_MAX)
        return rc_error_set(reterr_error, RC_CORRUPT, "%s is not a slab", path);
    const uint32_t parts = RC_SLAB_SECTION_COUNT + header.column_count;
    struct rc_cold *cold =
        rc_alloc_in(account, sizeof(*cold) + parts * sizeof(struct rc_cold_part));
    if (cold == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to open a slab");
    memset(cold, 0, sizeof(*cold) + parts * sizeof(struct rc_cold_part));
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
    rc_cold_cache_enter(RC_TAKE(cold));
    *ret_slab = slab;
    return RC_OK;
}
