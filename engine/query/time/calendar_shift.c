/* Calendar: moves by local days, weeks and months. */
#include "engine/base/limits.h"
#include "engine/query/time/calendar.h"

#define DAY_S ((int64_t)86400)
#define FIRST_DAY (RC_TIME_MS_MIN / 1000 / DAY_S)

/* The first instant whose local time is at or after the wanted one. */
static int64_t
first_instant_s(struct rc_zone zone, int64_t local_s)
{
    /* No offset is two days long, so the search begins before the instant. */
    int64_t start_s = local_s - 2 * DAY_S;
    const int64_t limit_s = local_s + 2 * DAY_S;
    for (;;) {
        int64_t change_s;
        const bool changes = rc_zone_next_change(zone, start_s, limit_s, &change_s);
        const int64_t wanted_s = local_s - rc_zone_offset_s(zone, start_s);
        const int64_t instant_s = wanted_s > start_s ? wanted_s : start_s;
        if (!changes || instant_s < change_s)
            return instant_s;
        start_s = change_s;
    }
}

static int64_t
shifted_day(enum rc_unit unit, int64_t count, int64_t day)
{
    if (unit != RC_UNIT_MONTH)
        return day - count * (unit == RC_UNIT_WEEK ? 7 : 1);
    const int64_t month = rc_month_of_day(day);
    const int64_t wanted = rc_day_of_month(month - count) + (day - rc_day_of_month(month));
    const int64_t last = rc_day_of_month(month - count + 1) - 1;
    return wanted < last ? wanted : last;
}

bool
rc_calendar_shift(const struct rc_calendar *calendar,
                  enum rc_unit unit,
                  uint32_t count,
                  int64_t time_ms,
                  int64_t *ret_time_ms)
{
    const int64_t below_ms = ((time_ms % 1000) + 1000) % 1000;
    const int64_t time_s = (time_ms - below_ms) / 1000;
    const int64_t local_s = time_s + rc_zone_offset_s(calendar->zone, time_s);
    const int64_t second = ((local_s % DAY_S) + DAY_S) % DAY_S;
    const int64_t day = shifted_day(unit, count, (local_s - second) / DAY_S);
    if (day < FIRST_DAY)
        return false;
    const int64_t instant_s = first_instant_s(calendar->zone, day * DAY_S + second);
    /* A local time that does not exist stands for the change that skips it, to the millisecond. */
    const bool skipped =
        instant_s + rc_zone_offset_s(calendar->zone, instant_s) != day * DAY_S + second;
    *ret_time_ms = instant_s * 1000 + (skipped ? 0 : below_ms);
    return *ret_time_ms >= RC_TIME_MS_MIN;
}
