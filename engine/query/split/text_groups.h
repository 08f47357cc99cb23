/*
 * Text groups: one group for each distinct string among the sorted texts of several slabs, without
 * a copy of any: a group knows where its string stands first.
 *
 * Ownership: opaque; charges the account given; borrows the texts, which must outlive it.
 * Threading: made by one thread, then read by any.
 * Errors:    RC_NO_MEMORY, RC_CORRUPT, RC_CANCELLED. RC_LIMIT_EXCEEDED: more than 2^31 groups.
 */
#ifndef RC_QUERY_SPLIT_TEXT_GROUPS_H
#define RC_QUERY_SPLIT_TEXT_GROUPS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/store/dictionary/dictionary.h"
#include "engine/store/texts/texts.h"

struct rc_text_groups;

/* A text that has no set of groups yet. */
#define RC_GROUP_UNSET UINT32_MAX

/* The texts [first, end) of a slab that are strings. sets, by text number, gets the group of each
 * that is RC_GROUP_UNSET in it. */
struct rc_text_source {
    struct rc_texts texts;
    uint32_t first;
    uint32_t end;
    uint32_t *sets;
};

/* A string that known has is in the group of its code there; the others get groups that count on
 * from there, in ascending order. sources are borrowed; known is read during the call only. */
RC_MUST_USE enum rc_status
rc_text_groups_new(const struct rc_text_source *sources,
                   uint32_t source_count,
                   const struct rc_dictionary *known,
                   const _Atomic(bool) *cancel, /* NULL: never. */
                   struct rc_account *account,
                   struct rc_text_groups **ret_groups);

struct rc_text_groups *
rc_text_groups_free(struct rc_text_groups *groups);

RC_DEFINE_CLEANUP(struct rc_text_groups *, rc_text_groups_free)

/* How many it added. */
uint32_t
rc_text_groups_count(const struct rc_text_groups *groups);

/* The string of the index-th group, as the key of a value (store/value/value_key.h), in arena. */
RC_MUST_USE enum rc_status
rc_text_groups_key(const struct rc_text_groups *groups,
                   uint32_t index,
                   struct rc_arena *arena,
                   struct rc_bytes *ret_key);

#endif
