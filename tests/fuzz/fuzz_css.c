/*
 * CSS selectors: a selector, a line feed, a chain. What compiles is matched; its one spelling must
 * compile, spell itself, and match the same; every prefix of the chain is read too.
 */
#include <string.h>

#include "engine/base/limits.h"
#include "engine/match/css/css_selector.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    const char *end = size == 0 ? NULL : memchr(bytes, '\n', size);
    if (end == NULL || size > 4 * RC_PATTERN_BYTES_MAX)
        return 0;
    const struct rc_bytes text = {bytes, (size_t)(end - bytes)};
    const struct rc_bytes chain = {end + 1, size - text.size - 1};
    if (!rc_bytes_is_text(text) || !rc_bytes_is_text(chain))
        return 0;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    FUZZ_CHECK(arena != NULL);
    const struct rc_css_selector *selector = NULL;
    struct rc_error error = {0};
    const enum rc_status status = rc_css_selector_compile(text, arena, &selector, &error);
    FUZZ_CHECK(status == RC_OK || strncmp(error.message, "at character ", 13) == 0);
    if (status != RC_OK)
        return 0;
    struct rc_css_scratch scratch = {0};
    const bool matched = rc_css_selector_match(selector, chain, &scratch);
    struct rc_bytes spelled;
    struct rc_bytes again;
    FUZZ_CHECK(rc_css_selector_text(selector, arena, &spelled) == RC_OK);
    FUZZ_CHECK(rc_bytes_is_text(spelled));
    FUZZ_CHECK(rc_css_selector_compile(spelled, arena, &selector, NULL) == RC_OK);
    FUZZ_CHECK(rc_css_selector_match(selector, chain, &scratch) == matched);
    FUZZ_CHECK(rc_css_selector_text(selector, arena, &again) == RC_OK);
    FUZZ_CHECK(rc_bytes_equal(spelled, again));
    for (size_t i = 0; i < chain.size; i++)
        (void)rc_css_selector_match(selector, (struct rc_bytes){chain.data, i}, &scratch);
    rc_css_scratch_close(&scratch);
    return 0;
}
