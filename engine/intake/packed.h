/* Packed little-endian numbers at any alignment, as batches hold them. */
#ifndef RC_INTAKE_PACKED_H
#define RC_INTAKE_PACKED_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t
rc_packed_u32(const unsigned char *data, size_t index)
{
    uint32_t value;
    memcpy(&value, data + index * sizeof(value), sizeof(value));
    return value;
}

static inline uint64_t
rc_packed_u64(const unsigned char *data, size_t index)
{
    uint64_t value;
    memcpy(&value, data + index * sizeof(value), sizeof(value));
    return value;
}

static inline int64_t
rc_packed_i64(const unsigned char *data, size_t index)
{
    return (int64_t)rc_packed_u64(data, index);
}

/* A code of 1, 2 or 4 bytes. */
static inline uint32_t
rc_packed_code(const unsigned char *data, uint32_t width, size_t index)
{
    if (width == 1)
        return data[index];
    if (width == 4)
        return rc_packed_u32(data, index);
    uint16_t value;
    memcpy(&value, data + index * sizeof(value), sizeof(value));
    return value;
}

/* The greatest of count codes; 0 when there are none. */
uint32_t
rc_packed_greatest(const unsigned char *codes, uint32_t width, size_t count);

#endif
