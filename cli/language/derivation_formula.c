/*
 * Derivation, formulas: arithmetic over names of properties, which is sent with letters for them
 * (PropertyFormula): "price * quantity" is "A * B". A property that is named twice has one letter.
 *
 * Names are wide (signed-in is one), so a minus between names needs a blank before it.
 */
#include <string.h>

#include "cli/language/derivation.h"
#include "cli/session/message.h"

struct formula {
    struct rc_parser *parser;
    struct rc_pointer_list properties;
    char *text; /* With letters; has room for two bytes a byte of the source and more. */
    size_t size;
    bool is_property; /* Nothing but one property so far. */
};

static void
put(struct formula *formula, const char *text)
{
    const size_t size = strlen(text);
    memcpy(formula->text + formula->size, text, size + 1);
    formula->size += size;
}

static bool
is_same(const Recount__V1__PropertyRef *a, const Recount__V1__PropertyRef *b)
{
    if (a->source_case != b->source_case)
        return false;
    if (a->source_case != RECOUNT__V1__PROPERTY_REF__SOURCE_ACCOUNT_PROPERTY)
        return strcmp(a->event_property, b->event_property) == 0; /* They share the place. */
    return strcmp(a->account_property->account_key, b->account_property->account_key) == 0 &&
           strcmp(a->account_property->name, b->account_property->name) == 0;
}

static enum rc_status
parse_operand(struct formula *formula)
{
    struct rc_parser *parser = formula->parser;
    Recount__V1__PropertyRef *property = NULL;
    size_t at = 0;
    if (parser->token.kind == RC_TOKEN_NUMBER) {
        put(formula, parser->token.text);
        formula->is_property = false;
        rc_parser_next(parser);
        return RC_OK;
    }
    RC_TRY(rc_parser_property(parser, &property));
    while (at < formula->properties.count && !is_same(formula->properties.items[at], property))
        at++;
    if (at == 26)
        return rc_parser_fail(parser, "a formula has fewer properties");
    if (at == formula->properties.count)
        rc_pointer_list_add(parser->lexer.arena, &formula->properties, property);
    put(formula, (const char[]){(char)('A' + (int)at), '\0'});
    return RC_OK;
}

static enum rc_status
parse_sum(struct formula *formula);

static enum rc_status
parse_factor(struct formula *formula)
{
    struct rc_parser *parser = formula->parser;
    if (!rc_parser_at(parser, "-") && !rc_parser_at(parser, "("))
        return parse_operand(formula);
    RC_TRY(rc_parser_deeper(parser));
    formula->is_property = false;
    if (rc_parser_take(parser, "-")) {
        put(formula, "-");
        RC_TRY(parse_factor(formula));
    } else {
        rc_parser_next(parser);
        put(formula, "(");
        RC_TRY(parse_sum(formula));
        RC_TRY(rc_parser_expect(parser, ")", "at the end of the group"));
        put(formula, ")");
    }
    parser->depth--;
    return RC_OK;
}

/* Operators in turn: the server knows which go first. */
static enum rc_status
parse_sum(struct formula *formula)
{
    struct rc_parser *parser = formula->parser;
    RC_TRY(parse_factor(formula));
    while (rc_parser_at(parser, "+") || rc_parser_at(parser, "-") || rc_parser_at(parser, "*") ||
           rc_parser_at(parser, "/")) {
        put(formula, " ");
        put(formula, parser->token.text);
        put(formula, " ");
        formula->is_property = false;
        rc_parser_next(parser);
        RC_TRY(parse_factor(formula));
    }
    return RC_OK;
}

enum rc_status
rc_derivation_parse_formula(struct rc_parser *parser, Recount__V1__DerivedProperty *property)
{
    struct rc_arena *arena = parser->lexer.arena;
    struct formula formula = {.parser = parser, .is_property = true};
    formula.text = rc_need(rc_arena_zero(arena, 3 * strlen(parser->lexer.source) + 1));
    RC_TRY(parse_sum(&formula));
    if (formula.is_property) {
        property->source_case = RECOUNT__V1__DERIVED_PROPERTY__SOURCE_PROPERTY;
        property->property = formula.properties.items[0];
        return RC_OK;
    }
    property->source_case = RECOUNT__V1__DERIVED_PROPERTY__SOURCE_FORMULA;
    property->formula =
        RC_MESSAGE(arena, Recount__V1__PropertyFormula, recount__v1__property_formula);
    property->formula->expression = formula.text;
    property->formula->n_properties = formula.properties.count;
    property->formula->properties = (Recount__V1__PropertyRef **)formula.properties.items;
    return RC_OK;
}

void
rc_derivation_print_formula(FILE *out, const Recount__V1__PropertyFormula *formula)
{
    for (const char *at = formula->expression; *at != '\0'; at++) {
        const size_t index = (size_t)(*at - 'A');
        if (*at < 'A' || *at > 'Z' || index >= formula->n_properties) {
            fputc(*at, out);
            continue;
        }
        rc_derivation_print_source(out, formula->properties[index]);
        if (at[1] == '-') /* It would be read as a part of the name. */
            fputc(' ', out);
    }
}
