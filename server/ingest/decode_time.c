/* Time texts. Days are counted by the proleptic Gregorian calendar, as everywhere in Recount. */
#include "server/ingest/decode_time.h"

#include "engine/base/date.h"

struct cursor {
    const char *at;
    const char *end;
    bool bad;
};

/* count digits as a number. */
static int
digits(struct cursor *cursor, int count)
{
    int number = 0;
    for (int i = 0; i < count; i++) {
        if (cursor->at == cursor->end || *cursor->at < '0' || *cursor->at > '9') {
            cursor->bad = true;
            return 0;
        }
        number = number * 10 + (*cursor->at++ - '0');
    }
    return number;
}

/* One of the characters of any. */
static char
one_of(struct cursor *cursor, const char *any)
{
    if (cursor->at == cursor->end || *cursor->at == '\0' || strchr(any, *cursor->at) == NULL) {
        cursor->bad = true;
        return '\0';
    }
    return *cursor->at++;
}

static bool
is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int
days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* The fraction of a second in ms; digits past the third are cut off. */
static int
fraction(struct cursor *cursor)
{
    int ms = 0;
    int seen = 0;
    for (; cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9'; cursor->at++)
        if (seen++ < 3)
            ms = ms * 10 + (*cursor->at - '0');
    if (seen == 0)
        cursor->bad = true;
    for (; seen < 3; seen++)
        ms *= 10;
    return ms;
}

/* Minutes east of UTC. */
static int
zone_minutes(struct cursor *cursor)
{
    const char sign = one_of(cursor, "Zz+-");
    if (sign == 'Z' || sign == 'z' || cursor->bad)
        return 0;
    const int hours = digits(cursor, 2);
    (void)one_of(cursor, ":");
    const int minutes = digits(cursor, 2);
    if (hours > 23 || minutes > 59)
        cursor->bad = true;
    return (sign == '-' ? -1 : 1) * (hours * 60 + minutes);
}

bool
rc_decode_time_text(struct rc_bytes text, int64_t *ret_time_ms)
{
    struct cursor cursor = {text.data, text.data + text.size, text.size == 0};
    const int year = digits(&cursor, 4);
    (void)one_of(&cursor, "-");
    const int month = digits(&cursor, 2);
    (void)one_of(&cursor, "-");
    const int day = digits(&cursor, 2);
    (void)one_of(&cursor, "Tt ");
    const int hour = digits(&cursor, 2);
    (void)one_of(&cursor, ":");
    const int minute = digits(&cursor, 2);
    (void)one_of(&cursor, ":");
    int second = digits(&cursor, 2);
    int ms = 0;
    if (cursor.at < cursor.end && *cursor.at == '.') {
        cursor.at++;
        ms = fraction(&cursor);
    }
    const int zone = zone_minutes(&cursor);
    if (cursor.bad || cursor.at != cursor.end || year < 1 || month < 1 || month > 12 || day < 1 ||
        day > days_in_month(year, month) || hour > 23 || minute > 59 || second > 60)
        return false;
    second = second == 60 ? 59 : second;
    const int64_t days = rc_day_of_date(year, (unsigned)month, (unsigned)day);
    const int64_t minutes = (days * 24 + hour) * 60 + minute - zone;
    *ret_time_ms = (minutes * 60 + second) * 1000 + ms;
    return true;
}
