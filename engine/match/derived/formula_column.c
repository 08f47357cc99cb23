/*
 * Formula column: a cell is the bits of a double, turned so that those of NaN are 0, which is null
 * everywhere.
 *
 * What an operand makes of a dictionary's entry is kept by code, for all slabs, heads and threads
 * of a query, since steps may cost a regular expression. Two threads that miss one entry both
 * compute it, with one result. 0 means that nothing is known, so the number 0 is kept as -0, which
 * no sum or product tells apart, and by which nothing is divided.
 */
#include "engine/match/derived/formula_column.h"

#include <math.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/match/derived/formula_form.h"
#include "engine/match/derived/time_column.h"

#define NULL_BITS 0x7ff8000000000000ULL

/* Cells of one property whose numbers are remembered while a row of cells is read. */
#define REMEMBERED_BITS 6u

union number_bits {
    double number;
    uint64_t bits;
};

rc_cell
rc_formula_cell(double number)
{
    const union number_bits form = {.number = number};
    return isnan(number) ? RC_CELL_NULL : form.bits ^ NULL_BITS;
}

struct rc_value
rc_formula_cell_value(rc_cell cell)
{
    const union number_bits form = {.bits = cell ^ NULL_BITS};
    struct rc_value value;
    return cell != RC_CELL_NULL && rc_value_of_double(form.number, &value) == RC_OK
               ? value
               : rc_value_null();
}

/* ---- Compiling ------------------------------------------------------------------------------- */

static enum rc_status
compile_stored(struct rc_formula_column *column,
               const struct rc_properties *properties,
               struct rc_formula_operand *operand)
{
    operand->property = rc_properties_find(properties, operand->derivation->property);
    if (operand->property == RC_PROPERTY_NONE)
        return RC_OK;
    RC_ASSERT(column->property_count < sizeof(column->properties) / sizeof(uint32_t));
    column->properties[column->property_count++] = operand->property;
    operand->dictionary = rc_properties_dictionary(properties, operand->property);
    operand->known_count = rc_dictionary_count(operand->dictionary);
    operand->known =
        rc_arena_zero(column->arena, operand->known_count * sizeof(*operand->known) + 1);
    return operand->known == NULL ? RC_NO_MEMORY : RC_OK;
}

static enum rc_status
compile(struct rc_formula_column *column,
        const struct rc_properties *properties,
        const struct rc_derivation *derivation,
        struct rc_formula_operand *operand)
{
    operand->derivation = derivation;
    operand->property = RC_PROPERTY_NONE;
    if (operand != &column->root && derivation->step_count > 0)
        RC_TRY(rc_deriver_new(derivation, column->account, &operand->deriver));
    if (derivation->source == RC_DERIVATION_TIME) {
        column->parts |= RC_SLAB_PART_TIMES;
        return RC_OK;
    }
    if (derivation->source != RC_DERIVATION_FORMULA)
        return compile_stored(column, properties, operand);
    RC_TRY(rc_formula_parse(derivation->formula, "property", derivation->operand_count,
                            column->arena, &operand->formula, NULL));
    operand->operands =
        RC_ARENA_ARRAY(column->arena, struct rc_formula_operand, derivation->operand_count);
    if (operand->operands == NULL)
        return RC_NO_MEMORY;
    operand->operand_count = derivation->operand_count;
    for (uint32_t i = 0; i < operand->operand_count; i++)
        RC_TRY(compile(column, properties, derivation->operands[i], &operand->operands[i]));
    return RC_OK;
}

enum rc_status
rc_formula_column_new(const struct rc_derivation *derivation,
                      const struct rc_properties *properties,
                      struct rc_account *account,
                      struct rc_formula_column **ret_column)
{
    RC_ASSERT(derivation->source == RC_DERIVATION_FORMULA);
    RC_CLEANUP(rc_formula_column_freep)
    struct rc_formula_column *column = rc_alloc_in(account, sizeof(*column));
    if (column == NULL)
        return RC_NO_MEMORY;
    memset(column, 0, sizeof(*column));
    column->account = account;
    column->arena = rc_arena_new(account, 0);
    if (column->arena == NULL)
        return RC_NO_MEMORY;
    RC_TRY(compile(column, properties, derivation, &column->root));
    *ret_column = RC_TAKE(column);
    return RC_OK;
}

static void
close_operand(struct rc_formula_operand *operand)
{
    rc_deriver_free(operand->deriver);
    for (uint32_t i = 0; i < operand->operand_count; i++)
        close_operand(&operand->operands[i]);
}

struct rc_formula_column *
rc_formula_column_free(struct rc_formula_column *column)
{
    if (column != NULL) {
        close_operand(&column->root);
        rc_arena_free(column->arena);
    }
    return rc_alloc_free(column);
}

const uint32_t *
rc_formula_column_properties(const struct rc_formula_column *column, uint32_t *ret_count)
{
    *ret_count = column->property_count;
    return column->properties;
}

uint32_t
rc_formula_column_parts(const struct rc_formula_column *column)
{
    return column->parts;
}

/* ---- Numbers of values ----------------------------------------------------------------------- */

enum rc_status
rc_formula_scratch_open(struct rc_formula_scratch *scratch)
{
    scratch->arena = rc_arena_new(scratch->account, 0);
    return scratch->arena == NULL ? RC_NO_MEMORY : RC_OK;
}

void
rc_formula_scratch_close(struct rc_formula_scratch *scratch)
{
    scratch->arena = rc_arena_free(scratch->arena);
    rc_derive_scratch_close(&scratch->derive);
}

enum rc_status
rc_formula_number_of_value(const struct rc_formula_operand *operand,
                           struct rc_value value,
                           struct rc_formula_scratch *scratch,
                           double *ret_number)
{
    *ret_number = NAN;
    if (value.kind == RC_VALUE_LIST)
        return RC_OK;
    if (operand->deriver != NULL)
        RC_TRY(rc_derive(operand->deriver, value, &scratch->derive, &value));
    if (!rc_derive_number(value, ret_number))
        *ret_number = NAN;
    return RC_OK;
}

enum rc_status
rc_formula_number_of_cell(const struct rc_formula_operand *operand,
                          const struct rc_dictionary *dictionary,
                          rc_cell cell,
                          struct rc_formula_scratch *scratch,
                          double *ret_number)
{
    const bool is_code =
        rc_cell_kind_of(cell) == RC_CELL_CODE && rc_cell_code(cell) < operand->known_count;
    struct rc_value value;
    *ret_number = NAN;
    if (cell == RC_CELL_NULL || (operand->deriver == NULL && rc_cell_real(cell, ret_number)))
        return RC_OK;
    if (is_code) {
        const union number_bits known = {
            .bits =
                atomic_load_explicit(&operand->known[rc_cell_code(cell)], memory_order_relaxed)};
        *ret_number = known.number;
        if (known.bits != 0)
            return RC_OK;
    }
    RC_TRY(rc_cell_value(dictionary, cell, NULL, &value));
    RC_TRY(rc_formula_number_of_value(operand, value, scratch, ret_number));
    const union number_bits found = {.number = *ret_number == 0 ? -0.0 : *ret_number};
    if (is_code)
        atomic_store_explicit(&operand->known[rc_cell_code(cell)], found.bits,
                              memory_order_relaxed);
    return RC_OK;
}

/* ---- Rows of cells --------------------------------------------------------------------------- */

/* What the cells of rows, persons or accounts are read from. */
struct cells {
    struct rc_formula_scratch scratch;
    uint32_t count;
    const struct rc_view_chunk *chunk; /* Rows; NULL: owners. */
    struct rc_view *view;
    const struct rc_persons *persons; /* Cells of others are undefined. NULL: each is one. */
    bool are_users;
    int64_t as_of_ms;
};

/* The numbers of a stored property. */
static enum rc_status
stored_numbers(struct cells *cells, const struct rc_formula_operand *operand, double *numbers)
{
    struct {
        rc_cell cell;
        double number;
    } remembered[1u << REMEMBERED_BITS] = {{.cell = RC_CELL_NULL}};
    const rc_cell *from = NULL;
    const struct rc_dictionary *texts = NULL;
    if (operand->property == RC_PROPERTY_NONE) {
        from = NULL;
    } else if (cells->chunk != NULL) {
        from = rc_view_chunk_cells(cells->chunk, operand->property);
        texts = rc_view_chunk_texts(cells->chunk, operand->property);
    } else {
        RC_TRY(cells->are_users
                   ? rc_view_user_cells(cells->view, operand->property, cells->as_of_ms, &from)
                   : rc_view_account_cells(cells->view, operand->property, cells->as_of_ms, &from));
    }
    for (uint32_t i = 0; i < 1u << REMEMBERED_BITS; i++)
        remembered[i].number = NAN;
    for (uint32_t i = 0; i < cells->count; i++) {
        if (i % RC_FORMULA_VALUES_BETWEEN_LOOKS == 0 && rc_formula_cancelled(&cells->scratch))
            return RC_CANCELLED;
        numbers[i] = NAN;
        if (from == NULL || (cells->persons != NULL && rc_persons_of(cells->persons, i) != i))
            continue;
        const rc_cell cell = from[i];
        const uint32_t slot = (uint32_t)(cell * 0x9e3779b97f4a7c15ULL >> (64 - REMEMBERED_BITS));
        const bool is_text = rc_cell_kind_of(cell) == RC_CELL_TEXT;
        if (remembered[slot].cell != cell) {
            RC_TRY(rc_formula_number_of_cell(operand, is_text ? texts : operand->dictionary, cell,
                                             &cells->scratch, &remembered[slot].number));
            remembered[slot].cell = cell;
        }
        numbers[i] = remembered[slot].number;
    }
    return RC_OK;
}

static enum rc_status
time_numbers(struct cells *cells, const struct rc_formula_operand *operand, double *numbers)
{
    RC_ASSERT(cells->chunk != NULL);
    for (uint32_t i = 0; i < cells->count; i++) {
        const int64_t time_ms = cells->chunk->times_ms[i];
        if (i > 0 && time_ms == cells->chunk->times_ms[i - 1])
            numbers[i] = numbers[i - 1];
        else
            RC_TRY(rc_formula_number_of_value(operand, rc_value_int(time_ms), &cells->scratch,
                                              &numbers[i]));
    }
    return RC_OK;
}

static enum rc_status
numbers_of(struct cells *cells, const struct rc_formula_operand *operand, double *numbers)
{
    double *inputs[RC_DERIVE_OPERANDS_MAX];
    double figures[RC_DERIVE_OPERANDS_MAX];
    if (operand->derivation->source == RC_DERIVATION_TIME)
        return time_numbers(cells, operand, numbers);
    if (operand->formula == NULL)
        return stored_numbers(cells, operand, numbers);
    for (uint32_t k = 0; k < operand->operand_count; k++) {
        inputs[k] = rc_arena_alloc(cells->scratch.arena, cells->count * sizeof(*inputs[k]) + 1);
        if (inputs[k] == NULL)
            return RC_NO_MEMORY;
        RC_TRY(numbers_of(cells, &operand->operands[k], inputs[k]));
    }
    for (uint32_t i = 0; i < cells->count; i++) {
        struct rc_value value;
        if (i % RC_FORMULA_VALUES_BETWEEN_LOOKS == 0 && rc_formula_cancelled(&cells->scratch))
            return RC_CANCELLED;
        for (uint32_t k = 0; k < operand->operand_count; k++)
            figures[k] = inputs[k][i];
        numbers[i] = rc_formula_value(operand->formula, figures);
        if (operand->deriver != NULL && rc_value_of_double(numbers[i], &value) == RC_OK)
            RC_TRY(rc_formula_number_of_value(operand, value, &cells->scratch, &numbers[i]));
    }
    return RC_OK;
}

static enum rc_status
fill_cells(struct rc_formula_column *column, struct cells *cells, rc_cell *ret_cells)
{
    double *numbers = NULL;
    enum rc_status status = rc_formula_scratch_open(&cells->scratch);
    if (status == RC_OK) {
        numbers = rc_arena_alloc(cells->scratch.arena, cells->count * sizeof(*numbers) + 1);
        status = numbers == NULL ? RC_NO_MEMORY : numbers_of(cells, &column->root, numbers);
    }
    for (uint32_t i = 0; status == RC_OK && i < cells->count; i++)
        ret_cells[i] = rc_formula_cell(numbers[i]);
    rc_formula_scratch_close(&cells->scratch);
    return status;
}

enum rc_status
rc_formula_column_of_chunk(struct rc_formula_column *column,
                           const struct rc_view_chunk *chunk,
                           const _Atomic(bool) *cancel,
                           rc_cell *ret_cells)
{
    struct cells cells = {.scratch = {.account = column->account, .cancel = cancel},
                          .count = chunk->row_count,
                          .chunk = chunk};
    return fill_cells(column, &cells, ret_cells);
}

enum rc_status
rc_formula_column_of_owners(struct rc_formula_column *column,
                            struct rc_view *view,
                            int64_t as_of_ms,
                            const _Atomic(bool) *cancel,
                            struct rc_arena *arena,
                            const rc_cell **ret_cells)
{
    const bool are_users =
        rc_derivation_of_whom(column->root.derivation)->source == RC_DERIVATION_USER;
    struct cells cells = {.scratch = {.account = column->account, .cancel = cancel},
                          .count =
                              are_users ? rc_view_user_count(view) : rc_view_account_count(view),
                          .view = view,
                          .persons = are_users ? rc_view_persons(view) : NULL,
                          .are_users = are_users,
                          .as_of_ms = as_of_ms};
    rc_cell *made = RC_ARENA_ARRAY(arena, rc_cell, cells.count);
    if (made == NULL)
        return RC_NO_MEMORY;
    RC_TRY(fill_cells(column, &cells, made));
    *ret_cells = made;
    return RC_OK;
}
