/*
 * Wire: the fields of a protobuf message one after the other, without knowing what they mean.
 *
 * Ownership: a field borrows its bytes.
 * Threading: pure functions.
 */
#ifndef RC_SERVER_DECODE_WIRE_H
#define RC_SERVER_DECODE_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/bytes.h"

enum rc_wire { RC_WIRE_VARINT = 0, RC_WIRE_64 = 1, RC_WIRE_BYTES = 2, RC_WIRE_32 = 5 };

struct rc_wire_field {
    uint32_t number;
    uint32_t wire;
    uint64_t varint;       /* RC_WIRE_VARINT. */
    struct rc_bytes bytes; /* All others. */
};

/* The next field. false: the bytes are broken (groups count as broken). Ask only while the reader
 * has bytes. */
bool
rc_wire_next(struct rc_reader *reader, struct rc_wire_field *ret_field);

/* Appends a field of bytes: a text, bytes, or a packed message. */
void
rc_wire_write_bytes(struct rc_writer *writer, uint32_t number, struct rc_bytes bytes);

#endif
