/*
 * Element selectors: what is written for an element, what is left out, and that each selector
 * matches the chain that it was made of. tests/fuzz/fuzz_elements.c asserts the last for any chain.
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
#include "engine/match/css/element_selectors.h"

static const struct {
    const char *chain;
    const char *leaf;
    const char *path;
    const char *mark;
    const char *button;
} rows[] = {
    {"a#buy.btn.big;li.item;ul#menu;body;html", "a.big.btn", "ul > li.item > a.big.btn", "a#buy",
     "a#buy"},
    /* A click on an icon inside of a link: the link's mark is said by the link alone. */
    {"svg.icon;A#buy.btn;div", "svg.icon", "div > a.btn > svg.icon", "", "a#buy"},
    {"svg;span;button.btn", "svg", "button.btn > span > svg", "", "button.btn"},
    {"span;div#app", "span", "div > span", "div#app span", ""},
    /* Marks: an id, data-, name, aria-label, href, and in this order. */
    {"a[href=\"/cart\"][name=n][data-test=\"x\"]", "a", "", "a[data-test=\"x\"]",
     "a[data-test=\"x\"]"},
    {"input[type=text][aria-label=\"To\"][NAME=\"q\"]", "input", "", "input[name=\"q\"]", ""},
    {"a[href=\"/cart\"]", "a", "", "a[href=\"/cart\"]", "a[href=\"/cart\"]"},
    {"div[data-]", "div", "", "", ""},
    /* What holds a digit is no mark and no class; of ids and of attributes the first counts. */
    {"h1#t1.c1.c", "h1.c", "", "", ""},
    {"a#x1#y[data-a=\"1\"][data-b=\"\"][href=\"/p/7\"]", "a", "", "", "a"},
    {"a[data-a=\"1\"][data-a=\"b\"]", "a", "", "", "a"},
    /* Roles. */
    {"i;div.card[role=button];main", "i", "main > div.card > i", "", "div.card[role=\"button\"]"},
    {"div#go[role=\"link\"]", "div", "", "div#go", "div#go"},
    {"div[role=tab]", "div", "", "", ""},
    /* No tag, no classes, classes as an attribute, twice and out of order. */
    {"#x;.b", "*", ".b > *", "#x", ""},
    {"a.c[class=\"b  a c\"];i", "a.a.b.c", "i > a.a.b.c", "", "a.a.b.c"},
    {"a.q[class=\"b\"].r[class=\"c\"];i", "a.b", "i > a.b", "", "a.b"},
    {"a.h.g.f.e.d.c.b.a.i", "a.a.b.c.d.e.f.g.h", "", "", "a.a.b.c.d.e.f.g.h"},
    /* Odd characters. */
    {"a.md\\:flex[data-x=\"say \\\"hi;\\\" \\\\ \"]", "a.md\\:flex", "",
     "a[data-x=\"say \\\"hi;\\\" \\\\ \"]", "a[data-x=\"say \\\"hi;\\\" \\\\ \"]"},
    {"a.w\\[x\\].\\-;\\;.\xc3\xbc", "a.\\-.w\\[x\\]", "\\;.\xc3\xbc > a.\\-.w\\[x\\]", "",
     "a.\\-.w\\[x\\]"},
    {"x-y.b:attr__class=\"b md:z\"attr_id=\"go on\"text=\"x\";div:attr__name=\"n\"", "x-y.b.md\\:z",
     "div > x-y.b.md\\:z", "x-y#go\\ on", ""},
    /* A chain ends before what is broken. */
    {"a.b;c[x", "a.b", "", "", "a.b"},
    {"", "", "", "", ""},
    {"[", "", "", "", ""},
};

static bool
matches(struct rc_bytes selector, const char *chain, struct rc_arena *arena)
{
    struct rc_css_scratch scratch = {0};
    struct rc_error error = {0};
    const struct rc_css_selector *compiled = NULL;
    if (rc_css_selector_compile(selector, arena, &compiled, &error) != RC_OK)
        fail_msg("%.*s: %s", (int)selector.size, selector.data, error.message);
    const bool result = rc_css_selector_match(compiled, rc_bytes_of(chain), &scratch);
    rc_css_scratch_close(&scratch);
    return result;
}

static void
expect(struct rc_bytes selector, const char *expected, const char *chain, struct rc_arena *arena)
{
    if (!rc_bytes_equal(selector, rc_bytes_of(expected)))
        fail_msg("%s: %.*s, expected %s", chain, (int)selector.size, selector.data, expected);
    if (selector.size > 0)
        assert_true(matches(selector, chain, arena));
}

static void
are_made_of_chains(void **state)
{
    (void)state;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rc_element_selectors selectors;
        const char *chain = rows[i].chain;
        char all[256] = "";
        assert_int_equal(rc_element_selectors_of(rc_bytes_of(chain), arena, &selectors), RC_OK);
        expect(selectors.leaf, rows[i].leaf, chain, arena);
        expect(selectors.path, rows[i].path, chain, arena);
        expect(selectors.mark, rows[i].mark, chain, arena);
        assert_true(rc_bytes_equal(selectors.button, rc_bytes_of(rows[i].button)));
        if (selectors.button.size > 0)
            snprintf(all, sizeof(all), "%s, %s *", rows[i].button, rows[i].button);
        expect(selectors.button_with_all, all, chain, arena);
        assert_int_equal(selectors.button_is_leaf,
                         selectors.button.size > 0 && matches(selectors.button, chain, arena));
    }
}

static struct rc_bytes
repeat(char *room, size_t size, const char *head, const char *part, unsigned count)
{
    size_t at = (size_t)snprintf(room, size, "%s", head);
    for (unsigned i = 0; i < count; i++)
        at += (size_t)snprintf(room + at, size - at, "%s", part);
    return (struct rc_bytes){room, at};
}

static void
stay_within_their_limits(void **state)
{
    (void)state;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_element_selectors selectors;
    char name[RC_SUGGEST_TEXT_BYTES_MAX + 2];
    char chain[16384];
    struct rc_bytes text = repeat(name, sizeof(name), "", "x", RC_SUGGEST_TEXT_BYTES_MAX);
    snprintf(chain, sizeof(chain), "i#%s", name);
    assert_int_equal(rc_element_selectors_of(rc_bytes_of(chain), arena, &selectors), RC_OK);
    assert_int_equal(selectors.mark.size, text.size + 2);
    snprintf(chain, sizeof(chain), "i#%sx.%sx", name, name); /* One more. */
    assert_int_equal(rc_element_selectors_of(rc_bytes_of(chain), arena, &selectors), RC_OK);
    assert_int_equal(selectors.mark.size, 0);
    assert_true(rc_bytes_equal(selectors.leaf, RC_BYTES_LITERAL("i")));
    /* A selector that would be too long is none; the others stay. */
    snprintf(chain, sizeof(chain), "i;a.%s;b.%s;b.%s", name, name + 1, name + 2);
    assert_int_equal(rc_element_selectors_of(rc_bytes_of(chain), arena, &selectors), RC_OK);
    assert_true(rc_bytes_equal(selectors.leaf, RC_BYTES_LITERAL("i")));
    assert_int_equal(selectors.button.size, text.size + 2);
    assert_int_not_equal(selectors.path.size, 0);
    text = repeat(chain, sizeof(chain), "i.", "\\:", 200);
    text = repeat(chain + text.size, sizeof(chain) - text.size, ".", "\\;", 200);
    text = (struct rc_bytes){chain, strlen(chain)};
    assert_int_equal(rc_element_selectors_of(text, arena, &selectors), RC_OK);
    assert_int_equal(selectors.leaf.size, 1 + 1 + 400 + 1 + 400);
    text = repeat(chain + text.size, sizeof(chain) - text.size, ".", "\\,", 200);
    text = (struct rc_bytes){chain, strlen(chain)};
    assert_int_equal(rc_element_selectors_of(text, arena, &selectors), RC_OK);
    assert_int_equal(selectors.leaf.size, 0);
    /* Only so many elements are looked at. */
    text = repeat(chain, sizeof(chain), "i", ";i", 30);
    snprintf(chain + text.size, sizeof(chain) - text.size, ";a#far");
    assert_int_equal(rc_element_selectors_of(rc_bytes_of(chain), arena, &selectors), RC_OK);
    assert_true(rc_bytes_equal(selectors.button, RC_BYTES_LITERAL("a#far")));
    text = repeat(chain, sizeof(chain), "i", ";i", 31);
    snprintf(chain + text.size, sizeof(chain) - text.size, ";a#far");
    assert_int_equal(rc_element_selectors_of(rc_bytes_of(chain), arena, &selectors), RC_OK);
    assert_int_equal(selectors.button.size, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(are_made_of_chains),
        cmocka_unit_test(stay_within_their_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
