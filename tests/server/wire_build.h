/* Builds protobuf bytes by hand, right and wrong ones. */
#ifndef RC_TESTS_SERVER_WIRE_BUILD_H
#define RC_TESTS_SERVER_WIRE_BUILD_H

#include "engine/base/bytes.h"

static inline void
put_bytes(struct rc_writer *writer, uint32_t field, struct rc_bytes bytes)
{
    rc_write_varint(writer, (uint64_t)field << 3 | 2);
    rc_write_bytes(writer, bytes);
}

static inline void
put_number(struct rc_writer *writer, uint32_t field, uint64_t number)
{
    rc_write_varint(writer, (uint64_t)field << 3);
    rc_write_varint(writer, number);
}

static inline struct rc_bytes
bytes_of(const struct rc_writer *writer)
{
    return (struct rc_bytes){writer->data == NULL ? "" : (const char *)writer->data, writer->size};
}

/* Puts what writer holds as a field of outer, and closes it. */
static inline void
put_message(struct rc_writer *outer, uint32_t field, struct rc_writer *writer)
{
    put_bytes(outer, field, bytes_of(writer));
    rc_writer_close(writer);
}

/* Little-endian numbers in a bytes field. */
static inline void
put_u32s(struct rc_writer *writer, uint32_t field, const uint32_t *numbers, size_t count)
{
    put_bytes(writer, field, (struct rc_bytes){(const char *)numbers, count * 4});
}

static inline void
put_u64s(struct rc_writer *writer, uint32_t field, const uint64_t *numbers, size_t count)
{
    put_bytes(writer, field, (struct rc_bytes){(const char *)numbers, count * 8});
}

/* A StringTable: texts separated by '|'. NULL: no field. */
static inline void
put_texts(struct rc_writer *outer, uint32_t field, const char *texts)
{
    if (texts == NULL)
        return;
    char text[256];
    uint32_t ends[64];
    uint32_t count = 0;
    uint32_t size = 0;
    for (const char *c = texts; *c != '\0'; c++) {
        if (*c == '|')
            ends[count++] = size;
        else
            text[size++] = *c;
    }
    if (*texts != '\0')
        ends[count++] = size;
    struct rc_writer writer = {.data = NULL};
    put_bytes(&writer, 1, (struct rc_bytes){text, size});
    put_u32s(&writer, 2, ends, count);
    put_message(outer, field, &writer);
}

#endif
