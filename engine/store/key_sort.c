/*
 * Key sort: a radix sort from the least byte up. All eight histograms come from one pass, and a
 * byte that all keys share is skipped: codes of a small dictionary need two passes, (user, time)
 * six or so. Few items are inserted one by one, since clearing the histograms would cost more.
 */
#include "engine/store/key_sort.h"

#include <stdbool.h>
#include <string.h>

#define BYTES 8
#define FEW 48u

static void
insertion_sort(struct rc_keyed *items, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        const struct rc_keyed item = items[i];
        uint32_t at = i;
        for (; at > 0 && items[at - 1].key > item.key; at--)
            items[at] = items[at - 1];
        items[at] = item;
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
rc_key_sort(struct rc_keyed *items, struct rc_keyed *scratch, uint32_t count)
{
    if (count <= FEW) {
        insertion_sort(items, count);
        return;
    }
    uint32_t counts[BYTES][256];
    memset(counts, 0, sizeof(counts));
    for (uint32_t i = 0; i < count; i++)
        for (unsigned byte = 0; byte < BYTES; byte++)
            counts[byte][(items[i].key >> (8 * byte)) & 255]++;
    struct rc_keyed *from = items;
    struct rc_keyed *to = scratch;
    for (unsigned byte = 0; byte < BYTES; byte++) {
        const bool shared = counts[byte][(items[0].key >> (8 * byte)) & 255] == count;
        if (shared)
            continue;
        scatter(from, to, count, 8 * byte, counts[byte]);
        struct rc_keyed *swap = from;
        from = to;
        to = swap;
    }
    if (from != items)
        memcpy(items, from, count * sizeof(*items));
}
