/*
 * Bytes: a borrowed run of bytes, a bounded reader and a growing writer.
 *
 * Numbers are little-endian; lengths are LEB128 varints. Everything stored or logged goes through
 * these, so that a bounds check cannot be forgotten: a reader that runs past its end turns bad for
 * good, returns zeros, and is asked once, at the end.
 *
 * Ownership: rc_bytes borrows. A writer owns its buffer.
 * Threading: one thread at a time for a reader or writer.
 */
#ifndef RC_BASE_BYTES_H
#define RC_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/status.h"

struct rc_bytes {
    const char *data; /* Not ended by NUL. May be NULL when size is 0. */
    size_t size;
};

#define RC_BYTES_LITERAL(text) ((struct rc_bytes){(text), sizeof(text) - 1})

static inline struct rc_bytes
rc_bytes_of(const char *text)
{
    return (struct rc_bytes){text, text == NULL ? 0 : strlen(text)};
}

static inline bool
rc_bytes_equal(struct rc_bytes a, struct rc_bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* Order by bytes, then length: <0, 0, >0. */
int
rc_bytes_compare(struct rc_bytes a, struct rc_bytes b);

/* How many bytes, at most size_max, a and b have in common at their beginning. */
size_t
rc_bytes_common(const void *a, const void *b, size_t size_max);

/* Where part begins first in bytes, or NULL: memmem, without what that prepares for a long search
 * where the bytes are few. */
const char *
rc_bytes_find(struct rc_bytes bytes, struct rc_bytes part);

/* The first place at or behind at of any of the bytes (or of a NUL), or the end. */
size_t
rc_bytes_find_any(struct rc_bytes text, size_t at, const char *bytes);

/* Whether the bytes are well-formed UTF-8 without NUL. */
bool
rc_bytes_is_text(struct rc_bytes bytes);

/* Takes out of a string what is not well-formed UTF-8, as the rest of a character that was cut. */
void
rc_text_mend(char *text);

struct rc_reader {
    const unsigned char *at;
    const unsigned char *end;
    bool bad; /* A read went past the end; every later read gives zero. */
};

static inline struct rc_reader
rc_reader_of(const void *data, size_t size)
{
    const unsigned char *at = data;
    return (struct rc_reader){.at = at, .end = size == 0 ? at : at + size};
}

static inline size_t
rc_reader_left(const struct rc_reader *reader)
{
    return (size_t)(reader->end - reader->at);
}

static inline uint8_t
rc_read_u8(struct rc_reader *reader)
{
    if (!reader->bad && reader->at < reader->end)
        return *reader->at++;
    reader->bad = true;
    return 0;
}

uint32_t
rc_read_u32(struct rc_reader *reader);
uint64_t
rc_read_u64(struct rc_reader *reader);
double
rc_read_f64(struct rc_reader *reader);

/* One of two bytes and more; rc_read_varint is what is called. */
uint64_t
rc_read_long_varint(struct rc_reader *reader);

static inline uint64_t
rc_read_varint(struct rc_reader *reader)
{
    if (!reader->bad && reader->at < reader->end && *reader->at < 0x80)
        return *reader->at++;
    return rc_read_long_varint(reader);
}

/* size bytes in place; data is NULL when the reader turns bad. */
struct rc_bytes
rc_read_raw(struct rc_reader *reader, size_t size);

/* A varint length and that many bytes. */
struct rc_bytes
rc_read_bytes(struct rc_reader *reader);

/* A varint that must be at most max, else the reader turns bad and 0 is returned. */
uint64_t
rc_read_count(struct rc_reader *reader, uint64_t max);

struct rc_writer {
    unsigned char *data; /* Owned; an rc_alloc block, or NULL. */
    size_t size;
    size_t capacity;
    bool failed; /* An allocation was refused; what came after was dropped. Ask at the end. */

    /* For output that is larger than memory should be: what was written goes to spill when it has
     * reached spill_bytes, and data holds the rest. NULL: everything stays in data. false from it
     * makes the writer fail. */
    bool (*spill)(void *context, const void *data, size_t size);
    void *spill_context;
    size_t spill_bytes;
    uint32_t spilled_crc32c; /* Of what was spilled. */
};

/* CRC32C of everything that was written so far, spilled or not. */
uint32_t
rc_writer_crc32c(const struct rc_writer *writer);

void
rc_writer_close(struct rc_writer *writer); /* For RC_CLEANUP on the struct itself. */

/* Makes room where there may be none; rc_write_room is what is called. */
void *
rc_write_more_room(struct rc_writer *writer, size_t size);

/* Room for size more bytes, counted as written; NULL when memory was refused. */
static inline void *
rc_write_room(struct rc_writer *writer, size_t size)
{
    if (size >= writer->capacity - writer->size || writer->failed || writer->spill != NULL)
        return rc_write_more_room(writer, size);
    void *room = writer->data + writer->size;
    writer->size += size;
    return room;
}

static inline void
rc_write_u8(struct rc_writer *writer, uint8_t value)
{
    unsigned char *room = rc_write_room(writer, 1);
    if (room != NULL)
        *room = value;
}

void
rc_write_u32(struct rc_writer *writer, uint32_t value);
void
rc_write_u64(struct rc_writer *writer, uint64_t value);
void
rc_write_varint(struct rc_writer *writer, uint64_t value);
void
rc_write_f64(struct rc_writer *writer, double value);
void
rc_write_raw(struct rc_writer *writer, const void *data, size_t size);
void
rc_write_bytes(struct rc_writer *writer, struct rc_bytes bytes);

#endif
