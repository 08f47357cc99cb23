/*
 * The properties of events, counted column by column; those of users and accounts beside them.
 *
 * Hits come in batches that mostly lie in one slab: a run of them is read through one column after
 * the other, so that a column's codes stay near. A code says its kind: that of a cell is kept for
 * each local code, that of a text follows from where it stands, since texts are sorted and a key
 * begins with its kind. Nothing is decoded.
 */
#include <string.h>

#include "engine/query/list/event_read.h"
#include "engine/query/list/property_list.h"
#include "engine/query/list/property_list_accounts.h"
#include "engine/query/list/property_list_users.h"
#include "engine/query/list/property_marks.h"
#include "engine/query/plan/plan.h"
#include "engine/query/scope.h"
#include "engine/query/split/odd_texts.h"
#include "engine/query/walk/walk.h"
#include "engine/store/value/value_key.h"

#define KIND_NONE RC_SEEN_KINDS

struct column_kinds {
    struct rc_column_view column;
    uint32_t place;       /* Among the slab's columns. */
    const uint8_t *cells; /* enum rc_seen_kind by local code of a cell; KIND_NONE: null. */
    uint32_t strings;     /* Texts below are numbers, */
    uint32_t lists;       /* from here on lists. */
};

struct slab_kinds {
    uint32_t column_count;
    struct column_kinds *columns;
};

struct counting {
    const struct rc_query_context *context;
    const struct rc_properties *properties;
    uint32_t property_count;
    struct slab_kinds *slabs; /* By index in the view. */
};

struct lane {
    const struct counting *counting;
    struct rc_property_seen *seen; /* By property. */
    struct rc_property_marks marks;
};

static enum rc_seen_kind
kind_of_key(struct rc_bytes key)
{
    switch (key.size == 0 ? RC_VALUE_NULL : (enum rc_value_kind)key.data[0]) {
    case RC_VALUE_INT:
    case RC_VALUE_DOUBLE:
        return RC_SEEN_NUMBER;
    case RC_VALUE_LIST:
        return RC_SEEN_LIST;
    case RC_VALUE_BOOL:
        return RC_SEEN_BOOL;
    case RC_VALUE_NULL:
        return KIND_NONE;
    default:
        return RC_SEEN_TEXT;
    }
}

enum rc_seen_kind
rc_seen_kind_of_cell(const struct rc_dictionary *values, rc_cell cell)
{
    switch (rc_cell_kind_of(cell)) {
    case RC_CELL_NULL:
        return KIND_NONE;
    case RC_CELL_BOOL:
        return RC_SEEN_BOOL;
    case RC_CELL_INT:
    case RC_CELL_DECIMAL:
        return RC_SEEN_NUMBER;
    default:
        return kind_of_key(rc_dictionary_key(values, rc_cell_code(cell)));
    }
}

static enum rc_status
resolve_column(const struct counting *counting, struct column_kinds *out)
{
    const struct rc_column_view *column = &out->column;
    uint8_t *cells = rc_arena_alloc(counting->context->arena, (size_t)column->dictionary_count + 1);
    if (cells == NULL)
        return RC_NO_MEMORY;
    const struct rc_dictionary *values =
        rc_properties_dictionary(counting->properties, column->property);
    for (uint32_t i = 0; i < column->dictionary_count; i++)
        cells[i] = (uint8_t)rc_seen_kind_of_cell(values, column->dictionary[i]);
    out->cells = cells;
    if (column->texts.count == 0)
        return RC_OK;
    return rc_odd_texts_strings(&column->texts, &out->strings, &out->lists);
}

static enum rc_status
resolve_slabs(struct counting *counting, const struct rc_plan *plan)
{
    struct rc_arena *arena = counting->context->arena;
    uint32_t slab_count;
    const struct rc_view_slab *slabs = rc_view_slabs(counting->context->view, &slab_count);
    counting->slabs = RC_ARENA_ARRAY(arena, struct slab_kinds, slab_count + 1);
    if (counting->slabs == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < plan->slab_count; i++) {
        struct slab_kinds *out = &counting->slabs[plan->slabs[i].index];
        const struct rc_slab *slab = slabs[plan->slabs[i].index].slab;
        const uint32_t count = rc_slab_get_info(slab)->column_count;
        out->columns = RC_ARENA_ARRAY(arena, struct column_kinds, count + 1);
        if (out->columns == NULL)
            return RC_NO_MEMORY;
        RC_TRY(rc_view_use_slab(counting->context->view, plan->slabs[i].index, RC_SLAB_PART_COLUMNS,
                                NULL));
        for (uint32_t k = 0; k < count; k++) {
            struct column_kinds *one = &out->columns[out->column_count];
            rc_slab_column_at(slab, k, &one->column);
            /* A property that is newer than the view has no row in it. */
            if (one->column.property >= counting->property_count)
                continue;
            one->place = k;
            RC_TRY(resolve_column(counting, one));
            out->column_count++;
        }
    }
    return RC_OK;
}

static inline void
see(struct rc_property_seen *seen, enum rc_seen_kind kind, int64_t time_ms)
{
    if (kind == KIND_NONE)
        return;
    seen->counts[kind]++;
    seen->first_ms = time_ms < seen->first_ms ? time_ms : seen->first_ms;
    seen->last_ms = time_ms > seen->last_ms ? time_ms : seen->last_ms;
}

static void
count_column(const struct column_kinds *kinds,
             const struct rc_hit *hits,
             uint32_t count,
             uint64_t *marks,
             struct rc_property_seen *seen)
{
    const uint32_t cell_count = kinds->column.dictionary_count;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t code = rc_column_code(&kinds->column, hits[i].row);
        if (code == RC_CODE_NONE)
            continue;
        enum rc_seen_kind kind;
        if (code < cell_count)
            kind = (enum rc_seen_kind)kinds->cells[code];
        else if (code - cell_count < kinds->strings)
            kind = RC_SEEN_NUMBER;
        else
            kind = code - cell_count < kinds->lists ? RC_SEEN_TEXT : RC_SEEN_LIST;
        rc_mark(marks, code);
        see(seen, kind, hits[i].time_ms);
    }
}

static void
count_chunk(const struct counting *counting,
            const struct rc_view_chunk *chunk,
            const struct rc_hit *hits,
            uint32_t count,
            struct rc_property_seen *seen)
{
    for (uint32_t property = 0; property < counting->property_count; property++) {
        const rc_cell *cells = rc_view_chunk_cells(chunk, property);
        if (cells == NULL)
            continue;
        const struct rc_dictionary *values =
            rc_properties_dictionary(counting->properties, property);
        const struct rc_dictionary *texts = rc_view_chunk_texts(chunk, property);
        for (uint32_t i = 0; i < count; i++) {
            const rc_cell cell = cells[hits[i].row];
            const bool is_text = rc_cell_kind_of(cell) == RC_CELL_TEXT;
            see(&seen[property], rc_seen_kind_of_cell(is_text ? texts : values, cell),
                hits[i].time_ms);
        }
    }
}

static enum rc_status
fold_hits(void *state,
          const struct rc_walk_block *block,
          const struct rc_hit *hits,
          const uint32_t *slots,
          uint32_t count)
{
    (void)block;
    (void)slots;
    const struct lane *lane = state;
    const struct counting *counting = lane->counting;
    uint32_t chunk_count;
    const struct rc_view_chunk *chunks = rc_view_chunks(counting->context->view, &chunk_count);
    for (uint32_t begin = 0, end = 0; begin < count; begin = end) {
        const uint32_t source = hits[begin].source;
        while (end < count && hits[end].source == source)
            end++;
        if ((source & RC_SOURCE_CHUNK) != 0) {
            const uint32_t chunk = source & ~RC_SOURCE_CHUNK;
            count_chunk(counting, &chunks[chunk], hits + begin, end - begin, lane->seen);
            for (uint32_t i = begin; i < end; i++)
                rc_mark(lane->marks.rows[chunk], hits[i].row);
            continue;
        }
        const struct slab_kinds *slab = &counting->slabs[source];
        for (uint32_t i = 0; i < slab->column_count; i++)
            count_column(&slab->columns[i], hits + begin, end - begin,
                         lane->marks.slabs[source].codes[slab->columns[i].place],
                         &lane->seen[slab->columns[i].column.property]);
    }
    return RC_OK;
}

static enum rc_status
walk(const struct counting *counting,
     const struct rc_plan *plan,
     struct rc_property_seen **ret_seen,
     const struct rc_property_marks **ret_marks,
     uint64_t *hit_count)
{
    struct rc_arena *arena = counting->context->arena;
    const uint32_t lane_count = counting->context->parallel_max;
    struct lane *lanes = RC_ARENA_ARRAY(arena, struct lane, lane_count);
    void **states = RC_ARENA_ARRAY(arena, void *, lane_count);
    if (lanes == NULL || states == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < lane_count; i++) {
        states[i] = &lanes[i];
        lanes[i].counting = counting;
        lanes[i].seen =
            RC_ARENA_ARRAY(arena, struct rc_property_seen, counting->property_count + 1);
        if (lanes[i].seen == NULL)
            return RC_NO_MEMORY;
        RC_TRY(rc_property_marks_open(&lanes[i].marks, plan, arena));
        for (uint32_t k = 0; k < counting->property_count; k++)
            lanes[i].seen[k] =
                (struct rc_property_seen){.first_ms = INT64_MAX, .last_ms = INT64_MIN};
    }
    const struct rc_fold fold = {.purpose = "values of properties",
                                 .anonymous = true,
                                 .lane_count = lane_count,
                                 .lanes = states,
                                 .hits = fold_hits};
    RC_TRY(rc_walk(plan, &fold, hit_count));
    for (uint32_t i = 1; i < lane_count; i++) {
        rc_property_marks_join(&lanes[0].marks, &lanes[i].marks);
        for (uint32_t k = 0; k < counting->property_count; k++) {
            struct rc_property_seen *sum = &lanes[0].seen[k];
            const struct rc_property_seen *more = &lanes[i].seen[k];
            for (uint32_t kind = 0; kind < RC_SEEN_KINDS; kind++)
                sum->counts[kind] += more->counts[kind];
            sum->first_ms = more->first_ms < sum->first_ms ? more->first_ms : sum->first_ms;
            sum->last_ms = more->last_ms > sum->last_ms ? more->last_ms : sum->last_ms;
        }
    }
    *ret_seen = lanes[0].seen;
    *ret_marks = &lanes[0].marks;
    return RC_OK;
}

/* Appends those that were seen to out, by name. */
static enum rc_status
append(const struct rc_properties *properties,
       enum rc_leaf_scope scope,
       const struct rc_property_seen *seen,
       struct rc_arena *arena,
       struct rc_property_seen *out,
       uint32_t *count)
{
    struct rc_named_property *names;
    uint32_t name_count;
    RC_TRY(rc_property_names(properties, arena, &names, &name_count));
    for (uint32_t i = 0; i < name_count; i++) {
        const struct rc_property_seen *one = &seen[names[i].property];
        uint64_t all = 0;
        for (uint32_t kind = 0; kind < RC_SEEN_KINDS; kind++)
            all += one->counts[kind];
        if (all == 0)
            continue;
        out[*count] = *one;
        out[*count].scope = scope;
        out[*count].name = names[i].name;
        (*count)++;
    }
    return RC_OK;
}

static enum rc_status
list_others(const struct rc_query_context *context,
            const struct rc_property_list_request *request,
            const uint64_t *persons,
            const struct rc_property_seen *of_events,
            struct rc_property_list_reply *reply)
{
    const struct rc_properties *events = rc_view_event_properties(context->view);
    const struct rc_properties *users = rc_view_user_properties(context->view);
    const struct rc_properties *accounts = rc_view_account_properties(context->view);
    const size_t account_count = rc_properties_count(accounts);
    const int64_t as_of_ms = request->scope.as_of_ms;
    struct rc_arena *arena = context->arena;
    struct rc_accounts_seen *keys;
    struct rc_property_seen *of_users;
    struct rc_property_seen *of_accounts;
    RC_TRY(rc_property_list_users(context, as_of_ms, persons, &of_users, &reply->users));
    RC_TRY(rc_property_list_accounts(context, as_of_ms, &keys, &reply->account_key_count,
                                     &of_accounts));
    struct rc_property_seen *out =
        RC_ARENA_ARRAY(arena, struct rc_property_seen,
                       rc_properties_count(events) + rc_properties_count(users) +
                           reply->account_key_count * account_count + 1);
    if (out == NULL)
        return RC_NO_MEMORY;
    RC_TRY(append(events, RC_LEAF_EVENT, of_events, arena, out, &reply->property_count));
    for (uint32_t i = 0; i < reply->property_count; i++)
        out[i].all = reply->events;
    RC_TRY(append(users, RC_LEAF_USER, of_users, arena, out, &reply->property_count));
    for (uint32_t key = 0; key < reply->account_key_count; key++)
        RC_TRY(append(accounts, RC_LEAF_ACCOUNT, of_accounts + key * account_count, arena, out,
                      &reply->property_count));
    reply->accounts = keys;
    reply->properties = out;
    return RC_OK;
}

enum rc_status
rc_query_property_list(const struct rc_query_context *context,
                       const struct rc_property_list_request *request,
                       struct rc_property_list_reply *ret_reply,
                       struct rc_error *reterr_error)
{
    struct rc_property_list_reply reply = {.stats.data_version =
                                               rc_view_data_version(context->view)};
    const struct rc_scope *scope = &request->scope;
    struct counting counting = {.context = context,
                                .properties = rc_view_event_properties(context->view)};
    struct rc_calendar calendar;
    struct rc_counted counted;
    struct rc_property_seen *of_events;
    RC_TRY(rc_scope_check(scope, &calendar, reterr_error));
    RC_TRY(rc_scope_counted(context, scope, &reply.stats, &counted, reterr_error));
    const struct rc_plan_selector selector = {
        .predicate = request->selector,
        .field = "selector",
        .from_ms = scope->start_ms,
        .until_ms = rc_scope_until(scope, scope->end_ms),
    };
    RC_CLEANUP(rc_plan_freep) struct rc_plan *plan = NULL;
    RC_TRY(rc_plan_counted(context, scope->as_of_ms, &counted, &selector, 1, &plan, reterr_error));
    counting.property_count = rc_properties_count(counting.properties);
    RC_TRY_OR(reterr_error, resolve_slabs(&counting, plan));
    RC_TRY_OR(reterr_error, walk(&counting, plan, &of_events, &reply.marks, &reply.events));
    RC_TRY_OR(reterr_error, list_others(context, request, counted.persons, of_events, &reply));
    reply.stats.matched_events = reply.events;
    rc_plan_add_stats(plan, &reply.stats);
    reply.plan = RC_TAKE(plan);
    *ret_reply = reply;
    return RC_OK;
}

enum rc_status
rc_property_list_distinct(const struct rc_property_list_reply *reply,
                          struct rc_bytes name,
                          uint64_t *ret_count)
{
    return rc_property_marks_distinct(reply->marks, name, ret_count);
}

void
rc_property_list_close(struct rc_property_list_reply *reply)
{
    reply->plan = rc_plan_free(reply->plan);
}
