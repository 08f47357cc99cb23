/*
 * Event id. Integers are compared as texts without writing the texts: "10" comes before "9", so the
 * longer of two is cut to the length of the shorter, and a prefix comes before what it begins.
 */
#include "engine/store/value/event_id.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/hash.h"

#define DERIVED_MARK '~' /* Above the digits: every derived id comes after every integer. */
#define DERIVED_TEXT_BYTES 17
#define INT_DIGITS_MAX 20

_Static_assert(DERIVED_MARK > '9', "derived ids must come after integers");

static const uint64_t powers_of_ten[INT_DIGITS_MAX] = {
    1ULL,
    10ULL,
    100ULL,
    1000ULL,
    10000ULL,
    100000ULL,
    1000000ULL,
    10000000ULL,
    100000000ULL,
    1000000000ULL,
    10000000000ULL,
    100000000000ULL,
    1000000000000ULL,
    10000000000000ULL,
    100000000000000ULL,
    1000000000000000ULL,
    10000000000000000ULL,
    100000000000000000ULL,
    1000000000000000000ULL,
    10000000000000000000ULL,
};

static unsigned
digit_count(uint64_t number)
{
    unsigned count = 1;
    while (count < INT_DIGITS_MAX && number >= powers_of_ten[count])
        count++;
    return count;
}

struct rc_event_id
rc_event_id_of_text(struct rc_bytes text)
{
    const struct rc_event_id as_text = {.kind = RC_EVENT_ID_TEXT, .text = text};
    if (text.size == 0 || text.size > INT_DIGITS_MAX || (text.size > 1 && text.data[0] == '0'))
        return as_text;
    uint64_t number = 0;
    for (size_t i = 0; i < text.size; i++) {
        const unsigned digit = (unsigned)(unsigned char)text.data[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(number, (uint64_t)10, &number) ||
            __builtin_add_overflow(number, (uint64_t)digit, &number))
            return as_text;
    }
    return (struct rc_event_id){.kind = RC_EVENT_ID_INT, .number = number};
}

struct rc_bytes
rc_event_id_text(const struct rc_event_id *id, char buffer[24])
{
    if (id->kind == RC_EVENT_ID_TEXT)
        return id->text;
    uint64_t rest = id->number;
    if (id->kind == RC_EVENT_ID_DERIVED) {
        buffer[0] = DERIVED_MARK;
        for (size_t i = DERIVED_TEXT_BYTES; i-- > 1; rest >>= 4)
            buffer[i] = "0123456789abcdef"[rest & 15];
        return (struct rc_bytes){buffer, DERIVED_TEXT_BYTES};
    }
    RC_ASSERT(id->kind == RC_EVENT_ID_INT);
    const unsigned size = digit_count(rest);
    for (unsigned i = size; i-- > 0; rest /= 10)
        buffer[i] = (char)('0' + rest % 10);
    return (struct rc_bytes){buffer, size};
}

static int
compare_numbers(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* The order of the decimal texts of two numbers. */
static int
compare_decimal_texts(uint64_t a, uint64_t b)
{
    const unsigned a_digits = digit_count(a);
    const unsigned b_digits = digit_count(b);
    if (a_digits == b_digits)
        return compare_numbers(a, b);
    if (a_digits < b_digits) {
        const int order = compare_numbers(a, b / powers_of_ten[b_digits - a_digits]);
        return order != 0 ? order : -1;
    }
    const int order = compare_numbers(a / powers_of_ten[a_digits - b_digits], b);
    return order != 0 ? order : 1;
}

int
rc_event_id_compare(const struct rc_event_id *a, const struct rc_event_id *b)
{
    if (a->kind == RC_EVENT_ID_INT && b->kind == RC_EVENT_ID_INT)
        return compare_decimal_texts(a->number, b->number);
    if (a->kind == RC_EVENT_ID_DERIVED && b->kind == RC_EVENT_ID_DERIVED)
        return compare_numbers(a->number, b->number);
    char a_buffer[24];
    char b_buffer[24];
    return rc_bytes_compare(rc_event_id_text(a, a_buffer), rc_event_id_text(b, b_buffer));
}

bool
rc_event_id_replaces(const struct rc_event_id *a, const struct rc_event_id *b)
{
    if (a->kind != b->kind || a->kind == RC_EVENT_ID_DERIVED)
        return false;
    return a->kind == RC_EVENT_ID_INT ? a->number == b->number : rc_bytes_equal(a->text, b->text);
}
