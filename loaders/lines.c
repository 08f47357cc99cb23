/*
 * The row that is cut by the end of the buffer is moved to its front and the rest is filled; a row
 * that is longer than the buffer makes it grow. `scanned` keeps a row that grows from being
 * searched twice.
 *
 * A row of CSV ends at the first line feed before which its quotes are even in number: an escaped
 * quote is two.
 */
#include "loaders/lines.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/assert.h"

#define BUFFER_BYTES ((size_t)1 << 20)

void
rc_lines_close(struct rc_lines *lines)
{
    lines->buffer = rc_alloc_free(lines->buffer);
}

static enum rc_status
fill(struct rc_lines *lines, struct rc_error *reterr_error)
{
    if (lines->begin > 0 && lines->end > lines->begin)
        memmove(lines->buffer, lines->buffer + lines->begin, lines->end - lines->begin);
    lines->end -= lines->begin;
    lines->begin = 0;
    if (lines->end == lines->capacity || lines->buffer == NULL) {
        if (lines->end >= RC_ROW_BYTES_MAX)
            return rc_error_set(reterr_error, RC_LIMIT_EXCEEDED,
                                "the row at line %llu is longer than %zu bytes",
                                (unsigned long long)lines->line, RC_ROW_BYTES_MAX);
        const size_t capacity = lines->buffer == NULL ? BUFFER_BYTES : 2 * lines->capacity;
        char *buffer = rc_realloc(lines->buffer, capacity + RC_ROW_PADDING_BYTES);
        if (buffer == NULL)
            return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the row at line %llu",
                                (unsigned long long)lines->line);
        lines->buffer = buffer;
        lines->capacity = capacity;
        memset(buffer + lines->end, 0, capacity + RC_ROW_PADDING_BYTES - lines->end);
    }
    size_t got = 0;
    RC_TRY(rc_input_read(lines->input, lines->buffer + lines->end, lines->capacity - lines->end,
                         &got, reterr_error));
    lines->end += got;
    lines->at_end = got == 0;
    return RC_OK;
}

static size_t
count_quotes(const char *from, const char *to)
{
    size_t count = 0;
    for (; from < to; from++)
        count += *from == '"';
    return count;
}

enum rc_status
rc_lines_next(struct rc_lines *lines,
              struct rc_bytes *ret_row,
              uint64_t *ret_offset,
              uint64_t *ret_line,
              struct rc_error *reterr_error)
{
    size_t scanned = 0; /* Bytes of the row that have no end of it. */
    size_t quotes = 0;  /* Among them. */
    size_t feeds = 0;   /* Line feeds among them. */
    const char *end;
    if (lines->buffer == NULL)
        RC_TRY(fill(lines, reterr_error));
    for (;;) {
        const char *from = lines->buffer + lines->begin + scanned;
        const size_t left = lines->end - lines->begin - scanned;
        end = left == 0 ? NULL : memchr(from, '\n', left);
        if (lines->quoted && left > 0)
            quotes += count_quotes(from, end == NULL ? from + left : end);
        if (end != NULL && (!lines->quoted || quotes % 2 == 0))
            break;
        if (end != NULL) {
            scanned = (size_t)(end - lines->buffer) - lines->begin + 1;
            feeds++;
            continue;
        }
        scanned += left;
        if (!lines->at_end) {
            RC_TRY(fill(lines, reterr_error));
            continue;
        }
        if (scanned == 0)
            return RC_NOT_FOUND;
        end = lines->buffer + lines->end; /* The last row has no line feed. */
        break;
    }
    const char *begin = lines->buffer + lines->begin;
    size_t size = (size_t)(end - begin);
    const size_t used = end < lines->buffer + lines->end ? size + 1 : size;
    *ret_offset = lines->offset;
    *ret_line = lines->line;
    lines->begin += used;
    lines->offset += used;
    lines->line += feeds + 1;
    if (size > 0 && begin[size - 1] == '\r')
        size--;
    *ret_row = (struct rc_bytes){begin, size};
    return RC_OK;
}
