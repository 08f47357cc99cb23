/*
 * Calendar: all date arithmetic is on days since 1970-01-01 in the Gregorian calendar; the zone is
 * asked only for the first instant of a day, the offset at an instant and the next change of
 * offset.
 *
 * Days and longer: the bucket of t starts with the greatest unit start whose first instant is at or
 * before t. Taking first instants, and not the local date of t, keeps buckets contiguous where
 * clocks go back over midnight: the repeated minutes stay in the later day.
 *
 * Hours and shorter: local time is t + offset, so inside a stretch of one offset buckets are plain
 * multiples of the unit in local time; the stretch cuts the first and the last.
 *
 * A bucket of several units is so many days, weeks or months by date, whether or not each of them
 * exists in the zone; of hours and shorter so many units inside a stretch of one offset.
 */
#include "engine/query/time/calendar.h"

#include "engine/base/alloc.h"
#include "engine/base/assert.h"
#include "engine/base/date.h"

#define DAY_S ((int64_t)86400)
#define DAY_MS (DAY_S * 1000)
#define MAP_SLOTS 8192u /* 32 KiB: a core's first cache. */

/* A stretch of one offset. */
struct offset_stretch {
    int64_t start_ms;
    int64_t offset_ms;
    int64_t day; /* The greatest local date before it. */
};

static int64_t
floor_div(int64_t a, int64_t b)
{
    const int64_t quotient = a / b;
    return a % b < 0 ? quotient - 1 : quotient;
}

/* Months since year 0 of the month that holds a day. */
int64_t
rc_month_of_day(int64_t day)
{
    const struct rc_date date = rc_date_of_day(day);
    return date.year * 12 + date.month - 1;
}

/* The first day of a month counted as above. */
int64_t
rc_day_of_month(int64_t month)
{
    const int64_t year = floor_div(month, 12);
    return rc_day_of_date(year, (unsigned)(month - year * 12) + 1, 1);
}

static int64_t
unit_months(enum rc_unit unit)
{
    switch (unit) {
    case RC_UNIT_QUARTER:
        return 3;
    case RC_UNIT_YEAR:
        return 12;
    default:
        return 1;
    }
}

/* The first day of the unit (of days or longer) that holds day. */
static int64_t
unit_first_day(const struct rc_calendar *calendar, enum rc_unit unit, int64_t day)
{
    if (unit == RC_UNIT_DAY)
        return day;
    if (unit == RC_UNIT_WEEK) {
        const int64_t since = day + 3 - (int64_t)calendar->week_start; /* 1970-01-01: Thursday. */
        return day - (since - floor_div(since, 7) * 7);
    }
    const int64_t months = unit_months(unit);
    return rc_day_of_month(floor_div(rc_month_of_day(day), months) * months);
}

/* The first day of the unit that is count units on; count may be negative. */
static int64_t
unit_day_after(enum rc_unit unit, int64_t first_day, int64_t count)
{
    if (unit == RC_UNIT_DAY)
        return first_day + count;
    if (unit == RC_UNIT_WEEK)
        return first_day + 7 * count;
    return rc_day_of_month(rc_month_of_day(first_day) + count * unit_months(unit));
}

/* Steps through buckets. */
struct stepper {
    const struct rc_calendar *calendar;
    enum rc_unit unit;
    int64_t multiple; /* Units of a bucket. */
    int64_t unit_s;   /* Hours and shorter, else 0. */
    int64_t day;      /* First day of the current unit. */
    int64_t start_s;  /* Of the current bucket. */
    int64_t end_s;
    int64_t change_s; /* Next change of offset behind start_s, as far as was looked. */
    int64_t looked_s; /* No change in (start_s, looked_s] but change_s. */
    int32_t offset_s; /* At start_s. */
    /* Days and longer: a stretch of one offset, as far as one was looked for. */
    int64_t steady_from_s;
    int64_t steady_until_s;
    int32_t steady_offset_s;
    uint32_t unsteady; /* Buckets since then that began outside of it. */
};

/* How far a look for the next change of offset goes, which serves many buckets; a few days or
 * longer units ask the zone for less. */
#define LOOK_S (400 * DAY_S)
#define UNSTEADY_MAX 4u

/* The end of the bucket of hours or shorter that begins at start_s. */
static void
short_bucket_end(struct stepper *stepper)
{
    const int64_t unit_s = stepper->unit_s;
    const int64_t local_s = stepper->start_s + stepper->offset_s;
    stepper->end_s = (floor_div(local_s, unit_s) + stepper->multiple) * unit_s - stepper->offset_s;
    if (stepper->end_s > stepper->looked_s) {
        const int64_t limit_s = stepper->end_s + LOOK_S;
        stepper->change_s = limit_s + 1;
        stepper->looked_s = limit_s;
        int64_t change_s;
        if (rc_zone_next_change(stepper->calendar->zone, stepper->start_s, limit_s, &change_s)) {
            stepper->change_s = change_s;
            stepper->looked_s = change_s;
        }
    }
    if (stepper->change_s < stepper->end_s)
        stepper->end_s = stepper->change_s;
}

static void
stepper_begin_short(struct stepper *stepper, int64_t time_s)
{
    const struct rc_zone zone = stepper->calendar->zone;
    stepper->offset_s = rc_zone_offset_s(zone, time_s);
    const int64_t local_s = time_s + stepper->offset_s;
    int64_t start_s = floor_div(local_s, stepper->unit_s) * stepper->unit_s - stepper->offset_s;
    int64_t change_s;
    for (int64_t at_s = start_s; rc_zone_next_change(zone, at_s, time_s, &change_s);)
        start_s = at_s = change_s;
    stepper->start_s = start_s;
    stepper->looked_s = start_s;
    short_bucket_end(stepper);
}

static void
stepper_begin_long(struct stepper *stepper, int64_t time_s)
{
    const struct rc_zone zone = stepper->calendar->zone;
    int64_t day = floor_div(time_s + rc_zone_offset_s(zone, time_s), DAY_S);
    while (rc_zone_day_start_s(zone, day) > time_s)
        day--;
    while (rc_zone_day_start_s(zone, day + 1) <= time_s)
        day++;
    stepper->day = unit_first_day(stepper->calendar, stepper->unit, day);
    stepper->start_s = rc_zone_day_start_s(zone, stepper->day);
    stepper->end_s =
        rc_zone_day_start_s(zone, unit_day_after(stepper->unit, stepper->day, stepper->multiple));
    stepper->offset_s = rc_zone_offset_s(zone, stepper->start_s);
}

/* Looks for the stretch of one offset that start_s is in. */
static void
look_for_steady(struct stepper *stepper)
{
    const struct rc_zone zone = stepper->calendar->zone;
    const int64_t from_s = stepper->start_s;
    stepper->steady_offset_s = rc_zone_offset_s(zone, from_s);
    stepper->steady_from_s = from_s;
    stepper->unsteady = 0;
    if (!rc_zone_next_change(zone, from_s, from_s + LOOK_S, &stepper->steady_until_s))
        stepper->steady_until_s = from_s + LOOK_S;
}

/* The first instant of a day. Within a stretch of one offset it is reckoned; not where the stretch
 * begins, since a clock that went back there may have shown the day before. */
static int64_t
day_start_s(const struct stepper *stepper, int64_t day)
{
    const int64_t start_s = day * DAY_S - stepper->steady_offset_s;
    if (start_s >= stepper->steady_from_s + 2 * DAY_S && start_s < stepper->steady_until_s)
        return start_s;
    return rc_zone_day_start_s(stepper->calendar->zone, day);
}

static void
stepper_next(struct stepper *stepper)
{
    const struct rc_zone zone = stepper->calendar->zone;
    stepper->start_s = stepper->end_s;
    if (stepper->unit_s != 0) {
        if (stepper->start_s == stepper->change_s) {
            stepper->offset_s = rc_zone_offset_s(zone, stepper->start_s);
            stepper->looked_s = stepper->start_s;
        }
        short_bucket_end(stepper);
        return;
    }
    if (stepper->start_s >= stepper->steady_until_s && ++stepper->unsteady > UNSTEADY_MAX)
        look_for_steady(stepper);
    do {
        stepper->day = unit_day_after(stepper->unit, stepper->day, stepper->multiple);
        stepper->end_s =
            day_start_s(stepper, unit_day_after(stepper->unit, stepper->day, stepper->multiple));
    } while (stepper->end_s <= stepper->start_s);
    stepper->offset_s = stepper->start_s < stepper->steady_until_s
                            ? stepper->steady_offset_s
                            : rc_zone_offset_s(zone, stepper->start_s);
}

/* Turns to the bucket before the first one. */
static void
stepper_back(struct stepper *stepper)
{
    const struct rc_zone zone = stepper->calendar->zone;
    const int64_t first_s = stepper->start_s;
    stepper->end_s = first_s;
    if (stepper->unit_s != 0) {
        stepper_begin_short(stepper, first_s - 1);
        const int64_t back_s = (stepper->multiple - 1) * stepper->unit_s;
        int64_t change_s;
        int64_t start_s = stepper->start_s - back_s;
        for (int64_t at_s = start_s; rc_zone_next_change(zone, at_s, stepper->start_s, &change_s);)
            start_s = at_s = change_s;
        stepper->start_s = start_s;
        stepper->looked_s = start_s;
        stepper->offset_s = rc_zone_offset_s(zone, start_s);
        short_bucket_end(stepper);
        if (stepper->end_s > first_s)
            stepper->end_s = first_s; /* It began at a change, and has fewer units. */
        return;
    }
    do {
        stepper->day = unit_day_after(stepper->unit, stepper->day, -stepper->multiple);
        stepper->start_s = rc_zone_day_start_s(zone, stepper->day);
    } while (stepper->start_s >= stepper->end_s);
    stepper->offset_s = rc_zone_offset_s(zone, stepper->start_s);
}

enum rc_status
rc_calendar_make(struct rc_bytes name,
                 uint32_t week_start,
                 struct rc_calendar *ret_calendar,
                 struct rc_error *reterr_error)
{
    if (week_start > 6)
        return rc_error_field(reterr_error, RC_INVALID, "week_start",
                              "the first day of the week is a number from 0 (Monday) to 6");
    if (name.size == 0)
        name = RC_BYTES_LITERAL("UTC");
    struct rc_zone zone;
    if (!rc_zone_load(name.data, name.size, &zone))
        return rc_error_field(reterr_error, RC_INVALID, "time_zone",
                              "there is no time zone \"%.*s\"",
                              (int)(name.size > 80 ? 80 : name.size), name.data);
    *ret_calendar = (struct rc_calendar){.zone = zone, .week_start = week_start};
    return RC_OK;
}

static struct rc_bucket
stepper_bucket(const struct stepper *stepper, const struct rc_bucket_request *request)
{
    struct rc_bucket bucket = {
        .start_ms = stepper->start_s * 1000,
        .end_ms = stepper->end_s * 1000,
        .offset_s = stepper->offset_s,
    };
    bucket.partial = bucket.start_ms < request->start_ms || bucket.end_ms > request->end_ms;
    return bucket;
}

enum rc_status
rc_calendar_buckets(const struct rc_calendar *calendar,
                    const struct rc_bucket_request *request,
                    struct rc_arena *arena,
                    const struct rc_bucket **ret_buckets,
                    uint32_t *ret_count,
                    struct rc_error *reterr_error)
{
    RC_ASSERT(request->start_ms < request->end_ms);
    struct stepper stepper = {.calendar = calendar,
                              .unit = request->unit,
                              .multiple = request->multiple == 0 ? 1 : request->multiple,
                              .steady_until_s = INT64_MIN};
    if (request->unit < RC_UNIT_SECOND || request->unit > RC_UNIT_YEAR)
        return rc_error_field(reterr_error, RC_INVALID, request->field, "the unit is missing");
    if (request->unit <= RC_UNIT_HOUR)
        stepper.unit_s = request->unit == RC_UNIT_SECOND   ? 1
                         : request->unit == RC_UNIT_MINUTE ? 60
                                                           : 3600;
    const int64_t time_s = floor_div(request->start_ms, 1000);
    if (stepper.unit_s != 0)
        stepper_begin_short(&stepper, time_s);
    else
        stepper_begin_long(&stepper, time_s);
    if (request->before)
        stepper_back(&stepper);

    RC_CLEANUP(rc_alloc_freep) struct rc_bucket *buckets = NULL;
    size_t capacity = 0;
    uint32_t count = 0;
    uint32_t extra = 0;
    for (;; stepper_next(&stepper)) {
        const bool inside = stepper.start_s * 1000 < request->end_ms;
        if (!inside && extra++ == request->extra)
            break;
        if (inside && count == request->bucket_max + (request->before ? 1 : 0))
            return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, request->field,
                                  "the range has more than %u buckets", request->bucket_max);
        RC_TRY_OR(reterr_error, RC_GROW(buckets, capacity, count + 1));
        buckets[count++] = stepper_bucket(&stepper, request);
    }
    const struct rc_bucket *copy = rc_arena_copy(arena, buckets, count * sizeof(*buckets));
    if (copy == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for %u buckets", count);
    *ret_buckets = copy;
    *ret_count = count;
    return RC_OK;
}

enum rc_status
rc_bucket_map_make(const struct rc_bucket *buckets,
                   uint32_t count,
                   struct rc_arena *arena,
                   struct rc_bucket_map *ret_map)
{
    RC_ASSERT(count > 0);
    const int64_t base_ms = buckets[0].start_ms;
    const uint64_t span_ms = (uint64_t)(buckets[count - 1].end_ms - base_ms);
    /* Many slots a bucket: few hold an edge, so the step to the next bucket is seldom taken. */
    const uint64_t slots_wanted =
        count <= MAP_SLOTS / 16 ? (uint64_t)count * 16 : (uint64_t)count * 4;
    uint32_t shift = 0;
    while ((span_ms >> shift) > slots_wanted)
        shift++;
    const size_t slots = (size_t)(span_ms >> shift) + 1;
    int64_t *ends_ms = RC_ARENA_ARRAY(arena, int64_t, count);
    uint32_t *first = RC_ARENA_ARRAY(arena, uint32_t, slots);
    if (ends_ms == NULL || first == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++)
        ends_ms[i] = buckets[i].end_ms;
    size_t slot = 0;
    for (uint32_t bucket = 0; bucket < count; bucket++) {
        const uint64_t ended_ms =
            (uint64_t)(ends_ms[bucket] - base_ms) + (((uint64_t)1 << shift) - 1);
        const size_t end = bucket + 1 < count ? (size_t)(ended_ms >> shift) : slots;
        while (slot < end)
            first[slot++] = bucket;
    }
    *ret_map = (struct rc_bucket_map){
        .base_ms = base_ms, .shift = shift, .count = count, .first = first, .ends_ms = ends_ms};
    return RC_OK;
}

enum rc_status
rc_calendar_offsets(const struct rc_calendar *calendar,
                    int64_t from_ms,
                    int64_t until_ms,
                    struct rc_arena *arena,
                    struct rc_offsets *ret_offsets)
{
    RC_CLEANUP(rc_alloc_freep) struct offset_stretch *list = NULL;
    size_t capacity = 0;
    uint32_t count = 0;
    const int64_t limit_s = floor_div(until_ms, 1000);
    /* Two days before, so that a midnight over which clocks went back just then is seen. */
    int64_t time_s = floor_div(from_ms, 1000) - 2 * DAY_S;
    bool more = true;
    while (more) {
        RC_TRY(RC_GROW(list, capacity, (size_t)count + 1));
        list[count] = (struct offset_stretch){
            .start_ms = time_s * 1000,
            .offset_ms = (int64_t)rc_zone_offset_s(calendar->zone, time_s) * 1000,
            .day = INT64_MIN};
        if (count > 0) {
            const struct offset_stretch *before = &list[count - 1];
            const int64_t day = floor_div(time_s * 1000 - 1 + before->offset_ms, DAY_MS);
            list[count].day = day > before->day ? day : before->day;
        }
        count++;
        more = rc_zone_next_change(calendar->zone, time_s, limit_s, &time_s);
    }
    int64_t *numbers = RC_ARENA_ARRAY(arena, int64_t, 3 * (size_t)count);
    if (numbers == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        numbers[i] = list[i].start_ms;
        numbers[count + i] = list[i].offset_ms;
        numbers[2 * (size_t)count + i] = list[i].day;
    }
    *ret_offsets = (struct rc_offsets){.count = count,
                                       .starts_ms = numbers,
                                       .offsets_ms = numbers + count,
                                       .days = numbers + 2 * (size_t)count};
    return RC_OK;
}

int64_t
rc_offsets_day(const struct rc_offsets *offsets, int64_t time_ms, uint32_t *guess)
{
    uint32_t at = *guess;
    if (time_ms < offsets->starts_ms[at]) {
        uint32_t low = 0;
        uint32_t high = at;
        while (high - low > 1) {
            const uint32_t middle = low + (high - low) / 2;
            if (offsets->starts_ms[middle] <= time_ms)
                low = middle;
            else
                high = middle;
        }
        at = low;
    }
    while (at + 1 < offsets->count && offsets->starts_ms[at + 1] <= time_ms)
        at++;
    *guess = at;
    const int64_t day = floor_div(time_ms + offsets->offsets_ms[at], DAY_MS);
    return day > offsets->days[at] ? day : offsets->days[at];
}
