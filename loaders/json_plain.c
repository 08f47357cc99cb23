/*
 * One pointer walks the line and is NULL as soon as the line turns out not to be plain; every step
 * takes it and gives it on. Blocks of 16 bytes may reach into the padding behind the line, but
 * nothing that is found there counts.
 *
 * Why a second parser: an index of the structure first (as simdjson makes it) pays off when values
 * are skipped or nested; here each value is wanted, and its end is found while it is read.
 *
 * A decimal fraction of at most 15 digits is the quotient of two numbers that a double holds
 * exactly, and IEEE division rounds it correctly: it is the nearest double, as the other parser's.
 */
#include "loaders/json_plain.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define DIGITS_INT_MAX 18    /* 10^18 - 1 is below 2^63. */
#define DIGITS_DOUBLE_MAX 15 /* 10^15 is below 2^53. */

struct plain {
    const struct rc_bytes *roots;
    struct rc_echo *echo; /* NULL: none. */
    struct rc_record *record;
    const char *end; /* Of the line. */
    bool no_memory;
};

static const double powers_of_ten[DIGITS_DOUBLE_MAX + 1] = {
    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

/* The first quote, backslash or control character at or behind at; end or more when there is none.
 * *ret_is_ascii: nothing before it is above 127. */
#ifdef __SSE2__
static inline const char *
text_stop(const char *at, const char *end, bool *ret_is_ascii)
{
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i backslash = _mm_set1_epi8('\\');
    const __m128i control = _mm_set1_epi8(0x1f);
    unsigned high = 0;
    for (; at < end; at += 16) {
        const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        const __m128i stops = _mm_or_si128(
            _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
            _mm_cmpeq_epi8(_mm_min_epu8(bytes, control), bytes));
        const unsigned mask = (unsigned)_mm_movemask_epi8(stops);
        const unsigned above = (unsigned)_mm_movemask_epi8(bytes);
        if (mask != 0) {
            high |= above & ((mask & (0 - mask)) - 1);
            at += __builtin_ctz(mask);
            break;
        }
        high |= above;
    }
    *ret_is_ascii = high == 0;
    return at;
}
#else
static inline const char *
text_stop(const char *at, const char *end, bool *ret_is_ascii)
{
    unsigned char high = 0;
    for (; at < end && *at != '"' && *at != '\\' && (unsigned char)*at > 0x1f; at++)
        high |= (unsigned char)*at;
    *ret_is_ascii = high < 0x80;
    return at;
}
#endif

/* What a backslash and this character stand for; 0: nothing, or \u. */
static char
escape_of(char after)
{
    switch (after) {
    case '"':
    case '\\':
    case '/':
        return after;
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return '\0';
    }
}

/* The closing quote of a text that has its first backslash at at; *escapes counts them. */
static const char *
escaped_end(struct plain *plain, const char *at, size_t *escapes, bool *is_ascii)
{
    while (at < plain->end && *at == '\\') {
        if (plain->end - at < 2 || escape_of(at[1]) == '\0')
            return NULL;
        bool part_is_ascii;
        ++*escapes;
        at = text_stop(at + 2, plain->end, &part_is_ascii);
        *is_ascii = *is_ascii && part_is_ascii;
    }
    return at < plain->end && *at == '"' ? at : NULL;
}

/* Copies size bytes without their escapes, which are known to be good. */
static void
unescape(char *to, const char *from, size_t size)
{
    const char *const end = from + size;
    while (from < end) {
        const char *escape = memchr(from, '\\', (size_t)(end - from));
        const size_t part = (size_t)((escape == NULL ? end : escape) - from);
        memcpy(to, from, part);
        to += part;
        from += part;
        if (escape != NULL) {
            *to++ = escape_of(escape[1]);
            from += 2;
        }
    }
}

/* The rest of text_take: stop is where the text, or its first part, stops. */
static __attribute__((noinline)) const char *
special_text_take(struct plain *plain,
                  const char *at,
                  const char *stop,
                  bool is_ascii,
                  struct rc_bytes *ret_text)
{
    size_t escapes = 0;
    if (stop >= plain->end)
        return NULL;
    if (*stop != '"' && (stop = escaped_end(plain, stop, &escapes, &is_ascii)) == NULL)
        return NULL;
    const size_t size = (size_t)(stop - at);
    *ret_text = (struct rc_bytes){at, size - escapes};
    if (escapes > 0) {
        char *copy = rc_arena_alloc(plain->record->arena, size - escapes);
        plain->no_memory = copy == NULL;
        if (copy == NULL)
            return NULL;
        unescape(copy, at, size);
        ret_text->data = copy;
    }
    return is_ascii || rc_bytes_is_text(*ret_text) ? stop + 1 : NULL;
}

/* Reads a text whose opening quote is behind us; gives the place behind the closing one. */
static inline __attribute__((always_inline)) const char *
text_take(struct plain *plain, const char *at, struct rc_bytes *ret_text)
{
    bool is_ascii;
    const char *stop = text_stop(at, plain->end, &is_ascii);
    if (stop >= plain->end || *stop != '"' || !is_ascii)
        return special_text_take(plain, at, stop, is_ascii, ret_text);
    *ret_text = (struct rc_bytes){at, (size_t)(stop - at)};
    return stop + 1;
}

/* Passes spaces; a line that ends here is not plain, as its object is not closed. */
static inline const char *
spaces_pass(struct plain *plain, const char *at)
{
    while (at < plain->end && *at == ' ')
        at++;
    return at < plain->end ? at : NULL;
}

/* Whether eight bytes are digits; *ret_number is what they say. */
static inline bool
eight_digits(const char *at, uint64_t *ret_number)
{
    uint64_t digits;
    memcpy(&digits, at, 8);
    if ((((digits + 0x4646464646464646) | (digits - 0x3030303030303030)) & 0x8080808080808080) != 0)
        return false;
    digits -= 0x3030303030303030;
    digits = digits * 10 + (digits >> 8); /* Pairs, in every second byte. */
    *ret_number = ((digits & 0x000000ff000000ff) * (100 + (UINT64_C(1000000) << 32)) +
                   (digits >> 16 & 0x000000ff000000ff) * (1 + (UINT64_C(10000) << 32))) >>
                  32;
    return true;
}

static inline bool
four_digits(const char *at, uint64_t *ret_number)
{
    uint32_t digits;
    memcpy(&digits, at, 4);
    if ((((digits + 0x46464646) | (digits - 0x30303030)) & 0x80808080) != 0)
        return false;
    digits -= 0x30303030;
    digits = digits * 10 + (digits >> 8);
    *ret_number = (digits & 0xff) * 100 + (digits >> 16 & 0xff);
    return true;
}

/* Reads digits, at most 19 of them, and adds them to *number. */
static inline const char *
digits_take(struct plain *plain, const char *at, uint64_t *number)
{
    uint64_t eight;
    uint64_t value = *number;
    const char *const begin = at;
    while (plain->end - at >= 8 && at - begin <= 8 && eight_digits(at, &eight)) {
        value = value * 100000000 + eight;
        at += 8;
    }
    uint64_t four;
    if (plain->end - at >= 4 && at - begin <= 12 && four_digits(at, &four)) {
        value = value * 10000 + four;
        at += 4;
    }
    for (; at < plain->end && at - begin < 19 && *at >= '0' && *at <= '9'; at++)
        value = value * 10 + (uint64_t)(*at - '0');
    *number = value;
    return at;
}

static inline const char *
number_take(struct plain *plain, const char *at, struct rc_field_value *value)
{
    const bool negative = *at == '-';
    const char *const begin = at + negative;
    uint64_t number = 0;
    at = digits_take(plain, begin, &number);
    const ptrdiff_t whole = at - begin;
    if (whole == 0 || whole > DIGITS_INT_MAX || (*begin == '0' && whole > 1) || at >= plain->end)
        return NULL;
    if (*at != '.') {
        if (number == 0 && negative)
            return NULL;
        value->type = RC_FIELD_INT;
        value->integer = negative ? -(int64_t)number : (int64_t)number;
        return at;
    }
    if (whole >= DIGITS_DOUBLE_MAX)
        return NULL;
    const char *const point = at;
    at = digits_take(plain, point + 1, &number);
    const ptrdiff_t fraction = at - point - 1;
    if (fraction == 0 || whole + fraction > DIGITS_DOUBLE_MAX)
        return NULL;
    const double magnitude = (double)number / powers_of_ten[fraction];
    value->type = RC_FIELD_DOUBLE;
    value->number = negative ? -magnitude : magnitude;
    return at;
}

static inline const char *
word_take(struct plain *plain,
          const char *at,
          struct rc_bytes word,
          enum rc_field_type type,
          struct rc_field_value *value)
{
    if ((size_t)(plain->end - at) < word.size || memcmp(at, word.data, word.size) != 0)
        return NULL;
    value->type = type;
    return at + word.size;
}

/* Reads a value that is no object; lists are not plain. */
static inline const char *
value_take(struct plain *plain, const char *at, struct rc_field_value *value)
{
    switch (*at) {
    case '"':
        value->type = RC_FIELD_TEXT;
        return text_take(plain, at + 1, &value->text);
    case 't':
        return word_take(plain, at, RC_BYTES_LITERAL("true"), RC_FIELD_TRUE, value);
    case 'f':
        return word_take(plain, at, RC_BYTES_LITERAL("false"), RC_FIELD_FALSE, value);
    case 'n':
        return word_take(plain, at, RC_BYTES_LITERAL("null"), RC_FIELD_NULL, value);
    default:
        return number_take(plain, at, value); /* Or NULL: it needs a digit. */
    }
}

/* The root of this name, or 0. */
static uint32_t
root_of(struct plain *plain, struct rc_bytes name)
{
    for (uint32_t i = 0; i < RC_FIELD_ROOTS_MAX - 1; i++)
        if (plain->roots[i].size > 0 && rc_bytes_equal(plain->roots[i], name))
            return i + 1;
    return 0;
}

/* Reads the name of a member and the colon, up to its value. */
static inline const char *
name_take(struct plain *plain, const char *at, struct rc_bytes *ret_name)
{
    if (*at != '"' || (at = text_take(plain, at + 1, ret_name)) == NULL ||
        (at = spaces_pass(plain, at)) == NULL || *at != ':')
        return NULL;
    return spaces_pass(plain, at + 1);
}

static const char *
members_take(struct plain *plain, const char *at, uint32_t root);

/* Reads the value of the field that the record got last; gives the place behind it. */
static const char *
field_take(struct plain *plain, const char *at, struct rc_field *field)
{
    if (*at != '{')
        return value_take(plain, at, &field->value);
    const uint32_t inner = field->root == 0 ? root_of(plain, field->name) : 0;
    field->value.type = RC_FIELD_ROOT;
    return inner == 0 ? NULL : members_take(plain, at + 1, inner); /* The field may move. */
}

/* The same, where a line is to be kept. begin: where the member begins. */
static const char *
field_take_noted(struct plain *plain, const char *begin, const char *at, struct rc_field *field)
{
    struct rc_echo *echo = plain->echo;
    const char *const raw = plain->record->raw.data;
    struct rc_echo_field *note = rc_echo_note(echo, (size_t)(begin - raw), (size_t)(at - raw));
    const bool is_user = echo->keeper == NULL && field->root == echo->key_root &&
                         rc_bytes_equal(field->name, echo->key);
    const char *behind = field_take(plain, at, field);
    if (behind == NULL || (behind = spaces_pass(plain, behind)) == NULL)
        return NULL;
    if (note != NULL)
        note->end = (uint16_t)(behind - begin);
    if (is_user)
        rc_echo_choose(echo, (struct rc_bytes){at, (size_t)(behind - at)});
    return behind;
}

/* Reads a member, or takes some over that are echoes; gives the place behind, which is no space. A
 * root within the record is read by itself: one level, no more. */
static const char *
member_take(struct plain *plain, const char *at, uint32_t root)
{
    struct rc_bytes name;
    const struct rc_echo_field *known = NULL;
    const char *const begin = at;
    if (plain->echo != NULL && plain->echo->line != NULL) {
        at = rc_echo_take(plain->echo, plain->record, begin, plain->end, root, &known);
        if (at != NULL)
            return at;
    }
    if (known != NULL) {
        name = (struct rc_bytes){begin + 1, known->name_size};
        at = begin + known->value;
    } else if ((at = name_take(plain, begin, &name)) == NULL) {
        return NULL;
    }
    struct rc_field *field = rc_record_add(plain->record, name, root);
    plain->no_memory = field == NULL;
    if (field == NULL)
        return NULL;
    if (known != NULL)
        field->entry = known->entry;
    if (plain->echo != NULL)
        return field_take_noted(plain, begin, at, field);
    at = field_take(plain, at, field);
    return at == NULL ? NULL : spaces_pass(plain, at);
}

/* Reads the members of an object whose brace is behind us, with at least one; gives the place
 * behind the closing brace. */
static const char *
members_take(struct plain *plain, const char *at, uint32_t root)
{
    for (;;) {
        if ((at = spaces_pass(plain, at)) == NULL || (at = member_take(plain, at, root)) == NULL)
            return NULL;
        if (*at == '}')
            return at + 1;
        if (*at++ != ',')
            return NULL;
    }
}

enum rc_status
rc_json_plain_parse(const struct rc_bytes roots[2], struct rc_echo *echo, struct rc_record *record)
{
    struct plain plain = {roots, echo, record, record->raw.data + record->raw.size, false};
    const char *at = record->raw.data;
    if (echo != NULL)
        rc_echo_begin(echo);
    if (record->raw.size == 0 || *at != '{')
        return RC_NOT_FOUND;
    at = members_take(&plain, at + 1, 0);
    if (echo != NULL && echo->line != NULL)
        record->echo = echo->line->place;
    return plain.no_memory ? RC_NO_MEMORY : at == plain.end ? RC_OK : RC_NOT_FOUND;
}
