/*
 * The next file is made ready by the helper thread, even when the log waits for it: one place that
 * writes zeros and makes names durable. The sync of a directory is a commit of the file system's
 * journal, which waits for whatever anybody has on its way to the disk: 15 to 330 ms for which all
 * batches waited when the log did it as it came to the end of a file. A failure is handed to
 * whoever waits and is forgotten then; the helper does not try again by itself, because a full disk
 * would make it a busy loop.
 */
#include <sys/random.h>

#include "engine/base/alloc.h"
#include "engine/base/file_gentle.h"
#include "engine/durable/wal_files_state.h"

#define ZERO_PIECE_BYTES ((uint64_t)1 << 20)

/* Zeros are written at a gentle pace, unless the log waits for them. */
static uint64_t
pause_of(struct rc_wal_files *files)
{
    pthread_mutex_lock(&files->mutex);
    const bool awaited = files->next_awaited || files->stopping;
    pthread_mutex_unlock(&files->mutex);
    return awaited ? 0 : RC_GENTLE_PAUSE_NS;
}

static enum rc_status
write_zeros(struct rc_wal_files *files, struct rc_file *file, struct rc_error *reterr_error)
{
    const uint64_t piece =
        files->file_bytes < ZERO_PIECE_BYTES ? files->file_bytes : ZERO_PIECE_BYTES;
    RC_CLEANUP(rc_alloc_freep) void *zeros = rc_alloc_zero(piece);
    if (zeros == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a new log file");
    for (uint64_t at = 0; at < files->file_bytes; at += piece) {
        const uint64_t left = files->file_bytes - at;
        RC_TRY(rc_file_write_gently(file, zeros, left < piece ? left : piece, at, pause_of(files),
                                    reterr_error));
    }
    return rc_wal_files_sync(files, file, reterr_error);
}

/* Makes a spare under a new number. A half-made one is removed. */
static enum rc_status
make_spare(struct rc_wal_files *files, uint64_t number, struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_alloc_freep) char *path = NULL;
    RC_TRY(rc_wal_files_path(files, true, number, &path, reterr_error));
    RC_CLEANUP(rc_file_closep) struct rc_file *file = NULL;
    RC_TRY(rc_file_open(files->disk, path, RC_FILE_CREATE, &file, reterr_error));
    const enum rc_status status = write_zeros(files, file, reterr_error);
    if (status != RC_OK) {
        /* Best effort: what stays is found and removed at the next start. */
        const enum rc_status removed = rc_disk_remove(files->disk, path, NULL);
        (void)removed;
    }
    return status;
}

bool
rc_wal_files_list_spare(struct rc_wal_files *files, uint64_t spare, bool for_recycling)
{
    pthread_mutex_lock(&files->mutex);
    const bool stays = !for_recycling || !files->erasing;
    if (stays && RC_GROW(files->spares, files->spare_capacity, files->spare_count + 1) == RC_OK)
        files->spares[files->spare_count++] = spare;
    pthread_mutex_unlock(&files->mutex);
    return stays;
}

enum rc_status
rc_wal_files_write_header(struct rc_file *file,
                          const struct rc_wal_header *header,
                          struct rc_error *reterr_error)
{
    unsigned char block[RC_WAL_HEADER_BYTES];
    rc_wal_header_encode(header, block);
    return rc_file_write_at(file, block, sizeof(block), 0, reterr_error);
}

/* Gives a spare the header of a file that holds nothing, durably, and then its live name. */
static enum rc_status
rename_spare(struct rc_wal_files *files,
             uint64_t spare,
             struct rc_wal_ready *ready,
             struct rc_error *reterr_error)
{
    struct rc_wal_header *header = &ready->live.header;
    RC_CLEANUP(rc_alloc_freep) char *from = NULL;
    RC_CLEANUP(rc_alloc_freep) char *to = NULL;
    RC_TRY(rc_wal_files_path(files, true, spare, &from, reterr_error));
    RC_TRY(rc_wal_files_path(files, false, header->number, &to, reterr_error));
    if (getentropy(&header->salt, sizeof(header->salt)) != 0)
        return rc_error_set(reterr_error, RC_IO, "the system gives no random bytes");
    RC_CLEANUP(rc_file_closep) struct rc_file *file = NULL;
    RC_TRY(rc_file_open(files->disk, from, RC_FILE_READ_WRITE, &file, reterr_error));
    RC_TRY(rc_wal_files_write_header(file, header, reterr_error));
    RC_TRY(rc_wal_files_sync(files, file, reterr_error));
    RC_TRY(rc_disk_rename(files->disk, from, to, reterr_error));
    ready->file = RC_TAKE(file);
    return RC_OK;
}

/* Room for one more stray. */
static enum rc_status
reserve_stray(struct rc_wal_files *files, struct rc_error *reterr_error)
{
    pthread_mutex_lock(&files->mutex);
    const enum rc_status status =
        RC_GROW(files->strays, files->stray_capacity, files->stray_count + 1);
    pthread_mutex_unlock(&files->mutex);
    RC_TRY_OR(reterr_error, status);
    return RC_OK;
}

/* Makes a spare ready. After RC_OK its live name is durable; a stray may be left otherwise. */
static enum rc_status
make_ready(struct rc_wal_files *files,
           uint64_t spare,
           struct rc_wal_ready *ready,
           struct rc_error *reterr_error)
{
    enum rc_status status = reserve_stray(files, reterr_error);
    if (status == RC_OK)
        status = rename_spare(files, spare, ready, reterr_error);
    if (status != RC_OK) {
        (void)rc_wal_files_list_spare(files, spare, false); /* Who erases waits for this round. */
        return status;
    }
    status = rc_disk_sync_dir(files->disk, files->directory, NULL);
    if (status == RC_OK)
        return RC_OK;
    pthread_mutex_lock(&files->mutex);
    files->strays[files->stray_count++] = ready->live.header.number;
    pthread_mutex_unlock(&files->mutex);
    ready->file = rc_file_close(ready->file);
    /* Where it was not even tried, another file may do later. */
    return rc_error_set(reterr_error, status == RC_NO_MEMORY ? status : RC_IO,
                        "cannot sync the log's directory %s", files->directory);
}

/* One round of the helper: of a spare, or of a new file. Called and left with the mutex held. */
static enum rc_status
make_next(struct rc_wal_files *files, struct rc_error *error)
{
    const bool recycles = files->spare_count > 0 && !files->erasing;
    const uint64_t spare = recycles ? files->spares[--files->spare_count] : ++files->number_last;
    struct rc_wal_ready ready = {
        .live = {.header = {.number = ++files->number_last, .sequence_first = RC_WAL_NOTHING},
                 .size = files->file_bytes}};
    pthread_mutex_unlock(&files->mutex);
    enum rc_status status = recycles ? RC_OK : make_spare(files, spare, error);
    if (status == RC_OK)
        status = make_ready(files, spare, &ready, error);
    pthread_mutex_lock(&files->mutex);
    if (status == RC_OK)
        files->next = ready;
    return status;
}

void *
rc_wal_files_helper(void *argument)
{
    struct rc_wal_files *files = argument;
    pthread_mutex_lock(&files->mutex);
    for (;;) {
        while (!files->stopping && (!files->next_wanted || files->next.file != NULL))
            pthread_cond_wait(&files->changed, &files->mutex);
        if (files->stopping)
            break;
        struct rc_error error;
        files->next_wanted = false;
        files->rounds_begun++;
        const enum rc_status status = make_next(files, &error);
        files->round_status = status;
        if (status != RC_OK)
            files->round_error = error;
        files->rounds_ended++;
        pthread_cond_broadcast(&files->changed);
    }
    pthread_mutex_unlock(&files->mutex);
    return NULL;
}
