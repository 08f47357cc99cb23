/*
 * Text: a cursor that writes bytes, numbers and dates by hand. The hot path of the generator writes
 * 650 bytes an event; printf would take most of its time.
 *
 * The caller guarantees the room: each use states the most that it can write.
 */
#ifndef RC_CLI_GENERATE_GENERATE_TEXT_H
#define RC_CLI_GENERATE_GENERATE_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "engine/base/bytes.h"
#include "engine/base/date.h"

static inline char *
rc_text_bytes(char *at, struct rc_bytes bytes)
{
    memcpy(at, bytes.data, bytes.size);
    return at + bytes.size;
}

#define RC_TEXT_LITERAL(at, text) rc_text_bytes((at), RC_BYTES_LITERAL(text))

/* Decimal, without leading zeros. At most 20 bytes. */
static inline char *
rc_text_u64(char *at, uint64_t value)
{
    char digits[20];
    size_t begin = sizeof(digits);
    do {
        digits[--begin] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    memcpy(at, digits + begin, sizeof(digits) - begin);
    return at + (sizeof(digits) - begin);
}

/* Exactly width digits, zeros in front. */
static inline char *
rc_text_padded(char *at, uint64_t value, size_t width)
{
    for (size_t i = width; i > 0; i--) {
        at[i - 1] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + width;
}

/* 1234 cents as 12.34. */
static inline char *
rc_text_cents(char *at, uint64_t cents)
{
    at = rc_text_u64(at, cents / 100);
    *at++ = '.';
    return rc_text_padded(at, cents % 100, 2);
}

/* length characters of base 32, from the high end of bits. At most 12 characters make sense. */
static inline char *
rc_text_token(char *at, uint64_t bits, size_t length)
{
    static const char alphabet[33] = "abcdefghijklmnopqrstuvwxyz234567";
    for (size_t i = 0; i < length; i++) {
        *at++ = alphabet[bits >> 59];
        bits <<= 5;
    }
    return at;
}

/* The civil date of a day since 1970 as YYYY-MM-DD (years 1970 to 9999): 10 bytes. */
static inline char *
rc_text_date(char *at, uint64_t day)
{
    const struct rc_date date = rc_date_of_day((int64_t)day);
    at = rc_text_padded(at, (uint64_t)date.year, 4);
    *at++ = '-';
    at = rc_text_padded(at, date.month, 2);
    *at++ = '-';
    return rc_text_padded(at, date.day, 2);
}

#endif
