/*
 * Columns of a slab: the directory is searched by property; a view's addresses are computed from
 * its entry, and those of texts from what they begin with. A row's code is an index for PLAIN, a
 * binary search of the positions for RUNS and SPARSE, and a count of marks for the marked forms.
 */
#include "engine/base/assert.h"
#include "engine/base/search.h"
#include "engine/store/slab/marks.h"
#include "engine/store/slab/slab_format.h"
#include "engine/store/value/value_key.h"

static struct rc_texts
texts_at(const char *bytes)
{
    const struct rc_slab_texts *texts = (const struct rc_slab_texts *)(const void *)bytes;
    const uint64_t *block_starts = (const uint64_t *)(const void *)(texts + 1);
    return (struct rc_texts){
        .count = texts->text_count,
        .byte_count = texts->byte_count,
        .block_starts = block_starts,
        .bytes = (const unsigned char *)(block_starts + rc_texts_block_count(texts->text_count)),
    };
}

void
rc_slab_column_at(const struct rc_slab *slab, uint32_t index, struct rc_column_view *ret_view)
{
    RC_ASSERT(index < rc_slab_get_info(slab)->column_count);
    RC_ASSERT(rc_slab_has_column(slab, index)); /* rc_slab_use was asked for the columns. */
    const struct rc_slab_column *column = &rc_slab_directory(slab)[index];
    const struct rc_slab_column_layout layout =
        rc_slab_column_layout(column, rc_slab_get_info(slab)->row_count);
    const enum rc_column_form form = rc_slab_column_form(column);
    const char *bytes = (const char *)rc_slab_header_of(slab) + column->offset;
    const void *positions = bytes + layout.positions_at;
    const bool marked = rc_column_form_is_marked(form);
    *ret_view = (struct rc_column_view){
        .form = form,
        .property = column->property,
        .code_width = column->code_width,
        .code_count = column->code_count,
        .codes = bytes,
        .positions = marked || form == RC_COLUMN_PLAIN ? NULL : positions,
        .marks = marked ? positions : NULL,
        .ranks = marked ? (const uint32_t *)(const void *)(bytes + layout.ranks_at) : NULL,
        .dictionary = (const rc_cell *)(const void *)(bytes + layout.dictionary_at),
        .dictionary_count = column->dictionary_count,
    };
    if ((column->form & RC_SLAB_FORM_TEXTS) != 0)
        ret_view->texts = texts_at(bytes + layout.texts_at);
}

bool
rc_slab_column(const struct rc_slab *slab, uint32_t property, struct rc_column_view *ret_view)
{
    const struct rc_slab_column *columns = rc_slab_directory(slab);
    const uint32_t column_count = rc_slab_get_info(slab)->column_count;
    uint32_t low = 0;
    uint32_t count = column_count;
    while (count > 0) {
        const uint32_t half = count / 2;
        if (columns[low + half].property < property) {
            low += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    if (low == column_count || columns[low].property != property)
        return false;
    if (!rc_slab_need_column(slab, low))
        return false;
    rc_slab_column_at(slab, low, ret_view);
    return true;
}

static uint32_t
code_at(const struct rc_column_view *view, uint32_t index)
{
    if (view->code_width == 1)
        return ((const uint8_t *)view->codes)[index];
    if (view->code_width == 2)
        return ((const uint16_t *)view->codes)[index];
    return ((const uint32_t *)view->codes)[index];
}

uint32_t
rc_column_code(const struct rc_column_view *view, uint32_t row)
{
    if (view->form == RC_COLUMN_PLAIN)
        return code_at(view, row);
    if (view->form == RC_COLUMN_RUNS)
        return code_at(view, rc_lower_bound(view->positions, view->code_count + 1, row + 1) - 1);
    if (view->form == RC_COLUMN_MARKED_RUNS)
        return code_at(view, rc_marks_before(view, row + 1) - 1);
    if (view->form == RC_COLUMN_MARKED_ROWS)
        return (view->marks[row / 64] >> (row % 64) & 1) != 0
                   ? code_at(view, rc_marks_before(view, row))
                   : RC_CODE_NONE;
    const uint32_t at = rc_lower_bound(view->positions, view->code_count, row);
    const bool present = at < view->code_count && view->positions[at] == row;
    return present ? code_at(view, at) : RC_CODE_NONE;
}

static enum rc_status
value_of_text(const struct rc_texts *texts,
              uint32_t number,
              struct rc_arena *arena,
              struct rc_value *ret_value)
{
    RC_CLEANUP(rc_text_cursor_close) struct rc_text_cursor cursor;
    rc_text_cursor_open(&cursor, texts, NULL);
    RC_TRY(rc_text_cursor_seek(&cursor, number));
    const char *key = rc_arena_copy(arena, cursor.key.data, cursor.key.size);
    if (key == NULL)
        return RC_NO_MEMORY;
    return rc_value_of_key((struct rc_bytes){key, cursor.key.size}, arena, ret_value);
}

enum rc_status
rc_column_value(const struct rc_column_view *view,
                const struct rc_dictionary *dictionary,
                uint32_t code,
                struct rc_arena *arena,
                struct rc_value *ret_value)
{
    if (code == RC_CODE_NONE) {
        *ret_value = rc_value_null();
        return RC_OK;
    }
    RC_ASSERT(code < rc_column_code_bound(view));
    if (code < view->dictionary_count)
        return rc_cell_value(dictionary, view->dictionary[code], arena, ret_value);
    return value_of_text(&view->texts, code - view->dictionary_count, arena, ret_value);
}
