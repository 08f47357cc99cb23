/*
 * Too slow: where in a request the pattern is that took too long over a text (RC_TOO_SLOW). Who is
 * asked for it and has an error at hand names the field there. What shows only while events are
 * walked over or listed, with nothing but a status on the way back, is noted beside the query, and
 * the error gets it once the query is over.
 *
 * Threading: any threads of one query may note; the first one stays.
 */
#ifndef RC_QUERY_TOO_SLOW_H
#define RC_QUERY_TOO_SLOW_H

#include <stdatomic.h>
#include <stdbool.h>

#include "engine/base/status.h"
#include "engine/query/query.h"

struct rc_slow_place {
    _Atomic(bool) taken; /* Who sets it writes field, which is read once the query is over. */
    char field[64];
};

/* Where status is RC_TOO_SLOW and *error (NULL is fine) of it names no field, names this one.
 * Returns status. */
enum rc_status
rc_too_slow_at(struct rc_error *error, enum rc_status status, const char *field_format, ...)
    RC_PRINTF(3, 4);

/* Notes field beside the query where status is RC_TOO_SLOW. Returns status. */
enum rc_status
rc_too_slow_note(const struct rc_query_context *context, enum rc_status status, const char *field);

/* Names the field that was noted in the error of status, as rc_too_slow_at. */
enum rc_status
rc_too_slow_noted(const struct rc_query_context *context,
                  enum rc_status status,
                  struct rc_error *error);

#endif
