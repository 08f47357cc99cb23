/*
 * A disk in memory that fails on request and forgets at a power cut what was not synced.
 *
 * What a power cut may leave, as on ext4 with its journal and with 512-byte sectors that are
 * written whole or not at all:
 *   - of a file: each sector that was written since the last sync of the file is as it was at that
 *     sync or after any of the writes since, each sector by itself; the size likewise;
 *   - of a directory: of the creations, renames and removals since its last sync, the first few.
 *
 * Calls are counted: every operation but close and size. The n-th can fail once, or be the
 * moment of the power cut; it may then have happened or not, or in part.
 *
 * Ownership: whoever made the disk frees it, after its files were closed.
 * Threading: any thread; one mutex. Which call is the n-th depends on the scheduler when several
 *            threads use the disk, so only single-threaded rounds repeat exactly from their seed.
 * Errors:    as in file.h; the test's own calls abort on misuse.
 */
#ifndef RC_TESTS_BASE_DISK_FAULTY_H
#define RC_TESTS_BASE_DISK_FAULTY_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/file.h"

struct rc_disk_faulty;

/* An empty disk: the directories "/" and "." exist, are one, and are durable. */
struct rc_disk_faulty *
rc_disk_faulty_new(uint64_t seed);

/* NULL is fine. Returns NULL. */
struct rc_disk_faulty *
rc_disk_faulty_free(struct rc_disk_faulty *faulty);

RC_DEFINE_CLEANUP(struct rc_disk_faulty *, rc_disk_faulty_free)

/* The disk to hand to the engine. Borrowed. */
struct rc_disk *
rc_disk_faulty_disk(struct rc_disk_faulty *faulty);

/* Calls counted since the disk was made or since the last fail_at or cut_at. */
uint64_t
rc_disk_faulty_calls(struct rc_disk_faulty *faulty);

/* The n-th call from now (1 = the next) fails once with status; 0 switches it off. */
void
rc_disk_faulty_fail_at(struct rc_disk_faulty *faulty, uint64_t n, enum rc_status status);

/* At the n-th call from now the power goes: it and all later ones fail with RC_IO. 0: off. */
void
rc_disk_faulty_cut_at(struct rc_disk_faulty *faulty, uint64_t n);

/* Whether the power is off. */
bool
rc_disk_faulty_is_cut(struct rc_disk_faulty *faulty);

/* Cuts the power now. */
void
rc_disk_faulty_cut(struct rc_disk_faulty *faulty);

/* Decides what the power cut left (everything unsynced is at risk, even without a cut before) and
 * switches on again. Files that are still open are dead: every call on them fails. */
void
rc_disk_faulty_reboot(struct rc_disk_faulty *faulty);

/* The sum of file sizes that writes may reach; past it they get RC_NO_SPACE. 0: none. */
void
rc_disk_faulty_set_quota(struct rc_disk_faulty *faulty, uint64_t bytes_max);

/* The sum of the sizes of all files. */
uint64_t
rc_disk_faulty_used(struct rc_disk_faulty *faulty);

/* Damage: xors one byte of a file with mask, synced and current content alike. */
void
rc_disk_faulty_flip(struct rc_disk_faulty *faulty, const char *path, uint64_t offset, uint8_t mask);

/* Damage: puts bytes in place, synced and current content alike. Must lie within the file. */
void
rc_disk_faulty_poke(struct rc_disk_faulty *faulty,
                    const char *path,
                    uint64_t offset,
                    const void *data,
                    size_t size);

/* The current content of a file. Borrowed until the next call on the disk. */
const void *
rc_disk_faulty_peek(struct rc_disk_faulty *faulty, const char *path, size_t *ret_size);

#endif
