/*
 * Formula column, of a slab. Each operand is a column of codes and a number for each of them; what
 * the formula makes is another. Where there are fewer combinations of codes than rows, each is
 * computed once and looked up in a table (price and quantity: some thousands); else the formula is
 * computed for each row, and a number that was made lately gets its code again. So a number may
 * have several codes, which costs who reads them time and nothing else.
 *
 * Code 0 is that of rows without a number.
 */
#include <math.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/limits.h"
#include "engine/match/derived/formula_form.h"
#include "engine/match/derived/time_column.h"
#include "engine/match/rows/row_codes.h"
#include "engine/match/rows/words.h"
#include "engine/store/value/value_key.h"

#define PIECE_ROWS 1024u
_Static_assert(RC_BLOCK_ROWS % PIECE_ROWS == 0, "a piece lies in one block");

#define COMBINATIONS_MAX ((uint64_t)1 << 22)
#define NUMBERS_FIRST 1024u
#define RECENT_BITS 14u

struct slab_work {
    struct rc_formula_scratch scratch;
    const struct rc_slab *slab;
    const uint64_t *blocks;
    uint32_t row_count;
};

/* A column and what its codes are. */
struct numbers {
    struct rc_column_view column;
    uint32_t bound;  /* Codes are below; 0: no row has a number. */
    double *of_code; /* And at bound that of rows without a code, where there are such. */
};

/* A number and its code; code 0: none yet. */
struct recent {
    double number;
    uint32_t code;
};

struct combining {
    struct slab_work *work;
    const struct rc_formula_operand *operand;
    const struct numbers *inputs;
    uint32_t *codes; /* Of a piece, operand by operand. */
    uint32_t *out;   /* Of a piece. */
    uint32_t *table; /* By combination: code + 1; NULL: each row is computed. */
    struct recent *recent;
    double *of_code;
    uint32_t count;
    uint32_t capacity;
};

/* ---- Operands -------------------------------------------------------------------------------- */

static enum rc_status
text_numbers(struct slab_work *work, const struct rc_formula_operand *operand, struct numbers *out)
{
    const struct rc_texts *texts = &out->column.texts;
    double *numbers = out->of_code + out->column.dictionary_count;
    RC_CLEANUP(rc_text_cursor_close) struct rc_text_cursor cursor = {0};
    rc_text_cursor_open(&cursor, texts, work->scratch.account);
    for (uint32_t i = 0; i < texts->count; i++) {
        struct rc_value value;
        if (i % RC_FORMULA_VALUES_BETWEEN_LOOKS == 0 && rc_formula_cancelled(&work->scratch))
            return RC_CANCELLED;
        RC_TRY(i == 0 ? rc_text_cursor_seek(&cursor, 0) : rc_text_cursor_next(&cursor));
        RC_TRY(rc_value_of_key(cursor.key, NULL, &value));
        RC_TRY(rc_formula_number_of_value(operand, value, &work->scratch, &numbers[i]));
    }
    return RC_OK;
}

/* The number of each code of a column; of those of a column of times too. */
static enum rc_status
code_numbers(struct slab_work *work, const struct rc_formula_operand *operand, struct numbers *out)
{
    out->bound = rc_column_code_bound(&out->column);
    out->of_code =
        rc_arena_alloc(work->scratch.arena, ((size_t)out->bound + 1) * sizeof(*out->of_code));
    if (out->of_code == NULL)
        return RC_NO_MEMORY;
    out->of_code[out->bound] = NAN;
    for (uint32_t i = 0; i < out->column.dictionary_count; i++) {
        if (i % RC_FORMULA_VALUES_BETWEEN_LOOKS == 0 && rc_formula_cancelled(&work->scratch))
            return RC_CANCELLED;
        RC_TRY(rc_formula_number_of_cell(operand, operand->dictionary, out->column.dictionary[i],
                                         &work->scratch, &out->of_code[i]));
    }
    return out->column.texts.count == 0 ? RC_OK : text_numbers(work, operand, out);
}

/* arena: of the codes. */
static enum rc_status
formula_numbers(struct slab_work *work,
                const struct rc_formula_operand *operand,
                struct rc_arena *arena,
                struct numbers *out);

static enum rc_status
numbers_of(struct slab_work *work, const struct rc_formula_operand *operand, struct numbers *out)
{
    *out = (struct numbers){.bound = 0};
    if (operand->formula != NULL)
        return formula_numbers(work, operand, work->scratch.arena, out);
    if (operand->derivation->source == RC_DERIVATION_TIME) {
        out->column = (struct rc_column_view){
            .form = RC_COLUMN_PLAIN, .property = RC_PROPERTY_NONE, .code_count = work->row_count};
        RC_TRY(rc_time_column(work->slab, operand->derivation, work->scratch.arena, &out->column));
    } else if (operand->property == RC_PROPERTY_NONE ||
               !rc_slab_column(work->slab, operand->property, &out->column)) {
        return RC_OK;
    }
    return code_numbers(work, operand, out);
}

/* ---- The formula ----------------------------------------------------------------------------- */

static enum rc_status
add_number(struct combining *combining, double number, uint32_t *ret_code)
{
    if (combining->count == combining->capacity) {
        double *larger = rc_arena_alloc(combining->work->scratch.arena,
                                        2 * (size_t)combining->capacity * sizeof(*larger));
        if (larger == NULL)
            return RC_NO_MEMORY;
        memcpy(larger, combining->of_code, combining->count * sizeof(*larger));
        combining->of_code = larger;
        combining->capacity *= 2;
    }
    *ret_code = combining->count;
    combining->of_code[combining->count++] = number;
    return RC_OK;
}

/* What the formula makes of a row of the piece. */
static double
number_of_row(const struct combining *combining, uint32_t row)
{
    double figures[RC_DERIVE_OPERANDS_MAX];
    for (uint32_t k = 0; k < combining->operand->operand_count; k++) {
        const struct numbers *input = &combining->inputs[k];
        const uint32_t code = combining->codes[k * PIECE_ROWS + row];
        figures[k] = input->of_code[code < input->bound ? code : input->bound];
    }
    return rc_formula_value(combining->operand->formula, figures);
}

static enum rc_status
look_up_piece(struct combining *combining, uint32_t row_count)
{
    uint32_t *out = combining->out;
    memset(out, 0, row_count * sizeof(*out));
    for (uint32_t k = 0; k < combining->operand->operand_count; k++) {
        const uint32_t bound = combining->inputs[k].bound;
        const uint32_t *codes = combining->codes + k * PIECE_ROWS;
        for (uint32_t i = 0; i < row_count; i++)
            out[i] = out[i] * (bound + 1) + (codes[i] < bound ? codes[i] : bound);
    }
    for (uint32_t i = 0; i < row_count; i++) {
        uint32_t *known = &combining->table[out[i]];
        if (*known == 0) {
            const double number = number_of_row(combining, i);
            uint32_t code = 0;
            if (!isnan(number))
                RC_TRY(add_number(combining, number, &code));
            *known = code + 1;
        }
        out[i] = *known - 1;
    }
    return RC_OK;
}

static enum rc_status
compute_piece(struct combining *combining, uint32_t row_count)
{
    for (uint32_t i = 0; i < row_count; i++) {
        const double number = number_of_row(combining, i);
        combining->out[i] = 0;
        if (isnan(number))
            continue;
        const rc_cell bits = rc_formula_cell(number);
        struct recent *recent =
            &combining->recent[bits * 0x9e3779b97f4a7c15ULL >> (64 - RECENT_BITS)];
        if (recent->code == 0 || recent->number != number) {
            RC_TRY(add_number(combining, number, &recent->code));
            recent->number = number;
        }
        combining->out[i] = recent->code;
    }
    return RC_OK;
}

static enum rc_status
combine_rows(struct combining *combining, uint32_t width, void *codes)
{
    const struct slab_work *work = combining->work;
    uint32_t positions[RC_DERIVE_OPERANDS_MAX] = {0};
    for (uint32_t begin = 0; begin < work->row_count; begin += PIECE_ROWS) {
        const uint32_t left = work->row_count - begin;
        const uint32_t count = left < PIECE_ROWS ? left : PIECE_ROWS;
        const uint32_t block = begin / RC_BLOCK_ROWS;
        if (rc_formula_cancelled(&work->scratch))
            return RC_CANCELLED;
        memset(combining->out, 0, count * sizeof(*combining->out));
        if (work->blocks == NULL || rc_words_has(work->blocks, block)) {
            for (uint32_t k = 0; k < combining->operand->operand_count; k++)
                rc_row_codes(&combining->inputs[k].column, begin, count, &positions[k],
                             combining->codes + k * PIECE_ROWS);
            RC_TRY(combining->table != NULL ? look_up_piece(combining, count)
                                            : compute_piece(combining, count));
        }
        rc_codes_put(codes, width, begin, combining->out, count);
    }
    return RC_OK;
}

/* How many combinations of codes there are; at most COMBINATIONS_MAX + 1. */
static uint64_t
combination_count(const struct combining *combining)
{
    uint64_t count = 1;
    for (uint32_t k = 0; k < combining->operand->operand_count; k++) {
        count *= (uint64_t)combining->inputs[k].bound + 1;
        if (count > COMBINATIONS_MAX)
            return COMBINATIONS_MAX + 1;
    }
    return count;
}

static enum rc_status
combine(struct combining *combining, struct rc_arena *arena, struct numbers *out)
{
    struct rc_arena *scratch = combining->work->scratch.arena;
    const uint32_t row_count = combining->work->row_count;
    const uint64_t combinations = combination_count(combining);
    const bool is_tabled = combinations <= COMBINATIONS_MAX && combinations <= row_count;
    const uint32_t width = !is_tabled || combinations >= 1u << 16 ? 4 : combinations >= 256 ? 2 : 1;
    void *codes = rc_arena_alloc(arena, (size_t)row_count * width);
    combining->codes = rc_arena_alloc(scratch, (size_t)combining->operand->operand_count *
                                                   PIECE_ROWS * sizeof(uint32_t));
    combining->out = rc_arena_alloc(scratch, PIECE_ROWS * sizeof(uint32_t));
    combining->of_code = rc_arena_alloc(scratch, NUMBERS_FIRST * sizeof(double));
    combining->capacity = NUMBERS_FIRST;
    if (is_tabled)
        combining->table = rc_arena_zero(scratch, combinations * sizeof(uint32_t));
    else
        combining->recent = RC_ARENA_ARRAY(scratch, struct recent, (size_t)1 << RECENT_BITS);
    if (codes == NULL || combining->codes == NULL || combining->out == NULL ||
        combining->of_code == NULL || (combining->table == NULL && combining->recent == NULL))
        return RC_NO_MEMORY;
    combining->of_code[combining->count++] = NAN;
    RC_TRY(combine_rows(combining, width, codes));
    out->column = (struct rc_column_view){.form = RC_COLUMN_PLAIN,
                                          .property = RC_PROPERTY_NONE,
                                          .code_count = row_count,
                                          .code_width = width,
                                          .codes = codes};
    out->bound = combining->count;
    out->of_code = combining->of_code;
    return RC_OK;
}

/* Puts what a formula made that is an operand through its steps. */
static enum rc_status
apply_steps(struct slab_work *work, const struct rc_formula_operand *operand, struct numbers *out)
{
    for (uint32_t i = 0; operand->deriver != NULL && i < out->bound; i++) {
        struct rc_value value;
        if (i % RC_FORMULA_VALUES_BETWEEN_LOOKS == 0 && rc_formula_cancelled(&work->scratch))
            return RC_CANCELLED;
        if (rc_value_of_double(out->of_code[i], &value) == RC_OK)
            RC_TRY(rc_formula_number_of_value(operand, value, &work->scratch, &out->of_code[i]));
    }
    return RC_OK;
}

static enum rc_status
formula_numbers(struct slab_work *work,
                const struct rc_formula_operand *operand,
                struct rc_arena *arena,
                struct numbers *out)
{
    struct numbers inputs[RC_DERIVE_OPERANDS_MAX];
    struct combining combining = {.work = work, .operand = operand, .inputs = inputs};
    for (uint32_t k = 0; k < operand->operand_count; k++) {
        RC_TRY(numbers_of(work, &operand->operands[k], &inputs[k]));
        if (inputs[k].bound == 0)
            return RC_OK; /* Every operand is named, so none has a number. */
    }
    RC_TRY(combine(&combining, arena, out));
    return apply_steps(work, operand, out);
}

static enum rc_status
make(struct rc_formula_column *column,
     struct slab_work *work,
     struct rc_arena *arena,
     bool *ret_present,
     struct rc_column_view *view)
{
    struct numbers made = {.bound = 0};
    RC_TRY(rc_formula_scratch_open(&work->scratch));
    RC_TRY(formula_numbers(work, &column->root, arena, &made));
    *ret_present = made.bound > 1; /* Code 0 has none. */
    if (!*ret_present)
        return RC_OK;
    rc_cell *cells = rc_arena_alloc(arena, made.bound * sizeof(*cells));
    if (cells == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < made.bound; i++)
        cells[i] = rc_formula_cell(made.of_code[i]);
    *view = made.column;
    view->dictionary = cells;
    view->dictionary_count = made.bound;
    return RC_OK;
}

enum rc_status
rc_formula_column_of_slab(struct rc_formula_column *column,
                          const struct rc_slab *slab,
                          const uint64_t *blocks,
                          const _Atomic(bool) *cancel,
                          struct rc_arena *arena,
                          bool *ret_present,
                          struct rc_column_view *view)
{
    struct slab_work work = {.scratch = {.account = column->account, .cancel = cancel},
                             .slab = slab,
                             .blocks = blocks,
                             .row_count = rc_slab_get_info(slab)->row_count};
    const enum rc_status status = make(column, &work, arena, ret_present, view);
    rc_formula_scratch_close(&work.scratch);
    return status;
}
