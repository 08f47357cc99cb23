/*
 * LIKE: a pattern, a line feed, a text. Both ways of matching, parts between % and the automaton,
 * must agree with a slow and obvious third one.
 */
#include <string.h>

#include "engine/match/like.h"
#include "engine/match/pattern.h"
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

/* Tries everything. Patterns and texts are short. */
static bool
slow_match(const char *pattern, size_t pattern_size, const char *text, size_t text_size)
{
    if (pattern_size == 0)
        return text_size == 0;
    if (pattern[0] == '%') {
        for (size_t skip = 0; skip <= text_size; skip++)
            if (slow_match(pattern + 1, pattern_size - 1, text + skip, text_size - skip))
                return true;
        return false;
    }
    if (text_size == 0)
        return false;
    if (pattern[0] == '_') {
        const size_t bytes = character_bytes(text, text_size);
        return slow_match(pattern + 1, pattern_size - 1, text + bytes, text_size - bytes);
    }
    const size_t skip = pattern[0] == '\\' ? 1 : 0;
    return pattern[skip] == text[0] &&
           slow_match(pattern + skip + 1, pattern_size - skip - 1, text + 1, text_size - 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    const char *end = size == 0 ? NULL : memchr(bytes, '\n', size);
    if (end == NULL || size > 48)
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
    const bool expected = slow_match(pattern.data, pattern.size, text.data, text.size);
    FUZZ_CHECK(rc_like_match(&like, text) == expected);
    rc_like_close(&like);
    struct rc_pattern *automaton = NULL;
    FUZZ_CHECK(rc_pattern_new_like(pattern.data, pattern.size, &automaton, NULL) == RC_OK);
    FUZZ_CHECK(rc_pattern_found(automaton, text.data, text.size) == expected);
    rc_pattern_free(automaton);
    return 0;
}
