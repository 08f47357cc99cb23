/*
 * While rows arrive nobody knows how many strings there will be, so a row holds a mark: its kind in
 * the three high bits and the index among that kind below. The final codes number through strings,
 * ints, doubles and lists, and are made from the marks when the column is written, as narrow as
 * they can be; a column that few rows have is written sparse when that is shorter.
 */
#include "loaders/pack_column.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/assert.h"
#include "loaders/wire.h"

#define KIND_SHIFT 29
#define INDEX_MASK ((UINT32_C(1) << KIND_SHIFT) - 1)

enum kind { KIND_FIXED, KIND_TEXT, KIND_INT, KIND_DOUBLE, KIND_LIST, KIND_COUNT };

/* The codes that need no dictionary. */
enum { CODE_UNSET, CODE_NULL, CODE_FALSE, CODE_TRUE, CODE_FIXED_COUNT };

/* Field numbers of PropertyColumn, StringTable and StringLists. */
enum {
    COLUMN_NAME = 1,
    COLUMN_STRINGS,
    COLUMN_INTS,
    COLUMN_DOUBLES,
    COLUMN_LISTS,
    COLUMN_CODE_WIDTH,
    COLUMN_CODES,
    COLUMN_ROWS
};
enum { TABLE_TEXT = 1, TABLE_ENDS };
enum { LISTS_ELEMENTS = 1, LISTS_ENDS };

void
rc_pack_column_close(struct rc_pack_column *column)
{
    rc_pack_texts_close(&column->texts);
    rc_pack_numbers_close(&column->ints);
    rc_pack_numbers_close(&column->doubles);
    rc_alloc_free(column->list_elements);
    rc_alloc_free(column->list_ends);
    rc_alloc_free(column->marks);
    *column = (struct rc_pack_column){0};
}

void
rc_pack_column_reset(struct rc_pack_column *column)
{
    rc_pack_texts_reset(&column->texts);
    rc_pack_numbers_reset(&column->ints);
    rc_pack_numbers_reset(&column->doubles);
    column->list_element_count = 0;
    column->list_count = 0;
    column->row_end = 0;
    column->set_count = 0;
    column->has_fixed = false;
}

/* Makes room for the row and unsets those that were left out. */
static enum rc_status
rows_reach(struct rc_pack_column *column, uint32_t row)
{
    RC_ASSERT(row >= column->row_end);
    RC_TRY(RC_GROW(column->marks, column->mark_capacity, (size_t)row + 1));
    memset(column->marks + column->row_end, 0, (row - column->row_end) * sizeof(uint32_t));
    column->row_end = row;
    return RC_OK;
}

static inline enum rc_status
mark_set(struct rc_pack_column *column, uint32_t row, uint32_t mark)
{
    if (row != column->row_end || row >= column->mark_capacity)
        RC_TRY(rows_reach(column, row));
    column->marks[row] = mark;
    column->row_end = row + 1;
    column->set_count++;
    return RC_OK;
}

static inline enum rc_status
set(struct rc_pack_column *column, uint32_t row, enum kind kind, uint32_t index)
{
    RC_ASSERT(index <= INDEX_MASK);
    return mark_set(column, row, (uint32_t)kind << KIND_SHIFT | index);
}

enum rc_status
rc_pack_column_set_null(struct rc_pack_column *column, uint32_t row)
{
    column->has_fixed = true;
    return set(column, row, KIND_FIXED, CODE_NULL);
}

enum rc_status
rc_pack_column_set_bool(struct rc_pack_column *column, uint32_t row, bool value)
{
    column->has_fixed = true;
    return set(column, row, KIND_FIXED, value ? CODE_TRUE : CODE_FALSE);
}

enum rc_status
rc_pack_column_set_int(struct rc_pack_column *column, uint32_t row, int64_t value)
{
    uint32_t code;
    RC_TRY(rc_pack_numbers_code(&column->ints, (uint64_t)value, &code));
    return set(column, row, KIND_INT, code);
}

enum rc_status
rc_pack_column_set_double(struct rc_pack_column *column, uint32_t row, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    uint32_t code;
    RC_TRY(rc_pack_numbers_code(&column->doubles, bits, &code));
    return set(column, row, KIND_DOUBLE, code);
}

enum rc_status
rc_pack_column_set_text(struct rc_pack_column *column,
                        uint32_t row,
                        uint32_t hint,
                        struct rc_bytes text)
{
    uint32_t code;
    const uint32_t mark = hint < column->row_end ? column->marks[hint] : 0;
    if (mark >> KIND_SHIFT == KIND_TEXT &&
        rc_pack_texts_is(&column->texts, mark & INDEX_MASK, text))
        return mark_set(column, row, mark);
    RC_TRY(rc_pack_texts_code(&column->texts, text, &code));
    return set(column, row, KIND_TEXT, code);
}

enum rc_status
rc_pack_column_end_text(struct rc_pack_column *column,
                        uint32_t row,
                        struct rc_bytes text,
                        uint64_t begun)
{
    uint32_t code;
    RC_TRY(rc_pack_texts_end(&column->texts, text, begun, &code));
    return set(column, row, KIND_TEXT, code);
}

enum rc_status
rc_pack_column_set_list(struct rc_pack_column *column,
                        uint32_t row,
                        const struct rc_bytes *items,
                        uint32_t count)
{
    RC_TRY(RC_GROW(column->list_elements, column->list_element_capacity,
                   (size_t)column->list_element_count + count));
    RC_TRY(RC_GROW(column->list_ends, column->list_end_capacity, (size_t)column->list_count + 1));
    for (uint32_t i = 0; i < count; i++)
        RC_TRY(rc_pack_texts_code(&column->texts, items[i],
                                  &column->list_elements[column->list_element_count + i]));
    RC_TRY(set(column, row, KIND_LIST, column->list_count));
    column->list_element_count += count;
    column->list_ends[column->list_count++] = column->list_element_count;
    return RC_OK;
}

size_t
rc_pack_column_bytes(const struct rc_pack_column *column)
{
    return column->texts.text_size + 4 * (size_t)column->texts.count +
           8 * ((size_t)column->ints.count + column->doubles.count) +
           4 * ((size_t)column->list_element_count + column->list_count);
}

size_t
rc_pack_texts_size(const struct rc_pack_texts *texts)
{
    return texts->count == 0 ? 0
                             : rc_wire_bytes_size(texts->text_size) +
                                   rc_wire_bytes_size(4 * (size_t)texts->count);
}

unsigned char *
rc_pack_texts_put(const struct rc_pack_texts *texts, unsigned char *at)
{
    if (texts->count == 0)
        return at;
    at = rc_wire_put_bytes(at, TABLE_TEXT, texts->text, texts->text_size);
    return rc_wire_put_bytes(at, TABLE_ENDS, texts->ends, 4 * (size_t)texts->count);
}

/* How a column is written. */
struct shape {
    uint32_t base[KIND_COUNT]; /* The code of index 0 of each kind. */
    uint32_t width;            /* Bytes of a code. */
    uint32_t code_count;       /* Codes written. */
    bool sparse;
    size_t lists_size;
};

static struct shape
shape_of(const struct rc_pack_column *column, uint32_t row_count)
{
    RC_ASSERT(column->row_end <= row_count);
    struct shape shape = {.code_count = row_count};
    shape.base[KIND_TEXT] = CODE_FIXED_COUNT;
    shape.base[KIND_INT] = shape.base[KIND_TEXT] + column->texts.count;
    shape.base[KIND_DOUBLE] = shape.base[KIND_INT] + column->ints.count;
    shape.base[KIND_LIST] = shape.base[KIND_DOUBLE] + column->doubles.count;
    const uint32_t end = shape.base[KIND_LIST] + column->list_count;
    shape.width = end <= 256 ? 1 : end <= 65536 ? 2 : 4;
    const uint64_t sparse_bytes = (uint64_t)column->set_count * (4 + shape.width);
    shape.sparse = sparse_bytes < (uint64_t)row_count * shape.width;
    if (shape.sparse)
        shape.code_count = column->set_count;
    if (column->list_count > 0)
        shape.lists_size = rc_wire_bytes_size(4 * (size_t)column->list_element_count) +
                           rc_wire_bytes_size(4 * (size_t)column->list_count);
    return shape;
}

size_t
rc_pack_column_size(const struct rc_pack_column *column, uint32_t row_count)
{
    const struct shape shape = shape_of(column, row_count);
    size_t size = rc_wire_bytes_size(column->name.size);
    if (column->texts.count > 0)
        size += rc_wire_bytes_size(rc_pack_texts_size(&column->texts));
    if (column->ints.count > 0)
        size += rc_wire_bytes_size(8 * (size_t)column->ints.count);
    if (column->doubles.count > 0)
        size += rc_wire_bytes_size(8 * (size_t)column->doubles.count);
    if (column->list_count > 0)
        size += rc_wire_bytes_size(shape.lists_size);
    size += rc_wire_number_size(shape.width);
    size += rc_wire_bytes_size((size_t)shape.code_count * shape.width);
    if (shape.sparse)
        size += rc_wire_bytes_size(4 * (size_t)shape.code_count);
    return size;
}

static inline unsigned char *
code_put(unsigned char *at, uint32_t code, uint32_t width)
{
    *at++ = (unsigned char)code;
    if (width >= 2)
        *at++ = (unsigned char)(code >> 8);
    if (width == 4) {
        *at++ = (unsigned char)(code >> 16);
        *at++ = (unsigned char)(code >> 24);
    }
    return at;
}

/* Whether no row has a value of another kind. */
static bool
is_all_text(const struct rc_pack_column *column)
{
    return !column->has_fixed && column->ints.count == 0 && column->doubles.count == 0 &&
           column->list_count == 0;
}

/* The dense, narrow codes of such a column, in loops without a branch. */
static unsigned char *
text_codes_put(const struct rc_pack_column *column,
               const struct shape *shape,
               uint32_t row_count,
               unsigned char *at)
{
    const uint32_t count = column->row_end;
    const uint32_t *marks = column->marks;
    const uint32_t moved = shape->base[KIND_TEXT] - ((uint32_t)KIND_TEXT << KIND_SHIFT);
    for (uint32_t row = 0; row < count && shape->width == 1; row++)
        at[row] = (unsigned char)(marks[row] == 0 ? 0 : marks[row] + moved);
    for (uint32_t row = 0; row < count && shape->width == 2; row++) {
        const uint16_t code = (uint16_t)(marks[row] == 0 ? 0 : marks[row] + moved);
        memcpy(at + 2 * (size_t)row, &code, sizeof(code));
    }
    memset(at + (size_t)column->row_end * shape->width, 0,
           (size_t)(row_count - column->row_end) * shape->width);
    return at + (size_t)row_count * shape->width;
}

static unsigned char *
codes_put(const struct rc_pack_column *column,
          const struct shape *shape,
          uint32_t row_count,
          unsigned char *at)
{
    at = rc_wire_put_head(at, COLUMN_CODES, (size_t)shape->code_count * shape->width);
    if (!shape->sparse && shape->width <= 2 && is_all_text(column))
        return text_codes_put(column, shape, row_count, at);
    for (uint32_t row = 0; row < column->row_end; row++) {
        const uint32_t mark = column->marks[row];
        if (mark == 0 && shape->sparse)
            continue;
        at = code_put(at, shape->base[mark >> KIND_SHIFT] + (mark & INDEX_MASK), shape->width);
    }
    if (!shape->sparse) {
        const size_t rest = (size_t)(row_count - column->row_end) * shape->width;
        memset(at, 0, rest);
        return at + rest;
    }
    at = rc_wire_put_head(at, COLUMN_ROWS, 4 * (size_t)shape->code_count);
    for (uint32_t row = 0; row < column->row_end; row++)
        if (column->marks[row] != 0)
            at = code_put(at, row, 4);
    return at;
}

unsigned char *
rc_pack_column_put(const struct rc_pack_column *column, uint32_t row_count, unsigned char *at)
{
    const struct shape shape = shape_of(column, row_count);
    at = rc_wire_put_bytes(at, COLUMN_NAME, column->name.data, column->name.size);
    if (column->texts.count > 0) {
        at = rc_wire_put_head(at, COLUMN_STRINGS, rc_pack_texts_size(&column->texts));
        at = rc_pack_texts_put(&column->texts, at);
    }
    if (column->ints.count > 0)
        at =
            rc_wire_put_bytes(at, COLUMN_INTS, column->ints.values, 8 * (size_t)column->ints.count);
    if (column->doubles.count > 0)
        at = rc_wire_put_bytes(at, COLUMN_DOUBLES, column->doubles.values,
                               8 * (size_t)column->doubles.count);
    if (column->list_count > 0) {
        at = rc_wire_put_head(at, COLUMN_LISTS, shape.lists_size);
        at = rc_wire_put_bytes(at, LISTS_ELEMENTS, column->list_elements,
                               4 * (size_t)column->list_element_count);
        at = rc_wire_put_bytes(at, LISTS_ENDS, column->list_ends, 4 * (size_t)column->list_count);
    }
    at = rc_wire_put_number(at, COLUMN_CODE_WIDTH, shape.width);
    return codes_put(column, &shape, row_count, at);
}
