/*
 * Short lists under one mutex. I/O is done outside it, on files that were taken off the lists
 * first, so that nobody else can touch them.
 *
 * A stray has a live name and a header that says that it holds nothing: one that was made ready in
 * an earlier run, or whose name could not be made durable. No start reads it; the next one makes a
 * spare of it.
 */
#include "engine/durable/wal_files.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/assert.h"
#include "engine/base/file_gentle.h"
#include "engine/durable/wal_newest.h"

#define PATH_BYTES_EXTRA (RC_WAL_NAME_BYTES + 1)

enum rc_status
rc_wal_files_path(const struct rc_wal_files *files,
                  bool spare,
                  uint64_t number,
                  char **ret_path,
                  struct rc_error *reterr_error)
{
    char name[RC_WAL_NAME_BYTES];
    rc_wal_name(spare, number, name);
    const size_t room = strlen(files->directory) + PATH_BYTES_EXTRA;
    char *path = rc_alloc(room);
    if (path == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a path of the log");
    (void)snprintf(path, room, "%s/%s", files->directory, name);
    *ret_path = path;
    return RC_OK;
}

static void
count_sync(struct rc_wal_files *files)
{
    pthread_mutex_lock(&files->mutex);
    files->sync_count++;
    pthread_mutex_unlock(&files->mutex);
}

enum rc_status
rc_wal_files_sync(struct rc_wal_files *files, struct rc_file *file, struct rc_error *reterr_error)
{
    count_sync(files);
    return rc_file_sync(file, reterr_error);
}

enum rc_status
rc_wal_files_remove(struct rc_wal_files *files,
                    bool spare,
                    uint64_t number,
                    uint64_t pause_ns,
                    struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_alloc_freep) char *path = NULL;
    RC_TRY(rc_wal_files_path(files, spare, number, &path, reterr_error));
    return rc_disk_remove_gently(files->disk, path, pause_ns, reterr_error);
}

/* ---- opening ---- */

static enum rc_status
note_name(void *context, const char *name)
{
    struct rc_wal_files *files = context;
    bool spare;
    uint64_t number;
    if (!rc_wal_name_parse(name, &spare, &number))
        return RC_OK;
    if (number > files->number_last)
        files->number_last = number;
    if (spare) {
        RC_TRY(RC_GROW(files->spares, files->spare_capacity, files->spare_count + 1));
        files->spares[files->spare_count++] = number;
        return RC_OK;
    }
    /* The list comes in byte order, and so in the order of the numbers. */
    RC_TRY(RC_GROW(files->live, files->live_capacity, files->live_count + 1));
    files->live[files->live_count++] = (struct rc_wal_file){.header.number = number};
    return RC_OK;
}

static enum rc_status
read_header(struct rc_wal_files *files, struct rc_wal_file *live, struct rc_error *reterr_error)
{
    unsigned char block[RC_WAL_HEADER_BYTES];
    size_t got;
    RC_CLEANUP(rc_file_closep) struct rc_file *file = NULL;
    RC_TRY(rc_wal_files_use(files, live->header.number, &file, reterr_error));
    RC_TRY(rc_file_size(file, &live->size, reterr_error));
    RC_TRY(rc_file_read_at(file, block, sizeof(block), 0, &got, reterr_error));
    struct rc_wal_header header;
    if (got < sizeof(block) || !rc_wal_header_decode(block, &header) ||
        header.number != live->header.number)
        return rc_error_set(reterr_error, RC_CORRUPT,
                            "log file wal-%016" PRIx64 ".log, offset 0: the header is damaged",
                            live->header.number);
    live->header = header;
    return RC_OK;
}

/* Takes the files that hold nothing off the list of live ones. */
static enum rc_status
part_strays(struct rc_wal_files *files)
{
    size_t kept = 0;
    RC_TRY(RC_GROW(files->strays, files->stray_capacity, files->live_count));
    for (size_t i = 0; i < files->live_count; i++) {
        if (files->live[i].header.sequence_first == RC_WAL_NOTHING)
            files->strays[files->stray_count++] = files->live[i].header.number;
        else
            files->live[kept++] = files->live[i];
    }
    files->live_count = kept;
    return RC_OK;
}

static enum rc_status
copy_path(const char *path, char **ret_path)
{
    const size_t size = strlen(path) + 1;
    *ret_path = rc_alloc(size);
    if (*ret_path == NULL)
        return RC_NO_MEMORY;
    memcpy(*ret_path, path, size);
    return RC_OK;
}

enum rc_status
rc_wal_files_open(struct rc_disk *disk,
                  const char *directory,
                  uint64_t file_bytes,
                  struct rc_wal_mark_place mark,
                  struct rc_wal_files **ret_files,
                  struct rc_error *reterr_error)
{
    RC_ASSERT(file_bytes > RC_WAL_HEADER_BYTES && file_bytes % RC_WAL_HEADER_BYTES == 0);
    RC_CLEANUP(rc_wal_files_closep) struct rc_wal_files *files = rc_alloc_zero(sizeof(*files));
    if (files == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the log");
    pthread_mutex_init(&files->mutex, NULL);
    pthread_cond_init(&files->changed, NULL);
    files->disk = disk;
    files->file_bytes = file_bytes;
    RC_TRY_OR(reterr_error, copy_path(directory, &files->directory));
    if (mark.path != NULL)
        RC_TRY_OR(reterr_error, copy_path(mark.path, &files->mark_path));
    RC_TRY(rc_disk_list(disk, directory, note_name, files, reterr_error));
    for (size_t i = 0; i < files->live_count; i++)
        RC_TRY(read_header(files, &files->live[i], reterr_error));
    RC_TRY(rc_wal_newest_find(files, mark.log, reterr_error));
    RC_TRY_OR(reterr_error, part_strays(files));
    for (size_t i = 1; i < files->live_count; i++)
        if (files->live[i].header.sequence_first <= files->live[i - 1].header.sequence_first)
            return rc_error_set(reterr_error, RC_CORRUPT,
                                "log file wal-%016" PRIx64 ".log begins before the one before it",
                                files->live[i].header.number);
    *ret_files = RC_TAKE(files);
    return RC_OK;
}

struct rc_wal_files *
rc_wal_files_close(struct rc_wal_files *files)
{
    if (files == NULL)
        return NULL;
    if (files->helper_started) {
        pthread_mutex_lock(&files->mutex);
        files->stopping = true;
        pthread_cond_broadcast(&files->changed);
        pthread_mutex_unlock(&files->mutex);
        pthread_join(files->helper, NULL);
    }
    pthread_cond_destroy(&files->changed);
    pthread_mutex_destroy(&files->mutex);
    rc_file_close(files->next.file);
    rc_file_close(files->mark_file);
    rc_alloc_free(files->mark_path);
    rc_alloc_free(files->live);
    rc_alloc_free(files->spares);
    rc_alloc_free(files->strays);
    rc_alloc_free(files->directory);
    return rc_alloc_free(files);
}

size_t
rc_wal_files_count(const struct rc_wal_files *files)
{
    return files->live_count;
}

const struct rc_wal_file *
rc_wal_files_at(const struct rc_wal_files *files, size_t index)
{
    RC_ASSERT(index < files->live_count);
    return &files->live[index];
}

enum rc_status
rc_wal_files_use(struct rc_wal_files *files,
                 uint64_t number,
                 struct rc_file **ret_file,
                 struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_alloc_freep) char *path = NULL;
    RC_TRY(rc_wal_files_path(files, false, number, &path, reterr_error));
    return rc_file_open(files->disk, path, RC_FILE_READ_WRITE, ret_file, reterr_error);
}

/* ---- taking into use ---- */

/* Strays become spares. Their names are made durable with the others'. */
static enum rc_status
rename_strays(struct rc_wal_files *files, struct rc_error *reterr_error)
{
    RC_TRY_OR(reterr_error, RC_GROW(files->spares, files->spare_capacity,
                                    files->spare_count + files->stray_count));
    for (; files->stray_count > 0; files->stray_count--) {
        const uint64_t number = files->strays[files->stray_count - 1];
        RC_CLEANUP(rc_alloc_freep) char *from = NULL;
        RC_CLEANUP(rc_alloc_freep) char *to = NULL;
        RC_TRY(rc_wal_files_path(files, false, number, &from, reterr_error));
        RC_TRY(rc_wal_files_path(files, true, number, &to, reterr_error));
        RC_TRY(rc_disk_rename(files->disk, from, to, reterr_error));
        files->spares[files->spare_count++] = number;
    }
    return RC_OK;
}

enum rc_status
rc_wal_files_start(struct rc_wal_files *files, uint64_t sequence, struct rc_error *reterr_error)
{
    size_t kept = 0;
    RC_TRY(rc_wal_newest_settle(files, sequence, reterr_error));
    RC_TRY(rename_strays(files, reterr_error));
    for (size_t i = 0; i < files->spare_count; i++) {
        RC_CLEANUP(rc_alloc_freep) char *path = NULL;
        RC_CLEANUP(rc_file_closep) struct rc_file *file = NULL;
        uint64_t size;
        RC_TRY(rc_wal_files_path(files, true, files->spares[i], &path, reterr_error));
        RC_TRY(rc_file_open(files->disk, path, RC_FILE_READ, &file, reterr_error));
        RC_TRY(rc_file_size(file, &size, reterr_error));
        if (size == files->file_bytes && kept < RC_WAL_SPARES_MAX)
            files->spares[kept++] = files->spares[i];
        else
            RC_TRY(rc_disk_remove(files->disk, path, reterr_error));
    }
    files->spare_count = kept;
    /* After a kill in the middle of a trim, a spare's name may not be durable yet. */
    RC_TRY(rc_disk_sync_dir(files->disk, files->directory, reterr_error));
    if (pthread_create(&files->helper, NULL, rc_wal_files_helper, files) != 0)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "cannot start the log's helper thread");
    files->helper_started = true;
    return RC_OK;
}

void
rc_wal_files_prepare(struct rc_wal_files *files)
{
    pthread_mutex_lock(&files->mutex);
    if (files->next.file == NULL && files->rounds_begun == files->rounds_ended) {
        files->next_wanted = true;
        pthread_cond_broadcast(&files->changed);
    }
    pthread_mutex_unlock(&files->mutex);
}

/* Takes the next file, once it is ready. */
static enum rc_status
take_next(struct rc_wal_files *files, struct rc_wal_ready *ret_ready, struct rc_error *reterr_error)
{
    enum rc_status status = RC_OK;
    pthread_mutex_lock(&files->mutex);
    while (status == RC_OK && files->next.file == NULL) {
        const uint64_t own = files->rounds_begun + 1;
        files->next_wanted = true;
        files->next_awaited = true;
        pthread_cond_broadcast(&files->changed);
        while (files->next.file == NULL && files->rounds_ended < own)
            pthread_cond_wait(&files->changed, &files->mutex);
        files->next_awaited = false;
        if (files->next.file == NULL)
            status = files->round_status;
        if (status != RC_OK && reterr_error != NULL)
            *reterr_error = files->round_error;
    }
    if (status == RC_OK) {
        *ret_ready = files->next;
        files->next = (struct rc_wal_ready){.file = NULL};
        files->next_wanted = false; /* By whom it was made, if it was one that had begun. */
    }
    pthread_mutex_unlock(&files->mutex);
    return status;
}

/* Puts a file back that could not be taken into use. */
static void
return_next(struct rc_wal_files *files, const struct rc_wal_ready *ready)
{
    pthread_mutex_lock(&files->mutex);
    RC_ASSERT(files->next.file == NULL); /* Only who takes it asks for another. */
    files->next = *ready;
    pthread_mutex_unlock(&files->mutex);
}

/* Room for one more live file: trims only ever make the list shorter. */
static enum rc_status
reserve_live(struct rc_wal_files *files, struct rc_error *reterr_error)
{
    pthread_mutex_lock(&files->mutex);
    const enum rc_status status = RC_GROW(files->live, files->live_capacity, files->live_count + 1);
    pthread_mutex_unlock(&files->mutex);
    RC_TRY_OR(reterr_error, status);
    return RC_OK;
}

/* Says in the file's header where it begins, which is not durable before the next sync of it, and
 * then in the mark that it is the newest. After RC_NO_SPACE neither says so, durably: records may
 * still come into the file before. */
static enum rc_status
begin(struct rc_wal_files *files,
      struct rc_wal_ready *ready,
      uint64_t sequence_first,
      struct rc_error *reterr_error)
{
    struct rc_wal_header *header = &ready->live.header;
    header->sequence_first = sequence_first;
    enum rc_status status = rc_wal_files_write_header(ready->file, header, reterr_error);
    if (status == RC_OK)
        status = rc_wal_newest_name(files, &ready->live, sequence_first - 1, reterr_error);
    if (status != RC_NO_SPACE)
        return status;
    header->sequence_first = RC_WAL_NOTHING;
    if (rc_wal_files_write_header(ready->file, header, NULL) != RC_OK ||
        rc_wal_files_sync(files, ready->file, NULL) != RC_OK)
        return RC_IO;
    return RC_NO_SPACE;
}

enum rc_status
rc_wal_files_next(struct rc_wal_files *files,
                  uint64_t sequence_first,
                  struct rc_wal_file *ret_live,
                  struct rc_file **ret_file,
                  struct rc_error *reterr_error)
{
    struct rc_wal_ready ready;
    RC_ASSERT(sequence_first != RC_WAL_NOTHING);
    RC_TRY(take_next(files, &ready, reterr_error));
    enum rc_status status = reserve_live(files, reterr_error);
    if (status == RC_OK)
        status = begin(files, &ready, sequence_first, reterr_error);
    if (status == RC_NO_SPACE || status == RC_NO_MEMORY) {
        return_next(files, &ready);
        return status;
    }
    if (status != RC_OK) {
        rc_file_close(ready.file);
        return RC_IO;
    }
    pthread_mutex_lock(&files->mutex);
    files->live[files->live_count++] = ready.live;
    pthread_mutex_unlock(&files->mutex);
    *ret_live = ready.live;
    *ret_file = ready.file;
    return RC_OK;
}

uint64_t
rc_wal_files_older_bytes(struct rc_wal_files *files)
{
    uint64_t bytes = 0;
    pthread_mutex_lock(&files->mutex);
    for (size_t i = 0; i + 1 < files->live_count; i++)
        bytes += files->live[i].size;
    pthread_mutex_unlock(&files->mutex);
    return bytes;
}

uint64_t
rc_wal_files_sync_count(struct rc_wal_files *files)
{
    pthread_mutex_lock(&files->mutex);
    const uint64_t count = files->sync_count;
    pthread_mutex_unlock(&files->mutex);
    return count;
}

uint64_t
rc_wal_files_log(const struct rc_wal_files *files)
{
    return files->log;
}

uint64_t
rc_wal_files_durable(const struct rc_wal_files *files)
{
    return files->mark.sequence;
}

void
rc_wal_files_finish(struct rc_wal_files *files, const struct rc_wal_file *live, uint64_t sequence)
{
    const enum rc_status status = rc_wal_newest_name(files, live, sequence, NULL);
    (void)status; /* What it said before is as true. */
}
