/*
 * Log. A line is built whole and written with one call, so that lines of several threads do not mix
 * (a pipe keeps writes of up to 4 KiB together).
 */
#include "server/process/log.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static enum rc_log_level least_level = RC_LOG_INFO;
static bool text_lines = false;

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void
rc_log_configure(enum rc_log_level least, bool as_text)
{
    least_level = least;
    text_lines = as_text;
}

bool
rc_log_enabled(enum rc_log_level level)
{
    return level >= least_level;
}

/* "2026-11-22T16:00:00.123Z" */
static void
stamp(char text[32])
{
    struct timespec now;
    struct tm parts;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    const size_t length = strftime(text, 32, "%Y-%m-%dT%H:%M:%S", &parts);
    (void)snprintf(text + length, 32 - length, ".%03ldZ", now.tv_nsec / 1000000);
}

static void
write_line(char *line)
{
    struct iovec parts[] = {{line, strlen(line)}, {(char[]){'\n'}, 1}};
    if (writev(STDERR_FILENO, parts, 2) < 0)
        return;
}

static void
log_json(enum rc_log_level level,
         const char *message,
         const struct rc_log_field *fields,
         uint32_t field_count)
{
    char time_text[32];
    stamp(time_text);
    cJSON *line = cJSON_CreateObject();
    cJSON_AddStringToObject(line, "ts", time_text);
    cJSON_AddStringToObject(line, "level", level_names[level]);
    cJSON_AddStringToObject(line, "msg", message);
    for (uint32_t i = 0; i < field_count; i++) {
        if (fields[i].text != NULL)
            cJSON_AddStringToObject(line, fields[i].name, fields[i].text);
        else
            cJSON_AddNumberToObject(line, fields[i].name, fields[i].number);
    }
    char *text = cJSON_PrintUnformatted(line);
    if (text != NULL)
        write_line(text);
    cJSON_free(text);
    cJSON_Delete(line);
}

static void
log_text(enum rc_log_level level,
         const char *message,
         const struct rc_log_field *fields,
         uint32_t field_count)
{
    char line[16384];
    char time_text[32];
    stamp(time_text);
    size_t at =
        (size_t)snprintf(line, sizeof(line), "%s %-5s %s", time_text, level_names[level], message);
    for (uint32_t i = 0; i < field_count && at < sizeof(line); i++) {
        if (fields[i].text != NULL)
            at += (size_t)snprintf(line + at, sizeof(line) - at, "  %s=%s", fields[i].name,
                                   fields[i].text);
        else
            at += (size_t)snprintf(line + at, sizeof(line) - at, "  %s=%.12g", fields[i].name,
                                   fields[i].number);
    }
    for (char *c = line; *c != '\0'; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
    write_line(line);
}

void
rc_log(enum rc_log_level level,
       const char *message,
       const struct rc_log_field *fields,
       uint32_t field_count)
{
    if (!rc_log_enabled(level))
        return;
    if (text_lines)
        log_text(level, message, fields, field_count);
    else
        log_json(level, message, fields, field_count);
}
