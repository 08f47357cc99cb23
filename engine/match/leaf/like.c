/*
 * Like: a pattern without _ is texts between %. The first and the last are anchored, the others are
 * found one after the other, each as far left as possible, which leaves most room for the rest;
 * memmem is linear, so the whole is. A _ inside a text would make the search quadratic, so such
 * patterns become an automaton.
 */
#include "engine/match/leaf/like.h"

#include "engine/match/leaf/pattern.h"

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
has_underscore(struct rc_bytes pattern)
{
    for (size_t i = 0; i < pattern.size; i++) {
        if (pattern.data[i] == '\\')
            i++;
        else if (pattern.data[i] == '_')
            return true;
    }
    return false;
}

/* Copies the text up to the next bare % or the end into out; returns the index of where
 * it stopped. */
static size_t
copy_text(struct rc_bytes pattern, size_t at, char *out, size_t *ret_size)
{
    size_t size = 0;
    for (; at < pattern.size && pattern.data[at] != '%'; at++) {
        if (pattern.data[at] == '\\')
            at++;
        out[size++] = pattern.data[at];
    }
    *ret_size = size;
    return at;
}

enum rc_status
rc_like_compile(struct rc_bytes pattern, struct rc_arena *arena, struct rc_like *ret_like)
{
    if (!rc_like_is_valid(pattern))
        return RC_INVALID;
    struct rc_like like = {.exact = true};
    if (has_underscore(pattern)) {
        RC_TRY(rc_pattern_new_like(pattern.data, pattern.size, &like.automaton, NULL));
        *ret_like = like;
        return RC_OK;
    }
    char *text = rc_arena_alloc(arena, pattern.size + 1);
    struct rc_bytes *middles = RC_ARENA_ARRAY(arena, struct rc_bytes, pattern.size / 2 + 1);
    if (text == NULL || middles == NULL)
        return RC_NO_MEMORY;
    size_t size;
    size_t at = copy_text(pattern, 0, text, &size);
    like.first = (struct rc_bytes){text, size};
    like.middles = middles;
    while (at < pattern.size) { /* At a %. */
        like.exact = false;
        text += size;
        at = copy_text(pattern, at + 1, text, &size);
        const struct rc_bytes part = {text, size};
        if (at == pattern.size)
            like.last = part;
        else if (size > 0)
            middles[like.middle_count++] = part;
    }
    *ret_like = like;
    return RC_OK;
}

void
rc_like_close(struct rc_like *like)
{
    like->automaton = rc_pattern_free(like->automaton);
}

/* A pattern without an _. */
static bool
parts_match(const struct rc_like *like, struct rc_bytes text)
{
    if (like->exact)
        return rc_bytes_equal(like->first, text);
    if (text.size < like->first.size + like->last.size)
        return false;
    if (like->first.size > 0 && memcmp(text.data, like->first.data, like->first.size) != 0)
        return false;
    if (like->last.size > 0 &&
        memcmp(text.data + text.size - like->last.size, like->last.data, like->last.size) != 0)
        return false;
    const char *at = text.data + like->first.size;
    size_t left = text.size - like->first.size - like->last.size;
    for (uint32_t i = 0; i < like->middle_count; i++) {
        const struct rc_bytes middle = like->middles[i];
        const char *found = left == 0 ? NULL : memmem(at, left, middle.data, middle.size);
        if (found == NULL)
            return false;
        left -= (size_t)(found - at) + middle.size;
        at = found + middle.size;
    }
    return true;
}

enum rc_status
rc_like_match(const struct rc_like *like, struct rc_bytes text, bool *ret_matches)
{
    if (like->automaton != NULL)
        return rc_pattern_search(like->automaton, text.data, text.size, ret_matches);
    *ret_matches = parts_match(like, text);
    return RC_OK;
}
