/*
 * LIKE: a pattern, a line feed, a text. The match must agree with a slow and obvious one.
 */
#include <string.h>

#include "engine/match/leaf/like.h"
#include "tests/fuzz/fuzz.h"

/* Bytes of the character at text[0]. */
static size_t
character_bytes(const char *text, size_t size)
{
    size_t bytes = 1;
    while (bytes < size && ((unsigned char)text[bytes] & 0xc0) == 0x80)
        bytes++;
    return bytes;
}

#define SIZE_MAX_TAKEN 48

/* Whether a backslash before place at takes the character there literally. */
static bool
is_escaped(struct rc_bytes pattern, size_t at)
{
    size_t count = 0;
    while (count < at && pattern.data[at - count - 1] == '\\')
        count++;
    return count % 2 == 1;
}

/* Fills, from the ends, whether the rest of the pattern covers the rest of the text. */
static bool
slow_match(struct rc_bytes pattern, struct rc_bytes text)
{
    bool match[SIZE_MAX_TAKEN + 2][SIZE_MAX_TAKEN + 2] = {0};
    match[pattern.size][text.size] = true;
    for (size_t p = pattern.size; p-- > 0;) {
        if (is_escaped(pattern, p))
            continue; /* No place where the rest of a pattern begins. */
        const char c = pattern.data[p];
        for (size_t t = text.size + 1; t-- > 0;) {
            if (c == '%')
                match[p][t] = match[p + 1][t] || (t < text.size && match[p][t + 1]);
            else if (t == text.size)
                match[p][t] = false;
            else if (c == '_')
                match[p][t] = match[p + 1][t + character_bytes(text.data + t, text.size - t)];
            else if (c == '\\')
                match[p][t] = pattern.data[p + 1] == text.data[t] && match[p + 2][t + 1];
            else
                match[p][t] = c == text.data[t] && match[p + 1][t + 1];
        }
    }
    return match[0][0];
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    const char *end = size == 0 ? NULL : memchr(bytes, '\n', size);
    if (end == NULL || size > SIZE_MAX_TAKEN)
        return 0;
    const struct rc_bytes pattern = {bytes, (size_t)(end - bytes)};
    const struct rc_bytes text = {end + 1, size - pattern.size - 1};
    if (!rc_bytes_is_text(pattern) || !rc_bytes_is_text(text))
        return 0;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    FUZZ_CHECK(arena != NULL);
    struct rc_like like;
    const enum rc_status status = rc_like_compile(pattern, arena, &like);
    FUZZ_CHECK((status == RC_OK) == rc_like_is_valid(pattern));
    if (status != RC_OK)
        return 0;
    const bool expected = slow_match(pattern, text);
    bool matches = !expected;
    FUZZ_CHECK(rc_like_match(&like, text, &matches) == RC_OK && matches == expected);
    return 0;
}
