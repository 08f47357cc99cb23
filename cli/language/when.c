/*
 * When: dates by the C library's calendar, lengths by a table of units.
 *
 * Local times go through mktime with TZ set to the zone: at a time that a change of offset skips or
 * repeats it picks one, which is good enough for the ends of a range. The C library takes an
 * unknown zone for UTC without a word, so the zone's file is looked for first.
 */
#include "cli/language/when.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DAY_MS INT64_C(86400000)

enum rc_status
rc_when_duration(const char *text, int64_t *ret_ms, struct rc_error *reterr_error)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"ms", 1},      {"s", 1000},    {"sec", 1000}, {"m", 60000},
                 {"min", 60000}, {"h", 3600000}, {"d", DAY_MS}, {"w", 7 * DAY_MS}};
    char *end = NULL;
    errno = 0;
    const double count = isdigit((unsigned char)*text) ? strtod(text, &end) : -1;
    for (size_t i = 0; count >= 0 && errno == 0 && i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(end, units[i].unit) == 0 && count * (double)units[i].ms < 9e15) {
            *ret_ms = (int64_t)llround(count * (double)units[i].ms);
            return RC_OK;
        }
    }
    return rc_error_set(reterr_error, RC_INVALID,
                        "\"%s\" is no length of time; write 30s, 15m, 12h, 7d or 2w", text);
}

static bool
zone_is_known(const char *zone)
{
    if (strcmp(zone, "UTC") == 0 || strcmp(zone, "Etc/UTC") == 0)
        return true;
    char path[512];
    const char *folder = getenv("TZDIR") != NULL ? getenv("TZDIR") : "/usr/share/zoneinfo";
    snprintf(path, sizeof(path), "%s/%s", folder, zone);
    return *zone != '\0' && *zone != '/' && strstr(zone, "..") == NULL && access(path, R_OK) == 0;
}

/* "Z", "+02:00", "-0330" at the end of a moment. */
static bool
parse_offset(const char *text, int64_t *ret_seconds)
{
    int hours = 0, minutes = 0, used = 0;
    if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0) {
        *ret_seconds = 0;
        return true;
    }
    if ((*text != '+' && *text != '-') ||
        (sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 &&
         sscanf(text + 1, "%2d%2d%n", &hours, &minutes, &used) != 2) ||
        text[1 + used] != '\0' || hours > 18 || minutes > 59)
        return false;
    *ret_seconds = (hours * 3600 + minutes * 60) * (*text == '-' ? -1 : 1);
    return true;
}

/* Reads the date and the time of day; *ret_rest is what follows them. */
static bool
parse_calendar(const char *text, struct tm *ret_tm, int *ret_ms, const char **ret_rest)
{
    struct tm tm = {.tm_isdst = -1};
    int used = 0;
    if (sscanf(text, "%4d-%2d-%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &used) != 3)
        return false;
    text += used;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *ret_ms = 0;
    if ((*text == 'T' || *text == ' ') &&
        sscanf(text + 1, "%2d:%2d%n", &tm.tm_hour, &tm.tm_min, &used) == 2) {
        text += 1 + used;
        if (*text == ':' && sscanf(text + 1, "%2d%n", &tm.tm_sec, &used) == 1)
            text += 1 + used;
        if (*text == '.' && isdigit((unsigned char)text[1])) {
            char *end = NULL;
            *ret_ms = (int)(strtod(text, &end) * 1000);
            text = end;
        }
    }
    *ret_tm = tm;
    *ret_rest = text;
    return tm.tm_mon >= 0 && tm.tm_mon < 12 && tm.tm_mday >= 1 && tm.tm_mday <= 31 &&
           tm.tm_hour < 24 && tm.tm_min < 60 && tm.tm_sec < 60;
}

static int64_t
local_seconds(struct tm *tm, const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
    return (int64_t)mktime(tm);
}

enum rc_status
rc_when_moment(const char *text,
               const char *zone,
               int64_t base_ms,
               int64_t *ret_ms,
               struct rc_error *reterr_error)
{
    int64_t length_ms = 0, offset = 0;
    struct tm tm;
    int ms = 0;
    const char *rest = "";
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const int64_t now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    if (strcmp(text, "now") == 0) {
        *ret_ms = now_ms;
        return RC_OK;
    }
    if (rc_when_duration(text, &length_ms, NULL) == RC_OK) {
        *ret_ms = base_ms - length_ms;
        return RC_OK;
    }
    const bool is_today = strcmp(text, "today") == 0;
    if (!is_today && !parse_calendar(text, &tm, &ms, &rest))
        return rc_error_set(reterr_error, RC_INVALID,
                            "\"%s\" is no moment; write 2025-01-31, 2025-01-31T10:00Z, now, today "
                            "or 30d",
                            text);
    if (!is_today && parse_offset(rest, &offset)) {
        const int64_t seconds = (int64_t)timegm(&tm);
        *ret_ms = (seconds - offset) * 1000 + ms;
        return RC_OK;
    }
    if (*rest != '\0')
        return rc_error_set(reterr_error, RC_INVALID, "\"%s\" is no moment at \"%s\"", text, rest);
    if (!zone_is_known(zone))
        return rc_error_set(reterr_error, RC_NOT_FOUND,
                            "the time zone \"%s\" is not known on this machine", zone);
    if (is_today) {
        setenv("TZ", zone, 1);
        tzset();
        localtime_r(&now.tv_sec, &tm);
        tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
        tm.tm_isdst = -1;
    }
    *ret_ms = local_seconds(&tm, zone) * 1000 + ms;
    return RC_OK;
}

const char *
rc_when_write(char text[RC_WHEN_TEXT_BYTES],
              int64_t moment_ms,
              int32_t offset_seconds,
              enum rc_when_style style)
{
    static const char *const formats[] = {
        "%Y", "%Y-%m", "%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"};
    const int64_t rest_ms = ((moment_ms % 1000) + 1000) % 1000;
    const time_t seconds = (time_t)((moment_ms - rest_ms) / 1000 + offset_seconds);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    size_t size = strftime(text, RC_WHEN_TEXT_BYTES, formats[style], &tm);
    if (style != RC_WHEN_RFC3339)
        return text;
    size += (size_t)snprintf(text + size, RC_WHEN_TEXT_BYTES - size, ".%03d", (int)rest_ms);
    const int minutes = abs(offset_seconds) / 60;
    if (offset_seconds == 0)
        snprintf(text + size, RC_WHEN_TEXT_BYTES - size, "Z");
    else
        snprintf(text + size, RC_WHEN_TEXT_BYTES - size, "%c%02d:%02d",
                 offset_seconds < 0 ? '-' : '+', minutes / 60 % 100, minutes % 60);
    return text;
}

const char *
rc_when_write_seconds(char text[RC_WHEN_TEXT_BYTES], double seconds)
{
    if (seconds < 1)
        snprintf(text, RC_WHEN_TEXT_BYTES, "%.0f ms", seconds * 1000);
    else if (seconds < 120)
        snprintf(text, RC_WHEN_TEXT_BYTES, "%.1f s", seconds);
    else if (seconds < 7200)
        snprintf(text, RC_WHEN_TEXT_BYTES, "%.1f min", seconds / 60);
    else if (seconds < 172800)
        snprintf(text, RC_WHEN_TEXT_BYTES, "%.1f h", seconds / 3600);
    else
        snprintf(text, RC_WHEN_TEXT_BYTES, "%.1f d", seconds / 86400);
    return text;
}
