/*
 * Expression print: leaves. Texts are always quoted and names only where they must be, so that what
 * is printed reads back as the same leaf.
 */
#include "cli/language/expression_print.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/language/lexer.h"

void
rc_expression_print_quoted(FILE *out, const char *text, char quote)
{
    fputc(quote, out);
    for (; *text != '\0'; text++) {
        if (*text == quote ||
            (*text == '\\' && (text[1] == quote || text[1] == '\\' || text[1] == '\0')))
            fputc('\\', out);
        fputc(*text, out);
    }
    fputc(quote, out);
}

#define NUMBER_TEXT_BYTES 40

static void
number_text(double number, char text[NUMBER_TEXT_BYTES])
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, NUMBER_TEXT_BYTES, "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            break;
    }
}

void
rc_expression_print_number(FILE *out, double number)
{
    char text[NUMBER_TEXT_BYTES];
    number_text(number, text);
    fputs(text, out);
}

/* Without a point or an exponent it would read back as a whole number. */
static void
print_double(FILE *out, double number)
{
    char text[NUMBER_TEXT_BYTES];
    number_text(number, text);
    fprintf(out, "%s%s", text, strpbrk(text, ".e") == NULL ? ".0" : "");
}

void
rc_expression_print_reference(FILE *out, const char *name)
{
    const char *slash = strrchr(name, '/');
    fprintf(out, "@%s", slash == NULL ? name : slash + 1);
}

void
rc_expression_print_value(FILE *out, const Recount__V1__Value *value)
{
    switch (value->kind_case) {
    case RECOUNT__V1__VALUE__KIND_BOOL_VALUE:
        fputs(value->bool_value ? "true" : "false", out);
        break;
    case RECOUNT__V1__VALUE__KIND_INT_VALUE:
        fprintf(out, "%" PRId64, value->int_value);
        break;
    case RECOUNT__V1__VALUE__KIND_DOUBLE_VALUE:
        print_double(out, value->double_value);
        break;
    case RECOUNT__V1__VALUE__KIND_STRING_VALUE:
        rc_expression_print_quoted(out, value->string_value, '"');
        break;
    default:
        fputs("null", out);
    }
}

static void
print_name(FILE *out, const char *name, bool plain)
{
    if (plain)
        fputs(name, out);
    else
        rc_expression_print_quoted(out, name, '`');
}

void
rc_expression_print_name(FILE *out, const char *name)
{
    print_name(out, name, rc_lexer_is_word(name));
}

void
rc_expression_print_property(FILE *out, const Recount__V1__PropertyRef *property)
{
    static const char *const key_words[] = {"not", "any",      "count", "days", "did",
                                            "sum", "sequence", "next",  "after"};
    const bool of_user = property->source_case == RECOUNT__V1__PROPERTY_REF__SOURCE_USER_PROPERTY;
    const char *name = property->event_property; /* All sources share the place. */
    if (property->source_case == RECOUNT__V1__PROPERTY_REF__SOURCE_ACCOUNT_PROPERTY) {
        fprintf(out, "account.%s.", property->account_property->account_key);
        rc_expression_print_name(out, property->account_property->name);
        return;
    }
    if (property->source_case == RECOUNT__V1__PROPERTY_REF__SOURCE_EVENT_ID ||
        property->source_case == RECOUNT__V1__PROPERTY_REF__SOURCE_USER_ID) {
        fputs(property->source_case == RECOUNT__V1__PROPERTY_REF__SOURCE_EVENT_ID ? "event id"
                                                                                  : "user id",
              out);
        return;
    }
    bool plain = rc_lexer_is_word(name);
    if (!of_user) {
        plain = plain && strncmp(name, "user.", 5) != 0 && strncmp(name, "event.", 6) != 0 &&
                strncmp(name, "account.", 8) != 0;
        for (size_t i = 0; i < sizeof(key_words) / sizeof(key_words[0]); i++)
            plain = plain && strcasecmp(name, key_words[i]) != 0;
    }
    fputs(of_user ? "user." : "", out);
    print_name(out, name, plain);
}

static void
print_comparison(FILE *out, const char *symbol, const Recount__V1__Value *value)
{
    fprintf(out, " %s ", symbol);
    rc_expression_print_value(out, value);
}

static void
print_text_test(FILE *out, bool negated, const char *word, const char *text)
{
    fprintf(out, negated ? " not %s " : " %s ", word);
    rc_expression_print_quoted(out, text, '"');
}

static void
print_set(FILE *out, bool negated, const Recount__V1__ValueSet *set)
{
    fputs(negated ? " not in (" : " in (", out);
    for (size_t i = 0; i < set->n_values; i++) {
        fputs(i == 0 ? "" : ", ", out);
        rc_expression_print_value(out, set->values[i]);
    }
    fputc(')', out);
}

static void
print_test(FILE *out, const Recount__V1__Leaf *leaf, bool negated)
{
    switch (leaf->test_case) {
    case RECOUNT__V1__LEAF__TEST_EQUALS:
        print_comparison(out, negated ? "!=" : "=", leaf->equals);
        break;
    case RECOUNT__V1__LEAF__TEST_LESS:
        print_comparison(out, "<", leaf->less);
        break;
    case RECOUNT__V1__LEAF__TEST_LESS_OR_EQUAL:
        print_comparison(out, "<=", leaf->less_or_equal);
        break;
    case RECOUNT__V1__LEAF__TEST_GREATER:
        print_comparison(out, ">", leaf->greater);
        break;
    case RECOUNT__V1__LEAF__TEST_GREATER_OR_EQUAL:
        print_comparison(out, ">=", leaf->greater_or_equal);
        break;
    case RECOUNT__V1__LEAF__TEST_IN_SET:
        print_set(out, negated, leaf->in_set);
        break;
    case RECOUNT__V1__LEAF__TEST_BETWEEN:
        fputs(negated ? " not between " : " between ", out);
        rc_expression_print_value(out, leaf->between->low);
        fputs(" and ", out);
        rc_expression_print_value(out, leaf->between->high);
        break;
    case RECOUNT__V1__LEAF__TEST_IS_SET:
        fputs(negated ? " is not set" : " is set", out);
        break;
    case RECOUNT__V1__LEAF__TEST_CONTAINS:
        print_text_test(out, negated, "contains", leaf->contains);
        break;
    case RECOUNT__V1__LEAF__TEST_STARTS_WITH:
        print_text_test(out, negated, "starts with", leaf->starts_with);
        break;
    case RECOUNT__V1__LEAF__TEST_ENDS_WITH:
        print_text_test(out, negated, "ends with", leaf->ends_with);
        break;
    case RECOUNT__V1__LEAF__TEST_LIKE:
        print_text_test(out, negated, "like", leaf->like);
        break;
    case RECOUNT__V1__LEAF__TEST_REGEX:
        print_text_test(out, false, negated ? "!~" : "~", leaf->regex);
        break;
    default:
        print_text_test(out, negated, "matches selector", leaf->css_selector);
    }
}

void
rc_expression_print_leaf(FILE *out, const Recount__V1__Leaf *leaf)
{
    /* Less and its like have no negative twin. */
    const bool wrap = leaf->negated && leaf->test_case >= RECOUNT__V1__LEAF__TEST_LESS &&
                      leaf->test_case <= RECOUNT__V1__LEAF__TEST_GREATER_OR_EQUAL;
    fputs(wrap ? "not " : "", out);
    rc_expression_print_property(out, leaf->property);
    print_test(out, leaf, leaf->negated && !wrap);
    fputs(leaf->case_insensitive ? " ignoring case" : "", out);
}
