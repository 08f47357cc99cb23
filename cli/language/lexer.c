/*
 * Lexer by hand: one look at the first byte decides what a token is.
 *
 * Words are wide (letters, digits, _ - . $ and everything beyond ASCII): there is no arithmetic in
 * the language but where derived properties begin, so user.plan, signed-in, 7d and 2025-01-31T10:00
 * need no quotes. Inside a word that begins with a digit a colon belongs to it. A word that is a
 * JSON number is a number.
 */
#include "cli/language/lexer.h"

#include <string.h>

#include "cli/session/message.h"

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_word_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
           (unsigned char)c >= 0x80;
}

static bool
is_word_part(char c)
{
    return is_word_start(c) || is_digit(c) || c == '.' || c == '-';
}

bool
rc_lexer_is_number(const char *text)
{
    const char *at = text + (*text == '-');
    if (!is_digit(*at) || (*at == '0' && is_digit(at[1])))
        return false;
    while (is_digit(*at))
        at++;
    if (*at == '.') {
        if (!is_digit(*++at))
            return false;
        while (is_digit(*at))
            at++;
    }
    if (*at == 'e' || *at == 'E') {
        at++;
        at += *at == '+' || *at == '-';
        if (!is_digit(*at))
            return false;
        while (is_digit(*at))
            at++;
    }
    return *at == '\0';
}

bool
rc_lexer_is_word(const char *text)
{
    if (!is_word_start(*text))
        return false;
    while (is_word_part(*text))
        text++;
    return *text == '\0';
}

/* Reads up to the closing quote; the lexer stands on the opening one. */
static struct rc_token
quoted(struct rc_lexer *lexer, enum rc_token_kind kind, const char *prefix, size_t begin)
{
    const char quote = lexer->source[lexer->at];
    const char *from = lexer->source + lexer->at + 1;
    const size_t prefix_size = strlen(prefix);
    char *text = rc_need(rc_arena_alloc(lexer->arena, prefix_size + strlen(from) + 1));
    memcpy(text, prefix, prefix_size);
    char *to = text + prefix_size;
    while (*from != quote) {
        /* A backslash hides a quote or a backslash; before anything else it stands for itself, so
         * that regular expressions need no doubling. */
        if (*from == '\\' && (from[1] == quote || from[1] == '\\'))
            from++;
        if (*from == '\0')
            return (struct rc_token){RC_TOKEN_BAD, begin, "the quote is not closed"};
        *to++ = *from++;
    }
    *to = '\0';
    lexer->at = (size_t)(from + 1 - lexer->source);
    return (struct rc_token){kind, begin, text};
}

static struct rc_token
word(struct rc_lexer *lexer, size_t begin, size_t skip, enum rc_token_kind kind)
{
    const char *source = lexer->source;
    size_t end = begin + skip;
    const char first = source[end];
    const bool timelike = is_digit(source[end + (first == '-')]);
    end += first == '-' || first == '+';
    while (is_word_part(source[end]) || (timelike && (source[end] == ':' || source[end] == '+')))
        end++;
    const char *text =
        rc_need(rc_arena_string(lexer->arena, source + begin + skip, end - begin - skip));
    lexer->at = end;
    if (source[end] == '`' && source[end - 1] == '.')
        return quoted(lexer, kind, text, begin);
    if (kind == RC_TOKEN_WORD && rc_lexer_is_number(text))
        kind = RC_TOKEN_NUMBER;
    return (struct rc_token){kind, begin, text};
}

static struct rc_token
symbol(struct rc_lexer *lexer, size_t begin)
{
    /* Longer ones first; the second column is the usual spelling. */
    static const char *const symbols[][2] = {
        {"==", "="},  {"!=", "!="}, {"<>", "!="}, {"<=", "<="}, {">=", ">="},
        {"!~", "!~"}, {"=~", "~"},  {"=", "="},   {"<", "<"},   {">", ">"},
        {"~", "~"},   {"(", "("},   {")", ")"},   {",", ","},
    };
    for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
        const size_t size = strlen(symbols[i][0]);
        if (strncmp(lexer->source + begin, symbols[i][0], size) == 0) {
            lexer->at = begin + size;
            return (struct rc_token){RC_TOKEN_SYMBOL, begin, symbols[i][1]};
        }
    }
    return (struct rc_token){RC_TOKEN_BAD, begin, "this character means nothing here"};
}

struct rc_token
rc_lexer_next(struct rc_lexer *lexer)
{
    const char *source = lexer->source;
    while (source[lexer->at] != '\0' && strchr(" \t\r\n", source[lexer->at]) != NULL)
        lexer->at++;
    const size_t begin = lexer->at;
    const char first = source[begin];
    if (first == '\0')
        return (struct rc_token){RC_TOKEN_END, begin, ""};
    if (first == '"' || first == '\'')
        return quoted(lexer, RC_TOKEN_TEXT, "", begin);
    if (first == '`')
        return quoted(lexer, RC_TOKEN_QUOTED_NAME, "", begin);
    if (first == '@') {
        if (!is_word_part(source[begin + 1]))
            return (struct rc_token){RC_TOKEN_BAD, begin, "a name must follow @"};
        return word(lexer, begin, 1, RC_TOKEN_REFERENCE);
    }
    if (lexer->has_arithmetic && strchr("+-*/", first) != NULL) {
        lexer->at++;
        return (struct rc_token){RC_TOKEN_SYMBOL, begin,
                                 rc_need(rc_arena_string(lexer->arena, source + begin, 1))};
    }
    if (is_word_start(first) || is_digit(first) || (first == '-' && is_digit(source[begin + 1])))
        return word(lexer, begin, 0, RC_TOKEN_WORD);
    return symbol(lexer, begin);
}
