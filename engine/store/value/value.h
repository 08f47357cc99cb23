/*
 * Value: what a property can be, in normal form, and the order of all values.
 *
 * Numbers have one form: a double that is a whole number within the 64-bit integers is an integer,
 * so that 1 and 1.0 are the same value. NaN and infinities are no values. A list is an array of
 * strings.
 *
 * Ownership: a value borrows its bytes.
 * Errors:    RC_CORRUPT for bytes that are no encoded value.
 */
#ifndef RC_STORE_VALUE_VALUE_H
#define RC_STORE_VALUE_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/status.h"

enum rc_value_kind {
    RC_VALUE_NULL = 0,
    RC_VALUE_BOOL = 1,
    RC_VALUE_INT = 2,
    RC_VALUE_DOUBLE = 3, /* Finite, and not a whole number in the range of int64_t. */
    RC_VALUE_STRING = 4, /* UTF-8 without NUL. */
    RC_VALUE_LIST = 5,   /* Strings. */
};

struct rc_value {
    enum rc_value_kind kind;
    uint32_t item_count; /* Of a list. */
    union {
        bool boolean;
        int64_t integer;
        double real;
        struct rc_bytes string;
        const struct rc_bytes *items;
    };
};

static inline struct rc_value
rc_value_null(void)
{
    return (struct rc_value){.kind = RC_VALUE_NULL};
}
static inline struct rc_value
rc_value_bool(bool boolean)
{
    return (struct rc_value){.kind = RC_VALUE_BOOL, .boolean = boolean};
}
static inline struct rc_value
rc_value_int(int64_t integer)
{
    return (struct rc_value){.kind = RC_VALUE_INT, .integer = integer};
}
static inline struct rc_value
rc_value_string(struct rc_bytes string)
{
    return (struct rc_value){.kind = RC_VALUE_STRING, .string = string};
}

/* Brings a double to normal form. RC_INVALID: NaN or infinite. */
RC_MUST_USE enum rc_status
rc_value_of_double(double real, struct rc_value *ret_value);

/* Whether a and b are the same value: same kind, same content. "1" and 1 are not. */
bool
rc_value_same(struct rc_value a, struct rc_value b);

/* The order of all values: null, false, true, numbers by size, strings by bytes, lists
 * by element. */
int
rc_value_compare(struct rc_value a, struct rc_value b);

/* Compares two numbers (INT or DOUBLE) exactly, without losing integers above 2^53. */
int
rc_number_compare(struct rc_value a, struct rc_value b);

/* A number as double (rounded above 2^53). */
double
rc_value_real(struct rc_value number);

/* If a string's whole text is a JSON number (RFC 8259, no blanks), that number in normal form.
 * false for anything else, and for numbers past the range of a double. */
bool
rc_value_of_numeric_text(struct rc_bytes text, struct rc_value *ret_number);

/* As which value a breakdown shows it: a numeric string becomes its number, all else stays. */
struct rc_value
rc_value_group(struct rc_value value);

/* A number's shortest decimal text that reads back the same ("1", "0.1", "1e300"); the size written
 * to text, at most 32 bytes. */
size_t
rc_number_text(struct rc_value number, char text[32]);

/* Appends the stored form: a kind byte, then the content. Equal values give equal bytes. */
void
rc_value_write(struct rc_writer *writer, struct rc_value value);

/* Reads one value. Strings stay in place; a list's item array comes from arena. */
RC_MUST_USE enum rc_status
rc_value_read(struct rc_reader *reader, struct rc_arena *arena, struct rc_value *ret_value);

/* Moves behind one value, which is not looked at; the reader turns bad for none. */
void
rc_value_skip(struct rc_reader *reader);

#endif
