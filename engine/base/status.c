/*
 * Status and error. The message buffer is fixed: an error must be writable when memory is what
 * failed, and a sentence that is cut at 383 bytes is still a sentence. It may be cut, or quote
 * something that was cut, inside a character: what is left of that goes, so that an error is always
 * UTF-8.
 */
#include "engine/base/status.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/bytes.h"

struct words {
    const char *name;
    const char *sentence;
};

static const struct words status_words[RC_STATUS_COUNT] = {
    [RC_OK] = {"ok", "ok"},
    [RC_INVALID] = {"invalid", "the request is not valid"},
    [RC_NOT_FOUND] = {"not found", "there is no such thing"},
    [RC_EXISTS] = {"exists", "it exists already"},
    [RC_CONFLICT] = {"conflict", "it was changed meanwhile or is in use"},
    [RC_UNSUPPORTED] = {"unsupported", "this is not supported yet"},
    [RC_LIMIT_EXCEEDED] = {"limit exceeded", "a limit would be exceeded"},
    [RC_TOO_SLOW] = {"too slow", "a regular expression or LIKE pattern takes too long over one of "
                                 "the texts: give it fewer or smaller repeats"},
    [RC_NO_MEMORY] = {"no memory", "there is not enough memory"},
    [RC_NO_SPACE] = {"no space", "the disk is full"},
    [RC_CANCELLED] = {"cancelled", "the call was cancelled or its deadline passed"},
    [RC_UNAVAILABLE] = {"unavailable", "the server is not ready to serve this"},
    [RC_CORRUPT] = {"corrupt", "the bytes are damaged"},
    [RC_IO] = {"input/output", "the operating system reported an input/output error"},
};

const char *
rc_status_name(enum rc_status status)
{
    RC_ASSERT(status < RC_STATUS_COUNT);
    return status_words[status].name;
}

const char *
rc_status_sentence(enum rc_status status)
{
    RC_ASSERT(status < RC_STATUS_COUNT);
    return status_words[status].sentence;
}

static enum rc_status
error_fill(struct rc_error *error,
           enum rc_status status,
           const char *field,
           const char *format,
           va_list arguments)
{
    RC_ASSERT(status != RC_OK && status < RC_STATUS_COUNT);
    if (error == NULL)
        return status;
    error->status = status;
    error->missing_noun = NULL;
    (void)snprintf(error->field, sizeof(error->field), "%s", field);
    (void)vsnprintf(error->message, sizeof(error->message), format, arguments);
    rc_text_mend(error->field);
    rc_text_mend(error->message);
    return status;
}

enum rc_status
rc_error_set(struct rc_error *error, enum rc_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    error_fill(error, status, "", format, arguments);
    va_end(arguments);
    return status;
}

enum rc_status
rc_error_field(struct rc_error *error,
               enum rc_status status,
               const char *field,
               const char *format,
               ...)
{
    va_list arguments;
    va_start(arguments, format);
    error_fill(error, status, field, format, arguments);
    va_end(arguments);
    return status;
}

void
rc_error_missing(struct rc_error *error, const char *noun, const char *name, size_t name_bytes)
{
    if (error == NULL)
        return;
    error->missing_noun = noun;
    (void)snprintf(error->missing_name, sizeof(error->missing_name), "%.*s", (int)name_bytes, name);
    rc_text_mend(error->missing_name);
}

void
rc_error_prefix(struct rc_error *error, const char *prefix_format, ...)
{
    if (error == NULL)
        return;
    char rest[RC_ERROR_FIELD_BYTES];
    memcpy(rest, error->field, sizeof(rest));
    va_list arguments;
    va_start(arguments, prefix_format);
    (void)vsnprintf(error->field, sizeof(error->field), prefix_format, arguments);
    va_end(arguments);
    const size_t length = strlen(error->field);
    const char *separator = rest[0] == '\0' || rest[0] == '[' ? "" : ".";
    (void)snprintf(error->field + length, sizeof(error->field) - length, "%s%s", separator, rest);
    rc_text_mend(error->field);
}

/* What of a text fits behind the first at bytes; where that ends. */
static size_t
put_text(char *field, size_t room, size_t at, const char *text, size_t size)
{
    const size_t taken = size < room - 1 - at ? size : room - 1 - at;
    memcpy(field + at, text, taken);
    return at + taken;
}

void
rc_error_item(char *field, size_t room, const char *list, size_t place, const char *member)
{
    char text[24];
    size_t digit = sizeof(text);
    text[--digit] = '.';
    text[--digit] = ']';
    do
        text[--digit] = (char)('0' + place % 10);
    while ((place /= 10) != 0);
    text[--digit] = '[';
    const bool has_member = member[0] != '\0';
    size_t at = put_text(field, room, 0, list, strlen(list));
    at = put_text(field, room, at, text + digit, sizeof(text) - digit - (has_member ? 0 : 1));
    at = put_text(field, room, at, member, strlen(member));
    field[at] = '\0';
}

enum rc_status
rc_error_rename(struct rc_error *error, enum rc_status status, const char *from, const char *to)
{
    const size_t size = strlen(from);
    char rest[RC_ERROR_FIELD_BYTES];
    if (status == RC_OK || error == NULL || strncmp(error->field, from, size) != 0)
        return status;
    (void)snprintf(rest, sizeof(rest), "%s", error->field + size);
    (void)snprintf(error->field, sizeof(error->field), "%s%s", to, rest);
    return status;
}
