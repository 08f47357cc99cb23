/*
 * Planner, walks: for whom, on how many threads, and how a fold is fed. By then the rowsets are
 * there, so that what is estimated is the time and no longer the number of events.
 */
#include "engine/query/plan/planner.h"

#include <math.h>
#include <stdlib.h>

#include "engine/match/costs.h"
#include "engine/match/rows/words.h"
#include "engine/query/slab/slab_rows.h"

/* What a thread must have to do: then waking it costs a tenth of what it does. */
#define LANE_NS (10 * RC_COST_THREAD)

static int
compare_u32(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a;
    const uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Adds a person's ordinals. */
static enum rc_status
add_person(const struct rc_persons *joined,
           uint32_t person,
           struct rc_arena *arena,
           struct rc_plan_users *users)
{
    const uint32_t index = joined == NULL ? UINT32_MAX : rc_persons_joined_index(joined, person);
    uint32_t count = 1;
    const uint32_t *members =
        index == UINT32_MAX ? &person : rc_persons_joined(joined, index, &count);
    uint32_t *listed = (uint32_t *)(uintptr_t)users->users;
    if (listed == NULL) {
        listed = RC_ARENA_ARRAY(arena, uint32_t, RC_PLAN_USERS_LISTED);
        if (listed == NULL)
            return RC_NO_MEMORY;
        users->users = listed;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (users->count < RC_PLAN_USERS_LISTED)
            listed[users->count] = members[i];
        users->first = users->count == 0 || members[i] < users->first ? members[i] : users->first;
        users->last = users->count == 0 || members[i] > users->last ? members[i] : users->last;
        users->count++;
    }
    return RC_OK;
}

static void
sort_listed(struct rc_plan_users *users)
{
    if (users->count > 0 && users->count <= RC_PLAN_USERS_LISTED)
        qsort((uint32_t *)(uintptr_t)users->users, users->count, sizeof(*users->users),
              compare_u32);
}

enum rc_status
rc_plan_users_of_one(const struct rc_query_context *context,
                     uint32_t person,
                     struct rc_plan_users *ret_users)
{
    struct rc_plan_users users = {0};
    RC_TRY(add_person(rc_view_persons(context->view), person, context->arena, &users));
    sort_listed(&users);
    *ret_users = users;
    return RC_OK;
}

/* Adds the persons of the words [word, word_count): of so many only the ends are of use. */
static void
add_unlisted(const uint64_t *persons,
             uint32_t word,
             uint32_t word_count,
             struct rc_plan_users *users)
{
    users->count += (uint32_t)rc_words_count(persons + word, word_count - word);
    while (word_count > word && persons[word_count - 1] == 0)
        word_count--;
    if (word_count > word)
        users->last = word_count * 64 - 1 - (uint32_t)__builtin_clzll(persons[word_count - 1]);
}

enum rc_status
rc_plan_users_of(const struct rc_query_context *context,
                 const uint64_t *persons,
                 struct rc_plan_users *ret_users)
{
    struct rc_plan_users users = {.everybody = persons == NULL};
    const struct rc_persons *joined = rc_view_persons(context->view);
    const uint32_t word_count = (rc_view_user_count(context->view) + 63) / 64;
    for (uint32_t i = 0; persons != NULL && i < word_count; i++) {
        if (users.count > RC_PLAN_USERS_LISTED && joined == NULL) {
            add_unlisted(persons, i, word_count, &users);
            break;
        }
        for (uint64_t bits = persons[i]; bits != 0; bits &= bits - 1) {
            const uint32_t person = i * 64 + (uint32_t)__builtin_ctzll(bits);
            /* What NOT says of ordinals that are no person means nothing: theirs come with it. */
            if (joined == NULL || rc_persons_of(joined, person) == person)
                RC_TRY(add_person(joined, person, context->arena, &users));
        }
    }
    sort_listed(&users);
    *ret_users = users;
    return RC_OK;
}

uint32_t
rc_planner_lanes(const struct rc_query_context *context, double work_ns, uint64_t pieces)
{
    if (context->hints != NULL && context->hints->parallel != 0)
        return context->parallel_max;
    const double wanted = 1 + work_ns / LANE_NS;
    const uint32_t lanes =
        wanted < context->parallel_max ? (uint32_t)wanted : context->parallel_max;
    return lanes <= pieces ? lanes : pieces == 0 ? 1 : (uint32_t)pieces;
}

/* The time of reading the rows of one bitmap from columns. */
static double
rows_ns(const struct rc_rowset *set, uint32_t row_count, enum rc_rows_reading reading)
{
    const double rows = set == NULL ? 0 : (double)rc_rowset_cardinality(set);
    if (reading == RC_ROWS_SINGLY && set != NULL && rc_rowset_is_sparse(set))
        return (rc_rowset_times(set) != NULL ? RC_COST_LOOKED_UP : RC_COST_REFINED) * rows;
    const double pieces = ceil((double)row_count / RC_PIECE_ROWS);
    /* Of events that lie anywhere: the pieces that have one. */
    const double touched = pieces * (1 - exp(-rows / pieces));
    return RC_COST_ROW * rows +
           (RC_COST_PIECE + (reading == RC_ROWS_VALUES ? RC_COST_PIECE_CODES : 0)) * touched;
}

/* The time of feeding the events of one bitmap. */
static double
hits_ns(const struct rc_rowset *set, uint32_t row_count)
{
    const double rows = set == NULL ? 0 : (double)rc_rowset_cardinality(set);
    if (rows <= (double)row_count / RC_ROWSET_SPARSE_SHARE)
        return RC_COST_SPARSE_HIT * rows;
    return RC_COST_HIT * rows + RC_COST_WALK_WORD * row_count / 64;
}

double
rc_planner_walk_ns(const struct rc_plan *plan,
                   enum rc_explain_feed feed,
                   enum rc_rows_reading reading,
                   uint64_t hits,
                   uint64_t blocks)
{
    const uint32_t slabs = plan->plan_only ? plan->slabs_planned : plan->slab_count;
    double ns = 0;
    for (uint32_t i = 0; i < plan->slab_count; i++)
        for (uint32_t s = 0; s < plan->stream_count; s++)
            ns += feed == RC_FEED_ROWS
                      ? rows_ns(plan->slabs[i].sets[s], plan->slabs[i].row_count, reading)
                      : hits_ns(plan->slabs[i].sets[s], plan->slabs[i].row_count);
    if (plan->plan_only)
        ns = RC_COST_HIT * (double)hits;
    else if (plan->hits_max > 0)
        ns *= (double)hits / (double)plan->hits_max;
    if (feed == RC_FEED_ORDERED)
        ns +=
            RC_COST_ORDERED * (double)hits + RC_COST_USER * rc_view_user_count(plan->context->view);
    return ns + RC_COST_WALK_BLOCK * (double)blocks * slabs;
}

/* Whether rows are read, as the times say or a hint does. Writes it down. */
static bool
choose_feed(const struct rc_plan *plan, uint32_t series, double by_rows_ns, double by_hits_ns)
{
    const struct rc_query_context *context = plan->context;
    const enum rc_walk_hint hint = context->hints == NULL ? RC_WALK_PLANNER : context->hints->walk;
    const bool reads = hint == RC_WALK_PLANNER ? by_rows_ns <= by_hits_ns : hint == RC_WALK_ROWS;
    if (reads && context->hints != NULL)
        atomic_store_explicit(&context->hints->rows_read, true, memory_order_relaxed);
    if (plan->explain != NULL) {
        struct rc_explain_feed_choice *out = rc_arena_alloc(context->arena, sizeof(*out));
        if (out != NULL) {
            *out = (struct rc_explain_feed_choice){.next = plan->explain->feeds,
                                                   .series = series,
                                                   .rows = reads,
                                                   .hinted = hint != RC_WALK_PLANNER,
                                                   .rows_ns = by_rows_ns,
                                                   .hits_ns = by_hits_ns};
            plan->explain->feeds = out;
        }
    }
    return reads;
}

bool
rc_planner_reads_rows(const struct rc_plan *plan,
                      uint32_t stream,
                      uint32_t series,
                      enum rc_rows_reading reading)
{
    const double hit_ns = RC_COST_SERIES_HIT + (reading == RC_ROWS_VALUES ? RC_COST_VALUE_HIT : 0);
    double by_rows_ns = 0;
    double by_hits_ns = 0;
    for (uint32_t i = 0; i < plan->slab_count; i++) {
        const struct rc_plan_slab *slab = &plan->slabs[i];
        const struct rc_rowset *set = slab->sets[stream];
        by_rows_ns += rows_ns(set, slab->row_count, reading);
        by_hits_ns += set == NULL ? 0 : hit_ns * (double)rc_rowset_cardinality(set);
    }
    return choose_feed(plan, series, by_rows_ns, by_hits_ns);
}

bool
rc_planner_reads_few(const struct rc_plan *plan, uint32_t rare, uint32_t stream)
{
    const uint32_t slabs = plan->plan_only ? plan->slabs_planned : plan->slab_count;
    double events = plan->plan_only ? plan->explain->selectors[rare].rows_estimate : 0;
    double by_hits_ns = plan->plan_only ? RC_COST_HIT * plan->hits_estimate : 0;
    for (uint32_t i = 0; i < plan->slab_count && !plan->plan_only; i++) {
        const struct rc_plan_slab *slab = &plan->slabs[i];
        events += slab->sets[rare] == NULL ? 0 : (double)rc_rowset_cardinality(slab->sets[rare]);
        by_hits_ns += hits_ns(slab->sets[stream], slab->row_count);
    }
    /* The events are kept until they are dealt, and a query's memory is bounded by its users. */
    if (events > rc_view_user_count(plan->context->view))
        by_hits_ns = 0;
    /* Of each of these persons a line of times in each slab, and their users are looked up. */
    return choose_feed(plan, RC_EXPLAIN_NO_SERIES, 2 * RC_COST_SPARSE_HIT * events * slabs,
                       by_hits_ns);
}
