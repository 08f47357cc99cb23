/*
 * CSS selectors: the grammar with the places of its errors, the one spelling of equal selectors,
 * both forms of chains, matching by the words of docs/semantics.md, hostile selectors and chains.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/limits.h"
#include "engine/match/css/css_selector.h"

static enum rc_status
compile(const char *text,
        struct rc_arena *arena,
        const struct rc_css_selector **ret_selector,
        struct rc_error *error)
{
    return rc_css_selector_compile(rc_bytes_of(text), arena, ret_selector, error);
}

static bool
matches(const char *text, const char *chain)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    const struct rc_css_selector *selector = NULL;
    struct rc_error error = {0};
    if (compile(text, arena, &selector, &error) != RC_OK)
        fail_msg("%s: %s", text, error.message);
    struct rc_css_scratch scratch = {0};
    const bool result = rc_css_selector_match(selector, rc_bytes_of(chain), &scratch);
    struct rc_bytes spelled;
    const struct rc_css_selector *again = NULL;
    assert_int_equal(rc_css_selector_text(selector, arena, &spelled), RC_OK);
    if (rc_css_selector_compile(spelled, arena, &again, &error) != RC_OK)
        fail_msg("%s, spelled %.*s: %s", text, (int)spelled.size, spelled.data, error.message);
    assert_int_equal(rc_css_selector_match(again, rc_bytes_of(chain), &scratch), result);
    rc_css_scratch_close(&scratch);
    return result;
}

static const struct {
    const char *text;
    unsigned at;
    const char *word;
} refusals[] = {
    {"", 1, "ends"},
    {"  ", 3, "ends"},
    {"a,", 3, "ends"},
    {",a", 1, "expected"},
    {"a > ", 5, "ends"},
    {"> a", 1, "expected"},
    {"a > > b", 5, "expected"},
    {"a + b", 3, "siblings"},
    {"a~b", 2, "siblings"},
    {"a ~ b", 3, "siblings"},
    {"a || b", 3, "columns"},
    {"svg|a", 4, "namespaces"},
    {"*|a", 2, "namespaces"},
    {"a:hover", 2, "pseudo"},
    {"ü:hover", 2, "pseudo"},
    {"a::before", 2, "pseudo"},
    {"a:nth-child(2)", 2, "pseudo"},
    {"a*", 2, "first"},
    {".b a.c*", 7, "first"},
    {"a/**/b", 6, "first"},
    {"a /* b", 3, "comment"},
    {".", 2, "class"},
    {".1a", 2, "digit"},
    {"#1", 2, "digit"},
    {"#", 2, "id"},
    {"#-", 2, "id"},
    {"1", 1, "expected"},
    {"-->", 1, "expected"},
    {"a(b)", 2, "expected"},
    {"@a", 1, "expected"},
    {"!a", 1, "expected"},
    {"&", 1, "expected"},
    {"a\\", 2, "backslash"},
    {"a\\\nb", 2, "backslash"},
    {"[", 2, "attribute"},
    {"[]", 2, "attribute"},
    {"[a", 3, "]"},
    {"[a=", 4, "quotes"},
    {"[a=]", 4, "quotes"},
    {"[a=1]", 4, "digit"},
    {"[a=b", 5, "]"},
    {"[a=\"b]", 4, "no end"},
    {"[a='b\n']", 4, "no end"},
    {"[a=\"b\\", 4, "no end"},
    {"[a|=b]", 3, "|="},
    {"[x|a]", 3, "namespaces"},
    {"[a!=b]", 3, "expected"},
    {"[a^ =b]", 3, "expected"},
    {"[a=b x]", 6, "flags"},
    {"[a=b i s]", 8, "]"},
    {"[a i]", 4, "expected"},
    {"[a=\"b\"\"c\"]", 7, "]"},
};

static void
refused(void **state)
{
    (void)state;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        const struct rc_css_selector *selector = NULL;
        struct rc_error error = {0};
        char place[32];
        snprintf(place, sizeof(place), "at character %u:", refusals[i].at);
        if (compile(refusals[i].text, arena, &selector, &error) != RC_INVALID)
            fail_msg("%s is taken", refusals[i].text);
        assert_null(selector);
        if (strstr(error.message, place) == NULL || strstr(error.message, refusals[i].word) == NULL)
            fail_msg("%s: %s", refusals[i].text, error.message);
    }
}

static void
limits(void **state)
{
    (void)state;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    const struct rc_css_selector *selector = NULL;
    struct rc_error error = {0};
    char text[RC_PATTERN_BYTES_MAX + 1] = "";
    for (unsigned i = 0; i < RC_CSS_COMPOUNDS_MAX; i++)
        memcpy(text + 2 * (size_t)i, "a>", 2);
    text[2 * RC_CSS_COMPOUNDS_MAX - 1] = '\0';
    assert_int_equal(compile(text, arena, &selector, &error), RC_OK);
    memcpy(text + 2 * RC_CSS_COMPOUNDS_MAX - 1, ">a", 3);
    assert_int_equal(compile(text, arena, &selector, &error), RC_LIMIT_EXCEEDED);
    assert_non_null(strstr(error.message, "64 compounds"));
    for (unsigned i = 0; i < RC_CSS_TESTS_MAX; i++)
        memcpy(text + 2 * (size_t)i, ".a", 3);
    assert_int_equal(compile(text, arena, &selector, &error), RC_OK);
    assert_true(matches(text, "x.a"));
    memcpy(text + 2 * (size_t)RC_CSS_TESTS_MAX, ".a", 3);
    assert_int_equal(compile(text, arena, &selector, &error), RC_LIMIT_EXCEEDED);
    assert_non_null(strstr(error.message, "character 513"));
}

static void
one_spelling(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"A", "a"},
        {" a ", "a"},
        {"*", "*"},
        {"*.a", ".a"},
        {".b.a.b", ".a.b"},
        {"div.a   >\n a.btn", "div.a>a.btn"},
        {"a b,  .c ,a b", ".c,a b"},
        {"[B]", "[b]"},
        {"[ b = 'c' ]", "[b=c]"},
        {"[b=\"c\"]", "[b=c]"},
        {"[b=\"C d\" i]", "[b=\"c d\" i]"},
        {"[b=c s]", "[b=c]"},
        {"[b=c\\ d]", "[b=\"c d\"]"},
        {"[b=\"\\\"\\\\\"]", "[b=\"\\\"\\\\\"]"},
        {"\\61 b", "ab"},
        {".\\31 a", ".\\31 a"},
        {"#md\\:flex", "#md\\:flex"},
        {"#\\fc", "#ü"},
        {".\\110000 x", ".\xef\xbf\xbdx"},
        {".\\0 x", ".\xef\xbf\xbdx"},
        {"/* x */ a /* y */ > /* z */ b", "a>b"},
        {"[a='b\\\nc']", "[a=bc]"},
        {"[a='b\\\r\nc']", "[a=bc]"},
        {"[a='\\a ']", "[a=\"\\a \"]"},
        {".-a.--a._", ".--a.-a._"},
        {"-- > -\\-", "-\\->-\\-"},
    };
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct rc_css_selector *selector = NULL;
        struct rc_bytes text;
        struct rc_error error = {0};
        if (compile(rows[i][0], arena, &selector, &error) != RC_OK)
            fail_msg("%s: %s", rows[i][0], error.message);
        assert_int_equal(rc_css_selector_text(selector, arena, &text), RC_OK);
        assert_string_equal(text.data, rows[i][1]);
    }
}

#define OWN                                                                       \
    "a#save.btn.btn-big[href=\"/p/1?x=y\"][data-role=go][disabled]:nth-child(2);" \
    "li.item:nth-of-type(3);ul#menu.nav.dark;div.box;DIV#app.box.wide[data-x=\"A b\"];body;html"
#define POSTHOG                                                                                  \
    "a.btn.md:flex.w-[3px]:attr__class=\"btn md:flex w-[3px]\"attr__href=\"/p/1?x=y\""           \
    "attr_id=\"save\"href=\"/p/1?x=y\"nth-child=\"2\"nth-of-type=\"1\"text=\"Say \\\"hi;\\\"\";" \
    "li.item:nth-child=\"1\"nth-of-type=\"1\";ul.nav:attr_id=\"menu\"nth-child=\"1\""

static const struct {
    const char *selector;
    const char *chain;
    bool expected;
} matchings[] = {
    {"a", OWN, true},
    {"A.btn", OWN, true},
    {"a.BTN", OWN, false},
    {"*", OWN, true},
    {"li", OWN, false},
    {"#save", OWN, true},
    {"[id=save]", OWN, true},
    {"[class=\"btn btn-big\"]", OWN, true},
    {"[class~=btn-big]", OWN, true},
    {"[class^=btn]", OWN, true},
    {"[HREF]", OWN, true},
    {"[href=\"/p/1?x=y\"]", OWN, true},
    {"[href^=\"/p/\"][href$=y][href*='1?']", OWN, true},
    {"[href=\"/P/1?X=Y\"]", OWN, false},
    {"[href=\"/P/1?X=Y\" i]", OWN, true},
    {"[href^=\"\"]", OWN, false},
    {"[href*=\"\"]", OWN, false},
    {"[href$=\"\"]", OWN, false},
    {"[disabled=\"\"]", OWN, true},
    {"[disabled~=\"\"]", OWN, false},
    {"[data-role=go]", OWN, true},
    {"[nth-child]", OWN, false},
    {"ul > li > a", OWN, true},
    {"ul > a", OWN, false},
    {"ul a", OWN, true},
    {"html a", OWN, true},
    {"#app.box > .box > ul a", OWN, true},
    {"#app > ul a", OWN, false},
    {".wide .box a, nothing", OWN, true},
    {"nothing, #app .btn", OWN, true},
    {"div div div a", OWN, false},
    {"body > div > div > ul > li > a", OWN, true},
    {"[data-x~=b] a", OWN, true},
    {"[data-x~=a] a", OWN, false},
    {"[data-x~=a i] a", OWN, true},
    /* The nearest .x has no parent p, one above does: a search that stops at the first fails.
     */
    {"p > .x a", "a;b.x;c;d.x;p", true},
    {"p > .x a", "a;b.x;c;p.x", false},
    {"a", "", false},
    {"*", ";", false},
    {"*", "12", true},
    {"b a", "a;;b", false},
    {"a", "a;;b", true},
    {"b a", "a;b", true},
    {"b a", "a;b;", true},
    {"b a", "a;b[x", false},
    {"b a", "a;b[x=\"y", false},
    {"b a", "a;b.;c", false},
    {"b a", "a;b:hover;c", false},
    {"b a", "a;b:nth-child();c", false},
    {".x", ".x", true},
    {"*", ":nth-child(1)", false},
    {".md\\:flex", "a.md\\:flex", true},
    {".\\31 2", "a.\\31 2", true},
    {"#a\\ b", "a#a\\ b", true},
    {"[x=\"a\\\"b\"]", "a[x=\"a\\\"b\"]", true},
    {"[x\\:y]", "a[x:y=\"1\"]", true},
    {"[a=x]", "a[a=x][a=y]", true},
    {"[a=y]", "a[a=x][a=y]", false},
    {".y.z", "a[class=\" y  z \"]", true},
    {"[class=\" y  z \"]", "a.q[class=\" y  z \"]", true},
    {"#x", "a[ID=x]", true},
    {"a.btn", POSTHOG, true},
    {".md\\:flex.w-\\[3px\\]", POSTHOG, true},
    {"#save[href='/p/1?x=y']", POSTHOG, true},
    {"[text='Say \"hi;\"']", POSTHOG, true},
    {"[nth-child], [attr__href]", POSTHOG, false},
    {"ul#menu.nav > li.item a", POSTHOG, true},
    {"ul#menu > a", POSTHOG, false},
    /* Names that frameworks give attributes: the first one says where a head ends. */
    {"button.btn[\\@click=go]", "button.btn:attr__@click=\"go\"attr__class=\"btn\"", true},
    {"button.btn[\\:class=on]", "button.btn:attr__:class=\"on\"attr__class=\"btn\"", true},
    {".on", "button.btn:attr__:class=\"on\"attr__class=\"btn\"", false},
    {"a[wire\\:click\\.prevent]", "a.md:b:attr__wire:click.prevent=\"\";b", true},
    {"a.md\\:b", "a.md:b:attr__wire:click.prevent=\"\";b", true},
    {"b > a[\\[x\\.y\\]]", "a:attr__[x.y]=\"1\";b:attr_id=\"1\"", true},
    /* The attribute class says what the classes are, wherever it stands: heads are cut at points.
     */
    {".p-1\\.5.m", "a.m.p-1.5:attr__class=\"m p-1.5\"", true},
    {".p-1", "a.m.p-1.5:attr__class=\"m p-1.5\"", false},
    {".q", "a.q[class=\"y z\"]", false},
    {".q", "a[class=\"y z\"].q", false},
    {".z, [class~=z]", "a[class=y][class=z]", false},
    {"#y, [id=y]", "a#x#y[id=y]", false},
    {"#x[id=x]", "a[id=x]#y", true},
    {"b > a", "a:x=\"1\";b.c", true},
    {"b > a", "a:x=\"1\"y;b.c", false},
    {"*", "a:nth-child(0.)", false},
    {"a", "a:nth-child(0.)", false},
    {"a", "a.w-[;]:x=\"1\"", false},
};

static void
chains(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(matchings) / sizeof(matchings[0]); i++) {
        if (matches(matchings[i].selector, matchings[i].chain) != matchings[i].expected)
            fail_msg("%s over %s", matchings[i].selector, matchings[i].chain);
    }
}

/* What takes a matcher that tries ancestors one by one for ever: this ends or the test never does.
 */
static void
hostile(void **state)
{
    (void)state;
    static char chain[RC_VALUE_BYTES_MAX + 1];
    char text[RC_PATTERN_BYTES_MAX + 1] = "";
    size_t size = 0;
    while (size + 2 < sizeof(chain)) {
        memcpy(chain + size, "a;", 2);
        size += 2;
    }
    for (unsigned i = 0; i + 1 < RC_CSS_COMPOUNDS_MAX; i++)
        strcat(text, "a ");
    assert_true(matches(text, chain));
    memmove(text + 2, text, strlen(text) + 1);
    memcpy(text, "b ", 2);
    assert_false(matches(text, chain));
    memset(text, 0, sizeof(text));
    for (unsigned i = 0; i < 100; i++)
        strcat(text, "[x*=aab i]");
    memset(chain, 'a', size);
    memcpy(chain, "a[x=\"", 5);
    memcpy(chain + size - 3, "\"];", 3);
    assert_false(matches(text, chain));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused), cmocka_unit_test(limits),  cmocka_unit_test(one_spelling),
        cmocka_unit_test(chains),  cmocka_unit_test(hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
