/*
 * Bytes stay bytes, so that sixteen of them fit a vector; wider codes are compared one by one.
 */
#include "engine/intake/packed.h"

static inline __attribute__((always_inline)) uint32_t
greatest(const unsigned char *codes, uint32_t width, size_t count)
{
    uint32_t found = 0;
    for (size_t i = 0; i < count; i++) {
        const uint32_t code = rc_packed_code(codes, width, i);
        found = code > found ? code : found;
    }
    return found;
}

static uint32_t
greatest_byte(const unsigned char *codes, size_t count)
{
    unsigned char found = 0;
    for (size_t i = 0; i < count; i++)
        found = codes[i] > found ? codes[i] : found;
    return found;
}

uint32_t
rc_packed_greatest(const unsigned char *codes, uint32_t width, size_t count)
{
    if (width == 1)
        return greatest_byte(codes, count);
    return width == 2 ? greatest(codes, 2, count) : greatest(codes, 4, count);
}
