/*
 * Key sort: a radix sort from the least byte up. A byte that all keys share is skipped: codes of a
 * small dictionary need two passes, (user, time) six or so. What differs is found by a pass of two
 * instructions a key, so that only the bytes that are sorted by are counted, a pair of them in one
 * pass. Few items are inserted one by one, since clearing the counts would cost more.
 */
#include "engine/store/builder/key_sort.h"

#include <string.h>

#define BYTES 8
#define FEW 48u

static void
insertion_sort(struct rc_keyed *items, uint32_t count, unsigned from_byte)
{
    const unsigned shift = 8 * from_byte;
    for (uint32_t i = 1; i < count; i++) {
        const struct rc_keyed item = items[i];
        uint32_t at = i;
        for (; at > 0 && items[at - 1].key >> shift > item.key >> shift; at--)
            items[at] = items[at - 1];
        items[at] = item;
    }
}

/* How many keys have which byte, at two places of them. */
static void
count_two(const struct rc_keyed *items,
          uint32_t count,
          unsigned first,
          unsigned second,
          uint32_t counts[2][256])
{
    memset(counts, 0, 2 * sizeof(counts[0]));
    for (uint32_t i = 0; i < count; i++) {
        counts[0][(items[i].key >> first) & 255]++;
        counts[1][(items[i].key >> second) & 255]++;
    }
}

static void
scatter(const struct rc_keyed *from,
        struct rc_keyed *to,
        uint32_t count,
        unsigned shift,
        const uint32_t counts[256])
{
    uint32_t next[256];
    uint32_t sum = 0;
    for (unsigned i = 0; i < 256; i++) {
        next[i] = sum;
        sum += counts[i];
    }
    for (uint32_t i = 0; i < count; i++)
        to[next[(from[i].key >> shift) & 255]++] = from[i];
}

void
rc_key_sort(struct rc_keyed *items, struct rc_keyed *scratch, uint32_t count, unsigned from_byte)
{
    if (count <= FEW) {
        insertion_sort(items, count, from_byte);
        return;
    }
    uint64_t differing = 0;
    for (uint32_t i = 0; i < count; i++)
        differing |= items[i].key ^ items[0].key;
    unsigned shifts[BYTES];
    unsigned passes = 0;
    for (unsigned byte = from_byte; byte < BYTES; byte++)
        if ((differing >> (8 * byte) & 255) != 0)
            shifts[passes++] = 8 * byte;
    struct rc_keyed *from = items;
    struct rc_keyed *to = scratch;
    uint32_t counts[2][256];
    for (unsigned pass = 0; pass < passes; pass++) {
        if (pass % 2 == 0)
            count_two(from, count, shifts[pass], shifts[pass + 1 < passes ? pass + 1 : pass],
                      counts);
        scatter(from, to, count, shifts[pass], counts[pass % 2]);
        struct rc_keyed *swap = from;
        from = to;
        to = swap;
    }
    if (from != items)
        memcpy(items, from, count * sizeof(*items));
}
