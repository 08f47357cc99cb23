/*
 * Each loop is written once and compiled for each width, so that the widths are constants in it.
 */
#include "engine/intake/batch_straight.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/intake/packed.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))

/* Counts the codes that are not set, and finds the least one less one: 0 wraps around to the top.
 */
static ALWAYS_INLINE void
rest_measure(const unsigned char *codes,
             uint32_t width,
             uint32_t count,
             uint32_t *unset,
             uint32_t *least)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t code = rc_packed_code(codes, width, i);
        *unset += code == 0;
        *least = code - 1 < *least ? code - 1 : *least;
    }
}

/* The same in bytes, a vector at a time. */
static void
rest_measure_bytes(const unsigned char *codes, uint32_t count, uint32_t *unset, uint32_t *least)
{
    uint32_t zeros = 0;
    unsigned char found = UINT8_MAX;
    for (uint32_t i = 0; i < count; i++) {
        const unsigned char before = (unsigned char)(codes[i] - 1);
        zeros += codes[i] == 0;
        found = before < found ? before : found;
    }
    *unset += zeros;
    *least = found < *least ? found : *least;
}

/* Once the last code has come, no other can, and the rest is only counted: columns of few values
 * get there soon. */
static ALWAYS_INLINE bool
measure(const unsigned char *codes,
        uint32_t width,
        uint32_t count,
        uint32_t code_max,
        struct rc_straight *ret_straight)
{
    struct rc_straight straight = {0};
    uint32_t unset = 0;
    uint32_t least = UINT32_MAX;
    uint32_t done = 0;
    while (done < count && straight.last < code_max) {
        const uint32_t code = rc_packed_code(codes, width, done++);
        unset += code == 0;
        least = code - 1 < least ? code - 1 : least;
        if (code <= straight.last)
            continue;
        if (straight.last == 0)
            straight.first = code;
        else if (code != straight.last + 1)
            return false;
        straight.last = code;
    }
    if (width == 1)
        rest_measure_bytes(codes + done, count - done, &unset, &least);
    else
        rest_measure(codes + (size_t)done * width, width, count - done, &unset, &least);
    straight.set_count = count - unset;
    *ret_straight = straight;
    return straight.first == 0 || least == straight.first - 1;
}

bool
rc_straight_measure(const unsigned char *codes,
                    uint32_t width,
                    uint32_t count,
                    uint32_t code_max,
                    struct rc_straight *ret_straight)
{
    switch (width) {
    case 1:
        return measure(codes, 1, count, code_max, ret_straight);
    case 2:
        return measure(codes, 2, count, code_max, ret_straight);
    default:
        return measure(codes, 4, count, code_max, ret_straight);
    }
}

static ALWAYS_INLINE void
write_codes(const unsigned char *restrict codes,
            uint32_t width,
            uint32_t count,
            uint32_t before,
            uint32_t width_to,
            unsigned char *restrict room)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t code = rc_packed_code(codes, width, i);
        const uint32_t numbered = code == 0 ? 0 : code - before;
        memcpy(room + (size_t)i * width_to, &numbered,
               width_to); /* Little-endian: the low bytes. */
    }
}

/* The most frequent case: in bytes, sixteen of them fit a vector. */
static void
write_bytes(const unsigned char *restrict codes,
            uint32_t count,
            unsigned char before,
            unsigned char *restrict room)
{
    for (uint32_t i = 0; i < count; i++)
        room[i] = codes[i] == 0 ? 0 : (unsigned char)(codes[i] - before);
}

void
rc_straight_write(const unsigned char *codes,
                  uint32_t width,
                  uint32_t count,
                  const struct rc_straight *straight,
                  uint32_t width_to,
                  unsigned char *room)
{
    RC_ASSERT(straight->first > 0 && width_to <= width);
    const uint32_t before = straight->first - 1;
    if (width == 1)
        write_bytes(codes, count, (unsigned char)before, room);
    else if (width == 2 && width_to == 2)
        write_codes(codes, 2, count, before, 2, room);
    else if (width == 2)
        write_codes(codes, 2, count, before, 1, room);
    else if (width_to == 4)
        write_codes(codes, 4, count, before, 4, room);
    else if (width_to == 2)
        write_codes(codes, 4, count, before, 2, room);
    else
        write_codes(codes, 4, count, before, 1, room);
}
