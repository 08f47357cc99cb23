/* A field without doubled quotes is borrowed from the row; others are copied without them. */
#include "loaders/csv.h"

#include <string.h>

/* Copies [from, to) with each "" as one ". */
static bool
unquote(struct rc_record *record, const char *from, const char *to, struct rc_bytes *ret_text)
{
    char *text = rc_arena_alloc(record->arena, (size_t)(to - from) + 1);
    if (text == NULL)
        return false;
    char *out = text;
    for (; from < to; from++) {
        *out++ = *from;
        if (*from == '"')
            from++;
    }
    *ret_text = (struct rc_bytes){text, (size_t)(out - text)};
    return true;
}

/* Reads a quoted field that begins after its quote at *at; leaves *at behind the closing quote. */
static enum rc_status
quoted_read(struct rc_record *record,
            const char **at,
            const char *end,
            struct rc_bytes *ret_text,
            struct rc_error *reterr_error)
{
    const char *const begin = *at;
    bool doubled = false;
    const char *quote = begin;
    for (;; quote += 2, doubled = true) {
        quote = quote >= end ? NULL : memchr(quote, '"', (size_t)(end - quote));
        if (quote == NULL)
            return rc_error_set(reterr_error, RC_INVALID, "a quoted field is not closed");
        if (quote + 1 >= end || quote[1] != '"')
            break;
    }
    *at = quote + 1;
    *ret_text = (struct rc_bytes){begin, (size_t)(quote - begin)};
    if (doubled && !unquote(record, begin, quote, ret_text))
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a row");
    return RC_OK;
}

static enum rc_status
field_read(const struct rc_csv *csv,
           struct rc_record *record,
           const char **at,
           const char *end,
           struct rc_error *reterr_error)
{
    if (csv->columns != NULL && record->field_count == csv->column_count)
        return rc_error_set(reterr_error, RC_INVALID, "the row has more than %zu fields",
                            csv->column_count);
    struct rc_bytes name = RC_BYTES_LITERAL("");
    if (csv->columns != NULL)
        name = csv->columns[record->field_count];
    struct rc_field *field = rc_record_add(record, name, 0);
    if (field == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a row");
    struct rc_bytes text;
    if (*at < end && **at == '"') {
        (*at)++;
        RC_TRY(quoted_read(record, at, end, &text, reterr_error));
        if (*at < end && **at != csv->separator)
            return rc_error_set(reterr_error, RC_INVALID, "text follows the quotes of field %zu",
                                record->field_count);
        field->value = (struct rc_field_value){.type = RC_FIELD_TEXT, .text = text};
        return RC_OK;
    }
    const char *stop = memchr(*at, csv->separator, (size_t)(end - *at));
    stop = stop == NULL ? end : stop;
    text = (struct rc_bytes){*at, (size_t)(stop - *at)};
    if (text.size > 0 && memchr(text.data, '"', text.size) != NULL)
        return rc_error_set(reterr_error, RC_INVALID, "a quote stands inside field %zu",
                            record->field_count);
    if (text.size > 0)
        field->value = (struct rc_field_value){.type = RC_FIELD_TEXT, .text = text};
    *at = stop;
    return RC_OK;
}

enum rc_status
rc_csv_parse(const struct rc_csv *csv, struct rc_record *record, struct rc_error *reterr_error)
{
    rc_record_clear(record);
    const char *at = record->raw.data;
    const char *const end = at + record->raw.size;
    for (;;) {
        RC_TRY(field_read(csv, record, &at, end, reterr_error));
        if (at == end)
            break;
        at++; /* The separator. */
    }
    if (csv->columns != NULL && record->field_count < csv->column_count)
        return rc_error_set(reterr_error, RC_INVALID, "the row has %zu fields instead of %zu",
                            record->field_count, csv->column_count);
    return RC_OK;
}
