/*
 * Lexer: cuts an expression into tokens.
 *
 * Ownership: texts of tokens belong to the arena.
 * Threading: one thread at a time.
 * Units:     positions are bytes from the expression's start.
 */
#ifndef RC_CLI_LANGUAGE_LEXER_H
#define RC_CLI_LANGUAGE_LEXER_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/arena.h"

enum rc_token_kind {
    RC_TOKEN_END,
    RC_TOKEN_WORD,        /* A name, a key word, or a value without quotes; also 7d, 2025-01-31. */
    RC_TOKEN_QUOTED_NAME, /* `a name` */
    RC_TOKEN_TEXT,        /* "a text" or 'a text' */
    RC_TOKEN_NUMBER,      /* A JSON number. */
    RC_TOKEN_REFERENCE,   /* @name */
    RC_TOKEN_SYMBOL,      /* ( ) , = != < <= > >= ~ !~, and in arithmetic + - * / */
    RC_TOKEN_BAD,         /* text says what is wrong. */
};

struct rc_token {
    enum rc_token_kind kind;
    size_t at;
    const char *text; /* Without quotes, @ and escapes. Never NULL. */
};

struct rc_lexer {
    struct rc_arena *arena;
    const char *source;
    size_t at;
    bool has_arithmetic; /* + - * / are symbols where they begin a token. */
};

/* Takes the next token. At the end, and after it, RC_TOKEN_END. */
struct rc_token
rc_lexer_next(struct rc_lexer *lexer);

/* Whether a text is a JSON number. */
bool
rc_lexer_is_number(const char *text);

/* Whether a text reads as one word: as RC_TOKEN_WORD would be. */
bool
rc_lexer_is_word(const char *text);

#endif
