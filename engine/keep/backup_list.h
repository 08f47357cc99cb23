/*
 * Backup list: the file BACKUP of a backup: which files it consists of, with their sizes and
 * checksums. It is written last: a directory without one is no backup, or not a whole one.
 *
 *   recount backup 1
 *   position 4711
 *   file 7a3f0c11 48390208 projects/shop@0000000000000001/slab-00000000000000b1
 *   ...
 *   end 0badc0de
 *
 * Text, so that a person or a script can read it. Numbers after "file": CRC32C in hexadecimal, size
 * in bytes. The number after "end" is the CRC32C of every byte before that line.
 *
 * Ownership: a list owns its paths.
 * Errors:    RC_CORRUPT names the line.
 */
#ifndef RC_KEEP_BACKUP_LIST_H
#define RC_KEEP_BACKUP_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/bytes.h"
#include "engine/base/file.h"
#include "engine/base/status.h"

#define RC_BACKUP_LIST_NAME "BACKUP"
#define RC_BACKUP_PATH_BYTES_MAX 192u

struct rc_backup_file {
    uint32_t crc32c;
    uint64_t size;
    char path[RC_BACKUP_PATH_BYTES_MAX]; /* From the backup's directory. */
};

struct rc_backup_list {
    uint64_t position; /* The log record up to which the backup holds everything. */
    size_t count;
    size_t capacity;
    struct rc_backup_file *files;
};

void
rc_backup_list_close(struct rc_backup_list *list);

RC_MUST_USE enum rc_status
rc_backup_list_add(struct rc_backup_list *list,
                   const char *path,
                   uint64_t size,
                   uint32_t crc32c,
                   struct rc_error *reterr_error);

/* Writes the list of a backup's directory, durably. */
RC_MUST_USE enum rc_status
rc_backup_list_write(struct rc_disk *disk,
                     const char *directory,
                     const struct rc_backup_list *list,
                     struct rc_error *reterr_error);

/* Reads it back into an empty list. RC_NOT_FOUND: the directory has none. A path that leads out of
 * the directory is RC_CORRUPT. */
RC_MUST_USE enum rc_status
rc_backup_list_read(struct rc_disk *disk,
                    const char *directory,
                    struct rc_backup_list *list,
                    struct rc_error *reterr_error);

#endif
