/*
 * Explain, predicates. Written piece by piece into a buffer of fixed size; what does not fit is cut
 * before the first byte of a character, so that the text stays UTF-8.
 */
#include "engine/query/plan/explain_predicate.h"

#include <stdio.h>
#include <string.h>

/* A string is shown up to here, a set up to so many values, a tree down to so many levels. */
#define STRING_BYTES 40u
#define VALUES_SHOWN 4u
#define DEPTH_SHOWN 6u

struct shown {
    char *out;
    size_t size;
    bool cut;
};

static void
put(struct shown *shown, const char *text, size_t size)
{
    static const char dots[] = "...";
    const size_t room = RC_EXPLAIN_PREDICATE_BYTES - sizeof(dots) - shown->size;
    if (shown->cut)
        return;
    if (size <= room) {
        memcpy(shown->out + shown->size, text, size);
        shown->size += size;
        return;
    }
    size = room;
    while (size > 0 && ((unsigned char)text[size] & 0xC0) == 0x80)
        size--;
    memcpy(shown->out + shown->size, text, size);
    memcpy(shown->out + shown->size + size, dots, sizeof(dots) - 1);
    shown->size += size + sizeof(dots) - 1;
    shown->cut = true;
}

static void
put_text(struct shown *shown, const char *text)
{
    put(shown, text, strlen(text));
}

static void
put_string(struct shown *shown, struct rc_bytes string)
{
    size_t size = string.size;
    if (size > STRING_BYTES) {
        size = STRING_BYTES;
        while (size > 0 && ((unsigned char)string.data[size] & 0xC0) == 0x80)
            size--;
    }
    put_text(shown, "\"");
    put(shown, string.data, size);
    put_text(shown, size < string.size ? "...\"" : "\"");
}

static void
put_value(struct shown *shown, const struct rc_value *value)
{
    char text[32];
    switch (value->kind) {
    case RC_VALUE_NULL:
        put_text(shown, "null");
        return;
    case RC_VALUE_BOOL:
        put_text(shown, value->boolean ? "true" : "false");
        return;
    case RC_VALUE_INT:
    case RC_VALUE_DOUBLE:
        put(shown, text, rc_number_text(*value, text));
        return;
    case RC_VALUE_STRING:
        put_string(shown, value->string);
        return;
    case RC_VALUE_LIST:
        put_text(shown, "[...]");
        return;
    }
}

static void
put_leaf(struct shown *shown, const struct rc_leaf *leaf)
{
    static const char *const words[] = {
        [RC_LEAF_IN] = " in ",
        [RC_LEAF_LESS] = " < ",
        [RC_LEAF_LESS_EQUAL] = " <= ",
        [RC_LEAF_GREATER] = " > ",
        [RC_LEAF_GREATER_EQUAL] = " >= ",
        [RC_LEAF_BETWEEN] = " between ",
        [RC_LEAF_IS_SET] = " is set",
        [RC_LEAF_CONTAINS] = " contains ",
        [RC_LEAF_STARTS_WITH] = " starts with ",
        [RC_LEAF_ENDS_WITH] = " ends with ",
        [RC_LEAF_LIKE] = " like ",
        [RC_LEAF_REGEX] = " matches ",
    };
    const bool equals = leaf->operator== RC_LEAF_IN && leaf->value_count == 1;
    if (leaf->scope == RC_LEAF_USER)
        put_text(shown, "user.");
    if (rc_leaf_scope_is_id(leaf->scope))
        put_text(shown, leaf->scope == RC_LEAF_EVENT_ID ? "event id" : "user id");
    put(shown, leaf->property.data, leaf->property.size);
    const size_t known = sizeof(words) / sizeof(words[0]);
    const char *word = (size_t)leaf->operator<known ? words[leaf->operator] : NULL;
    put_text(shown, equals ? " = " : word != NULL ? word : " ? ");
    const bool listed = leaf->operator== RC_LEAF_IN && !equals;
    put_text(shown, listed ? "(" : "");
    for (uint32_t i = 0; i < leaf->value_count && i < VALUES_SHOWN; i++) {
        put_text(shown, i == 0 ? "" : leaf->operator== RC_LEAF_BETWEEN ? " and " : ", ");
        put_value(shown, &leaf->values[i]);
    }
    put_text(shown, leaf->value_count > VALUES_SHOWN ? ", ..." : "");
    put_text(shown, listed ? ")" : "");
    put_text(shown, leaf->ignore_case ? " in any case" : "");
}

static void
put_tree(struct shown *shown, const struct rc_predicate *predicate, uint32_t depth)
{
    if (depth > DEPTH_SHOWN) {
        put_text(shown, "...");
        return;
    }
    const bool all_of = predicate->kind == RC_PREDICATE_ALL_OF;
    switch (predicate->kind) {
    case RC_PREDICATE_TRUE:
        put_text(shown, "any event");
        return;
    case RC_PREDICATE_LEAF:
        put_leaf(shown, &predicate->leaf);
        return;
    case RC_PREDICATE_DEFINITION:
        put(shown, predicate->definition.data, predicate->definition.size);
        return;
    case RC_PREDICATE_NOT:
        put_text(shown, "not ");
        break;
    case RC_PREDICATE_FIRST:
        put_text(shown, "first of ");
        break;
    case RC_PREDICATE_ALL_OF:
    case RC_PREDICATE_ANY_OF:
        break;
    }
    put_text(shown, predicate->child_count == 0 ? (all_of ? "any event" : "no event") : "(");
    for (uint32_t i = 0; i < predicate->child_count && !shown->cut; i++) {
        put_text(shown, i == 0 ? "" : all_of ? " and " : " or ");
        put_tree(shown, predicate->children[i], depth + 1);
    }
    put_text(shown, predicate->child_count == 0 ? "" : ")");
}

const char *
rc_explain_predicate(const struct rc_predicate *predicate, char out[RC_EXPLAIN_PREDICATE_BYTES])
{
    struct shown shown = {.out = out};
    put_tree(&shown, predicate, 0);
    out[shown.size] = '\0';
    return out;
}
