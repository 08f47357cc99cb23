/* Drawings: golden texts for terminals, CSV and JSON, and widths that fit whatever the data is. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/render/message_json.h"
#include "cli/render/render.h"

struct canvas {
    char *text; /* Owned. */
    size_t size;
    struct rc_paint paint;
};

static struct canvas
canvas_begin(bool color, bool unicode, unsigned width)
{
    return (struct canvas){.paint = {.color = color, .unicode = unicode, .width = width}};
}

#define CANVAS_DRAW(canvas, draw)                                               \
    do {                                                                        \
        (canvas)->paint.out = open_memstream(&(canvas)->text, &(canvas)->size); \
        draw;                                                                   \
        fclose((canvas)->paint.out);                                            \
    } while (0)

static void
expect(struct canvas *canvas, const char *golden)
{
    if (strcmp(canvas->text, golden) != 0)
        fail_msg("drawn:\n%s\nexpected:\n%s", canvas->text, golden);
    free(canvas->text);
}

/* Columns borrow their arrays. */
static Recount__V1__NumberColumn
column(double *values, size_t count, uint32_t *null_at, size_t null_count)
{
    Recount__V1__NumberColumn made = RECOUNT__V1__NUMBER_COLUMN__INIT;
    made.values = values;
    made.n_values = count;
    made.null_at = null_at;
    made.n_null_at = null_count;
    return made;
}

struct funnel_case {
    Recount__V1__FunnelResponse reply;
    Recount__V1__FunnelRow row;
    Recount__V1__FunnelRow *rows[1];
    Recount__V1__NumberColumn previous, first, median;
    char *names[3];
    uint64_t counts[3];
};

static double funnel_previous[] = {1, 0.5, 0};
static double funnel_first[] = {1, 0.5, 0};
static double funnel_median[] = {0, 90.25, 0};
static uint32_t funnel_median_null[] = {0, 2};

static void
funnel_make(struct funnel_case *made)
{
    *made = (struct funnel_case){.reply = RECOUNT__V1__FUNNEL_RESPONSE__INIT,
                                 .row = RECOUNT__V1__FUNNEL_ROW__INIT,
                                 .names = {"signed-up", "\u8cfc\u5165", "refund, \"all\""},
                                 .counts = {1234567, 617283, 0}};
    made->previous = column(funnel_previous, 3, NULL, 0);
    made->first = column(funnel_first, 3, NULL, 0);
    made->median = column(funnel_median, 3, funnel_median_null, 2);
    made->row.counts = made->counts;
    made->row.n_counts = 3;
    made->row.conversion_from_previous = &made->previous;
    made->row.conversion_from_first = &made->first;
    made->row.median_seconds_from_previous = &made->median;
    made->rows[0] = &made->row;
    made->reply.rows = made->rows;
    made->reply.n_rows = 1;
    made->reply.step_names = made->names;
    made->reply.n_step_names = 3;
}

static void
test_funnel(void **state)
{
    (void)state;
    struct funnel_case made;
    funnel_make(&made);
    struct canvas canvas = canvas_begin(false, false, 80);
    CANVAS_DRAW(&canvas, rc_render_funnel(&canvas.paint, &made.reply, 0));
    expect(&canvas,
           "                                             users  of prev of first      median\n"
           " 1  signed-up     ####################   1,234,567   100.0%   100.0%           -\n"
           " 2  \u8cfc\u5165          ##########               617,283    50.0%    50.0%      "
           "90.2 s\n"
           " 3  refund, \"all\"                                0     0.0%     0.0%           -\n");
}

static void
test_funnel_csv(void **state)
{
    (void)state;
    struct funnel_case made;
    funnel_make(&made);
    struct canvas canvas = canvas_begin(false, false, 80);
    CANVAS_DRAW(&canvas, rc_render_funnel_csv(canvas.paint.out, &made.reply, 0));
    expect(&canvas,
           "row,step,name,count,conversion_from_previous,conversion_from_first,"
           "mean_seconds_from_previous,median_seconds_from_previous,mean_seconds_from_first,"
           "median_seconds_from_first\r\n"
           "total,1,signed-up,1234567,1,1,,,,\r\n"
           "total,2,\u8cfc\u5165,617283,0.5,0.5,,90.25,,\r\n"
           "total,3,\"refund, \"\"all\"\"\",0,0,0,,,,\r\n");
}

/* In colour every shaded cell ends its colour. */
static void
expect_shades(const Recount__V1__RetentionResponse *reply, int shades)
{
    struct canvas canvas = canvas_begin(true, true, 80);
    CANVAS_DRAW(&canvas,
                rc_render_retention(&canvas.paint, reply, RECOUNT__V1__TIME_UNIT__TIME_UNIT_DAY));
    int begun = 0, ended = 0;
    for (const char *at = canvas.text; (at = strchr(at, '\033')) != NULL; at++) {
        ended += strncmp(at, "\033[0m", 4) == 0;
        begun += strncmp(at, "\033[48;5;", 7) == 0;
    }
    assert_int_equal(begun, shades);
    assert_true(ended >= begun);
    free(canvas.text);
}

static void
test_retention(void **state)
{
    (void)state;
    Recount__V1__RetentionResponse reply = RECOUNT__V1__RETENTION_RESPONSE__INIT;
    Recount__V1__RetentionRow row = RECOUNT__V1__RETENTION_ROW__INIT;
    Recount__V1__RetentionSummary summary = RECOUNT__V1__RETENTION_SUMMARY__INIT;
    Recount__V1__RetentionCohort cohort[2] = {RECOUNT__V1__RETENTION_COHORT__INIT,
                                              RECOUNT__V1__RETENTION_COHORT__INIT};
    Recount__V1__Bucket bucket[2] = {RECOUNT__V1__BUCKET__INIT, RECOUNT__V1__BUCKET__INIT};
    Recount__V1__PeriodBracket bracket[2] = {RECOUNT__V1__PERIOD_BRACKET__INIT,
                                             RECOUNT__V1__PERIOD_BRACKET__INIT};
    double first_rates[] = {0.5, 0.125}, second_rates[] = {1, 0}, all_rates[] = {0.6, 0.125};
    uint32_t null_at[] = {1};
    Recount__V1__CellState first_states[] = {3, 3}, second_states[] = {2, 1};
    Recount__V1__NumberColumn columns[3] = {column(first_rates, 2, NULL, 0),
                                            column(second_rates, 2, null_at, 1),
                                            column(all_rates, 2, NULL, 0)};
    Recount__V1__RetentionCohort *cohorts[] = {&cohort[0], &cohort[1]};
    Recount__V1__Bucket *buckets[] = {&bucket[0], &bucket[1]};
    Recount__V1__PeriodBracket *brackets[] = {&bracket[0], &bracket[1]};
    Recount__V1__RetentionRow *rows[] = {&row};
    cohort[0].size = 8;
    cohort[0].rates = &columns[0];
    cohort[0].users = &columns[0];
    cohort[0].states = first_states;
    cohort[0].n_states = 2;
    cohort[1].size = 2000;
    cohort[1].rates = &columns[1];
    cohort[1].users = &columns[1];
    cohort[1].states = second_states;
    cohort[1].n_states = 2;
    bucket[0].start_ms = 1735689600000 - 3600000;
    bucket[0].utc_offset_seconds = 3600;
    bucket[1].start_ms = 1735689600000 + 82800000;
    bucket[1].utc_offset_seconds = 3600;
    bracket[1].first = bracket[1].last = 1;
    summary.rates = &columns[2];
    row.cohorts = cohorts;
    row.n_cohorts = 2;
    row.summary = &summary;
    reply.cohorts = buckets;
    reply.n_cohorts = 2;
    reply.columns = brackets;
    reply.n_columns = 2;
    reply.rows = rows;
    reply.n_rows = 1;

    struct canvas canvas = canvas_begin(false, false, 80);
    CANVAS_DRAW(&canvas,
                rc_render_retention(&canvas.paint, &reply, RECOUNT__V1__TIME_UNIT__TIME_UNIT_DAY));
    expect(&canvas, "cohort               users     0      1 \n"
                    "2025-01-01               8  50.0   12.5 \n"
                    "2025-01-02           2,000 100.0*       \n"
                    "elapsed cells               60.0   12.5 \n"
                    "percent of the cohort; * the cell's time is not over\n");
    CANVAS_DRAW(&canvas, rc_render_retention_csv(canvas.paint.out, &reply,
                                                 RECOUNT__V1__TIME_UNIT__TIME_UNIT_DAY));
    expect(&canvas, "row,cohort,size,first_period,last_period,users,rate,state,value\r\n"
                    "total,2025-01-01,8,0,0,0.5,0.5,elapsed,\r\n"
                    "total,2025-01-01,8,1,1,0.125,0.125,elapsed,\r\n"
                    "total,2025-01-02,2000,0,0,1,1,begun,\r\n"
                    "total,2025-01-02,2000,1,1,,,not_begun,\r\n");
    expect_shades(&reply, 5);
}

static void
test_series(void **state)
{
    (void)state;
    Recount__V1__SeriesResponse reply = RECOUNT__V1__SERIES_RESPONSE__INIT;
    Recount__V1__SeriesResult result = RECOUNT__V1__SERIES_RESULT__INIT;
    Recount__V1__SeriesRow row = RECOUNT__V1__SERIES_ROW__INIT;
    Recount__V1__Bucket bucket[4];
    Recount__V1__Bucket *buckets[4];
    double values[] = {0, 8, 4, 1};
    Recount__V1__NumberColumn numbers = column(values, 4, NULL, 0);
    Recount__V1__SeriesResult *results[] = {&result};
    Recount__V1__SeriesRow *rows[] = {&row};
    for (int i = 0; i < 4; i++) {
        bucket[i] = (Recount__V1__Bucket)RECOUNT__V1__BUCKET__INIT;
        bucket[i].start_ms = 1735689600000 + i * INT64_C(86400000);
        bucket[i].partial = i == 3;
        buckets[i] = &bucket[i];
    }
    row.values = &numbers;
    row.optional_total_case = RECOUNT__V1__SERIES_ROW__OPTIONAL_TOTAL_TOTAL;
    row.total = 13;
    result.name = "clicks";
    result.rows = rows;
    result.n_rows = 1;
    reply.buckets = buckets;
    reply.n_buckets = 4;
    reply.series = results;
    reply.n_series = 1;
    struct canvas canvas = canvas_begin(false, true, 40);
    CANVAS_DRAW(&canvas,
                rc_render_series(&canvas.paint, &reply, RECOUNT__V1__TIME_UNIT__TIME_UNIT_DAY));
#define SIX "\u2588\u2588\u2588\u2588\u2588\u2588"
    expect(&canvas, "clicks\n"
                    "           8       " SIX "            \n"
                    "                   " SIX "            \n"
                    "                   " SIX "            \n"
                    "                   " SIX "            \n"
                    "                   " SIX SIX "      \n"
                    "                   " SIX SIX "      \n"
                    "                   " SIX SIX "      \n"
                    "           0       " SIX SIX SIX "\n"
                    "             2025-01-01    2025-01-04\n"
                    "              clicks\n"
                    "2025-01-01         0\n"
                    "2025-01-02         8\n"
                    "2025-01-03         4\n"
                    "2025-01-04 *       1\n"
                    "range             13\n");
}

static void
test_text_fits(void **state)
{
    (void)state;
    struct canvas canvas = canvas_begin(false, true, 40);
    assert_int_equal(rc_paint_text_width("abc"), 3);
    assert_int_equal(rc_paint_text_width("\u8cfc\u5165"), 4);
    assert_int_equal(rc_paint_text_width("e\u0301"), 1);
    assert_int_equal(rc_paint_text_width("\xff\xfe"), 2);
    unsigned used = 0;
    CANVAS_DRAW(&canvas, used = rc_paint_text(&canvas.paint, "\u8cfc\u5165\u8cfc", 4));
    assert_int_equal(used, 3);
    expect(&canvas, "\u8cfc\u2026");
    CANVAS_DRAW(&canvas, rc_paint_text(&canvas.paint, "a\x1b[31mb\nc", 40));
    expect(&canvas, "a?[31mb?c");
}

static void
test_table(void **state)
{
    (void)state;
    struct canvas canvas = canvas_begin(false, true, 40);
    struct rc_table *table = rc_table_new("lr");
    const char *const cells[] = {"name", "n", "\u8cfc\u5165", "1", "longer", "1,000"};
    for (size_t i = 0; i < 6; i++)
        rc_table_add(table, "%s", cells[i]);
    CANVAS_DRAW(&canvas, rc_table_paint(table, &canvas.paint));
    expect(&canvas, "name        n\n\u8cfc\u5165        1\nlonger  1,000\n");
    table = rc_table_free(table);
}

static void
test_json(void **state)
{
    (void)state;
    Recount__V1__Event event = RECOUNT__V1__EVENT__INIT;
    Recount__V1__Property property[2] = {RECOUNT__V1__PROPERTY__INIT, RECOUNT__V1__PROPERTY__INIT};
    Recount__V1__Property *properties[] = {&property[0], &property[1]};
    Recount__V1__Value value[2] = {RECOUNT__V1__VALUE__INIT, RECOUNT__V1__VALUE__INIT};
    value[0].kind_case = RECOUNT__V1__VALUE__KIND_INT_VALUE;
    value[0].int_value = INT64_MAX;
    property[0].name = "n";
    property[0].value = &value[0];
    property[1].name = "nothing";
    property[1].value = &value[1];
    event.user = "u\"1";
    event.time_ms = -5;
    event.properties = properties;
    event.n_properties = 2;
    struct canvas canvas = canvas_begin(false, true, 40);
    CANVAS_DRAW(&canvas, rc_message_json_print(canvas.paint.out, &event.base));
    expect(&canvas, "{\n\t\"user\":\t\"u\\\"1\",\n\t\"time_ms\":\t-5,\n\t\"id\":\t\"\",\n"
                    "\t\"properties\":\t[{\n\t\t\t\"name\":\t\"n\",\n"
                    "\t\t\t\"value\":\t9223372036854775807\n\t\t}, {\n"
                    "\t\t\t\"name\":\t\"nothing\",\n\t\t\t\"value\":\tnull\n\t\t}],"
                    "\n\t\"definitions\":\t[]\n}\n");
}

int
main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_funnel),    cmocka_unit_test(test_funnel_csv),
        cmocka_unit_test(test_retention), cmocka_unit_test(test_series),
        cmocka_unit_test(test_text_fits), cmocka_unit_test(test_table),
        cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
