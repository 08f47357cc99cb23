/*
 * A scan of tokens that keeps the names of the objects around the current place. It runs only for
 * lines that the parser has refused for a number, so it may be slow, and escapes in names are shown
 * as they stand.
 */
#include "server/ingest/json_number.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 34u
#define NUMBER_BYTES_MAX 400u

struct text {
    const char *at;
    size_t size;
};

struct scan {
    const char *at;
    const char *end;
    struct text keys[DEPTH_MAX]; /* Of the member at each depth. */
    uint32_t depth;
};

/* The text that begins at the quote under the cursor; the cursor ends behind it. */
static struct text
take_text(struct scan *scan)
{
    const char *start = ++scan->at;
    while (scan->at < scan->end && *scan->at != '"')
        scan->at += *scan->at == '\\' && scan->at + 1 < scan->end ? 2 : 1;
    const struct text text = {start, (size_t)(scan->at - start)};
    if (scan->at < scan->end)
        scan->at++;
    return text;
}

/* Whether the number under the cursor fits; the cursor ends behind it. */
static bool
take_number(struct scan *scan)
{
    char number[NUMBER_BYTES_MAX + 1];
    const char *start = scan->at;
    while (scan->at < scan->end && *scan->at != '\0' && strchr("+-.0123456789eE", *scan->at))
        scan->at++;
    const size_t size = (size_t)(scan->at - start);
    if (size > NUMBER_BYTES_MAX)
        return false;
    memcpy(number, start, size);
    number[size] = '\0';
    char *end = NULL;
    errno = 0;
    if (strpbrk(number, ".eE") != NULL) {
        const double real = strtod(number, &end);
        return *end == '\0' && isfinite(real);
    }
    if (number[0] == '-')
        (void)strtoll(number, &end, 10);
    else
        (void)strtoull(number, &end, 10);
    const char *digits = number + (number[0] == '-');
    const bool leading_zero = digits[0] == '0' && digits[1] != '\0';
    return errno == 0 && *end == '\0' && digits[0] != '\0' && !leading_zero;
}

static size_t
join_names(const struct scan *scan, char *name, size_t capacity)
{
    /* Members of "properties" and "set" are named without those. */
    const uint32_t first = scan->depth > 1 ? 2 : 1;
    size_t size = 0;
    for (uint32_t i = first; i <= scan->depth; i++) {
        const struct text key = scan->keys[i];
        const size_t dot = i > first ? 1 : 0;
        if (size + dot + key.size > capacity)
            return 0;
        if (dot > 0)
            name[size] = '.';
        if (key.size > 0)
            memcpy(name + size + dot, key.at, key.size);
        size += dot + key.size;
    }
    return size;
}

size_t
rc_json_find_number(const char *line, size_t line_bytes, char *name, size_t capacity)
{
    struct scan scan = {.at = line, .end = line + line_bytes};
    struct text last = {"", 0};
    while (scan.at < scan.end) {
        const char c = *scan.at;
        if (c == '"') {
            last = take_text(&scan);
            continue;
        }
        if (c == '-' || (c >= '0' && c <= '9')) {
            if (!take_number(&scan))
                return join_names(&scan, name, capacity);
            continue;
        }
        if (c == ':')
            scan.keys[scan.depth] = last;
        else if (c == '{' && ++scan.depth == DEPTH_MAX)
            return 0;
        else if (c == '}' && scan.depth > 0)
            scan.depth--;
        scan.at++;
    }
    return 0;
}
