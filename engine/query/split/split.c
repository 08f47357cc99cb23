/*
 * Split. By one dimension a row is a value, and nothing is to be prepared. By several, a walk first
 * finds which tuples of values there are, since their product may be far more; rows are the numbers
 * of a table of tuples. Bins take a walk before that one: they lie between the least and the
 * greatest number of the range.
 */
#include "engine/query/split/split.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/query/split/dimension.h"
#include "engine/query/split/groups.h"
#include "engine/query/split/tuple_table.h"

#define EVENT_ROWS_MAX ((uint64_t)1 << 20)

struct rc_split {
    const struct rc_plan *plan;
    uint32_t dimension_count;
    struct rc_dimension *dimensions[RC_BREAKDOWN_PROPERTIES_MAX];
    struct rc_tuple_table tuples; /* Of several dimensions. */
};

/* A lane of the walks that prepare. */
struct lane {
    const struct rc_split *split;
    const struct rc_split_request *request;
    struct rc_split_list list;
    struct rc_tuple_table tuples;
    uint64_t *present[RC_BREAKDOWN_PROPERTIES_MAX]; /* Of dimensions that want bins. */
};

struct rc_split *
rc_split_free(struct rc_split *split)
{
    if (split == NULL)
        return NULL;
    for (uint32_t i = 0; i < split->dimension_count; i++)
        rc_dimension_free(split->dimensions[i]);
    rc_tuple_table_close(&split->tuples);
    return rc_alloc_free(split);
}

void
rc_split_list_close(struct rc_split_list *list)
{
    list->rows = rc_alloc_free(list->rows);
    for (uint32_t i = 0; i < RC_BREAKDOWN_PROPERTIES_MAX; i++) {
        list->parts[i] = rc_alloc_free(list->parts[i]);
        list->positions[i] = rc_alloc_free(list->positions[i]);
    }
}

static enum rc_status
reserve(struct rc_split_list *list, uint32_t **array, size_t *capacity, size_t count)
{
    if (count <= *capacity)
        return RC_OK;
    *array = rc_alloc_free(*array);
    *capacity = 0;
    *array = rc_alloc_in(list->account, 2 * count * sizeof(**array));
    if (*array == NULL)
        return RC_NO_MEMORY;
    *capacity = 2 * count;
    return RC_OK;
}

/* Places of a reader in the columns of all slabs, once there is a first row to find. */
static enum rc_status
open_positions(const struct rc_split *split, struct rc_split_list *list)
{
    uint32_t slab_count;
    (void)rc_view_slabs(split->plan->context->view, &slab_count);
    for (uint32_t d = 0; d < split->dimension_count && slab_count > 0; d++) {
        if (list->positions[d] != NULL)
            continue;
        list->positions[d] = rc_alloc_in(list->account, slab_count * sizeof(*list->positions[d]));
        if (list->positions[d] == NULL)
            return RC_NO_MEMORY;
        memset(list->positions[d], 0, slab_count * sizeof(*list->positions[d]));
    }
    return RC_OK;
}

/* A hit's values in one dimension, in bins, each once. */
static enum rc_status
values_of(const struct rc_dimension *dimension,
          uint32_t person,
          const struct rc_hit *hit,
          struct rc_split_list *list,
          uint32_t at,
          const uint32_t **ret_values,
          uint32_t *ret_count)
{
    uint32_t raw_count;
    const uint32_t *raw =
        rc_dimension_raw(dimension, person, hit, list->positions[at], &list->single, &raw_count);
    const uint32_t *renamed = rc_dimension_renamed(dimension);
    if (renamed == NULL && raw != &list->single) {
        *ret_values = raw;
        *ret_count = raw_count;
        return RC_OK;
    }
    RC_TRY(reserve(list, &list->parts[at], &list->part_capacities[at], raw_count));
    uint32_t count = 0;
    for (uint32_t i = 0; i < raw_count; i++) {
        const uint32_t value = renamed == NULL ? raw[i] : renamed[raw[i]];
        uint32_t before = 0;
        while (before < count && list->parts[at][before] != value)
            before++;
        list->parts[at][before] = value;
        count += before == count;
    }
    *ret_values = list->parts[at];
    *ret_count = count;
    return RC_OK;
}

/* Fills list->rows with the tuples of a hit; table NULL: they are looked up, else added to it. */
static enum rc_status
tuples_of(const struct rc_split *split,
          uint32_t person,
          const struct rc_hit *hit,
          struct rc_tuple_table *table,
          struct rc_split_list *list)
{
    const uint32_t *values[RC_BREAKDOWN_PROPERTIES_MAX];
    uint64_t total = 1;
    for (uint32_t i = 0; i < split->dimension_count; i++) {
        RC_TRY(values_of(split->dimensions[i], person, hit, list, i, &values[i],
                         &list->part_counts[i]));
        total *= list->part_counts[i];
    }
    if (total > EVENT_ROWS_MAX)
        return RC_LIMIT_EXCEEDED;
    RC_TRY(reserve(list, &list->rows, &list->capacity, total));
    list->count = (uint32_t)total;
    for (uint32_t i = 0; i < list->count; i++) {
        struct rc_tuple tuple = {{0}};
        uint32_t rest = i;
        for (uint32_t d = 0; d < split->dimension_count; d++) {
            tuple.parts[d] = values[d][rest % list->part_counts[d]];
            rest /= list->part_counts[d];
        }
        if (table != NULL)
            RC_TRY(rc_tuple_table_add(table, tuple, &list->rows[i]));
        else
            list->rows[i] = rc_tuple_table_find(&split->tuples, tuple);
    }
    return RC_OK;
}

enum rc_status
rc_split_rows(const struct rc_split *split,
              uint32_t person,
              const struct rc_hit *hit,
              struct rc_split_list *list,
              const uint32_t **ret_rows,
              uint32_t *ret_count)
{
    const struct rc_dimension *first = split->dimensions[0];
    RC_TRY(open_positions(split, list));
    if (split->dimension_count == 1 && rc_dimension_renamed(first) == NULL) {
        *ret_rows =
            rc_dimension_raw(first, person, hit, list->positions[0], &list->single, ret_count);
        return RC_OK;
    }
    if (split->dimension_count == 1)
        return values_of(first, person, hit, list, 0, ret_rows, ret_count);
    RC_TRY(tuples_of(split, person, hit, NULL, list));
    *ret_rows = list->rows;
    *ret_count = list->count;
    return RC_OK;
}

/* ---- The walks that prepare ------------------------------------------------------------------ */

/* Whether a figure reads the hit, so that bins reach over it. Tuples are made of all hits, since
 * each is looked up when it is measured. */
static inline bool
is_read(const struct lane *lane, const struct rc_hit *hit)
{
    const struct rc_split_request *request = lane->request;
    const uint64_t mask = hit->mask & request->mask;
    return mask != 0 &&
           (request->reads == NULL || request->reads(request->reader, mask, hit->time_ms));
}

static enum rc_status
note_present(struct lane *lane, uint32_t person, const struct rc_hit *hit)
{
    for (uint32_t d = 0; d < lane->split->dimension_count; d++) {
        uint32_t value_count;
        uint64_t *present = lane->present[d];
        if (present == NULL)
            continue;
        const uint32_t *values = rc_dimension_raw(lane->split->dimensions[d], person, hit, NULL,
                                                  &lane->list.single, &value_count);
        for (uint32_t v = 0; v < value_count; v++)
            present[values[v] / 64] |= (uint64_t)1 << (values[v] % 64);
    }
    return RC_OK;
}

static enum rc_status
fold_present(void *state,
             const struct rc_walk_block *block,
             const struct rc_hit *hits,
             const uint32_t *slots,
             uint32_t count)
{
    struct lane *lane = state;
    for (uint32_t i = 0; i < count; i++)
        if (is_read(lane, &hits[i]))
            RC_TRY(note_present(lane, rc_walk_person(block, slots[i]), &hits[i]));
    return RC_OK;
}

static enum rc_status
note_tuples(struct lane *lane, uint32_t person, const struct rc_hit *hit)
{
    return tuples_of(lane->split, person, hit, &lane->tuples, &lane->list);
}

static enum rc_status
fold_tuples(void *state,
            const struct rc_walk_block *block,
            const struct rc_hit *hits,
            const uint32_t *slots,
            uint32_t count)
{
    struct lane *lane = state;
    for (uint32_t i = 0; i < count; i++)
        if ((hits[i].mask & lane->request->mask) != 0)
            RC_TRY(note_tuples(lane, rc_walk_person(block, slots[i]), &hits[i]));
    return RC_OK;
}

struct lanes {
    uint32_t count;
    struct lane *lanes;
    void **states;
};

static void
lanes_close(struct lanes *lanes)
{
    for (uint32_t i = 0; i < lanes->count; i++) {
        rc_split_list_close(&lanes->lanes[i].list);
        rc_tuple_table_close(&lanes->lanes[i].tuples);
        for (uint32_t d = 0; d < RC_BREAKDOWN_PROPERTIES_MAX; d++)
            rc_alloc_free(lanes->lanes[i].present[d]);
    }
}

static enum rc_status
lanes_open(const struct rc_split *split,
           const struct rc_split_request *request,
           struct lanes *lanes)
{
    const struct rc_query_context *context = split->plan->context;
    const uint32_t count = context->parallel_max;
    lanes->lanes = RC_ARENA_ARRAY(context->arena, struct lane, count);
    lanes->states = RC_ARENA_ARRAY(context->arena, void *, count);
    if (lanes->lanes == NULL || lanes->states == NULL)
        return RC_NO_MEMORY;
    lanes->count = count;
    for (uint32_t i = 0; i < count; i++) {
        struct lane *lane = &lanes->lanes[i];
        *lane = (struct lane){.split = split,
                              .request = request,
                              .list = {.account = context->account},
                              .tuples = {.account = context->account}};
        lanes->states[i] = lane;
    }
    return RC_OK;
}

/* Shows every event that makes rows to the lanes: by hits as they come, or, where the request lists
 * them, one by one to the first lane. */
static enum rc_status
run(const struct rc_split *split,
    const struct lanes *lanes,
    enum rc_status (*hits)(void *lane,
                           const struct rc_walk_block *block,
                           const struct rc_hit *hits,
                           const uint32_t *slots,
                           uint32_t count),
    enum rc_status (*note)(struct lane *lane, uint32_t person, const struct rc_hit *hit))
{
    uint64_t hit_count = 0;
    const struct rc_split_request *request = lanes->lanes[0].request;
    for (uint32_t i = 0; i < request->list_count; i++)
        for (uint32_t at = 0; at < request->lists[i].count; at++)
            RC_TRY(note(&lanes->lanes[0], request->lists[i].items[at].person,
                        &request->lists[i].items[at].hit));
    if (request->list_count > 0)
        return RC_OK;
    const struct rc_fold fold = {
        .purpose = "values of the breakdown",
        .anonymous = !rc_split_reads_person(split),
        .lane_count = lanes->count,
        .lanes = lanes->states,
        .hits = hits,
    };
    return rc_walk(split->plan, &fold, &hit_count);
}

static enum rc_status
share_bins(struct rc_split *split, const struct rc_split *of)
{
    for (uint32_t d = 0; d < split->dimension_count; d++)
        if (rc_dimension_wants_bins(split->dimensions[d]))
            RC_TRY(rc_dimension_share_bins(split->dimensions[d], of->dimensions[d]));
    return RC_OK;
}

/* Puts the numbers of the dimensions that want it into bins. */
static enum rc_status
make_bins(struct rc_split *split, const struct rc_split_request *request)
{
    struct rc_account *account = split->plan->context->account;
    RC_CLEANUP(lanes_close) struct lanes lanes = {0};
    bool wanted = false;
    RC_TRY(lanes_open(split, request, &lanes));
    for (uint32_t d = 0; d < split->dimension_count; d++) {
        if (!rc_dimension_wants_bins(split->dimensions[d]))
            continue;
        wanted = true;
        const size_t words = rc_dimension_count(split->dimensions[d]) / 64 + 1;
        for (uint32_t i = 0; i < lanes.count; i++) {
            uint64_t *present = rc_alloc_in(account, words * sizeof(*present));
            if (present == NULL)
                return RC_NO_MEMORY;
            memset(present, 0, words * sizeof(*present));
            lanes.lanes[i].present[d] = present;
        }
    }
    if (!wanted)
        return RC_OK;
    RC_TRY(run(split, &lanes, fold_present, note_present));
    for (uint32_t d = 0; d < split->dimension_count; d++) {
        uint64_t *all = lanes.lanes[0].present[d];
        if (all == NULL)
            continue;
        const size_t words = rc_dimension_count(split->dimensions[d]) / 64 + 1;
        for (uint32_t i = 1; i < lanes.count; i++)
            for (size_t word = 0; word < words; word++)
                all[word] |= lanes.lanes[i].present[d][word];
        RC_TRY(rc_dimension_make_bins(split->dimensions[d], all, request->between));
    }
    return RC_OK;
}

/* Finds the tuples that there are. */
static enum rc_status
make_tuples(struct rc_split *split, const struct rc_split_request *request)
{
    uint32_t number;
    RC_CLEANUP(lanes_close) struct lanes lanes = {0};
    if (split->dimension_count == 1)
        return RC_OK;
    RC_TRY(lanes_open(split, request, &lanes));
    RC_TRY(run(split, &lanes, fold_tuples, note_tuples));
    for (uint32_t i = 0; i < lanes.count; i++)
        for (uint32_t t = 0; t < lanes.lanes[i].tuples.count; t++)
            RC_TRY(rc_tuple_table_add(&split->tuples, lanes.lanes[i].tuples.tuples[t], &number));
    return RC_OK;
}

enum rc_status
rc_split_new(const struct rc_split_request *request,
             struct rc_split **ret_split,
             struct rc_error *reterr_error)
{
    struct rc_account *account = request->plan->context->account;
    RC_ASSERT(request->dimension_count >= 1 &&
              request->dimension_count <= RC_BREAKDOWN_PROPERTIES_MAX);
    RC_CLEANUP(rc_split_freep) struct rc_split *split = rc_alloc_in(account, sizeof(*split));
    if (split == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a breakdown");
    *split = (struct rc_split){.plan = request->plan, .tuples = {.account = account}};
    for (uint32_t i = 0; i < request->dimension_count; i++) {
        const struct rc_dimension_request dimension = {
            .plan = request->plan,
            .breakdown = &request->dimensions[i],
            .scope = request->scope,
            .calendar = request->calendar,
            .stats = request->stats,
            .may_part = request->may_part && request->dimension_count == 1,
        };
        const enum rc_status status =
            rc_dimension_new(&dimension, &split->dimensions[i], reterr_error);
        if (status != RC_OK)
            rc_error_prefix(reterr_error, "breakdown.dimensions[%u]", i);
        RC_TRY(status);
        split->dimension_count = i + 1;
    }
    if (request->bins_of != NULL)
        RC_TRY_OR(reterr_error, share_bins(split, request->bins_of));
    else if (!request->unbinned)
        RC_TRY_OR(reterr_error, make_bins(split, request));
    RC_TRY_OR(reterr_error, make_tuples(split, request));
    *ret_split = RC_TAKE(split);
    return RC_OK;
}

bool
rc_split_wants_bins(const struct rc_split *split)
{
    bool wants = false;
    for (uint32_t d = 0; d < split->dimension_count; d++)
        wants = wants || rc_dimension_wants_bins(split->dimensions[d]);
    return wants;
}

enum rc_status
rc_split_make_bins(struct rc_split *split,
                   const struct rc_split_request *request,
                   const uint8_t *present)
{
    struct rc_account *account = split->plan->context->account;
    const uint32_t row_count = rc_split_count(split);
    for (uint32_t d = 0; d < split->dimension_count; d++) {
        struct rc_dimension *dimension = split->dimensions[d];
        if (!rc_dimension_wants_bins(dimension))
            continue;
        const size_t words = rc_dimension_count(dimension) / 64 + 1;
        RC_CLEANUP(rc_alloc_freep) uint64_t *values = rc_alloc_in(account, words * sizeof(*values));
        if (values == NULL)
            return RC_NO_MEMORY;
        memset(values, 0, words * sizeof(*values));
        for (uint32_t row = 0; row < row_count; row++) {
            const uint32_t value =
                split->dimension_count == 1 ? row : split->tuples.tuples[row].parts[d];
            if (present[row] != 0)
                values[value / 64] |= (uint64_t)1 << (value % 64);
        }
        RC_TRY(rc_dimension_make_bins(dimension, values, true));
    }
    rc_tuple_table_close(&split->tuples);
    return make_tuples(split, request);
}

uint32_t
rc_split_count(const struct rc_split *split)
{
    return split->dimension_count == 1 ? rc_dimension_count(split->dimensions[0])
                                       : split->tuples.count;
}

uint32_t
rc_split_dimension_count(const struct rc_split *split)
{
    return split->dimension_count;
}

bool
rc_split_reads_person(const struct rc_split *split)
{
    bool reads = false;
    for (uint32_t i = 0; i < split->dimension_count; i++)
        reads = reads || rc_dimension_reads_person(split->dimensions[i]);
    return reads;
}

const struct rc_groups *
rc_split_groups(const struct rc_split *split)
{
    return split->dimension_count == 1 ? rc_dimension_groups(split->dimensions[0]) : NULL;
}

const struct rc_text_parts *
rc_split_parts(const struct rc_split *split)
{
    const struct rc_groups *groups = rc_split_groups(split);
    return groups == NULL ? NULL : rc_groups_parts(groups);
}

enum rc_status
rc_split_label(const struct rc_split *split,
               uint32_t row,
               struct rc_arena *arena,
               const struct rc_label_value **ret_parts)
{
    struct rc_label_value *parts =
        RC_ARENA_ARRAY(arena, struct rc_label_value, split->dimension_count);
    if (parts == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < split->dimension_count; i++) {
        const uint32_t value =
            split->dimension_count == 1 ? row : split->tuples.tuples[row].parts[i];
        RC_TRY(rc_dimension_label(split->dimensions[i], value, arena, &parts[i]));
    }
    *ret_parts = parts;
    return RC_OK;
}
