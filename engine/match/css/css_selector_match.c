/*
 * CSS selector, matching: the compounds of all alternatives are the states of one automaton that
 * reads the chain from the clicked element up. A word holds the compounds that must match the
 * element at hand (here), another those that may match it or any element above (above). A compound
 * that matches hands over to the one before it: by > to the parent, by a space to all ancestors.
 * One that begins an alternative is the answer. Every way to place ancestors is in the words at
 * once, so nothing is tried twice.
 *
 * A part of an element is looked up among the tests by a hash of its name; an element then has the
 * compounds of which all tests passed. Of an attribute that an element names twice the first
 * counts, of ids too; classes that stand by themselves make up the attribute class if none is
 * named.
 */
#include "engine/match/css/css_selector_form.h"
#include "engine/match/css/css_syntax.h"
#include "engine/match/css/element_chain.h"

struct element {
    uint64_t tagged;                         /* Compounds whose tag it has. */
    uint64_t passed[RC_CSS_TESTS_MAX / 64];  /* Tests. */
    uint64_t decided[RC_CSS_TESTS_MAX / 64]; /* Tests of attributes that were named. */
    uint64_t classed[RC_CSS_TESTS_MAX / 64]; /* Tests of classes that stand by themselves. */
    bool has_id;
    bool has_class_attribute;
};

void
rc_css_scratch_close(struct rc_css_scratch *scratch)
{
    rc_writer_close(&scratch->text);
    rc_writer_close(&scratch->lower);
    rc_writer_close(&scratch->classes);
}

static bool
equal_bytes(const char *a, const char *b, size_t size, bool ignore_case)
{
    if (!ignore_case)
        return size == 0 || memcmp(a, b, size) == 0;
    for (size_t i = 0; i < size; i++) {
        if (rc_css_lower(a[i]) != rc_css_lower(b[i]))
            return false;
    }
    return true;
}

static bool
equal(struct rc_bytes a, struct rc_bytes b, bool ignore_case)
{
    return a.size == b.size && equal_bytes(a.data, b.data, a.size, ignore_case);
}

/* part is not empty. Linear, also without case: part is in lower case then, and text is written so.
 */
static bool
contains(struct rc_bytes text,
         struct rc_bytes part,
         bool ignore_case,
         struct rc_css_scratch *scratch)
{
    if (text.size < part.size)
        return false;
    if (!ignore_case)
        return memmem(text.data, text.size, part.data, part.size) != NULL;
    scratch->lower.size = 0;
    char *lower = rc_write_room(&scratch->lower, text.size);
    for (size_t i = 0; lower != NULL && i < text.size; i++)
        lower[i] = rc_css_lower(text.data[i]);
    return lower != NULL && memmem(lower, text.size, part.data, part.size) != NULL;
}

/* Whether word is one of the words of text between white space. */
static bool
has_word(struct rc_bytes text, struct rc_bytes word, bool ignore_case)
{
    for (size_t i = 0; i < text.size;) {
        size_t end = i;
        while (end < text.size && !rc_css_is_space(text.data[end]))
            end++;
        if (equal((struct rc_bytes){text.data + i, end - i}, word, ignore_case))
            return true;
        i = end + 1;
    }
    return false;
}

static bool
value_passes(const struct rc_css_test *test, struct rc_bytes value, struct rc_css_scratch *scratch)
{
    const struct rc_bytes part = test->value;
    switch (test->operator) {
    case RC_CSS_IS_SET:
        return true;
    case RC_CSS_EQUALS:
        return equal(value, part, test->ignore_case);
    case RC_CSS_STARTS:
        return part.size > 0 && value.size >= part.size &&
               equal_bytes(value.data, part.data, part.size, test->ignore_case);
    case RC_CSS_ENDS:
        return part.size > 0 && value.size >= part.size &&
               equal_bytes(value.data + value.size - part.size, part.data, part.size,
                           test->ignore_case);
    case RC_CSS_CONTAINS:
        return part.size > 0 && contains(value, part, test->ignore_case, scratch);
    case RC_CSS_WORD:
        return part.size > 0 && has_word(value, part, test->ignore_case);
    }
    return false;
}

/* Tests of an id or of a class: those that it passes. */
static void
pass_name(const struct rc_css_selector *selector,
          enum rc_css_test_kind kind,
          struct rc_bytes name,
          uint64_t *passed)
{
    uint16_t i = selector->buckets[rc_css_bucket(kind, name)];
    for (; i != RC_CSS_NO_TEST; i = selector->tests[i].next) {
        const struct rc_css_test *test = &selector->tests[i];
        if (test->kind == kind && rc_bytes_equal(test->name, name))
            passed[i / 64] |= (uint64_t)1 << (i % 64);
    }
}

static void
pass_id(const struct rc_css_selector *selector, struct rc_bytes id, struct element *element)
{
    if (!element->has_id)
        pass_name(selector, RC_CSS_ID, id, element->passed);
    element->has_id = true;
}

/* Tests of an attribute; its name is in lower case. */
static void
pass_attribute(const struct rc_css_selector *selector,
               struct rc_bytes name,
               struct rc_bytes value,
               struct element *element,
               struct rc_css_scratch *scratch)
{
    uint16_t i = selector->buckets[rc_css_bucket(RC_CSS_ATTRIBUTE, name)];
    for (; i != RC_CSS_NO_TEST; i = selector->tests[i].next) {
        const struct rc_css_test *test = &selector->tests[i];
        const uint64_t bit = (uint64_t)1 << (i % 64);
        if (test->kind != RC_CSS_ATTRIBUTE || (element->decided[i / 64] & bit) != 0 ||
            !rc_bytes_equal(test->name, name))
            continue;
        element->decided[i / 64] |= bit;
        if (value_passes(test, value, scratch))
            element->passed[i / 64] |= bit;
    }
}

static void
add_class(const struct rc_css_selector *selector,
          struct rc_bytes name,
          struct element *element,
          struct rc_css_scratch *scratch)
{
    pass_name(selector, RC_CSS_CLASS, name, element->classed);
    if (!selector->reads_classes)
        return;
    rc_write_raw(&scratch->classes, " ", scratch->classes.size > 0);
    rc_write_raw(&scratch->classes, name.data, name.size);
}

static void
add_attribute(const struct rc_css_selector *selector,
              const struct rc_element_part *part,
              struct element *element,
              struct rc_css_scratch *scratch)
{
    char lower[RC_PATTERN_BYTES_MAX];
    const struct rc_bytes name = {lower, part->name.size};
    if (name.size > sizeof(lower))
        return; /* No test has a name of that size. */
    for (size_t i = 0; i < name.size; i++)
        lower[i] = rc_css_lower(part->name.data[i]);
    pass_attribute(selector, name, part->value, element, scratch);
    if (rc_bytes_equal(name, RC_BYTES_LITERAL("id")))
        pass_id(selector, part->value, element);
    if (!rc_bytes_equal(name, RC_BYTES_LITERAL("class")) || element->has_class_attribute)
        return;
    element->has_class_attribute = true;
    for (size_t i = 0; i < part->value.size;) {
        size_t end = i;
        while (end < part->value.size && !rc_css_is_space(part->value.data[end]))
            end++;
        if (end > i)
            pass_name(selector, RC_CSS_CLASS, (struct rc_bytes){part->value.data + i, end - i},
                      element->passed);
        i = end + 1;
    }
}

static void
add_part(const struct rc_css_selector *selector,
         const struct rc_element_part *part,
         struct element *element,
         struct rc_css_scratch *scratch)
{
    switch (part->kind) {
    case RC_ELEMENT_TAG:
        for (uint32_t i = 0; i < selector->compound_count; i++) {
            if (equal(selector->compounds[i].tag, part->name, true))
                element->tagged |= (uint64_t)1 << i;
        }
        break;
    case RC_ELEMENT_ID:
        pass_id(selector, part->name, element);
        pass_attribute(selector, RC_BYTES_LITERAL("id"), part->name, element, scratch);
        break;
    case RC_ELEMENT_CLASS:
        add_class(selector, part->name, element, scratch);
        break;
    case RC_ELEMENT_ATTRIBUTE:
        add_attribute(selector, part, element, scratch);
        break;
    default:
        break;
    }
}

/* Reads one element. false: there is none, or it is broken. */
static bool
read_element(const struct rc_css_selector *selector,
             struct rc_element_reader *reader,
             struct element *element,
             struct rc_css_scratch *scratch)
{
    element->tagged = selector->any_tag;
    memset(element->passed, 0, sizeof(element->passed));
    memset(element->decided, 0, sizeof(element->decided));
    memset(element->classed, 0, sizeof(element->classed));
    element->has_id = false;
    element->has_class_attribute = false;
    scratch->classes.size = 0;
    for (;;) {
        const struct rc_element_part part = rc_element_next(reader, &scratch->text);
        if (part.kind == RC_ELEMENT_BROKEN)
            return false;
        if (part.kind == RC_ELEMENT_END)
            break;
        add_part(selector, &part, element, scratch);
    }
    for (uint32_t i = 0; !element->has_class_attribute && i < RC_CSS_TESTS_MAX / 64; i++)
        element->passed[i] |= element->classed[i];
    if (scratch->classes.size > 0 && !element->has_class_attribute && !scratch->classes.failed)
        pass_attribute(
            selector, RC_BYTES_LITERAL("class"),
            (struct rc_bytes){(const char *)scratch->classes.data, scratch->classes.size}, element,
            scratch);
    return true;
}

static bool
tests_pass(const struct rc_css_compound *compound, const struct element *element)
{
    for (uint32_t i = compound->test_first; i < compound->test_first + compound->test_count; i++) {
        if ((element->passed[i / 64] >> (i % 64) & 1) == 0)
            return false;
    }
    return true;
}

bool
rc_css_selector_match(const struct rc_css_selector *selector,
                      struct rc_bytes chain,
                      struct rc_css_scratch *scratch)
{
    struct rc_element_reader reader = rc_element_reader_of(chain);
    struct element element;
    uint64_t here = selector->last;
    uint64_t above = 0;
    while ((here | above) != 0 && read_element(selector, &reader, &element, scratch)) {
        uint64_t matched = 0;
        for (uint64_t left = (here | above) & element.tagged; left != 0; left &= left - 1) {
            const unsigned i = (unsigned)__builtin_ctzll(left);
            if (tests_pass(&selector->compounds[i], &element))
                matched |= (uint64_t)1 << i;
        }
        if ((matched & selector->first) != 0)
            return !rc_css_scratch_failed(scratch);
        here = (matched & selector->child) >> 1;
        above |= (matched & selector->descendant) >> 1;
    }
    return false;
}
