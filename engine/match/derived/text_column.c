/*
 * Text column. Each code of the stored column is derived once and its value numbered in the order
 * of arrival; then values are put in their order, cells before texts, and rows get the new codes.
 * Texts ascend, and neighbours often derive to the same (URLs of a host): so a value is held
 * against the last one before it is looked up.
 */
#include "engine/match/derived/text_column.h"

#include <stdlib.h>
#include <string.h>

#include "engine/match/rows/row_codes.h"
#include "engine/store/texts/text_writer.h"
#include "engine/store/value/value_key.h"

uint32_t rc_text_column_values_max = UINT16_MAX;

/* A text is derived in 0.5 us, and a row takes a byte or two: with more rows to a text a column
 * saves less for its bytes than bitmaps do. A few texts are not worth an entry of the
 * cache. */
#define ROWS_A_TEXT_MAX 64u
#define TEXTS_MIN 4u

#define PIECE_ROWS 1024u
#define VALUES_BETWEEN_LOOKS 256u

/* Of a code that derives to null. */
#define NO_VALUE UINT32_MAX

struct making {
    const struct rc_text_column *source;
    const _Atomic(bool) *cancel;
    struct rc_arena *arena; /* Of the column. */
    struct rc_arena *items; /* Elements of a list, while it is derived. */
    struct rc_derive_scratch derive;
    struct rc_dictionary *values; /* Of the derived ones, as keys. */
    uint32_t last;                /* The value met last, or NO_VALUE. */
    struct rc_column_view stored;
    uint32_t *value_of; /* By stored code, and at the bound of rows without one. */
};

/* A derived value, to be put in its place. */
struct placed {
    struct rc_bytes key;
    rc_cell cell; /* RC_CELL_NULL: it is a text. */
    uint32_t value;
};

static void
close_making(struct making *making)
{
    rc_arena_free(making->items);
    rc_derive_scratch_close(&making->derive);
    rc_dictionary_free(making->values);
}

bool
rc_text_column_pays(const struct rc_text_column *column, const struct rc_slab *slab)
{
    struct rc_column_view view;
    return rc_slab_column(slab, column->property, &view) && view.texts.count >= TEXTS_MIN &&
           view.texts.count >= rc_slab_get_info(slab)->row_count / ROWS_A_TEXT_MAX;
}

/* ---- Values ---------------------------------------------------------------------------------- */

static enum rc_status
number_value(struct making *making, struct rc_value stored, uint32_t *ret_value)
{
    struct rc_value value;
    *ret_value = NO_VALUE;
    RC_TRY(rc_derive(making->source->deriver, stored, &making->derive, &value));
    if (value.kind == RC_VALUE_NULL)
        return RC_OK;
    RC_CLEANUP(rc_value_key_close) struct rc_value_key key;
    const enum rc_status status = rc_value_key_open(&key, value);
    RC_TRY(status);
    if (making->last == NO_VALUE ||
        !rc_bytes_equal(rc_dictionary_key(making->values, making->last), key.bytes))
        RC_TRY(rc_dictionary_intern(making->values, key.bytes, &making->last));
    *ret_value = making->last;
    return making->last < rc_text_column_values_max ? RC_OK : RC_NOT_FOUND;
}

static bool
cancelled(const struct making *making)
{
    return making->cancel != NULL && atomic_load_explicit(making->cancel, memory_order_relaxed);
}

static enum rc_status
derive_cells(struct making *making)
{
    for (uint32_t i = 0; i < making->stored.dictionary_count; i++) {
        struct rc_value value;
        if (i % VALUES_BETWEEN_LOOKS == 0 && cancelled(making))
            return RC_CANCELLED;
        RC_TRY(rc_cell_value(making->source->values, making->stored.dictionary[i], making->items,
                             &value));
        RC_TRY(number_value(making, value, &making->value_of[i]));
        rc_arena_reset(making->items);
    }
    return RC_OK;
}

static enum rc_status
derive_texts(struct making *making)
{
    const struct rc_texts *texts = &making->stored.texts;
    uint32_t *value_of = making->value_of + making->stored.dictionary_count;
    RC_CLEANUP(rc_text_cursor_close) struct rc_text_cursor cursor;
    rc_text_cursor_open(&cursor, texts, making->source->account);
    for (uint32_t i = 0; i < texts->count; i++) {
        struct rc_value value;
        if (i % VALUES_BETWEEN_LOOKS == 0 && cancelled(making))
            return RC_CANCELLED;
        RC_TRY(i == 0 ? rc_text_cursor_seek(&cursor, 0) : rc_text_cursor_next(&cursor));
        RC_TRY(rc_value_of_key(cursor.key, making->items, &value));
        RC_TRY(number_value(making, value, &value_of[i]));
        rc_arena_reset(making->items);
    }
    return RC_OK;
}

static enum rc_status
derive_values(struct making *making)
{
    const uint32_t bound = rc_column_code_bound(&making->stored);
    making->value_of = rc_arena_alloc(making->arena, ((size_t)bound + 1) * sizeof(uint32_t));
    if (making->value_of == NULL)
        return RC_NO_MEMORY;
    making->value_of[bound] = NO_VALUE;
    RC_TRY(derive_cells(making));
    return making->stored.texts.count == 0 ? RC_OK : derive_texts(making);
}

/* ---- Their order ----------------------------------------------------------------------------- */

static int
compare_placed(const void *a, const void *b)
{
    const struct placed *x = a;
    const struct placed *y = b;
    const bool x_is_text = x->cell == RC_CELL_NULL;
    const bool y_is_text = y->cell == RC_CELL_NULL;
    if (x_is_text != y_is_text)
        return x_is_text ? 1 : -1;
    return x_is_text ? rc_bytes_compare(x->key, y->key) : x->cell < y->cell ? -1 : 1;
}

/* Every value in order. */
static enum rc_status
place_values(struct making *making, struct placed **ret_placed)
{
    const uint32_t count = rc_dictionary_count(making->values);
    struct placed *placed = RC_ARENA_ARRAY(making->arena, struct placed, count);
    if (placed == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        struct rc_value value;
        placed[i] = (struct placed){.key = rc_dictionary_key(making->values, i), .value = i};
        RC_TRY(rc_value_of_key(placed[i].key, NULL, &value));
        if (!rc_cell_inline(value, &placed[i].cell))
            placed[i].cell = RC_CELL_NULL;
    }
    qsort(placed, count, sizeof(*placed), compare_placed);
    *ret_placed = placed;
    return RC_OK;
}

static enum rc_status
put_texts(struct rc_text_writer *writer, const struct placed *placed, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        RC_TRY(rc_text_writer_put(writer, placed[i].key));
    return RC_OK;
}

static enum rc_status
write_texts(struct making *making,
            const struct placed *placed,
            uint32_t count,
            struct rc_texts *ret_texts)
{
    RC_CLEANUP(rc_text_writer_close) struct rc_text_writer writer;
    rc_text_writer_open(&writer, making->source->account);
    RC_TRY(put_texts(&writer, placed, count));
    uint64_t *starts = RC_ARENA_ARRAY(making->arena, uint64_t, rc_texts_block_count(count));
    unsigned char *bytes = rc_arena_alloc(making->arena, writer.byte_count + 1);
    if (starts == NULL || bytes == NULL)
        return RC_NO_MEMORY;
    rc_text_writer_restart(&writer, starts, bytes);
    RC_TRY(put_texts(&writer, placed, count));
    *ret_texts = (struct rc_texts){
        .count = count, .byte_count = writer.byte_count, .block_starts = starts, .bytes = bytes};
    return RC_OK;
}

/* The dictionary and texts of the view, null first, and the code of each value by its number. */
static enum rc_status
order_values(struct making *making, struct rc_column_view *view, uint32_t *code_of)
{
    struct placed *placed;
    const uint32_t count = rc_dictionary_count(making->values);
    uint32_t cell_count = 0;
    RC_TRY(place_values(making, &placed));
    while (cell_count < count && placed[cell_count].cell != RC_CELL_NULL)
        cell_count++;
    rc_cell *cells = RC_ARENA_ARRAY(making->arena, rc_cell, (size_t)cell_count + 1);
    if (cells == NULL)
        return RC_NO_MEMORY;
    cells[0] = RC_CELL_NULL;
    for (uint32_t i = 0; i < count; i++) {
        code_of[placed[i].value] = i + 1;
        if (i < cell_count)
            cells[i + 1] = placed[i].cell;
    }
    view->dictionary = cells;
    view->dictionary_count = cell_count + 1;
    return cell_count == count
               ? RC_OK
               : write_texts(making, placed + cell_count, count - cell_count, &view->texts);
}

/* ---- Rows ------------------------------------------------------------------------------------ */

/* code_of: by stored code, and at the bound of rows without one. */
static enum rc_status
write_codes(struct making *making, const uint32_t *code_of, struct rc_column_view *view)
{
    uint32_t codes[PIECE_ROWS];
    uint32_t position = 0;
    const uint32_t bound = rc_column_code_bound(&making->stored);
    view->code_width = rc_column_code_bound(view) <= 1u << 8 ? 1 : 2;
    void *out = rc_arena_alloc(making->arena, (size_t)view->code_count * view->code_width);
    if (out == NULL)
        return RC_NO_MEMORY;
    view->codes = out;
    for (uint32_t row = 0; row < view->code_count; row += PIECE_ROWS) {
        const uint32_t left = view->code_count - row;
        const uint32_t count = left < PIECE_ROWS ? left : PIECE_ROWS;
        if (cancelled(making))
            return RC_CANCELLED;
        rc_row_codes(&making->stored, row, count, &position, codes);
        for (uint32_t i = 0; i < count; i++)
            codes[i] = code_of[codes[i] < bound ? codes[i] : bound];
        rc_codes_put(out, view->code_width, row, codes, count);
    }
    return RC_OK;
}

/* From numbers of values to their codes in the view, in place. */
static enum rc_status
rename_values(struct making *making, struct rc_column_view *view)
{
    const uint32_t bound = rc_column_code_bound(&making->stored);
    uint32_t *code_of =
        RC_ARENA_ARRAY(making->arena, uint32_t, rc_dictionary_count(making->values));
    if (code_of == NULL)
        return RC_NO_MEMORY;
    RC_TRY(order_values(making, view, code_of));
    for (uint32_t i = 0; i <= bound; i++)
        making->value_of[i] = making->value_of[i] == NO_VALUE ? 0 : code_of[making->value_of[i]];
    return RC_OK;
}

enum rc_status
rc_text_column_of_slab(const struct rc_text_column *column,
                       const struct rc_slab *slab,
                       const _Atomic(bool) *cancel,
                       struct rc_arena *arena,
                       struct rc_column_view *ret_view)
{
    struct rc_column_view view = {.form = RC_COLUMN_PLAIN,
                                  .property = RC_PROPERTY_NONE,
                                  .code_count = rc_slab_get_info(slab)->row_count};
    RC_CLEANUP(close_making)
    struct making making = {.source = column, .cancel = cancel, .arena = arena, .last = NO_VALUE};
    if (!rc_slab_column(slab, column->property, &making.stored))
        return RC_NOT_FOUND;
    making.items = rc_arena_new(column->account, 0);
    if (making.items == NULL)
        return RC_NO_MEMORY;
    RC_TRY(rc_dictionary_new(column->account, &making.values));
    RC_TRY(derive_values(&making));
    RC_TRY(rename_values(&making, &view));
    RC_TRY(write_codes(&making, making.value_of, &view));
    *ret_view = view;
    return RC_OK;
}
