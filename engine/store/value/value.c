/*
 * Value: normal forms, order and stored form. What is about the texts of numbers is in
 * number_text.c.
 *
 * Integers and doubles are compared exactly: a double beyond the 64-bit integers is decided by its
 * sign, any other by its whole part and then by its fraction. Rounding the integer instead would
 * make 2^53 and 2^53 + 1 equal, and the order of all values would be none.
 *
 * Stored form: the kind byte, then
 *   BOOL    one byte, 0 or 1          DOUBLE  eight bytes, IEEE 754
 *   INT     zigzag varint             STRING  varint size, bytes
 *   LIST    varint count, and for each item varint size and bytes
 */
#include "engine/store/value/value.h"

#include <math.h>

#include "engine/base/assert.h"
#include "engine/base/limits.h"

#define TWO_63 9223372036854775808.0

static bool
is_whole_int64(double real)
{
    return real >= -TWO_63 && real < TWO_63 && real == trunc(real);
}

enum rc_status
rc_value_of_double(double real, struct rc_value *ret_value)
{
    if (!isfinite(real))
        return RC_INVALID;
    *ret_value = is_whole_int64(real) ? rc_value_int((int64_t)real)
                                      : (struct rc_value){.kind = RC_VALUE_DOUBLE, .real = real};
    return RC_OK;
}

double
rc_value_real(struct rc_value number)
{
    RC_ASSERT(number.kind == RC_VALUE_INT || number.kind == RC_VALUE_DOUBLE);
    return number.kind == RC_VALUE_INT ? (double)number.integer : number.real;
}

static int
compare_int_with_double(int64_t integer, double real)
{
    if (real >= TWO_63)
        return -1;
    if (real < -TWO_63)
        return 1;
    const int64_t whole = (int64_t)real; /* Towards zero. */
    if (integer != whole)
        return integer < whole ? -1 : 1;
    const double fraction = real - (double)whole;
    return (fraction < 0) - (fraction > 0);
}

int
rc_number_compare(struct rc_value a, struct rc_value b)
{
    if (a.kind == RC_VALUE_INT && b.kind == RC_VALUE_INT)
        return (a.integer > b.integer) - (a.integer < b.integer);
    if (a.kind == RC_VALUE_INT)
        return compare_int_with_double(a.integer, b.real);
    if (b.kind == RC_VALUE_INT)
        return -compare_int_with_double(b.integer, a.real);
    RC_ASSERT(a.kind == RC_VALUE_DOUBLE && b.kind == RC_VALUE_DOUBLE);
    return (a.real > b.real) - (a.real < b.real);
}

static int
compare_lists(struct rc_value a, struct rc_value b)
{
    const uint32_t common = a.item_count < b.item_count ? a.item_count : b.item_count;
    for (uint32_t i = 0; i < common; i++) {
        const int order = rc_bytes_compare(a.items[i], b.items[i]);
        if (order != 0)
            return order;
    }
    return (a.item_count > b.item_count) - (a.item_count < b.item_count);
}

/* The place of a kind in the order of values: both kinds of number share one. */
static unsigned
rank_of(enum rc_value_kind kind)
{
    return kind == RC_VALUE_DOUBLE ? (unsigned)RC_VALUE_INT : (unsigned)kind;
}

int
rc_value_compare(struct rc_value a, struct rc_value b)
{
    const unsigned a_rank = rank_of(a.kind);
    const unsigned b_rank = rank_of(b.kind);
    if (a_rank != b_rank)
        return a_rank < b_rank ? -1 : 1;
    switch (a.kind) {
    case RC_VALUE_NULL:
        return 0;
    case RC_VALUE_BOOL:
        return (int)a.boolean - (int)b.boolean;
    case RC_VALUE_INT:
    case RC_VALUE_DOUBLE:
        return rc_number_compare(a, b);
    case RC_VALUE_STRING:
        return rc_bytes_compare(a.string, b.string);
    case RC_VALUE_LIST:
        break;
    }
    return compare_lists(a, b);
}

bool
rc_value_same(struct rc_value a, struct rc_value b)
{
    return a.kind == b.kind && rc_value_compare(a, b) == 0;
}

struct rc_value
rc_value_group(struct rc_value value)
{
    struct rc_value number;
    if (value.kind == RC_VALUE_STRING && rc_value_of_numeric_text(value.string, &number))
        return number;
    return value;
}

void
rc_value_write(struct rc_writer *writer, struct rc_value value)
{
    RC_ASSERT(value.kind <= RC_VALUE_LIST);
    rc_write_u8(writer, (uint8_t)value.kind);
    switch (value.kind) {
    case RC_VALUE_NULL:
        return;
    case RC_VALUE_BOOL:
        rc_write_u8(writer, value.boolean ? 1 : 0);
        return;
    case RC_VALUE_INT:
        rc_write_varint(writer,
                        ((uint64_t)value.integer << 1) ^ (value.integer < 0 ? UINT64_MAX : 0));
        return;
    case RC_VALUE_DOUBLE:
        rc_write_f64(writer, value.real);
        return;
    case RC_VALUE_STRING:
        rc_write_bytes(writer, value.string);
        return;
    case RC_VALUE_LIST:
        rc_write_varint(writer, value.item_count);
        for (uint32_t i = 0; i < value.item_count; i++)
            rc_write_bytes(writer, value.items[i]);
        return;
    }
}

static enum rc_status
read_list(struct rc_reader *reader, struct rc_arena *arena, struct rc_value *ret_value)
{
    const uint32_t count = (uint32_t)rc_read_count(reader, RC_LIST_ITEMS_MAX);
    if (reader->bad || count > rc_reader_left(reader)) /* An item takes at least its size byte. */
        return RC_CORRUPT;
    struct rc_bytes *items = RC_ARENA_ARRAY(arena, struct rc_bytes, count);
    if (items == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        items[i] = rc_read_bytes(reader);
        if (reader->bad || !rc_bytes_is_text(items[i]))
            return RC_CORRUPT;
    }
    *ret_value = (struct rc_value){.kind = RC_VALUE_LIST, .item_count = count, .items = items};
    return RC_OK;
}

static enum rc_status
read_number(struct rc_reader *reader, uint8_t kind, struct rc_value *ret_value)
{
    if (kind == RC_VALUE_INT) {
        const uint64_t zigzag = rc_read_varint(reader);
        *ret_value = rc_value_int((int64_t)((zigzag >> 1) ^ -(zigzag & 1)));
        return RC_OK;
    }
    struct rc_value value;
    if (rc_value_of_double(rc_read_f64(reader), &value) != RC_OK)
        return RC_CORRUPT;
    *ret_value = value;
    return value.kind == RC_VALUE_DOUBLE ? RC_OK : RC_CORRUPT;
}

enum rc_status
rc_value_read(struct rc_reader *reader, struct rc_arena *arena, struct rc_value *ret_value)
{
    const uint8_t kind = rc_read_u8(reader);
    struct rc_value value = rc_value_null();
    if (kind == RC_VALUE_BOOL) {
        const uint8_t boolean = rc_read_u8(reader);
        if (boolean > 1)
            return RC_CORRUPT;
        value = rc_value_bool(boolean == 1);
    } else if (kind == RC_VALUE_INT || kind == RC_VALUE_DOUBLE) {
        RC_TRY(read_number(reader, kind, &value));
    } else if (kind == RC_VALUE_STRING) {
        value = rc_value_string(rc_read_bytes(reader));
        if (!rc_bytes_is_text(value.string))
            return RC_CORRUPT;
    } else if (kind == RC_VALUE_LIST) {
        RC_TRY(read_list(reader, arena, &value));
    } else if (kind != RC_VALUE_NULL) {
        return RC_CORRUPT;
    }
    if (reader->bad)
        return RC_CORRUPT;
    *ret_value = value;
    return RC_OK;
}

void
rc_value_skip(struct rc_reader *reader)
{
    uint64_t items = 1;
    switch (rc_read_u8(reader)) {
    case RC_VALUE_NULL:
        return;
    case RC_VALUE_BOOL:
        (void)rc_read_u8(reader);
        return;
    case RC_VALUE_INT:
        (void)rc_read_varint(reader);
        return;
    case RC_VALUE_DOUBLE:
        (void)rc_read_f64(reader);
        return;
    case RC_VALUE_LIST:
        items = rc_read_count(reader, RC_LIST_ITEMS_MAX);
        break;
    case RC_VALUE_STRING:
        break;
    default:
        reader->bad = true;
    }
    for (uint64_t i = 0; i < items && !reader->bad; i++)
        (void)rc_read_bytes(reader);
}
