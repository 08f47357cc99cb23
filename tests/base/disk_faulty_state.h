/*
 * The faulty disk: inodes with two contents and a journal of name changes.
 *
 * An inode holds its synced bytes, its current bytes, and the writes and truncations between the
 * two. A sync carries the list over to the synced bytes. A power cut ("settle") carries over a
 * part: each sector gets a random moment and takes only what happened to it before that moment.
 * That is what a page cache written back at any time and in any order leaves behind.
 *
 * Names are whole paths in one flat, sorted table of (path, inode); directories are inodes too.
 * There are two such tables, durable and current, and the journal holds the changes between them in
 * order. Syncing a directory carries over the changes that touch it. A power cut stops each
 * directory's changes at a random place.
 *
 * The test's own memory is plain malloc and aborts when it runs out: it must not take part in the
 * accounting of the engine under test.
 */
#ifndef RC_TESTS_BASE_DISK_FAULTY_STATE_H
#define RC_TESTS_BASE_DISK_FAULTY_STATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/file_ops.h"
#include "tests/base/disk_faulty.h"

struct buffer {
    unsigned char *data;
    uint64_t size;
    uint64_t capacity;
};

/* A write of data at offset, or (data == NULL) a truncation to offset. */
struct change {
    uint64_t offset;
    uint64_t size;
    unsigned char *data;
};

struct inode {
    struct inode *next; /* All inodes of the disk, until it is freed or they are swept. */
    struct buffer synced;
    struct buffer current;
    struct change *changes;
    size_t change_count;
    size_t change_capacity;
    uint32_t open_count;
    bool directory;
    bool locked;
    bool marked; /* For the sweep. */
};

struct entry {
    char *path;
    struct inode *inode;
};

struct table {
    struct entry *entries;
    size_t count;
    size_t capacity;
};

/* to == NULL: from was removed; from == NULL: to was created; else from was renamed to to. */
struct name_change {
    char *from;
    char *to;
    struct inode *inode;
    bool done; /* Carried over already. */
};

struct rc_disk_faulty {
    struct rc_disk base;
    pthread_mutex_t mutex;
    uint64_t random;
    uint64_t calls;
    uint64_t fail_at;
    enum rc_status fail_status;
    uint64_t cut_at;
    bool cut;
    uint64_t life; /* Counts reboots: a file of an older life is dead. */
    uint64_t quota_bytes;
    struct inode *inodes;
    struct table current;
    struct table durable;
    struct name_change *journal;
    size_t journal_count;
    size_t journal_capacity;
};

void *
faulty_must(void *block);

void *
faulty_grown(void *array, size_t *capacity, size_t needed, size_t element_bytes);

uint64_t
faulty_random_below(struct rc_disk_faulty *faulty, uint64_t bound);

void
faulty_inode_change(struct inode *inode, const void *data, uint64_t size, uint64_t offset);

void
faulty_inode_sync(struct inode *inode);

/* Decides the fate of what is unsynced: synced becomes what a power cut now would leave. */
void
faulty_inode_settle(struct rc_disk_faulty *faulty, struct inode *inode);

/* What the machine sees after a reboot: the synced bytes. */
void
faulty_inode_restart(struct inode *inode);

struct inode *
faulty_inode_new(struct rc_disk_faulty *faulty, bool directory);

void
faulty_inode_free(struct inode *inode);

struct inode *
faulty_table_find(const struct table *table, const char *path);

void
faulty_table_clear(struct table *table);

/* The path without a leading "./": a name has one spelling in the tables. */
const char *
faulty_clean(const char *path);

/* The bytes of the parent's path in path; 0 means the root. */
size_t
faulty_parent_size(const char *path);

bool
faulty_is_root(const char *path);

bool
faulty_has_directory(const struct table *table, const char *path, size_t size);

/* Whether path lies directly in directory. */
bool
faulty_lies_in(const char *path, const char *directory);

void
faulty_journal_add(struct rc_disk_faulty *faulty,
                   const char *from,
                   const char *to,
                   struct inode *inode);

/* Drops the changes that are done, or all of them. */
void
faulty_journal_trim(struct rc_disk_faulty *faulty, bool all);

/* What a power cut leaves of the names. A change that did not happen (done stays false) stops every
 * later one of its directories. */
void
faulty_journal_settle(struct rc_disk_faulty *faulty);

/* Frees inodes that no name, no change of names and no open file leads to. */
void
faulty_sweep(struct rc_disk_faulty *faulty);

/* Carries over the changes that touch a directory. */
void
faulty_journal_sync_dir(struct rc_disk_faulty *faulty, const char *directory);

/* The sum of the sizes of all files that have a name. */
uint64_t
faulty_used_bytes(const struct rc_disk_faulty *faulty);

/* The disk's calls. */
extern const struct rc_disk_ops faulty_ops;

#endif
