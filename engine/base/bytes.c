#include "engine/base/bytes.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "engine/base/assert.h"
#include "engine/base/checksum.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "stored numbers are copied as they are");

int
rc_bytes_compare(struct rc_bytes a, struct rc_bytes b)
{
    const size_t common = a.size < b.size ? a.size : b.size;
    const int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

/* In so few bytes, looking at each place where part may begin takes less than a table for it. */
#define FOUND_PLAINLY_MAX 128u

const char *
rc_bytes_find(struct rc_bytes bytes, struct rc_bytes part)
{
    if (part.size == 0)
        return bytes.size == 0 ? "" : bytes.data;
    if (bytes.size > FOUND_PLAINLY_MAX)
        return memmem(bytes.data, bytes.size, part.data, part.size);
    const char *at = bytes.data;
    for (size_t left = bytes.size; left >= part.size;) {
        const char *first = memchr(at, part.data[0], left - part.size + 1);
        if (first == NULL || memcmp(first, part.data, part.size) == 0)
            return first;
        left -= (size_t)(first - at) + 1;
        at = first + 1;
    }
    return NULL;
}

size_t
rc_bytes_find_any(struct rc_bytes text, size_t at, const char *bytes)
{
    while (at < text.size && strchr(bytes, text.data[at]) == NULL)
        at++;
    return at;
}

/* The length of the well-formed sequence at at, or 0. Table 3-7 of the Unicode standard. */
static size_t
utf8_sequence(const unsigned char *at, size_t left)
{
    const unsigned char lead = at[0];
    if (lead < 0x80)
        return lead == 0 ? 0 : 1;
    const size_t length = lead >= 0xc2 && lead <= 0xdf   ? 2
                          : (lead & 0xf0) == 0xe0        ? 3
                          : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                         : 0;
    if (length == 0 || length > left)
        return 0;
    unsigned char low = 0x80;
    unsigned char high = 0xbf;
    if (lead == 0xe0)
        low = 0xa0;
    else if (lead == 0xed)
        high = 0x9f;
    else if (lead == 0xf0)
        low = 0x90;
    else if (lead == 0xf4)
        high = 0x8f;
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

size_t
rc_bytes_common(const void *a, const void *b, size_t size_max)
{
    const unsigned char *x = a;
    const unsigned char *y = b;
    size_t size = 0;
    while (size + 8 <= size_max) {
        uint64_t x_word;
        uint64_t y_word;
        memcpy(&x_word, x + size, sizeof(x_word));
        memcpy(&y_word, y + size, sizeof(y_word));
        if (x_word != y_word)
            return size + (size_t)__builtin_ctzll(x_word ^ y_word) / 8;
        size += 8;
    }
    while (size < size_max && x[size] == y[size])
        size++;
    return size;
}

#ifdef __SSE2__
/* Whether sixteen bytes are ASCII without NUL: as signed numbers, above zero. */
static inline bool
are_ascii(const unsigned char *at)
{
    const __m128i block = _mm_loadu_si128((const __m128i *)(const void *)at);
    return _mm_movemask_epi8(_mm_cmpgt_epi8(block, _mm_setzero_si128())) == 0xffff;
}
#endif

bool
rc_bytes_is_text(struct rc_bytes bytes)
{
    const unsigned char *at = (const unsigned char *)bytes.data;
    size_t left = bytes.size;
    while (left > 0) {
#ifdef __SSE2__
        if (left >= 16 && are_ascii(at)) {
            at += 16;
            left -= 16;
            continue;
        }
#endif
        if (left >= 8) {
            uint64_t word;
            memcpy(&word, at, sizeof(word));
            const uint64_t zero = (word - 0x0101010101010101ULL) & ~word & 0x8080808080808080ULL;
            if ((word & 0x8080808080808080ULL) == 0 && zero == 0) {
                at += 8;
                left -= 8;
                continue;
            }
        }
        const size_t length = utf8_sequence(at, left);
        if (length == 0)
            return false;
        at += length;
        left -= length;
    }
    return true;
}

void
rc_text_mend(char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t left = strlen(text);
    while (left > 0) {
        const size_t length = utf8_sequence(at, left);
        const size_t step = length == 0 ? 1 : length;
        memmove(text, at, length);
        text += length;
        at += step;
        left -= step;
    }
    *text = '\0';
}

static const unsigned char *
take(struct rc_reader *reader, size_t size)
{
    if (reader->bad || rc_reader_left(reader) < size) {
        reader->bad = true;
        return NULL;
    }
    const unsigned char *at = reader->at;
    reader->at += size;
    return at;
}

#define DEFINE_READ(name, type)                                \
    type name(struct rc_reader *reader)                        \
    {                                                          \
        type value = 0;                                        \
        const unsigned char *at = take(reader, sizeof(value)); \
        if (at != NULL)                                        \
            memcpy(&value, at, sizeof(value));                 \
        return value;                                          \
    }

DEFINE_READ(rc_read_u32, uint32_t)
DEFINE_READ(rc_read_u64, uint64_t)
DEFINE_READ(rc_read_f64, double)

uint64_t
rc_read_long_varint(struct rc_reader *reader)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        const uint8_t byte = rc_read_u8(reader);
        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return reader->bad ? 0 : value;
    }
    reader->bad = true;
    return 0;
}

uint64_t
rc_read_count(struct rc_reader *reader, uint64_t max)
{
    const uint64_t count = rc_read_varint(reader);
    if (count <= max)
        return count;
    reader->bad = true;
    return 0;
}

struct rc_bytes
rc_read_raw(struct rc_reader *reader, size_t size)
{
    const unsigned char *at = take(reader, size);
    return at == NULL ? (struct rc_bytes){0} : (struct rc_bytes){(const char *)at, size};
}

struct rc_bytes
rc_read_bytes(struct rc_reader *reader)
{
    const uint64_t size = rc_read_varint(reader);
    if (size > rc_reader_left(reader)) {
        reader->bad = true;
        return (struct rc_bytes){0};
    }
    return rc_read_raw(reader, (size_t)size);
}

void
rc_writer_close(struct rc_writer *writer)
{
    rc_alloc_free(writer->data);
    *writer = (struct rc_writer){0};
}

uint32_t
rc_writer_crc32c(const struct rc_writer *writer)
{
    return rc_crc32c_extend(writer->spilled_crc32c, writer->data,
                            writer->failed ? 0 : writer->size);
}

/* What is written is seldom less, and growing from 8 bytes on would take several steps. */
#define ROOM_BYTES_MIN ((size_t)128)

void *
rc_write_more_room(struct rc_writer *writer, size_t size)
{
    if (writer->failed)
        return NULL;
    if (writer->spill != NULL && writer->size >= writer->spill_bytes) {
        writer->spilled_crc32c = rc_writer_crc32c(writer);
        if (!writer->spill(writer->spill_context, writer->data, writer->size)) {
            writer->failed = true;
            return NULL;
        }
        writer->size = 0;
    }
    const size_t needed = writer->size + size;
    const size_t room_bytes = needed > ROOM_BYTES_MIN ? needed : ROOM_BYTES_MIN;
    if ((writer->data == NULL || needed > writer->capacity) &&
        RC_GROW(writer->data, writer->capacity, room_bytes) != RC_OK) {
        writer->failed = true;
        return NULL;
    }
    void *room = writer->data + writer->size;
    writer->size += size;
    return room;
}

void
rc_write_raw(struct rc_writer *writer, const void *data, size_t size)
{
    void *room = size == 0 ? NULL : rc_write_room(writer, size);
    if (room != NULL)
        memcpy(room, data, size);
}

#define DEFINE_WRITE(name, type)                           \
    void name(struct rc_writer *writer, type value)        \
    {                                                      \
        void *room = rc_write_room(writer, sizeof(value)); \
        if (room != NULL)                                  \
            memcpy(room, &value, sizeof(value));           \
    }

DEFINE_WRITE(rc_write_u32, uint32_t)
DEFINE_WRITE(rc_write_u64, uint64_t)
DEFINE_WRITE(rc_write_f64, double)

void
rc_write_varint(struct rc_writer *writer, uint64_t value)
{
    if (value < 0x80) {
        rc_write_u8(writer, (uint8_t)value);
        return;
    }
    unsigned char bytes[10];
    size_t size = 0;
    do {
        bytes[size++] = (unsigned char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
    } while (value != 0);
    rc_write_raw(writer, bytes, size);
}

void
rc_write_bytes(struct rc_writer *writer, struct rc_bytes bytes)
{
    rc_write_varint(writer, bytes.size);
    rc_write_raw(writer, bytes.data, bytes.size);
}
