/*
 * Element selectors and page patterns: the bytes are an element chain, and an address. What is
 * written for them must compile and be found in what it was written for, whatever that is.
 */
#include "engine/base/limits.h"
#include "engine/match/css/css_selector.h"
#include "engine/match/css/element_selectors.h"
#include "engine/match/leaf/pattern.h"
#include "engine/query/suggest/page_pattern.h"
#include "tests/fuzz/fuzz.h"

static void
check_selector(struct rc_bytes selector, struct rc_bytes chain, struct rc_arena *arena)
{
    struct rc_css_scratch scratch = {0};
    const struct rc_css_selector *compiled = NULL;
    if (selector.size == 0)
        return;
    FUZZ_CHECK(selector.size <= RC_PATTERN_BYTES_MAX && rc_bytes_is_text(selector));
    FUZZ_CHECK(rc_css_selector_compile(selector, arena, &compiled, NULL) == RC_OK);
    FUZZ_CHECK(rc_css_selector_match(compiled, chain, &scratch));
    rc_css_scratch_close(&scratch);
}

static void
check_regex(struct rc_bytes body,
            enum rc_page_end end,
            struct rc_bytes text,
            struct rc_arena *arena)
{
    struct rc_pattern *pattern = NULL;
    struct rc_bytes regex;
    bool found = false;
    FUZZ_CHECK(rc_page_regex(body, end, arena, &regex) == RC_OK);
    FUZZ_CHECK(rc_pattern_new(regex.data, regex.size, false, &pattern, NULL) == RC_OK);
    FUZZ_CHECK(rc_pattern_search(pattern, text.data, text.size, &found) == RC_OK && found);
    rc_pattern_free(pattern);
}

static void
check_address(struct rc_bytes text, struct rc_arena *arena)
{
    const struct rc_bytes origin = rc_origin_of_url(text);
    struct rc_bytes folded, body;
    bool found = false;
    FUZZ_CHECK(rc_page_quote(rc_page_of_url(text), arena, &body) == RC_OK);
    check_regex(body, RC_PAGE_END_PAGE, text, arena);
    FUZZ_CHECK(rc_page_folded(text, arena, &found, &folded, &body) == RC_OK);
    if (found)
        check_regex(body, RC_PAGE_END_TEXT, text, arena);
    if (origin.size == 0)
        return;
    FUZZ_CHECK(rc_page_quote(origin, arena, &body) == RC_OK);
    check_regex(body, RC_PAGE_END_ORIGIN, text, arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rc_element_selectors selectors;
    const struct rc_bytes text = {size == 0 ? "" : (const char *)data, size};
    if (size > 4 * RC_PATTERN_BYTES_MAX || !rc_bytes_is_text(text))
        return 0;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    FUZZ_CHECK(arena != NULL);
    FUZZ_CHECK(rc_element_selectors_of(text, arena, &selectors) == RC_OK);
    check_selector(selectors.leaf, text, arena);
    check_selector(selectors.path, text, arena);
    check_selector(selectors.mark, text, arena);
    check_selector(selectors.button_with_all, text, arena);
    if (size <= RC_SUGGEST_TEXT_BYTES_MAX)
        check_address(text, arena);
    return 0;
}
