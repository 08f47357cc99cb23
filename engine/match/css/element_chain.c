/*
 * Element chain: one pass over the bytes. Which form an element has is seen from a colon outside of
 * quotes and brackets that name="... follows: only Posthog's form has one. Its classes are not
 * escaped, so its head is cut at points alone; "md:flex" and "w-[3px]" are classes there. Nor are
 * names of attributes: "attr__" says that one begins, and "@click", ":class" and "x-on:click.away"
 * are names. In the own form classes are written with the escapes of CSS, as CSS.escape of a
 * browser makes them.
 */
#include "engine/match/css/element_chain.h"

#include <stdint.h>

#include "engine/match/css/css_syntax.h"

/* What a run of bytes ends at. */
enum stop {
    STOP_NAME = 1,      /* A tag, an id, a class. */
    STOP_ATTRIBUTE = 2, /* The name of an attribute. */
    STOP_BARE = 4,      /* A value without quotes. */
    STOP_PAIR = 8,      /* The name of an attribute in Posthog's form. */
    STOP_ALL = 15,
};

static const uint8_t stops[256] = {
    ['#'] = STOP_NAME,
    ['.'] = STOP_NAME,
    [':'] = STOP_NAME,
    ['='] = STOP_NAME | STOP_ATTRIBUTE | STOP_PAIR,
    ['['] = STOP_ALL & ~STOP_PAIR,
    [']'] = STOP_ALL & ~STOP_PAIR,
    [';'] = STOP_ALL,
    ['"'] = STOP_ALL,
    [' '] = STOP_ALL,
    ['\t'] = STOP_ALL,
    ['\n'] = STOP_ALL,
    ['\r'] = STOP_ALL,
    ['\f'] = STOP_ALL,
};

/* Names of attributes that are longer say nothing about the form of an element: each colon of a
 * head may have to be tried. */
#define PAIR_NAME_BYTES_MAX 256u

/* A text that was read: in place, or in the writer, which may move until the part is whole. */
struct run {
    bool written;
    size_t at; /* In the chain, or in the writer. */
    size_t size;
};

static struct rc_bytes
bytes_of(const struct rc_element_reader *reader, const struct rc_writer *writer, struct run run)
{
    if (run.size == 0 || writer->failed)
        return (struct rc_bytes){"", 0};
    return (struct rc_bytes){
        (run.written ? (const char *)writer->data : reader->chain.data) + run.at, run.size};
}

static char
peek(const struct rc_element_reader *reader)
{
    return reader->at < reader->chain.size ? reader->chain.data[reader->at] : '\0';
}

/* The bytes up to one that stops the run; escapes are resolved. */
static struct run
read_run(struct rc_element_reader *reader, enum stop stop, struct rc_writer *writer)
{
    const struct rc_bytes chain = reader->chain;
    struct run run = {.at = reader->at};
    for (;;) {
        const size_t begin = reader->at;
        while (reader->at < chain.size && chain.data[reader->at] != '\\' &&
               (stops[(unsigned char)chain.data[reader->at]] & stop) == 0)
            reader->at++;
        const bool escape = rc_css_at_escape(chain, reader->at);
        if (!run.written && !escape) {
            run.size = reader->at - begin;
            return run;
        }
        if (!run.written)
            run = (struct run){.written = true, .at = writer->size};
        rc_write_raw(writer, chain.data + begin, reader->at - begin);
        if (!escape)
            break;
        reader->at = rc_css_read_escape(chain, reader->at, writer);
    }
    run.size = writer->size - run.at;
    return run;
}

/* The text behind a quote, up to the closing one, which is taken. In Posthog's form a backslash
 * escapes the quote alone. */
static bool
read_quoted(struct rc_element_reader *reader,
            bool posthog,
            struct rc_writer *writer,
            struct run *ret_run)
{
    const struct rc_bytes chain = reader->chain;
    struct run run = {.at = reader->at};
    for (;;) {
        const size_t begin = reader->at;
        bool escape = false;
        while (reader->at < chain.size && chain.data[reader->at] != '"' && !escape) {
            escape = posthog ? chain.data[reader->at] == '\\' && reader->at + 1 < chain.size &&
                                   chain.data[reader->at + 1] == '"'
                             : rc_css_at_escape(chain, reader->at);
            reader->at += !escape;
        }
        if (reader->at == chain.size)
            return false;
        if (!run.written && !escape) {
            run.size = reader->at++ - begin;
            *ret_run = run;
            return true;
        }
        if (!run.written)
            run = (struct run){.written = true, .at = writer->size};
        rc_write_raw(writer, chain.data + begin, reader->at - begin);
        if (!escape)
            break;
        if (posthog) {
            rc_write_u8(writer, '"');
            reader->at += 2;
        } else {
            reader->at = rc_css_read_escape(chain, reader->at, writer);
        }
    }
    reader->at++;
    run.size = writer->size - run.at;
    *ret_run = run;
    return true;
}

static bool
text_is_at(struct rc_bytes chain, size_t at, struct rc_bytes text)
{
    return chain.size - at >= text.size && memcmp(chain.data + at, text.data, text.size) == 0;
}

/* Whether name=" follows the colon at the place. */
static bool
pair_follows(struct rc_bytes chain, size_t at)
{
    const size_t begin = ++at;
    const bool any_name = text_is_at(chain, at, RC_BYTES_LITERAL("attr__"));
    while (at < chain.size && at - begin < PAIR_NAME_BYTES_MAX &&
           (any_name ? (stops[(unsigned char)chain.data[at]] & STOP_PAIR) == 0
                     : (unsigned char)chain.data[at] < 0x80 && rc_css_is_name_byte(chain.data[at])))
        at++;
    return at > begin && at + 1 < chain.size && chain.data[at] == '=' && chain.data[at + 1] == '"';
}

/* The colon before the attributes of Posthog's form; SIZE_MAX: the element is of the own form. */
static size_t
find_pairs(struct rc_bytes chain, size_t at)
{
    bool quoted = false;
    bool bracketed = false;
    for (; at < chain.size; at++) {
        const char c = chain.data[at];
        if (c == '\\')
            at++;
        else if (c == '"')
            quoted = !quoted;
        else if (quoted)
            continue;
        else if (c == '[' || c == ']')
            bracketed = c == '[';
        else if (c == ';')
            break;
        else if (c == ':' && !bracketed && pair_follows(chain, at))
            return at;
    }
    return SIZE_MAX;
}

static bool
take_text(struct rc_element_reader *reader, struct rc_bytes text)
{
    if (!text_is_at(reader->chain, reader->at, text))
        return false;
    reader->at += text.size;
    return true;
}

/* A position of the own form. */
static bool
skip_position(struct rc_element_reader *reader)
{
    const size_t begin = reader->at;
    if (!take_text(reader, RC_BYTES_LITERAL(":nth-child(")) &&
        !take_text(reader, RC_BYTES_LITERAL(":nth-of-type(")))
        return false;
    const size_t digits = reader->at;
    while (peek(reader) >= '0' && peek(reader) <= '9')
        reader->at++;
    if (reader->at > digits && take_text(reader, RC_BYTES_LITERAL(")")))
        return true;
    reader->at = begin;
    return false;
}

/* Behind a "[" of the own form. */
static enum rc_element_part_kind
read_attribute(struct rc_element_reader *reader,
               struct rc_writer *writer,
               struct run *ret_name,
               struct run *ret_value)
{
    *ret_name = read_run(reader, STOP_ATTRIBUTE, writer);
    *ret_value = (struct run){0};
    if (take_text(reader, RC_BYTES_LITERAL("="))) {
        if (!take_text(reader, RC_BYTES_LITERAL("\"")))
            *ret_value = read_run(reader, STOP_BARE, writer);
        else if (!read_quoted(reader, false, writer, ret_value))
            return RC_ELEMENT_BROKEN;
    }
    return ret_name->size > 0 && take_text(reader, RC_BYTES_LITERAL("]")) ? RC_ELEMENT_ATTRIBUTE
                                                                          : RC_ELEMENT_BROKEN;
}

/* A part of the own form, behind the tag and not at the end. */
static enum rc_element_part_kind
read_own(struct rc_element_reader *reader,
         struct rc_writer *writer,
         struct run *ret_name,
         struct run *ret_value)
{
    const char sign = peek(reader);
    if (sign == '[') {
        reader->at++;
        return read_attribute(reader, writer, ret_name, ret_value);
    }
    if (sign != '#' && sign != '.')
        return RC_ELEMENT_BROKEN;
    reader->at++;
    *ret_name = read_run(reader, STOP_NAME, writer);
    if (ret_name->size == 0)
        return RC_ELEMENT_BROKEN;
    return sign == '#' ? RC_ELEMENT_ID : RC_ELEMENT_CLASS;
}

/* Up to the next point of the head of Posthog's form. */
static struct run
read_piece(struct rc_element_reader *reader)
{
    struct run run = {.at = reader->at};
    while (reader->at < reader->pairs_at && reader->chain.data[reader->at] != '.')
        reader->at++;
    run.size = reader->at - run.at;
    return run;
}

/* A part of Posthog's form, behind the tag and not at the end; *ret_name is empty where it stands
 * for nothing. */
static enum rc_element_part_kind
read_posthog(struct rc_element_reader *reader,
             struct rc_writer *writer,
             struct run *ret_name,
             struct run *ret_value)
{
    *ret_value = (struct run){0};
    if (reader->at < reader->pairs_at) {
        reader->at++; /* The point. */
        *ret_name = read_piece(reader);
        return RC_ELEMENT_CLASS;
    }
    reader->at += reader->at == reader->pairs_at; /* The colon. */
    const size_t begin = reader->at;
    while (reader->at < reader->chain.size && (stops[(unsigned char)peek(reader)] & STOP_PAIR) == 0)
        reader->at++;
    struct run name = {.at = begin, .size = reader->at - begin};
    if (!take_text(reader, RC_BYTES_LITERAL("=\"")) ||
        !read_quoted(reader, true, writer, ret_value))
        return RC_ELEMENT_BROKEN;
    const struct rc_bytes written = {reader->chain.data + begin, name.size};
    if (name.size > 6 && memcmp(written.data, "attr__", 6) == 0)
        name = (struct run){.at = begin + 6, .size = name.size - 6};
    else if (rc_bytes_equal(written, RC_BYTES_LITERAL("attr_id")))
        name = (struct run){.at = begin + 5, .size = 2};
    else if (rc_bytes_equal(written, RC_BYTES_LITERAL("nth-child")) ||
             rc_bytes_equal(written, RC_BYTES_LITERAL("nth-of-type")))
        name.size = 0;
    *ret_name = name;
    return RC_ELEMENT_ATTRIBUTE;
}

/* Begins an element at its tag, which may be empty. */
static struct run
begin_element(struct rc_element_reader *reader, struct rc_writer *writer)
{
    reader->pairs_at = find_pairs(reader->chain, reader->at);
    reader->begun = true;
    reader->empty = true;
    return reader->pairs_at == SIZE_MAX ? read_run(reader, STOP_NAME, writer) : read_piece(reader);
}

/* At the end of an element: takes what ends it. */
static bool
take_end(struct rc_element_reader *reader)
{
    const bool posthog = reader->pairs_at != SIZE_MAX;
    if (posthog && reader->at <= reader->pairs_at)
        return false;
    if (reader->at < reader->chain.size && !take_text(reader, RC_BYTES_LITERAL(";")))
        return false;
    reader->begun = false;
    return true;
}

struct rc_element_part
rc_element_next(struct rc_element_reader *reader, struct rc_writer *writer)
{
    const struct rc_element_part broken = {.kind = RC_ELEMENT_BROKEN};
    writer->size = 0;
    while (!reader->ended) {
        struct run name = {0};
        struct run value = {0};
        enum rc_element_part_kind kind = RC_ELEMENT_TAG;
        if (!reader->begun) {
            reader->ended = reader->at == reader->chain.size;
            if (reader->ended)
                break;
            name = begin_element(reader, writer);
        } else if (take_end(reader)) {
            reader->ended = reader->empty;
            return reader->empty ? broken : (struct rc_element_part){.kind = RC_ELEMENT_END};
        } else if (reader->pairs_at != SIZE_MAX) {
            kind = read_posthog(reader, writer, &name, &value);
        } else if (!skip_position(reader)) {
            kind = read_own(reader, writer, &name, &value);
        }
        reader->empty = reader->empty && name.size == 0;
        reader->ended = kind == RC_ELEMENT_BROKEN;
        if (kind != RC_ELEMENT_BROKEN && name.size > 0)
            return (struct rc_element_part){.kind = kind,
                                            .name = bytes_of(reader, writer, name),
                                            .value = bytes_of(reader, writer, value)};
    }
    return broken;
}
