/*
 * The texts of numbers, both ways (declared in value.h).
 *
 * Reading: the grammar is that of RFC 8259 and is walked here, since strtod takes more (blanks,
 * hex, "inf"). What strtod then gets is a text of our making, at most DIGITS_MAX digits and an
 * exponent, so that a number of 60,000 digits needs no copy: a double is decided by its first 767
 * significant digits and by whether anything but zeros follows (a final 1 says so).
 *
 * Writing: the least of 15, 16 and 17 digits that reads back the same, laid out as ECMAScript does
 * (plain digits from 1e-6 to below 1e21, else an exponent) so that it is a JSON number. Subnormals
 * carry fewer than 15 digits, so for them every length is tried.
 *
 * The C locale is used for both: the program around us may print a comma.
 */
#include "engine/store/value/value.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/assert.h"

#define DIGITS_MAX 780
#define EXPONENT_MAX \
    1000000 /* Past every exponent that a text of RC_VALUE_BYTES_MAX can balance. */

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void
make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static double
read_double(const char *text)
{
    (void)pthread_once(&c_locale_once, make_c_locale);
    /* Without memory for a locale the process's own is the best there is. */
    return c_locale == (locale_t)0 ? strtod(text, NULL) : strtod_l(text, NULL, c_locale);
}

/* A number's text taken apart: 0.DIGITS * 10^point, then * 10^exponent. */
struct decimal {
    char digits[DIGITS_MAX + 1]; /* Significant ones; the last may stand for a dropped rest. */
    unsigned digit_count;
    int64_t point;    /* Digits before the point, leading zeros not counted. */
    int64_t exponent; /* As written; saturated. */
    bool negative;
    bool integer; /* Neither fraction nor exponent. */
};

static bool
is_digit(const char *at, const char *end)
{
    return at < end && *at >= '0' && *at <= '9';
}

static void
add_digit(struct decimal *decimal, char digit, bool before_point)
{
    if (decimal->digit_count == 0 && digit == '0') {
        decimal->point -= before_point ? 0 : 1;
        return;
    }
    decimal->point += before_point ? 1 : 0;
    if (decimal->digit_count < DIGITS_MAX)
        decimal->digits[decimal->digit_count++] = digit;
    else if (digit != '0')
        decimal->digits[DIGITS_MAX - 1] = '1'; /* Beyond what decides; only "not zero" counts. */
}

static bool
parse_exponent(const char **at, const char *end, struct decimal *decimal)
{
    const char *p = *at + 1;
    const bool negative = p < end && *p == '-';
    p += p < end && (*p == '-' || *p == '+') ? 1 : 0;
    if (!is_digit(p, end))
        return false;
    int64_t exponent = 0;
    for (; is_digit(p, end); p++)
        exponent = exponent >= EXPONENT_MAX ? EXPONENT_MAX : exponent * 10 + (*p - '0');
    decimal->exponent = negative ? -exponent : exponent;
    decimal->integer = false;
    *at = p;
    return true;
}

static bool
parse(struct rc_bytes text, struct decimal *decimal)
{
    const char *at = text.data;
    const char *end = text.size == 0 ? at : at + text.size;
    *decimal = (struct decimal){.integer = true};
    if (at < end && *at == '-') {
        decimal->negative = true;
        at++;
    }
    if (!is_digit(at, end) || (*at == '0' && is_digit(at + 1, end)))
        return false;
    for (; is_digit(at, end); at++)
        add_digit(decimal, *at, true);
    if (at < end && *at == '.') {
        decimal->integer = false;
        at++;
        if (!is_digit(at, end))
            return false;
        for (; is_digit(at, end); at++)
            add_digit(decimal, *at, false);
    }
    if (at < end && (*at == 'e' || *at == 'E') && !parse_exponent(&at, end, decimal))
        return false;
    return at == end;
}

static bool
to_int64(const struct decimal *decimal, int64_t *ret_integer)
{
    if (!decimal->integer || decimal->digit_count > 19)
        return false;
    int64_t integer = 0;
    for (unsigned i = 0; i < decimal->digit_count; i++) {
        const int64_t digit = decimal->digits[i] - '0';
        if (__builtin_mul_overflow(integer, (int64_t)10, &integer) ||
            __builtin_sub_overflow(integer, digit, &integer)) /* Downwards: there is one more. */
            return false;
    }
    if (!decimal->negative && integer == INT64_MIN)
        return false;
    *ret_integer = decimal->negative ? integer : -integer;
    return true;
}

bool
rc_value_of_numeric_text(struct rc_bytes text, struct rc_value *ret_number)
{
    /* Most strings are no numbers: the first byte tells. */
    if (text.size == 0 || !(text.data[0] == '-' || is_digit(text.data, text.data + 1)))
        return false;
    struct decimal decimal;
    if (!parse(text, &decimal))
        return false;
    int64_t integer;
    if (decimal.digit_count == 0) {
        *ret_number = rc_value_int(0);
        return true;
    }
    if (to_int64(&decimal, &integer)) {
        *ret_number = rc_value_int(integer);
        return true;
    }
    char plain[DIGITS_MAX + 32];
    const int size =
        snprintf(plain, sizeof(plain), "%s%.*se%lld", decimal.negative ? "-" : "",
                 (int)decimal.digit_count, decimal.digits,
                 (long long)(decimal.exponent + decimal.point - (int64_t)decimal.digit_count));
    RC_ASSERT(size > 0 && (size_t)size < sizeof(plain));
    return rc_value_of_double(read_double(plain), ret_number) == RC_OK;
}

/* The shortest digits that read back as real > 0; the value is 0.DIGITS * 10^*ret_point. */
static int
shortest_digits(double real, char digits[20], int *ret_point)
{
    for (int count = real < DBL_MIN ? 1 : 15;; count++) {
        char text[40];
        (void)snprintf(text, sizeof(text), "%.*e", count - 1, real);
        int kept = 0;
        char *at = text;
        for (; *at != 'e' && *at != '\0';
             at++) /* Whatever the locale's point is, it is no digit. */
            if (*at >= '0' && *at <= '9' && kept < count)
                digits[kept++] = *at;
        *ret_point = atoi(at + 1) + 1;
        char plain[40];
        (void)snprintf(plain, sizeof(plain), "%.*se%d", kept, digits, *ret_point - kept);
        if (count < 17 && read_double(plain) != real)
            continue;
        while (kept > 1 && digits[kept - 1] == '0')
            kept--;
        return kept;
    }
}

static size_t
put(char *text, size_t size, const char *bytes, int count)
{
    for (int i = 0; i < count; i++)
        text[size++] = bytes[i];
    return size;
}

static size_t
put_zeros(char *text, size_t size, int count)
{
    for (int i = 0; i < count; i++)
        text[size++] = '0';
    return size;
}

/* |exponent| below 1000. */
static size_t
put_exponent(char *text, size_t size, int exponent)
{
    text[size++] = 'e';
    if (exponent < 0)
        text[size++] = '-';
    const int absolute = exponent < 0 ? -exponent : exponent;
    if (absolute >= 100)
        text[size++] = (char)('0' + absolute / 100);
    if (absolute >= 10)
        text[size++] = (char)('0' + absolute / 10 % 10);
    text[size++] = (char)('0' + absolute % 10);
    return size;
}

static size_t
integer_text(int64_t integer, char text[32])
{
    char digits[20];
    int count = 0;
    uint64_t rest = integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer;
    do
        digits[count++] = (char)('0' + rest % 10);
    while ((rest /= 10) != 0);
    size_t size = 0;
    if (integer < 0)
        text[size++] = '-';
    while (count > 0)
        text[size++] = digits[--count];
    return size;
}

size_t
rc_number_text(struct rc_value number, char text[32])
{
    if (number.kind == RC_VALUE_INT)
        return integer_text(number.integer, text);
    RC_ASSERT(number.kind == RC_VALUE_DOUBLE && isfinite(number.real) && number.real != 0);
    char digits[20];
    int point;
    const int count = shortest_digits(fabs(number.real), digits, &point);
    size_t size = 0;
    if (number.real < 0)
        text[size++] = '-';
    if (point > 21 || point < -5) {
        size = put(text, size, digits, 1);
        if (count > 1) {
            text[size++] = '.';
            size = put(text, size, digits + 1, count - 1);
        }
        return put_exponent(text, size, point - 1);
    }
    if (point <= 0) {
        size = put(text, size, "0.", 2);
        size = put_zeros(text, size, -point);
        return put(text, size, digits, count);
    }
    if (count <= point) {
        size = put(text, size, digits, count);
        return put_zeros(text, size, point - count);
    }
    size = put(text, size, digits, point);
    text[size++] = '.';
    return put(text, size, digits + point, count - point);
}
