/*
 * A trimmed file is renamed to a spare's name and the directory synced before it may be reused. If
 * the rename were not durable first, a power cut could bring back the live name over a new header.
 *
 * Who erases first says that nothing is recycled any more, and then removes what there is: a trim
 * beside it either has a file on the list by then, or sees that it must go.
 */
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file_gentle.h"
#include "engine/durable/wal_files_state.h"

/* Takes the oldest live file off the list if all its records are up to sequence. */
static bool
take_oldest(struct rc_wal_files *files,
            uint64_t sequence,
            struct rc_wal_file *ret_live,
            size_t *ret_spare_count)
{
    pthread_mutex_lock(&files->mutex);
    const bool taken =
        files->live_count > 1 && files->live[1].header.sequence_first <= sequence + 1;
    if (taken) {
        *ret_live = files->live[0];
        files->live_count--;
        memmove(&files->live[0], &files->live[1], files->live_count * sizeof(files->live[0]));
    }
    *ret_spare_count =
        files->erasing ? RC_WAL_SPARES_MAX : files->spare_count + (files->next.file != NULL);
    pthread_mutex_unlock(&files->mutex);
    return taken;
}

/* Live files that are no longer needed, by their numbers. */
struct trimmed {
    size_t recycled_count;
    uint64_t recycled[RC_WAL_SPARES_MAX];
    size_t dropped_count;
    size_t dropped_capacity;
    uint64_t *dropped;
};

static void
trimmed_close(struct trimmed *trimmed)
{
    rc_alloc_free(trimmed->dropped);
}

/* Gives the files the names of spares: from then on no start reads them. */
static enum rc_status
retire_files(struct rc_wal_files *files,
             uint64_t sequence,
             struct trimmed *trimmed,
             struct rc_error *reterr_error)
{
    struct rc_wal_file live;
    size_t spare_count;
    while (take_oldest(files, sequence, &live, &spare_count)) {
        const uint64_t number = live.header.number;
        RC_CLEANUP(rc_alloc_freep) char *from = NULL;
        RC_CLEANUP(rc_alloc_freep) char *to = NULL;
        RC_TRY(rc_wal_files_path(files, false, number, &from, reterr_error));
        RC_TRY(rc_wal_files_path(files, true, number, &to, reterr_error));
        RC_TRY_OR(reterr_error,
                  RC_GROW(trimmed->dropped, trimmed->dropped_capacity, trimmed->dropped_count + 1));
        RC_TRY(rc_disk_rename(files->disk, from, to, reterr_error));
        if (live.size == files->file_bytes &&
            spare_count + trimmed->recycled_count < RC_WAL_SPARES_MAX)
            trimmed->recycled[trimmed->recycled_count++] = number;
        else
            trimmed->dropped[trimmed->dropped_count++] = number;
    }
    return RC_OK;
}

enum rc_status
rc_wal_files_trim(struct rc_wal_files *files,
                  uint64_t sequence,
                  uint64_t pause_ns,
                  struct rc_error *reterr_error)
{
    RC_CLEANUP(trimmed_close) struct trimmed trimmed = {0};
    RC_TRY(retire_files(files, sequence, &trimmed, reterr_error));
    if (trimmed.recycled_count + trimmed.dropped_count == 0)
        return RC_OK;
    RC_TRY(rc_disk_sync_dir(files->disk, files->directory, reterr_error));
    bool removed = trimmed.dropped_count > 0;
    for (size_t i = 0; i < trimmed.recycled_count; i++) {
        if (rc_wal_files_list_spare(files, trimmed.recycled[i], true))
            continue;
        RC_TRY(rc_wal_files_remove(files, true, trimmed.recycled[i], pause_ns, reterr_error));
        removed = true;
    }
    for (size_t i = 0; i < trimmed.dropped_count; i++)
        RC_TRY(rc_wal_files_remove(files, true, trimmed.dropped[i], pause_ns, reterr_error));
    return removed ? rc_disk_sync_dir(files->disk, files->directory, reterr_error) : RC_OK;
}

/* ---- erasing ---- */

/* From now on no file is recycled. What was made ready of a recycled one is a stray. */
static enum rc_status
stop_recycling(struct rc_wal_files *files)
{
    enum rc_status status = RC_OK;
    struct rc_file *file = NULL;
    pthread_mutex_lock(&files->mutex);
    files->erasing = true;
    while (files->rounds_begun != files->rounds_ended) /* A later one recycles nothing. */
        pthread_cond_wait(&files->changed, &files->mutex);
    if (files->next.file != NULL)
        status = RC_GROW(files->strays, files->stray_capacity, files->stray_count + 1);
    if (status == RC_OK && files->next.file != NULL) {
        files->strays[files->stray_count++] = files->next.live.header.number;
        file = files->next.file;
        files->next = (struct rc_wal_ready){.file = NULL};
        pthread_cond_broadcast(&files->changed); /* The log may have asked for it just then. */
    }
    pthread_mutex_unlock(&files->mutex);
    rc_file_close(file);
    return status;
}

/* Takes any spare off the list; false: there is none. */
static bool
pop_spare(struct rc_wal_files *files, uint64_t *ret_number)
{
    pthread_mutex_lock(&files->mutex);
    const bool taken = files->spare_count > 0;
    if (taken)
        *ret_number = files->spares[--files->spare_count];
    pthread_mutex_unlock(&files->mutex);
    return taken;
}

/* The newest stray; false: there is none. */
static bool
find_stray(struct rc_wal_files *files, uint64_t *ret_number)
{
    pthread_mutex_lock(&files->mutex);
    const bool found = files->stray_count > 0;
    if (found)
        *ret_number = files->strays[files->stray_count - 1];
    pthread_mutex_unlock(&files->mutex);
    return found;
}

static void
forget_stray(struct rc_wal_files *files, uint64_t number)
{
    pthread_mutex_lock(&files->mutex);
    size_t kept = 0;
    for (size_t i = 0; i < files->stray_count; i++)
        if (files->strays[i] != number)
            files->strays[kept++] = files->strays[i];
    files->stray_count = kept;
    pthread_mutex_unlock(&files->mutex);
}

enum rc_status
rc_wal_files_begin_erasing(struct rc_wal_files *files, struct rc_error *reterr_error)
{
    uint64_t number;
    RC_TRY_OR(reterr_error, stop_recycling(files));
    while (find_stray(files, &number)) {
        RC_TRY(rc_wal_files_remove(files, false, number, RC_GENTLE_PAUSE_NS, reterr_error));
        forget_stray(files, number);
    }
    while (pop_spare(files, &number))
        RC_TRY(rc_wal_files_remove(files, true, number, RC_GENTLE_PAUSE_NS, reterr_error));
    return rc_disk_sync_dir(files->disk, files->directory, reterr_error);
}

void
rc_wal_files_end_erasing(struct rc_wal_files *files)
{
    pthread_mutex_lock(&files->mutex);
    files->erasing = false;
    pthread_mutex_unlock(&files->mutex);
}
