/*
 * CSS syntax, after CSS Syntax Module Level 3, section 4.3 (reading) and CSSOM, section 2.1
 * (writing). Every byte of 0x80 and more belongs to a character that names may hold, so nothing
 * here decodes UTF-8.
 */
#include "engine/match/css/css_syntax.h"

#include <stdint.h>

bool
rc_css_is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

bool
rc_css_is_name_byte(char c)
{
    return rc_css_is_name_start(c) || (c >= '0' && c <= '9') || c == '-';
}

bool
rc_css_at_escape(struct rc_bytes text, size_t at)
{
    return at + 1 < text.size && text.data[at] == '\\' && !rc_css_is_newline(text.data[at + 1]);
}

bool
rc_css_at_name(struct rc_bytes text, size_t at)
{
    if (at < text.size && text.data[at] == '-') {
        at++;
        if (at < text.size && text.data[at] == '-')
            return true;
    }
    return (at < text.size && rc_css_is_name_start(text.data[at])) || rc_css_at_escape(text, at);
}

/* The digit's value, or 16. */
static uint32_t
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0');
    c = rc_css_lower(c);
    return c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a') + 10 : 16;
}

static void
write_character(struct rc_writer *writer, uint32_t point)
{
    if (point == 0 || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        point = 0xfffd;
    if (point < 0x80) {
        rc_write_u8(writer, (uint8_t)point);
        return;
    }
    const unsigned tails = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    static const uint8_t leads[] = {0, 0xc0, 0xe0, 0xf0};
    rc_write_u8(writer, (uint8_t)(leads[tails] | point >> (6 * tails)));
    for (unsigned i = tails; i-- > 0;)
        rc_write_u8(writer, (uint8_t)(0x80 | (point >> (6 * i) & 0x3f)));
}

size_t
rc_css_read_escape(struct rc_bytes text, size_t at, struct rc_writer *writer)
{
    at++; /* The backslash. */
    if (hex_digit(text.data[at]) == 16) {
        rc_write_u8(writer,
                    (uint8_t)text.data[at]); /* The tail of a character follows by itself. */
        return at + 1;
    }
    uint32_t point = 0;
    for (unsigned i = 0; i < 6 && at < text.size && hex_digit(text.data[at]) < 16; i++)
        point = point * 16 + hex_digit(text.data[at++]);
    write_character(writer, point);
    if (at < text.size && rc_css_is_space(text.data[at])) {
        const bool pair = text.data[at] == '\r' && at + 1 < text.size && text.data[at + 1] == '\n';
        at += pair ? 2 : 1;
    }
    return at;
}

size_t
rc_css_read_name(struct rc_bytes text, size_t at, struct rc_writer *writer)
{
    for (;;) {
        const size_t begin = at;
        while (at < text.size && rc_css_is_name_byte(text.data[at]))
            at++;
        rc_write_raw(writer, text.data + begin, at - begin);
        if (!rc_css_at_escape(text, at))
            return at;
        at = rc_css_read_escape(text, at, writer);
    }
}

static void
write_hex(struct rc_writer *writer, char c)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char byte = (unsigned char)c;
    rc_write_u8(writer, '\\');
    if (byte >= 16)
        rc_write_u8(writer, (uint8_t)digits[byte >> 4]);
    rc_write_u8(writer, (uint8_t)digits[byte & 15]);
    rc_write_u8(writer, ' ');
}

void
rc_css_write_name(struct rc_writer *writer, struct rc_bytes name)
{
    for (size_t i = 0; i < name.size; i++) {
        const char c = name.data[i];
        const bool is_digit = c >= '0' && c <= '9';
        if ((c > 0 && c < 0x20) || c == 0x7f ||
            (is_digit && (i == 0 || (i == 1 && name.data[0] == '-')))) {
            write_hex(writer, c);
        } else {
            /* "--" by itself could meet a > and make an arrow. */
            if (!rc_css_is_name_byte(c) || (c == '-' && name.size == 1) ||
                (i == 1 && name.size == 2 && memcmp(name.data, "--", 2) == 0))
                rc_write_u8(writer, '\\');
            rc_write_u8(writer, (uint8_t)c);
        }
    }
}

void
rc_css_write_string(struct rc_writer *writer, struct rc_bytes text)
{
    rc_write_u8(writer, '"');
    for (size_t i = 0; i < text.size; i++) {
        const char c = text.data[i];
        if ((c > 0 && c < 0x20) || c == 0x7f) {
            write_hex(writer, c);
        } else {
            if (c == '"' || c == '\\')
                rc_write_u8(writer, '\\');
            rc_write_u8(writer, (uint8_t)c);
        }
    }
    rc_write_u8(writer, '"');
}
