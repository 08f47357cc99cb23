/* Digits are read by hand: the C library's parsers follow the process's locale and zone. */
#include "loaders/time_text.h"

#include <math.h>
#include <string.h>

#include "engine/base/date.h"
#include "engine/base/limits.h"

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

struct cursor {
    const char *at;
    const char *end;
};

static bool
in_range(int64_t time_ms)
{
    return time_ms >= RC_TIME_MS_MIN && time_ms <= RC_TIME_MS_MAX;
}

/* Exactly count digits. */
static bool
digits_read(struct cursor *cursor, int count, int64_t *ret_value)
{
    int64_t value = 0;
    for (int i = 0; i < count; i++) {
        if (cursor->at == cursor->end || *cursor->at < '0' || *cursor->at > '9')
            return false;
        value = value * 10 + (*cursor->at++ - '0');
    }
    *ret_value = value;
    return true;
}

static bool
char_read(struct cursor *cursor, char wanted)
{
    const bool found = cursor->at < cursor->end && *cursor->at == wanted;
    cursor->at += found ? 1 : 0;
    return found;
}

/* Days since 1970 of a civil date, if there is one. */
static bool
day_of(int64_t year, int64_t month, int64_t day, int64_t *ret_day)
{
    static const int64_t lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (year < 1 || month < 1 || month > 12 || day < 1 ||
        day > lengths[month - 1] + (leap && month == 2))
        return false;
    *ret_day = rc_day_of_date(year, (unsigned)month, (unsigned)day);
    return true;
}

/* hh:mm:ss, 24 hours, a leap second allowed as the next second. */
static bool
clock_read(struct cursor *cursor, int64_t *ret_ms)
{
    int64_t hour;
    int64_t minute;
    int64_t second = 0;
    if (!digits_read(cursor, 2, &hour) || !char_read(cursor, ':') ||
        !digits_read(cursor, 2, &minute))
        return false;
    if (char_read(cursor, ':') && !digits_read(cursor, 2, &second))
        return false;
    *ret_ms = hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS;
    return hour < 24 && minute < 60 && second <= 60;
}

/* .123456: the first three digits count. */
static bool
fraction_read(struct cursor *cursor, int64_t *ret_ms)
{
    *ret_ms = 0;
    if (!char_read(cursor, '.') && !char_read(cursor, ','))
        return true;
    int64_t scale = 100;
    const char *const begin = cursor->at;
    for (; cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9'; cursor->at++) {
        *ret_ms += scale * (*cursor->at - '0');
        scale /= 10;
    }
    return cursor->at > begin;
}

/* +hh, +hhmm or +hh:mm. */
static bool
offset_read(struct cursor *cursor, int64_t *ret_zone_ms)
{
    const bool west = cursor->at < cursor->end && *cursor->at == '-';
    int64_t hour;
    int64_t minute = 0;
    if (!char_read(cursor, west ? '-' : '+') || !digits_read(cursor, 2, &hour))
        return false;
    if ((char_read(cursor, ':') || cursor->at < cursor->end) && !digits_read(cursor, 2, &minute))
        return false;
    const int64_t zone_ms = hour * HOUR_MS + minute * MINUTE_MS;
    *ret_zone_ms = west ? -zone_ms : zone_ms;
    return hour < 24 && minute < 60;
}

bool
rc_time_zone_parse(struct rc_bytes text, int64_t *ret_zone_ms)
{
    if (rc_bytes_equal(text, RC_BYTES_LITERAL("UTC")) ||
        rc_bytes_equal(text, RC_BYTES_LITERAL("GMT")) ||
        rc_bytes_equal(text, RC_BYTES_LITERAL("Z")) ||
        rc_bytes_equal(text, RC_BYTES_LITERAL("z"))) {
        *ret_zone_ms = 0;
        return true;
    }
    struct cursor cursor = {text.data, text.data + text.size};
    int64_t zone_ms;
    if (!offset_read(&cursor, &zone_ms) || cursor.at != cursor.end)
        return false;
    *ret_zone_ms = zone_ms;
    return true;
}

/* What follows the clock: nothing, or a zone, perhaps after a space. */
static bool
zone_read(struct cursor *cursor, int64_t *zone_ms)
{
    char_read(cursor, ' ');
    const struct rc_bytes rest = {cursor->at, (size_t)(cursor->end - cursor->at)};
    return rest.size == 0 || rc_time_zone_parse(rest, zone_ms);
}

static bool
iso_parse(struct cursor cursor, int64_t zone_ms, int64_t *ret_time_ms)
{
    int64_t year;
    int64_t month;
    int64_t day_of_month;
    int64_t day;
    int64_t clock_ms = 0;
    int64_t fraction_ms = 0;
    if (!digits_read(&cursor, 4, &year) || !char_read(&cursor, '-') ||
        !digits_read(&cursor, 2, &month) || !char_read(&cursor, '-') ||
        !digits_read(&cursor, 2, &day_of_month) || !day_of(year, month, day_of_month, &day))
        return false;
    if (cursor.at < cursor.end) {
        if (!char_read(&cursor, 'T') && !char_read(&cursor, 't') && !char_read(&cursor, ' '))
            return false;
        if (!clock_read(&cursor, &clock_ms) || !fraction_read(&cursor, &fraction_ms) ||
            !zone_read(&cursor, &zone_ms))
            return false;
    }
    *ret_time_ms = day * DAY_MS + clock_ms + fraction_ms - zone_ms;
    return in_range(*ret_time_ms);
}

/* 17/May/2015:10:05:03 +0000 */
static bool
log_parse(struct cursor cursor, int64_t zone_ms, int64_t *ret_time_ms)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t day_of_month;
    int64_t year;
    int64_t day;
    int64_t clock_ms;
    if (!digits_read(&cursor, 2, &day_of_month) || !char_read(&cursor, '/') ||
        cursor.end - cursor.at < 3)
        return false;
    int64_t month = 0;
    while (month < 12 && memcmp(months + 3 * month, cursor.at, 3) != 0)
        month++;
    cursor.at += 3;
    if (month == 12 || !char_read(&cursor, '/') || !digits_read(&cursor, 4, &year) ||
        !char_read(&cursor, ':') || !day_of(year, month + 1, day_of_month, &day) ||
        !clock_read(&cursor, &clock_ms) || !zone_read(&cursor, &zone_ms))
        return false;
    *ret_time_ms = day * DAY_MS + clock_ms - zone_ms;
    return in_range(*ret_time_ms);
}

/* Units of a second. */
static double
unit_of(double magnitude, enum rc_time_unit unit)
{
    switch (unit) {
    case RC_TIME_SECONDS:
        return 1;
    case RC_TIME_MILLISECONDS:
        return 1e3;
    case RC_TIME_MICROSECONDS:
        return 1e6;
    case RC_TIME_NANOSECONDS:
        return 1e9;
    case RC_TIME_AUTO:
        break;
    }
    return magnitude < 1e11 ? 1 : magnitude < 1e14 ? 1e3 : magnitude < 1e17 ? 1e6 : 1e9;
}

static bool
int_parse(int64_t value, enum rc_time_unit unit, int64_t *ret_time_ms)
{
    const double per_second = unit_of(fabs((double)value), unit);
    if (per_second >= 1e3) {
        const int64_t per_ms = (int64_t)(per_second / 1e3);
        *ret_time_ms = value / per_ms - (value % per_ms < 0); /* Towards the past. */
    } else {
        if (value < RC_TIME_MS_MIN / 1000 - 1 || value > RC_TIME_MS_MAX / 1000 + 1)
            return false;
        *ret_time_ms = value * 1000;
    }
    return in_range(*ret_time_ms);
}

static bool
double_parse(double value, enum rc_time_unit unit, int64_t *ret_time_ms)
{
    const double ms = floor(value * (1e3 / unit_of(fabs(value), unit)));
    if (!(ms >= (double)RC_TIME_MS_MIN && ms <= (double)RC_TIME_MS_MAX))
        return false;
    *ret_time_ms = (int64_t)ms;
    return true;
}

/* 1425211200123 or 1602611311.25: up to 18 digits before the point, three count behind it. */
static bool
number_parse(struct cursor cursor, enum rc_time_unit unit, int64_t *ret_time_ms)
{
    const bool negative = char_read(&cursor, '-');
    const char *const begin = cursor.at;
    int64_t value = 0;
    int64_t fraction_ms;
    while (cursor.at < cursor.end && *cursor.at >= '0' && *cursor.at <= '9' &&
           cursor.at - begin < 18)
        value = value * 10 + (*cursor.at++ - '0');
    if (cursor.at == begin || !fraction_read(&cursor, &fraction_ms) || cursor.at != cursor.end)
        return false;
    if (unit_of((double)value, unit) > 1 || fraction_ms == 0)
        return int_parse(negative ? -value : value, unit, ret_time_ms);
    if (!int_parse(negative ? -value : value, unit, ret_time_ms))
        return false;
    *ret_time_ms += negative ? -fraction_ms : fraction_ms;
    return in_range(*ret_time_ms);
}

static bool
value_parse(const struct rc_field_value *value,
            enum rc_time_unit unit,
            int64_t zone_ms,
            int64_t *ret_time_ms)
{
    if (value->type == RC_FIELD_INT)
        return int_parse(value->integer, unit, ret_time_ms);
    if (value->type == RC_FIELD_DOUBLE)
        return double_parse(value->number, unit, ret_time_ms);
    if (value->type != RC_FIELD_TEXT)
        return false;
    const struct cursor cursor = {value->text.data, value->text.data + value->text.size};
    return number_parse(cursor, unit, ret_time_ms) || iso_parse(cursor, zone_ms, ret_time_ms) ||
           log_parse(cursor, zone_ms, ret_time_ms);
}

bool
rc_time_parse(const struct rc_field_value *value,
              enum rc_time_unit unit,
              int64_t zone_ms,
              int64_t *ret_time_ms)
{
    int64_t time_ms = 0;
    const bool good = value_parse(value, unit, zone_ms, &time_ms);
    if (good)
        *ret_time_ms = time_ms;
    return good;
}
