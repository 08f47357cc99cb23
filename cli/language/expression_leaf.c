/*
 * Expression leaf: a property and its test.
 *
 * The tests with an operator word take "not" before the word, the symbols have negative twins; both
 * set negated. != is the negation of =, so that a property that is not set passes it.
 */
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "cli/language/expression_parser.h"
#include "cli/session/message.h"

bool
rc_expression_account(struct rc_arena *arena, const char *names, Recount__V1__PropertyRef *property)
{
    const char *dot = strchr(names, '.');
    if (dot == NULL || dot == names || dot[1] == '\0')
        return false;
    Recount__V1__AccountProperty *account =
        RC_MESSAGE(arena, Recount__V1__AccountProperty, recount__v1__account_property);
    account->account_key = rc_need(rc_arena_string(arena, names, (size_t)(dot - names)));
    account->name = rc_text_copy(arena, dot + 1);
    property->source_case = RECOUNT__V1__PROPERTY_REF__SOURCE_ACCOUNT_PROPERTY;
    property->account_property = account;
    return true;
}

/* "account.company.plan": the property that names the account, and that of the account. */
static enum rc_status
parse_account(struct rc_parser *parser,
              const char *names,
              Recount__V1__PropertyRef *property,
              Recount__V1__PropertyRef **ret_property)
{
    if (!rc_expression_account(parser->lexer.arena, names, property))
        return rc_parser_fail(parser, "an account's property is account.KEY.NAME, where KEY is the "
                                      "event property that names the account");
    rc_parser_next(parser);
    *ret_property = property;
    return RC_OK;
}

enum rc_status
rc_parser_property(struct rc_parser *parser, Recount__V1__PropertyRef **ret_property)
{
    struct rc_arena *arena = parser->lexer.arena;
    const struct rc_token token = parser->token;
    if (token.kind != RC_TOKEN_WORD && token.kind != RC_TOKEN_QUOTED_NAME)
        return rc_parser_fail(parser, "expected a property, @name, any, not or \"(\"");
    Recount__V1__PropertyRef *property =
        RC_MESSAGE(arena, Recount__V1__PropertyRef, recount__v1__property_ref);
    const bool plain = token.kind == RC_TOKEN_QUOTED_NAME;
    property->source_case = RECOUNT__V1__PROPERTY_REF__SOURCE_EVENT_PROPERTY;
    property->event_property = (char *)token.text;
    if (!plain && strncmp(token.text, "event.", 6) == 0) {
        property->event_property = (char *)token.text + 6;
    } else if (!plain && strncmp(token.text, "user.", 5) == 0) {
        property->source_case = RECOUNT__V1__PROPERTY_REF__SOURCE_USER_PROPERTY;
        property->user_property = (char *)token.text + 5;
    }
    if (!plain && strncmp(token.text, "account.", 8) == 0)
        return parse_account(parser, token.text + 8, property, ret_property);
    if (*property->event_property == '\0')
        return rc_parser_fail(parser, "the name of the property is empty");
    rc_parser_next(parser);
    *ret_property = property;
    return RC_OK;
}

enum rc_status
rc_parser_value(struct rc_parser *parser, Recount__V1__Value **ret_value)
{
    Recount__V1__Value *value =
        RC_MESSAGE(parser->lexer.arena, Recount__V1__Value, recount__v1__value);
    const struct rc_token token = parser->token;
    if (token.kind == RC_TOKEN_NUMBER) {
        errno = 0;
        char *end = NULL;
        const long long whole = strtoll(token.text, &end, 10);
        if (errno == 0 && *end == '\0') {
            value->kind_case = RECOUNT__V1__VALUE__KIND_INT_VALUE;
            value->int_value = whole;
        } else {
            value->kind_case = RECOUNT__V1__VALUE__KIND_DOUBLE_VALUE;
            RC_TRY(rc_parser_real(parser, &value->double_value));
        }
    } else if (token.kind == RC_TOKEN_TEXT) {
        value->kind_case = RECOUNT__V1__VALUE__KIND_STRING_VALUE;
        value->string_value = (char *)token.text;
    } else if (rc_parser_at(parser, "true") || rc_parser_at(parser, "false")) {
        value->kind_case = RECOUNT__V1__VALUE__KIND_BOOL_VALUE;
        value->bool_value = rc_parser_at(parser, "true");
    } else if (rc_parser_at(parser, "null")) {
        return rc_parser_fail(parser, "nothing compares with null; write \"is not set\"");
    } else if (token.kind == RC_TOKEN_WORD) {
        value->kind_case = RECOUNT__V1__VALUE__KIND_STRING_VALUE;
        value->string_value = (char *)token.text;
    } else {
        return rc_parser_fail(parser, "expected a value");
    }
    rc_parser_next(parser);
    *ret_value = value;
    return RC_OK;
}

static enum rc_status
parse_text(struct rc_parser *parser, char **ret_text)
{
    const enum rc_token_kind kind = parser->token.kind;
    if (kind != RC_TOKEN_TEXT && kind != RC_TOKEN_WORD && kind != RC_TOKEN_NUMBER)
        return rc_parser_fail(parser, "expected a text in quotes");
    *ret_text = (char *)parser->token.text;
    rc_parser_next(parser);
    return RC_OK;
}

static enum rc_status
parse_set(struct rc_parser *parser, Recount__V1__Leaf *leaf)
{
    struct rc_arena *arena = parser->lexer.arena;
    struct rc_pointer_list values = {0};
    RC_TRY(rc_parser_expect(parser, "(", "after \"in\""));
    do {
        Recount__V1__Value *value = NULL;
        RC_TRY(rc_parser_value(parser, &value));
        rc_pointer_list_add(arena, &values, value);
    } while (rc_parser_take(parser, ","));
    RC_TRY(rc_parser_expect(parser, ")", "or \",\" in the list"));
    leaf->test_case = RECOUNT__V1__LEAF__TEST_IN_SET;
    leaf->in_set = RC_MESSAGE(arena, Recount__V1__ValueSet, recount__v1__value_set);
    leaf->in_set->n_values = values.count;
    leaf->in_set->values = (Recount__V1__Value **)values.items;
    return RC_OK;
}

static enum rc_status
parse_between(struct rc_parser *parser, Recount__V1__Leaf *leaf)
{
    Recount__V1__ValueRange *range =
        RC_MESSAGE(parser->lexer.arena, Recount__V1__ValueRange, recount__v1__value_range);
    RC_TRY(rc_parser_value(parser, &range->low));
    RC_TRY(rc_parser_expect(parser, "and", "between the two ends"));
    RC_TRY(rc_parser_value(parser, &range->high));
    leaf->test_case = RECOUNT__V1__LEAF__TEST_BETWEEN;
    leaf->between = range;
    return RC_OK;
}

/* Whether the token is one of the comparison symbols; takes it and says which test it is. */
static bool
take_comparison(struct rc_parser *parser, Recount__V1__Leaf *leaf)
{
    static const struct {
        const char *symbol;
        Recount__V1__Leaf__TestCase test;
        bool negated;
    } symbols[] = {
        {"=", RECOUNT__V1__LEAF__TEST_EQUALS, false},
        {"!=", RECOUNT__V1__LEAF__TEST_EQUALS, true},
        {"<", RECOUNT__V1__LEAF__TEST_LESS, false},
        {"<=", RECOUNT__V1__LEAF__TEST_LESS_OR_EQUAL, false},
        {">", RECOUNT__V1__LEAF__TEST_GREATER, false},
        {">=", RECOUNT__V1__LEAF__TEST_GREATER_OR_EQUAL, false},
    };
    for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
        if (parser->token.kind == RC_TOKEN_SYMBOL && rc_parser_take(parser, symbols[i].symbol)) {
            leaf->test_case = symbols[i].test;
            leaf->negated = symbols[i].negated;
            return true;
        }
    }
    return false;
}

/* The tests of texts: a word, or ~ and !~. */
static enum rc_status
parse_text_test(struct rc_parser *parser, Recount__V1__Leaf *leaf)
{
    static const struct {
        const char *word;
        Recount__V1__Leaf__TestCase test;
        bool with;
    } words[] = {
        {"contains", RECOUNT__V1__LEAF__TEST_CONTAINS, false},
        {"starts", RECOUNT__V1__LEAF__TEST_STARTS_WITH, true},
        {"ends", RECOUNT__V1__LEAF__TEST_ENDS_WITH, true},
        {"like", RECOUNT__V1__LEAF__TEST_LIKE, false},
        {"matches", RECOUNT__V1__LEAF__TEST_REGEX, false},
        {"~", RECOUNT__V1__LEAF__TEST_REGEX, false},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!rc_parser_take(parser, words[i].word))
            continue;
        if (words[i].with)
            RC_TRY(rc_parser_expect(parser, "with", "after \"starts\" or \"ends\""));
        leaf->test_case = words[i].test;
        if (words[i].test == RECOUNT__V1__LEAF__TEST_REGEX && rc_parser_take(parser, "selector"))
            leaf->test_case = RECOUNT__V1__LEAF__TEST_CSS_SELECTOR;
        return parse_text(parser, &leaf->contains);
    }
    return rc_parser_fail(parser, "expected an operator (= != < <= > >= ~ in between is "
                                  "contains starts ends like matches)");
}

static enum rc_status
parse_test(struct rc_parser *parser, Recount__V1__Leaf *leaf)
{
    if (take_comparison(parser, leaf)) {
        return rc_parser_value(parser, &leaf->equals);
    }
    if (rc_parser_take(parser, "is")) {
        leaf->negated = rc_parser_take(parser, "not");
        leaf->test_case = RECOUNT__V1__LEAF__TEST_IS_SET;
        leaf->is_set = RC_MESSAGE(parser->lexer.arena, Recount__V1__IsSet, recount__v1__is_set);
        return rc_parser_expect(parser, "set", "after \"is\" or \"is not\"");
    }
    if (rc_parser_take(parser, "!~")) {
        leaf->negated = true;
        leaf->test_case = RECOUNT__V1__LEAF__TEST_REGEX;
        return parse_text(parser, &leaf->regex);
    }
    leaf->negated = rc_parser_take(parser, "not");
    if (rc_parser_take(parser, "in"))
        return parse_set(parser, leaf);
    if (rc_parser_take(parser, "between"))
        return parse_between(parser, leaf);
    return parse_text_test(parser, leaf);
}

/* "event id" and "user id": what is no test behind a property's name. */
static void
take_id(struct rc_parser *parser, const struct rc_token *name, Recount__V1__PropertyRef *property)
{
    struct rc_arena *arena = parser->lexer.arena;
    const bool of_event = strcasecmp(name->text, "event") == 0;
    if (name->kind != RC_TOKEN_WORD || (!of_event && strcasecmp(name->text, "user") != 0) ||
        !rc_parser_take(parser, "id"))
        return;
    if (of_event) {
        property->source_case = RECOUNT__V1__PROPERTY_REF__SOURCE_EVENT_ID;
        property->event_id = RC_MESSAGE(arena, Recount__V1__EventId, recount__v1__event_id);
    } else {
        property->source_case = RECOUNT__V1__PROPERTY_REF__SOURCE_USER_ID;
        property->user_id = RC_MESSAGE(arena, Recount__V1__UserId, recount__v1__user_id);
    }
}

enum rc_status
rc_parser_leaf(struct rc_parser *parser, Recount__V1__Leaf **ret_leaf)
{
    Recount__V1__Leaf *leaf = RC_MESSAGE(parser->lexer.arena, Recount__V1__Leaf, recount__v1__leaf);
    const struct rc_token name = parser->token;
    RC_TRY(rc_parser_property(parser, &leaf->property));
    take_id(parser, &name, leaf->property);
    RC_TRY(parse_test(parser, leaf));
    if (rc_parser_take(parser, "ignoring")) {
        RC_TRY(rc_parser_expect(parser, "case", "after \"ignoring\""));
        leaf->case_insensitive = true;
    }
    *ret_leaf = leaf;
    return RC_OK;
}
