/*
 * Plan, fetching: rowsets are there before the walk begins: the planner itself takes those that are
 * kept, the others are found by (stream, slab) pairs in parallel, in the way that it chose. The
 * walk then knows how many hits to expect and cuts its blocks by that.
 *
 * A bitmap that the planner found stays: its choice holds a reference. What a stream of first
 * events has found is cut with them.
 */
#include "engine/query/plan/plan_fetch.h"
#include "engine/query/plan/plan_read.h"

#include <stdatomic.h>

#include "engine/base/assert.h"
#include "engine/base/clock.h"
#include "engine/query/too_slow.h"
#include "engine/query/walk/first.h"

struct fetch {
    struct rc_plan *plan;
    struct rc_plan_choice *choices;
    uint32_t *jobs;         /* Indexes of choices. */
    _Atomic(int) status;    /* The first one that is not RC_OK, */
    uint32_t failed;        /* and the stream that has it, of a job. */
    struct job_note *notes; /* By job; NULL: nobody asks. */
    uint64_t *together_ns;  /* By slab, for each bitmap that was computed with others; the same. */
};

/* What a job did. */
struct job_note {
    enum rc_access access;
    uint64_t elapsed_ns;
    uint64_t rows;
    struct rc_match_work work;
};

/* The rowset of a stream in a slab. A slab with rows that match stays in use, for the walk. */
static enum rc_status
fetch_set(struct rc_plan *plan,
          const struct rc_stream *stream,
          const struct rc_plan_choice *choice,
          uint32_t slab,
          struct rc_rowset **ret_set,
          struct job_note *note)
{
    struct rc_view *view = plan->context->view;
    struct rc_rowset *set = NULL;
    /* A bitmap that is to be cut with first events is looked up once more. */
    const bool kept = choice->access == RC_ACCESS_BITMAP || choice->together;
    const struct rc_match_order order = {.access = kept ? RC_ACCESS_NONE : choice->access,
                                         .keep = kept || choice->keep,
                                         .keeps_columns = choice->keeps_columns,
                                         .reads_rows = choice->forced,
                                         .blocks = choice->blocks,
                                         .ranges = choice->ranges,
                                         .range_count = choice->range_count};
    RC_TRY(rc_view_use_slab(view, slab, 0, NULL));
    enum rc_status status =
        rc_matcher_slab_by(stream->matcher, stream->part, slab, &order, plan->context->cancel, &set,
                           &note->access, &note->work);
    if (status == RC_OK && stream->first != NULL) {
        struct rc_rowset *all = RC_TAKE(set);
        status = rc_first_intersect(stream->first, slab, all, &set);
        rc_rowset_unref(all);
    }
    note->rows = status == RC_OK && set != NULL ? rc_rowset_cardinality(set) : 0;
    if (note->rows > 0) {
        *ret_set = set;
        return rc_view_use_slab(view, slab, RC_SLAB_PARTS_ROWS, NULL);
    }
    rc_rowset_unref(set);
    rc_view_unuse_slab(view, slab);
    return status;
}

static void
fetch_one(void *argument, uint32_t index)
{
    struct fetch *fetch = argument;
    struct rc_plan *plan = fetch->plan;
    const uint32_t pair = fetch->jobs[index];
    struct rc_plan_slab *slab = &plan->slabs[pair / plan->stream_count];
    const uint32_t s = pair % plan->stream_count;
    struct job_note ignored = {0};
    struct job_note *note = fetch->notes == NULL ? &ignored : &fetch->notes[index];
    if (atomic_load_explicit(&fetch->status, memory_order_relaxed) != RC_OK)
        return;
    const uint64_t begin_ns = fetch->notes == NULL ? 0 : rc_clock_monotonic_ns();
    const enum rc_status status = fetch_set(plan, &plan->streams[s], &fetch->choices[pair],
                                            slab->index, &slab->sets[s], note);
    if (fetch->notes != NULL)
        note->elapsed_ns = rc_clock_monotonic_ns() - begin_ns;
    if (plan->context->progress != NULL)
        atomic_fetch_add_explicit(&plan->context->progress->done, 1, memory_order_relaxed);
    int expected = RC_OK;
    if (status != RC_OK && atomic_compare_exchange_strong(&fetch->status, &expected, (int)status))
        fetch->failed = s;
}

/* Whether a pair's bitmap is one of those that are computed together. */
static bool
is_together(const struct rc_plan_choice *choice)
{
    return choice->keep && !choice->forced &&
           (choice->access == RC_ACCESS_SCAN || choice->access == RC_ACCESS_POSTINGS);
}

/* Computes in one pass over a slab's columns what is missing there, when that is much. The jobs
 * find it in the cache then. */
static enum rc_status
build_together(struct fetch *fetch, uint32_t slab)
{
    struct rc_plan *plan = fetch->plan;
    struct rc_view *view = plan->context->view;
    const uint32_t index = plan->slabs[slab].index;
    struct rc_plan_choice *choices = &fetch->choices[(size_t)slab * plan->stream_count];
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(plan->context->account, 0);
    if (arena == NULL)
        return RC_NO_MEMORY;
    struct rc_matcher_part *parts =
        RC_ARENA_ARRAY(arena, struct rc_matcher_part, plan->stream_count);
    struct rc_rowset **sets = RC_ARENA_ARRAY(arena, struct rc_rowset *, plan->stream_count);
    if (parts == NULL || sets == NULL)
        return RC_NO_MEMORY;
    uint32_t count = 0;
    for (uint32_t s = 0; s < plan->stream_count; s++)
        if (is_together(&choices[s]))
            parts[count++] =
                (struct rc_matcher_part){plan->streams[s].matcher, plan->streams[s].part};
    if (count < RC_MATCH_BATCH_MIN)
        return RC_OK;
    const uint64_t begin_ns = fetch->notes == NULL ? 0 : rc_clock_monotonic_ns();
    RC_TRY(rc_view_use_slab(view, index, 0, NULL));
    RC_TRY(rc_matcher_slab_many(parts, count, index, plan->context->cancel, arena, sets));
    for (uint32_t i = 0; i < count; i++)
        rc_rowset_unref(sets[i]);
    for (uint32_t s = 0; s < plan->stream_count; s++)
        choices[s].together = is_together(&choices[s]);
    rc_view_unuse_slab(view, index);
    if (fetch->notes != NULL)
        fetch->together_ns[slab] = (rc_clock_monotonic_ns() - begin_ns) / count;
    return RC_OK;
}

static void
build_one(void *argument, uint32_t slab)
{
    struct fetch *fetch = argument;
    int expected = RC_OK;
    if (atomic_load_explicit(&fetch->status, memory_order_relaxed) != RC_OK)
        return;
    const enum rc_status status = build_together(fetch, slab);
    if (status != RC_OK && status != RC_TOO_SLOW) /* Whose pattern it is, the jobs will tell. */
        atomic_compare_exchange_strong(&fetch->status, &expected, (int)status);
}

/* Takes the bitmaps that the planner found, and lists the other pairs. */
static void
take_bitmaps(struct fetch *fetch, uint32_t *ret_jobs, double *ret_work_ns)
{
    struct rc_plan *plan = fetch->plan;
    const uint32_t pairs = plan->slab_count * plan->stream_count;
    uint32_t jobs = 0;
    double work_ns = 0;
    for (uint32_t pair = 0; pair < pairs; pair++) {
        struct rc_plan_choice *choice = &fetch->choices[pair];
        const struct rc_plan_slab *slab = &plan->slabs[pair / plan->stream_count];
        const bool first = plan->streams[pair % plan->stream_count].first != NULL;
        plan->rowsets_cached += choice->access == RC_ACCESS_BITMAP;
        if (choice->access == RC_ACCESS_BITMAP && !first) {
            if (rc_rowset_cardinality(choice->bitmap) == 0) {
                choice->bitmap = rc_rowset_unref(choice->bitmap);
                continue;
            }
            slab->sets[pair % plan->stream_count] = RC_TAKE(choice->bitmap);
        } else if (choice->access != RC_ACCESS_NONE && choice->access != RC_ACCESS_RULED_OUT) {
            fetch->jobs[jobs++] = pair;
            plan->rowsets_built += choice->access != RC_ACCESS_BITMAP;
            work_ns += choice->estimate_ns + rc_plan_read_ns(plan, pair / plan->stream_count);
        }
    }
    *ret_jobs = jobs;
    *ret_work_ns = work_ns;
}

/* Writes down what the bitmaps and the jobs came to. */
static void
note_actual(const struct fetch *fetch, uint32_t job_count)
{
    const struct rc_plan *plan = fetch->plan;
    uint32_t job = 0;
    const uint32_t pairs = plan->slab_count * plan->stream_count;
    for (uint32_t pair = 0; pair < pairs; pair++) {
        const struct rc_plan_choice *choice = &fetch->choices[pair];
        const uint32_t s = pair % plan->stream_count;
        struct rc_explain_selector *out = &plan->explain->selectors[s];
        const struct rc_rowset *set = plan->slabs[pair / plan->stream_count].sets[s];
        struct job_note note = {.access = choice->access};
        if (choice->access == RC_ACCESS_NONE)
            continue;
        note.rows = set == NULL ? 0 : rc_rowset_cardinality(set);
        if (job < job_count && fetch->jobs[job] == pair)
            note = fetch->notes[job++];
        if (choice->together) { /* The job only took it. */
            note.access = choice->access;
            note.elapsed_ns += fetch->together_ns[pair / plan->stream_count];
            out->bitmaps_together++;
        }
        out->ways[note.access].slabs_actual++;
        out->ways[note.access].actual_ns += note.elapsed_ns;
        out->rows_actual += note.rows;
        out->actual_ns += note.elapsed_ns;
        rc_match_work_add(&out->work_actual, &note.work);
        plan->explain->columns_made += (uint32_t)note.work.columns_made;
        plan->explain->columns_reused += (uint32_t)note.work.columns_reused;
        out->bitmaps_reused += note.access == RC_ACCESS_BITMAP;
        out->bitmaps_built +=
            choice->access != RC_ACCESS_BITMAP && choice->access != RC_ACCESS_RULED_OUT;
        out->bitmaps_kept += choice->keep;
        if (out->slab_list == NULL)
            continue;
        /* The planner listed them in the same order. */
        struct rc_explain_slab *listed = &out->slab_list[out->slabs_noted++];
        listed->actual = note.access;
        listed->actual_ns = note.elapsed_ns;
        listed->rows_actual = note.rows;
    }
}

/* Fetches what the planner chose. */
static enum rc_status
run_jobs(struct fetch *fetch)
{
    struct rc_plan *plan = fetch->plan;
    const struct rc_query_context *context = plan->context;
    uint32_t jobs;
    double work_ns;
    take_bitmaps(fetch, &jobs, &work_ns);
    RC_TRY(rc_plan_read_rows(plan));
    const uint64_t begin_ns = plan->explain == NULL ? 0 : rc_clock_monotonic_ns();
    const uint32_t lanes = rc_planner_lanes(context, work_ns, jobs);
    if (plan->explain != NULL) {
        fetch->notes = RC_ARENA_ARRAY(context->arena, struct job_note, jobs);
        fetch->together_ns = RC_ARENA_ARRAY(context->arena, uint64_t, plan->slab_count);
        if (fetch->notes == NULL || fetch->together_ns == NULL)
            return RC_NO_MEMORY;
    }
    if (context->progress != NULL)
        atomic_fetch_add_explicit(&context->progress->all, jobs, memory_order_relaxed);
    if (plan->stream_count >= RC_MATCH_BATCH_MIN && jobs > 0)
        rc_workers_run(context->workers, lanes, plan->slab_count, build_one, fetch);
    if (jobs > 0)
        rc_workers_run(context->workers, lanes, jobs, fetch_one, fetch);
    RC_TRY((enum rc_status)atomic_load(&fetch->status));
    if (plan->explain != NULL) {
        plan->explain->fetch_ns = rc_clock_monotonic_ns() - begin_ns;
        plan->explain->fetch_jobs = jobs;
        plan->explain->fetch_lanes = jobs == 0 ? 0 : lanes;
        note_actual(fetch, jobs);
    }
    return RC_OK;
}

/* Drops empty rowsets, and slabs that have no other. */
static void
keep_matching(struct rc_plan *plan)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < plan->slab_count; i++) {
        struct rc_plan_slab slab = plan->slabs[i];
        for (uint32_t s = 0; s < plan->stream_count; s++) {
            const uint64_t cardinality =
                slab.sets[s] == NULL ? 0 : rc_rowset_cardinality(slab.sets[s]);
            slab.hits_max += cardinality;
            if (cardinality == 0)
                slab.sets[s] = rc_rowset_unref(slab.sets[s]);
        }
        plan->hits_max += slab.hits_max;
        if (slab.hits_max > 0)
            plan->slabs[kept++] = slab;
    }
    plan->slab_count = kept;
}

static void
drop_choices(const struct rc_plan *plan, struct rc_plan_choice *choices)
{
    for (uint32_t i = 0; i < plan->slab_count * plan->stream_count; i++)
        rc_rowset_unref(choices[i].bitmap);
}

enum rc_status
rc_plan_fetch(struct rc_plan *plan,
              const struct rc_plan_users *users,
              struct rc_error *reterr_error)
{
    struct rc_arena *arena = plan->context->arena;
    const uint32_t pairs = plan->slab_count * plan->stream_count;
    struct fetch fetch = {.plan = plan,
                          .choices = RC_ARENA_ARRAY(arena, struct rc_plan_choice, pairs),
                          .jobs = RC_ARENA_ARRAY(arena, uint32_t, pairs)};
    if (fetch.choices == NULL || fetch.jobs == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the plan");
    const uint64_t begin_ns = plan->explain == NULL ? 0 : rc_clock_monotonic_ns();
    enum rc_status status = rc_planner_choose(plan, users, fetch.choices, reterr_error);
    if (plan->explain != NULL)
        plan->explain->plan_ns += rc_clock_monotonic_ns() - begin_ns;
    if (status == RC_OK && !plan->plan_only) {
        status = run_jobs(&fetch);
        if (status != RC_OK)
            rc_error_set(reterr_error, status, "%s", rc_status_sentence(status));
        (void)rc_too_slow_at(reterr_error, status, "%s", plan->streams[fetch.failed].field);
    }
    drop_choices(plan, fetch.choices);
    plan->slabs_planned = plan->slab_count;
    if (status == RC_OK)
        keep_matching(plan);
    if (status == RC_OK && plan->explain != NULL)
        plan->explain->slabs_walked = plan->slab_count;
    return status;
}
