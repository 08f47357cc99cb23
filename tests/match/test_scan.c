/* Scan: every form, width and kernel against a look at each row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/match/rows/scan_kernels.h"
#include "engine/match/rows/words.h"
#include "tests/match/match_rig.h"

#define ROWS (RC_BLOCK_ROWS + 1237)

static void
put_code(void *codes, uint32_t width, uint32_t index, uint32_t code)
{
    if (width == 1)
        ((uint8_t *)codes)[index] = (uint8_t)code;
    else if (width == 2)
        ((uint16_t *)codes)[index] = (uint16_t)code;
    else
        ((uint32_t *)codes)[index] = code;
}

/* A table that passes single codes, a few ranges, or many codes. */
static uint8_t *
random_table(uint64_t *random, uint32_t count)
{
    uint8_t *table = calloc(1, count + RC_SCAN_TABLE_PADDING);
    const uint32_t kind = rig_below(random, 3);
    if (kind == 0)
        table[rig_below(random, count)] = 1;
    for (uint32_t i = 0; kind == 1 && i < 3; i++) {
        uint32_t code = rig_below(random, count);
        for (uint32_t left = rig_below(random, count); left > 0 && code < count; left--)
            table[code++] = 1;
    }
    for (uint32_t code = 0; kind == 2 && code < count; code++)
        table[code] = (uint8_t)rig_below(random, 2);
    return table;
}

static void
expect(const struct rc_scan *scan, const uint8_t *expected)
{
    static uint64_t words[RC_BLOCK_WORDS];
    for (uint32_t begin = 0; begin < ROWS; begin += RC_BLOCK_ROWS) {
        const uint32_t count = ROWS - begin < RC_BLOCK_ROWS ? ROWS - begin : RC_BLOCK_ROWS;
        memset(words, 0xff, sizeof(words));
        rc_scan_block(scan, begin, count, words);
        for (uint32_t bit = 0; bit < RC_BLOCK_ROWS; bit++) {
            const bool found = (words[bit / 64] >> (bit % 64) & 1) != 0;
            if (found != (bit < count && expected[begin + bit] != 0))
                fail_msg("row %u", begin + bit);
        }
    }
}

static void
expect_kernels(const struct rc_scan *scan, const uint8_t *expected)
{
    const struct rc_scan_kernels *const all[] = {&rc_scan_kernels_portable, rc_scan_kernels_avx2(),
                                                 rc_scan_kernels_avx512(), rc_scan_kernels_neon()};
    static uint64_t words[RC_BLOCK_WORDS];
    for (int k = 0; k < 8; k++) {
        const struct rc_scan_kernels *kernels = all[k / 2];
        const bool ranges = k % 2 == 0;
        if (kernels == NULL || (ranges && scan->range_count == 0))
            continue;
        for (uint32_t count = 1; count <= RC_BLOCK_ROWS; count = count * 5 + 3) {
            memset(words, 0, sizeof(words));
            (ranges ? kernels->ranges : kernels->lookup)(scan, scan->column.codes, count, words);
            for (uint32_t row = 0; row < count; row++) {
                if ((words[row / 64] >> (row % 64) & 1) != expected[row])
                    fail_msg("%s %s, row %u of %u", kernels->name, ranges ? "ranges" : "lookup",
                             row, count);
            }
        }
    }
}

static void
plain(void **state)
{
    (void)state;
    uint64_t random = rig_seed();
    printf("best kernels: %s\n", rc_scan_kernels_best()->name);
    uint8_t *expected = malloc(ROWS);
    for (int round = 0; round < 60; round++) {
        const uint32_t width = 1u << (round % 3);
        const uint32_t most = width == 1 ? 256 : width == 2 ? 65536 : 200000;
        const uint32_t codes_max = rig_below(&random, 2) == 0 ? most : 1 + rig_below(&random, most);
        uint8_t *table = random_table(&random, codes_max);
        void *codes = malloc((size_t)ROWS * width);
        for (uint32_t row = 0; row < ROWS; row++) {
            const uint32_t code = rig_below(&random, codes_max);
            put_code(codes, width, row, code);
            expected[row] = table[code];
        }
        const struct rc_column_view column = {.form = RC_COLUMN_PLAIN,
                                              .code_width = width,
                                              .code_count = ROWS,
                                              .codes = codes,
                                              .dictionary_count = codes_max};
        struct rc_scan scan;
        rc_scan_prepare(&column, table, &scan);
        expect_kernels(&scan, expected);
        expect(&scan, expected);
        free(table);
        free(codes);
    }
    free(expected);
}

static void
runs_and_sparse(void **state)
{
    (void)state;
    uint64_t random = rig_seed();
    uint8_t *expected = malloc(ROWS);
    uint32_t *positions = malloc((ROWS + 1) * sizeof(*positions));
    for (int round = 0; round < 40; round++) {
        const bool runs = round % 2 == 0;
        const uint32_t width = 1u << (round % 3);
        const uint32_t step = 1 + rig_below(&random, round % 5 == 0 ? 100000 : 500);
        uint8_t *table = random_table(&random, 200);
        void *codes = malloc((size_t)ROWS * width);
        uint32_t count = 0;
        memset(expected, 0, ROWS);
        for (uint32_t row = runs ? 0 : rig_below(&random, step); row < ROWS;
             row += 1 + rig_below(&random, step)) {
            const uint32_t code = rig_below(&random, 200);
            positions[count] = row;
            put_code(codes, width, count++, code);
            expected[row] = table[code];
        }
        positions[count] = ROWS;
        for (uint32_t i = 0; runs && i < count; i++)
            memset(expected + positions[i], expected[positions[i]],
                   positions[i + 1] - positions[i]);
        const struct rc_column_view column = {.form = runs ? RC_COLUMN_RUNS : RC_COLUMN_SPARSE,
                                              .code_width = width,
                                              .code_count = count,
                                              .codes = codes,
                                              .positions = positions,
                                              .dictionary_count = 200};
        struct rc_scan scan;
        rc_scan_prepare(&column, table, &scan);
        expect(&scan, expected);
        free(table);
        free(codes);
    }
    free(positions);
    free(expected);
}

/* Marks, and how many are before every RC_MARKS_RANK_ROWS rows, of ROWS rows. */
static void
count_marks(const uint64_t *marks, uint32_t *ranks)
{
    uint32_t count = 0;
    for (uint32_t row = 0; row <= ROWS; row++) {
        if (row % RC_MARKS_RANK_ROWS == 0)
            ranks[row / RC_MARKS_RANK_ROWS] = count;
        count += row < ROWS && (marks[row / 64] >> (row % 64) & 1) != 0;
    }
}

/* The spreading alone: what the best kernels say is what the portable ones do. */
static void
expect_spread(const struct rc_column_view *column, uint64_t *random)
{
    static uint64_t hits[2 * RC_BLOCK_WORDS];
    static uint64_t one[RC_BLOCK_WORDS];
    static uint64_t other[RC_BLOCK_WORDS];
    const bool runs = column->form == RC_COLUMN_MARKED_RUNS;
    for (uint32_t i = 0; i < 2 * RC_BLOCK_WORDS; i++)
        hits[i] = (uint64_t)rig_below(random, UINT32_MAX) << 32 | rig_below(random, UINT32_MAX);
    for (int led = 0; led <= (runs ? 1 : 0); led++) {
        /* Without a leader row 0 is a mark, which the column's first word has. */
        rc_scan_spread_portable(column->marks, RC_BLOCK_WORDS, runs, led != 0, hits, one);
        rc_scan_spread_best()(column->marks, RC_BLOCK_WORDS, runs, led != 0, hits, other);
        assert_memory_equal(one, other, sizeof(one));
    }
}

static void
marked(void **state)
{
    (void)state;
    uint64_t random = rig_seed();
    uint8_t *expected = malloc(ROWS);
    uint64_t *marks = malloc(((size_t)ROWS / 64 + 1) * sizeof(*marks));
    uint32_t *ranks = malloc(((size_t)ROWS / RC_MARKS_RANK_ROWS + 1) * sizeof(*ranks));
    for (int round = 0; round < 60; round++) {
        const bool runs = round % 2 == 0;
        const uint32_t width = 1u << (round % 3);
        const uint32_t steps[] = {1, 2, 5, 300, 100000};
        const uint32_t step = steps[round % 5];
        uint8_t *table = random_table(&random, 200);
        void *codes = malloc((size_t)ROWS * width);
        uint32_t count = 0;
        uint32_t left = runs ? 0 : rig_below(&random, step);
        memset(marks, 0, ((size_t)ROWS / 64 + 1) * sizeof(*marks));
        for (uint32_t row = 0; row < ROWS; row++) {
            expected[row] = runs && row > 0 ? expected[row - 1] : 0;
            if (left-- > 0)
                continue;
            const uint32_t code = rig_below(&random, 200);
            left = rig_below(&random, step);
            marks[row / 64] |= (uint64_t)1 << (row % 64);
            put_code(codes, width, count++, code);
            expected[row] = table[code];
        }
        count_marks(marks, ranks);
        const struct rc_column_view column = {.form = runs ? RC_COLUMN_MARKED_RUNS
                                                           : RC_COLUMN_MARKED_ROWS,
                                              .code_width = width,
                                              .code_count = count,
                                              .codes = codes,
                                              .marks = marks,
                                              .ranks = ranks,
                                              .dictionary_count = 200};
        struct rc_scan scan;
        rc_scan_prepare(&column, table, &scan);
        expect(&scan, expected);
        scan.range_count = 0; /* Looked up as well. */
        expect(&scan, expected);
        expect_spread(&column, &random);
        free(table);
        free(codes);
    }
    free(ranks);
    free(marks);
    free(expected);
}

/* Numbers that are no codes, of any count, against one comparison each. */
static void
numbers_of_a_range(void **state)
{
    static uint32_t numbers[5000];
    static uint64_t words[5000 / 64 + 1];
    uint64_t random = 77;
    (void)state;
    for (uint32_t round = 0; round < 300; round++) {
        const uint32_t count = rig_below(&random, 5000);
        const uint32_t span = round % 3 == 0 ? UINT32_MAX : 1 + rig_below(&random, 100000);
        const uint32_t base = round % 3 == 0 ? 0 : rig_below(&random, UINT32_MAX - 100000);
        const struct rc_scan_range range = {.first = base + rig_below(&random, span),
                                            .width = rig_below(&random, span)};
        for (uint32_t i = 0; i < count; i++)
            numbers[i] = rig_below(&random, 8) == 0 ? range.first + rig_below(&random, 3) - 1
                                                    : base + rig_below(&random, span);
        memset(words, 0xaa, sizeof(words));
        rc_scan_numbers(numbers, count, range, words);
        for (uint32_t i = 0; i < (count + 63) / 64 * 64; i++)
            assert_int_equal(words[i / 64] >> (i % 64) & 1,
                             i < count && numbers[i] - range.first <= range.width);
    }
}

/* The same of 16 bits. */
static void
halves_of_a_range(void **state)
{
    static uint16_t halves[5000];
    static uint64_t words[5000 / 64 + 1];
    uint64_t random = 79;
    (void)state;
    for (uint32_t round = 0; round < 300; round++) {
        const uint32_t count = rig_below(&random, 5000);
        const uint32_t first = rig_below(&random, 1 << 16);
        const struct rc_scan_range range = {.first = first,
                                            .width = rig_below(&random, (1 << 16) - first)};
        for (uint32_t i = 0; i < count; i++)
            halves[i] = (uint16_t)(rig_below(&random, 8) == 0 ? first + rig_below(&random, 3) - 1
                                                              : rig_below(&random, 1 << 16));
        memset(words, 0xaa, sizeof(words));
        rc_scan_halves(halves, count, range, words);
        for (uint32_t i = 0; i < (count + 63) / 64 * 64; i++)
            assert_int_equal(words[i / 64] >> (i % 64) & 1,
                             i < count && halves[i] >= first && halves[i] <= first + range.width);
    }
}

/* Counts and lists of words, of any number of them. */
static void
words_are_counted(void **state)
{
    uint64_t words[RC_BLOCK_WORDS];
    uint16_t places[RC_BLOCK_WORDS];
    uint64_t random = 78;
    (void)state;
    for (uint32_t round = 0; round < 2000; round++) {
        const uint32_t word_count = rig_below(&random, round % 2 == 0 ? 20 : RC_BLOCK_WORDS + 1);
        uint64_t expected = 0;
        uint32_t listed = 0;
        for (uint32_t i = 0; i < word_count; i++) {
            words[i] = rig_below(&random, 3) == 0
                           ? 0
                           : (uint64_t)rig_below(&random, UINT32_MAX) << rig_below(&random, 33);
            expected += (uint32_t)__builtin_popcountll(words[i]);
        }
        assert_int_equal(rc_words_count(words, word_count), expected);
        const uint32_t count = rc_words_list(words, word_count, places);
        for (uint32_t i = 0; i < word_count; i++)
            if (words[i] != 0)
                assert_true(listed < count && places[listed++] == i);
        assert_int_equal(listed, count);
    }
}

/* A member's rank is how many come before it; that of the first index of a word too. */
static void
members_are_ranked(void **state)
{
    uint64_t words[RC_BLOCK_WORDS];
    uint32_t ranks[RC_BLOCK_WORDS];
    uint64_t random = 80;
    (void)state;
    for (uint32_t round = 0; round < 300; round++) {
        const uint32_t word_count = 1 + rig_below(&random, round % 2 == 0 ? 5 : RC_BLOCK_WORDS);
        uint32_t before = 0;
        for (uint32_t i = 0; i < word_count; i++)
            words[i] = rig_below(&random, 3) == 0
                           ? 0
                           : (uint64_t)rig_below(&random, UINT32_MAX) << rig_below(&random, 33);
        const uint32_t count = rc_words_rank(words, word_count, ranks);
        for (uint32_t index = 0; index < 64 * word_count; index++) {
            assert_int_equal(rc_words_rank_of(words, ranks, index), before);
            before += rc_words_has(words, index);
        }
        assert_int_equal(count, before);
    }
}

/* The places of bits, and nothing behind what may be written. */
static void
bits_are_listed(void **state)
{
    static uint32_t rows[RC_BLOCK_ROWS + RC_WORDS_ROWS_MORE + 1];
    uint64_t words[RC_BLOCK_WORDS];
    uint64_t random = 79;
    (void)state;
    for (uint32_t round = 0; round < 300; round++) {
        const uint32_t word_count = rig_below(&random, round % 2 == 0 ? 5 : RC_BLOCK_WORDS + 1);
        const uint32_t first = 64 * rig_below(&random, 1000);
        uint32_t expected = 0;
        for (uint32_t i = 0; i < word_count; i++) {
            words[i] = (uint64_t)rig_below(&random, UINT32_MAX) << rig_below(&random, 33);
            words[i] |= rig_below(&random, 4) == 0 ? UINT64_MAX << rig_below(&random, 64) : 0;
            expected += (uint32_t)__builtin_popcountll(words[i]);
        }
        rows[expected + RC_WORDS_ROWS_MORE] = 12345;
        assert_int_equal(rc_words_rows(words, word_count, first, rows), expected);
        assert_int_equal(rows[expected + RC_WORDS_ROWS_MORE], 12345);
        uint32_t at = 0;
        for (uint32_t bit = 0; bit < 64 * word_count; bit++)
            if (rc_words_has(words, bit))
                assert_int_equal(rows[at++], first + bit);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain),
        cmocka_unit_test(runs_and_sparse),
        cmocka_unit_test(numbers_of_a_range),
        cmocka_unit_test(halves_of_a_range),
        cmocka_unit_test(words_are_counted),
        cmocka_unit_test(members_are_ranked),
        cmocka_unit_test(bits_are_listed),
        cmocka_unit_test(marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
