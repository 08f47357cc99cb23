/*
 * The log's files, inside: what wal_files.c (opening, taking into use), wal_newest.c (the mark),
 * wal_ready.c (the helper that makes the next one ready) and wal_trim.c (recycling, removing)
 * share.
 *
 * Threading: the mutex guards the lists and what follows it in the struct; I/O is done outside it.
 *            The mark is of whoever opens the files, and then of whoever takes them into use.
 */
#ifndef RC_DURABLE_WAL_FILES_STATE_H
#define RC_DURABLE_WAL_FILES_STATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/durable/wal_files.h"

#define RC_WAL_SPARES_MAX 2

/* A file that is ready to be taken into use; file NULL: there is none. */
struct rc_wal_ready {
    struct rc_wal_file live;
    struct rc_file *file; /* Owned. */
};

struct rc_wal_files {
    struct rc_disk *disk;
    char *directory;
    uint64_t file_bytes;

    char *mark_path;           /* NULL: no mark is kept. */
    struct rc_file *mark_file; /* Owned; NULL before the start. */
    struct rc_wal_mark mark;   /* As it is on disk; log 0: it is not. */
    uint64_t log;              /* The log's number, from the start on. */

    pthread_mutex_t mutex;
    pthread_cond_t changed; /* A next file was asked for or made, or the helper is to stop. */
    struct rc_wal_file *live;
    size_t live_count;
    size_t live_capacity;
    uint64_t *spares; /* Numbers, as in their names. */
    size_t spare_count;
    size_t spare_capacity;
    uint64_t *strays; /* Numbers. */
    size_t stray_count;
    size_t stray_capacity;
    struct rc_wal_ready next;
    uint64_t number_last; /* Of any name ever seen: new names are above it. */
    uint64_t sync_count;
    uint64_t rounds_begun; /* Of the helper, which makes one file a round or fails: */
    uint64_t rounds_ended; /* one begun before somebody waits says nothing to him then. */
    enum rc_status round_status;
    struct rc_error round_error;
    pthread_t helper;
    bool helper_started;
    bool next_wanted;  /* By a round that has not begun. */
    bool next_awaited; /* The log cannot go on without it. */
    bool erasing;      /* What trimmed files hold must not stay: none is recycled. */
    bool stopping;
};

/* The path of a file, an rc_alloc block. */
RC_MUST_USE enum rc_status
rc_wal_files_path(const struct rc_wal_files *files,
                  bool spare,
                  uint64_t number,
                  char **ret_path,
                  struct rc_error *reterr_error);

/* Syncs a file, and counts that. */
RC_MUST_USE enum rc_status
rc_wal_files_sync(struct rc_wal_files *files, struct rc_file *file, struct rc_error *reterr_error);

/* Removes a file as rc_disk_remove_gently does. */
RC_MUST_USE enum rc_status
rc_wal_files_remove(struct rc_wal_files *files,
                    bool spare,
                    uint64_t number,
                    uint64_t pause_ns,
                    struct rc_error *reterr_error);

RC_MUST_USE enum rc_status
rc_wal_files_write_header(struct rc_file *file,
                          const struct rc_wal_header *header,
                          struct rc_error *reterr_error);

/* Puts a spare on the list, unless it is for recycling and what it holds must not stay: false.
 * Without memory for that it is found at the next start. */
bool
rc_wal_files_list_spare(struct rc_wal_files *files, uint64_t spare, bool for_recycling);

/* The helper thread. */
void *
rc_wal_files_helper(void *files);

#endif
