/*
 * Two short lists under one mutex. I/O is done outside it, on files that were taken off the lists
 * first, so that nobody else can touch them.
 *
 * All spares are made by the helper thread, even when the log waits for one: one place that writes
 * zeros, one at a time. A failure is handed to whoever waits and is forgotten then; the helper does
 * not try again by itself, because a full disk would make it a busy loop.
 *
 * A trimmed file is renamed to a spare's name and the directory synced before it may be reused. If
 * the rename were not durable first, a power cut could bring back the live name over a new header.
 */
#include "engine/durable/wal_files.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "engine/base/alloc.h"
#include "engine/base/assert.h"
#include "engine/base/file_gentle.h"

#define ZERO_PIECE_BYTES ((uint64_t)1 << 20)
#define SPARES_MAX 2
#define PATH_BYTES_EXTRA (RC_WAL_NAME_BYTES + 1)

struct rc_wal_files {
    struct rc_disk *disk;
    char *directory;
    uint64_t file_bytes;

    pthread_mutex_t mutex;
    pthread_cond_t changed; /* A spare was asked for or made, or the helper is to stop. */
    struct rc_wal_file *live;
    size_t live_count;
    size_t live_capacity;
    uint64_t *spares; /* Numbers, as in their names. */
    size_t spare_count;
    size_t spare_capacity;
    uint64_t number_last; /* Of any name ever seen: new names are above it. */
    uint64_t sync_count;
    uint64_t attempt_count; /* Spares made or failed, so that a waiter sees its own. */
    enum rc_status attempt_status;
    struct rc_error attempt_error;
    pthread_t helper;
    bool helper_started;
    bool spare_wanted;
    bool spare_awaited; /* The log cannot go on without it. */
    bool erasing;       /* Trimmed files are removed: what they hold must not stay. */
    bool stopping;
};

static enum rc_status
path_of(const struct rc_wal_files *files,
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

static enum rc_status
sync_counted(struct rc_wal_files *files, struct rc_file *file, struct rc_error *reterr_error)
{
    count_sync(files);
    return rc_file_sync(file, reterr_error);
}

static enum rc_status
remove_spare(struct rc_wal_files *files,
             uint64_t number,
             uint64_t pause_ns,
             struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_alloc_freep) char *path = NULL;
    RC_TRY(path_of(files, true, number, &path, reterr_error));
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

enum rc_status
rc_wal_files_open(struct rc_disk *disk,
                  const char *directory,
                  uint64_t file_bytes,
                  struct rc_wal_files **ret_files,
                  struct rc_error *reterr_error)
{
    RC_ASSERT(file_bytes > RC_WAL_HEADER_BYTES && file_bytes % RC_WAL_HEADER_BYTES == 0);
    const size_t directory_bytes = strlen(directory) + 1;
    RC_CLEANUP(rc_wal_files_closep) struct rc_wal_files *files = rc_alloc_zero(sizeof(*files));
    if (files == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the log");
    pthread_mutex_init(&files->mutex, NULL);
    pthread_cond_init(&files->changed, NULL);
    files->disk = disk;
    files->file_bytes = file_bytes;
    files->directory = rc_alloc(directory_bytes);
    if (files->directory == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the log");
    memcpy(files->directory, directory, directory_bytes);
    RC_TRY(rc_disk_list(disk, directory, note_name, files, reterr_error));
    for (size_t i = 0; i < files->live_count; i++) {
        RC_TRY(read_header(files, &files->live[i], reterr_error));
        if (i > 0 &&
            files->live[i].header.sequence_first <= files->live[i - 1].header.sequence_first)
            return rc_error_set(reterr_error, RC_CORRUPT,
                                "log file wal-%016" PRIx64 ".log begins before the one before it",
                                files->live[i].header.number);
    }
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
    rc_alloc_free(files->live);
    rc_alloc_free(files->spares);
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
    RC_TRY(path_of(files, false, number, &path, reterr_error));
    return rc_file_open(files->disk, path, RC_FILE_READ_WRITE, ret_file, reterr_error);
}

/* ---- spares ---- */

/* Zeros are written at a gentle pace, unless the log waits for them. */
static uint64_t
pause_of(struct rc_wal_files *files)
{
    pthread_mutex_lock(&files->mutex);
    const bool awaited = files->spare_awaited || files->stopping;
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
    return sync_counted(files, file, reterr_error);
}

/* Makes a spare under a new number. A half-made one is removed. */
static enum rc_status
make_spare(struct rc_wal_files *files, uint64_t number, struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_alloc_freep) char *path = NULL;
    RC_TRY(path_of(files, true, number, &path, reterr_error));
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

static void *
helper_main(void *argument)
{
    struct rc_wal_files *files = argument;
    pthread_mutex_lock(&files->mutex);
    for (;;) {
        while (!files->stopping && !files->spare_wanted)
            pthread_cond_wait(&files->changed, &files->mutex);
        if (files->stopping)
            break;
        const uint64_t number = ++files->number_last;
        pthread_mutex_unlock(&files->mutex);
        struct rc_error error;
        enum rc_status status = make_spare(files, number, &error);
        pthread_mutex_lock(&files->mutex);
        if (status == RC_OK) {
            status = RC_GROW(files->spares, files->spare_capacity, files->spare_count + 1);
            if (status == RC_OK)
                files->spares[files->spare_count++] = number;
            else
                rc_error_set(&error, status, "no memory for the log's list of files");
        }
        files->attempt_status = status;
        if (status != RC_OK)
            files->attempt_error = error;
        files->attempt_count++;
        files->spare_wanted = false;
        pthread_cond_broadcast(&files->changed);
    }
    pthread_mutex_unlock(&files->mutex);
    return NULL;
}

enum rc_status
rc_wal_files_start(struct rc_wal_files *files, struct rc_error *reterr_error)
{
    size_t kept = 0;
    for (size_t i = 0; i < files->spare_count; i++) {
        RC_CLEANUP(rc_alloc_freep) char *path = NULL;
        RC_CLEANUP(rc_file_closep) struct rc_file *file = NULL;
        uint64_t size;
        RC_TRY(path_of(files, true, files->spares[i], &path, reterr_error));
        RC_TRY(rc_file_open(files->disk, path, RC_FILE_READ, &file, reterr_error));
        RC_TRY(rc_file_size(file, &size, reterr_error));
        if (size == files->file_bytes && kept < SPARES_MAX)
            files->spares[kept++] = files->spares[i];
        else
            RC_TRY(rc_disk_remove(files->disk, path, reterr_error));
    }
    files->spare_count = kept;
    /* After a kill in the middle of a trim, a spare's name may not be durable yet. */
    RC_TRY(rc_disk_sync_dir(files->disk, files->directory, reterr_error));
    if (pthread_create(&files->helper, NULL, helper_main, files) != 0)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "cannot start the log's helper thread");
    files->helper_started = true;
    return RC_OK;
}

void
rc_wal_files_prepare(struct rc_wal_files *files)
{
    pthread_mutex_lock(&files->mutex);
    if (files->spare_count == 0 && !files->spare_wanted) {
        files->spare_wanted = true;
        pthread_cond_broadcast(&files->changed);
    }
    pthread_mutex_unlock(&files->mutex);
}

/* Takes a spare off the list, and a number for its new life. */
static enum rc_status
take_spare(struct rc_wal_files *files,
           uint64_t *ret_spare,
           uint64_t *ret_number,
           struct rc_error *reterr_error)
{
    enum rc_status status = RC_OK;
    pthread_mutex_lock(&files->mutex);
    while (status == RC_OK && files->spare_count == 0) {
        const uint64_t attempt = files->attempt_count;
        files->spare_wanted = true;
        files->spare_awaited = true;
        pthread_cond_broadcast(&files->changed);
        while (files->attempt_count == attempt)
            pthread_cond_wait(&files->changed, &files->mutex);
        files->spare_awaited = false;
        status = files->attempt_status;
        if (status != RC_OK && reterr_error != NULL)
            *reterr_error = files->attempt_error;
    }
    if (status == RC_OK) {
        *ret_spare = files->spares[--files->spare_count];
        *ret_number = ++files->number_last;
    }
    pthread_mutex_unlock(&files->mutex);
    return status;
}

/* Puts a spare back that could not be taken into use. There is room: it was on the list. */
static void
return_spare(struct rc_wal_files *files, uint64_t spare)
{
    pthread_mutex_lock(&files->mutex);
    if (RC_GROW(files->spares, files->spare_capacity, files->spare_count + 1) == RC_OK)
        files->spares[files->spare_count++] = spare;
    pthread_mutex_unlock(&files->mutex);
}

/* ---- becoming live ---- */

static enum rc_status
begin_life(struct rc_wal_files *files,
           uint64_t spare,
           const struct rc_wal_header *header,
           struct rc_file **ret_file,
           struct rc_error *reterr_error)
{
    unsigned char block[RC_WAL_HEADER_BYTES];
    RC_CLEANUP(rc_alloc_freep) char *from = NULL;
    RC_CLEANUP(rc_alloc_freep) char *to = NULL;
    RC_TRY(path_of(files, true, spare, &from, reterr_error));
    RC_TRY(path_of(files, false, header->number, &to, reterr_error));
    RC_CLEANUP(rc_file_closep) struct rc_file *file = NULL;
    RC_TRY(rc_file_open(files->disk, from, RC_FILE_READ_WRITE, &file, reterr_error));
    rc_wal_header_encode(header, block);
    RC_TRY(rc_file_write_at(file, block, sizeof(block), 0, reterr_error));
    RC_TRY(sync_counted(files, file, reterr_error));
    RC_TRY(rc_disk_rename(files->disk, from, to, reterr_error));
    *ret_file = RC_TAKE(file);
    return RC_OK;
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

enum rc_status
rc_wal_files_next(struct rc_wal_files *files,
                  uint64_t sequence_first,
                  struct rc_wal_file *ret_live,
                  struct rc_file **ret_file,
                  struct rc_error *reterr_error)
{
    struct rc_wal_file live = {.header.sequence_first = sequence_first, .size = files->file_bytes};
    if (getentropy(&live.header.salt, sizeof(live.header.salt)) != 0)
        return rc_error_set(reterr_error, RC_IO, "the system gives no random bytes");
    uint64_t spare;
    RC_TRY(take_spare(files, &spare, &live.header.number, reterr_error));
    RC_CLEANUP(rc_file_closep) struct rc_file *file = NULL;
    enum rc_status status = reserve_live(files, reterr_error);
    if (status == RC_OK)
        status = begin_life(files, spare, &live.header, &file, reterr_error);
    if (status != RC_OK) {
        return_spare(files, spare);
        return status;
    }
    /* Whatever fails from here on is RC_IO: the file has its live name, perhaps for good. */
    if (rc_disk_sync_dir(files->disk, files->directory, NULL) != RC_OK)
        return rc_error_set(reterr_error, RC_IO, "cannot sync the log's directory %s",
                            files->directory);
    pthread_mutex_lock(&files->mutex);
    files->live[files->live_count++] = live;
    pthread_mutex_unlock(&files->mutex);
    *ret_live = live;
    *ret_file = RC_TAKE(file);
    return RC_OK;
}

/* ---- trimming ---- */

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
    *ret_spare_count = files->erasing ? SPARES_MAX : files->spare_count;
    pthread_mutex_unlock(&files->mutex);
    return taken;
}

/* Live files that are no longer needed, by their numbers. */
struct trimmed {
    size_t recycled_count;
    uint64_t recycled[SPARES_MAX];
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
        RC_TRY(path_of(files, false, number, &from, reterr_error));
        RC_TRY(path_of(files, true, number, &to, reterr_error));
        RC_TRY_OR(reterr_error,
                  RC_GROW(trimmed->dropped, trimmed->dropped_capacity, trimmed->dropped_count + 1));
        RC_TRY(rc_disk_rename(files->disk, from, to, reterr_error));
        if (live.size == files->file_bytes && spare_count + trimmed->recycled_count < SPARES_MAX)
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
    for (size_t i = 0; i < trimmed.recycled_count; i++)
        return_spare(files, trimmed.recycled[i]);
    for (size_t i = 0; i < trimmed.dropped_count; i++)
        RC_TRY(remove_spare(files, trimmed.dropped[i], pause_ns, reterr_error));
    return trimmed.dropped_count == 0
               ? RC_OK
               : rc_disk_sync_dir(files->disk, files->directory, reterr_error);
}

/* Takes any spare off the list; false: there is none. */
static bool
pop_spare(struct rc_wal_files *files, uint64_t *ret_number)
{
    pthread_mutex_lock(&files->mutex);
    files->erasing = true;
    const bool taken = files->spare_count > 0;
    if (taken)
        *ret_number = files->spares[--files->spare_count];
    pthread_mutex_unlock(&files->mutex);
    return taken;
}

enum rc_status
rc_wal_files_begin_erasing(struct rc_wal_files *files, struct rc_error *reterr_error)
{
    uint64_t number;
    while (pop_spare(files, &number))
        RC_TRY(remove_spare(files, number, RC_GENTLE_PAUSE_NS, reterr_error));
    return rc_disk_sync_dir(files->disk, files->directory, reterr_error);
}

void
rc_wal_files_end_erasing(struct rc_wal_files *files)
{
    pthread_mutex_lock(&files->mutex);
    files->erasing = false;
    pthread_mutex_unlock(&files->mutex);
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
