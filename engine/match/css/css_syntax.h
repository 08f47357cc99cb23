/*
 * CSS syntax: the characters, escapes and names of CSS Syntax Level 3, which selectors and the
 * names of an element chain share.
 *
 * Ownership: a writer is the caller's; what is read is appended to it.
 * Threading: pure, but for the writer.
 * Units:     places are bytes in a text that is valid UTF-8 without NUL.
 */
#ifndef RC_MATCH_CSS_CSS_SYNTAX_H
#define RC_MATCH_CSS_CSS_SYNTAX_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/bytes.h"

static inline bool
rc_css_is_newline(char c)
{
    return c == '\n' || c == '\r' || c == '\f';
}

static inline bool
rc_css_is_space(char c)
{
    return c == ' ' || c == '\t' || rc_css_is_newline(c);
}

static inline char
rc_css_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* A byte that may stand first in a name, or (is_name_byte) anywhere in one, without an escape. */
bool
rc_css_is_name_start(char c);
bool
rc_css_is_name_byte(char c);

/* Whether a name (an identifier) begins at the place. */
bool
rc_css_at_name(struct rc_bytes text, size_t at);

/* Whether a backslash at the place escapes something: not a newline, and not the end. */
bool
rc_css_at_escape(struct rc_bytes text, size_t at);

/* Reads the escape at the place (rc_css_at_escape holds) and appends the character that it stands
 * for; that of no character is U+FFFD. Returns the place behind it. */
size_t
rc_css_read_escape(struct rc_bytes text, size_t at, struct rc_writer *writer);

/* Reads a run of name bytes and escapes at the place, which may be empty, and appends it. Returns
 * the place behind it. */
size_t
rc_css_read_name(struct rc_bytes text, size_t at, struct rc_writer *writer);

/* Writes a name with the escapes that it needs, and a text in double quotes. */
void
rc_css_write_name(struct rc_writer *writer, struct rc_bytes name);
void
rc_css_write_string(struct rc_writer *writer, struct rc_bytes text);

#endif
