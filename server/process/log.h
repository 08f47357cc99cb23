/*
 * Log: what the server did, one line an event, to standard error. Lines are JSON objects
 * {"ts", "level", "msg", ...}, or text for people.
 *
 * Threading: rc_log from any thread; a line is written whole. Configure before the first thread
 *            starts.
 * Errors:    none are reported: a log that cannot be written stops nothing.
 */
#ifndef RC_SERVER_PROCESS_LOG_H
#define RC_SERVER_PROCESS_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum rc_log_level { RC_LOG_DEBUG, RC_LOG_INFO, RC_LOG_WARN, RC_LOG_ERROR };

/* A named fact of a line: a text, or a number where text is NULL. */
struct rc_log_field {
    const char *name;
    const char *text;
    double number;
};

void
rc_log_configure(enum rc_log_level least, bool as_text);

/* Whether a level is written: to spare the making of its fields. */
bool
rc_log_enabled(enum rc_log_level level);

void
rc_log(enum rc_log_level level,
       const char *message,
       const struct rc_log_field *fields,
       uint32_t field_count);

/* rc_log with the fields written out: RC_LOG(RC_LOG_INFO, "listening", {"address", text, 0}). */
#define RC_LOG(level, message, ...)                                        \
    rc_log((level), (message), (const struct rc_log_field[]){__VA_ARGS__}, \
           sizeof((const struct rc_log_field[]){__VA_ARGS__}) / sizeof(struct rc_log_field))

#endif
