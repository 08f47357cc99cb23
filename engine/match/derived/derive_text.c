/*
 * Derive text. Nothing here is asked for more than once a distinct value, so it is written to be
 * read; only the part of a time is also asked for every row, and keeps the offset of the zone.
 */
#include "engine/match/derived/derive_text.h"

#include <string.h>

#include "engine/base/date.h"
#include "engine/base/limits.h"

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static char
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* ---- Numbers --------------------------------------------------------------------------------- */

#define NUMBER_BYTES_MAX 400u /* The longest numbers have 309 digits before the point. */

/* Whether a comma at the place separates thousands: three digits and no fourth behind it. */
static bool
separates(struct rc_bytes text, size_t at)
{
    if (text.data[at] != ',' || at + 3 >= text.size)
        return false;
    for (size_t i = 1; i <= 3; i++) {
        if (!is_digit(text.data[at + i]))
            return false;
    }
    return at + 4 == text.size || !is_digit(text.data[at + 4]);
}

bool
rc_text_first_number(struct rc_bytes text, struct rc_value *ret_number)
{
    char copy[NUMBER_BYTES_MAX];
    size_t size = 0;
    size_t at = 0;
    while (at < text.size && !is_digit(text.data[at]))
        at++;
    if (at == text.size)
        return false;
    const bool point_first = at > 0 && text.data[at - 1] == '.';
    const size_t sign = at - point_first;
    if (sign > 0 && text.data[sign - 1] == '-')
        copy[size++] = '-';
    at -= point_first;
    bool significant = false; /* A JSON number begins with no zero but a single one. */
    for (; at < text.size && (is_digit(text.data[at]) || separates(text, at)); at++) {
        significant = significant || (text.data[at] != '0' && text.data[at] != ',');
        if (size + 2 >= sizeof(copy))
            return false;
        if (significant && text.data[at] != ',')
            copy[size++] = text.data[at];
    }
    if (!significant)
        copy[size++] = '0';
    if (at + 1 < text.size && text.data[at] == '.' && is_digit(text.data[at + 1])) {
        copy[size++] = '.';
        for (at++; at < text.size && is_digit(text.data[at]) && size < sizeof(copy); at++)
            copy[size++] = text.data[at];
    }
    return rc_value_of_numeric_text((struct rc_bytes){copy, size}, ret_number);
}

/* ---- URLs ------------------------------------------------------------------------------------ */

struct url {
    struct rc_bytes scheme;
    struct rc_bytes host;
    struct rc_bytes path;
    struct rc_bytes query;
    struct rc_bytes fragment;
    bool has_host;
    bool has_query;
    bool has_fragment;
};

static struct rc_bytes
slice(struct rc_bytes text, size_t begin, size_t end)
{
    return (struct rc_bytes){text.data + begin, end - begin};
}

/* The bytes of "scheme:" at the beginning, without the colon; 0: there is none before "//". */
static size_t
scheme_bytes(struct rc_bytes text)
{
    size_t at = 0;
    while (at < text.size &&
           ((lower(text.data[at]) >= 'a' && lower(text.data[at]) <= 'z') ||
            (at > 0 && (is_digit(text.data[at]) || strchr("+-.", text.data[at])))))
        at++;
    return at > 0 && text.size - at >= 3 && memcmp(text.data + at, "://", 3) == 0 ? at : 0;
}

/* user@host:port, [::1]:port */
static struct rc_bytes
host_of(struct rc_bytes authority)
{
    size_t begin = 0;
    for (size_t i = 0; i < authority.size; i++) {
        if (authority.data[i] == '@')
            begin = i + 1;
    }
    const bool bracket = begin < authority.size && authority.data[begin] == '[';
    size_t end = rc_bytes_find_any(authority, begin, bracket ? "]" : ":");
    end += bracket && end < authority.size;
    return slice(authority, begin, end);
}

static struct url
split_url(struct rc_bytes text)
{
    struct url url = {0};
    size_t at = scheme_bytes(text);
    url.scheme = slice(text, 0, at);
    at += at > 0;
    if (text.size - at >= 2 && memcmp(text.data + at, "//", 2) == 0) {
        const size_t end = rc_bytes_find_any(text, at + 2, "/?#");
        url.host = host_of(slice(text, at + 2, end));
        url.has_host = true;
        at = end;
    }
    size_t end = rc_bytes_find_any(text, at, "?#");
    url.path = slice(text, at, end);
    if (end < text.size && text.data[end] == '?') {
        at = end + 1;
        end = rc_bytes_find_any(text, at, "#");
        url.query = slice(text, at, end);
        url.has_query = true;
    }
    url.has_fragment = end < text.size;
    if (url.has_fragment)
        url.fragment = slice(text, end + 1, text.size);
    return url;
}

static unsigned
hex_value(char c)
{
    return is_digit(c) ? (unsigned)(c - '0') : (unsigned)(lower(c) - 'a') + 10;
}

/* Without percent signs and with blanks for +; as it was if that is no text. */
static enum rc_status
decode(struct rc_bytes text, struct rc_arena *arena, struct rc_bytes *ret_text)
{
    char *out = rc_arena_alloc(arena, text.size + 1);
    size_t size = 0;
    if (out == NULL)
        return RC_NO_MEMORY;
    for (size_t i = 0; i < text.size; i++) {
        const bool escape = text.data[i] == '%' && i + 2 < text.size && is_hex(text.data[i + 1]) &&
                            is_hex(text.data[i + 2]);
        if (escape) {
            out[size++] = (char)(hex_value(text.data[i + 1]) << 4 | hex_value(text.data[i + 2]));
            i += 2;
        } else {
            out[size++] = text.data[i] == '+' ? ' ' : text.data[i];
        }
    }
    const struct rc_bytes decoded = {out, size};
    *ret_text = rc_bytes_is_text(decoded) ? decoded : text;
    return RC_OK;
}

/* The value of the first parameter of that name. */
static enum rc_status
find_parameter(struct rc_bytes query,
               struct rc_bytes name,
               struct rc_arena *arena,
               bool *ret_found,
               struct rc_bytes *ret_value)
{
    for (size_t at = 0; at <= query.size;) {
        const size_t end = rc_bytes_find_any(query, at, "&");
        const size_t equals = rc_bytes_find_any(slice(query, 0, end), at, "=");
        struct rc_bytes decoded;
        RC_TRY(decode(slice(query, at, equals), arena, &decoded));
        if (rc_bytes_equal(decoded, name)) {
            *ret_found = true;
            return decode(slice(query, equals + (equals < end), end), arena, ret_value);
        }
        at = end + 1;
    }
    *ret_found = false;
    return RC_OK;
}

static enum rc_status
lower_copy(struct rc_bytes text, struct rc_arena *arena, struct rc_bytes *ret_text)
{
    char *copy = rc_arena_string(arena, text.size == 0 ? "" : text.data, text.size);
    if (copy == NULL)
        return RC_NO_MEMORY;
    for (size_t i = 0; i < text.size; i++)
        copy[i] = lower(copy[i]);
    *ret_text = (struct rc_bytes){copy, text.size};
    return RC_OK;
}

enum rc_status
rc_text_url_part(struct rc_bytes text,
                 enum rc_url_part part,
                 struct rc_bytes parameter,
                 struct rc_arena *arena,
                 bool *ret_found,
                 struct rc_bytes *ret_part)
{
    const struct url url = split_url(text);
    *ret_found = true;
    switch (part) {
    case RC_URL_SCHEME:
        *ret_found = url.scheme.size > 0;
        return lower_copy(url.scheme, arena, ret_part);
    case RC_URL_HOST:
        *ret_found = url.has_host && url.host.size > 0;
        return lower_copy(url.host, arena, ret_part);
    case RC_URL_PATH:
        *ret_part = url.has_host && url.path.size == 0 ? RC_BYTES_LITERAL("/") : url.path;
        return RC_OK;
    case RC_URL_QUERY:
        *ret_found = url.has_query;
        *ret_part = url.query;
        return RC_OK;
    case RC_URL_FRAGMENT:
        *ret_found = url.has_fragment;
        *ret_part = url.fragment;
        return RC_OK;
    case RC_URL_PARAMETER:
        break;
    }
    *ret_found = false;
    return url.has_query ? find_parameter(url.query, parameter, arena, ret_found, ret_part) : RC_OK;
}

/* ---- Ids in paths ---------------------------------------------------------------------------- */

static bool
is_uuid(struct rc_bytes text)
{
    if (text.size != 36)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        if (hyphen ? text.data[i] != '-' : !is_hex(text.data[i]))
            return false;
    }
    return true;
}

/* Digits alone, a UUID, or eight and more hexadecimal digits with a digit among them. */
static bool
is_id(struct rc_bytes segment)
{
    bool digits_only = segment.size > 0;
    bool hex_only = segment.size >= 8;
    bool any_digit = false;
    for (size_t i = 0; i < segment.size; i++) {
        digits_only = digits_only && is_digit(segment.data[i]);
        hex_only = hex_only && is_hex(segment.data[i]);
        any_digit = any_digit || is_digit(segment.data[i]);
    }
    return digits_only || (hex_only && any_digit) || is_uuid(segment);
}

enum rc_status
rc_text_fold_ids(struct rc_bytes text, struct rc_arena *arena, struct rc_bytes *ret_text)
{
    /* A segment of one digit grows to three bytes; it has a slash beside it. */
    char *out = rc_arena_alloc(arena, 2 * text.size + 4);
    if (out == NULL)
        return RC_NO_MEMORY;
    const struct url url = split_url(text);
    const size_t begin = (size_t)(url.path.data - text.data);
    const size_t end = begin + url.path.size;
    size_t size = begin;
    memcpy(out, text.data, begin);
    for (size_t at = begin; at <= end;) {
        const size_t stop = rc_bytes_find_any(slice(text, 0, end), at, "/");
        const struct rc_bytes segment = slice(text, at, stop);
        const struct rc_bytes put = is_id(segment) ? RC_BYTES_LITERAL(":id") : segment;
        memcpy(out + size, put.data, put.size);
        size += put.size;
        if (stop < end)
            out[size++] = '/';
        at = stop + 1;
    }
    memcpy(out + size, text.data + end, text.size - end);
    *ret_text = (struct rc_bytes){out, size + text.size - end};
    return RC_OK;
}

/* ---- Times ----------------------------------------------------------------------------------- */

/* count digits at the place, which is moved. */
static bool
take_digits(struct rc_bytes text, size_t *at, size_t count, unsigned *ret_number)
{
    unsigned number = 0;
    if (text.size - *at < count)
        return false;
    for (size_t i = 0; i < count; i++) {
        const char c = text.data[*at + i];
        if (!is_digit(c))
            return false;
        number = number * 10 + (unsigned)(c - '0');
    }
    *at += count;
    *ret_number = number;
    return true;
}

static bool
take(struct rc_bytes text, size_t *at, const char *any_of)
{
    if (*at == text.size || strchr(any_of, text.data[*at]) == NULL)
        return false;
    (*at)++;
    return true;
}

/* Z, or an offset; nothing is UTC. In minutes. */
static bool
take_offset(struct rc_bytes text, size_t *at, int64_t *ret_minutes)
{
    unsigned hours;
    unsigned minutes;
    *ret_minutes = 0;
    if (*at == text.size || take(text, at, "Zz"))
        return *at == text.size;
    const bool west = text.data[*at] == '-';
    if (!take(text, at, "+-") || !take_digits(text, at, 2, &hours))
        return false;
    (void)take(text, at, ":");
    if (!take_digits(text, at, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *ret_minutes = (int64_t)(hours * 60 + minutes) * (west ? -1 : 1);
    return *at == text.size;
}

/* The time of day behind a date. */
static bool
take_time(struct rc_bytes text, size_t *at, int64_t *ret_ms)
{
    unsigned hour;
    unsigned minute;
    unsigned second = 0;
    unsigned ms = 0;
    if (!take_digits(text, at, 2, &hour) || !take(text, at, ":") ||
        !take_digits(text, at, 2, &minute) || hour > 23 || minute > 59)
        return false;
    if (take(text, at, ":") && (!take_digits(text, at, 2, &second) || second > 60))
        return false;
    if (take(text, at, ".,")) {
        unsigned digits = 0;
        for (; *at < text.size && is_digit(text.data[*at]); (*at)++, digits++)
            ms = digits < 3 ? ms * 10 + (unsigned)(text.data[*at] - '0') : ms;
        if (digits == 0)
            return false;
        for (; digits < 3; digits++)
            ms *= 10;
    }
    *ret_ms = ((int64_t)hour * 3600 + (int64_t)minute * 60 + second) * 1000 + ms;
    return true;
}

bool
rc_text_time(struct rc_bytes text, int64_t *ret_time_ms)
{
    static const unsigned month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    size_t at = 0;
    unsigned year;
    unsigned month;
    unsigned day;
    int64_t ms = 0;
    int64_t offset = 0;
    if (!take_digits(text, &at, 4, &year) || !take(text, &at, "-") ||
        !take_digits(text, &at, 2, &month) || !take(text, &at, "-") ||
        !take_digits(text, &at, 2, &day) || year == 0 || month == 0 || month > 12 || day == 0 ||
        day > month_days[month - 1])
        return false;
    if (day == 29 && month == 2 && (year % 4 != 0 || (year % 100 == 0 && year % 400 != 0)))
        return false;
    if (at < text.size &&
        (!take(text, &at, "Tt ") || !take_time(text, &at, &ms) || !take_offset(text, &at, &offset)))
        return false;
    const int64_t time_ms = rc_day_of_date(year, month, day) * RC_DAY_MS + ms - offset * 60000;
    if (time_ms < RC_TIME_MS_MIN || time_ms > RC_TIME_MS_MAX)
        return false;
    *ret_time_ms = time_ms;
    return true;
}

static int64_t
floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

#define CLOCK_AHEAD_S ((int64_t)400 * 86400)

static int32_t
offset_at(struct rc_zone_clock *clock, int64_t time_s)
{
    if (time_s >= clock->begin_s && time_s < clock->end_s)
        return clock->offset_s;
    const int32_t offset_s = rc_zone_offset_s(clock->zone, time_s);
    int64_t end_s = time_s + CLOCK_AHEAD_S;
    (void)rc_zone_next_change(clock->zone, time_s, end_s, &end_s);
    *clock = (struct rc_zone_clock){
        .zone = clock->zone, .begin_s = time_s, .end_s = end_s, .offset_s = offset_s};
    return offset_s;
}

/* Thursday of a day's week says which year the week belongs to. */
static int64_t
iso_week(int64_t days)
{
    const int64_t thursday = floor_div(days + 3, 7) * 7; /* Weeks begin on days 4, 11, ... - 7. */
    return (thursday - rc_day_of_date(rc_date_of_day(thursday).year, 1, 1)) / 7 + 1;
}

int64_t
rc_time_part_of(struct rc_zone_clock *clock, enum rc_time_part part, int64_t time_ms)
{
    const int64_t time_s = floor_div(time_ms, 1000);
    const int64_t local_s = time_s + offset_at(clock, time_s);
    const int64_t days = floor_div(local_s, 86400);
    const int64_t of_day = local_s - days * 86400;
    switch (part) {
    case RC_TIME_HOUR:
        return of_day / 3600;
    case RC_TIME_MINUTE:
        return of_day / 60 % 60;
    case RC_TIME_WEEKDAY: /* 1970-01-01 was a Thursday. */
        return days + 3 - floor_div(days + 3, 7) * 7 + 1;
    case RC_TIME_WEEK:
        return iso_week(days);
    default:
        break;
    }
    const struct rc_date date = rc_date_of_day(days);
    switch (part) {
    case RC_TIME_YEAR:
        return date.year;
    case RC_TIME_QUARTER:
        return (date.month + 2) / 3;
    case RC_TIME_MONTH:
        return date.month;
    case RC_TIME_DAY_OF_YEAR:
        return days - rc_day_of_date(date.year, 1, 1) + 1;
    default:
        return date.day;
    }
}
