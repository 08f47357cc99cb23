/*
 * Column builder. The form is the one of fewest bytes, positions and dictionary included; but
 * PLAIN, which is read fastest, unless another takes three bits a row less. The choice is a
 * function of the rows alone, so that a slab's bytes do not depend on the way its rows came
 * together.
 *
 * A slab of all rows of one head, which is every seal, has columns whose codes and texts are those
 * of the source already, and were counted when they were made: nothing is merged or read twice.
 */
#include "engine/store/builder/column_builder.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/store/builder/code_marks.h"
#include "engine/store/builder/column_reader.h"

#define BLOCK_ROWS 2048u
#define PLAIN_AHEAD_BITS 3u /* A row. */

_Static_assert(BLOCK_ROWS % 64 == 0, "marks are written by whole words");

struct measures {
    uint32_t value_count; /* Rows that are not null. */
    uint32_t run_count;
    uint32_t row_count;
};

/* What a column holds beside codes. */
struct content {
    uint32_t cell_count; /* Without null. */
    uint32_t text_count;
    uint64_t text_bytes;
};

static enum rc_status
measure_rows(struct rc_column_reader *reader, struct measures *measures)
{
    uint32_t codes[BLOCK_ROWS];
    uint32_t count;
    uint32_t before = UINT32_MAX; /* No code: a dictionary is smaller. */
    while ((count = rc_column_reader_next(reader, codes, BLOCK_ROWS)) > 0) {
        rc_code_marks_count(codes, count, before, &measures->run_count, &measures->value_count);
        measures->row_count += count;
        before = codes[count - 1];
        if (rc_build_cancelled(reader->build->cancel))
            return RC_CANCELLED;
    }
    return RC_OK;
}

static struct rc_column_plan
shape_of(uint32_t property,
         enum rc_column_form form,
         uint32_t code_count,
         uint32_t cell_count,
         uint32_t row_count,
         const struct content *content)
{
    const uint32_t text_count = content->text_count;
    struct rc_slab_column column = {
        .property = property,
        .form = form | (text_count > 0 ? RC_SLAB_FORM_TEXTS : 0),
        .code_width = rc_slab_code_width((uint64_t)cell_count + text_count),
        .code_count = code_count,
        .dictionary_count = cell_count,
    };
    column.size = rc_slab_column_layout(&column, row_count).texts_at +
                  rc_slab_texts_size(text_count, content->text_bytes);
    return (struct rc_column_plan){column, text_count};
}

static struct rc_column_plan
best_shape(uint32_t property, const struct measures *measures, const struct content *content)
{
    const uint32_t rows = measures->row_count;
    const uint32_t runs = measures->run_count;
    const uint32_t values = measures->value_count;
    const uint32_t cells = content->cell_count;
    const uint32_t with_null = cells + (values < rows ? 1 : 0);
    const struct rc_column_plan shapes[] = {
        shape_of(property, RC_COLUMN_PLAIN, rows, with_null, rows, content),
        shape_of(property, RC_COLUMN_RUNS, runs, with_null, rows, content),
        shape_of(property, RC_COLUMN_SPARSE, values, cells, rows, content),
        shape_of(property, RC_COLUMN_MARKED_RUNS, runs, with_null, rows, content),
        shape_of(property, RC_COLUMN_MARKED_ROWS, values, cells, rows, content),
    };
    const struct rc_column_plan *best = &shapes[1];
    for (size_t i = 2; i < sizeof(shapes) / sizeof(*shapes); i++)
        best = shapes[i].column.size < best->column.size ? &shapes[i] : best;
    const uint64_t ahead = (uint64_t)rows * PLAIN_AHEAD_BITS / 8;
    return best->column.size + ahead < shapes[0].column.size ? *best : shapes[0];
}

/* Whether the new slab is all rows of one head, in the order in which they are sorted. */
static bool
is_one_head(const struct rc_slab_build *build)
{
    const struct rc_build_source *source = &build->sources[0];
    return build->source_count == 1 && source->slab == NULL &&
           source->kept_count == source->row_count;
}

static struct rc_column_plan
plan_of_head(const struct rc_slab_build *build, uint32_t property)
{
    struct rc_column_view view;
    struct rc_cell_counts counts;
    const bool found = rc_build_source_rows_column(&build->sources[0], property, &view, &counts);
    RC_ASSERT(found && counts.value_count > 0);
    const struct measures measures = {counts.value_count, counts.run_count, view.code_count};
    const struct content content = {
        .cell_count = view.dictionary_count - (rc_column_has_null(&view) ? 1 : 0),
        .text_count = view.texts.count,
        .text_bytes = view.texts.byte_count,
    };
    RC_ASSERT(measures.row_count == build->order->row_count);
    return best_shape(property, &measures, &content);
}

enum rc_status
rc_column_measure(const struct rc_slab_build *build,
                  uint32_t property,
                  struct rc_arena *scratch,
                  struct rc_column_plan *ret_plan)
{
    if (is_one_head(build)) {
        *ret_plan = plan_of_head(build, property);
        return RC_OK;
    }
    rc_arena_reset(scratch);
    struct rc_column_reader reader;
    struct measures measures = {0};
    RC_CLEANUP(rc_text_writer_close) struct rc_text_writer texts;
    rc_text_writer_open(&texts, NULL);
    RC_TRY(rc_column_reader_open(build, property, scratch, &texts, &reader));
    RC_TRY(measure_rows(&reader, &measures));
    RC_ASSERT(measures.row_count == build->order->row_count);
    if (measures.value_count == 0) {
        *ret_plan = (struct rc_column_plan){.column.property = property};
        return RC_OK;
    }
    const struct content content = {reader.merged.cell_count, texts.count, texts.byte_count};
    *ret_plan = best_shape(property, &measures, &content);
    return RC_OK;
}

/* Where the next code goes, and how codes with null as 0 become those of the column's
 * dictionary. */
struct pen {
    char *codes;
    uint32_t *positions;
    uint64_t *marks; /* Or these, zeroed. */
    uint32_t code_width;
    uint32_t count; /* Codes written. */
    uint32_t row;
    uint32_t before; /* The code of the row before. */
    uint32_t bias;   /* 1 when null is not in the dictionary. */
};

static void
put_code(struct pen *pen, uint32_t code)
{
    const uint32_t stored = code - pen->bias;
    if (pen->code_width == 1)
        ((uint8_t *)pen->codes)[pen->count++] = (uint8_t)stored;
    else if (pen->code_width == 2)
        ((uint16_t *)(void *)pen->codes)[pen->count++] = (uint16_t)stored;
    else
        ((uint32_t *)(void *)pen->codes)[pen->count++] = stored;
}

static void
put_plain(struct pen *pen, const uint32_t *codes, uint32_t count)
{
    const uint32_t bias = pen->bias;
    if (pen->code_width == 1) {
        uint8_t *to = (uint8_t *)pen->codes + pen->count;
        for (uint32_t i = 0; i < count; i++)
            to[i] = (uint8_t)(codes[i] - bias);
    } else if (pen->code_width == 2) {
        uint16_t *to = (uint16_t *)(void *)pen->codes + pen->count;
        for (uint32_t i = 0; i < count; i++)
            to[i] = (uint16_t)(codes[i] - bias);
    } else {
        uint32_t *to = (uint32_t *)(void *)pen->codes + pen->count;
        for (uint32_t i = 0; i < count; i++)
            to[i] = codes[i] - bias;
    }
    pen->count += count;
}

static void
put_runs(struct pen *pen, const uint32_t *codes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (codes[i] == pen->before)
            continue;
        pen->before = codes[i];
        pen->positions[pen->count] = pen->row + i;
        put_code(pen, codes[i]);
    }
    pen->row += count;
}

static void
put_sparse(struct pen *pen, const uint32_t *codes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (codes[i] == 0)
            continue;
        pen->positions[pen->count] = pen->row + i;
        put_code(pen, codes[i]);
    }
    pen->row += count;
}

/* Puts the codes that have a mark. */
static void
put_marked(struct pen *pen, bool runs, const uint32_t *codes, uint32_t count)
{
    uint32_t kept[BLOCK_ROWS];
    uint32_t kept_count = 0;
    uint32_t before = pen->before;
    RC_ASSERT(count <= BLOCK_ROWS && pen->row % 64 == 0);
    for (uint32_t base = 0; base < count; base += 64) {
        const uint32_t rows = count - base < 64 ? count - base : 64;
        const uint64_t marks = rc_code_marks(codes + base, rows, runs, before);
        for (uint64_t left = marks; left != 0; left &= left - 1)
            kept[kept_count++] = codes[base + (uint32_t)__builtin_ctzll(left)];
        before = codes[base + rows - 1];
        pen->marks[(pen->row + base) / 64] = marks;
    }
    put_plain(pen, kept, kept_count);
    pen->before = before;
    pen->row += count;
}

static void
put_codes(struct pen *pen, enum rc_column_form form, const uint32_t *codes, uint32_t count)
{
    if (form == RC_COLUMN_PLAIN)
        put_plain(pen, codes, count);
    else if (form == RC_COLUMN_RUNS)
        put_runs(pen, codes, count);
    else if (form == RC_COLUMN_SPARSE)
        put_sparse(pen, codes, count);
    else
        put_marked(pen, form == RC_COLUMN_MARKED_RUNS, codes, count);
}

static enum rc_status
write_codes(struct rc_column_reader *reader, enum rc_column_form form, struct pen *pen)
{
    uint32_t codes[BLOCK_ROWS];
    uint32_t count;
    while ((count = rc_column_reader_next(reader, codes, BLOCK_ROWS)) > 0) {
        put_codes(pen, form, codes, count);
        if (rc_build_cancelled(reader->build->cancel))
            return RC_CANCELLED;
    }
    return RC_OK;
}

/* The place of texts in a column's bytes, with their head filled in; text_count > 0. Returns where
 * their blocks start, which their bytes follow. */
static uint64_t *
texts_place(const struct rc_column_plan *plan, uint64_t texts_at, char *bytes)
{
    struct rc_slab_texts *texts = (struct rc_slab_texts *)(void *)(bytes + texts_at);
    const uint64_t starts_size = (uint64_t)rc_texts_block_count(plan->text_count) * 8;
    *texts = (struct rc_slab_texts){
        .text_count = plan->text_count,
        .byte_count = plan->column.size - texts_at - sizeof(*texts) - starts_size,
    };
    return (uint64_t *)(void *)(texts + 1);
}

/* A writer into the texts' place in a column's bytes. */
static void
open_texts(const struct rc_column_plan *plan,
           uint64_t texts_at,
           char *bytes,
           struct rc_text_writer *writer)
{
    rc_text_writer_open(writer, NULL);
    if (plan->text_count == 0)
        return;
    uint64_t *block_starts = texts_place(plan, texts_at, bytes);
    rc_text_writer_restart(
        writer, block_starts,
        (unsigned char *)(block_starts + rc_texts_block_count(plan->text_count)));
}

static struct pen
pen_of(const struct rc_slab_column *column,
       const struct rc_slab_column_layout *layout,
       char *bytes,
       uint32_t bias)
{
    return (struct pen){
        .codes = bytes,
        .positions = (uint32_t *)(void *)(bytes + layout->positions_at),
        .marks = (uint64_t *)(void *)(bytes + layout->positions_at),
        .code_width = column->code_width,
        .before = UINT32_MAX,
        .bias = bias,
    };
}

/* Counts marks between their words. */
static void
write_ranks(const uint64_t *marks, uint32_t row_count, uint32_t *ranks)
{
    uint32_t count = 0;
    for (uint32_t row = 0; row < row_count; row += 64) {
        if (row % RC_MARKS_RANK_ROWS == 0)
            ranks[row / RC_MARKS_RANK_ROWS] = count;
        count += (uint32_t)__builtin_popcountll(marks[row / 64]);
    }
    if (row_count % RC_MARKS_RANK_ROWS == 0)
        ranks[row_count / RC_MARKS_RANK_ROWS] = count;
}

static void
end_codes(const struct rc_slab_column *column,
          const struct rc_slab_column_layout *layout,
          char *bytes,
          struct pen *pen)
{
    const enum rc_column_form form = rc_slab_column_form(column);
    RC_ASSERT(pen->count == column->code_count);
    if (form == RC_COLUMN_RUNS)
        pen->positions[pen->count] = pen->row;
    if (rc_column_form_is_marked(form))
        write_ranks(pen->marks, pen->row, (uint32_t *)(void *)(bytes + layout->ranks_at));
}

/* A head's codes are those of the column, but that sparse ones leave null out. */
static void
write_of_head(const struct rc_slab_build *build, const struct rc_column_plan *plan, char *bytes)
{
    const struct rc_slab_column *column = &plan->column;
    const enum rc_column_form form = rc_slab_column_form(column);
    struct rc_column_view view = {0};
    const bool found = rc_build_source_column(&build->sources[0], column->property, &view);
    const struct rc_slab_column_layout layout = rc_slab_column_layout(column, view.code_count);
    RC_ASSERT(found && view.form == RC_COLUMN_PLAIN && view.code_width == 4);
    const bool sparse = rc_column_form_is_sparse(form);
    RC_ASSERT(!sparse || rc_column_has_null(&view));
    const uint32_t left_out = view.dictionary_count - column->dictionary_count;
    RC_ASSERT(left_out == (sparse ? 1 : 0));
    struct pen pen = pen_of(column, &layout, bytes, left_out);
    for (uint32_t row = 0; row < view.code_count; row += BLOCK_ROWS) {
        const uint32_t left = view.code_count - row;
        put_codes(&pen, form, (const uint32_t *)view.codes + row,
                  left < BLOCK_ROWS ? left : BLOCK_ROWS);
    }
    end_codes(column, &layout, bytes, &pen);
    if (column->dictionary_count > 0)
        memcpy(bytes + layout.dictionary_at, view.dictionary + left_out,
               column->dictionary_count * sizeof(rc_cell));
    if (plan->text_count == 0)
        return;
    RC_ASSERT(plan->text_count == view.texts.count);
    const uint32_t block_count = rc_texts_block_count(plan->text_count);
    uint64_t *block_starts = texts_place(plan, layout.texts_at, bytes);
    memcpy(block_starts, view.texts.block_starts, block_count * sizeof(*block_starts));
    memcpy(block_starts + block_count, view.texts.bytes, view.texts.byte_count);
}

enum rc_status
rc_column_write(const struct rc_slab_build *build,
                const struct rc_column_plan *plan,
                struct rc_arena *scratch,
                char *bytes)
{
    const struct rc_slab_column *column = &plan->column;
    if (is_one_head(build)) {
        write_of_head(build, plan, bytes);
        return RC_OK;
    }
    rc_arena_reset(scratch);
    struct rc_column_reader reader;
    RC_CLEANUP(rc_text_writer_close) struct rc_text_writer texts;
    const struct rc_slab_column_layout layout =
        rc_slab_column_layout(column, build->order->row_count);
    open_texts(plan, layout.texts_at, bytes, &texts);
    RC_TRY(rc_column_reader_open(build, column->property, scratch, &texts, &reader));
    const bool has_null = column->dictionary_count > reader.merged.cell_count;
    RC_ASSERT(column->dictionary_count == reader.merged.cell_count + (has_null ? 1 : 0));
    RC_ASSERT(texts.count == plan->text_count &&
              column->size == layout.texts_at + rc_slab_texts_size(texts.count, texts.byte_count));
    struct pen pen = pen_of(column, &layout, bytes, has_null ? 0 : 1);
    RC_TRY(write_codes(&reader, rc_slab_column_form(column), &pen));
    end_codes(column, &layout, bytes, &pen);
    rc_cell *dictionary = (rc_cell *)(void *)(bytes + layout.dictionary_at);
    if (has_null)
        *dictionary++ = RC_CELL_NULL;
    if (reader.merged.cell_count > 0)
        memcpy(dictionary, reader.merged.cells, reader.merged.cell_count * sizeof(rc_cell));
    return RC_OK;
}
