/* Moments and durations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/language/when.h"
#include "engine/base/clock.h"

#define DAY INT64_C(86400000)
#define NEW_YEAR INT64_C(1735689600000) /* 2025-01-01T00:00:00Z */

static void
test_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"0s", 0},         {"250ms", 250},    {"90s", 90000},  {"15m", 900000},
                {"1.5h", 5400000}, {"30d", 30 * DAY}, {"2w", 14 * DAY}};
    static const char *const bad[] = {"", "d", "7", "7x", "-7d", "7 d", "nan", "1e300d"};
    int64_t ms = -1;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(rc_when_duration(good[i].text, &ms, NULL), RC_OK);
        assert_int_equal(ms, good[i].ms);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct rc_error error;
        assert_int_equal(rc_when_duration(bad[i], &ms, &error), RC_INVALID);
        assert_non_null(strstr(error.message, "no length of time"));
    }
}

static void
test_moments(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *zone;
        int64_t ms;
    } good[] = {
        {"2025-01-01", "UTC", NEW_YEAR},
        {"2025-01-01T00:00Z", "America/New_York", NEW_YEAR},
        {"2025-01-01 00:00:00.25", "UTC", NEW_YEAR + 250},
        {"2025-01-01T02:00:00+02:00", "UTC", NEW_YEAR},
        {"2024-12-31T19:00:00-0500", "UTC", NEW_YEAR},
        {"2025-01-01", "America/New_York", NEW_YEAR + 5 * 3600000},
        {"2025-07-01", "Europe/Berlin", NEW_YEAR + 181 * DAY - 2 * 3600000},
        {"7d", "UTC", NEW_YEAR - 7 * DAY},
        {"1969-12-31", "UTC", -DAY},
    };
    static const char *const bad[] = {"",           "yesterday",   "2025-13-01",
                                      "2025-01-00", "2025-01-01x", "2025-01-01T25:00",
                                      "25-1",       "7q"};
    int64_t ms = -1;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(rc_when_moment(good[i].text, good[i].zone, NEW_YEAR, &ms, NULL), RC_OK);
        assert_int_equal(ms, good[i].ms);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(rc_when_moment(bad[i], "UTC", 0, &ms, NULL), RC_INVALID);
    assert_int_equal(rc_when_moment("2025-01-01", "Mars/Olympus", 0, &ms, NULL), RC_NOT_FOUND);
    assert_int_equal(rc_when_moment("2025-01-01", "../../etc/passwd", 0, &ms, NULL), RC_NOT_FOUND);
    assert_int_equal(rc_when_moment("now", "UTC", 0, &ms, NULL), RC_OK);
    assert_true(llabs(ms - rc_clock_wall_ms()) < 60000);
    assert_int_equal(rc_when_moment("today", "UTC", 0, &ms, NULL), RC_OK);
    assert_int_equal(ms % DAY, 0);
}

static void
test_writing(void **state)
{
    (void)state;
    char text[RC_WHEN_TEXT_BYTES];
    assert_string_equal(rc_when_write(text, NEW_YEAR, 0, RC_WHEN_RFC3339),
                        "2025-01-01T00:00:00.000Z");
    assert_string_equal(rc_when_write(text, NEW_YEAR + 5, -12600, RC_WHEN_RFC3339),
                        "2024-12-31T20:30:00.005-03:30");
    assert_string_equal(rc_when_write(text, -1, 0, RC_WHEN_RFC3339), "1969-12-31T23:59:59.999Z");
    assert_string_equal(rc_when_write(text, NEW_YEAR, 3600, RC_WHEN_MINUTE), "2025-01-01 01:00");
    assert_string_equal(rc_when_write(text, NEW_YEAR, 0, RC_WHEN_YEAR), "2025");
    assert_string_equal(rc_when_write_seconds(text, 0.0123), "12 ms");
    assert_string_equal(rc_when_write_seconds(text, 59.95), "60.0 s");
    assert_string_equal(rc_when_write_seconds(text, 3600), "60.0 min");
    assert_string_equal(rc_when_write_seconds(text, 86400), "24.0 h");
    assert_string_equal(rc_when_write_seconds(text, 864000), "10.0 d");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_moments),
        cmocka_unit_test(test_writing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
