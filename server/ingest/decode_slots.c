/* Slots: see the header. */
#include "server/ingest/decode_slots.h"

#include "server/decode/wire.h"

static const struct rc_layout strings_layout = {
    .message = "StringTable",
    .field_count = 2,
    .names = {"", "text", "ends"},
};
static enum rc_status
slot_take(struct rc_decode *decode,
          const struct rc_layout *layout,
          const struct rc_wire_field *field,
          struct rc_slots *slots)
{
    if (field->number > layout->field_count)
        return rc_decode_fail(decode, RC_UNSUPPORTED, "",
                              "field %u of %s is not known to this server", field->number,
                              layout->message);
    const char *name = layout->names[field->number];
    const uint32_t wire = field->number == layout->number_field ? RC_WIRE_VARINT : RC_WIRE_BYTES;
    if (field->wire != wire)
        return rc_decode_fail(decode, RC_INVALID, name, "the field has the wrong wire type");
    if (field->number == layout->repeated_field) {
        slots->repeated_count++;
        return RC_OK;
    }
    if (slots->there[field->number])
        return rc_decode_fail(decode, RC_INVALID, name, "the field is sent twice");
    slots->there[field->number] = true;
    slots->bytes[field->number] = field->bytes;
    slots->numbers[field->number] = field->varint;
    return RC_OK;
}

enum rc_status
rc_slots_read(struct rc_decode *decode,
              const struct rc_layout *layout,
              struct rc_bytes bytes,
              struct rc_slots *ret_slots)
{
    *ret_slots = (struct rc_slots){.repeated_count = 0};
    for (uint32_t i = 0; i < RC_SLOTS; i++)
        ret_slots->bytes[i] = (struct rc_bytes){"", 0};
    struct rc_reader reader = rc_reader_of(bytes.data, bytes.size);
    while (rc_reader_left(&reader) > 0) {
        struct rc_wire_field field;
        if (!rc_wire_next(&reader, &field))
            return rc_decode_fail(decode, RC_INVALID, "", "the bytes are no %s message",
                                  layout->message);
        RC_TRY(slot_take(decode, layout, &field, ret_slots));
    }
    return RC_OK;
}

/* ---- Lists of texts -------------------------------------------------------------------------- */

struct rc_bytes
rc_strings_at(const struct rc_strings *strings, uint32_t index)
{
    const uint32_t start = index == 0 ? 0 : rc_u32_at(strings->ends, index - 1);
    return (struct rc_bytes){strings->text + start, rc_u32_at(strings->ends, index) - start};
}

/* Checks that ends never fall and end at last; *ret_count is how many there are. */
enum rc_status
rc_ends_check(struct rc_decode *decode, struct rc_bytes ends, size_t last, uint32_t *ret_count)
{
    if (ends.size % 4 != 0)
        return rc_decode_fail(decode, RC_INVALID, "ends", "%zu bytes are no 32-bit numbers",
                              ends.size);
    const size_t count = ends.size / 4;
    uint32_t previous = 0;
    for (size_t i = 0; i < count; i++) {
        const uint32_t end = rc_u32_at(rc_raw(ends), i);
        if (end < previous)
            return rc_decode_fail(decode, RC_INVALID, "ends", "end %zu is below the one before it",
                                  i);
        previous = end;
    }
    if (previous != last)
        return rc_decode_fail(decode, RC_INVALID, "ends", "the last end is %u and not %zu",
                              previous, last);
    *ret_count = (uint32_t)count;
    return RC_OK;
}

enum rc_status
rc_strings_read(struct rc_decode *decode,
                const char *field,
                struct rc_bytes bytes,
                struct rc_strings *ret_strings)
{
    const size_t mark = rc_decode_enter(decode, field);
    struct rc_slots slots;
    RC_TRY(rc_slots_read(decode, &strings_layout, bytes, &slots));
    ret_strings->text = slots.bytes[1].data;
    ret_strings->ends = rc_raw(slots.bytes[2]);
    RC_TRY(rc_ends_check(decode, slots.bytes[2], slots.bytes[1].size, &ret_strings->count));
    rc_decode_leave(decode, mark);
    return RC_OK;
}

/* All texts as an array. */
enum rc_status
rc_strings_array(struct rc_decode *decode,
                 const struct rc_strings *strings,
                 const struct rc_bytes **ret_array)
{
    struct rc_bytes *array =
        rc_arena_alloc(decode->arena, (strings->count + (size_t)1) * sizeof(*array));
    if (array == NULL)
        return rc_decode_no_memory(decode);
    for (uint32_t i = 0; i < strings->count; i++)
        array[i] = rc_strings_at(strings, i);
    *ret_array = array;
    return RC_OK;
}
