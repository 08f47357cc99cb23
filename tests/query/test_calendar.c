/*
 * Calendar: tables of known days and hours, and every zone below against a slow model that steps
 * through time by the minute and asks the C library for local time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "engine/query/time/calendar.h"

#define MINUTE_MS ((int64_t)60000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

static int64_t
utc_ms(int year, int month, int day, int hour, int minute)
{
    struct tm tm = {.tm_year = year - 1900,
                    .tm_mon = month - 1,
                    .tm_mday = day,
                    .tm_hour = hour,
                    .tm_min = minute};
    return (int64_t)timegm(&tm) * 1000;
}

struct found {
    struct rc_arena *arena;
    const struct rc_bucket *buckets;
    uint32_t count;
};

static struct found
find(const char *zone, uint32_t week_start, enum rc_unit unit, int64_t start_ms, int64_t end_ms)
{
    struct found found = {.arena = rc_arena_new(NULL, 0)};
    struct rc_calendar calendar;
    struct rc_error error;
    assert_int_equal(rc_calendar_make(rc_bytes_of(zone), week_start, &calendar, &error), RC_OK);
    const struct rc_bucket_request request = {.unit = unit,
                                              .start_ms = start_ms,
                                              .end_ms = end_ms,
                                              .bucket_max = RC_BUCKETS_MAX,
                                              .field = "bucket.unit"};
    assert_int_equal(
        rc_calendar_buckets(&calendar, &request, found.arena, &found.buckets, &found.count, &error),
        RC_OK);
    return found;
}

static void
expect_hours(const char *zone,
             int year,
             int month,
             int day,
             int64_t hours_x4,
             uint32_t hour_buckets)
{
    const int64_t noon_ms = utc_ms(year, month, day, 12, 0);
    struct found days = find(zone, 0, RC_UNIT_DAY, noon_ms, noon_ms + 1);
    assert_int_equal(days.count, 1);
    assert_true(days.buckets[0].partial);
    assert_int_equal(days.buckets[0].end_ms - days.buckets[0].start_ms, hours_x4 * HOUR_MS / 4);
    struct found hours =
        find(zone, 0, RC_UNIT_HOUR, days.buckets[0].start_ms, days.buckets[0].end_ms);
    assert_int_equal(hours.count, hour_buckets);
    for (uint32_t i = 0; i < hours.count; i++)
        assert_false(hours.buckets[i].partial);
    rc_arena_free(days.arena);
    rc_arena_free(hours.arena);
}

static void
days_of_change(void **state)
{
    (void)state;
    expect_hours("Europe/Berlin", 2024, 3, 31, 23 * 4, 23);
    expect_hours("Europe/Berlin", 2024, 10, 27, 25 * 4, 25);
    expect_hours("Europe/Berlin", 2024, 7, 1, 24 * 4, 24);
    expect_hours("America/New_York", 2024, 3, 10, 23 * 4, 23);
    expect_hours("America/New_York", 2024, 11, 3, 25 * 4, 25);
    /* Half an hour: 02:00 becomes 02:30 or 01:30; the cut hour is a bucket of its own. */
    expect_hours("Australia/Lord_Howe", 2024, 10, 6, 24 * 4 - 2, 24);
    expect_hours("Australia/Lord_Howe", 2024, 4, 7, 24 * 4 + 2, 25);
    expect_hours("Asia/Kathmandu", 2024, 3, 31, 24 * 4, 24);
    expect_hours("UTC", 2024, 3, 31, 24 * 4, 24);
}

static void
a_repeated_hour_is_two_buckets(void **state)
{
    (void)state;
    struct found found = find("Europe/Berlin", 0, RC_UNIT_HOUR, utc_ms(2024, 10, 27, 0, 0),
                              utc_ms(2024, 10, 27, 2, 0));
    assert_int_equal(found.count, 2);
    assert_int_equal(found.buckets[0].start_ms, utc_ms(2024, 10, 27, 0, 0));
    assert_int_equal(found.buckets[0].offset_s, 7200);
    assert_int_equal(found.buckets[1].start_ms, utc_ms(2024, 10, 27, 1, 0));
    assert_int_equal(found.buckets[1].offset_s, 3600);
    rc_arena_free(found.arena);
}

static void
a_day_that_does_not_exist_has_no_bucket(void **state)
{
    (void)state;
    /* Apia went from 2011-12-29 24:00 -10 to 2011-12-31 00:00 +14. */
    struct found found = find("Pacific/Apia", 0, RC_UNIT_DAY, utc_ms(2011, 12, 29, 10, 0),
                              utc_ms(2012, 1, 1, 10, 0));
    assert_int_equal(found.count, 3);
    assert_int_equal(found.buckets[0].start_ms, utc_ms(2011, 12, 29, 10, 0));
    assert_int_equal(found.buckets[0].offset_s, -36000);
    assert_int_equal(found.buckets[1].start_ms, utc_ms(2011, 12, 30, 10, 0));
    assert_int_equal(found.buckets[1].offset_s, 50400);
    assert_int_equal(found.buckets[2].end_ms, utc_ms(2012, 1, 1, 10, 0));
    rc_arena_free(found.arena);
}

static void
long_units(void **state)
{
    (void)state;
    struct found weeks =
        find("Europe/Berlin", 6, RC_UNIT_WEEK, utc_ms(2024, 6, 5, 0, 0), utc_ms(2024, 6, 12, 0, 0));
    assert_int_equal(weeks.count, 2);
    assert_int_equal(weeks.buckets[0].start_ms, utc_ms(2024, 6, 1, 22, 0)); /* Sunday the 2nd. */
    assert_true(weeks.buckets[0].partial && weeks.buckets[1].partial);
    struct found months =
        find("UTC", 0, RC_UNIT_MONTH, utc_ms(2023, 12, 1, 0, 0), utc_ms(2024, 3, 1, 0, 0));
    assert_int_equal(months.count, 3);
    assert_int_equal(months.buckets[2].end_ms - months.buckets[2].start_ms, 29 * DAY_MS);
    assert_false(months.buckets[0].partial || months.buckets[2].partial);
    struct found quarters =
        find("UTC", 0, RC_UNIT_QUARTER, utc_ms(2024, 3, 31, 0, 0), utc_ms(2024, 4, 2, 0, 0));
    assert_int_equal(quarters.count, 2);
    assert_int_equal(quarters.buckets[0].start_ms, utc_ms(2024, 1, 1, 0, 0));
    assert_int_equal(quarters.buckets[1].end_ms, utc_ms(2024, 7, 1, 0, 0));
    struct found years =
        find("UTC", 0, RC_UNIT_YEAR, utc_ms(1899, 12, 31, 0, 0), utc_ms(1900, 1, 2, 0, 0));
    assert_int_equal(years.count, 2);
    assert_int_equal(years.buckets[1].end_ms, utc_ms(1901, 1, 1, 0, 0));
    rc_arena_free(weeks.arena);
    rc_arena_free(months.arena);
    rc_arena_free(quarters.arena);
    rc_arena_free(years.arena);
}

static void
far_years_follow_the_rules(void **state)
{
    (void)state;
    struct found summer =
        find("Europe/Berlin", 0, RC_UNIT_DAY, utc_ms(2810, 7, 1, 12, 0), utc_ms(2810, 7, 1, 13, 0));
    assert_int_equal(summer.buckets[0].offset_s, 7200);
    struct found hours =
        find("Europe/Berlin", 0, RC_UNIT_HOUR, utc_ms(2810, 3, 1, 0, 0), utc_ms(2810, 4, 2, 0, 0));
    assert_int_equal(hours.count, 32 * 24);
    assert_int_equal(hours.buckets[0].offset_s, 3600);
    assert_int_equal(hours.buckets[hours.count - 1].offset_s, 7200);
    rc_arena_free(summer.arena);
    rc_arena_free(hours.arena);
}

static void
bad_requests(void **state)
{
    (void)state;
    struct rc_calendar calendar;
    struct rc_error error;
    static const char *const names[] = {"Europe/Nowhere",  "localtime", "/etc/localtime",
                                        "../zoneinfo/UTC", "file:UTC",  "Europe",
                                        "Europe/"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(rc_calendar_make(rc_bytes_of(names[i]), 0, &calendar, &error), RC_INVALID);
        assert_string_equal(error.field, "time_zone");
    }
    assert_int_equal(rc_calendar_make(rc_bytes_of("UTC"), 7, &calendar, &error), RC_INVALID);
    assert_int_equal(rc_calendar_make(rc_bytes_of(""), 0, &calendar, &error), RC_OK);
    const struct rc_bucket *buckets;
    uint32_t count;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_bucket_request request = {.unit = RC_UNIT_SECOND,
                                        .start_ms = 0,
                                        .end_ms = (int64_t)RC_BUCKETS_MAX * 1000,
                                        .bucket_max = RC_BUCKETS_MAX,
                                        .field = "bucket.unit"};
    assert_int_equal(rc_calendar_buckets(&calendar, &request, arena, &buckets, &count, &error),
                     RC_OK);
    assert_int_equal(count, RC_BUCKETS_MAX);
    request.end_ms++;
    assert_int_equal(rc_calendar_buckets(&calendar, &request, arena, &buckets, &count, &error),
                     RC_LIMIT_EXCEEDED);
    assert_string_equal(error.field, "bucket.unit");
    request.unit = (enum rc_unit)9;
    assert_int_equal(rc_calendar_buckets(&calendar, &request, arena, &buckets, &count, &error),
                     RC_INVALID);
}

/* Apia left out 2011-12-30: the offset changed seven hours before this range. */
static void
the_one_before_moves_no_other(void **state)
{
    (void)state;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_calendar calendar;
    struct rc_bucket_request request = {.unit = RC_UNIT_HOUR,
                                        .multiple = 12,
                                        .start_ms = 1325264400000,
                                        .end_ms = 1325534400001,
                                        .bucket_max = 100,
                                        .field = "unit"};
    const struct rc_bucket *without, *with;
    uint32_t without_count, with_count;
    struct rc_error error;
    assert_int_equal(rc_calendar_make(RC_BYTES_LITERAL("Pacific/Apia"), 0, &calendar, &error),
                     RC_OK);
    assert_int_equal(
        rc_calendar_buckets(&calendar, &request, arena, &without, &without_count, &error), RC_OK);
    request.before = true;
    assert_int_equal(rc_calendar_buckets(&calendar, &request, arena, &with, &with_count, &error),
                     RC_OK);
    assert_int_equal(with_count, without_count + 1);
    assert_int_equal(with[0].start_ms, 1325239200000);
    assert_int_equal(with[0].end_ms, request.start_ms);
    for (uint32_t i = 0; i < without_count; i++) {
        assert_int_equal(with[i + 1].start_ms, without[i].start_ms);
        assert_int_equal(with[i + 1].end_ms, without[i].end_ms);
    }
}

/* What the bucket of an instant is, by the C library's local time. */
struct label {
    int year, month, day, hour;
    long offset_s;
};

static struct label
label_of(enum rc_unit unit, int64_t time_ms)
{
    const time_t seconds = (time_t)(time_ms / 1000);
    struct tm tm;
    localtime_r(&seconds, &tm);
    struct label label = {.year = tm.tm_year, .month = tm.tm_mon};
    if (unit <= RC_UNIT_DAY)
        label.day = tm.tm_mday;
    if (unit == RC_UNIT_HOUR) {
        label.hour = tm.tm_hour;
        label.offset_s = tm.tm_gmtoff;
    }
    return label;
}

/* Steps from start to end by the minute; every change of label must be an edge of a bucket, and
 * nothing else. */
static void
compare_with_steps(const char *zone, enum rc_unit unit, int64_t start_ms, int64_t end_ms)
{
    struct found found = find(zone, 0, unit, start_ms, end_ms);
    struct rc_bucket_map map;
    assert_int_equal(rc_bucket_map_make(found.buckets, found.count, found.arena, &map), RC_OK);
    uint32_t bucket = 0;
    struct label label = label_of(unit, start_ms);
    const struct label before = label_of(unit, found.buckets[0].start_ms - MINUTE_MS);
    const struct label first = label_of(unit, found.buckets[0].start_ms);
    assert_memory_equal(&first, &label, sizeof(label));
    assert_true(memcmp(&before, &label, sizeof(label)) != 0);
    for (int64_t time_ms = start_ms; time_ms < end_ms; time_ms += MINUTE_MS) {
        const struct label mine = label_of(unit, time_ms);
        if (memcmp(&mine, &label, sizeof(label)) != 0) {
            bucket++;
            assert_true(bucket < found.count);
            assert_int_equal(found.buckets[bucket].start_ms, time_ms);
            assert_int_equal(found.buckets[bucket - 1].end_ms, time_ms);
            label = mine;
        }
        assert_int_equal(rc_bucket_map_find(&map, time_ms), bucket);
        assert_int_equal(rc_bucket_map_find(&map, time_ms + MINUTE_MS - 1), bucket);
    }
    assert_int_equal(bucket + 1, found.count);
    rc_arena_free(found.arena);
}

static void
against_the_clock_by_the_minute(void **state)
{
    (void)state;
    static const char *const zones[] = {
        "Europe/Berlin",     "America/New_York", "Australia/Lord_Howe",
        "Pacific/Apia",      "Asia/Kathmandu",   "America/Sao_Paulo",
        "Africa/Casablanca", "America/Havana",   "UTC"};
    for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
        setenv("TZ", zones[i], 1);
        tzset();
        for (int year = 2011; year <= 2018; year += 7) {
            compare_with_steps(zones[i], RC_UNIT_HOUR, utc_ms(year, 1, 3, 0, 17),
                               utc_ms(year + 1, 1, 3, 0, 17));
            compare_with_steps(zones[i], RC_UNIT_DAY, utc_ms(year, 1, 3, 0, 17),
                               utc_ms(year + 1, 1, 3, 0, 17));
            compare_with_steps(zones[i], RC_UNIT_MONTH, utc_ms(year, 1, 3, 0, 17),
                               utc_ms(year + 1, 1, 3, 0, 17));
        }
    }
    unsetenv("TZ");
    tzset();
}

static void
ranges_that_begin_near_a_change(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        int64_t change_ms;
    } changes[] = {
        {"Australia/Lord_Howe", 1712415600000}, /* 2024-04-07 02:00 +11 becomes 01:30. */
        {"Australia/Lord_Howe", 1728142200000}, /* 2024-10-06 02:00 +10:30 becomes 02:30. */
        {"Europe/Berlin", 1729990800000},
        {"America/Asuncion", 1711249200000}, /* 2024-03-24 00:00 becomes the day before, 23:00. */
    };
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        setenv("TZ", changes[i].zone, 1);
        tzset();
        struct rc_calendar calendar;
        assert_int_equal(rc_calendar_make(rc_bytes_of(changes[i].zone), 0, &calendar, NULL), RC_OK);
        const int64_t change_s = changes[i].change_ms / 1000;
        assert_true(rc_zone_offset_s(calendar.zone, change_s) !=
                    rc_zone_offset_s(calendar.zone, change_s - 1));
        for (int64_t minute = -150; minute < 150; minute += 7)
            compare_with_steps(changes[i].zone, RC_UNIT_HOUR,
                               changes[i].change_ms + minute * MINUTE_MS,
                               changes[i].change_ms + (minute + 200) * MINUTE_MS);
    }
    unsetenv("TZ");
    tzset();
}

static void
local_days(void **state)
{
    (void)state;
    struct rc_calendar calendar;
    struct rc_offsets offsets;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    assert_int_equal(rc_calendar_make(rc_bytes_of("Europe/Berlin"), 0, &calendar, NULL), RC_OK);
    const int64_t from_ms = utc_ms(2020, 1, 1, 0, 0);
    const int64_t until_ms = utc_ms(2024, 1, 1, 0, 0);
    assert_int_equal(rc_calendar_offsets(&calendar, from_ms, until_ms, arena, &offsets), RC_OK);
    assert_int_equal(offsets.count, 9);
    setenv("TZ", "Europe/Berlin", 1);
    tzset();
    uint32_t guess = 0;
    for (int64_t step = 0; step < 200000; step++) {
        const int64_t time_ms = from_ms + (step * 7919 * MINUTE_MS) % (until_ms - from_ms);
        const time_t seconds = (time_t)(time_ms / 1000);
        struct tm tm;
        localtime_r(&seconds, &tm);
        const int64_t day = utc_ms(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, 0, 0) / DAY_MS;
        assert_int_equal(rc_offsets_day(&offsets, time_ms, &guess), day);
    }
    unsetenv("TZ");
    tzset();
}

/* Days as buckets have them, in zones in which clocks went back over midnight or over a whole day.
 */
static void
local_days_ascend(void **state)
{
    (void)state;
    static const char *const zones[] = {"America/St_Johns", "America/Juneau", "Pacific/Kwajalein",
                                        "Pacific/Apia", "America/Sao_Paulo"};
    const int64_t spans[][2] = {{utc_ms(1867, 10, 10, 0, 0), utc_ms(1867, 10, 25, 0, 0)},
                                {utc_ms(1969, 9, 25, 0, 0), utc_ms(1969, 10, 10, 0, 0)},
                                {utc_ms(2010, 11, 7, 2, 40), utc_ms(2011, 12, 31, 0, 0)}};
    for (size_t z = 0; z < sizeof(zones) / sizeof(zones[0]); z++)
        for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
            const int64_t *span = spans[i];
            struct found days = find(zones[z], 0, RC_UNIT_DAY, span[0], span[1]);
            struct rc_calendar calendar;
            struct rc_offsets offsets;
            uint32_t guess = 0;
            uint32_t bucket = 0;
            int64_t latest = 0;
            assert_int_equal(rc_calendar_make(rc_bytes_of(zones[z]), 0, &calendar, NULL), RC_OK);
            assert_int_equal(rc_calendar_offsets(&calendar, span[0], span[1], days.arena, &offsets),
                             RC_OK);
            for (int64_t time_ms = span[0]; time_ms < span[1]; time_ms += 7 * MINUTE_MS) {
                const int64_t day = rc_offsets_day(&offsets, time_ms, &guess);
                const uint32_t before = bucket;
                while (time_ms >= days.buckets[bucket].end_ms)
                    bucket++;
                assert_true(time_ms == span[0] || (day > latest) == (bucket > before));
                latest = day;
            }
            rc_arena_free(days.arena);
        }
}

/* A change is found wherever the library's list of them ends. */
static void
far_changes(void **state)
{
    (void)state;
    static const char *const zones[] = {"UTC",
                                        "Europe/Berlin",
                                        "Australia/Lord_Howe",
                                        "Antarctica/Troll",
                                        "Africa/Casablanca",
                                        "Asia/Tokyo"};
    for (size_t z = 0; z < sizeof(zones) / sizeof(zones[0]); z++) {
        struct rc_zone zone;
        assert_true(rc_zone_load(zones[z], strlen(zones[z]), &zone));
        const int64_t until_s = utc_ms(2900, 1, 1, 0, 0) / 1000;
        int64_t change_s = utc_ms(2290, 1, 1, 0, 0) / 1000;
        for (int64_t day_s = change_s; day_s < until_s; day_s += 86400) {
            const int64_t next_s = day_s + 86400;
            if (rc_zone_offset_s(zone, day_s) == rc_zone_offset_s(zone, next_s))
                continue;
            assert_true(rc_zone_next_change(zone, change_s, until_s, &change_s));
            assert_true(change_s > day_s && change_s <= next_s);
            assert_int_equal(rc_zone_offset_s(zone, change_s), rc_zone_offset_s(zone, next_s));
        }
        assert_false(rc_zone_next_change(zone, change_s, until_s, &change_s));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_of_change),
        cmocka_unit_test(a_repeated_hour_is_two_buckets),
        cmocka_unit_test(a_day_that_does_not_exist_has_no_bucket),
        cmocka_unit_test(long_units),
        cmocka_unit_test(far_years_follow_the_rules),
        cmocka_unit_test(bad_requests),
        cmocka_unit_test(the_one_before_moves_no_other),
        cmocka_unit_test(against_the_clock_by_the_minute),
        cmocka_unit_test(ranges_that_begin_near_a_change),
        cmocka_unit_test(local_days),
        cmocka_unit_test(local_days_ascend),
        cmocka_unit_test(far_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
