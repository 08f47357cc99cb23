/* A cursor over the line; each part says what it is called when it is missing. */
#include "loaders/combined.h"

#include <string.h>

struct cursor {
    struct rc_record *record;
    const char *at;
    const char *end;
};

static enum rc_status
missing(const char *name, struct rc_error *reterr_error)
{
    return rc_error_set(reterr_error, RC_INVALID, "the line ends or breaks at its %s", name);
}

static enum rc_status
keep(struct cursor *cursor,
     struct rc_bytes name,
     struct rc_bytes text,
     struct rc_error *reterr_error)
{
    if (rc_bytes_equal(text, RC_BYTES_LITERAL("-")))
        return RC_OK;
    return rc_record_add_text(cursor->record, name, text)
               ? RC_OK
               : rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a line");
}

/* A run of bytes without spaces, and the space behind it. */
static enum rc_status
word_read(struct cursor *cursor, const char *name, struct rc_error *reterr_error)
{
    const char *stop = memchr(cursor->at, ' ', (size_t)(cursor->end - cursor->at));
    stop = stop == NULL ? cursor->end : stop;
    const struct rc_bytes text = {cursor->at, (size_t)(stop - cursor->at)};
    if (text.size == 0)
        return missing(name, reterr_error);
    cursor->at = stop < cursor->end ? stop + 1 : stop;
    return keep(cursor, rc_bytes_of(name), text, reterr_error);
}

static enum rc_status
time_read(struct cursor *cursor, struct rc_error *reterr_error)
{
    const char *stop = memchr(cursor->at, ']', (size_t)(cursor->end - cursor->at));
    if (stop == NULL || *cursor->at != '[')
        return missing("time", reterr_error);
    const struct rc_bytes text = {cursor->at + 1, (size_t)(stop - cursor->at - 1)};
    cursor->at = stop + 1 < cursor->end ? stop + 2 : cursor->end;
    return keep(cursor, RC_BYTES_LITERAL("time"), text, reterr_error);
}

static int
hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static enum rc_status
unescape(struct rc_record *record, struct rc_bytes *text, struct rc_error *reterr_error)
{
    char *copy = rc_arena_alloc(record->arena, text->size);
    if (copy == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a line");
    char *out = copy;
    for (size_t i = 0; i < text->size; i++) {
        const char c = text->data[i];
        const char next = i + 1 < text->size ? text->data[i + 1] : '\0';
        if (c == '\\' && next == 'x' && i + 3 < text->size && hex_digit(text->data[i + 2]) >= 0 &&
            hex_digit(text->data[i + 3]) >= 0) {
            *out++ = (char)(hex_digit(text->data[i + 2]) * 16 + hex_digit(text->data[i + 3]));
            i += 3;
        } else if (c == '\\' && (next == '"' || next == '\\')) {
            *out++ = next;
            i++;
        } else {
            *out++ = c;
        }
    }
    /* Bytes that are no text (a TLS greeting sent to a plain port) stay escaped. */
    const struct rc_bytes result = {copy, (size_t)(out - copy)};
    *text = rc_bytes_is_text(result) ? result : *text;
    return RC_OK;
}

/* A quoted text, unescaped, and the space behind it. */
static enum rc_status
quoted_read(struct cursor *cursor,
            const char *name,
            struct rc_bytes *ret_text,
            struct rc_error *reterr_error)
{
    if (cursor->at >= cursor->end || *cursor->at != '"')
        return missing(name, reterr_error);
    const char *const begin = cursor->at + 1;
    const char *at = begin;
    bool escaped = false;
    while (at < cursor->end && *at != '"') {
        const bool is_escape = *at == '\\' && at + 1 < cursor->end;
        escaped = escaped || is_escape;
        at += is_escape ? 2 : 1;
    }
    if (at >= cursor->end)
        return missing(name, reterr_error);
    *ret_text = (struct rc_bytes){begin, (size_t)(at - begin)};
    cursor->at = at + 1 < cursor->end && at[1] == ' ' ? at + 2 : at + 1;
    return escaped ? unescape(cursor->record, ret_text, reterr_error) : RC_OK;
}

static enum rc_status
request_read(struct cursor *cursor, struct rc_error *reterr_error)
{
    struct rc_bytes request;
    RC_TRY(quoted_read(cursor, "request", &request, reterr_error));
    const char *const end = request.data + request.size;
    const char *const first = memchr(request.data, ' ', request.size);
    const char *const last = memrchr(request.data, ' ', request.size);
    if (first == NULL || first == last)
        return keep(cursor, RC_BYTES_LITERAL("request"), request, reterr_error);
    const struct rc_bytes method = {request.data, (size_t)(first - request.data)};
    const struct rc_bytes path = {first + 1, (size_t)(last - first - 1)};
    const struct rc_bytes protocol = {last + 1, (size_t)(end - last - 1)};
    RC_TRY(keep(cursor, RC_BYTES_LITERAL("method"), method, reterr_error));
    RC_TRY(keep(cursor, RC_BYTES_LITERAL("path"), path, reterr_error));
    return keep(cursor, RC_BYTES_LITERAL("protocol"), protocol, reterr_error);
}

enum rc_status
rc_combined_parse(struct rc_record *record, struct rc_error *reterr_error)
{
    rc_record_clear(record);
    struct cursor cursor = {record, record->raw.data, record->raw.data + record->raw.size};
    RC_TRY(word_read(&cursor, "host", reterr_error));
    RC_TRY(word_read(&cursor, "ident", reterr_error));
    RC_TRY(word_read(&cursor, "authuser", reterr_error));
    if (cursor.at == cursor.end)
        return missing("time", reterr_error);
    RC_TRY(time_read(&cursor, reterr_error));
    RC_TRY(request_read(&cursor, reterr_error));
    RC_TRY(word_read(&cursor, "status", reterr_error));
    RC_TRY(word_read(&cursor, "bytes", reterr_error));
    if (cursor.at == cursor.end) /* The common format ends here. */
        return RC_OK;
    struct rc_bytes text;
    RC_TRY(quoted_read(&cursor, "referer", &text, reterr_error));
    RC_TRY(keep(&cursor, RC_BYTES_LITERAL("referer"), text, reterr_error));
    RC_TRY(quoted_read(&cursor, "agent", &text, reterr_error));
    RC_TRY(keep(&cursor, RC_BYTES_LITERAL("agent"), text, reterr_error));
    return cursor.at == cursor.end
               ? RC_OK
               : rc_error_set(reterr_error, RC_INVALID, "text follows the agent");
}
