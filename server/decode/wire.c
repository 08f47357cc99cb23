/* Wire: see the header. Every length is checked against what is left. */
#include "server/decode/wire.h"

#define FIELD_NUMBER_MAX 0x1fffffffu

bool
rc_wire_next(struct rc_reader *reader, struct rc_wire_field *ret_field)
{
    const uint64_t key = rc_read_varint(reader);
    if (reader->bad || key >> 3 == 0 || key >> 3 > FIELD_NUMBER_MAX)
        return false;
    *ret_field =
        (struct rc_wire_field){.number = (uint32_t)(key >> 3), .wire = (uint32_t)(key & 7)};
    switch (ret_field->wire) {
    case RC_WIRE_VARINT:
        ret_field->varint = rc_read_varint(reader);
        break;
    case RC_WIRE_64:
        ret_field->bytes = rc_read_raw(reader, 8);
        break;
    case RC_WIRE_32:
        ret_field->bytes = rc_read_raw(reader, 4);
        break;
    case RC_WIRE_BYTES: {
        const uint64_t size = rc_read_varint(reader);
        if (reader->bad || size > rc_reader_left(reader))
            return false;
        ret_field->bytes = rc_read_raw(reader, (size_t)size);
        break;
    }
    default:
        return false;
    }
    return !reader->bad;
}

void
rc_wire_write_bytes(struct rc_writer *writer, uint32_t number, struct rc_bytes bytes)
{
    rc_write_varint(writer, (uint64_t)number << 3 | RC_WIRE_BYTES);
    rc_write_varint(writer, bytes.size);
    rc_write_raw(writer, bytes.data, bytes.size);
}
