/*
 * When: moments and durations as people write them.
 *
 * A moment: "2025-01-31", "2025-01-31T10:00", "2025-01-31T10:00:00.250Z", "2025-01-31 10:00+02:00"
 * (without Z or an offset it is local time in the zone that is given), "now", "today", or a length
 * such as "30d", which counts back from a base. A duration: "250ms", "90s", "15m", "12h", "7d",
 * "2w"; days and weeks are elapsed time of 86,400 s each.
 *
 * Threading: conversions with a zone set the process's TZ: one thread only.
 * Units:     milliseconds, UTC since 1970.
 */
#ifndef RC_CLI_LANGUAGE_WHEN_H
#define RC_CLI_LANGUAGE_WHEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/status.h"

/* Enough for what the writers below write. */
#define RC_WHEN_TEXT_BYTES 48

/*   RC_INVALID  the text is no duration; reterr_error says what one looks like. */
RC_MUST_USE enum rc_status
rc_when_duration(const char *text, int64_t *ret_ms, struct rc_error *reterr_error);

/*
 * zone is an IANA name. base_ms is what lengths count back from.
 *   RC_INVALID    the text is no moment.
 *   RC_NOT_FOUND  this machine does not know the zone.
 */
RC_MUST_USE enum rc_status
rc_when_moment(const char *text,
               const char *zone,
               int64_t base_ms,
               int64_t *ret_ms,
               struct rc_error *reterr_error);

/* How finely a moment is written. */
enum rc_when_style {
    RC_WHEN_YEAR,    /* 2025 */
    RC_WHEN_MONTH,   /* 2025-01 */
    RC_WHEN_DAY,     /* 2025-01-31 */
    RC_WHEN_MINUTE,  /* 2025-01-31 10:00 */
    RC_WHEN_SECOND,  /* 2025-01-31 10:00:00 */
    RC_WHEN_RFC3339, /* 2025-01-31T10:00:00.250+02:00 */
};

/* Writes a moment as local time at an offset in seconds. Returns text. */
const char *
rc_when_write(char text[RC_WHEN_TEXT_BYTES],
              int64_t moment_ms,
              int32_t offset_seconds,
              enum rc_when_style style);

/* Writes a length for people: "850 ms", "12.3 s", "4.0 min", "3.2 h", "12.5 d". Returns text. */
const char *
rc_when_write_seconds(char text[RC_WHEN_TEXT_BYTES], double seconds);

#endif
