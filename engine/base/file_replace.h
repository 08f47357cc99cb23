/*
 * Replacement: a file that is written piece by piece under a temporary name (the path with ".new")
 * and takes the place of path when it is whole and durable.
 *
 * Each piece is on the disk before the next is made, with a rest between where somebody else syncs
 * (file_gentle.h): a large file does not pile up in the page cache.
 *
 * Ownership: the caller's struct; rc_replacement_close gives up what was not committed.
 * Threading: one thread.
 * Errors:    those of file.h. After a failure path is what it was, unless only the last step of the
 *            commit failed: then it is new but a power cut may bring the old one back.
 */
#ifndef RC_BASE_FILE_REPLACE_H
#define RC_BASE_FILE_REPLACE_H

#include "engine/base/bytes.h"
#include "engine/base/file.h"

#define RC_REPLACEMENT_PIECE_BYTES ((size_t)1 << 20)

struct rc_replacement {
    struct rc_disk *disk;
    char *path;
    char *temporary;
    struct rc_file *file;
    uint64_t size;     /* Written so far. */
    uint64_t pause_ns; /* Of rc_file_write_gently; set by the caller after the open. */
    enum rc_status status;
    struct rc_error error;
};

RC_MUST_USE enum rc_status
rc_replacement_open(struct rc_disk *disk,
                    const char *path,
                    struct rc_replacement *ret_replacement,
                    struct rc_error *reterr_error);

/* Writes behind what is there. */
RC_MUST_USE enum rc_status
rc_replacement_write(struct rc_replacement *replacement,
                     const void *data,
                     size_t size,
                     struct rc_error *reterr_error);

/* An empty writer whose bytes go into the replacement a piece at a time. A failure makes the writer
 * fail, and rc_replacement_finish says why. */
struct rc_writer
rc_replacement_writer(struct rc_replacement *replacement);

/* Writes what the writer still holds. */
RC_MUST_USE enum rc_status
rc_replacement_finish(struct rc_replacement *replacement,
                      struct rc_writer *writer,
                      struct rc_error *reterr_error);

/* Syncs, renames over path, syncs the directory. */
RC_MUST_USE enum rc_status
rc_replacement_commit(struct rc_replacement *replacement, struct rc_error *reterr_error);

/* The same for several in one directory, none of which is renamed before all are synced: then the
 * first sync finds nearly all there is to write, and the others nothing, and the directory is
 * synced once. On an error some may have been renamed. */
RC_MUST_USE enum rc_status
rc_replacements_commit(struct rc_replacement *replacements,
                       uint32_t count,
                       struct rc_error *reterr_error);

/* Removes the temporary file unless it was committed. For RC_CLEANUP on the struct itself. */
void
rc_replacement_close(struct rc_replacement *replacement);

#endif
