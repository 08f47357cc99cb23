/*
 * Elements are added from the leaf up until a drawn length is reached; the root is always
 * ";body;html" or ";body.<page>;html". An element that would pass the limit is taken back.
 */
#include "cli/generate/generate_chain.h"

#include <string.h>

#include "cli/generate/generate_text.h"
#include "cli/generate/generate_words.h"
#include "engine/base/assert.h"

#define ROOT_BYTES_MAX 20 /* ";body." and a word of up to 8, ";html" */

static const char *const click_tags[] = {"a", "button", "a", "button", "li", "span", "img", "div"};
static const char *const change_tags[] = {"input", "select", "input", "textarea"};
static const char *const submit_tags[] = {"form"};
static const char *const parent_tags[] = {"div",  "div",     "div",    "section", "ul",    "nav",
                                          "main", "article", "header", "footer",  "aside", "td"};
static const char *const attributes[] = {"data-role", "name",       "type",
                                         "data-test", "aria-label", "href"};

#define PICK(array, random) ((array)[rc_random_below((random), sizeof(array) / sizeof(*(array)))])

static const char *
leaf_tag(struct rc_random *random, enum rc_event_type type)
{
    if (type == RC_EVENT_CHANGE)
        return PICK(change_tags, random);
    return type == RC_EVENT_SUBMIT ? PICK(submit_tags, random) : PICK(click_tags, random);
}

static char *
class_write(char *at, struct rc_random *random)
{
    *at++ = '.';
    at = rc_word_common(at, random, false);
    if (rc_random_below(random, 2) == 0) {
        *at++ = rc_random_below(random, 3) == 0 ? '_' : '-';
        at = rc_word_common(at, random, false);
    }
    return at;
}

/* At most 112 bytes: tag 8, id 25, two classes 54, attribute 35 (never with both an id and two). */
static char *
element_write(char *at, struct rc_random *random, const char *tag, bool is_leaf)
{
    at = rc_text_bytes(at, rc_bytes_of(tag));
    const bool with_id = rc_random_below(random, is_leaf ? 4 : 5) == 0;
    if (with_id) {
        *at++ = '#';
        at = rc_word_common(at, random, false);
        *at++ = '-';
        at = rc_word_common(at, random, false);
    }
    at = class_write(at, random);
    if (!with_id && rc_random_below(random, 3) == 0)
        at = class_write(at, random);
    if (is_leaf && rc_random_below(random, 2) == 0) {
        *at++ = '[';
        at = rc_text_bytes(at, rc_bytes_of(PICK(attributes, random)));
        at = RC_TEXT_LITERAL(at, "=\"");
        at = rc_word_common(at, random, false);
        at = RC_TEXT_LITERAL(at, "\"]");
    }
    if (rc_random_below(random, is_leaf ? 2 : 6) == 0) {
        at = RC_TEXT_LITERAL(at, ":nth-child(");
        at = rc_text_u64(at, rc_random_between(random, 1, 12));
        *at++ = ')';
    }
    return at;
}

char *
rc_chain_write(char *at,
               struct rc_random *random,
               enum rc_event_type type,
               const char **ret_leaf_tag)
{
    char *const begin = at;
    /* The smaller of two draws: short chains are more frequent, as on real pages. */
    const size_t draws[2] = {rc_random_between(random, RC_CHAIN_BYTES_MIN, 196),
                             rc_random_between(random, RC_CHAIN_BYTES_MIN, 196)};
    const size_t wanted = draws[0] < draws[1] ? draws[0] : draws[1];
    const char *tag = leaf_tag(random, type);
    at = element_write(at, random, tag, true);
    while ((size_t)(at - begin) + ROOT_BYTES_MAX < wanted) {
        char *const before = at;
        *at++ = ';';
        at = element_write(at, random, PICK(parent_tags, random), false);
        if (at - begin > RC_CHAIN_BYTES_MAX - ROOT_BYTES_MAX) {
            at = before;
            break;
        }
    }
    at = RC_TEXT_LITERAL(at, ";body");
    if (rc_random_below(random, 2) == 0) {
        *at++ = '.';
        at = rc_word_common(at, random, false);
    }
    while (at - begin < RC_CHAIN_BYTES_MIN - 5)
        at = class_write(at, random);
    at = RC_TEXT_LITERAL(at, ";html");
    RC_ASSERT(at - begin >= RC_CHAIN_BYTES_MIN && at - begin <= RC_CHAIN_BYTES_MAX);
    *ret_leaf_tag = tag;
    return at;
}
