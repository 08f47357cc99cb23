/*
 * The small parts of a series: exact sums, percentiles, bins, formulas, tuples, tables of buckets,
 * moves by the calendar.
 */
#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "engine/query/number/exact_sum.h"
#include "engine/query/number/percentile.h"
#include "engine/query/series/series_stretch.h"
#include "engine/query/series/series_tally.h"
#include "engine/query/split/bins.h"
#include "engine/query/split/top.h"
#include "engine/query/split/tuple_table.h"
#include "engine/query/time/bucket_table.h"

static uint64_t random_state = 20250101;

static uint32_t
below(uint32_t limit)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % limit;
}

/* ---- Exact sums ------------------------------------------------------------------------------ */

static void
add(struct rc_exact_sum *sum, double number)
{
    assert_int_equal(rc_exact_sum_add(NULL, sum, number), RC_OK);
}

static void
sums_are_exact(void **state)
{
    (void)state;
    struct rc_exact_sum sum = {0};
    assert_true(rc_exact_sum_value(&sum) == 0);
    add(&sum, 1e300);
    add(&sum, 0.1);
    add(&sum, -1e300);
    assert_true(rc_exact_sum_value(&sum) == 0.1);
    add(&sum, 5e-324);
    add(&sum, -0.1);
    assert_true(rc_exact_sum_value(&sum) == 5e-324);
    add(&sum, -5e-324);
    add(&sum, -19.99);
    assert_true(rc_exact_sum_value(&sum) == -19.99);
    rc_exact_sum_close(&sum);
    /* A tie goes to the even neighbour, unless something below breaks it. */
    add(&sum, 9007199254740992.0);
    add(&sum, 1);
    assert_true(rc_exact_sum_value(&sum) == 9007199254740992.0);
    add(&sum, 1e-200);
    assert_true(rc_exact_sum_value(&sum) == 9007199254740994.0);
    rc_exact_sum_close(&sum);
    for (int i = 0; i < 3; i++)
        add(&sum, 1.7e308);
    assert_true(isinf(rc_exact_sum_value(&sum)));
    assert_true(isnan(rc_exact_sum_figure(&sum)));
    assert_true(fabs(rc_exact_sum_mean(&sum, 3) / 1.7e308 - 1) <= DBL_EPSILON);
    assert_true(isnan(rc_exact_sum_mean(&sum, 1)));
    for (int i = 0; i < 2; i++)
        add(&sum, -1.7e308);
    assert_true(rc_exact_sum_figure(&sum) == 1.7e308);
    rc_exact_sum_close(&sum);
    for (int count = 1; count < 40; count++) {
        add(&sum, -DBL_MAX);
        assert_true(fabs(rc_exact_sum_mean(&sum, (uint64_t)count) / -DBL_MAX - 1) <= DBL_EPSILON);
    }
    rc_exact_sum_close(&sum);
    for (int i = 0; i < 5000; i++) /* The near part runs over again and again. */
        add(&sum, 30000000000000.5);
    assert_true(rc_exact_sum_value(&sum) == 30000000000000.5 * 5000);
    rc_exact_sum_close(&sum);
}

/* The same numbers in two orders, in parts, and as products. */
static void
sums_do_not_depend_on_order(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 300; round++) {
        double numbers[40];
        const uint32_t count = 1 + below(40);
        struct rc_exact_sum forward = {0};
        struct rc_exact_sum parts[2] = {{0}, {0}};
        struct rc_exact_sum thrice[2] = {{0}, {0}};
        for (uint32_t i = 0; i < count; i++) {
            const int exponent = below(2) == 0 ? (int)below(20) - 10 : (int)below(1900) - 1000;
            numbers[i] = ldexp((double)below(1000000) - 500000, exponent);
            add(&forward, numbers[i]);
            for (int times = 0; times < 3; times++)
                add(&thrice[0], numbers[i]);
            assert_int_equal(rc_exact_sum_add_times(NULL, &thrice[1], numbers[i], 3), RC_OK);
        }
        for (uint32_t i = count; i-- > 0;)
            add(&parts[below(2)], numbers[i]);
        assert_int_equal(rc_exact_sum_join(NULL, &parts[0], &parts[1]), RC_OK);
        assert_true(rc_exact_sum_value(&forward) == rc_exact_sum_value(&parts[0]));
        assert_true(rc_exact_sum_value(&thrice[0]) == rc_exact_sum_value(&thrice[1]));
        rc_exact_sum_close(&forward);
        for (uint32_t i = 0; i < 2; i++) {
            rc_exact_sum_close(&parts[i]);
            rc_exact_sum_close(&thrice[i]);
        }
    }
    for (uint32_t round = 0; round < 2000; round++) {
        /* A count bit by bit, as often as the near part holds and more. */
        const double number = ldexp((double)below(1000000) - 500000, (int)below(70) - 40);
        const uint64_t times = ((uint64_t)below(1u << 30) << below(8)) + below(100);
        struct rc_exact_sum once = {0};
        struct rc_exact_sum bits = {0};
        assert_int_equal(rc_exact_sum_add_times(NULL, &once, number, times), RC_OK);
        for (int bit = 0; times >> bit != 0; bit++)
            if ((times >> bit & 1) != 0)
                add(&bits, ldexp(number, bit));
        assert_true(rc_exact_sum_value(&once) == rc_exact_sum_value(&bits));
        rc_exact_sum_close(&once);
        rc_exact_sum_close(&bits);
    }
    struct rc_exact_sum greatest = {0};
    assert_int_equal(rc_exact_sum_add_times(NULL, &greatest, 1.7e308, 3), RC_OK);
    add(&greatest, -1.7e308);
    add(&greatest, -1.7e308);
    assert_true(rc_exact_sum_value(&greatest) == 1.7e308);
    rc_exact_sum_close(&greatest);
}

/* ---- Percentiles and bins -------------------------------------------------------------------- */

static void
percentiles_interpolate(void **state)
{
    (void)state;
    struct rc_percentile_rank rank = rc_percentile_rank_of(95, 21);
    assert_int_equal(rank.low, 19);
    assert_true(rank.share.high == 0);
    rank = rc_percentile_rank_of(75, 4);
    assert_int_equal(rank.low, 2);
    assert_int_equal(rank.high, 3);
    assert_true(rank.share.high == 0.25);
    rank = rc_percentile_rank_of(100, 1);
    assert_int_equal(rank.high, 0);
    const struct rc_pair quarter = {0.25, 0};
    const struct rc_pair half = {0.5, 0};
    assert_true(rc_percentile_between(4, 10, quarter) == 5.5);
    assert_true(rc_percentile_between(-1.7e308, 1.7e308, half) == 0);
    /* (2.5 + 2^53) / 2 is 2^52 + 1.25; an operation at a time rounds to 2^52 + 2. */
    assert_true(rc_percentile_between(2.5, 0x1p53, half) == 0x1p52 + 1);
    /* The double 99.9 is a little more. */
    rank = rc_percentile_rank_of(99.9, 1001);
    assert_int_equal(rank.low, 999);
    assert_true(rank.share.high > 0 && rank.share.high < 1e-12);
    /* 64.1 is a little less. */
    rank = rc_percentile_rank_of(64.1, 1001);
    assert_int_equal(rank.low, 640);
    assert_true(rank.share.high > 1 - 1e-12);
}

static void
bins_meet_their_edges(void **state)
{
    (void)state;
    const struct rc_bins bins = rc_bins_make(1, 11, 10);
    for (uint32_t i = 0; i <= 10; i++)
        assert_true(rc_bins_edge(&bins, i) == 1 + i);
    assert_int_equal(rc_bins_find(&bins, 1), 0);
    assert_int_equal(rc_bins_find(&bins, 1.999), 0);
    assert_int_equal(rc_bins_find(&bins, 2), 1);
    assert_int_equal(rc_bins_find(&bins, 11), 9);
    assert_int_equal(rc_bins_make(3, 3, 10).count, 1);
    assert_int_equal(rc_bins_make(INFINITY, -INFINITY, 10).count, 0);
    /* (0.001 + 35999.999) / 2, and what an operation at a time rounds to 18000.000000000004. */
    const struct rc_bins times = rc_bins_make(0.001, 35999.999, 10);
    assert_true(rc_bins_edge(&times, 5) == 18000);
    assert_int_equal(rc_bins_find(&times, 18000), 5);
    const struct rc_bins widest = rc_bins_make(-1.7e308, 1.7e308, 4);
    assert_true(rc_bins_edge(&widest, 2) == 0);
    assert_int_equal(rc_bins_find(&widest, 1.7e308), 3);
}

/* On edges, beside them and between them; where doubles lie far apart and where bins are wide. */
static void
numbers_lie_between_their_edges(void **state)
{
    (void)state;
    static const double leasts[] = {0, 0.1, -3, 1e15, -1e308, 5e-324};
    static const double widths[] = {1, 0.7, 1e4, 3, 1.5e308, 1e-320};
    for (uint32_t i = 0; i < 36; i++) {
        const double least = leasts[i / 6];
        for (uint32_t count = 1; count <= 1000; count = 3 * count + 1) {
            const struct rc_bins bins = rc_bins_make(least, least + widths[i % 6], count);
            for (uint32_t k = 0; k < 8 * bins.count; k++) {
                double number = rc_bins_edge(&bins, k / 8);
                number = k % 8 == 0 ? number
                         : k % 8 == 1
                             ? nextafter(number, INFINITY)
                             : number + (rc_bins_edge(&bins, k / 8 + 1) - number) * (k % 8) / 8;
                if (!(number <= bins.greatest))
                    continue;
                const uint32_t bin = rc_bins_find(&bins, number);
                assert_true(bin < bins.count && rc_bins_edge(&bins, bin) <= number);
                assert_true(bin + 1 == bins.count || number < rc_bins_edge(&bins, bin + 1));
            }
        }
    }
}

/* ---- Tuples, the top ------------------------------------------------------------------------- */

static void
tuples_are_numbered_once(void **state)
{
    (void)state;
    struct rc_tuple_table table = {0};
    assert_int_equal(rc_tuple_table_find(&table, (struct rc_tuple){{1, 2, 3}}), UINT32_MAX);
    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < 3000; i++) {
            uint32_t number;
            const struct rc_tuple tuple = {{i % 10, i / 10 % 10, i / 100}};
            assert_int_equal(rc_tuple_table_add(&table, tuple, &number), RC_OK);
            assert_int_equal(number, i);
            assert_int_equal(rc_tuple_table_find(&table, tuple), i);
        }
    }
    assert_int_equal(table.count, 3000);
    assert_int_equal(rc_tuple_table_find(&table, (struct rc_tuple){{1, 2, 30}}), UINT32_MAX);
    rc_tuple_table_close(&table);
}

static bool
is_greater(void *context, uint32_t a, uint32_t b)
{
    (void)context;
    return a > b;
}

static void
the_top_is_in_order(void **state)
{
    (void)state;
    for (uint32_t top_n = 0; top_n < 12; top_n++) {
        uint32_t first[12];
        struct rc_top top = {.top_n = top_n, .first = first, .before = is_greater};
        for (uint32_t i = 0; i < 10; i++)
            rc_top_offer(&top, i * 7 % 10);
        rc_top_finish(&top);
        assert_int_equal(top.count, top_n < 10 ? top_n : 10);
        assert_int_equal(top.more, top_n < 10);
        for (uint32_t i = 0; i < top.count; i++)
            assert_int_equal(first[i], 9 - i);
    }
}

/* ---- Tables of buckets ----------------------------------------------------------------------- */

static void
tables_find_what_maps_find(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 60; round++) {
        struct rc_arena *arena = rc_arena_new(NULL, 0);
        struct rc_calendar calendar;
        struct rc_bucket_map map;
        const struct rc_bucket *buckets;
        uint32_t count;
        const int64_t window_ms = (int64_t)1709251200000 / RC_WINDOW_MS * RC_WINDOW_MS;
        const int64_t start_ms = window_ms - 86400000 + (int64_t)below(40) * 86400000 / 3;
        const bool brief = below(2) == 0; /* With several buckets in a slot, if they are minutes. */
        const struct rc_bucket_request request = {
            .unit = (enum rc_unit)(RC_UNIT_HOUR - (brief ? below(2) : 0) + below(4)),
            .start_ms = start_ms,
            .end_ms = start_ms + 1 + (int64_t)below(brief ? 4000000 : 2000000000),
            .bucket_max = RC_BUCKETS_MAX,
        };
        assert_int_equal(rc_calendar_make(rc_bytes_of("America/Sao_Paulo"), 0, &calendar, NULL),
                         RC_OK);
        assert_int_equal(rc_calendar_buckets(&calendar, &request, arena, &buckets, &count, NULL),
                         RC_OK);
        assert_int_equal(rc_bucket_map_make(buckets, count, arena, &map), RC_OK);
        struct rc_bucket_table table = {.window_start_ms = window_ms,
                                        .from_ms = request.start_ms,
                                        .until_ms = request.end_ms,
                                        .bucket_count = count,
                                        .map = &map};
        table.time_min_ms = window_ms + (int64_t)below((uint32_t)RC_WINDOW_MS);
        table.time_max_ms = brief || below(4) == 0 ? table.time_min_ms + (int64_t)below(7200000)
                                                   : window_ms + RC_WINDOW_MS - 1;
        assert_int_equal(rc_bucket_table_make(&table, arena), RC_OK);
        if (table.only != RC_BUCKET_MIXED)
            for (int64_t time_ms = table.time_min_ms; time_ms <= table.time_max_ms; time_ms += 997)
                assert_int_equal(rc_bucket_table_search(&table, time_ms), table.only);
        for (uint32_t i = 0; i < 3000; i++) {
            int64_t time_ms = window_ms + (int64_t)below((uint32_t)RC_WINDOW_MS);
            if (i % 3 == 0) /* Near an edge. */
                time_ms = (i % 2 == 0 ? request.end_ms : buckets[below(count)].start_ms) - 2 +
                          (int64_t)below(4);
            if (time_ms < window_ms || time_ms > table.time_max_ms)
                continue;
            const bool counts = time_ms >= request.start_ms && time_ms < request.end_ms;
            assert_int_equal(rc_bucket_table_find(&table, (uint32_t)(time_ms - window_ms)),
                             counts ? rc_bucket_map_find(&map, time_ms) : count);
        }
        rc_arena_free(arena);
    }
}

/* ---- Stretches of rows ----------------------------------------------------------------------- */

#define SLAB_ROWS (2 * RC_PIECE_ROWS)
#define CODES 9u
#define BUCKETS 60u
#define COUNTERS ((CODES + 2) * (BUCKETS + 1)) /* By code, for none, and for what is not read. */

/* A slab's rows, and the table of buckets of three hours, or of a day, from an odd millisecond on.
 */
struct stretch_rig {
    uint32_t times[SLAB_ROWS];
    uint32_t codes[SLAB_ROWS];
    uint32_t counters[CODES + 1];
    struct rc_bucket buckets[BUCKETS];
    struct rc_bucket_map map;
    struct rc_bucket_table table;
    const struct rc_bucket_cells *cells; /* NULL: of three hours. */
    uint32_t narrow[2][COUNTERS];
    struct rc_series_stretches scratch;
    uint64_t marks[SLAB_ROWS / 64]; /* The codes as a column of marked runs. */
    uint32_t ranks[SLAB_ROWS / RC_MARKS_RANK_ROWS + 1];
    uint32_t run_codes[SLAB_ROWS];
    struct rc_column_view column;
};

static void
make_stretches(struct stretch_rig *rig, struct rc_arena *arena)
{
    const int64_t first_ms = 86400000 + below(86400000);
    const int64_t width_ms = below(2) == 0 ? INT64_C(10800000) : INT64_C(86400000);
    uint32_t time = 0;
    for (uint32_t row = 0; row < SLAB_ROWS; row++) {
        time = below(40) == 0 ? below((uint32_t)RC_WINDOW_MS / 4) : time + below(600000);
        rig->times[row] = time;
        if (below(30) == 0) /* The first of a bucket, or the last before it. */
            rig->times[row] = (uint32_t)(first_ms + below(20) * width_ms - below(2));
        rig->codes[row] =
            row > 0 && below(3) > 0 ? rig->codes[row - 1] : below(CODES + 1) - 1; /* Or none. */
    }
    for (uint32_t code = 0; code <= CODES; code++)
        rig->counters[code] = (below(8) == 0 ? CODES + 1 : code) * (BUCKETS + 1);
    for (uint32_t i = 0; i < BUCKETS; i++) {
        rig->buckets[i].start_ms = first_ms + i * width_ms;
        rig->buckets[i].end_ms = first_ms + (i + 1) * width_ms;
    }
    assert_int_equal(rc_bucket_map_make(rig->buckets, BUCKETS, arena, &rig->map), RC_OK);
    rig->table = (struct rc_bucket_table){.from_ms = first_ms,
                                          .until_ms = rig->buckets[BUCKETS - 1].end_ms,
                                          .bucket_count = BUCKETS,
                                          .map = &rig->map,
                                          .time_max_ms = RC_WINDOW_MS - 1};
    assert_int_equal(rc_bucket_table_make(&rig->table, arena), RC_OK);
    assert_int_equal(rc_bucket_cells_make(&rig->table, arena, &rig->cells), RC_OK);
    assert_int_equal(rig->cells != NULL, width_ms == INT64_C(86400000));
}

/* Some code of 1, 2 or 4 bytes stands for none, as one of an entry that is null does. */
static void
mark_runs(struct stretch_rig *rig)
{
    const uint32_t width = 1u << below(3);
    uint32_t runs = 0;
    memset(rig->marks, 0, sizeof(rig->marks));
    for (uint32_t row = 0; row < SLAB_ROWS; row++) {
        rig->codes[row] = rig->codes[row] == RC_CODE_NONE ? 0 : rig->codes[row];
        if (row % RC_MARKS_RANK_ROWS == 0)
            rig->ranks[row / RC_MARKS_RANK_ROWS] = runs;
        if (row > 0 && rig->codes[row] == rig->codes[row - 1])
            continue;
        rig->marks[row / 64] |= (uint64_t)1 << (row % 64);
        memcpy((char *)rig->run_codes + (size_t)runs * width, &rig->codes[row], width);
        runs++;
    }
    rig->ranks[SLAB_ROWS / RC_MARKS_RANK_ROWS] = runs;
    rig->column = (struct rc_column_view){.form = RC_COLUMN_MARKED_RUNS,
                                          .code_width = width,
                                          .code_count = runs,
                                          .codes = rig->run_codes,
                                          .marks = rig->marks,
                                          .ranks = rig->ranks};
}

/* What rows are counted, and how. */
struct stretch_case {
    const uint64_t *selected; /* NULL: all. */
    bool marked;              /* By the column's marks. */
    uint32_t begin;
    uint32_t end;
};

/* false: it was left to counting by rows. */
static bool
count_both_ways(struct stretch_rig *rig, struct rc_series_piece piece, struct stretch_case made)
{
    memset(rig->narrow, 0, sizeof(rig->narrow));
    piece.narrow = rig->narrow[0];
    if (!(made.marked ? rc_series_count_marked(&piece, &rig->column, &rig->scratch, made.selected,
                                               made.begin, made.end)
                      : rc_series_count_stretches(&piece, &rig->scratch, made.selected, made.begin,
                                                  made.end)))
        return false;
    piece.narrow = rig->narrow[1];
    piece.times = rig->times + made.begin;
    rc_series_count_rows(&piece, made.selected, made.begin % RC_PIECE_ROWS, made.end - made.begin);
    for (uint32_t code = 0; code <= CODES; code++)
        assert_memory_equal(rig->narrow[0] + (size_t)code * (BUCKETS + 1),
                            rig->narrow[1] + (size_t)code * (BUCKETS + 1),
                            BUCKETS * sizeof(uint32_t));
    return true;
}

static void
stretches_count_what_rows_do(void **state)
{
    static struct stretch_rig rig;
    (void)state;
    uint32_t short_ways[2] = {0};
    for (uint32_t round = 0; round < 800; round++) {
        uint64_t words[RC_PIECE_WORDS];
        uint64_t in_time[RC_PIECE_WORDS];
        struct rc_arena *arena = rc_arena_new(NULL, 0);
        const bool marked = round % 2 != 0;
        make_stretches(&rig, arena);
        if (marked)
            mark_runs(&rig);
        const uint32_t base = below(2) * RC_PIECE_ROWS;
        const uint32_t begin = base + (below(2) == 0 ? 0 : below(RC_PIECE_ROWS));
        const uint32_t left = base + RC_PIECE_ROWS - begin;
        const uint32_t end = below(2) == 0 ? begin + left : begin + 1 + below(left);
        const bool all = below(2) == 0;
        for (uint32_t i = 0; i < RC_PIECE_WORDS; i++)
            words[i] = below(4) == 0 ? 0 : UINT64_MAX << below(40);
        const struct rc_series_piece piece = {.table = &rig.table,
                                              .slots = rig.table.slots,
                                              .cells = rig.cells,
                                              .times = rig.times,
                                              .codes = rig.codes + begin,
                                              .counters = rig.counters,
                                              .buckets = BUCKETS,
                                              .unread = (CODES + 1) * (BUCKETS + 1),
                                              .copies = 1};
        const uint64_t *selected = all ? NULL : words;
        if (below(2) == 0 && rc_series_in_time(&piece, base, end, selected, in_time))
            selected = in_time;
        short_ways[marked] +=
            count_both_ways(&rig, piece, (struct stretch_case){selected, marked, begin, end});
        rc_arena_free(arena);
    }
    assert_true(short_ways[0] > 100);
    assert_true(short_ways[1] > 100 || rc_series_marked_kernels_best() == NULL);
}

/* ---- Tallies of numbers ---------------------------------------------------------------------- */

/* The codes as a column in which only rows with one are marked. */
static void
mark_rows(struct stretch_rig *rig)
{
    const uint32_t width = 1u << below(3);
    uint32_t count = 0;
    memset(rig->marks, 0, sizeof(rig->marks));
    for (uint32_t row = 0; row < SLAB_ROWS; row++) {
        if (row % RC_MARKS_RANK_ROWS == 0)
            rig->ranks[row / RC_MARKS_RANK_ROWS] = count;
        if (rig->codes[row] == RC_CODE_NONE)
            continue;
        rig->marks[row / 64] |= (uint64_t)1 << (row % 64);
        memcpy((char *)rig->run_codes + (size_t)count * width, &rig->codes[row], width);
        count++;
    }
    rig->ranks[SLAB_ROWS / RC_MARKS_RANK_ROWS] = count;
    rig->column = (struct rc_column_view){.form = RC_COLUMN_MARKED_ROWS,
                                          .code_width = width,
                                          .code_count = count,
                                          .codes = rig->run_codes,
                                          .marks = rig->marks,
                                          .ranks = rig->ranks};
}

/* Row by row; how many have a number and are in a bucket. */
static uint32_t
tally_rows(const struct stretch_rig *rig,
           const uint32_t *entries,
           const uint64_t *words,
           uint32_t begin,
           uint32_t end,
           uint32_t *counts)
{
    uint32_t found = 0;
    for (uint32_t row = begin; row < end; row++) {
        const uint32_t place = rc_bucket_table_search(&rig->table, rig->times[row]);
        const uint32_t entry =
            rig->codes[row] == RC_CODE_NONE ? RC_NUMBER_NONE : entries[rig->codes[row]];
        if (place == BUCKETS || entry == RC_NUMBER_NONE ||
            (words != NULL && !rc_words_has(words, row % RC_PIECE_ROWS)))
            continue;
        counts[place * (CODES + 1) + entry]++;
        found++;
    }
    return found;
}

static void
tallies_count_what_rows_do(void **state)
{
    static struct stretch_rig rig;
    static struct rc_tally tally;
    const rc_tally_kernel kernel = rc_tally_kernel_best();
    uint32_t found_in_all = 0;
    (void)state;
    for (uint32_t round = 0; round < 800 && kernel != NULL; round++) {
        uint32_t counts[2][(BUCKETS + 1) * (CODES + 1)] = {0};
        uint32_t entries[CODES];
        uint64_t words[RC_PIECE_WORDS];
        struct rc_arena *arena = rc_arena_new(NULL, 0);
        make_stretches(&rig, arena);
        if (round % 2 == 0)
            mark_rows(&rig);
        else
            mark_runs(&rig);
        for (uint32_t i = 0; i < CODES; i++)
            entries[i] = below(8) == 0 ? RC_NUMBER_NONE : i * 5 % CODES;
        for (uint32_t i = 0; i < RC_PIECE_WORDS; i++)
            words[i] = below(4) == 0 ? 0 : UINT64_MAX << below(40);
        const uint32_t base = below(2) * RC_PIECE_ROWS;
        const uint32_t begin = base + (below(2) == 0 ? 0 : below(RC_PIECE_ROWS));
        const uint32_t left = base + RC_PIECE_ROWS - begin;
        const uint32_t end = below(2) == 0 ? begin + left : begin + 1 + below(left);
        const uint64_t *selected = below(2) == 0 ? NULL : words;
        const struct rc_tally_slab slab = {.table = &rig.table,
                                           .cells = rig.cells,
                                           .column = &rig.column,
                                           .entries = entries,
                                           .times = rig.times};
        tally.number_count = CODES;
        tally.buckets = BUCKETS;
        tally.counts = counts[0];
        if (rig.cells != NULL) {
            const uint32_t found = kernel(&tally, &slab, selected, begin, end);
            assert_int_equal(found, tally_rows(&rig, entries, selected, begin, end, counts[1]));
            for (uint32_t i = 0; i < BUCKETS * (CODES + 1); i++)
                if (i % (CODES + 1) != CODES)
                    assert_int_equal(counts[0][i], counts[1][i]);
            found_in_all += found;
        }
        rc_arena_free(arena);
    }
    assert_true(found_in_all > 10000 || kernel == NULL);
}

/* ---- Moves by the calendar ------------------------------------------------------------------- */

static void
expect_shift_ms(const char *zone, enum rc_unit unit, uint32_t count, int64_t from_ms, int64_t to_ms)
{
    struct rc_calendar calendar;
    int64_t moved_ms = 0;
    assert_int_equal(rc_calendar_make(rc_bytes_of(zone), 0, &calendar, NULL), RC_OK);
    assert_true(rc_calendar_shift(&calendar, unit, count, from_ms, &moved_ms));
    assert_int_equal(moved_ms, to_ms);
}

static void
expect_shift(const char *zone, enum rc_unit unit, uint32_t count, int64_t from_s, int64_t to_s)
{
    expect_shift_ms(zone, unit, count, from_s * 1000 + 7, to_s * 1000 + 7);
}

static void
shifts_keep_local_time(void **state)
{
    (void)state;
    int64_t moved_ms;
    struct rc_calendar calendar;
    /* 2024-03-31T12:00Z to the last of February; a year later there is no 29th. */
    expect_shift("UTC", RC_UNIT_MONTH, 1, 1711886400, 1709208000);
    expect_shift("UTC", RC_UNIT_MONTH, 12, 1709208000, 1677585600);
    /* 2024-03-31T12:00+02:00, a day and a week after the clock went forward at most. */
    expect_shift("Europe/Berlin", RC_UNIT_DAY, 1, 1711879200, 1711796400);
    expect_shift("Europe/Berlin", RC_UNIT_WEEK, 1, 1711879200, 1711278000);
    /* 2024-04-01T02:30+02:00: the day before there is no half past two; it begins again at three.
     */
    expect_shift_ms("Europe/Berlin", RC_UNIT_DAY, 1, 1711931400007, 1711846800000);
    /* 2024-10-28T02:30+01:00: the day before there are two, of which the first is meant. */
    expect_shift("Europe/Berlin", RC_UNIT_DAY, 1, 1730079000, 1729989000);
    /* 2011-12-31T05:00+14:00 in Apia: the day before does not exist. */
    expect_shift_ms("Pacific/Apia", RC_UNIT_DAY, 1, 1325257200007, 1325239200000);
    expect_shift("UTC", RC_UNIT_DAY, 1, -1, -86401);
    assert_int_equal(rc_calendar_make(rc_bytes_of("UTC"), 0, &calendar, NULL), RC_OK);
    assert_false(rc_calendar_shift(&calendar, RC_UNIT_MONTH, UINT32_MAX, 0, &moved_ms));
    assert_false(rc_calendar_shift(&calendar, RC_UNIT_DAY, 1, RC_TIME_MS_MIN, &moved_ms));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_exact),
        cmocka_unit_test(sums_do_not_depend_on_order),
        cmocka_unit_test(percentiles_interpolate),
        cmocka_unit_test(bins_meet_their_edges),
        cmocka_unit_test(numbers_lie_between_their_edges),
        cmocka_unit_test(tuples_are_numbered_once),
        cmocka_unit_test(the_top_is_in_order),
        cmocka_unit_test(tables_find_what_maps_find),
        cmocka_unit_test(stretches_count_what_rows_do),
        cmocka_unit_test(tallies_count_what_rows_do),
        cmocka_unit_test(shifts_keep_local_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
