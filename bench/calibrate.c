/*
 * Calibrate: measures what the operations of plans take here and writes engine/match/costs.h.
 *
 *     calibrate [--write FILE] [--rows N] [--cases]
 *
 * Finding rows: predicates of every shape are evaluated over slabs of every size in each way, each
 * timed by the processor time of its thread, the best of several. What an evaluation did is counted
 * by the engine itself (rc_match_work), so the costs are the solution of
 *
 *     time of case = block * blocks + sum over operations (cost * count)      cost >= 0
 *
 * with the least squares of relative errors. What the table then gives for each case is printed
 * beside what was measured: a model that is wrong shows here. Feeding: the same for walks that are
 * fed nothing but count, and for series that read rows. A lookup, a bitmap kept and a thread woken
 * are timed by themselves.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "bench/plan_rig.h"
#include "engine/base/clock.h"
#include "engine/match/cache/match_cache.h"
#include "engine/query/plan/plan.h"
#include "engine/query/slab/slab_rows.h"
#include "engine/query/walk/walk.h"

#define CASES_MAX 400u
#define TERMS_MAX 10u
#define RUNS 7u
#define FEEDING_ROWS 1000000u
#define SINGLE_RUNS 64u

struct term {
    const char *name;
    const char *what;
    double cost;
    double lowest; /* A cost that no case shows is this: smaller than it can be seen. */
};

/* Of finding rows, in the order of terms_of_work. */
static struct term finding[] = {
    {"BLOCK", "A block of 64 Ki rows, besides.", 0, 50},
    {"CELL", "Per entry of a local dictionary asked about.", 0, 0.5},
    {"CELL_NEW", "Per string tested for the first time.", 0, 10},
    {"TEXT", "Per front-coded text decoded and tested.", 0, 5},
    {"COMPARED", "Per byte of codes compared with one range.", 0, 0.01},
    {"LOOKED_UP", "Per code looked up in a table.", 0, 0.1},
    {"REFINED", "Per row looked up singly.", 0, 0.5},
    {"RUN", "Per run, or row of a sparse column.", 0, 0.3},
    {"WORD", "Per word of 64 rows combined, counted or copied.", 0, 0.05},
    {"ROW_BUILT", "Per row of a sparse bitmap.", 0, 0.5},
};
#define FINDING_COUNT (sizeof(finding) / sizeof(finding[0]))

static struct term feeding[] = {
    {"HIT", "Per event of a dense bitmap fed to a fold.", 0, 0.5},
    {"SPARSE_HIT", "The same of a sparse one: its time is not in the cache.", 0, 0.5},
    {"ORDERED", "More per event that is put in order, person by person.", 0, 0.5},
    {"USER", "Per user of a walk in order.", 0, 0.1},
    {"WALK_BLOCK", "Per block of persons and slab.", 0, 20},
    {"WALK_WORD", "Per word of a dense bitmap that is walked.", 0, 0.05},
};
#define FEEDING_COUNT (sizeof(feeding) / sizeof(feeding[0]))

static struct term counting[] = {
    {"ROW", "Per event that a series reads from columns by itself.", 0, 0.2},
    {"PIECE", "Per piece of 4,096 rows with such an event.", 0, 20},
    {"PIECE_CODES", "More per piece if a property's codes are read too.", 0, 20},
    {"SERIES_HIT", "Per event that a series is fed.", 0, 0.5},
    {"VALUE_HIT", "More per event if its value of a property is asked.", 0, 0.5},
    {"SERIES", "What a series takes besides.", 0, 100},
    {"VALUES", "More if it is by the values of a property.", 0, 100},
};
#define COUNTING_COUNT (sizeof(counting) / sizeof(counting[0]))

static struct term single[] = {
    {"LOOKUP", "A bitmap asked for in the cache.", 0, 5},
    {"KEEP", "A bitmap put into the cache, and its allocations.", 0, 20},
    {"THREAD", "Another thread woken, and waited for.", 0, 1000},
};

struct observation {
    char name[64];
    double counts[TERMS_MAX];
    double ns;
};

struct observations {
    uint32_t count;
    struct observation of[CASES_MAX];
};

static bool print_cases;

/* ---- Fitting --------------------------------------------------------------------------------- */

static double
predicted(const struct observation *at, const struct term *terms, size_t term_count)
{
    double ns = 0;
    for (size_t t = 0; t < term_count; t++)
        ns += terms[t].cost * at->counts[t];
    return ns;
}

/* Least squares of relative errors with costs not below their lowest, one cost after the other
 * until none moves: the sum is convex, so that ends at the least. */
static void
fit(const struct observations *all, struct term *terms, size_t term_count)
{
    for (size_t t = 0; t < term_count; t++)
        terms[t].cost = terms[t].lowest;
    for (uint32_t round = 0; round < 20000; round++) {
        for (size_t t = 0; t < term_count; t++) {
            double numerator = 0;
            double denominator = 0;
            for (uint32_t i = 0; i < all->count; i++) {
                const struct observation *at = &all->of[i];
                const double rest =
                    at->ns - predicted(at, terms, term_count) + terms[t].cost * at->counts[t];
                const double weight = 1 / (at->ns * at->ns);
                numerator += weight * rest * at->counts[t];
                denominator += weight * at->counts[t] * at->counts[t];
            }
            const double cost = denominator > 0 ? numerator / denominator : 0;
            terms[t].cost = cost > terms[t].lowest ? cost : terms[t].lowest;
        }
    }
}

static void
report(const char *title, const struct observations *all, const struct term *terms, size_t count)
{
    double log_error = 0;
    uint32_t near = 0;
    for (uint32_t i = 0; i < all->count; i++) {
        const struct observation *at = &all->of[i];
        const double ratio = at->ns / predicted(at, terms, count);
        log_error += fabs(log(ratio));
        near += ratio > 1 / 1.5 && ratio < 1.5;
        if (print_cases)
            printf("%-44s measured %12.0f ns, estimated %12.0f ns, x%.2f\n", at->name, at->ns,
                   predicted(at, terms, count), ratio);
    }
    printf("%s: %u cases, mean error x%.2f, %u %% within x1.5\n", title, all->count,
           exp(log_error / all->count), 100 * near / all->count);
}

/* ---- Finding rows ---------------------------------------------------------------------------- */

static void
counts_of(const struct rc_match_work *work, double blocks, double counts[TERMS_MAX])
{
    const double list[FINDING_COUNT] = {
        blocks,
        (double)work->cells,
        (double)work->cells_new,
        (double)work->texts,
        (double)work->compared,
        (double)work->looked_up,
        (double)work->refined,
        (double)work->runs,
        (double)work->words,
        (double)work->rows_built,
    };
    memcpy(counts, list, sizeof(list));
}

/* Evaluates a predicate over the first slab in one way, with its strings tested before or not. */
static void
observe(struct observations *all,
        struct plan_rig *rig,
        const char *name,
        const struct rc_predicate *predicate,
        enum rc_access access,
        bool fresh)
{
    struct observation *at = &all->of[all->count++];
    uint32_t slab_count;
    const struct rc_view_slab *slabs = rc_view_slabs(rig->view, &slab_count);
    const uint32_t rows = rc_slab_get_info(slabs[0].slab)->row_count;
    const struct rc_match_order order = {.access = access, .reads_rows = true};
    struct rc_match_work work = {0};
    at->ns = INFINITY;
    (void)snprintf(at->name, sizeof(at->name), "%s, %s%s, %u rows", name, rc_access_name(access),
                   fresh ? ", new" : "", rows);
    for (uint32_t run = 0; run < (fresh ? 3 * RUNS : RUNS); run++) {
        struct rc_matcher *matcher;
        struct rc_rowset *set = NULL;
        enum rc_access happened;
        struct rc_match_estimate estimate;
        if (fresh)
            rc_match_cache_clear(rig->cache);
        plan_rig_must(rc_matcher_new(rig->cache, rig->view, rig->end_ms, NULL, predicate,
                                     rig->arena, &matcher, NULL),
                      NULL);
        rc_matcher_estimate(matcher, 0, 0, &estimate);
        memset(&work, 0, sizeof(work));
        const uint64_t begin_ns = plan_rig_thread_ns();
        plan_rig_must(rc_matcher_slab_by(matcher, 0, 0, &order, NULL, &set, &happened, &work),
                      NULL);
        const double ns = (double)(plan_rig_thread_ns() - begin_ns);
        work.cells_new = fresh ? estimate.scan.cells_new : 0;
        at->ns = (run > 0 || fresh) && ns < at->ns ? ns : at->ns;
        rc_rowset_unref(set);
        rc_matcher_free(matcher);
        rc_arena_reset(rig->arena);
    }
    counts_of(&work, ceil((double)rows / RC_BLOCK_ROWS), at->counts);
}

/* Puts the bitmap of a predicate into the cache. */
static void
keep(struct plan_rig *rig, const struct rc_predicate *predicate)
{
    struct rc_matcher *matcher;
    struct rc_rowset *set;
    plan_rig_must(rc_matcher_new(rig->cache, rig->view, rig->end_ms, NULL, predicate, rig->arena,
                                 &matcher, NULL),
                  NULL);
    plan_rig_must(rc_matcher_slab(matcher, 0, 0, NULL, &set), NULL);
    rc_rowset_unref(set);
    rc_matcher_free(matcher);
}

static void
observe_finding(struct observations *all, uint32_t rows)
{
    struct plan_rig *rig = plan_rig_new(7, 1, rows, rows / 20 + 1);
    const struct rc_value one = rc_value_string(RC_BYTES_LITERAL("p1"));
    const struct rc_value word = rc_value_string(RC_BYTES_LITERAL("word12"));
    const struct rc_value regex = rc_value_string(RC_BYTES_LITERAL("row.*page-1"));
    const struct rc_value part = rc_value_string(RC_BYTES_LITERAL("btn-3"));
    const struct rc_value price = rc_value_int(500);
    struct {
        const char *name;
        const struct rc_predicate *predicate;
    } const leaves[] = {
        {"name = first", plan_rig_is(rig, "name", 0)},
        {"name = rare", plan_rig_is(rig, "name", 13)},
        {"path = first", plan_rig_is(rig, "path", 0)},
        {"path = rare", plan_rig_is(rig, "path", 390)},
        {"path starts with p1", plan_rig_leaf(rig, "path", RC_LEAF_STARTS_WITH, 1, &one)},
        {"chain = one", plan_rig_is(rig, "chain", 5)},
        {"chain contains", plan_rig_leaf(rig, "chain", RC_LEAF_CONTAINS, 1, &part)},
        {"chain matches", plan_rig_leaf(rig, "chain", RC_LEAF_REGEX, 1, &regex)},
        {"browser = one", plan_rig_is(rig, "browser", 2)},
        {"price > 500", plan_rig_leaf(rig, "price", RC_LEAF_GREATER, 1, &price)},
        {"search contains", plan_rig_leaf(rig, "search", RC_LEAF_CONTAINS, 1, &word)},
    };
    const size_t leaf_count = sizeof(leaves) / sizeof(leaves[0]);
    for (size_t i = 0; i < leaf_count; i++) {
        observe(all, rig, leaves[i].name, leaves[i].predicate, RC_ACCESS_SCAN_ONCE, false);
        if (i >= 4 && i != 8 && i != 9)
            observe(all, rig, leaves[i].name, leaves[i].predicate, RC_ACCESS_SCAN_ONCE, true);
    }
    rc_match_cache_clear(rig->cache);
    static const uint8_t pairs[][2] = {{0, 2}, {0, 7}, {1, 2}, {3, 0}, {8, 9}, {1, 8}, {0, 4}};
    for (uint32_t kind = RC_PREDICATE_ALL_OF; kind <= RC_PREDICATE_ANY_OF; kind++) {
        for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
            char name[64];
            const struct rc_predicate *const children[2] = {leaves[pairs[i][0]].predicate,
                                                            leaves[pairs[i][1]].predicate};
            const struct rc_predicate *pair =
                plan_rig_list(rig, (enum rc_predicate_kind)kind, 2, children);
            (void)snprintf(name, sizeof(name), "%s %s %s", leaves[pairs[i][0]].name,
                           kind == RC_PREDICATE_ALL_OF ? "and" : "or", leaves[pairs[i][1]].name);
            observe(all, rig, name, pair, RC_ACCESS_SCAN_ONCE, false);
            keep(rig, children[0]);
            observe(all, rig, name, pair, RC_ACCESS_POSTINGS, false);
            keep(rig, children[1]);
            observe(all, rig, name, pair, RC_ACCESS_POSTINGS, false);
            rc_match_cache_clear(rig->cache);
        }
    }
    plan_rig_free(rig);
}

/* ---- Feeding --------------------------------------------------------------------------------- */

static enum rc_status
fold_hits(void *lane,
          const struct rc_walk_block *block,
          const struct rc_hit *hits,
          const uint32_t *slots,
          uint32_t count)
{
    uint64_t *sum = lane;
    (void)block;
    for (uint32_t i = 0; i < count; i++)
        *sum += (uint64_t)hits[i].time_ms + slots[i];
    return RC_OK;
}

static enum rc_status
fold_person(void *lane, uint32_t person, const struct rc_hit *hits, uint32_t count)
{
    uint64_t *sum = lane;
    for (uint32_t i = 0; i < count; i++)
        *sum += (uint64_t)hits[i].time_ms ^ person;
    return RC_OK;
}

/* Counts what a walk over a plan of one selector is. */
static void
count_walk(const struct plan_rig *rig,
           const struct rc_plan *plan,
           enum rc_explain_feed feed,
           const struct rc_explain_walk *walk,
           double counts[TERMS_MAX])
{
    memset(counts, 0, TERMS_MAX * sizeof(*counts));
    counts[2] = feed == RC_FEED_ORDERED ? (double)plan->hits_max : 0;
    counts[3] = feed == RC_FEED_ORDERED ? rig->users : 0;
    counts[4] = (double)walk->blocks * plan->slab_count;
    for (uint32_t i = 0; i < plan->slab_count; i++) {
        const struct rc_plan_slab *slab = &plan->slabs[i];
        const bool dense = slab->hits_max > slab->row_count / RC_ROWSET_SPARSE_SHARE;
        counts[dense ? 0 : 1] += (double)slab->hits_max;
        counts[5] += dense ? slab->row_count / 64.0 : 0;
    }
}

static void
observe_walk(struct observations *all,
             struct plan_rig *rig,
             const struct rc_predicate *predicate,
             const char *name,
             enum rc_explain_feed feed)
{
    struct observation *at = &all->of[all->count++];
    uint64_t sum = 0;
    void *lanes[1] = {&sum};
    const struct rc_fold fold = {.ordered = feed == RC_FEED_ORDERED,
                                 .lane_count = 1,
                                 .lanes = lanes,
                                 .hits = fold_hits,
                                 .person = fold_person};
    at->ns = INFINITY;
    (void)snprintf(at->name, sizeof(at->name), "%s, %s", name, rc_explain_feed_name(feed));
    for (uint32_t run = 0; run < RUNS; run++) {
        struct rc_explain explain = {.arena = rig->arena};
        struct rc_query_context context = plan_rig_context(rig, 1);
        struct rc_plan_selector selector = {
            .predicate = predicate, .from_ms = rig->start_ms, .until_ms = rig->end_ms};
        struct rc_plan *plan;
        uint64_t hit_count = 0;
        context.explain = &explain;
        plan_rig_must(rc_plan_new(&context, rig->end_ms, NULL, &selector, 1, &plan, NULL), NULL);
        const uint64_t begin_ns = plan_rig_thread_ns();
        plan_rig_must(rc_walk(plan, &fold, &hit_count), NULL);
        const double ns = (double)(plan_rig_thread_ns() - begin_ns);
        at->ns = run > 0 && ns < at->ns ? ns : at->ns;
        count_walk(rig, plan, feed, explain.plans->walks, at->counts);
        rc_plan_free(plan);
        rc_arena_reset(rig->arena);
    }
}

/* A series of daily counts, by path or not, that reads rows or is fed events: the whole query. */
static void
observe_series(struct observations *all,
               struct plan_rig *rig,
               const struct rc_predicate *predicate,
               const char *name,
               bool by_path,
               enum rc_walk_hint walk)
{
    struct observation *at = &all->of[all->count++];
    const struct rc_series series = {.selector = predicate, .measure = RC_MEASURE_COUNT};
    const struct rc_breakdown path = {.scope = RC_LEAF_EVENT, .property = RC_BYTES_LITERAL("path")};
    const struct rc_series_request request = {
        .scope = {.start_ms = rig->start_ms, .end_ms = rig->end_ms, .as_of_ms = rig->end_ms},
        .unit = RC_UNIT_DAY,
        .series_count = 1,
        .series = &series,
        .breakdown = by_path ? &path : NULL};
    at->ns = INFINITY;
    (void)snprintf(at->name, sizeof(at->name), "%s%s, %s", name, by_path ? " by path" : "",
                   walk == RC_WALK_ROWS ? "rows" : "events");
    for (uint32_t run = 0; run < RUNS; run++) {
        struct rc_explain explain = {.arena = rig->arena};
        struct rc_query_hints hints = {.walk = walk};
        struct rc_query_context context = plan_rig_context(rig, 1);
        struct rc_series_reply reply;
        context.explain = &explain;
        context.hints = &hints;
        const uint64_t begin_ns = plan_rig_thread_ns();
        plan_rig_must(rc_query_series(&context, &request, &reply, NULL), NULL);
        const double ns = (double)(plan_rig_thread_ns() - begin_ns);
        at->ns = run > 0 && ns < at->ns ? ns : at->ns;
        const double rows = (double)explain.plans->selectors[0].rows_actual;
        const double pieces = ceil(FEEDING_ROWS * rig->slabs / (double)RC_PIECE_ROWS);
        memset(at->counts, 0, sizeof(at->counts));
        const double touched = pieces * (1 - exp(-rows / pieces));
        const bool reads = walk == RC_WALK_ROWS;
        const double counts[COUNTING_COUNT] = {
            reads ? rows : 0, reads ? touched : 0,          reads && by_path ? touched : 0,
            reads ? 0 : rows, !reads && by_path ? rows : 0, 1,
            by_path ? 1 : 0,
        };
        memcpy(at->counts, counts, sizeof(counts));
        rc_arena_reset(rig->arena);
    }
}

static void
observe_feeding(struct observations *fed, struct observations *counted)
{
    struct plan_rig *rig = plan_rig_new(11, 2, FEEDING_ROWS, 50000);
    static const struct rc_predicate any = {.kind = RC_PREDICATE_TRUE};
    const struct {
        const char *name;
        const struct rc_predicate *predicate;
    } cases[] = {
        {"any event", &any},
        {"name = first", plan_rig_is(rig, "name", 0)},
        {"name = common", plan_rig_is(rig, "name", 3)},
        {"path = first", plan_rig_is(rig, "path", 0)},
        {"path = common", plan_rig_is(rig, "path", 20)},
        {"path = seldom", plan_rig_is(rig, "path", 200)},
        {"path = rare", plan_rig_is(rig, "path", 390)},
        {"chain = rare", plan_rig_is(rig, "chain", 1700)},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        observe_walk(fed, rig, cases[i].predicate, cases[i].name, RC_FEED_HITS);
        observe_walk(fed, rig, cases[i].predicate, cases[i].name, RC_FEED_ORDERED);
        for (uint32_t by_path = 0; by_path < 2; by_path++) {
            observe_series(counted, rig, cases[i].predicate, cases[i].name, by_path == 1,
                           RC_WALK_ROWS);
            observe_series(counted, rig, cases[i].predicate, cases[i].name, by_path == 1,
                           RC_WALK_HITS);
        }
    }
    plan_rig_free(rig);
}

/* ---- Single ones ----------------------------------------------------------------------------- */

static void
nothing(void *argument, uint32_t index)
{
    (void)argument;
    (void)index;
}

static int
compare_double(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void
measure_single(void)
{
    struct plan_rig *rig = plan_rig_new(3, 4, 100, 10);
    struct rc_matcher *matchers[PLAN_RIG_PATHS];
    double best[2] = {INFINITY, INFINITY};
    double threads[SINGLE_RUNS];
    single[0].cost = INFINITY;
    for (uint32_t run = 0; run < SINGLE_RUNS; run++) {
        double ns[2] = {0, 0};
        rc_match_cache_clear(rig->cache);
        for (uint32_t i = 0; i < PLAN_RIG_PATHS; i++)
            plan_rig_must(rc_matcher_new(rig->cache, rig->view, rig->end_ms, NULL,
                                         plan_rig_is(rig, "path", i), rig->arena, &matchers[i],
                                         NULL),
                          NULL);
        for (uint32_t kept = 0; kept < 2; kept++) { /* Not kept; kept. */
            const struct rc_match_order order = {.access = RC_ACCESS_SCAN, .keep = kept == 1};
            struct rc_rowset *sets[PLAN_RIG_PATHS];
            enum rc_access access;
            const uint64_t begin_ns = plan_rig_thread_ns();
            for (uint32_t i = 0; i < PLAN_RIG_PATHS; i++)
                plan_rig_must(rc_matcher_slab_by(matchers[i], 0, i % 4, &order, NULL, &sets[i],
                                                 &access, NULL),
                              NULL);
            ns[kept] = (double)(plan_rig_thread_ns() - begin_ns) / PLAN_RIG_PATHS;
            for (uint32_t i = 0; i < PLAN_RIG_PATHS; i++)
                rc_rowset_unref(sets[i]);
        }
        const uint64_t begin_ns = plan_rig_thread_ns();
        for (uint32_t i = 0; i < PLAN_RIG_PATHS; i++)
            rc_rowset_unref(rc_matcher_bitmap(matchers[i], 0, i % 4));
        const double lookup = (double)(plan_rig_thread_ns() - begin_ns) / PLAN_RIG_PATHS;
        const uint64_t wake_ns = rc_clock_monotonic_ns();
        rc_workers_run(rig->workers, 2, 2, nothing, NULL);
        threads[run] = (double)(rc_clock_monotonic_ns() - wake_ns);
        single[0].cost = lookup < single[0].cost ? lookup : single[0].cost;
        for (uint32_t kept = 0; kept < 2; kept++)
            best[kept] = run > 0 && ns[kept] < best[kept] ? ns[kept] : best[kept];
        for (uint32_t i = 0; i < PLAN_RIG_PATHS; i++)
            rc_matcher_free(matchers[i]);
        rc_arena_reset(rig->arena);
    }
    single[1].cost = best[1] - best[0];
    qsort(threads, SINGLE_RUNS, sizeof(threads[0]), compare_double);
    single[2].cost = threads[SINGLE_RUNS / 4]; /* Others disturb; at rest it is the middle one. */
    for (uint32_t i = 0; i < 3; i++)
        single[i].cost = single[i].cost > single[i].lowest ? single[i].cost : single[i].lowest;
    plan_rig_free(rig);
}

/* ---- The table ------------------------------------------------------------------------------- */

static void
write_terms(FILE *out, const struct term *terms, size_t count)
{
    for (size_t t = 0; t < count; t++)
        fprintf(out, "#define RC_COST_%-12s %9.3f /* %s */\n", terms[t].name, terms[t].cost,
                terms[t].what);
}

static void
write_table(FILE *out)
{
    fprintf(out, "%s",
            "/*\n"
            " * Costs: what an operation of a plan takes, in ns. The planner compares plans by "
            "these and by\n"
            " * nothing else. Measured, and written by\n"
            " *\n"
            " *     build/release/bench/calibrate --write engine/match/costs.h\n"
            " *\n"
            " * (docs/performance.md says how). Only proportions matter to a choice.\n"
            " */\n"
            "#ifndef RC_MATCH_COSTS_H\n"
            "#define RC_MATCH_COSTS_H\n"
            "\n"
            "/* clang-format off */\n");
    write_terms(out, single, sizeof(single) / sizeof(single[0]));
    write_terms(out, finding, FINDING_COUNT);
    write_terms(out, feeding, FEEDING_COUNT);
    write_terms(out, counting, COUNTING_COUNT);
    fprintf(out, "%s", "/* clang-format on */\n\n#endif\n");
}

int
main(int argc, char **argv)
{
    static struct observations found;
    static struct observations fed;
    static struct observations counted;
    const char *path = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--cases") == 0)
            print_cases = true;
        else if (strcmp(argv[i], "--write") == 0 && i + 1 < argc)
            path = argv[++i];
        else {
            fprintf(stderr, "calibrate [--cases] [--write FILE]\n");
            return 2;
        }
    }
    measure_single();
    static const uint32_t rows[] = {20000, 200000, 1000000};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        observe_finding(&found, rows[i]);
    fit(&found, finding, FINDING_COUNT);
    report("finding rows", &found, finding, FINDING_COUNT);
    observe_feeding(&fed, &counted);
    fit(&fed, feeding, FEEDING_COUNT);
    report("feeding folds", &fed, feeding, FEEDING_COUNT);
    fit(&counted, counting, COUNTING_COUNT);
    report("series", &counted, counting, COUNTING_COUNT);
    write_table(stdout);
    if (path == NULL)
        return 0;
    FILE *out = fopen(path, "we");
    if (out == NULL) {
        perror(path);
        return 1;
    }
    write_table(out);
    return fclose(out) == 0 ? 0 : 1;
}
