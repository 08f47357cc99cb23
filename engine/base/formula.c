/*
 * Formula. Parsed by descent into a list of steps for a stack. A library for expressions would
 * bring functions, variables and other meanings of a division by zero, all to be taken away again;
 * the grammar is three lines.
 *
 *   sum     = product { ("+" | "-") product }
 *   product = factor { ("*" | "/") factor }
 *   factor  = "-" factor | number | letters | "(" sum ")"
 */
#include "engine/base/formula.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/limits.h"

enum step_kind {
    STEP_NUMBER = 'n',
    STEP_OPERAND = 's',
    STEP_NEGATE = 'm',
    STEP_ADD = '+',
    STEP_SUBTRACT = '-',
    STEP_MULTIPLY = '*',
    STEP_DIVIDE = '/',
};

#define OPERANDS_MAX 32u /* A bit each. */

struct step {
    enum step_kind kind;
    uint32_t operand;
    double number;
};

struct rc_formula {
    uint32_t operands;
    uint32_t step_count;
    struct step steps[]; /* Never more than the bytes of the expression. */
};

struct parser {
    struct rc_bytes text;
    size_t at;
    uint32_t depth;
    const char *noun;
    uint32_t operand_count;
    struct rc_formula *formula;
    struct rc_error *error;
};

/* what: a sentence with the noun at "%s", if it names it. */
static enum rc_status
fail(const struct parser *parser, const char *what)
{
    const char *noun = strstr(what, "%s");
    const size_t size = noun == NULL ? strlen(what) : (size_t)(noun - what);
    return rc_error_set(parser->error, RC_INVALID, "%.*s%s%s at character %zu of the formula",
                        (int)size, what, noun == NULL ? "" : parser->noun,
                        noun == NULL ? "" : noun + 2, parser->at + 1);
}

/* The next character that is no blank; 0 at the end. */
static char
peek(struct parser *parser)
{
    while (parser->at < parser->text.size &&
           (parser->text.data[parser->at] == ' ' || parser->text.data[parser->at] == '\t'))
        parser->at++;
    return parser->at < parser->text.size ? parser->text.data[parser->at] : '\0';
}

static void
add_step(struct parser *parser, struct step step)
{
    RC_ASSERT(parser->formula->step_count < RC_FORMULA_BYTES_MAX);
    parser->formula->steps[parser->formula->step_count++] = step;
}

static bool
is_digit(const struct parser *parser, size_t at)
{
    return at < parser->text.size && parser->text.data[at] >= '0' && parser->text.data[at] <= '9';
}

static enum rc_status
parse_number(struct parser *parser)
{
    char text[64];
    size_t end = parser->at;
    while (is_digit(parser, end))
        end++;
    if (end < parser->text.size && parser->text.data[end] == '.') {
        if (!is_digit(parser, end + 1))
            return fail(parser, "there is no digit behind the point of the number");
        for (end++; is_digit(parser, end);)
            end++;
    }
    const size_t size = end - parser->at;
    if (size >= sizeof(text))
        return fail(parser, "there is a number of more than 63 characters");
    memcpy(text, parser->text.data + parser->at, size);
    text[size] = '\0';
    parser->at = end;
    add_step(parser, (struct step){.kind = STEP_NUMBER, .number = strtod(text, NULL)});
    return RC_OK;
}

static enum rc_status
parse_operand(struct parser *parser)
{
    uint32_t number = 0; /* From 1, as columns of a sheet are named. */
    size_t end = parser->at;
    for (; end < parser->text.size && parser->text.data[end] >= 'A' &&
           parser->text.data[end] <= 'Z' && number <= OPERANDS_MAX;
         end++)
        number = number * 26 + (uint32_t)(parser->text.data[end] - 'A' + 1);
    if (number > parser->operand_count)
        return fail(parser, "there is no %s of the name that stands");
    parser->at = end;
    parser->formula->operands |= (uint32_t)1 << (number - 1);
    add_step(parser, (struct step){.kind = STEP_OPERAND, .operand = number - 1});
    return RC_OK;
}

static enum rc_status
parse_sum(struct parser *parser);

static enum rc_status
parse_factor(struct parser *parser)
{
    const char next = peek(parser);
    if (parser->depth == RC_FORMULA_DEPTH_MAX)
        return fail(parser, "parentheses or signs are nested too deep");
    if (next >= '0' && next <= '9')
        return parse_number(parser);
    if (next >= 'A' && next <= 'Z')
        return parse_operand(parser);
    if (next != '-' && next != '(')
        return fail(parser, next == '\0' ? "a number, a %s or a parenthesis is missing"
                                         : "there is neither a number nor a %s");
    parser->at++;
    parser->depth++;
    if (next == '-') {
        RC_TRY(parse_factor(parser));
        add_step(parser, (struct step){.kind = STEP_NEGATE});
    } else {
        RC_TRY(parse_sum(parser));
        if (peek(parser) != ')')
            return fail(parser, "a closing parenthesis is missing");
        parser->at++;
    }
    parser->depth--;
    return RC_OK;
}

static enum rc_status
parse_product(struct parser *parser)
{
    RC_TRY(parse_factor(parser));
    for (char next = peek(parser); next == '*' || next == '/'; next = peek(parser)) {
        parser->at++;
        RC_TRY(parse_factor(parser));
        add_step(parser, (struct step){.kind = (enum step_kind)next});
    }
    return RC_OK;
}

static enum rc_status
parse_sum(struct parser *parser)
{
    RC_TRY(parse_product(parser));
    for (char next = peek(parser); next == '+' || next == '-'; next = peek(parser)) {
        parser->at++;
        RC_TRY(parse_product(parser));
        add_step(parser, (struct step){.kind = (enum step_kind)next});
    }
    return RC_OK;
}

enum rc_status
rc_formula_parse(struct rc_bytes expression,
                 const char *noun,
                 uint32_t operand_count,
                 struct rc_arena *arena,
                 const struct rc_formula **ret_formula,
                 struct rc_error *reterr_error)
{
    if (expression.size > RC_FORMULA_BYTES_MAX)
        return rc_error_set(reterr_error, RC_INVALID, "the formula has more than %u bytes",
                            RC_FORMULA_BYTES_MAX);
    RC_ASSERT(operand_count <= OPERANDS_MAX);
    struct rc_formula *formula =
        rc_arena_zero(arena, sizeof(*formula) + expression.size * sizeof(formula->steps[0]));
    if (formula == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a formula");
    struct parser parser = {.text = expression,
                            .noun = noun,
                            .operand_count = operand_count,
                            .formula = formula,
                            .error = reterr_error};
    RC_TRY(parse_sum(&parser));
    if (peek(&parser) != '\0' || parser.at < expression.size)
        return fail(&parser, "an operator is missing");
    *ret_formula = formula;
    return RC_OK;
}

uint32_t
rc_formula_operands(const struct rc_formula *formula)
{
    return formula->operands;
}

static double
apply(enum step_kind kind, double a, double b)
{
    switch (kind) {
    case STEP_ADD:
        return a + b;
    case STEP_SUBTRACT:
        return a - b;
    case STEP_MULTIPLY:
        return a * b;
    default:
        return b == 0 ? NAN : a / b;
    }
}

double
rc_formula_value(const struct rc_formula *formula, const double *figures)
{
    double stack[RC_FORMULA_BYTES_MAX];
    uint32_t used = 0;
    for (uint32_t i = 0; i < formula->step_count; i++) {
        const struct step *step = &formula->steps[i];
        switch (step->kind) {
        case STEP_NUMBER:
            stack[used++] = step->number;
            break;
        case STEP_OPERAND:
            stack[used++] = figures[step->operand];
            break;
        case STEP_NEGATE:
            stack[used - 1] = -stack[used - 1];
            break;
        default:
            used--;
            stack[used - 1] = apply(step->kind, stack[used - 1], stack[used]);
            break;
        }
    }
    RC_ASSERT(used == 1);
    return isfinite(stack[0]) ? stack[0] : NAN;
}
