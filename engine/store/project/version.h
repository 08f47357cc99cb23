/*
 * Version: which slabs and heads a project is made of, which of their rows are dead, who was
 * deleted. A version that was published never changes; a writer copies the newest one, changes the
 * copy and publishes that.
 *
 * A dead set is a plain bit array beside its slab or chunk: slabs themselves never change, cached
 * bitmaps stay raw, and dead rows are taken off when they are read.
 *
 * Ownership: counted. A version holds references to its slabs, heads and dead sets.
 * Threading: a draft belongs to one writer; a published version is read by any thread.
 * Errors:    RC_NO_MEMORY leaves the draft usable and its content as it was.
 */
#ifndef RC_STORE_PROJECT_VERSION_H
#define RC_STORE_PROJECT_VERSION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/store/head/head.h"
#include "engine/store/slab/slab.h"
#include "engine/store/users/gone.h"

struct rc_dead {
    _Atomic(uint32_t) references;
    uint32_t count; /* Bits set. */
    uint32_t word_count;
    uint64_t words[];
};

/* All zero. row_count is rounded up to whole blocks. */
RC_MUST_USE enum rc_status
rc_dead_new(struct rc_account *account, uint32_t row_count, struct rc_dead **ret_dead);

struct rc_dead *
rc_dead_unref(struct rc_dead *dead);

RC_DEFINE_CLEANUP(struct rc_dead *, rc_dead_unref)

static inline bool
rc_dead_has(const struct rc_dead *dead, uint32_t row)
{
    return dead != NULL && (dead->words[row / 64] >> (row % 64) & 1) != 0;
}

struct rc_version_slab {
    struct rc_slab *slab;
    uint64_t id;
    struct rc_dead *dead; /* NULL: none. */
};

/* Its live rows. */
static inline uint32_t
rc_version_slab_rows(const struct rc_version_slab *slab)
{
    return rc_slab_get_info(slab->slab)->row_count - (slab->dead == NULL ? 0 : slab->dead->count);
}

struct rc_version_head {
    struct rc_head *head;
    struct rc_dead *dead[RC_HEAD_CHUNKS_MAX]; /* By chunk. */
};

struct rc_version {
    _Atomic(uint32_t) references;
    struct rc_account *account;
    uint32_t slab_count;
    uint32_t head_count; /* The last is the one that rows are appended to; the others are full. */
    struct rc_version_slab *slabs; /* By (start of the window, longer first, id). */
    struct rc_version_head *heads;
    struct rc_gone *gone;   /* Users whose rows are all dead; NULL: none. */
    int64_t cut_ms;         /* Rows before it are dead: retention. INT64_MIN: none. */
    int64_t erase_asked_ms; /* When the first deletion was asked for of which something is still on
                               disk; 0: of none. */
    /* What a window of 28 days and one of 7 hold before they are divided (intake/windows.h). */
    uint64_t window_rows_max;
    uint64_t week_rows_max;
};

/* A version of no slab and one head. */
RC_MUST_USE enum rc_status
rc_version_new(struct rc_account *account, struct rc_head *head, struct rc_version **ret_version);

struct rc_version *
rc_version_ref(struct rc_version *version);

struct rc_version *
rc_version_unref(struct rc_version *version);

RC_DEFINE_CLEANUP(struct rc_version *, rc_version_unref)

/* A copy that may be changed until it is published. */
RC_MUST_USE enum rc_status
rc_version_draft(const struct rc_version *version, struct rc_version **ret_draft);

/* Marks a row dead. *ret_newly: it was alive. */
RC_MUST_USE enum rc_status
rc_version_kill_slab_row(struct rc_version *draft, uint32_t slab, uint32_t row, bool *ret_newly);

RC_MUST_USE enum rc_status
rc_version_kill_head_row(struct rc_version *draft,
                         uint32_t head,
                         uint32_t chunk,
                         uint32_t row,
                         bool *ret_newly);

/* Adds a head behind the others. Takes a reference of its own. */
RC_MUST_USE enum rc_status
rc_version_add_head(struct rc_version *draft, struct rc_head *head);

void
rc_version_remove_head(struct rc_version *draft, uint32_t head);

/* Adds a slab in its place; dead may be NULL. Takes references of its own. */
RC_MUST_USE enum rc_status
rc_version_add_slab(struct rc_version *draft,
                    struct rc_slab *slab,
                    uint64_t id,
                    struct rc_dead *dead);

void
rc_version_remove_slab(struct rc_version *draft, uint32_t slab);

/* Puts another form of the same slab (hot or cold) in its place. Takes a reference of its own. */
void
rc_version_exchange_slab(struct rc_version *draft, uint32_t slab, struct rc_slab *same);

/* The same for many at once, in time linear in the slabs: those added are in order of (window, id),
 * those removed, given by their ids, in the order of the version. */
RC_MUST_USE enum rc_status
rc_version_add_slabs(struct rc_version *draft,
                     struct rc_slab *const *slabs,
                     const uint64_t *ids,
                     uint32_t count);

void
rc_version_remove_slabs(struct rc_version *draft, const uint64_t *ids, uint32_t count);

/* The place of a slab by its window and id; slab_count when it is not there. O(log). */
uint32_t
rc_version_place_slab(const struct rc_version *version, struct rc_window window, uint64_t id);

/* The place of a slab by id; slab_count when it is not there. */
uint32_t
rc_version_find_slab(const struct rc_version *version, uint64_t id);

/* The place of a head; head_count when it is not there. */
uint32_t
rc_version_find_head(const struct rc_version *version, const struct rc_head *head);

#endif
