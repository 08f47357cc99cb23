/*
 * Two layers of quoting: COPY's backslashes first, for the whole column; then hstore's, for each
 * key and value. A text without a backslash is borrowed from the layer below.
 */
#include "loaders/copy.h"

#include <string.h>

static enum rc_status
no_memory(struct rc_error *reterr_error)
{
    return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a row");
}

static int
digit(char c, int base)
{
    const int value = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : 99;
    return value < base ? value : -1;
}

/* Reads up to digits_max digits at *at; leaves *at behind them. */
static char
number_read(const char **at, const char *end, int base, int digits_max)
{
    int value = 0;
    for (int i = 0; i < digits_max && *at < end && digit(**at, base) >= 0; i++)
        value = value * base + digit(*(*at)++, base);
    return (char)(value & 0xff);
}

/* The character of the escape whose backslash is at (*at)[-1]; leaves *at behind it. */
static char
escape_read(const char **at, const char *end)
{
    static const char names[] = "btnfrv";
    static const char values[] = "\b\t\n\f\r\v";
    const char c = **at;
    const char *name = c == '\0' ? NULL : strchr(names, c);
    if (name != NULL) {
        (*at)++;
        return values[name - names];
    }
    if (digit(c, 8) >= 0)
        return number_read(at, end, 8, 3);
    if (c == 'x' && *at + 1 < end && digit((*at)[1], 16) >= 0) {
        (*at)++;
        return number_read(at, end, 16, 2);
    }
    (*at)++;
    return c;
}

static enum rc_status
column_unescape(struct rc_record *record, struct rc_bytes *text, struct rc_error *reterr_error)
{
    if (memchr(text->data, '\\', text->size) == NULL)
        return RC_OK;
    char *copy = rc_arena_alloc(record->arena, text->size);
    if (copy == NULL)
        return no_memory(reterr_error);
    char *out = copy;
    const char *at = text->data;
    const char *const end = at + text->size;
    while (at < end) {
        const char c = *at++;
        *out++ = c == '\\' && at < end ? escape_read(&at, end) : c;
    }
    *text = (struct rc_bytes){copy, (size_t)(out - copy)};
    return RC_OK;
}

static const char *
spaces_skip(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
        at++;
    return at;
}

/* Reads "text" or a bare word at *at; *ret_quoted says which. */
static enum rc_status
hstore_text_read(struct rc_record *record,
                 const char **at,
                 const char *end,
                 struct rc_bytes *ret_text,
                 bool *ret_quoted,
                 struct rc_error *reterr_error)
{
    const char *begin = *at;
    *ret_quoted = begin < end && *begin == '"';
    if (!*ret_quoted) {
        while (*at < end && **at != ' ' && **at != ',' && **at != '=' && **at != '"')
            (*at)++;
        *ret_text = (struct rc_bytes){begin, (size_t)(*at - begin)};
        return ret_text->size > 0
                   ? RC_OK
                   : rc_error_set(reterr_error, RC_INVALID, "an hstore key or value is missing");
    }
    const char *stop = ++begin;
    bool escaped = false;
    while (stop < end && *stop != '"') {
        escaped = escaped || *stop == '\\';
        stop += *stop == '\\' ? 2 : 1;
    }
    if (stop >= end)
        return rc_error_set(reterr_error, RC_INVALID, "an hstore text is not closed");
    *at = stop + 1;
    *ret_text = (struct rc_bytes){begin, (size_t)(stop - begin)};
    if (!escaped)
        return RC_OK;
    char *copy = rc_arena_alloc(record->arena, ret_text->size);
    if (copy == NULL)
        return no_memory(reterr_error);
    char *out = copy;
    for (; begin < stop; begin++) {
        begin += *begin == '\\' ? 1 : 0;
        *out++ = *begin;
    }
    *ret_text = (struct rc_bytes){copy, (size_t)(out - copy)};
    return RC_OK;
}

static bool
is_null_word(struct rc_bytes text)
{
    return text.size == 4 && strncasecmp(text.data, "NULL", 4) == 0;
}

static enum rc_status
pair_read(struct rc_record *record, const char **at, const char *end, struct rc_error *reterr_error)
{
    struct rc_bytes key;
    struct rc_bytes value;
    bool quoted;
    RC_TRY(hstore_text_read(record, at, end, &key, &quoted, reterr_error));
    *at = spaces_skip(*at, end);
    if (end - *at < 2 || (*at)[0] != '=' || (*at)[1] != '>')
        return rc_error_set(reterr_error, RC_INVALID, "an hstore key is not followed by =>");
    *at = spaces_skip(*at + 2, end);
    RC_TRY(hstore_text_read(record, at, end, &value, &quoted, reterr_error));
    struct rc_field *field = rc_record_add(record, key, 1);
    if (field == NULL)
        return no_memory(reterr_error);
    if (quoted || !is_null_word(value))
        field->value = (struct rc_field_value){.type = RC_FIELD_TEXT, .text = value};
    return RC_OK;
}

static enum rc_status
hstore_read(struct rc_record *record, struct rc_bytes text, struct rc_error *reterr_error)
{
    const char *const end = text.data + text.size;
    const char *at = spaces_skip(text.data, end);
    while (at < end) {
        RC_TRY(pair_read(record, &at, end, reterr_error));
        at = spaces_skip(at, end);
        if (at == end)
            break;
        if (*at != ',')
            return rc_error_set(reterr_error, RC_INVALID, "hstore pairs need a comma between them");
        at = spaces_skip(at + 1, end);
        if (at == end)
            return rc_error_set(reterr_error, RC_INVALID, "the hstore text ends in a comma");
    }
    return RC_OK;
}

static enum rc_status
column_read(const struct rc_copy *copy,
            struct rc_record *record,
            size_t index,
            struct rc_bytes text,
            struct rc_error *reterr_error)
{
    const bool is_null = rc_bytes_equal(text, RC_BYTES_LITERAL("\\N"));
    if (!is_null)
        RC_TRY(column_unescape(record, &text, reterr_error));
    if (copy->hstore_column.size > 0 && rc_bytes_equal(copy->columns[index], copy->hstore_column))
        return is_null ? RC_OK : hstore_read(record, text, reterr_error);
    struct rc_field *field = rc_record_add(record, copy->columns[index], 0);
    if (field == NULL)
        return no_memory(reterr_error);
    if (!is_null)
        field->value = (struct rc_field_value){.type = RC_FIELD_TEXT, .text = text};
    return RC_OK;
}

enum rc_status
rc_copy_parse(const struct rc_copy *copy, struct rc_record *record, struct rc_error *reterr_error)
{
    rc_record_clear(record);
    if (rc_bytes_equal(record->raw, RC_BYTES_LITERAL("\\.")))
        return RC_NOT_FOUND;
    const char *at = record->raw.data;
    const char *const end = at + record->raw.size;
    for (size_t index = 0;; index++) {
        if (index == copy->column_count)
            return rc_error_set(reterr_error, RC_INVALID, "the row has more than %zu columns",
                                copy->column_count);
        const char *stop = memchr(at, '\t', (size_t)(end - at));
        const bool is_last = stop == NULL;
        stop = is_last ? end : stop;
        RC_TRY(column_read(copy, record, index, (struct rc_bytes){at, (size_t)(stop - at)},
                           reterr_error));
        if (is_last && index + 1 < copy->column_count)
            return rc_error_set(reterr_error, RC_INVALID, "the row has %zu columns instead of %zu",
                                index + 1, copy->column_count);
        if (is_last)
            return RC_OK;
        at = stop + 1;
    }
}
