/* Decode: hints about how a query is run. */
#include <stdio.h>

#include "server/decode/decode.h"

_Static_assert((int)RECOUNT__V1__CACHE_HINT__CACHE_HINT_KEEP == (int)RC_KEEP_ALWAYS &&
                   (int)RECOUNT__V1__CACHE_HINT__CACHE_HINT_KEEP_NOTHING == (int)RC_KEEP_NEVER &&
                   (int)RECOUNT__V1__FEED_HINT__FEED_HINT_EVENTS == (int)RC_WALK_HITS &&
                   (int)RECOUNT__V1__FEED_HINT__FEED_HINT_ROWS == (int)RC_WALK_ROWS,
               "hints have the same numbers");

/* The contract had two ways before the others; their numbers stay. */
static enum rc_access
access_of(Recount__V1__AccessPath path)
{
    switch (path) {
    case RECOUNT__V1__ACCESS_PATH__ACCESS_PATH_SCAN:
        return RC_ACCESS_SCAN;
    case RECOUNT__V1__ACCESS_PATH__ACCESS_PATH_BITMAP:
        return RC_ACCESS_BITMAP;
    case RECOUNT__V1__ACCESS_PATH__ACCESS_PATH_POSTINGS:
        return RC_ACCESS_POSTINGS;
    case RECOUNT__V1__ACCESS_PATH__ACCESS_PATH_SCAN_ONCE:
        return RC_ACCESS_SCAN_ONCE;
    case RECOUNT__V1__ACCESS_PATH__ACCESS_PATH_RULED_OUT:
        return RC_ACCESS_RULED_OUT;
    default:
        return RC_ACCESS_NONE;
    }
}

static uint32_t
forbidden_of(const Recount__V1__AccessPath *paths, size_t count)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < count; i++)
        bits |= (uint32_t)1 << access_of(paths[i]);
    return bits & ~((uint32_t)1 << RC_ACCESS_NONE);
}

/* The place at hand, and what follows it, for errors that are found later. */
static enum rc_status
name_field(struct rc_decode *decode, const char *below, const char **ret_field)
{
    char text[RC_ERROR_FIELD_BYTES + 32];
    const int size = snprintf(text, sizeof(text), "%s%s", decode->path, below);
    *ret_field = rc_arena_string(decode->arena, text, (size_t)size);
    return *ret_field == NULL ? rc_decode_no_memory(decode) : RC_OK;
}

static enum rc_status
decode_selectors(struct rc_decode *decode,
                 const Recount__V1__QueryHints *in,
                 struct rc_query_hints *hints)
{
    for (size_t i = 0; i < in->n_selectors; i++) {
        const Recount__V1__SelectorHint *selector = in->selectors[i];
        const size_t mark = rc_decode_enter_item(decode, "selectors", i);
        struct rc_access_hint *hint = &hints->access[hints->access_count++];
        if (selector->selector[0] == '\0')
            return rc_decode_fail(decode, RC_INVALID, "selector", "the selector is missing");
        RC_TRY(name_field(decode, "", &hint->field));
        hint->selector = rc_bytes_of(selector->selector);
        hint->forced = access_of(selector->access_path);
        hint->forbidden =
            forbidden_of(selector->forbidden_access_paths, selector->n_forbidden_access_paths);
        rc_decode_leave(decode, mark);
    }
    return RC_OK;
}

enum rc_status
rc_decode_hints(struct rc_decode *decode, const Recount__V1__QueryHints *in)
{
    if (in == NULL)
        return RC_OK;
    const size_t mark = rc_decode_enter(decode, "hints");
    if (in->n_selectors > RC_HINTS_MAX)
        return rc_decode_fail(decode, RC_INVALID, "selectors", "at most %u selectors have hints",
                              RC_HINTS_MAX);
    struct rc_query_hints *hints = rc_arena_zero(decode->arena, sizeof(*hints));
    struct rc_access_hint *access =
        RC_ARENA_ARRAY(decode->arena, struct rc_access_hint, in->n_selectors + 1);
    if (hints == NULL || access == NULL)
        return rc_decode_no_memory(decode);
    hints->access = access;
    hints->parallel = in->parallel;
    hints->keep = (enum rc_keep_hint)in->cache;
    hints->walk = (enum rc_walk_hint)in->feed;
    RC_TRY(name_field(decode, ".parallel", &hints->parallel_field));
    RC_TRY(name_field(decode, ".feed", &hints->feed_field));
    const uint32_t forbidden =
        forbidden_of(in->forbidden_access_paths, in->n_forbidden_access_paths);
    if (in->access_path != RECOUNT__V1__ACCESS_PATH__ACCESS_PATH_UNSPECIFIED || forbidden != 0) {
        struct rc_access_hint *all = &hints->access[hints->access_count++];
        all->forced = access_of(in->access_path);
        all->forbidden = forbidden;
        RC_TRY(name_field(
            decode, all->forced != RC_ACCESS_NONE ? ".access_path" : ".forbidden_access_paths",
            &all->field));
    }
    RC_TRY(decode_selectors(decode, in, hints));
    rc_decode_leave(decode, mark);
    decode->hints = hints;
    decode->explain = in->explain;
    return RC_OK;
}
