/*
 * Wire: writes protobuf fields by hand into room that was measured before. A batch is a few dozen
 * bytes fields; a generated packer would copy each of them once more.
 *
 * Each put function has a size function; the caller adds the sizes up, makes the room, and writes
 * in the same order.
 */
#ifndef RC_LOADERS_WIRE_H
#define RC_LOADERS_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline size_t
rc_wire_varint_size(uint64_t value)
{
    size_t size = 1;
    for (; value >= 128; value >>= 7)
        size++;
    return size;
}

static inline unsigned char *
rc_wire_put_varint(unsigned char *at, uint64_t value)
{
    for (; value >= 128; value >>= 7)
        *at++ = (unsigned char)(value | 128);
    *at++ = (unsigned char)value;
    return at;
}

/* A field of numbers. Field numbers are below 16: one byte. */
static inline size_t
rc_wire_number_size(uint64_t value)
{
    return 1 + rc_wire_varint_size(value);
}

static inline unsigned char *
rc_wire_put_number(unsigned char *at, uint32_t field, uint64_t value)
{
    *at++ = (unsigned char)(field << 3);
    return rc_wire_put_varint(at, value);
}

/* A field of bytes, a text or a message of the given size: key and length, then the content. */
static inline size_t
rc_wire_bytes_size(size_t size)
{
    return 1 + rc_wire_varint_size(size) + size;
}

static inline unsigned char *
rc_wire_put_head(unsigned char *at, uint32_t field, size_t size)
{
    *at++ = (unsigned char)(field << 3 | 2);
    return rc_wire_put_varint(at, size);
}

static inline unsigned char *
rc_wire_put_bytes(unsigned char *at, uint32_t field, const void *data, size_t size)
{
    at = rc_wire_put_head(at, field, size);
    if (size > 0)
        memcpy(at, data, size);
    return at + size;
}

#endif
