/*
 * The mark is written by whoever takes a file into use, after the file's header, and not by the
 * helper ahead of need: so it never names a file that erasing may remove because nobody used it.
 * Only a power cut leaves one that it names unused, and then the next start has the mark name the
 * file before, before it makes a spare of the unused one.
 *
 * That file before may be gone, in a checkpoint, while the header of the newest was not durable. So
 * the mark does not name it: that the log reaches the sequence of the mark, or a checkpoint does,
 * tells as much (wal_replay.c).
 */
#include "engine/durable/wal_newest.h"

#include <inttypes.h>
#include <string.h>

#include "engine/base/alloc.h"

enum rc_status
rc_wal_newest_find(struct rc_wal_files *files, uint64_t log, struct rc_error *reterr_error)
{
    const struct rc_wal_mark *mark = &files->mark;
    const struct rc_wal_file *found = NULL;
    const struct rc_wal_mark_place place = {files->mark_path, log};
    RC_TRY(rc_wal_mark_read(files->disk, place, &files->mark, reterr_error));
    for (size_t i = 0; i < files->live_count; i++)
        if (files->live[i].header.number == mark->file_number)
            found = &files->live[i];
    if (mark->file_number == 0)
        return RC_OK;
    if (found == NULL)
        return rc_error_set(reterr_error, RC_CORRUPT,
                            "log file wal-%016" PRIx64 ".log, the newest one, is missing",
                            mark->file_number);
    if (found->header.salt != mark->file_salt)
        return rc_error_set(reterr_error, RC_CORRUPT,
                            "log file wal-%016" PRIx64 ".log, offset 0: it is not the one that was "
                            "in use",
                            mark->file_number);
    if (found->size < mark->file_bytes)
        return rc_error_set(reterr_error, RC_CORRUPT,
                            "log file wal-%016" PRIx64 ".log, offset %" PRIu64
                            ": it is cut short, and had %" PRIu64 " bytes",
                            mark->file_number, found->size, mark->file_bytes);
    return RC_OK;
}

enum rc_status
rc_wal_newest_settle(struct rc_wal_files *files, uint64_t sequence, struct rc_error *reterr_error)
{
    struct rc_wal_mark mark = {.log = files->mark.log, .sequence = sequence};
    if (files->mark_path == NULL)
        return RC_OK;
    if (files->live_count > 0) {
        const struct rc_wal_file *newest = &files->live[files->live_count - 1];
        mark.file_number = newest->header.number;
        mark.file_salt = newest->header.salt;
        mark.file_bytes = newest->size;
    }
    if (mark.log == 0)
        RC_TRY(rc_wal_mark_new_log(&mark.log, reterr_error));
    if (files->mark.log == 0 || files->mark.half || files->mark.file_number != mark.file_number) {
        RC_TRY(rc_wal_mark_replace(files->disk, files->mark_path, &mark, reterr_error));
        files->mark = mark;
    }
    files->log = mark.log;
    return rc_file_open(files->disk, files->mark_path, RC_FILE_READ_WRITE, &files->mark_file,
                        reterr_error);
}

/* Takes back a mark that the disk had no room for: all of it may be written, or a part. */
static enum rc_status
take_back(struct rc_wal_files *files, struct rc_error *reterr_error)
{
    files->mark.turn++;
    return rc_wal_mark_write(files->mark_file, &files->mark, NULL) == RC_OK &&
                   rc_wal_files_sync(files, files->mark_file, NULL) == RC_OK
               ? RC_NO_SPACE
               : rc_error_set(reterr_error, RC_IO, "%.300s cannot be written", files->mark_path);
}

/* Has one of the two say it, durably. */
static enum rc_status
write_half(struct rc_wal_files *files, struct rc_wal_mark mark, struct rc_error *reterr_error)
{
    mark.turn = files->mark.turn + 1;
    RC_TRY(rc_wal_mark_write(files->mark_file, &mark, reterr_error));
    if (rc_wal_files_sync(files, files->mark_file, reterr_error) != RC_OK)
        return RC_IO;
    files->mark = mark;
    return RC_OK;
}

enum rc_status
rc_wal_newest_name(struct rc_wal_files *files,
                   const struct rc_wal_file *live,
                   uint64_t sequence,
                   struct rc_error *reterr_error)
{
    const struct rc_wal_mark mark = {
        .log = files->mark.log,
        .file_number = live->header.number,
        .file_salt = live->header.salt,
        .file_bytes = live->size,
        .sequence = sequence,
    };
    if (files->mark_file == NULL)
        return RC_OK;
    const enum rc_status first = write_half(files, mark, reterr_error);
    if (first == RC_NO_SPACE)
        return take_back(files, reterr_error);
    RC_TRY(first);
    const enum rc_status second = write_half(files, mark, reterr_error);
    return second == RC_NO_SPACE ? RC_OK : second; /* One is enough to go by. */
}

/* ---- while it is in use ---- */

static bool
is_live(struct rc_wal_files *files, uint64_t number)
{
    bool found = false;
    pthread_mutex_lock(&files->mutex);
    for (size_t i = 0; i < files->live_count; i++)
        found = found || files->live[i].header.number == number;
    pthread_mutex_unlock(&files->mutex);
    return found;
}

static enum rc_status
copy_live(struct rc_wal_files *files, struct rc_wal_file **ret_live, size_t *ret_count)
{
    enum rc_status status = RC_OK;
    pthread_mutex_lock(&files->mutex);
    const size_t bytes = files->live_count * sizeof(files->live[0]);
    struct rc_wal_file *live = rc_alloc(bytes);
    if (live == NULL)
        status = RC_NO_MEMORY;
    else if (bytes > 0)
        memcpy(live, files->live, bytes);
    *ret_count = files->live_count;
    pthread_mutex_unlock(&files->mutex);
    *ret_live = live;
    return status;
}

/* Whether the file under a live name is the one that is in use. */
static enum rc_status
look_at(struct rc_wal_files *files, const struct rc_wal_file *live, struct rc_error *reterr_error)
{
    unsigned char block[RC_WAL_HEADER_BYTES];
    struct rc_wal_header header;
    size_t got = 0;
    RC_CLEANUP(rc_file_closep) struct rc_file *file = NULL;
    const enum rc_status status = rc_wal_files_use(files, live->header.number, &file, reterr_error);
    if (status == RC_OK)
        RC_TRY(rc_file_read_at(file, block, sizeof(block), 0, &got, reterr_error));
    else if (status != RC_NOT_FOUND)
        return status;
    if (got == sizeof(block) && rc_wal_header_decode(block, &header) &&
        header.salt == live->header.salt)
        return RC_OK;
    if (!is_live(files, live->header.number))
        return RC_OK; /* Trimmed meanwhile. */
    return rc_error_set(reterr_error, RC_CORRUPT,
                        "log file wal-%016" PRIx64 ".log, which is in use, is %s",
                        live->header.number, status == RC_OK ? "damaged" : "missing");
}

enum rc_status
rc_wal_files_check(struct rc_wal_files *files, struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_alloc_freep) struct rc_wal_file *live = NULL;
    size_t count = 0;
    RC_TRY_OR(reterr_error, copy_live(files, &live, &count));
    for (size_t i = 0; i < count; i++)
        RC_TRY(look_at(files, &live[i], reterr_error));
    const struct rc_wal_mark_place place = {files->mark_path, files->log};
    struct rc_wal_mark mark; /* Of the two one is intact while the other is written. */
    return rc_wal_mark_read(files->disk, place, &mark, reterr_error);
}
