/* Page patterns: what is quoted, what an id is, where a page and an origin end; and that each
 * expression is found in the address that it was made of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/cleanup.h"
#include "engine/match/leaf/pattern.h"
#include "engine/query/suggest/page_pattern.h"

#define UUID "0b8e2c1a-9a2f-4c7e-8f5a-1234567890ab"
#define UUID_REGEX "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"

static bool
is_found(struct rc_bytes regex, const char *text)
{
    struct rc_pattern *pattern = NULL;
    struct rc_error error = {0};
    bool found = false;
    if (rc_pattern_new(regex.data, regex.size, false, &pattern, &error) != RC_OK)
        fail_msg("%.*s: %s", (int)regex.size, regex.data, error.message);
    assert_int_equal(rc_pattern_search(pattern, text, strlen(text), &found), RC_OK);
    rc_pattern_free(pattern);
    return found;
}

static void
folded(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *folded; /* NULL: it has no id. */
        const char *regex;
        const char *like; /* Another that it is found in, and one that it is not. */
        const char *unlike;
    } rows[] = {
        {"/item/123", "/item/:id", "^/item/[0-9]+$", "/item/7", "/item/x7"},
        {"/item/123/pay?x=1", "/item/:id/pay?x=1", "^/item/[0-9]+/pay\\?x=1$", "/item/9/pay?x=1",
         "/item/9/pay"},
        {"/" UUID "/x.y", "/:id/x.y", "^/" UUID_REGEX "/x\\.y$",
         "/00000000-0000-0000-0000-00000000000F/x.y", "/" UUID "/xzy"},
        {"/deadbee1/", "/:id/", "^/[0-9a-fA-F]{8,}/$", "/0123456789/", "/deadbe1/"},
        {"7", ":id", "^[0-9]+$", "42", "4x"},
        {"https://a.example:80/9#7", "https://a.example:80/:id#7",
         "^https://a\\.example:80/[0-9]+#7$", "https://a.example:80/1#7", "https://a.example:80/1"},
        {"/:id/1", "/:id/:id", "^/:id/[0-9]+$", "/:id/2", "/2/2"},
        {"//1/2", "//1/:id", "^//1/[0-9]+$", "//1/3", "//2/2"},
        {"/a/b?1", NULL, NULL, NULL, NULL},
        {"", NULL, NULL, NULL, NULL},
    };
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rc_bytes text, body, regex;
        bool found = false;
        assert_int_equal(rc_page_folded(rc_bytes_of(rows[i].text), arena, &found, &text, &body),
                         RC_OK);
        assert_int_equal(found, rows[i].folded != NULL);
        if (!found)
            continue;
        assert_int_equal(rc_page_regex(body, RC_PAGE_END_TEXT, arena, &regex), RC_OK);
        if (!rc_bytes_equal(text, rc_bytes_of(rows[i].folded)) ||
            !rc_bytes_equal(regex, rc_bytes_of(rows[i].regex)))
            fail_msg("%s: %.*s %.*s", rows[i].text, (int)text.size, text.data, (int)regex.size,
                     regex.data);
        assert_true(is_found(regex, rows[i].text));
        assert_true(is_found(regex, rows[i].like));
        assert_false(is_found(regex, rows[i].unlike));
    }
}

static void
pages_and_origins(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const char *page;
        const char *origin;
    } rows[] = {
        {"https://Shop.example:8080/a/b?x=1#y", "https://Shop.example:8080/a/b",
         "https://Shop.example:8080"},
        {"https://shop.example", "https://shop.example", "https://shop.example"},
        {"https://shop.example?x", "https://shop.example", "https://shop.example"},
        {"//shop.example/a", "//shop.example/a", "//shop.example"},
        {"http://me:pw@[::1]:8/#", "http://me:pw@[::1]:8/", "http://me:pw@[::1]:8"},
        {"/a//b", "/a//b", ""},
        {"a/b", "a/b", ""},
        {"a:b://c", "a:b://c", ""},
        {"file:///a", "file:///a", ""},
        {"//", "//", ""},
        {"?x", "", ""},
        {"", "", ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct rc_bytes page = rc_page_of_url(rc_bytes_of(rows[i].url));
        const struct rc_bytes origin = rc_origin_of_url(rc_bytes_of(rows[i].url));
        if (!rc_bytes_equal(page, rc_bytes_of(rows[i].page)) ||
            !rc_bytes_equal(origin, rc_bytes_of(rows[i].origin)))
            fail_msg("%s: %.*s %.*s", rows[i].url, (int)page.size, page.data, (int)origin.size,
                     origin.data);
    }
}

static void
ends(void **state)
{
    (void)state;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_bytes body, regex;
    assert_int_equal(rc_page_quote(RC_BYTES_LITERAL("//a.b/(c)+[d]{e}|$^*?\\"), arena, &body),
                     RC_OK);
    assert_int_equal(rc_page_regex(body, RC_PAGE_END_PAGE, arena, &regex), RC_OK);
    assert_true(is_found(regex, "//a.b/(c)+[d]{e}|$^*?\\"));
    assert_true(is_found(regex, "//a.b/(c)+[d]{e}|$^*?\\#x"));
    assert_false(is_found(regex, "//a.b/(c)+[d]{e}|$^*?\\/"));
    assert_int_equal(rc_page_regex(body, RC_PAGE_END_ORIGIN, arena, &regex), RC_OK);
    assert_true(is_found(regex, "//a.b/(c)+[d]{e}|$^*?\\/x"));
    assert_false(is_found(regex, "//a.b/(c)+[d]{e}|$^*?\\x"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folded),
        cmocka_unit_test(pages_and_origins),
        cmocka_unit_test(ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
