/*
 * Times as archives write them, to UTC milliseconds.
 *
 * A number is an epoch in the unit that the mapping names; `auto` tells the unit by its size, which
 * is right from 1973 to 5138. A text is a number, an ISO 8601 time ("2015-09-12T00:46:58.771Z",
 * "2014-09-14 02:06:41", "2019-10-01 00:00:00 UTC", "2015-03-01 12:00:00.123+05:30", "2015-03-01")
 * or a log time ("17/May/2015:10:05:03 +0000"). What is finer than a millisecond is cut off.
 *
 * Threading: no state.
 */
#ifndef RC_LOADERS_TIME_TEXT_H
#define RC_LOADERS_TIME_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/bytes.h"
#include "loaders/field.h"

enum rc_time_unit {
    RC_TIME_AUTO,
    RC_TIME_SECONDS,
    RC_TIME_MILLISECONDS,
    RC_TIME_MICROSECONDS,
    RC_TIME_NANOSECONDS
};

/* zone_ms: how far the zone of texts without one is ahead of UTC. false: not a time, or outside the
 * years 1 to 9999. */
bool
rc_time_parse(const struct rc_field_value *value,
              enum rc_time_unit unit,
              int64_t zone_ms,
              int64_t *ret_time_ms);

/* "UTC", "Z", "+02:00", "-0330", "+05". false: something else. */
bool
rc_time_zone_parse(struct rc_bytes text, int64_t *ret_zone_ms);

#endif
