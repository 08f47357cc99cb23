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

/* The same. */
static enum rc_status
see_log_file(void *context, const char *name)
{
    bool *seen = context;
    bool spare = false;
    uint64_t number;
    if (rc_wal_name_parse(name, &spare, &number) && !spare)
        *seen = true;
    return RC_OK;
}

/* A directory that is missing holds nothing. */
static enum rc_status
look(struct rc_disk *disk,
     const char *directory,
     const char *below,
     enum rc_status (*see)(void *context, const char *name),
     bool *seen,
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
    bool has_log = false;
    RC_TRY(look(disk, directory, "projects", see_any, &has_project, reterr_error));
    RC_TRY(look(disk, directory, "wal", see_log_file, &has_log, reterr_error));
    return !has_project || has_log
               ? RC_OK
               : rc_error_set(
                     reterr_error, RC_CORRUPT,
                     "%.300s has projects, but neither a MANIFEST nor a log: restore them, "
                     "or a backup",
                     directory);
}
