/*
 * Plans: is what the planner chooses the best that can be done? Random queries over a random state
 * of the cache run as planned and in every way that hints can force; each is timed by the processor
 * time of its thread, the best of several.
 *
 *     plans [--queries N] [--seed N] [--list]      how near the planner comes, and what wins
 *     plans --planner                              the planner's own time
 *     plans --threads                              one thread against two (on an idle machine)
 *
 * A query is a funnel of 1 to 5 steps, a series by day, by path or not, or the events of one user.
 * Of each selector the cache holds, by chance, its bitmap in every slab, the bitmaps of its parts,
 * or nothing; strings were tested before. Forced are: one way for all selectors, and for each
 * selector every way with the others as planned. The answers must be equal.
 *
 * A scan that keeps its bitmap is dearer than one that does not, by what keeping takes, and leaves
 * something behind: so it is also said how near the planner comes to the best plan that leaves as
 * many bitmaps as its own. What seems far from the best is timed again, by turns with it.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/plan_rig.h"
#include "engine/base/clock.h"
#include "engine/query/funnel/funnel.h"
#include "engine/query/plan/explain.h"
#include "engine/query/plan/plan.h"

#define SLABS 8u
#define ROWS 200000u
#define USERS 20000u
#define STEPS_MAX 5u
#define RUNS 5u
#define TURNS 3u
#define NEAR 1.2
#define EQUAL_NS 5000.0 /* Less than this apart is the same. */

enum kind { FUNNEL, SERIES, EVENTS, KINDS };

static const char *const kind_names[KINDS] = {"funnel", "series", "events"};

struct query {
    enum kind kind;
    uint32_t selector_count;
    const struct rc_predicate *selectors[STEPS_MAX];
    uint32_t kept[STEPS_MAX]; /* 0: nothing, 1: parts, 2: the whole. */
    bool by_path;
    enum rc_measure measure;
    char user[16];
    int64_t start_ms;
    int64_t end_ms;
};

/* What came of a run. */
struct outcome {
    double ns;
    double answer;
    uint32_t kept;                  /* Bitmaps that it left behind. */
    uint32_t ways[RC_ACCESS_COUNT]; /* Selectors and slabs that went so. */
    struct rc_access_hint hint;     /* What forced it. */
};

static struct query
random_query(struct plan_rig *rig, uint64_t *state)
{
    struct query query = {.kind = (enum kind)(plan_rig_random(state) % KINDS)};
    query.selector_count =
        query.kind == FUNNEL ? 1 + (uint32_t)(plan_rig_random(state) % STEPS_MAX) : 1;
    for (uint32_t i = 0; i < query.selector_count; i++) {
        const uint64_t draw = plan_rig_random(state) % 3;
        query.selectors[i] = plan_rig_tree(rig, state, 1 + (uint32_t)(plan_rig_random(state) % 3));
        query.kept[i] = (uint32_t)draw;
    }
    query.by_path = plan_rig_random(state) % 2 == 0;
    query.measure = plan_rig_random(state) % 2 == 0 ? RC_MEASURE_COUNT : RC_MEASURE_UNIQUE;
    (void)snprintf(query.user, sizeof(query.user), "u%u",
                   (uint32_t)(plan_rig_random(state) % rig->users));
    query.start_ms = rig->start_ms + (int64_t)(plan_rig_random(state) % 3) * RC_WINDOW_MS / 2;
    query.end_ms = rig->end_ms - (int64_t)(plan_rig_random(state) % 3) * RC_WINDOW_MS / 2;
    return query;
}

/* Evaluates a predicate in every slab, and keeps its bitmaps or not. */
static void
touch(struct plan_rig *rig, const struct rc_predicate *predicate, bool keep)
{
    struct rc_matcher *matcher;
    plan_rig_must(rc_matcher_new(rig->cache, rig->view, rig->end_ms, NULL, predicate, rig->arena,
                                 &matcher, NULL),
                  NULL);
    const struct rc_match_order order = {.access = RC_ACCESS_SCAN, .keep = keep};
    for (uint32_t slab = 0; slab < rig->slabs; slab++) {
        struct rc_rowset *set;
        enum rc_access access;
        plan_rig_must(rc_matcher_slab_by(matcher, 0, slab, &order, NULL, &set, &access, NULL),
                      NULL);
        rc_rowset_unref(set);
    }
    rc_matcher_free(matcher);
}

/* Brings the cache into the query's state. */
static void
prepare(struct plan_rig *rig, const struct query *query)
{
    rc_match_cache_clear(rig->cache);
    for (uint32_t i = 0; i < query->selector_count; i++) {
        const struct rc_predicate *selector = query->selectors[i];
        touch(rig, selector, query->kept[i] == 2);
        for (uint32_t c = 0; query->kept[i] == 1 && c < selector->child_count; c++)
            touch(rig, selector->children[c], c % 2 == 0);
    }
    rc_arena_reset(rig->arena);
}

static enum rc_status
ask(const struct rc_query_context *context,
    const struct query *query,
    double *ret_answer,
    struct rc_error *error)
{
    const struct rc_scope scope = {
        .start_ms = query->start_ms, .end_ms = query->end_ms, .as_of_ms = query->end_ms};
    if (query->kind == FUNNEL) {
        const struct rc_funnel_request request = {.scope = scope,
                                                  .step_count = query->selector_count,
                                                  .steps = query->selectors,
                                                  .window_ms = 7 * RC_DAY_MS};
        struct rc_funnel_reply reply;
        RC_TRY(rc_query_funnel(context, &request, &reply, error));
        *ret_answer = (double)reply.rows[0].steps[query->selector_count - 1].users;
        return RC_OK;
    }
    if (query->kind == SERIES) {
        const struct rc_series series = {.selector = query->selectors[0],
                                         .measure = query->measure};
        const struct rc_breakdown path = {.scope = RC_LEAF_EVENT,
                                          .property = RC_BYTES_LITERAL("path")};
        const struct rc_series_request request = {.scope = scope,
                                                  .unit = RC_UNIT_DAY,
                                                  .series_count = 1,
                                                  .series = &series,
                                                  .breakdown = query->by_path ? &path : NULL};
        struct rc_series_reply reply;
        RC_TRY(rc_query_series(context, &request, &reply, error));
        *ret_answer = reply.rows[reply.row_count - 1].total;
        return RC_OK;
    }
    const struct rc_events_request request = {.scope = scope,
                                              .user_id = rc_bytes_of(query->user),
                                              .selector = query->selectors[0],
                                              .page_rows = 100};
    struct rc_events_reply reply;
    RC_TRY(rc_query_events(context, &request, &reply, error));
    *ret_answer = reply.event_count;
    return RC_OK;
}

/* The ways that the selectors went, from a run that is not timed. */
static void
count_ways(const struct rc_explain *explain, struct outcome *out)
{
    for (const struct rc_explain_plan *plan = explain->plans; plan != NULL; plan = plan->next)
        for (uint32_t s = 0; s < plan->selector_count; s++) {
            out->kept += plan->selectors[s].bitmaps_kept;
            for (uint32_t w = RC_ACCESS_BITMAP; w < RC_ACCESS_COUNT; w++)
                out->ways[w] += plan->selectors[s].ways[w].slabs_actual;
        }
}

/* Runs a query with hints (NULL: as planned), from its state each time, with what it reads in the
 * processor's cache. false: the hints cannot be followed. */
static bool
run(struct plan_rig *rig,
    const struct query *query,
    struct rc_query_hints *hints,
    struct outcome *out)
{
    *out = (struct outcome){.ns = INFINITY};
    for (uint32_t i = 0; i < RUNS + 1; i++) {
        struct rc_query_context context = plan_rig_context(rig, 1);
        struct rc_explain explain = {.arena = rig->arena};
        struct rc_query_hints nothing = {.keep = RC_KEEP_NEVER};
        struct rc_error error;
        prepare(rig, query);
        context.hints = &nothing;
        plan_rig_must(ask(&context, query, &out->answer, &error), &error);
        rc_arena_reset(rig->arena);
        context.hints = hints;
        context.explain = i == 0 ? &explain : NULL;
        const uint64_t begin_ns = plan_rig_thread_ns();
        const enum rc_status status = ask(&context, query, &out->answer, &error);
        const double ns = (double)(plan_rig_thread_ns() - begin_ns);
        if (status == RC_INVALID && hints != NULL) {
            rc_arena_reset(rig->arena);
            return false;
        }
        plan_rig_must(status, &error);
        if (i == 0)
            count_ways(&explain, out);
        else
            out->ns = ns < out->ns ? ns : out->ns;
        rc_arena_reset(rig->arena);
    }
    return true;
}

struct tally {
    uint32_t queries;
    uint32_t near;
    uint32_t near_keeping;
    uint32_t forced; /* Plans. */
    double log_ratio;
    double worst;
    uint64_t best_ways[RC_ACCESS_COUNT];
    uint64_t planned_ways[RC_ACCESS_COUNT];
    uint32_t won[RC_ACCESS_COUNT]; /* Queries of whose best plan it is a part. */
};

/* Tries one forced plan. */
static void
try_plan(struct plan_rig *rig,
         const struct query *query,
         struct rc_access_hint *hint,
         const struct outcome *planned,
         struct outcome *best,
         struct outcome *best_keeping,
         struct tally *tally)
{
    struct rc_query_hints hints = {.access_count = 1, .access = hint};
    struct outcome outcome;
    hint->field = "hint";
    if (!run(rig, query, &hints, &outcome))
        return;
    outcome.hint = *hint;
    tally->forced++;
    if (outcome.answer != planned->answer) {
        fprintf(stderr, "a forced plan (%s) gives %.0f and not %.0f\n",
                rc_access_name(hint->forced), outcome.answer, planned->answer);
        exit(1);
    }
    if (outcome.ns < best->ns)
        *best = outcome;
    if (outcome.kept >= planned->kept && outcome.ns < best_keeping->ns)
        *best_keeping = outcome;
}

static bool
is_near(const struct outcome *planned, const struct outcome *best)
{
    return planned->ns <= NEAR * best->ns || planned->ns - best->ns < EQUAL_NS;
}

/* The best of many timings is the luckiest too: a plan that seems far from it is timed again, by
 * turns with it. */
static void
time_again(struct plan_rig *rig,
           const struct query *query,
           struct outcome *planned,
           struct outcome *best)
{
    struct rc_query_hints hints = {.access_count = 1, .access = &best->hint};
    double planned_ns = INFINITY;
    double best_ns = INFINITY;
    for (uint32_t turn = 0; turn < TURNS; turn++) {
        struct outcome outcome;
        run(rig, query, NULL, &outcome);
        planned_ns = outcome.ns < planned_ns ? outcome.ns : planned_ns;
        run(rig, query, &hints, &outcome);
        best_ns = outcome.ns < best_ns ? outcome.ns : best_ns;
    }
    planned->ns = planned_ns;
    best->ns = best_ns;
}

static void
compare(struct plan_rig *rig, const struct query *query, struct tally *tally, bool list)
{
    struct outcome planned;
    struct outcome best = {.ns = INFINITY};
    struct outcome best_keeping = {.ns = INFINITY};
    char names[STEPS_MAX][32];
    run(rig, query, NULL, &planned);
    for (uint32_t way = RC_ACCESS_BITMAP; way < RC_ACCESS_COUNT; way++) {
        struct rc_access_hint all = {.forced = (enum rc_access)way};
        try_plan(rig, query, &all, &planned, &best, &best_keeping, tally);
        for (uint32_t i = 0; query->selector_count > 1 && i < query->selector_count; i++) {
            (void)snprintf(names[i], sizeof(names[i]), "steps[%u].selector", i);
            struct rc_access_hint one = {.selector = rc_bytes_of(names[i]),
                                         .forced = (enum rc_access)way};
            try_plan(rig, query, &one, &planned, &best, &best_keeping, tally);
        }
    }
    /* The planner's own mix of ways is a plan like any other, timed anew. */
    struct rc_access_hint none = {.forced = RC_ACCESS_NONE};
    try_plan(rig, query, &none, &planned, &best, &best_keeping, tally);
    if (!is_near(&planned, &best))
        time_again(rig, query, &planned, &best);
    const double ratio = planned.ns / best.ns;
    const bool near = is_near(&planned, &best);
    tally->queries++;
    tally->near += near;
    if (!near && !is_near(&planned, &best_keeping))
        time_again(rig, query, &planned, &best_keeping);
    tally->near_keeping += near || is_near(&planned, &best_keeping);
    tally->log_ratio += log(ratio);
    tally->worst = ratio > tally->worst && !near ? ratio : tally->worst;
    for (uint32_t way = RC_ACCESS_BITMAP; way < RC_ACCESS_COUNT; way++) {
        tally->best_ways[way] += best.ways[way];
        tally->planned_ways[way] += planned.ways[way];
        tally->won[way] += best.ways[way] > 0;
    }
    if (!list && near)
        return;
    printf("%-7s %u selectors: planned %9.1f us (", kind_names[query->kind], query->selector_count,
           planned.ns / 1e3);
    for (uint32_t way = RC_ACCESS_BITMAP; way < RC_ACCESS_COUNT; way++)
        if (planned.ways[way] > 0)
            printf(" %s %u", rc_access_name((enum rc_access)way), planned.ways[way]);
    printf(" ), best %9.1f us (", best.ns / 1e3);
    for (uint32_t way = RC_ACCESS_BITMAP; way < RC_ACCESS_COUNT; way++)
        if (best.ways[way] > 0)
            printf(" %s %u", rc_access_name((enum rc_access)way), best.ways[way]);
    printf(" ), x%.2f%s\n", ratio, near ? "" : "  FAR");
}

static void
compare_all(uint64_t seed, uint32_t queries, bool list)
{
    struct plan_rig *rig = plan_rig_new(seed, SLABS, ROWS, USERS);
    struct tally tally = {0};
    uint64_t state = seed;
    uint64_t slabs = 0;
    for (uint32_t i = 0; i < queries; i++) {
        const struct query query = random_query(rig, &state);
        compare(rig, &query, &tally, list);
    }
    printf("seed %llu: %u queries, %u forced plans\n", (unsigned long long)seed, tally.queries,
           tally.forced);
    printf("planned within x%.1f of the best: %.1f %% (mean x%.3f, worst of the others x%.2f)\n",
           NEAR, 100.0 * tally.near / tally.queries, exp(tally.log_ratio / tally.queries),
           tally.worst);
    printf("within x%.1f of the best that keeps as much: %.1f %%\n", NEAR,
           100.0 * tally.near_keeping / tally.queries);
    for (uint32_t way = RC_ACCESS_BITMAP; way < RC_ACCESS_COUNT; way++)
        slabs += tally.best_ways[way];
    for (uint32_t way = RC_ACCESS_BITMAP; way < RC_ACCESS_COUNT; way++)
        printf("%-10s in the best plan of %5.1f %% of queries, %5.1f %% of selectors and slabs; "
               "planned for %5.1f %%\n",
               rc_access_name((enum rc_access)way), 100.0 * tally.won[way] / tally.queries,
               100.0 * (double)tally.best_ways[way] / (double)slabs,
               100.0 * (double)tally.planned_ways[way] / (double)slabs);
    plan_rig_free(rig);
}

/* ---- The planner's own time ------------------------------------------------------------------ */

static void
time_planner(void)
{
    for (uint32_t slabs = 4; slabs <= 16; slabs *= 2) {
        struct plan_rig *rig = plan_rig_new(1, slabs, 20000, 2000);
        struct query query = {.kind = FUNNEL, .selector_count = 5};
        for (uint32_t i = 0; i < 5; i++)
            query.selectors[i] = plan_rig_is(rig, "name", i);
        query.start_ms = rig->start_ms;
        query.end_ms = rig->end_ms;
        for (uint32_t kept = 0; kept < 3; kept += 2) {
            double best_ns = INFINITY;
            for (uint32_t i = 0; i < 40; i++) {
                struct rc_query_context context = plan_rig_context(rig, 1);
                struct rc_explain explain = {.arena = rig->arena, .plan_only = true};
                double answer;
                for (uint32_t s = 0; s < 5; s++)
                    query.kept[s] = kept;
                if (i % 8 == 0)
                    prepare(rig, &query);
                context.explain = &explain;
                plan_rig_must(ask(&context, &query, &answer, NULL), NULL);
                const double ns = (double)explain.plans->plan_ns;
                best_ns = ns < best_ns ? ns : best_ns;
                rc_arena_reset(rig->arena);
            }
            printf("5 steps, %2u slabs, bitmaps %s: planned in %.1f us\n", slabs,
                   kept == 0 ? "missing" : "kept   ", best_ns / 1e3);
        }
        plan_rig_free(rig);
    }
}

/* ---- Threads --------------------------------------------------------------------------------- */

static void
time_threads(void)
{
    struct plan_rig *rig = plan_rig_new(1, 4, 1000000, 100000);
    const struct rc_value zero = rc_value_int(0);
    const struct rc_predicate *priced =
        plan_rig_leaf(rig, "price", RC_LEAF_GREATER_EQUAL, 1, &zero);
    struct query queries[3] = {
        {.kind = FUNNEL, .selector_count = 3},
        {.kind = SERIES, .selector_count = 1, .measure = RC_MEASURE_UNIQUE},
        {.kind = SERIES, .selector_count = 1, .measure = RC_MEASURE_COUNT, .by_path = true},
    };
    for (uint32_t i = 0; i < 3; i++) {
        queries[i].start_ms = rig->start_ms;
        queries[i].end_ms = rig->end_ms;
        queries[i].selectors[0] = plan_rig_is(rig, "name", 0);
        queries[i].selectors[1] = plan_rig_is(rig, "name", 1);
        queries[i].selectors[2] = priced;
        double best_ns[2] = {INFINITY, INFINITY};
        for (uint32_t run_number = 0; run_number < 30; run_number++) {
            struct rc_query_context context = plan_rig_context(rig, 1 + run_number % 2);
            double answer;
            const uint64_t begin_ns = rc_clock_monotonic_ns();
            plan_rig_must(ask(&context, &queries[i], &answer, NULL), NULL);
            const double ns = (double)(rc_clock_monotonic_ns() - begin_ns);
            best_ns[run_number % 2] = ns < best_ns[run_number % 2] ? ns : best_ns[run_number % 2];
            rc_arena_reset(rig->arena);
        }
        printf("%-7s 1 thread %7.2f ms, 2 threads %7.2f ms: x%.2f\n", kind_names[queries[i].kind],
               best_ns[0] / 1e6, best_ns[1] / 1e6, best_ns[0] / best_ns[1]);
    }
    plan_rig_free(rig);
}

int
main(int argc, char **argv)
{
    uint64_t seed = 1;
    uint32_t queries = 200;
    bool list = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--planner") == 0) {
            time_planner();
            return 0;
        }
        if (strcmp(argv[i], "--threads") == 0) {
            time_threads();
            return 0;
        }
        if (strcmp(argv[i], "--list") == 0) {
            list = true;
        } else if (strcmp(argv[i], "--queries") == 0 && i + 1 < argc) {
            queries = (uint32_t)strtoul(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
            seed = strtoull(argv[++i], NULL, 10);
        } else {
            fprintf(stderr, "plans [--queries N] [--seed N] [--list] | --planner | --threads\n");
            return 2;
        }
    }
    compare_all(seed, queries, list);
    return 0;
}
