/*
 * CSS selector: the parser, a descent over bytes. Tokens of CSS that the subset has no use for
 * (numbers, functions, at-words) begin with a byte that no rule here takes, so they need no names;
 * only "-->", which CSS reads as one token, could be taken for a name and is refused by itself.
 *
 * What CSS repairs at the end of a text (an open string, bracket or comment) is refused: whoever
 * writes a definition wants to know.
 *
 * Strings are kept in one writer while it grows, as places in it, and copied to the arena at the
 * end.
 */
#include "engine/match/css/css_selector.h"

#include "engine/match/css/css_selector_form.h"
#include "engine/match/css/css_syntax.h"

struct parser {
    struct rc_bytes text;
    size_t at;
    struct rc_arena *arena;
    struct rc_css_selector *selector;
    struct rc_writer scratch;
    struct rc_error *reterr_error;
};

/* ---- Bytes ----------------------------------------------------------------------------------- */

/* The byte at the place, or NUL at the end. */
static char
peek(const struct parser *parser)
{
    return parser->at < parser->text.size ? parser->text.data[parser->at] : '\0';
}

/* The number of the character at a place, from 1. */
static unsigned
character_at(const struct parser *parser, size_t at)
{
    unsigned number = 1;
    for (size_t i = 0; i < at; i++)
        number += ((unsigned char)parser->text.data[i] & 0xc0) != 0x80;
    return number;
}

#define FAIL(parser, status, format, ...)                                      \
    rc_error_set((parser)->reterr_error, (status), "at character %u: " format, \
                 character_at((parser), (parser)->at) __VA_OPT__(, ) __VA_ARGS__)

/* Takes the byte if it is next. */
static bool
take(struct parser *parser, char c)
{
    if (peek(parser) != c || c == '\0')
        return false;
    parser->at++;
    return true;
}

static enum rc_status
skip_comment(struct parser *parser, bool *ret_skipped)
{
    const size_t left = parser->text.size - parser->at;
    *ret_skipped = false;
    if (left < 2 || memcmp(parser->text.data + parser->at, "/*", 2) != 0)
        return RC_OK;
    const char *end = memmem(parser->text.data + parser->at + 2, left - 2, "*/", 2);
    if (end == NULL)
        return FAIL(parser, RC_INVALID, "the comment has no end");
    parser->at = (size_t)(end + 2 - parser->text.data);
    *ret_skipped = true;
    return RC_OK;
}

/* Skips white space and comments; *ret_space says whether there was white space. */
static enum rc_status
skip(struct parser *parser, bool *ret_space)
{
    bool space = false;
    bool comment = true;
    while (comment) {
        while (parser->at < parser->text.size && rc_css_is_space(peek(parser))) {
            parser->at++;
            space = true;
        }
        RC_TRY(skip_comment(parser, &comment));
    }
    if (ret_space != NULL)
        *ret_space = space;
    return RC_OK;
}

/* Copies what the scratch writer holds to the arena. */
static enum rc_status
keep(struct parser *parser, bool lower, struct rc_bytes *ret_text)
{
    const size_t size = parser->scratch.size;
    char *copy = parser->scratch.failed
                     ? NULL
                     : rc_arena_string(parser->arena, (const char *)parser->scratch.data, size);
    if (copy == NULL)
        return rc_error_set(parser->reterr_error, RC_NO_MEMORY, "%s",
                            rc_status_sentence(RC_NO_MEMORY));
    for (size_t i = 0; lower && i < size; i++)
        copy[i] = rc_css_lower(copy[i]);
    *ret_text = (struct rc_bytes){copy, size};
    return RC_OK;
}

/* Reads a name, of which what is said in the refusal. */
static enum rc_status
read_name(struct parser *parser, const char *what, bool lower, struct rc_bytes *ret_name)
{
    if (!rc_css_at_name(parser->text, parser->at))
        return FAIL(parser, RC_INVALID, "%s is expected%s", what,
                    peek(parser) >= '0' && peek(parser) <= '9'
                        ? "; one that begins with a digit is written with an escape, as in \\31 2"
                        : "");
    parser->scratch.size = 0;
    parser->at = rc_css_read_name(parser->text, parser->at, &parser->scratch);
    return keep(parser, lower, ret_name);
}

static enum rc_status
read_string(struct parser *parser, char quote, struct rc_bytes *ret_text)
{
    const size_t begin = parser->at - 1;
    parser->scratch.size = 0;
    while (!take(parser, quote)) {
        const char c = peek(parser);
        if (c == '\0' || rc_css_is_newline(c)) {
            parser->at = begin;
            return FAIL(parser, RC_INVALID, "the text in quotes has no end");
        }
        if (rc_css_at_escape(parser->text, parser->at)) {
            parser->at = rc_css_read_escape(parser->text, parser->at, &parser->scratch);
            continue;
        }
        parser->at++;
        if (c != '\\') {
            rc_write_u8(&parser->scratch, (uint8_t)c);
        } else if (!take(parser, '\r') || peek(parser) == '\n') {
            parser->at += peek(parser) != '\0'; /* An escaped newline is left out. */
        }
    }
    return keep(parser, false, ret_text);
}

/* ---- Compounds ------------------------------------------------------------------------------- */

static enum rc_status
add_test(struct parser *parser, struct rc_css_test test, size_t begin)
{
    struct rc_css_selector *selector = parser->selector;
    if (selector->test_count == RC_CSS_TESTS_MAX) {
        parser->at = begin;
        return FAIL(parser, RC_LIMIT_EXCEEDED, "the selector has more than %u tests",
                    RC_CSS_TESTS_MAX);
    }
    selector->tests[selector->test_count++] = test;
    selector->compounds[selector->compound_count].test_count++;
    return RC_OK;
}

/* Behind the name of an attribute: the operator, or the end of the brackets. */
static enum rc_status
read_operator(struct parser *parser, enum rc_css_operator *ret_operator)
{
    static const char signs[] = "^$*~";
    static const enum rc_css_operator operators[] = {RC_CSS_STARTS, RC_CSS_ENDS, RC_CSS_CONTAINS,
                                                     RC_CSS_WORD};
    *ret_operator = RC_CSS_EQUALS;
    if (take(parser, '='))
        return RC_OK;
    const char *sign = peek(parser) == '\0' ? NULL : strchr(signs, peek(parser));
    if (sign != NULL && parser->at + 1 < parser->text.size &&
        parser->text.data[parser->at + 1] == '=') {
        *ret_operator = operators[sign - signs];
        parser->at += 2;
        return RC_OK;
    }
    if (peek(parser) == '|')
        return FAIL(parser, RC_INVALID,
                    "namespaces and |= are not supported; = ^= $= *= and ~= are");
    return FAIL(parser, RC_INVALID, "\"]\" or one of = ^= $= *= ~= is expected");
}

/* Behind the value: a flag, if there is one. */
static enum rc_status
read_flag(struct parser *parser, struct rc_css_test *test)
{
    RC_TRY(skip(parser, NULL));
    const size_t at = parser->at;
    if (!rc_css_at_name(parser->text, at))
        return RC_OK;
    struct rc_bytes flag;
    RC_TRY(read_name(parser, "a flag", true, &flag));
    test->ignore_case = rc_bytes_equal(flag, RC_BYTES_LITERAL("i"));
    if (test->ignore_case) {
        parser->scratch.size = 0;
        rc_write_raw(&parser->scratch, test->value.data, test->value.size);
        RC_TRY(keep(parser, true, &test->value));
    }
    if (test->ignore_case || rc_bytes_equal(flag, RC_BYTES_LITERAL("s")))
        return skip(parser, NULL);
    parser->at = at;
    return FAIL(parser, RC_INVALID, "the flags of an attribute are i and s");
}

/* Behind a "[" that began at begin. */
static enum rc_status
read_attribute(struct parser *parser, size_t begin)
{
    struct rc_css_test test = {.kind = RC_CSS_ATTRIBUTE, .operator= RC_CSS_IS_SET };
    RC_TRY(skip(parser, NULL));
    RC_TRY(read_name(parser, "the name of an attribute", true, &test.name));
    RC_TRY(skip(parser, NULL));
    if (!take(parser, ']')) {
        RC_TRY(read_operator(parser, &test.operator));
        RC_TRY(skip(parser, NULL));
        const char quote = peek(parser);
        if (take(parser, '"') || take(parser, '\''))
            RC_TRY(read_string(parser, quote, &test.value));
        else
            RC_TRY(read_name(parser, "a name or a text in quotes", false, &test.value));
        RC_TRY(read_flag(parser, &test));
        if (!take(parser, ']'))
            return FAIL(parser, RC_INVALID, "\"]\" is expected");
    }
    parser->selector->reads_classes |= rc_bytes_equal(test.name, RC_BYTES_LITERAL("class"));
    return add_test(parser, test, begin);
}

/* One more test of the compound; *ret_read is false where none begins. */
static enum rc_status
read_test(struct parser *parser, bool *ret_read)
{
    const size_t begin = parser->at;
    struct rc_css_test test = {0};
    *ret_read = true;
    if (take(parser, '[')) {
        return read_attribute(parser, begin);
    } else if (take(parser, '#')) {
        test.kind = RC_CSS_ID;
        RC_TRY(read_name(parser, "an id", false, &test.name));
    } else if (take(parser, '.')) {
        test.kind = RC_CSS_CLASS;
        RC_TRY(read_name(parser, "a class", false, &test.name));
    } else {
        *ret_read = false;
        return skip_comment(parser, ret_read);
    }
    return add_test(parser, test, begin);
}

/* Says what begins at the place instead of a compound. */
static enum rc_status
refuse(struct parser *parser, bool behind_compound)
{
    const char c = peek(parser);
    const struct rc_bytes text = parser->text;
    if (c == '\0')
        return FAIL(parser, RC_INVALID, "the selector ends where a tag, *, #, . or [ is expected");
    if (c == ':')
        return FAIL(parser, RC_INVALID, "pseudo-classes and pseudo-elements are not supported");
    if (c == '+' || c == '~')
        return FAIL(parser, RC_INVALID, "siblings are not supported: a chain holds ancestors");
    if (c == '|')
        return FAIL(parser, RC_INVALID, "namespaces and columns are not supported");
    if (c == '\\')
        return FAIL(parser, RC_INVALID, "the backslash escapes nothing");
    if (behind_compound && (c == '*' || rc_css_at_name(text, parser->at)))
        return FAIL(parser, RC_INVALID, "a tag or * stands first in its compound");
    return FAIL(parser, RC_INVALID, "a tag, *, #, . or [ is expected");
}

static enum rc_status
read_compound(struct parser *parser)
{
    struct rc_css_selector *selector = parser->selector;
    const size_t begin = parser->at;
    if (selector->compound_count == RC_CSS_COMPOUNDS_MAX)
        return FAIL(parser, RC_LIMIT_EXCEEDED, "the selector has more than %u compounds",
                    RC_CSS_COMPOUNDS_MAX);
    struct rc_css_compound *compound = &selector->compounds[selector->compound_count];
    *compound = (struct rc_css_compound){.test_first = selector->test_count};
    const bool is_arrow =
        parser->text.size - begin >= 3 && memcmp(parser->text.data + begin, "-->", 3) == 0;
    bool any = take(parser, '*');
    if (!any && !is_arrow && rc_css_at_name(parser->text, begin)) {
        RC_TRY(read_name(parser, "a tag", true, &compound->tag));
        any = true;
    }
    for (bool more = true; more;)
        RC_TRY(read_test(parser, &more));
    if (!any && compound->test_count == 0)
        return refuse(parser, false);
    if (compound->tag.size == 0)
        selector->any_tag |= (uint64_t)1 << selector->compound_count;
    selector->compound_count++;
    return RC_OK;
}

/* ---- Combinators ----------------------------------------------------------------------------- */

/* One alternative: up to the end or a comma. */
static enum rc_status
read_alternative(struct parser *parser)
{
    struct rc_css_selector *selector = parser->selector;
    RC_TRY(skip(parser, NULL));
    selector->first |= (uint64_t)1 << (selector->compound_count % 64);
    for (;;) {
        RC_TRY(read_compound(parser));
        const uint64_t next = (uint64_t)1 << (selector->compound_count % 64);
        bool space = false;
        RC_TRY(skip(parser, &space));
        if (parser->at == parser->text.size || peek(parser) == ',')
            break;
        if (take(parser, '>')) {
            RC_TRY(skip(parser, NULL));
            selector->child |= next;
        } else if (space && peek(parser) != '+' && peek(parser) != '~' && peek(parser) != '|') {
            selector->descendant |= next;
        } else {
            return refuse(parser, true);
        }
    }
    selector->last |= (uint64_t)1 << (selector->compound_count - 1);
    return RC_OK;
}

static void
index_tests(struct rc_css_selector *selector)
{
    for (uint32_t i = 0; i < RC_CSS_BUCKETS; i++)
        selector->buckets[i] = RC_CSS_NO_TEST;
    for (uint32_t i = selector->test_count; i-- > 0;) {
        struct rc_css_test *test = &selector->tests[i];
        uint16_t *bucket = &selector->buckets[rc_css_bucket(test->kind, test->name)];
        test->next = *bucket;
        *bucket = (uint16_t)i;
    }
}

static enum rc_status
parse(struct parser *parser)
{
    do {
        RC_TRY(read_alternative(parser));
    } while (take(parser, ','));
    index_tests(parser->selector);
    return RC_OK;
}

enum rc_status
rc_css_selector_compile(struct rc_bytes text,
                        struct rc_arena *arena,
                        const struct rc_css_selector **ret_selector,
                        struct rc_error *reterr_error)
{
    struct parser parser = {.text = text, .arena = arena, .reterr_error = reterr_error};
    parser.selector = rc_arena_zero(arena, sizeof(*parser.selector));
    if (parser.selector == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "%s", rc_status_sentence(RC_NO_MEMORY));
    const enum rc_status status = parse(&parser);
    rc_writer_close(&parser.scratch);
    if (status == RC_OK)
        *ret_selector = parser.selector;
    return status;
}
