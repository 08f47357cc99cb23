/*
 * Fold: ASCII by arithmetic, the rest by binary search in the table. A fold can take one byte more
 * than its character (two bytes become three), never twice as many.
 */
#include "engine/match/leaf/fold.h"

#include "engine/match/leaf/fold_table.h"

#define RANGE_COUNT (sizeof(rc_fold_ranges) / sizeof(rc_fold_ranges[0]))

static uint32_t
fold_code_point(uint32_t point)
{
    size_t low = 0;
    size_t high = RANGE_COUNT;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (rc_fold_ranges[middle].last < point)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == RANGE_COUNT || point < rc_fold_ranges[low].first)
        return point;
    const struct rc_fold_range *range = &rc_fold_ranges[low];
    if ((point - range->first) % range->stride != 0)
        return point;
    return (uint32_t)((int32_t)point + range->delta);
}

/* Decodes one character of more than one byte; its size in *ret_size. text is UTF-8; what is cut
 * short at the end is taken byte by byte. */
static uint32_t
decode(const unsigned char *at, size_t left, size_t *ret_size)
{
    const size_t size = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc0 || size > left) {
        *ret_size = 1;
        return 0;
    }
    uint32_t point = at[0] & (0xffu >> (size + 1));
    for (size_t i = 1; i < size; i++)
        point = (point << 6) | (at[i] & 0x3fu);
    *ret_size = size;
    return point;
}

static size_t
encode(uint32_t point, unsigned char *out)
{
    if (point < 0x80) {
        out[0] = (unsigned char)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (unsigned char)(0xc0u | (point >> 6));
        out[1] = (unsigned char)(0x80u | (point & 0x3fu));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (unsigned char)(0xe0u | (point >> 12));
        out[1] = (unsigned char)(0x80u | ((point >> 6) & 0x3fu));
        out[2] = (unsigned char)(0x80u | (point & 0x3fu));
        return 3;
    }
    out[0] = (unsigned char)(0xf0u | (point >> 18));
    out[1] = (unsigned char)(0x80u | ((point >> 12) & 0x3fu));
    out[2] = (unsigned char)(0x80u | ((point >> 6) & 0x3fu));
    out[3] = (unsigned char)(0x80u | (point & 0x3fu));
    return 4;
}

struct rc_bytes
rc_fold_text(struct rc_bytes text, struct rc_writer *writer)
{
    writer->size = 0;
    unsigned char *out = rc_write_room(writer, text.size * 2);
    if (out == NULL)
        return (struct rc_bytes){NULL, 0};
    const unsigned char *in = (const unsigned char *)text.data;
    size_t used = 0;
    for (size_t at = 0; at < text.size;) {
        if (in[at] < 0x80) {
            const unsigned char byte = in[at++];
            out[used++] = byte >= 'A' && byte <= 'Z' ? (unsigned char)(byte + 32) : byte;
            continue;
        }
        size_t size;
        const uint32_t point = decode(in + at, text.size - at, &size);
        const uint32_t folded = size == 1 ? 0 : fold_code_point(point);
        if (size == 1 || folded == point) {
            memcpy(out + used, in + at, size);
            used += size;
        } else {
            used += encode(folded, out + used);
        }
        at += size;
    }
    writer->size = used;
    return (struct rc_bytes){(const char *)out, used};
}
