/*
 * Dimension. A property's values are groups (groups.h). What is known of a user alone (how often he
 * did something, his segments) is a set of values a person: a number of lists that persons share.
 *
 * Bins come later, when a walk has told which values there are in the range: the raw values are
 * renamed to bins through a table.
 */
#include "engine/query/split/dimension.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/match/rows/words.h"
#include "engine/query/scope.h"
#include "engine/query/segment/segment_persons.h"
#include "engine/query/split/bins.h"
#include "engine/query/split/groups.h"
#include "engine/query/split/tuple_table.h"

struct value_list {
    uint32_t begin; /* In members. */
    uint32_t count;
};

struct rc_dimension {
    const struct rc_query_context *context;
    const struct rc_plan *plan;
    const struct rc_breakdown *breakdown;
    struct rc_arena *arena;
    struct rc_groups *groups; /* Of a property; NULL: the rest is there. */
    uint32_t *persons;        /* By person: a list. */
    struct value_list *lists;
    uint32_t *members;
    struct rc_label_value *labels; /* By value. */
    uint32_t count;                /* Raw values. */
    uint32_t *renamed;             /* NULL: no bins. */
    uint32_t renamed_count;
    struct rc_label_value *bin_labels; /* By renamed value below bins.count; */
    struct rc_bins bins;
    uint32_t *raw_of; /* by one at or above, less bin_count: its raw value. */
};

struct rc_dimension *
rc_dimension_free(struct rc_dimension *dimension)
{
    if (dimension == NULL)
        return NULL;
    rc_groups_free(dimension->groups);
    rc_arena_free(dimension->arena);
    return rc_alloc_free(dimension);
}

/* ---- A user's count -------------------------------------------------------------------------- */

static enum rc_status
fold_count(void *state,
           const struct rc_walk_block *block,
           const struct rc_hit *hits,
           const uint32_t *slots,
           uint32_t count)
{
    uint32_t *numbers = state; /* A person is fed by one lane only. */
    (void)hits;
    for (uint32_t i = 0; i < count; i++)
        numbers[rc_walk_person(block, slots[i])]++;
    return RC_OK;
}

/* Fills numbers: how many events each person has. */
static enum rc_status
count_events(const struct rc_dimension_request *request,
             uint32_t *numbers,
             struct rc_error *reterr_error)
{
    const struct rc_query_context *context = request->plan->context;
    const struct rc_breakdown *breakdown = request->breakdown;
    const struct rc_scope *scope = request->scope;
    const struct rc_plan_selector selector = {
        .predicate = breakdown->selector,
        .field = "user_count.selector",
        .from_ms = breakdown->has_range ? breakdown->start_ms : scope->start_ms,
        .until_ms = rc_scope_until(scope, breakdown->has_range ? breakdown->end_ms : scope->end_ms),
    };
    RC_CLEANUP(rc_plan_freep) struct rc_plan *plan = NULL;
    if (selector.from_ms >= selector.until_ms)
        return RC_OK;
    RC_TRY(rc_plan_new(context, scope->as_of_ms, request->plan->persons, &selector, 1, &plan,
                       reterr_error));
    void **lanes = RC_ARENA_ARRAY(context->arena, void *, context->parallel_max);
    if (lanes == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < context->parallel_max; i++)
        lanes[i] = numbers;
    const struct rc_fold fold = {.purpose = "the count of each user",
                                 .lane_count = context->parallel_max,
                                 .lanes = lanes,
                                 .hits = fold_count};
    RC_TRY(rc_walk(plan, &fold, &request->stats->matched_events));
    rc_plan_add_stats(plan, request->stats);
    return RC_OK;
}

/* A list with one member each. */
static enum rc_status
single_lists(struct rc_dimension *dimension, uint32_t count)
{
    dimension->lists = RC_ARENA_ARRAY(dimension->arena, struct value_list, count);
    dimension->members = RC_ARENA_ARRAY(dimension->arena, uint32_t, count);
    if (dimension->lists == NULL || dimension->members == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        dimension->lists[i] = (struct value_list){.begin = i, .count = 1};
        dimension->members[i] = i;
    }
    return RC_OK;
}

static enum rc_status
build_user_count(struct rc_dimension *dimension,
                 const struct rc_dimension_request *request,
                 struct rc_error *reterr_error)
{
    const uint32_t user_count = rc_view_user_count(request->plan->context->view);
    RC_CLEANUP(rc_tuple_table_close)
    struct rc_tuple_table counts = {.account = request->plan->context->account};
    dimension->persons = RC_ARENA_ARRAY(dimension->arena, uint32_t, user_count);
    if (dimension->persons == NULL)
        return RC_NO_MEMORY;
    RC_TRY(count_events(request, dimension->persons, reterr_error));
    for (uint32_t person = 0; person < user_count; person++)
        RC_TRY(rc_tuple_table_add(&counts, (struct rc_tuple){.parts = {dimension->persons[person]}},
                                  &dimension->persons[person]));
    dimension->count = counts.count;
    dimension->labels = RC_ARENA_ARRAY(dimension->arena, struct rc_label_value, counts.count);
    if (dimension->labels == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < counts.count; i++)
        dimension->labels[i] = (struct rc_label_value){
            .kind = RC_LABEL_VALUE, .value = rc_value_int(counts.tuples[i].parts[0])};
    return single_lists(dimension, counts.count);
}

/* ---- Segments -------------------------------------------------------------------------------- */

/* Which of the segments each person is in. */
static enum rc_status
find_segments(const struct rc_dimension_request *request,
              uint64_t *masks,
              struct rc_error *reterr_error)
{
    const uint32_t user_count = rc_view_user_count(request->plan->context->view);
    for (uint32_t i = 0; i < request->breakdown->segment_count; i++) {
        const uint64_t *persons;
        const enum rc_status status = rc_segment_persons(
            request->plan->context, request->breakdown->segments[i], request->calendar,
            request->scope->as_of_ms, request->stats, &persons, NULL, reterr_error);
        if (status != RC_OK)
            rc_error_prefix(reterr_error, "segments.segments[%u]", i);
        RC_TRY(status);
        for (uint32_t person = 0; person < user_count; person++)
            masks[person] |= ((persons[person / 64] >> (person % 64)) & 1) << i;
    }
    return RC_OK;
}

/* The lists of the masks that occur. */
static enum rc_status
list_masks(struct rc_dimension *dimension, const struct rc_tuple_table *masks)
{
    const uint32_t none = dimension->breakdown->segment_count;
    dimension->lists = RC_ARENA_ARRAY(dimension->arena, struct value_list, masks->count);
    dimension->members = RC_ARENA_ARRAY(dimension->arena, uint32_t, (size_t)masks->count * 64);
    if (dimension->lists == NULL || dimension->members == NULL)
        return RC_NO_MEMORY;
    uint32_t at = 0;
    for (uint32_t i = 0; i < masks->count; i++) {
        uint64_t mask =
            (uint64_t)masks->tuples[i].parts[0] << 32 | (uint64_t)masks->tuples[i].parts[1];
        dimension->lists[i].begin = at;
        if (mask == 0)
            dimension->members[at++] = none;
        for (; mask != 0; mask &= mask - 1)
            dimension->members[at++] = (uint32_t)__builtin_ctzll(mask);
        dimension->lists[i].count = at - dimension->lists[i].begin;
    }
    return RC_OK;
}

static enum rc_status
build_segments(struct rc_dimension *dimension,
               const struct rc_dimension_request *request,
               struct rc_error *reterr_error)
{
    struct rc_account *account = request->plan->context->account;
    const struct rc_breakdown *breakdown = request->breakdown;
    const uint32_t user_count = rc_view_user_count(request->plan->context->view);
    RC_CLEANUP(rc_tuple_table_close) struct rc_tuple_table table = {.account = account};
    RC_CLEANUP(rc_alloc_freep)
    uint64_t *masks = rc_alloc_in(account, user_count * sizeof(*masks) + 1);
    dimension->persons = RC_ARENA_ARRAY(dimension->arena, uint32_t, user_count);
    dimension->count = breakdown->segment_count + 1;
    dimension->labels = RC_ARENA_ARRAY(dimension->arena, struct rc_label_value, dimension->count);
    if (masks == NULL || dimension->persons == NULL || dimension->labels == NULL)
        return RC_NO_MEMORY;
    memset(masks, 0, user_count * sizeof(*masks));
    RC_TRY(find_segments(request, masks, reterr_error));
    for (uint32_t person = 0; person < user_count; person++) {
        const struct rc_tuple tuple = {
            .parts = {(uint32_t)(masks[person] >> 32), (uint32_t)masks[person]}};
        RC_TRY(rc_tuple_table_add(&table, tuple, &dimension->persons[person]));
    }
    for (uint32_t i = 0; i < breakdown->segment_count; i++)
        dimension->labels[i] = (struct rc_label_value){
            .kind = RC_LABEL_SEGMENT, .place = i, .name = breakdown->segment_names[i]};
    dimension->labels[breakdown->segment_count] =
        (struct rc_label_value){.kind = RC_LABEL_NO_SEGMENT, .place = breakdown->segment_count};
    return list_masks(dimension, &table);
}

/* ---- All kinds ------------------------------------------------------------------------------- */

static enum rc_status
build(struct rc_dimension *dimension,
      const struct rc_dimension_request *request,
      struct rc_error *reterr_error)
{
    dimension->arena = rc_arena_new(request->plan->context->account, 0);
    if (dimension->arena == NULL)
        return RC_NO_MEMORY;
    switch (request->breakdown->kind) {
    case RC_DIMENSION_USER_COUNT:
        return build_user_count(dimension, request, reterr_error);
    case RC_DIMENSION_SEGMENTS:
        return build_segments(dimension, request, reterr_error);
    case RC_DIMENSION_PROPERTY:
        break;
    }
    const bool may_part = request->may_part && request->breakdown->bins == 0;
    RC_TRY((may_part ? rc_groups_new_in_parts : rc_groups_new)(request->plan, request->breakdown,
                                                               request->scope->as_of_ms,
                                                               &dimension->groups, reterr_error));
    dimension->count = rc_groups_count(dimension->groups);
    return RC_OK;
}

enum rc_status
rc_dimension_new(const struct rc_dimension_request *request,
                 struct rc_dimension **ret_dimension,
                 struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_dimension_freep)
    struct rc_dimension *dimension =
        rc_alloc_in(request->plan->context->account, sizeof(*dimension));
    if (dimension == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a breakdown");
    *dimension = (struct rc_dimension){
        .context = request->plan->context, .plan = request->plan, .breakdown = request->breakdown};
    const enum rc_status status = build(dimension, request, reterr_error);
    if (status == RC_NO_MEMORY)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a breakdown");
    RC_TRY(status);
    *ret_dimension = RC_TAKE(dimension);
    return RC_OK;
}

uint32_t
rc_dimension_count(const struct rc_dimension *dimension)
{
    return dimension->renamed != NULL ? dimension->renamed_count : dimension->count;
}

bool
rc_dimension_reads_person(const struct rc_dimension *dimension)
{
    return dimension->groups == NULL || dimension->breakdown->scope == RC_LEAF_USER;
}

const struct rc_groups *
rc_dimension_groups(const struct rc_dimension *dimension)
{
    return rc_dimension_reads_person(dimension) || dimension->renamed != NULL ? NULL
                                                                              : dimension->groups;
}

bool
rc_dimension_wants_bins(const struct rc_dimension *dimension)
{
    return dimension->breakdown->bins > 0;
}

const uint32_t *
rc_dimension_renamed(const struct rc_dimension *dimension)
{
    return dimension->renamed;
}

const uint32_t *
rc_dimension_raw(const struct rc_dimension *dimension,
                 uint32_t person,
                 const struct rc_hit *hit,
                 uint32_t *positions,
                 uint32_t *scratch,
                 uint32_t *ret_count)
{
    if (dimension->groups != NULL) {
        *scratch = rc_groups_near(dimension->groups, person, hit, positions);
        return rc_groups_list(dimension->groups, scratch, ret_count);
    }
    const uint32_t user = rc_plan_user_of(dimension->plan, person, hit);
    const struct value_list list = dimension->lists[dimension->persons[user]];
    *ret_count = list.count;
    return dimension->members + list.begin;
}

static enum rc_status
raw_label(const struct rc_dimension *dimension,
          uint32_t value,
          struct rc_arena *arena,
          struct rc_label_value *ret_label)
{
    if (dimension->groups == NULL) {
        *ret_label = dimension->labels[value];
        return RC_OK;
    }
    *ret_label = (struct rc_label_value){.kind = RC_LABEL_VALUE};
    return rc_groups_value(dimension->groups, value, arena, &ret_label->value);
}

static bool
is_number(const struct rc_label_value *label)
{
    return label->kind == RC_LABEL_VALUE &&
           (label->value.kind == RC_VALUE_INT || label->value.kind == RC_VALUE_DOUBLE);
}

/* The numbers among the raw values that have a bit in present (NULL: all); NaN for the others. */
static enum rc_status
read_numbers(const struct rc_dimension *dimension, const uint64_t *present, double *numbers)
{
    RC_CLEANUP(rc_arena_freep)
    struct rc_arena *scratch = rc_arena_new(dimension->context->account, 0);
    if (scratch == NULL)
        return RC_NO_MEMORY;
    for (uint32_t value = 0; value < dimension->count; value++) {
        struct rc_label_value label;
        numbers[value] = NAN;
        if (present != NULL && !rc_words_has(present, value))
            continue;
        rc_arena_reset(scratch);
        RC_TRY(raw_label(dimension, value, scratch, &label));
        if (is_number(&label))
            numbers[value] = rc_value_real(label.value);
    }
    return RC_OK;
}

/* Puts numbers into the bins. What lies in none, no number too, gets a name of its own, also what
 * no event of the range has, which nobody asks for. */
static enum rc_status
fill_bins(struct rc_dimension *dimension, const double *numbers, const struct rc_bins *bins)
{
    struct rc_arena *arena = dimension->arena;
    uint32_t *renamed = RC_ARENA_ARRAY(arena, uint32_t, dimension->count);
    uint32_t *raw_of = RC_ARENA_ARRAY(arena, uint32_t, dimension->count);
    struct rc_label_value *labels = RC_ARENA_ARRAY(arena, struct rc_label_value, bins->count);
    if (renamed == NULL || raw_of == NULL || labels == NULL)
        return RC_NO_MEMORY;
    for (uint32_t bin = 0; bin < bins->count; bin++)
        labels[bin] = (struct rc_label_value){.kind = RC_LABEL_BIN,
                                              .low = rc_bins_edge(bins, bin),
                                              .high = rc_bins_edge(bins, bin + 1),
                                              .closed = bin + 1 == bins->count};
    uint32_t others = 0;
    for (uint32_t value = 0; value < dimension->count; value++) {
        if (bins->count > 0 && numbers[value] >= bins->least && numbers[value] <= bins->greatest) {
            renamed[value] = rc_bins_find(bins, numbers[value]);
        } else {
            renamed[value] = bins->count + others;
            raw_of[others++] = value;
        }
    }
    dimension->renamed = renamed;
    dimension->renamed_count = bins->count + others;
    dimension->bin_labels = labels;
    dimension->bins = *bins;
    dimension->raw_of = raw_of;
    return RC_OK;
}

enum rc_status
rc_dimension_make_bins(struct rc_dimension *dimension, const uint64_t *present, bool between)
{
    double least = INFINITY;
    double greatest = -INFINITY;
    double *numbers = RC_ARENA_ARRAY(dimension->arena, double, dimension->count);
    if (numbers == NULL)
        return RC_NO_MEMORY;
    RC_TRY(read_numbers(dimension, between ? NULL : present, numbers));
    for (uint32_t value = 0; value < dimension->count; value++)
        if (!isnan(numbers[value]) && rc_words_has(present, value)) {
            least = fmin(least, numbers[value]);
            greatest = fmax(greatest, numbers[value]);
        }
    const struct rc_bins bins = rc_bins_make(least, greatest, dimension->breakdown->bins);
    return fill_bins(dimension, numbers, &bins);
}

enum rc_status
rc_dimension_share_bins(struct rc_dimension *dimension, const struct rc_dimension *of)
{
    double *numbers = RC_ARENA_ARRAY(dimension->arena, double, dimension->count);
    if (numbers == NULL)
        return RC_NO_MEMORY;
    RC_TRY(read_numbers(dimension, NULL, numbers));
    return fill_bins(dimension, numbers, &of->bins);
}

enum rc_status
rc_dimension_label(const struct rc_dimension *dimension,
                   uint32_t value,
                   struct rc_arena *arena,
                   struct rc_label_value *ret_label)
{
    if (dimension->renamed == NULL)
        return raw_label(dimension, value, arena, ret_label);
    if (value >= dimension->bins.count)
        return raw_label(dimension, dimension->raw_of[value - dimension->bins.count], arena,
                         ret_label);
    *ret_label = dimension->bin_labels[value];
    return RC_OK;
}

/* Where a label stands among values: a bin where its lower end does. */
static struct rc_value
place_of(const struct rc_label_value *label)
{
    struct rc_value value = label->value;
    if (label->kind == RC_LABEL_BIN && rc_value_of_double(label->low, &value) != RC_OK)
        value = rc_value_null();
    return value;
}

int
rc_label_compare(const struct rc_label_value *a, const struct rc_label_value *b)
{
    if (a->kind == RC_LABEL_SEGMENT || a->kind == RC_LABEL_NO_SEGMENT)
        return (a->place > b->place) - (a->place < b->place);
    return rc_value_compare(place_of(a), place_of(b));
}
