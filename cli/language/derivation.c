/* Derivation, parsing: a source, then steps, each known by its first word. */
#include "cli/language/derivation.h"

#include <string.h>

#include "cli/session/message.h"

const char *const rc_url_part_words[] = {"", "scheme", "host", "path", "query", "fragment", NULL};
const char *const rc_time_part_words[] = {"",     "year",        "quarter", "month",
                                          "week", "day_of_year", "day",     "weekday",
                                          "hour", "minute",      NULL};
const char *const rc_arithmetic_words[] = {"",        "plus",  "minus", "times",
                                           "divided", "floor", "round", NULL};

/* The number of the word that is taken, 0: it is none of them. */
static int
take_word(struct rc_parser *parser, const char *const *words)
{
    for (int i = 1; words[i] != NULL; i++)
        if (parser->token.kind == RC_TOKEN_WORD && rc_parser_take(parser, words[i]))
            return i;
    return 0;
}

static enum rc_status
take_text(struct rc_parser *parser, char **ret_text)
{
    const enum rc_token_kind kind = parser->token.kind;
    if (kind != RC_TOKEN_TEXT && kind != RC_TOKEN_WORD && kind != RC_TOKEN_NUMBER)
        return rc_parser_fail(parser, "expected a text in quotes");
    *ret_text = (char *)parser->token.text;
    rc_parser_next(parser);
    return RC_OK;
}

static enum rc_status
take_number(struct rc_parser *parser, double *ret_number)
{
    if (parser->token.kind != RC_TOKEN_NUMBER)
        return rc_parser_fail(parser, "expected a number");
    RC_TRY(rc_parser_real(parser, ret_number));
    rc_parser_next(parser);
    return RC_OK;
}

static enum rc_status
parse_capture(struct rc_parser *parser, Recount__V1__DerivationStep *step)
{
    double group = 1;
    step->kind_case = RECOUNT__V1__DERIVATION_STEP__KIND_CAPTURE;
    step->capture =
        RC_MESSAGE(parser->lexer.arena, Recount__V1__CaptureStep, recount__v1__capture_step);
    RC_TRY(take_text(parser, &step->capture->regex));
    if (rc_parser_take(parser, "group"))
        RC_TRY(take_number(parser, &group));
    if (group < 0 || group > 1000)
        return rc_parser_fail(parser, "there is no such group");
    step->capture->group = (uint32_t)group;
    if (rc_parser_take(parser, "ignoring")) {
        RC_TRY(rc_parser_expect(parser, "case", "after \"ignoring\""));
        step->capture->case_insensitive = true;
    }
    return RC_OK;
}

static enum rc_status
parse_map(struct rc_parser *parser, Recount__V1__DerivationStep *step)
{
    struct rc_arena *arena = parser->lexer.arena;
    struct rc_pointer_list entries = {0};
    step->kind_case = RECOUNT__V1__DERIVATION_STEP__KIND_MAP;
    step->map = RC_MESSAGE(arena, Recount__V1__MapStep, recount__v1__map_step);
    RC_TRY(rc_parser_expect(parser, "(", "after \"map\""));
    do {
        Recount__V1__MapEntry *entry =
            RC_MESSAGE(arena, Recount__V1__MapEntry, recount__v1__map_entry);
        RC_TRY(rc_parser_value(parser, &entry->from));
        RC_TRY(rc_parser_expect(parser, "=", "between a value and what it becomes"));
        if (!rc_parser_take(parser, "null"))
            RC_TRY(rc_parser_value(parser, &entry->to));
        rc_pointer_list_add(arena, &entries, entry);
    } while (rc_parser_take(parser, ","));
    RC_TRY(rc_parser_expect(parser, ")", "or \",\" in the map"));
    step->map->n_entries = entries.count;
    step->map->entries = (Recount__V1__MapEntry **)entries.items;
    if (!rc_parser_take(parser, "else"))
        return RC_OK;
    if (rc_parser_take(parser, "null")) {
        step->map->rest_case = RECOUNT__V1__MAP_STEP__REST_NULL_REST;
        step->map->null_rest = RC_MESSAGE(arena, Recount__V1__NullRest, recount__v1__null_rest);
        return RC_OK;
    }
    step->map->rest_case = RECOUNT__V1__MAP_STEP__REST_VALUE_REST;
    return rc_parser_value(parser, &step->map->value_rest);
}

static enum rc_status
parse_time(struct rc_parser *parser, int part, Recount__V1__DerivationStep *step)
{
    step->kind_case = RECOUNT__V1__DERIVATION_STEP__KIND_TIME_PART;
    step->time_part =
        RC_MESSAGE(parser->lexer.arena, Recount__V1__TimePartStep, recount__v1__time_part_step);
    step->time_part->part = (Recount__V1__TimePart)part;
    return rc_parser_take(parser, "in") ? take_text(parser, &step->time_part->time_zone) : RC_OK;
}

static enum rc_status
parse_arithmetic(struct rc_parser *parser, int operation, Recount__V1__DerivationStep *step)
{
    step->kind_case = RECOUNT__V1__DERIVATION_STEP__KIND_ARITHMETIC;
    step->arithmetic =
        RC_MESSAGE(parser->lexer.arena, Recount__V1__ArithmeticStep, recount__v1__arithmetic_step);
    step->arithmetic->operation = (Recount__V1__ArithmeticOperation)operation;
    if (operation == RECOUNT__V1__ARITHMETIC_OPERATION__ARITHMETIC_OPERATION_DIVIDE)
        RC_TRY(rc_parser_expect(parser, "by", "after \"divided\""));
    return take_number(parser, &step->arithmetic->operand);
}

/* The steps without a kind of word of their own: parts and operations. */
static enum rc_status
parse_part(struct rc_parser *parser, Recount__V1__DerivationStep *step)
{
    struct rc_arena *arena = parser->lexer.arena;
    int word = take_word(parser, rc_time_part_words);
    if (word > 0)
        return parse_time(parser, word, step);
    word = take_word(parser, rc_arithmetic_words);
    if (word > 0)
        return parse_arithmetic(parser, word, step);
    const bool parameter = rc_parser_take(parser, "parameter");
    word = parameter ? 0 : take_word(parser, rc_url_part_words);
    if (!parameter && word == 0)
        return rc_parser_fail(parser, "expected a step (capture, number, lower, host, path, "
                                      "parameter, fold ids, map, hour, plus, ...)");
    step->kind_case = RECOUNT__V1__DERIVATION_STEP__KIND_URL_PART;
    step->url_part = RC_MESSAGE(arena, Recount__V1__UrlPartStep, recount__v1__url_part_step);
    step->url_part->kind_case = parameter ? RECOUNT__V1__URL_PART_STEP__KIND_PARAMETER
                                          : RECOUNT__V1__URL_PART_STEP__KIND_PART;
    if (parameter)
        return take_text(parser, &step->url_part->parameter);
    step->url_part->part = (Recount__V1__UrlPart)word;
    return RC_OK;
}

static enum rc_status
parse_step(struct rc_parser *parser, Recount__V1__DerivationStep *step)
{
    struct rc_arena *arena = parser->lexer.arena;
    if (rc_parser_take(parser, "capture"))
        return parse_capture(parser, step);
    if (rc_parser_take(parser, "map"))
        return parse_map(parser, step);
    if (rc_parser_take(parser, "number")) {
        step->kind_case = RECOUNT__V1__DERIVATION_STEP__KIND_NUMBER;
        step->number = RC_MESSAGE(arena, Recount__V1__NumberStep, recount__v1__number_step);
        return RC_OK;
    }
    if (rc_parser_take(parser, "lower")) {
        step->kind_case = RECOUNT__V1__DERIVATION_STEP__KIND_LOWER_CASE;
        step->lower_case =
            RC_MESSAGE(arena, Recount__V1__LowerCaseStep, recount__v1__lower_case_step);
        return RC_OK;
    }
    if (rc_parser_take(parser, "fold")) {
        step->kind_case = RECOUNT__V1__DERIVATION_STEP__KIND_FOLD_IDS;
        step->fold_ids = RC_MESSAGE(arena, Recount__V1__FoldIdsStep, recount__v1__fold_ids_step);
        return rc_parser_expect(parser, "ids", "after \"fold\"");
    }
    return parse_part(parser, step);
}

static enum rc_status
parse_source(struct rc_parser *parser, Recount__V1__DerivedProperty *property)
{
    struct rc_arena *arena = parser->lexer.arena;
    if (parser->token.kind == RC_TOKEN_WORD && rc_parser_take(parser, "event")) {
        property->source_case = RECOUNT__V1__DERIVED_PROPERTY__SOURCE_EVENT_TIME;
        property->event_time = RC_MESSAGE(arena, Recount__V1__EventTime, recount__v1__event_time);
        return rc_parser_expect(parser, "time", "after \"event\"");
    }
    return rc_derivation_parse_formula(parser, property);
}

enum rc_status
rc_derivation_parse(struct rc_arena *arena,
                    const char *source,
                    Recount__V1__DerivedProperty *property,
                    struct rc_expression_error *error)
{
    struct rc_parser parser;
    struct rc_pointer_list steps = {0};
    rc_parser_begin(&parser, arena, "", source, error);
    parser.lexer.has_arithmetic = true;
    parser.lexer.at = 0; /* The first token may be a sign. */
    rc_parser_next(&parser);
    RC_TRY(parse_source(&parser, property));
    parser.lexer.has_arithmetic = false; /* Steps have numbers with signs. */
    while (rc_parser_take(&parser, ",")) {
        Recount__V1__DerivationStep *step =
            RC_MESSAGE(arena, Recount__V1__DerivationStep, recount__v1__derivation_step);
        RC_TRY(parse_step(&parser, step));
        rc_pointer_list_add(arena, &steps, step);
    }
    if (parser.token.kind != RC_TOKEN_END)
        return rc_parser_fail(&parser, "expected \",\" and a step, or the end");
    property->n_steps = steps.count;
    property->steps = (Recount__V1__DerivationStep **)steps.items;
    return RC_OK;
}
