/*
 * Match rig, the twin: each rule of the leaves written out for one pair of values, with no code of
 * the engine but for reading numbers out of texts. Patterns are the recursive textbook matcher;
 * expressions are POSIX ones, of a form that means the same in both.
 */
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/match/match_rig.h"

static bool
as_number(struct rc_value value, struct rc_value *ret_number)
{
    if (value.kind == RC_VALUE_INT || value.kind == RC_VALUE_DOUBLE) {
        *ret_number = value;
        return true;
    }
    return value.kind == RC_VALUE_STRING && rc_value_of_numeric_text(value.string, ret_number);
}

/* -1, 0, 1, or 2: the two do not compare. */
static int
compare(struct rc_value a, struct rc_value b)
{
    struct rc_value x;
    struct rc_value y;
    const bool a_is_number = as_number(a, &x);
    const bool b_is_number = as_number(b, &y);
    int order;
    if (a_is_number && b_is_number)
        order = rc_number_compare(x, y);
    else if (a_is_number || b_is_number || a.kind != RC_VALUE_STRING || b.kind != RC_VALUE_STRING)
        return 2;
    else
        order = rc_bytes_compare(a.string, b.string);
    return order < 0 ? -1 : order > 0;
}

static bool
equal(struct rc_value value, struct rc_value operand, bool ignore_case)
{
    struct rc_value number;
    if (value.kind == RC_VALUE_BOOL || operand.kind == RC_VALUE_BOOL)
        return value.kind == operand.kind && value.boolean == operand.boolean;
    if (compare(value, operand) == 0)
        return true;
    return ignore_case && !as_number(value, &number) && !as_number(operand, &number) &&
           value.string.size == operand.string.size &&
           strncasecmp(value.string.data, operand.string.data, value.string.size) == 0;
}

static bool
like(const char *pattern, const char *text)
{
    if (*pattern == '\0')
        return *text == '\0';
    if (*pattern == '%')
        return like(pattern + 1, text) || (*text != '\0' && like(pattern, text + 1));
    if (*text == '\0')
        return false;
    if (*pattern == '_') {
        do
            text++;
        while (((unsigned char)*text & 0xc0) == 0x80); /* The rest of a character. */
        return like(pattern + 1, text);
    }
    if (*pattern == '\\')
        pattern++;
    return *pattern == *text && like(pattern + 1, text + 1);
}

static void
to_lower(char *text)
{
    for (; *text != '\0'; text++) {
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text + 32);
    }
}

static bool
text_test(const struct rc_leaf *leaf, struct rc_value value)
{
    char text[256];
    char operand[256];
    if (value.kind == RC_VALUE_STRING) {
        memcpy(text, value.string.data, value.string.size);
        text[value.string.size] = '\0';
    } else if (value.kind == RC_VALUE_INT || value.kind == RC_VALUE_DOUBLE) {
        text[rc_number_text(value, text)] = '\0';
    } else {
        return false;
    }
    const struct rc_bytes bytes = leaf->values[0].string;
    memcpy(operand, bytes.data, bytes.size);
    operand[bytes.size] = '\0';
    if (leaf->operator== RC_LEAF_REGEX) {
        regex_t regex;
        if (regcomp(&regex, operand,
                    REG_EXTENDED | REG_NOSUB | (leaf->ignore_case ? REG_ICASE : 0)))
            abort();
        const bool found = regexec(&regex, text, 0, NULL, 0) == 0;
        regfree(&regex);
        return found;
    }
    if (leaf->ignore_case) {
        to_lower(text);
        to_lower(operand);
    }
    const size_t text_size = strlen(text);
    const size_t size = strlen(operand);
    switch (leaf->operator) {
    case RC_LEAF_CONTAINS:
        return strstr(text, operand) != NULL;
    case RC_LEAF_STARTS_WITH:
        return strncmp(text, operand, size) == 0;
    case RC_LEAF_ENDS_WITH:
        return text_size >= size && strcmp(text + text_size - size, operand) == 0;
    default:
        return like(operand, text);
    }
}

static bool
single(const struct rc_leaf *leaf, struct rc_value value)
{
    switch (leaf->operator) {
    case RC_LEAF_IS_SET:
        return true;
    case RC_LEAF_IN:
        for (uint32_t i = 0; i < leaf->value_count; i++) {
            if (equal(value, leaf->values[i], leaf->ignore_case))
                return true;
        }
        return false;
    case RC_LEAF_LESS:
        return compare(value, leaf->values[0]) == -1;
    case RC_LEAF_LESS_EQUAL:
        return compare(value, leaf->values[0]) <= 0;
    case RC_LEAF_GREATER:
        return compare(value, leaf->values[0]) == 1;
    case RC_LEAF_GREATER_EQUAL:
        return compare(value, leaf->values[0]) == 0 || compare(value, leaf->values[0]) == 1;
    case RC_LEAF_BETWEEN:
        return (compare(value, leaf->values[0]) == 0 || compare(value, leaf->values[0]) == 1) &&
               compare(value, leaf->values[1]) <= 0;
    default:
        return text_test(leaf, value);
    }
}

bool
rig_leaf(const struct rc_leaf *leaf, struct rc_value value)
{
    if (value.kind == RC_VALUE_NULL)
        return false;
    if (value.kind != RC_VALUE_LIST)
        return single(leaf, value);
    for (uint32_t i = 0; i < value.item_count; i++) {
        if (single(leaf, rc_value_string(value.items[i])))
            return true;
    }
    return false;
}

bool
rig_tree(const struct rc_predicate *predicate,
         const struct rc_value event[RIG_PROPERTIES],
         const struct rc_value user[RIG_PROPERTIES])
{
    switch (predicate->kind) {
    case RC_PREDICATE_TRUE:
        return true;
    case RC_PREDICATE_ALL_OF:
    case RC_PREDICATE_ANY_OF: {
        const bool all_of = predicate->kind == RC_PREDICATE_ALL_OF;
        for (uint32_t i = 0; i < predicate->child_count; i++) {
            if (rig_tree(predicate->children[i], event, user) != all_of)
                return !all_of;
        }
        return all_of;
    }
    case RC_PREDICATE_NOT:
        return !rig_tree(predicate->children[0], event, user);
    case RC_PREDICATE_LEAF: {
        const struct rc_leaf *leaf = &predicate->leaf;
        const int property = leaf->property.data[1] - '0';
        if (property < 0 || property >= RIG_PROPERTIES) /* One that nothing carries. */
            return false;
        return rig_leaf(leaf, leaf->scope == RC_LEAF_EVENT ? event[property] : user[property]);
    }
    default:
        abort();
    }
}
