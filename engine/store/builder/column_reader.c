/*
 * Column reader. The rows of a source come in ascending order, so a position in its runs or sparse
 * rows only moves forward: reading is linear in rows and runs, whatever the stretches are.
 *
 * A block of codes goes through a small buffer of 32-bit codes on the stack of the caller, which
 * stays in the first cache: five forms and three widths to read times five forms to write would be
 * seventy-five loops otherwise.
 */
#include "engine/store/builder/column_reader.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/store/builder/text_merge.h"
#include "engine/store/slab/marks.h"

#define BLOCK_ROWS 2048u

static uint32_t
code_at(const struct rc_column_view *view, uint32_t index)
{
    if (view->code_width == 1)
        return ((const uint8_t *)view->codes)[index];
    if (view->code_width == 2)
        return ((const uint16_t *)view->codes)[index];
    return ((const uint32_t *)view->codes)[index];
}

static void
read_plain(const struct rc_column_input *input, uint32_t row, uint32_t count, uint32_t *codes)
{
    const uint32_t *new_codes = input->new_codes;
    if (input->view.code_width == 1) {
        const uint8_t *from = (const uint8_t *)input->view.codes + row;
        for (uint32_t i = 0; i < count; i++)
            codes[i] = new_codes[from[i]];
    } else if (input->view.code_width == 2) {
        const uint16_t *from = (const uint16_t *)input->view.codes + row;
        for (uint32_t i = 0; i < count; i++)
            codes[i] = new_codes[from[i]];
    } else {
        const uint32_t *from = (const uint32_t *)input->view.codes + row;
        for (uint32_t i = 0; i < count; i++)
            codes[i] = new_codes[from[i]];
    }
}

static void
read_runs(struct rc_column_input *input, uint32_t row, uint32_t count, uint32_t *codes)
{
    const uint32_t *starts = input->view.positions;
    uint32_t run = input->position;
    const uint32_t end = row + count;
    while (starts[run + 1] <= row)
        run++;
    for (;; run++) {
        const uint32_t code = input->new_codes[code_at(&input->view, run)];
        const uint32_t stop = starts[run + 1] < end ? starts[run + 1] : end;
        for (; row < stop; row++)
            *codes++ = code;
        if (row == end)
            break;
    }
    input->position = run;
}

static void
read_sparse(struct rc_column_input *input, uint32_t row, uint32_t count, uint32_t *codes)
{
    const uint32_t *rows = input->view.positions;
    const uint32_t row_count = input->view.code_count;
    uint32_t at = input->position;
    while (at < row_count && rows[at] < row)
        at++;
    memset(codes, 0, count * sizeof(*codes));
    for (; at < row_count && rows[at] < row + count; at++)
        codes[rows[at] - row] = input->new_codes[code_at(&input->view, at)];
    input->position = at;
}

/* Marks before the rows that come next are known from those that came last, if these were next
 * to them. */
static void
read_marked(struct rc_column_input *input, uint32_t row, uint32_t count, uint32_t *codes)
{
    const uint32_t *new_codes = input->new_codes;
    const uint32_t index = row == input->row ? input->position : rc_marks_before(&input->view, row);
    input->position = rc_marks_codes(&input->view, index, row, count, codes);
    input->row = row + count;
    if (input->view.form == RC_COLUMN_MARKED_RUNS)
        for (uint32_t i = 0; i < count; i++)
            codes[i] = new_codes[codes[i]];
    else
        for (uint32_t i = 0; i < count; i++)
            codes[i] = codes[i] == RC_CODE_NONE ? 0 : new_codes[codes[i]];
}

static void
read_rows(struct rc_column_input *input, uint32_t row, uint32_t count, uint32_t *codes)
{
    if (rc_column_code_bound(&input->view) == 0)
        memset(codes, 0, count * sizeof(*codes));
    else if (input->view.form == RC_COLUMN_PLAIN)
        read_plain(input, row, count, codes);
    else if (input->view.form == RC_COLUMN_RUNS)
        read_runs(input, row, count, codes);
    else if (rc_column_form_is_marked(input->view.form))
        read_marked(input, row, count, codes);
    else
        read_sparse(input, row, count, codes);
}

uint32_t
rc_column_reader_next(struct rc_column_reader *reader, uint32_t *codes, uint32_t room)
{
    const struct rc_row_order *order = reader->build->order;
    uint32_t read = 0;
    while (read < room && reader->stretch < order->stretch_count) {
        const struct rc_stretch *stretch = &order->stretches[reader->stretch];
        const uint32_t left = stretch->row_count - reader->stretch_rows;
        const uint32_t count = left < room - read ? left : room - read;
        read_rows(&reader->inputs[stretch->source], stretch->row + reader->stretch_rows, count,
                  codes + read);
        read += count;
        reader->stretch_rows += count;
        if (reader->stretch_rows == stretch->row_count) {
            reader->stretch++;
            reader->stretch_rows = 0;
        }
    }
    return read;
}

void
rc_column_reader_rewind(struct rc_column_reader *reader)
{
    reader->stretch = 0;
    reader->stretch_rows = 0;
    for (uint32_t i = 0; i < reader->build->source_count; i++)
        reader->inputs[i].position = reader->inputs[i].row = 0;
}

/* Where rows were left out, cells may have gone with them: only those of rows that stay
 * are kept. */
static enum rc_status
drop_unused(struct rc_column_reader *reader, struct rc_arena *arena)
{
    const struct rc_merged_cells *merged = &reader->merged;
    uint8_t *used =
        RC_ARENA_ARRAY(arena, uint8_t, (size_t)merged->cell_count + merged->text_count + 1);
    if (used == NULL)
        return RC_NO_MEMORY;
    uint32_t codes[BLOCK_ROWS];
    uint32_t count;
    while ((count = rc_column_reader_next(reader, codes, BLOCK_ROWS)) > 0) {
        for (uint32_t i = 0; i < count; i++)
            used[codes[i]] = 1;
        if (rc_build_cancelled(reader->build->cancel))
            return RC_CANCELLED;
    }
    return rc_dictionary_compact(reader->inputs, reader->build->source_count, used, arena,
                                 &reader->merged);
}

/*
 * Numbers the cells and texts of all inputs, and puts the texts that occur into texts. When no row
 * is left out all do, and one walk over the texts is enough; else they are only counted at first,
 * to learn which occur.
 */
static enum rc_status
merge_inputs(struct rc_column_reader *reader,
             bool rows_left_out,
             struct rc_arena *arena,
             struct rc_text_writer *texts)
{
    const struct rc_text_merge merge = {
        .inputs = reader->inputs,
        .input_count = reader->build->source_count,
        .scratch = arena,
        .cancel = reader->build->cancel,
    };
    struct rc_merged_cells *merged = &reader->merged;
    RC_TRY(rc_dictionary_merge(reader->inputs, merge.input_count, arena, merged));
    if (!rows_left_out) {
        RC_TRY(rc_text_merge_number(&merge, merged->cell_count + 1, texts));
        merged->text_count = texts->count;
        return RC_OK;
    }
    RC_CLEANUP(rc_text_writer_close) struct rc_text_writer counted;
    rc_text_writer_open(&counted, texts->account);
    RC_TRY(rc_text_merge_number(&merge, merged->cell_count + 1, &counted));
    merged->text_count = counted.count;
    RC_TRY(drop_unused(reader, arena));
    RC_TRY(rc_text_merge_kept(&merge, texts));
    RC_ASSERT(texts->count == merged->text_count);
    return RC_OK;
}

enum rc_status
rc_column_reader_open(const struct rc_slab_build *build,
                      uint32_t property,
                      struct rc_arena *arena,
                      struct rc_text_writer *texts,
                      struct rc_column_reader *ret_reader)
{
    struct rc_column_reader reader = {
        .build = build,
        .inputs = RC_ARENA_ARRAY(arena, struct rc_column_input, build->source_count),
    };
    if (reader.inputs == NULL)
        return RC_NO_MEMORY;
    bool rows_left_out = false;
    for (uint32_t i = 0; i < build->source_count; i++) {
        const struct rc_build_source *source = &build->sources[i];
        if (source->kept_count == 0 ||
            !rc_build_source_column(source, property, &reader.inputs[i].view))
            continue;
        RC_ASSERT(rc_column_code_bound(&reader.inputs[i].view) > 0);
        rows_left_out |= source->kept_count < source->row_count;
    }
    RC_TRY(merge_inputs(&reader, rows_left_out, arena, texts));
    rc_column_reader_rewind(&reader);
    *ret_reader = reader;
    return RC_OK;
}
