/*
 * Calendar: buckets of a range and local days, in a time zone.
 *
 * A bucket of days, weeks, months, quarters or years begins with the first instant of its first
 * local date; one that would be empty (a local day that a change of offset skipped) does not exist.
 * A bucket of hours, minutes or seconds is a stretch of equal local hour (minute, second) that also
 * ends where the offset changes, so a repeated hour is two buckets.
 *
 * Ownership: a calendar is a small value; arrays come from the arena given.
 * Threading: read-only once made.
 * Units:     ms since 1970, UTC; local days since 1970-01-01.
 * Errors:    RC_INVALID for an unknown zone or unit, RC_LIMIT_EXCEEDED for too many buckets: they
 * name the field. RC_NO_MEMORY.
 */
#ifndef RC_QUERY_TIME_CALENDAR_H
#define RC_QUERY_TIME_CALENDAR_H

#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/status.h"
#include "engine/match/zone.h"
#include "engine/query/query.h"

struct rc_calendar {
    struct rc_zone zone;
    uint32_t week_start; /* 0 Monday .. 6 Sunday. */
};

/* name empty: UTC. Errors name "time_zone" or "week_start". */
RC_MUST_USE enum rc_status
rc_calendar_make(struct rc_bytes name,
                 uint32_t week_start,
                 struct rc_calendar *ret_calendar,
                 struct rc_error *reterr_error);

/* What buckets are wanted. */
struct rc_bucket_request {
    enum rc_unit unit;
    uint32_t multiple; /* Units of a bucket, from the unit that holds the range's start; 0: 1. */
    bool before;       /* First one more, of the units before that. */
    int64_t start_ms;  /* The range; start < end. */
    int64_t end_ms;
    uint32_t extra;      /* Buckets behind the last one of the range. */
    uint32_t bucket_max; /* Of the range. */
    const char *field;   /* Named when there would be more, or when the unit is none. */
};

/* Every bucket that has an instant of the range, ascending and without gaps, then extra more.
 * *ret_count includes the extra ones and the one before. One of hours or shorter ends at a change
 * of offset, and the next is counted from there. */
RC_MUST_USE enum rc_status
rc_calendar_buckets(const struct rc_calendar *calendar,
                    const struct rc_bucket_request *request,
                    struct rc_arena *arena,
                    const struct rc_bucket **ret_buckets,
                    uint32_t *ret_count,
                    struct rc_error *reterr_error);

/* From times to buckets without a division: a table of slots that are a power of two of ms long. */
struct rc_bucket_map {
    int64_t base_ms;
    uint32_t shift;
    uint32_t count;
    const uint32_t *first; /* Per slot, the bucket that holds its first instant. */
    const int64_t *ends_ms;
};

RC_MUST_USE enum rc_status
rc_bucket_map_make(const struct rc_bucket *buckets,
                   uint32_t count,
                   struct rc_arena *arena,
                   struct rc_bucket_map *ret_map);

/* The bucket of a time that lies in one. */
static inline uint32_t
rc_bucket_map_find(const struct rc_bucket_map *map, int64_t time_ms)
{
    uint32_t bucket = map->first[(uint64_t)(time_ms - map->base_ms) >> map->shift];
    while (time_ms >= map->ends_ms[bucket])
        bucket++;
    return bucket;
}

/* The offsets in force during a stretch of time. */
struct rc_offsets {
    uint32_t count;
    const int64_t *starts_ms; /* starts_ms[0] is at or before the start of the stretch. */
    const int64_t *offsets_ms;
    const int64_t *days; /* The greatest local date that was there before. */
};

RC_MUST_USE enum rc_status
rc_calendar_offsets(const struct rc_calendar *calendar,
                    int64_t from_ms,
                    int64_t until_ms,
                    struct rc_arena *arena,
                    struct rc_offsets *ret_offsets);

/* The local day of a time in the stretch, as buckets have it: where clocks go back over midnight
 * the repeated minutes stay in the later day. *guess is where to look first; start with 0. */
int64_t
rc_offsets_day(const struct rc_offsets *offsets, int64_t time_ms, uint32_t *guess);

/* An instant moved back by count units (DAY, WEEK or MONTH) in local time: the time of day stays,
 * and a day that the month does not have becomes its last. Where the local time is there twice it
 * is the first, where it is not there the first instant after. false: it lies before the year 1. */
bool
rc_calendar_shift(const struct rc_calendar *calendar,
                  enum rc_unit unit,
                  uint32_t count,
                  int64_t time_ms,
                  int64_t *ret_time_ms);

/* Months since year 0 of the month that holds a day, and the first day of such a month. */
int64_t
rc_month_of_day(int64_t day);

int64_t
rc_day_of_month(int64_t month);

#endif
