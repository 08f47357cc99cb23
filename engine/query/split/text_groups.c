/*
 * Text groups. The texts of each slab ascend, so a cursor a slab and a heap of cursors by key give
 * all of them in one order: equal strings come one after the other, and nothing is hashed but a
 * look at the strings that the query knows otherwise. A group takes 8 bytes, whatever its string.
 */
#include "engine/query/split/text_groups.h"

#include <string.h>

#include "engine/base/assert.h"

/* Steps between two looks at the cancel flag: about a millisecond. */
#define STEPS_BETWEEN_LOOKS 8192u
#define GROUPS_MAX ((uint32_t)1 << 31)

struct place {
    uint32_t source;
    uint32_t text;
};

struct rc_text_groups {
    const struct rc_text_source *sources;
    struct rc_account *account;
    struct place *places; /* By index of group. */
    size_t capacity;
    uint32_t count;
};

/* The merge, while it lasts. */
struct merging {
    struct rc_text_groups *groups;
    const struct rc_dictionary *known;
    uint32_t known_count;
    struct rc_text_cursor *cursors; /* By source. */
    uint32_t *heap;                 /* Sources that have texts left, the least key at 0. */
    uint32_t heap_count;
    struct rc_writer last; /* The string met last, */
    uint32_t last_group;   /* and its group; RC_GROUP_UNSET: none yet. */
};

struct rc_text_groups *
rc_text_groups_free(struct rc_text_groups *groups)
{
    if (groups != NULL)
        rc_alloc_free(groups->places);
    return rc_alloc_free(groups);
}

static bool
before(const struct merging *merging, uint32_t a, uint32_t b)
{
    const int order = rc_bytes_compare(merging->cursors[a].key, merging->cursors[b].key);
    return order != 0 ? order < 0 : a < b;
}

/* Moves heap[at] down to where no child is before its parent. */
static void
sift(struct merging *merging, uint32_t at)
{
    uint32_t *heap = merging->heap;
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= merging->heap_count)
            return;
        if (child + 1 < merging->heap_count && before(merging, heap[child + 1], heap[child]))
            child++;
        if (!before(merging, heap[child], heap[at]))
            return;
        const uint32_t swap = heap[at];
        heap[at] = heap[child];
        heap[child] = swap;
        at = child;
    }
}

/* The group of the string that the cursor of source stands on. */
static enum rc_status
group_of(struct merging *merging, uint32_t source, uint32_t *ret_group)
{
    struct rc_text_groups *groups = merging->groups;
    const struct rc_text_cursor *cursor = &merging->cursors[source];
    const struct rc_bytes last = {(const char *)merging->last.data, merging->last.size};
    if (merging->last_group == RC_GROUP_UNSET || !rc_bytes_equal(cursor->key, last)) {
        uint32_t group = rc_dictionary_find(merging->known, cursor->key);
        if (group == RC_CODE_NONE) {
            if (groups->count >= GROUPS_MAX - merging->known_count)
                return RC_LIMIT_EXCEEDED;
            RC_TRY(RC_GROW_IN(groups->account, groups->places, groups->capacity,
                              (size_t)groups->count + 1));
            groups->places[groups->count] = (struct place){source, cursor->number};
            group = merging->known_count + groups->count++;
        }
        merging->last_group = group;
        merging->last.size = 0;
        rc_write_raw(&merging->last, cursor->key.data, cursor->key.size);
        if (merging->last.failed)
            return RC_NO_MEMORY;
    }
    *ret_group = merging->last_group;
    return RC_OK;
}

/* Takes the least text, and goes on to the next one of its source. */
static enum rc_status
step(struct merging *merging)
{
    const uint32_t index = merging->heap[0];
    const struct rc_text_source *source = &merging->groups->sources[index];
    struct rc_text_cursor *cursor = &merging->cursors[index];
    if (source->sets[cursor->number] == RC_GROUP_UNSET)
        RC_TRY(group_of(merging, index, &source->sets[cursor->number]));
    if (cursor->number + 1 < source->end)
        RC_TRY(rc_text_cursor_next(cursor));
    else
        merging->heap[0] = merging->heap[--merging->heap_count];
    sift(merging, 0);
    return RC_OK;
}

static enum rc_status
merge(struct merging *merging, const _Atomic(bool) *cancel)
{
    for (uint32_t i = merging->heap_count / 2; i-- > 0;)
        sift(merging, i);
    for (uint64_t steps = 0; merging->heap_count > 0; steps++) {
        if (steps % STEPS_BETWEEN_LOOKS == 0 && cancel != NULL &&
            atomic_load_explicit(cancel, memory_order_relaxed))
            return RC_CANCELLED;
        RC_TRY(step(merging));
    }
    return RC_OK;
}

static enum rc_status
open_and_merge(struct merging *merging,
               uint32_t source_count,
               const _Atomic(bool) *cancel,
               struct rc_account *account)
{
    for (uint32_t i = 0; i < source_count; i++) {
        const struct rc_text_source *source = &merging->groups->sources[i];
        RC_ASSERT(source->end <= source->texts.count);
        rc_text_cursor_open(&merging->cursors[i], &source->texts, account);
        if (source->first >= source->end)
            continue;
        RC_TRY(rc_text_cursor_seek(&merging->cursors[i], source->first));
        merging->heap[merging->heap_count++] = i;
    }
    return merge(merging, cancel);
}

enum rc_status
rc_text_groups_new(const struct rc_text_source *sources,
                   uint32_t source_count,
                   const struct rc_dictionary *known,
                   const _Atomic(bool) *cancel,
                   struct rc_account *account,
                   struct rc_text_groups **ret_groups)
{
    RC_CLEANUP(rc_text_groups_freep)
    struct rc_text_groups *groups = rc_alloc_in(account, sizeof(*groups));
    if (groups == NULL)
        return RC_NO_MEMORY;
    *groups = (struct rc_text_groups){.sources = sources, .account = account};
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(account, 0);
    if (arena == NULL)
        return RC_NO_MEMORY;
    struct merging merging = {.groups = groups,
                              .known = known,
                              .known_count = rc_dictionary_count(known),
                              .cursors = RC_ARENA_ARRAY(arena, struct rc_text_cursor, source_count),
                              .heap = RC_ARENA_ARRAY(arena, uint32_t, source_count),
                              .last_group = RC_GROUP_UNSET};
    if (merging.cursors == NULL || merging.heap == NULL)
        return RC_NO_MEMORY;
    const enum rc_status status = open_and_merge(&merging, source_count, cancel, account);
    for (uint32_t i = 0; i < source_count; i++)
        rc_text_cursor_close(&merging.cursors[i]);
    rc_writer_close(&merging.last);
    RC_TRY(status);
    *ret_groups = RC_TAKE(groups);
    return RC_OK;
}

uint32_t
rc_text_groups_count(const struct rc_text_groups *groups)
{
    return groups->count;
}

enum rc_status
rc_text_groups_key(const struct rc_text_groups *groups,
                   uint32_t index,
                   struct rc_arena *arena,
                   struct rc_bytes *ret_key)
{
    RC_ASSERT(index < groups->count);
    const struct place place = groups->places[index];
    RC_CLEANUP(rc_text_cursor_close) struct rc_text_cursor cursor;
    rc_text_cursor_open(&cursor, &groups->sources[place.source].texts, NULL);
    RC_TRY(rc_text_cursor_seek(&cursor, place.text));
    const char *copy = rc_arena_copy(arena, cursor.key.data, cursor.key.size);
    if (copy == NULL)
        return RC_NO_MEMORY;
    *ret_key = (struct rc_bytes){copy, cursor.key.size};
    return RC_OK;
}
