/*
 * Text sort. What all keys of a part have in common is skipped; the eight bytes behind it are a
 * number, by which the part is sorted in linear time (key_sort.h); the few keys that agree in those
 * are parts of their own. Texts that hardly repeat differ soon behind their common beginning, so
 * that two rounds do for nearly all, and no byte is compared twelve times as by comparing pairs.
 *
 * Small parts, and what is left after ROUNDS_MAX, are sorted by comparing.
 */
#include "engine/store/builder/text_sort.h"

#include <stdlib.h>
#include <string.h>

#include "engine/store/builder/key_sort.h"

#define PART_MIN 24u
#define ROUNDS_MAX 16u

struct sorting {
    struct rc_text_item *items;
    struct rc_text_item *moved; /* Room for as many. */
    struct rc_keyed *keyed;
    struct rc_keyed *swap;
};

static int
compare_items(const void *a, const void *b)
{
    const struct rc_text_item *x = a;
    const struct rc_text_item *y = b;
    return rc_bytes_compare(x->key, y->key);
}

/* How many bytes all keys of a part share, given that they share the first from. */
static size_t
shared_by_all(const struct rc_text_item *items, uint32_t count, size_t from)
{
    const struct rc_bytes first = items[0].key;
    size_t shared = first.size;
    for (uint32_t i = 1; i < count && shared > from; i++) {
        const struct rc_bytes key = items[i].key;
        const size_t size_max = shared < key.size ? shared : key.size;
        shared = from + rc_bytes_common(first.data + from, key.data + from, size_max - from);
    }
    return shared;
}

/* The bytes [from, from + 8) of a key as a number in the order of keys; zeros behind its end. */
static uint64_t
word_at(struct rc_bytes key, size_t from)
{
    unsigned char bytes[8] = {0};
    if (key.size > from)
        memcpy(bytes, key.data + from, key.size - from < 8 ? key.size - from : 8);
    uint64_t word;
    memcpy(&word, bytes, sizeof(word));
    return __builtin_bswap64(word);
}

static void
sort_part(const struct sorting *sorting,
          uint32_t start,
          uint32_t end,
          size_t shared,
          uint32_t round)
{
    struct rc_text_item *items = sorting->items + start;
    struct rc_keyed *keyed = sorting->keyed + start;
    const uint32_t count = end - start;
    if (count < PART_MIN || round == ROUNDS_MAX) {
        qsort(items, count, sizeof(*items), compare_items);
        return;
    }
    const size_t from = shared_by_all(items, count, shared);
    for (uint32_t i = 0; i < count; i++)
        keyed[i] = (struct rc_keyed){.key = word_at(items[i].key, from), .value = i};
    rc_key_sort(keyed, sorting->swap, count, 0);
    for (uint32_t i = 0; i < count; i++)
        sorting->moved[i] = items[keyed[i].value];
    memcpy(items, sorting->moved, count * sizeof(*items));
    for (uint32_t i = 0; i < count;) {
        uint32_t next = i + 1;
        while (next < count && keyed[next].key == keyed[i].key)
            next++;
        /* A key of a part is no longer needed once the part is sorted. */
        if (next - i > 1)
            sort_part(sorting, start + i, start + next, from, round + 1);
        i = next;
    }
}

enum rc_status
rc_text_sort(struct rc_text_item *items, uint32_t count, struct rc_arena *scratch)
{
    const size_t room = count;
    const struct sorting sorting = {
        .items = items,
        .moved = rc_arena_alloc(scratch, room * sizeof(*sorting.moved)),
        .keyed = rc_arena_alloc(scratch, room * sizeof(*sorting.keyed)),
        .swap = rc_arena_alloc(scratch, room * sizeof(*sorting.swap)),
    };
    if (count < 2)
        return RC_OK;
    if (sorting.moved == NULL || sorting.keyed == NULL || sorting.swap == NULL)
        return RC_NO_MEMORY;
    sort_part(&sorting, 0, count, 0, 0);
    return RC_OK;
}
