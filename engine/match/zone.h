/*
 * Zone: the rules of one IANA time zone. The only door to the time zone library, which has no C
 * face; calendar.h is what the rest of the engine uses.
 *
 * Ownership: a zone is a small value; what it points to lives as long as the process.
 * Threading: any thread.
 * Units:     seconds since 1970, UTC; days since 1970-01-01.
 */
#ifndef RC_MATCH_ZONE_H
#define RC_MATCH_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rc_zone {
    const void *rules;
};

/* Loads a zone by its IANA name; false when there is none of that name. The first load reads a
 * file. */
bool
rc_zone_load(const char *name, size_t size, struct rc_zone *ret_zone);

/* Seconds to add to UTC at an instant. */
int32_t
rc_zone_offset_s(struct rc_zone zone, int64_t time_s);

/* The first instant in (time_s, limit_s] at which the offset becomes another; false: none. */
bool
rc_zone_next_change(struct rc_zone zone, int64_t time_s, int64_t limit_s, int64_t *ret_time_s);

/* The first instant whose local date is the day or a later one. */
int64_t
rc_zone_day_start_s(struct rc_zone zone, int64_t day);

#ifdef __cplusplus
}
#endif

#endif
