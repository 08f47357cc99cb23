/*
 * Time texts: RFC 3339 with a zone, "2015-01-01T00:00:00.123Z" or "+01:00", into UTC ms since 1970.
 *
 * Threading: pure functions.
 */
#ifndef RC_SERVER_INGEST_DECODE_TIME_H
#define RC_SERVER_INGEST_DECODE_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/bytes.h"

/* What is finer than a millisecond is cut off; a leap second is the last second of its minute.
 * false: no such text. */
bool
rc_decode_time_text(struct rc_bytes text, int64_t *ret_time_ms);

#endif
