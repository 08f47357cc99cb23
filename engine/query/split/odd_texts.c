/* Odd texts. A key begins with its value's kind, so kinds are ranges; and a numeric string begins
 * with a minus or a digit. */
#include "engine/query/split/odd_texts.h"

#include "engine/store/value/value_key.h"

/* Texts visited between two looks at the cancel flag. */
#define TEXTS_BETWEEN_LOOKS 4096u

/* Between keys in their order: numbers, strings, strings that may be numbers, strings, lists. */
static const struct rc_bytes borders[4] = {
    {(const char[]){RC_VALUE_STRING}, 1},
    {(const char[]){RC_VALUE_STRING, '-'}, 2},
    {(const char[]){RC_VALUE_STRING, '9' + 1}, 2},
    {(const char[]){RC_VALUE_LIST}, 1},
};

static enum rc_status
visit_range(const struct rc_odd_texts_walk *walk,
            struct rc_text_cursor *cursor,
            uint32_t first,
            uint32_t end)
{
    for (uint32_t number = first; number < end; number++) {
        struct rc_value value;
        if (number % TEXTS_BETWEEN_LOOKS == 0 && walk->cancel != NULL &&
            atomic_load_explicit(walk->cancel, memory_order_relaxed))
            return RC_CANCELLED;
        RC_TRY(rc_text_cursor_seek(cursor, number));
        RC_TRY(rc_value_of_key(cursor->key, walk->scratch, &value));
        RC_TRY(walk->visit(walk->context, number, value));
        rc_arena_reset(walk->scratch);
    }
    return RC_OK;
}

enum rc_status
rc_odd_texts_walk(const struct rc_odd_texts_walk *walk)
{
    uint32_t at[4];
    bool equal;
    for (uint32_t i = 0; i < 4; i++)
        RC_TRY(rc_texts_lower_bound(walk->texts, borders[i], &at[i], &equal));
    RC_CLEANUP(rc_text_cursor_close) struct rc_text_cursor cursor;
    rc_text_cursor_open(&cursor, walk->texts, walk->account);
    RC_TRY(visit_range(walk, &cursor, 0, at[0]));
    RC_TRY(visit_range(walk, &cursor, at[1], at[2]));
    return visit_range(walk, &cursor, at[3], walk->texts->count);
}

enum rc_status
rc_odd_texts_strings(const struct rc_texts *texts, uint32_t *ret_first, uint32_t *ret_end)
{
    uint32_t first;
    uint32_t end;
    bool equal;
    RC_TRY(rc_texts_lower_bound(texts, borders[0], &first, &equal));
    RC_TRY(rc_texts_lower_bound(texts, borders[3], &end, &equal));
    *ret_first = first;
    *ret_end = end;
    return RC_OK;
}
