#include "engine/keep/lost_manifest.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/durable/wal_format.h"
#include "engine/keep/checkpoint.h"

/* Callback of a listing. */
static enum rc_status
see_any(void *context, const char *name)
{
    bool *seen = context;
    (void)name;
    *seen = true;
    return RC_OK;
}

struct log_look {
    struct rc_disk *disk;
    const char *directory;
    bool begins; /* With the first record, or nobody can tell. */
};

/* The same. A file whose header cannot be read is for whoever reads the log. */
static enum rc_status
see_log_file(void *context, const char *name)
{
    struct log_look *look = context;
    char path[RC_PATH_BYTES_MAX];
    unsigned char block[RC_WAL_HEADER_BYTES];
    struct rc_wal_header header = {0};
    bool spare = false;
    uint64_t number;
    size_t size = 0;
    if (!rc_wal_name_parse(name, &spare, &number) || spare)
        return RC_OK;
    (void)snprintf(path, sizeof(path), "%.3000s/wal/%.300s", look->directory, name);
    RC_CLEANUP(rc_file_closep) struct rc_file *file = NULL;
    RC_TRY(rc_file_open(look->disk, path, RC_FILE_READ, &file, NULL));
    RC_TRY(rc_file_read_at(file, block, sizeof(block), 0, &size, NULL));
    if (size < sizeof(block) || !rc_wal_header_decode(block, &header) || header.sequence_first == 1)
        look->begins = true;
    return RC_OK;
}

/* A directory that is missing holds nothing. */
static enum rc_status
look(struct rc_disk *disk,
     const char *directory,
     const char *below,
     enum rc_status (*see)(void *context, const char *name),
     void *seen,
     struct rc_error *reterr_error)
{
    char path[RC_PATH_BYTES_MAX];
    const int size = snprintf(path, sizeof(path), "%s/%s", directory, below);
    if (size < 0 || (size_t)size >= sizeof(path))
        return rc_error_set(reterr_error, RC_LIMIT_EXCEEDED,
                            "the data directory's path is too long");
    const enum rc_status status = rc_disk_list(disk, path, see, seen, reterr_error);
    return status == RC_NOT_FOUND ? RC_OK : status;
}

enum rc_status
rc_lost_manifest_check(struct rc_disk *disk, const char *directory, struct rc_error *reterr_error)
{
    bool has_project = false;
    struct log_look log = {.disk = disk, .directory = directory};
    RC_TRY(look(disk, directory, "projects", see_any, &has_project, reterr_error));
    RC_TRY(look(disk, directory, "wal", see_log_file, &log, reterr_error));
    return !has_project || log.begins
               ? RC_OK
               : rc_error_set(reterr_error, RC_CORRUPT,
                              "%.300s has projects, but neither a MANIFEST nor a log that begins "
                              "with the first record: restore them, or a backup",
                              directory);
}
