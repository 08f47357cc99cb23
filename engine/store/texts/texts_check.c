/*
 * Texts check: what texts.h promises of texts, found true or named. It costs a copy of every key,
 * to compare it with the next.
 */
#include "engine/base/arena.h"
#include "engine/store/texts/texts.h"
#include "engine/store/value/value_key.h"

/* Whether the cursor's text follows the one before, and is coded in the one way. */
static bool
follows(const struct rc_text_cursor *cursor, const struct rc_writer *before)
{
    const struct rc_bytes last = {(const char *)before->data, before->size};
    const size_t size_max = last.size < cursor->key.size ? last.size : cursor->key.size;
    const size_t common = rc_bytes_common(before->data, cursor->key.data, size_max);
    const bool whole = cursor->number % RC_TEXTS_BLOCK == 0;
    return (cursor->number == 0 || rc_bytes_compare(last, cursor->key) < 0) &&
           cursor->prefix == (whole ? 0 : common);
}

/* Whether the blocks begin where the one before ends. */
static bool
blocks_are_sound(const struct rc_texts *texts)
{
    const uint32_t block_count = rc_texts_block_count(texts->count);
    for (uint32_t i = 1; i < block_count; i++)
        if (texts->block_starts[i - 1] >= texts->block_starts[i])
            return false;
    return texts->block_starts[0] == 0 && texts->block_starts[block_count - 1] < texts->byte_count;
}

static enum rc_status
check_all(struct rc_text_cursor *cursor, struct rc_writer *before, struct rc_arena *arena)
{
    enum rc_status status;
    while ((status = rc_text_cursor_next(cursor)) == RC_OK) {
        const bool ends_block =
            cursor->next % RC_TEXTS_BLOCK == 0 || cursor->next == cursor->texts.count;
        if (!follows(cursor, before) || (ends_block && cursor->at != cursor->end))
            return RC_CORRUPT;
        RC_TRY(rc_value_key_check(cursor->key, arena));
        rc_arena_reset(arena);
        before->size = 0;
        rc_write_raw(before, cursor->key.data, cursor->key.size);
        if (before->failed)
            return RC_NO_MEMORY;
    }
    return status == RC_NOT_FOUND ? RC_OK : status;
}

enum rc_status
rc_texts_check(const struct rc_texts *texts, struct rc_error *reterr_error)
{
    if (texts->count == 0)
        return RC_OK;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    if (arena == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to check texts");
    if (!blocks_are_sound(texts))
        return rc_error_set(reterr_error, RC_CORRUPT, "the blocks of texts are out of order");
    RC_CLEANUP(rc_text_cursor_close) struct rc_text_cursor cursor;
    RC_CLEANUP(rc_writer_close) struct rc_writer before = {0};
    rc_text_cursor_open(&cursor, texts, NULL);
    const enum rc_status status = check_all(&cursor, &before, arena);
    if (status != RC_OK)
        return rc_error_set(reterr_error, status, "text %u of a column is broken", cursor.next);
    return RC_OK;
}
