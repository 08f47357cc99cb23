/*
 * Column builder. The form is the one of fewest bytes, positions and dictionary included; at equal
 * size PLAIN before RUNS before SPARSE, the order of how fast they are read. The choice is a
 * function of the rows alone, so that a slab's bytes do not depend on the way its rows came
 * together.
 */
#include "engine/store/column_builder.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/store/column_reader.h"

#define BLOCK_ROWS 2048u

struct measures {
    uint32_t value_count; /* Rows that are not null. */
    uint32_t run_count;
    uint32_t row_count;
};

static enum rc_status
measure_rows(struct rc_column_reader *reader, struct measures *measures)
{
    uint32_t codes[BLOCK_ROWS];
    uint32_t count;
    uint32_t before = UINT32_MAX; /* No code: a dictionary is smaller. */
    while ((count = rc_column_reader_next(reader, codes, BLOCK_ROWS)) > 0) {
        uint32_t runs = codes[0] != before;
        uint32_t values = codes[0] != 0;
        for (uint32_t i = 1; i < count; i++) {
            runs += codes[i] != codes[i - 1];
            values += codes[i] != 0;
        }
        measures->run_count += runs;
        measures->value_count += values;
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
         const struct rc_text_writer *texts)
{
    struct rc_slab_column column = {
        .property = property,
        .form = form | (texts->count > 0 ? RC_SLAB_FORM_TEXTS : 0),
        .code_width = rc_slab_code_width((uint64_t)cell_count + texts->count),
        .code_count = code_count,
        .dictionary_count = cell_count,
    };
    column.size = rc_slab_column_layout(&column).texts_at +
                  rc_slab_texts_size(texts->count, texts->byte_count);
    return (struct rc_column_plan){column, texts->count};
}

enum rc_status
rc_column_measure(const struct rc_slab_build *build,
                  uint32_t property,
                  struct rc_arena *scratch,
                  struct rc_column_plan *ret_plan)
{
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
    const uint32_t cells = reader.merged.cell_count;
    const uint32_t with_null = cells + (measures.value_count < measures.row_count ? 1 : 0);
    const struct rc_column_plan shapes[] = {
        shape_of(property, RC_COLUMN_PLAIN, measures.row_count, with_null, &texts),
        shape_of(property, RC_COLUMN_RUNS, measures.run_count, with_null, &texts),
        shape_of(property, RC_COLUMN_SPARSE, measures.value_count, cells, &texts),
    };
    const struct rc_column_plan *best = &shapes[0];
    for (size_t i = 1; i < sizeof(shapes) / sizeof(*shapes); i++)
        best = shapes[i].column.size < best->column.size ? &shapes[i] : best;
    *ret_plan = *best;
    return RC_OK;
}

/* Where the next code goes, and how codes with null as 0 become those of the column's
 * dictionary. */
struct pen {
    char *codes;
    uint32_t *positions;
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

static enum rc_status
write_codes(struct rc_column_reader *reader, enum rc_column_form form, struct pen *pen)
{
    uint32_t codes[BLOCK_ROWS];
    uint32_t count;
    while ((count = rc_column_reader_next(reader, codes, BLOCK_ROWS)) > 0) {
        if (form == RC_COLUMN_PLAIN)
            put_plain(pen, codes, count);
        else if (form == RC_COLUMN_RUNS)
            put_runs(pen, codes, count);
        else
            put_sparse(pen, codes, count);
        if (rc_build_cancelled(reader->build->cancel))
            return RC_CANCELLED;
    }
    return RC_OK;
}

/* A writer into the texts' place in a column's bytes. */
static void
open_texts(const struct rc_column_plan *plan, char *bytes, struct rc_text_writer *writer)
{
    rc_text_writer_open(writer, NULL);
    if (plan->text_count == 0)
        return;
    const uint64_t texts_at = rc_slab_column_layout(&plan->column).texts_at;
    struct rc_slab_texts *texts = (struct rc_slab_texts *)(void *)(bytes + texts_at);
    uint64_t *block_starts = (uint64_t *)(void *)(texts + 1);
    const uint32_t block_count = rc_texts_block_count(plan->text_count);
    *texts = (struct rc_slab_texts){
        .text_count = plan->text_count,
        .byte_count = plan->column.size - texts_at - sizeof(*texts) - (uint64_t)block_count * 8,
    };
    rc_text_writer_restart(writer, block_starts, (unsigned char *)(block_starts + block_count));
}

enum rc_status
rc_column_write(const struct rc_slab_build *build,
                const struct rc_column_plan *plan,
                struct rc_arena *scratch,
                char *bytes)
{
    const struct rc_slab_column *column = &plan->column;
    rc_arena_reset(scratch);
    struct rc_column_reader reader;
    RC_CLEANUP(rc_text_writer_close) struct rc_text_writer texts;
    open_texts(plan, bytes, &texts);
    RC_TRY(rc_column_reader_open(build, column->property, scratch, &texts, &reader));
    const struct rc_slab_column_layout layout = rc_slab_column_layout(column);
    const bool has_null = column->dictionary_count > reader.merged.cell_count;
    RC_ASSERT(column->dictionary_count == reader.merged.cell_count + (has_null ? 1 : 0));
    RC_ASSERT(texts.count == plan->text_count &&
              column->size == layout.texts_at + rc_slab_texts_size(texts.count, texts.byte_count));
    struct pen pen = {
        .codes = bytes,
        .positions = (uint32_t *)(void *)(bytes + layout.positions_at),
        .code_width = column->code_width,
        .before = UINT32_MAX,
        .bias = has_null ? 0 : 1,
    };
    RC_TRY(write_codes(&reader, rc_slab_column_form(column), &pen));
    RC_ASSERT(pen.count == column->code_count);
    if (rc_slab_column_form(column) == RC_COLUMN_RUNS)
        pen.positions[pen.count] = pen.row;
    rc_cell *dictionary = (rc_cell *)(void *)(bytes + layout.dictionary_at);
    if (has_null)
        *dictionary++ = RC_CELL_NULL;
    if (reader.merged.cell_count > 0)
        memcpy(dictionary, reader.merged.cells, reader.merged.cell_count * sizeof(rc_cell));
    return RC_OK;
}
