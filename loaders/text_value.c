/*
 * Why auto is safe: a decimal with at most 15 significant digits survives the way through a double
 * and back, so its shortest printed form is the text it came from.
 */
#include "loaders/text_value.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_BYTES_MAX 64
#define EXACT_DIGITS 15

bool
rc_text_is_unsigned(struct rc_bytes text, uint64_t *ret_number)
{
    if (text.size == 0 || text.size > 20 || (text.size > 1 && text.data[0] == '0'))
        return false;
    uint64_t number = 0;
    for (size_t i = 0; i < text.size; i++) {
        const unsigned digit = (unsigned)(text.data[i] - '0');
        if (digit > 9 || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, digit, &number))
            return false;
    }
    *ret_number = number;
    return true;
}

/* A whole number as it would be printed. */
static bool
int_convert(struct rc_bytes text, struct rc_field_value *value)
{
    const bool negative = text.size > 0 && text.data[0] == '-';
    uint64_t number;
    if (!rc_text_is_unsigned((struct rc_bytes){text.data + negative, text.size - negative},
                             &number))
        return false;
    if (number > (uint64_t)INT64_MAX || (negative && number == 0))
        return false;
    *value = (struct rc_field_value){.type = RC_FIELD_INT,
                                     .integer = negative ? -(int64_t)number : (int64_t)number};
    return true;
}

/* The shape of a JSON number. *ret_exact: and printed again it is the same text. */
static bool
number_shape(struct rc_bytes text, bool *ret_exact)
{
    const char *at = text.data;
    const char *const end = at + text.size;
    at += at < end && *at == '-' ? 1 : 0;
    const char *const whole = at;
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    const size_t whole_digits = (size_t)(at - whole);
    if (whole_digits == 0 || (whole_digits > 1 && *whole == '0'))
        return false;
    size_t fraction_digits = 0;
    if (at < end && *at == '.') {
        const char *const fraction = ++at;
        while (at < end && *at >= '0' && *at <= '9')
            at++;
        fraction_digits = (size_t)(at - fraction);
        if (fraction_digits == 0)
            return false;
    }
    *ret_exact = at == end && fraction_digits > 0 && end[-1] != '0' &&
                 whole_digits + fraction_digits <= EXACT_DIGITS && fraction_digits <= 4;
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        at += at < end && (*at == '-' || *at == '+') ? 1 : 0;
        const char *const exponent = at;
        while (at < end && *at >= '0' && *at <= '9')
            at++;
        if (at == exponent)
            return false;
    }
    return at == end;
}

/* The locale is never set by our programs, so the point is a point. */
static bool
double_convert(struct rc_bytes text, struct rc_field_value *value)
{
    char copy[NUMBER_BYTES_MAX + 1];
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    const double number = strtod(copy, NULL);
    if (!isfinite(number))
        return false;
    *value = (struct rc_field_value){.type = RC_FIELD_DOUBLE, .number = number};
    return true;
}

static bool
boolean_convert(struct rc_bytes text, struct rc_field_value *value)
{
    static const char *const truths[] = {"true", "t", "yes", "1"};
    static const char *const lies[] = {"false", "f", "no", "0"};
    for (size_t i = 0; i < sizeof(truths) / sizeof(*truths); i++) {
        const bool is_true = rc_bytes_equal(text, rc_bytes_of(truths[i]));
        if (is_true || rc_bytes_equal(text, rc_bytes_of(lies[i]))) {
            *value = (struct rc_field_value){.type = is_true ? RC_FIELD_TRUE : RC_FIELD_FALSE};
            return true;
        }
    }
    return false;
}

bool
rc_text_value_convert(struct rc_field_value *value, enum rc_mapping_type type)
{
    if (value->type != RC_FIELD_TEXT || type == RC_TYPE_TEXT)
        return true;
    const struct rc_bytes text = value->text;
    if (type == RC_TYPE_BOOLEAN)
        return boolean_convert(text, value);
    if (text.size == 0 || text.size > NUMBER_BYTES_MAX)
        return type == RC_TYPE_AUTO;
    const char first = text.data[0];
    if (first != '-' && (first < '0' || first > '9'))
        return type == RC_TYPE_AUTO;
    if (int_convert(text, value))
        return true;
    bool exact;
    const bool is_number = number_shape(text, &exact);
    if (type == RC_TYPE_NUMBER)
        return is_number && double_convert(text, value);
    if (is_number && exact)
        return double_convert(text, value);
    return true;
}
