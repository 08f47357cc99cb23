/* Expression parser: see expression_parser.h. */
#include "cli/language/expression_parser.h"

#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "cli/session/message.h"

void
rc_parser_begin(struct rc_parser *parser,
                struct rc_arena *arena,
                const char *project,
                const char *source,
                struct rc_expression_error *error)
{
    *parser = (struct rc_parser){
        .lexer = {.arena = arena, .source = source},
        .project = project,
        .error = error,
    };
    *error = (struct rc_expression_error){0};
    rc_parser_next(parser);
}

enum rc_status
rc_parser_fail(struct rc_parser *parser, const char *format, ...)
{
    struct rc_expression_error *error = parser->error;
    error->at = parser->token.at;
    if (parser->token.kind == RC_TOKEN_BAD) {
        snprintf(error->message, sizeof(error->message), "%s", parser->token.text);
        return RC_INVALID;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof(error->message), format, arguments);
    va_end(arguments);
    return RC_INVALID;
}

void
rc_parser_next(struct rc_parser *parser)
{
    parser->token = rc_lexer_next(&parser->lexer);
}

bool
rc_parser_at(const struct rc_parser *parser, const char *text)
{
    const struct rc_token *token = &parser->token;
    return (token->kind == RC_TOKEN_WORD || token->kind == RC_TOKEN_SYMBOL) &&
           strcasecmp(token->text, text) == 0;
}

bool
rc_parser_take(struct rc_parser *parser, const char *text)
{
    const bool found = rc_parser_at(parser, text);
    if (found)
        rc_parser_next(parser);
    return found;
}

enum rc_status
rc_parser_expect(struct rc_parser *parser, const char *text, const char *where)
{
    return rc_parser_take(parser, text) ? RC_OK
                                        : rc_parser_fail(parser, "expected \"%s\" %s", text, where);
}

enum rc_status
rc_parser_real(struct rc_parser *parser, double *ret_real)
{
    const double real = strtod(parser->token.text, NULL);
    if (!isfinite(real))
        return rc_parser_fail(parser, "the number is too large");
    *ret_real = real;
    return RC_OK;
}

enum rc_status
rc_parser_deeper(struct rc_parser *parser)
{
    if (++parser->depth > RC_EXPRESSION_DEPTH_MAX)
        return rc_parser_fail(parser, "this is nested more than %d deep", RC_EXPRESSION_DEPTH_MAX);
    return RC_OK;
}

void
rc_expression_error_print(FILE *out, const char *source, const struct rc_expression_error *error)
{
    /* The caret is counted in characters: bytes that continue one take no place. */
    size_t column = 0;
    for (size_t i = 0; i < error->at && source[i] != '\0'; i++)
        column += ((unsigned char)source[i] & 0xC0) != 0x80;
    fprintf(out, "recount: expression, column %zu: %s\n  %s\n  %*s^\n", column + 1, error->message,
            source, (int)column, "");
}
