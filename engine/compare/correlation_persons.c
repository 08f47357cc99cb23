/*
 * The persons of a correlation: the question is asked again for its rows and its two sets of users,
 * then one walk marks who of the population has the candidate.
 */
#include <string.h>

#include "engine/compare/compare_cells.h"
#include "engine/compare/correlation_counts.h"
#include "engine/query/walk/walk.h"

struct marking {
    const struct rc_groups *groups; /* NULL: every event counts. */
    uint32_t group;
    uint64_t *words;
};

uint64_t
rc_correlation_label_hash(const struct rc_correlation_reply *reply)
{
    uint64_t labels = 0;
    for (uint32_t i = 0; i < reply->row_count; i++) {
        const struct rc_correlation_row *row = &reply->rows[i];
        const struct rc_row_label which = {
            .kind = RC_ROW_VALUE,
            .value = rc_value_int(row->is_event ? row->place : -1 - (int64_t)row->place)};
        const struct rc_row_label value = {.kind = RC_ROW_VALUE, .value = row->value};
        labels = rc_row_label_hash(rc_row_label_hash(labels, &which), &value);
    }
    return labels;
}

static bool
has_value(const struct marking *marking, uint32_t person, const struct rc_hit *hit)
{
    if (marking->groups == NULL)
        return true;
    uint32_t count;
    const uint32_t set = rc_groups_of(marking->groups, person, hit);
    const uint32_t *groups = rc_groups_list(marking->groups, &set, &count);
    for (uint32_t i = 0; i < count; i++)
        if (groups[i] == marking->group)
            return true;
    return false;
}

static enum rc_status
fold_hits(void *lane,
          const struct rc_walk_block *block,
          const struct rc_hit *hits,
          const uint32_t *slots,
          uint32_t count)
{
    const struct marking *marking = lane;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t person = rc_walk_person(block, slots[i]);
        if (has_value(marking, person, &hits[i]))
            rc_walk_mark(marking->words, person);
    }
    return RC_OK;
}

static enum rc_status
walk(struct marking *marking, const struct rc_plan *plan, struct rc_query_stats *stats)
{
    const struct rc_query_context *context = plan->context;
    void **lanes = RC_ARENA_ARRAY(context->arena, void *, context->parallel_max);
    if (lanes == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < context->parallel_max; i++)
        lanes[i] = marking;
    const struct rc_fold fold = {.purpose = "users of the population",
                                 .lane_count = context->parallel_max,
                                 .lanes = lanes,
                                 .hits = fold_hits};
    return rc_walk(plan, &fold, &stats->matched_events);
}

/* Users have their properties whatever they did. */
static void
mark_users(const struct marking *marking, const struct rc_correlation_users *users)
{
    const struct rc_hit no_hit = {0};
    for (size_t word = 0; word < users->word_count; word++)
        for (uint64_t left = users->population[word]; left != 0; left &= left - 1) {
            const uint32_t person = (uint32_t)(word * 64) + (uint32_t)__builtin_ctzll(left);
            if (has_value(marking, person, &no_hit))
                rc_walk_mark(marking->words, person);
        }
}

static enum rc_status
find_group(const struct rc_query_context *context,
           const struct rc_value *value,
           struct marking *marking)
{
    const uint32_t count = rc_groups_count(marking->groups);
    for (marking->group = 0; marking->group < count; marking->group++) {
        struct rc_value of;
        RC_TRY(rc_groups_value(marking->groups, marking->group, context->arena, &of));
        if (rc_value_compare(of, *value) == 0)
            break;
    }
    return RC_OK;
}

/* Marks who has a candidate. */
static enum rc_status
mark(const struct rc_query_context *context,
     const struct rc_correlation_request *request,
     const struct rc_correlation_users *users,
     const struct rc_correlation_row *row,
     struct rc_query_stats *stats,
     uint64_t *words,
     struct rc_error *reterr_error)
{
    struct marking marking = {.words = words};
    RC_CLEANUP(rc_plan_freep) struct rc_plan *plan = NULL;
    RC_CLEANUP(rc_groups_freep) struct rc_groups *groups = NULL;
    if (row->is_event) {
        RC_TRY(rc_correlation_plan_events(context, request, users, row->place, 1, stats, &plan,
                                          reterr_error));
    } else {
        RC_TRY(rc_correlation_plan_values(context, request, users, row->place, stats, &plan,
                                          &groups, reterr_error));
        marking.groups = groups;
        RC_TRY_OR(reterr_error, find_group(context, &row->value, &marking));
    }
    if (!row->is_event && rc_correlation_is_of_users(request, row->place))
        mark_users(&marking, users);
    else
        RC_TRY_OR(reterr_error, walk(&marking, plan, stats));
    return RC_OK;
}

enum rc_status
rc_correlation_persons(const struct rc_query_context *context,
                       const struct rc_chart_cell *cell,
                       struct rc_query_stats *stats,
                       uint64_t *words,
                       struct rc_error *reterr_error)
{
    const struct rc_correlation_request *request = cell->correlation;
    struct rc_correlation_reply reply;
    struct rc_correlation_users users;
    RC_TRY(rc_correlation_answer(context, request, &users, &reply, reterr_error));
    if (rc_correlation_label_hash(&reply) != cell->labels)
        return rc_chart_cell_changed(reterr_error);
    if (cell->row != RC_CORRELATION_POPULATION && cell->row >= reply.row_count)
        return rc_error_field(reterr_error, RC_INVALID, "row", "there is no such row");
    if (cell->row == RC_CORRELATION_POPULATION)
        memcpy(words, users.population, users.word_count * sizeof(*words));
    else
        RC_TRY(mark(context, request, &users, &reply.rows[cell->row], &reply.stats, words,
                    reterr_error));
    for (size_t word = 0; word < users.word_count; word++) {
        words[word] &= users.population[word];
        if (cell->place == RC_COMPARED_CONVERTED)
            words[word] &= users.converted[word];
        if (cell->place == RC_COMPARED_OTHERS)
            words[word] &= ~users.converted[word];
    }
    stats->matched_events += reply.stats.matched_events;
    return RC_OK;
}
