/*
 * Formula columns against plain arithmetic over the rig's rows: slabs by table and row by row,
 * heads and persons, operands with steps, formulas of formulas; blocks that are not wanted; memory
 * that is refused; cancellation. tests/oracle/derived.py is the twin over whole queries.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/limits.h"
#include "engine/match/derived/made_column.h"
#include "engine/match/leaf/leaf.h"
#include "tests/match/match_rig.h"

#define ROWS 70000u /* Two blocks. */

/* A property as an operand of some kind of thing. */
#define STORED(kind, name) \
    (&(const struct rc_derivation){.source = (kind), .property = RC_BYTES_LITERAL(name)})

static const struct rc_derive_step doubled = {.kind = RC_DERIVE_ARITHMETIC,
                                              .part = RC_ARITHMETIC_MULTIPLY,
                                              .operand = 2};
static const struct rc_derive_step digits = {.kind = RC_DERIVE_CAPTURE,
                                             .part = 0,
                                             .text = RC_BYTES_LITERAL("[0-9]+")};

struct formula {
    struct rc_derivation derivation;
    double (*twin)(const struct rc_value values[RIG_PROPERTIES], int64_t time_ms);
};

static double
number(struct rc_value value)
{
    struct rc_value found;
    return rc_leaf_number(value, &found) ? rc_value_real(found) : NAN;
}

static double
ratio(double a, double b)
{
    return b == 0 ? NAN : a / b;
}

static double
product_twin(const struct rc_value values[RIG_PROPERTIES], int64_t time_ms)
{
    (void)time_ms;
    return number(values[0]) * number(values[4]) - 1.5;
}

static double
ratio_twin(const struct rc_value values[RIG_PROPERTIES], int64_t time_ms)
{
    (void)time_ms;
    return ratio(number(values[4]) - number(values[2]), number(values[0]));
}

static double
rows_twin(const struct rc_value values[RIG_PROPERTIES], int64_t time_ms)
{
    const double n = number(values[4]);
    return ratio(n * (double)time_ms + n, 3);
}

static double
absent_twin(const struct rc_value values[RIG_PROPERTIES], int64_t time_ms)
{
    (void)values;
    (void)time_ms;
    return NAN;
}

/* The first digits of a text of p5 or of a number there, as a number. */
static double
digits_of(struct rc_value value)
{
    char room[32];
    struct rc_bytes text = value.string;
    if (value.kind == RC_VALUE_INT || value.kind == RC_VALUE_DOUBLE)
        text = (struct rc_bytes){room, rc_number_text(value, room)};
    else if (value.kind != RC_VALUE_STRING)
        return NAN;
    size_t at = 0;
    while (at < text.size && (text.data[at] < '0' || text.data[at] > '9'))
        at++;
    size_t end = at;
    while (end < text.size && text.data[end] >= '0' && text.data[end] <= '9')
        end++;
    return number(rc_value_string((struct rc_bytes){text.data + at, end - at}));
}

static double
steps_twin(const struct rc_value values[RIG_PROPERTIES], int64_t time_ms)
{
    (void)time_ms;
    return digits_of(values[5]) + number(values[4]) * 2;
}

static double
nested_twin(const struct rc_value values[RIG_PROPERTIES], int64_t time_ms)
{
    return -(product_twin(values, time_ms) * 2) / 8 + number(values[4]);
}

/* The formulas over things of a kind; time and absence are events' alone. */
static uint32_t
make_formulas(enum rc_derivation_source kind, struct rc_arena *arena, struct formula *formulas)
{
    const struct rc_derivation *p0 =
        rc_arena_copy(arena, STORED(kind, "p0"), sizeof(struct rc_derivation));
    const struct rc_derivation *p2 =
        rc_arena_copy(arena, STORED(kind, "p2"), sizeof(struct rc_derivation));
    const struct rc_derivation *p4 =
        rc_arena_copy(arena, STORED(kind, "p4"), sizeof(struct rc_derivation));
    const struct rc_derivation absent = {.source = kind, .property = RC_BYTES_LITERAL("absent")};
    const struct rc_derivation time = {.source = RC_DERIVATION_TIME};
    const struct rc_derivation captured = {
        .source = kind, .property = RC_BYTES_LITERAL("p5"), .step_count = 1, .steps = &digits};
    const struct rc_derivation twice = {
        .source = kind, .property = RC_BYTES_LITERAL("p4"), .step_count = 1, .steps = &doubled};
    const struct {
        const char *formula;
        const struct rc_derivation *operands[3];
        double (*twin)(const struct rc_value values[RIG_PROPERTIES], int64_t time_ms);
    } rows[] = {
        {"A * B - 1.5", {p0, p4}, product_twin},
        {"(B - C) / A", {p0, p4, p2}, ratio_twin},
        {"A + B", {&captured, &twice}, steps_twin},
        {"-A / 8 + B", {NULL, p4}, nested_twin}, /* NULL: the first one, doubled. */
        {"(A * B + C) / 3", {p4, &time, p4}, rows_twin},
        {"A + 0 * B", {p4, &absent}, absent_twin},
    };
    const uint32_t count = kind == RC_DERIVATION_EVENT ? 6 : 4;
    for (uint32_t i = 0; i < count; i++) {
        const struct rc_derivation **operands =
            RC_ARENA_ARRAY(arena, const struct rc_derivation *, 3);
        uint32_t operand_count = 0;
        for (; operand_count < 3; operand_count++) {
            const struct rc_derivation *operand = rows[i].operands[operand_count];
            if (operand == NULL && operand_count > 0)
                break;
            struct rc_derivation *copy = rc_arena_copy(
                arena, operand == NULL ? &formulas[0].derivation : operand, sizeof(*copy));
            if (operand == NULL) {
                copy->step_count = 1;
                copy->steps = &doubled;
            }
            operands[operand_count] = copy;
        }
        formulas[i] = (struct formula){.derivation = {.source = RC_DERIVATION_FORMULA,
                                                      .formula = rc_bytes_of(rows[i].formula),
                                                      .operand_count = operand_count,
                                                      .operands = operands},
                                       .twin = rows[i].twin};
    }
    return count;
}

static void
check_cell(const struct rc_made_column *made,
           const struct formula *formula,
           rc_cell cell,
           const struct rc_value values[RIG_PROPERTIES],
           int64_t time_ms)
{
    struct rc_value expected = rc_value_null();
    const double twin = formula->twin(values, time_ms);
    if (isfinite(twin))
        assert_int_equal(rc_value_of_double(twin, &expected), RC_OK);
    if (!rc_value_same(rc_made_cell_value(made, cell), expected))
        fail_msg("%.*s makes something else of a row than %g",
                 (int)formula->derivation.formula.size, formula->derivation.formula.data, twin);
}

static void
open_made(const struct formula *formula,
          const struct rc_properties *properties,
          struct rc_made_column *made)
{
    assert_int_equal(
        rc_made_column_open(&formula->derivation, properties, &rc_account_process, made), RC_OK);
    assert_int_equal(made->kind, RC_MADE_FORMULA);
}

static struct rc_view *
make_view(uint64_t *random, uint32_t rows, struct rc_arena *arena)
{
    const struct rig_view_options options = {.slab_count = 2,
                                             .rows_per_slab = rows,
                                             .chunk_count = 2,
                                             .user_count = 300,
                                             .alias_count = 40};
    return rig_view_make(random, &options, arena);
}

static void
rows_of_slabs(void **state)
{
    (void)state;
    uint64_t random = rig_seed();
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    RC_CLEANUP(rc_arena_freep) struct rc_arena *lists = rc_arena_new(NULL, 0);
    struct rc_view *view = make_view(&random, ROWS, arena);
    struct formula formulas[8];
    const uint32_t count = make_formulas(RC_DERIVATION_EVENT, arena, formulas);
    const uint64_t second_block[] = {2};
    uint32_t slab_count;
    const struct rc_view_slab *slabs = rc_view_slabs(view, &slab_count);
    for (uint32_t i = 0; i < count; i++) {
        struct rc_made_column made;
        open_made(&formulas[i], rc_view_event_properties(view), &made);
        for (uint32_t slab = 0; slab < slab_count; slab++) {
            struct rc_column_view column;
            struct rc_value values[RIG_PROPERTIES];
            bool present = false;
            const uint64_t *blocks = slab == 1 ? second_block : NULL;
            assert_int_equal(rc_made_column_of_slab(&made, slabs[slab].slab, blocks, NULL, arena,
                                                    &present, &column),
                             RC_OK);
            assert_int_equal(present, formulas[i].twin != absent_twin);
            for (uint32_t row = 0; present && row < ROWS; row++) {
                const uint32_t code = rc_column_code(&column, row);
                assert_true(code < column.dictionary_count);
                if (blocks != NULL && row < RC_BLOCK_ROWS)
                    continue;
                rig_view_slab_row(view, slab, row, lists, values);
                const int64_t time_ms = rc_slab_get_info(slabs[slab].slab)->window_start_ms +
                                        rc_slab_times(slabs[slab].slab)[row];
                check_cell(&made, &formulas[i], column.dictionary[code], values, time_ms);
                rc_arena_reset(lists);
            }
        }
        rc_made_column_close(&made);
    }
    rig_view_free(view);
}

static void
rows_of_heads(void **state)
{
    (void)state;
    uint64_t random = rig_seed();
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_view *view = make_view(&random, 10, arena);
    struct formula formulas[8];
    const uint32_t count = make_formulas(RC_DERIVATION_EVENT, arena, formulas);
    uint32_t chunk_count;
    const struct rc_view_chunk *chunks = rc_view_chunks(view, &chunk_count);
    for (uint32_t i = 0; i < count; i++) {
        struct rc_made_column made;
        open_made(&formulas[i], rc_view_event_properties(view), &made);
        for (uint32_t chunk = 0; chunk < chunk_count; chunk++) {
            rc_cell cells[RC_CHUNK_ROWS];
            struct rc_value values[RIG_PROPERTIES];
            assert_int_equal(rc_made_column_cells(&made, &chunks[chunk], NULL, cells), RC_OK);
            for (uint32_t row = 0; row < chunks[chunk].row_count; row++) {
                rig_view_chunk_row(view, chunk, row, arena, values);
                check_cell(&made, &formulas[i], cells[row], values, chunks[chunk].times_ms[row]);
            }
        }
        rc_made_column_close(&made);
    }
    rig_view_free(view);
}

static void
persons_and_accounts(void **state)
{
    (void)state;
    uint64_t random = rig_seed();
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_view *view = make_view(&random, 10, arena);
    struct formula formulas[8];
    const uint32_t count = make_formulas(RC_DERIVATION_USER, arena, formulas);
    for (uint32_t i = 0; i < count; i++) {
        struct rc_made_column made;
        const rc_cell *cells = NULL;
        struct rc_value values[RIG_PROPERTIES];
        open_made(&formulas[i], rc_view_user_properties(view), &made);
        assert_int_equal(rc_made_column_owners(&made, view, 0, NULL, arena, &cells), RC_OK);
        for (uint32_t user = 0; user < rc_view_user_count(view); user++) {
            if (rc_view_person_of(view, user) != user) {
                assert_int_equal(cells[user], RC_CELL_NULL);
                continue;
            }
            rig_view_person(view, user, arena, values);
            check_cell(&made, &formulas[i], cells[user], values, 0);
        }
        rc_made_column_close(&made);
    }
    rig_view_free(view);
}

/* Each allocation in turn is refused: a status or the right answer, and nothing is lost. */
static void
memory_refused(void **state)
{
    (void)state;
    uint64_t random = 7;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_view *view = make_view(&random, 3000, arena);
    struct formula formulas[8];
    const uint32_t count = make_formulas(RC_DERIVATION_EVENT, arena, formulas);
    uint32_t slab_count;
    uint32_t refused = 0;
    const struct rc_view_slab *slabs = rc_view_slabs(view, &slab_count);
    const struct rc_view_chunk *chunks = rc_view_chunks(view, &slab_count);
    for (uint32_t i = 0; i < count; i++) {
        bool reached = true;
        for (uint64_t n = 1; reached; n++) {
            struct rc_account account = {0};
            struct rc_made_column made = {.kind = RC_MADE_NONE};
            struct rc_column_view column;
            rc_cell cells[RC_CHUNK_ROWS];
            bool present;
            RC_CLEANUP(rc_arena_freep) struct rc_arena *own = rc_arena_new(NULL, 0);
            rc_alloc_fail_at(n);
            enum rc_status status = rc_made_column_open(
                &formulas[i].derivation, rc_view_event_properties(view), &account, &made);
            if (status == RC_OK)
                status = rc_made_column_of_slab(&made, slabs[0].slab, NULL, NULL, own, &present,
                                                &column);
            if (status == RC_OK)
                status = rc_made_column_cells(&made, &chunks[0], NULL, cells);
            reached = rc_alloc_count() >= n;
            rc_alloc_fail_at(0);
            assert_int_equal(status, reached ? RC_NO_MEMORY : RC_OK);
            refused += reached;
            rc_made_column_close(&made);
            assert_int_equal(rc_account_used(&account), 0);
        }
    }
    assert_true(refused > 30);
    rig_view_free(view);
}

static void
cancelled(void **state)
{
    (void)state;
    uint64_t random = 8;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_view *view = make_view(&random, 1000, arena);
    struct formula formulas[8];
    const _Atomic(bool) cancel = true;
    struct rc_made_column made;
    struct rc_column_view column;
    rc_cell cells[RC_CHUNK_ROWS];
    uint32_t count;
    bool present;
    const struct rc_view_slab *slabs = rc_view_slabs(view, &count);
    const struct rc_view_chunk *chunks = rc_view_chunks(view, &count);
    make_formulas(RC_DERIVATION_EVENT, arena, formulas);
    open_made(&formulas[0], rc_view_event_properties(view), &made);
    assert_int_equal(
        rc_made_column_of_slab(&made, slabs[0].slab, NULL, &cancel, arena, &present, &column),
        RC_CANCELLED);
    assert_int_equal(rc_made_column_cells(&made, &chunks[0], &cancel, cells), RC_CANCELLED);
    rc_made_column_close(&made);
    rig_view_free(view);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_slabs),
        cmocka_unit_test(rows_of_heads),
        cmocka_unit_test(persons_and_accounts),
        cmocka_unit_test(memory_refused),
        cmocka_unit_test(cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
