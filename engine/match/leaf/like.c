/*
 * Like: pieces between %. The first and the last are anchored, the others are found one after the
 * other, each as far left as possible, which leaves most room for the rest.
 *
 * A piece without _ is one text, and memmem is linear, so the whole is. One with _ is several texts
 * with gaps: where the first is found the others are compared, and if they do not fit the search
 * goes on behind its beginning. That may come to comparing the whole piece at each place of the
 * text, so steps are counted and a match that takes too many is given up. An automaton of the whole
 * pattern has states without number where gaps are long, and is no better.
 */
#include "engine/match/leaf/like.h"

/* Steps of a match: a nanosecond each. A text that is sought is read before, at each place anew;
 * one that is compared is so by vectors of bytes. */
#define STEPS_MAX 4000000u
#define STEPS_PER_PLACE 16u
#define STEPS_PER_SOUGHT_BYTE 2u
#define STEPS_PER_TEXT 2u
#define BYTES_COMPARED_PER_STEP 16u

bool
rc_like_is_valid(struct rc_bytes pattern)
{
    for (size_t i = 0; i < pattern.size; i++) {
        if (pattern.data[i] == '\\' && ++i == pattern.size)
            return false;
    }
    return true;
}

static bool
begins_character(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

/* ---- Compiling ------------------------------------------------------------------------------- */

/* Where a pattern's texts and runs are put. */
struct compiler {
    struct rc_bytes pattern;
    size_t at;
    char *text;
    struct rc_like_run *run;
};

/* One run, up to a % or the next _ behind its text. */
static struct rc_like_run
read_run(struct compiler *compiler, uint32_t *characters)
{
    const struct rc_bytes pattern = compiler->pattern;
    struct rc_like_run run = {.text = {compiler->text, 0}};
    for (; compiler->at < pattern.size && pattern.data[compiler->at] == '_'; compiler->at++)
        run.gap++;
    *characters += run.gap;
    for (; compiler->at < pattern.size; compiler->at++) {
        char c = pattern.data[compiler->at];
        if (c == '%' || c == '_')
            break;
        if (c == '\\')
            c = pattern.data[++compiler->at];
        *compiler->text++ = c;
        run.text.size++;
        *characters += begins_character(c);
    }
    return run;
}

/* Up to the next % or the end. */
static struct rc_like_piece
read_piece(struct compiler *compiler)
{
    struct rc_like_piece piece = {.runs = compiler->run};
    while (compiler->at < compiler->pattern.size && compiler->pattern.data[compiler->at] != '%') {
        *compiler->run++ = read_run(compiler, &piece.characters);
        piece.run_count++;
    }
    return piece;
}

enum rc_status
rc_like_compile(struct rc_bytes pattern, struct rc_arena *arena, struct rc_like *ret_like)
{
    if (!rc_like_is_valid(pattern))
        return RC_INVALID;
    struct rc_like like = {.exact = true};
    struct compiler compiler = {
        .pattern = pattern,
        .text = rc_arena_alloc(arena, pattern.size + 1),
        .run = RC_ARENA_ARRAY(arena, struct rc_like_run, pattern.size + 1),
    };
    struct rc_like_piece *middles =
        RC_ARENA_ARRAY(arena, struct rc_like_piece, pattern.size / 2 + 1);
    if (compiler.text == NULL || compiler.run == NULL || middles == NULL)
        return RC_NO_MEMORY;
    like.first = read_piece(&compiler);
    like.middles = middles;
    while (compiler.at < pattern.size) { /* At a %. */
        like.exact = false;
        compiler.at++;
        const struct rc_like_piece piece = read_piece(&compiler);
        if (compiler.at == pattern.size)
            like.last = piece;
        else if (piece.run_count > 0)
            middles[like.middle_count++] = piece;
    }
    *ret_like = like;
    return RC_OK;
}

/* ---- Matching -------------------------------------------------------------------------------- */

struct matching {
    const char *at;
    const char *end;
    uint64_t steps;
};

static bool
skip_characters(struct matching *matching, uint32_t count)
{
    const char *at = matching->at;
    for (; count > 0; count--) {
        if (at == matching->end)
            return false;
        for (at++; at < matching->end && !begins_character(*at);)
            at++;
    }
    matching->steps += (uint64_t)(at - matching->at);
    matching->at = at;
    return true;
}

static bool
take_text(struct matching *matching, struct rc_bytes text)
{
    matching->steps += STEPS_PER_TEXT + text.size / BYTES_COMPARED_PER_STEP;
    if ((size_t)(matching->end - matching->at) < text.size ||
        (text.size > 0 && memcmp(matching->at, text.data, text.size) != 0))
        return false;
    matching->at += text.size;
    return true;
}

/* Takes the runs of a piece from first on at the place. */
static bool
take_runs(struct matching *matching, const struct rc_like_piece *piece, uint32_t first)
{
    for (uint32_t i = first; i < piece->run_count; i++)
        if (!skip_characters(matching, piece->runs[i].gap) ||
            !take_text(matching, piece->runs[i].text))
            return false;
    return true;
}

/* Takes the piece as far left as possible. The first text of it alone is looked for: where that
 * stands furthest left, with what follows, the piece does. */
static bool
find_piece(struct matching *matching, const struct rc_like_piece *piece)
{
    const struct rc_bytes text = piece->runs[0].text;
    if (!skip_characters(matching, piece->runs[0].gap))
        return false;
    if (text.size == 0)
        return true; /* It is a gap and nothing else. */
    while (matching->steps <= STEPS_MAX) {
        const size_t left = (size_t)(matching->end - matching->at);
        const char *found = left == 0 ? NULL : memmem(matching->at, left, text.data, text.size);
        if (found == NULL)
            return false;
        matching->at = found + text.size;
        if (piece->run_count > 1)
            matching->steps += STEPS_PER_PLACE + STEPS_PER_SOUGHT_BYTE * text.size;
        if (take_runs(matching, piece, 1))
            return true;
        matching->at = found + 1;
    }
    return false;
}

/* Takes the piece from the end: the characters it has are cut off there, which shows where. */
static bool
take_last(struct matching *matching, const struct rc_like_piece *piece)
{
    const char *begin = matching->end;
    for (uint32_t count = piece->characters; count > 0; count--) {
        if (begin == matching->at)
            return false;
        for (begin--; !begins_character(*begin);)
            begin--;
    }
    struct matching last = {.at = begin, .end = matching->end};
    if (!take_runs(&last, piece, 0))
        return false;
    matching->end = begin;
    return true;
}

enum rc_status
rc_like_match(const struct rc_like *like, struct rc_bytes text, bool *ret_matches)
{
    struct matching matching = {.at = text.data, .end = text.data + text.size};
    bool matches = take_runs(&matching, &like->first, 0);
    if (like->exact)
        matches = matches && matching.at == matching.end;
    else
        matches = matches && take_last(&matching, &like->last);
    for (uint32_t i = 0; i < like->middle_count && matches; i++)
        matches = find_piece(&matching, &like->middles[i]);
    if (matching.steps > STEPS_MAX)
        return RC_TOO_SLOW;
    *ret_matches = matches;
    return RC_OK;
}
