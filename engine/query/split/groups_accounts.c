/*
 * Groups over a property of accounts. The events' tables are first those of the property that names
 * accounts: a code is a set of ids. Each id has an account or none, and so a set of values; the
 * codes' sets are then exchanged for those, and nothing of the ids is left.
 */
#include <string.h>

#include "engine/base/assert.h"
#include "engine/query/split/groups_form.h"

/* From groups of ids to sets of values. */
struct exchange {
    struct rc_groups *groups;
    const struct rc_groups *ids;
    struct rc_bytes account_key;
    const rc_cell *cells;   /* Of accounts; NULL: no account has the property. */
    uint32_t *set_of_id;    /* By group of ids, */
    uint32_t *set_of_list;  /* and by list of them. */
    struct rc_arena *names; /* Reset for each. */
};

/* The account that a group of ids is, or RC_CODE_NONE. */
static enum rc_status
account_of(const struct exchange *exchange, uint32_t id, uint32_t *ret_account)
{
    struct rc_value value;
    rc_arena_reset(exchange->names);
    RC_TRY(rc_groups_value(exchange->ids, id, exchange->names, &value));
    return rc_view_account_of(exchange->groups->plan->context->view, exchange->account_key, value,
                              exchange->names, ret_account);
}

static enum rc_status
exchange_ids(struct exchange *exchange)
{
    const _Atomic(bool) *cancel = exchange->groups->plan->context->cancel;
    const uint32_t count = rc_groups_count(exchange->ids);
    for (uint32_t id = 0; id < count; id++) {
        uint32_t account = RC_CODE_NONE;
        if (id % 1024 == 0 && cancel != NULL && atomic_load_explicit(cancel, memory_order_relaxed))
            return RC_CANCELLED;
        exchange->set_of_id[id] = exchange->groups->null_group;
        if (exchange->cells != NULL)
            RC_TRY(account_of(exchange, id, &account));
        if (account != RC_CODE_NONE)
            RC_TRY(rc_groups_set_of_cell(exchange->groups, exchange->cells[account],
                                         &exchange->set_of_id[id]));
    }
    return RC_OK;
}

/* Adds the groups of a set to the members behind begin, each once; null is added by nobody. */
static enum rc_status
add_members(struct rc_groups *groups, uint32_t begin, const uint32_t *set)
{
    uint32_t count;
    (void)rc_groups_list(groups, set, &count);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t group = rc_groups_list(groups, set, &count)[i]; /* Members may move. */
        uint32_t at = begin;
        if (group == groups->null_group)
            continue;
        RC_TRY(RC_GROW_IN(groups->plan->context->account, groups->members, groups->member_capacity,
                          (size_t)groups->member_count + 1));
        while (at < groups->member_count && groups->members[at] != group)
            at++;
        groups->members[at] = group;
        groups->member_count += at == groups->member_count;
    }
    return RC_OK;
}

/* The values of all accounts of a list of ids. */
static enum rc_status
exchange_lists(struct exchange *exchange)
{
    struct rc_groups *groups = exchange->groups;
    for (uint32_t list = 0; list < exchange->ids->list_count; list++) {
        const struct rc_group_list ids = exchange->ids->lists[list];
        const uint32_t begin = groups->member_count;
        for (uint32_t i = 0; i < ids.count; i++)
            RC_TRY(add_members(groups, begin,
                               &exchange->set_of_id[exchange->ids->members[ids.begin + i]]));
        if (groups->member_count - begin < 2) {
            exchange->set_of_list[list] = groups->member_count == begin
                                              ? groups->null_group
                                              : groups->members[--groups->member_count];
            continue;
        }
        RC_TRY(RC_GROW_IN(groups->plan->context->account, groups->lists, groups->list_capacity,
                          (size_t)groups->list_count + 1));
        groups->lists[groups->list_count] =
            (struct rc_group_list){.begin = begin, .count = groups->member_count - begin};
        exchange->set_of_list[list] = RC_GROUP_LIST | groups->list_count++;
    }
    return RC_OK;
}

/* A table of sets of ids as one of sets of values. */
static enum rc_status
exchange_sets(const struct exchange *exchange,
              const uint32_t *from,
              size_t count,
              uint32_t **ret_sets)
{
    uint32_t *sets = rc_arena_alloc(exchange->groups->arena, count * sizeof(*sets) + 1);
    if (sets == NULL)
        return RC_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const bool is_list = from[i] != RC_GROUP_UNSET && (from[i] & RC_GROUP_LIST) != 0;
        sets[i] = from[i] == RC_GROUP_UNSET ? exchange->groups->null_group
                  : is_list                 ? exchange->set_of_list[from[i] & ~RC_GROUP_LIST]
                                            : exchange->set_of_id[from[i]];
    }
    *ret_sets = sets;
    return RC_OK;
}

static enum rc_status
exchange_tables(const struct exchange *exchange)
{
    struct rc_groups *groups = exchange->groups;
    struct rc_view *view = groups->plan->context->view;
    uint32_t slab_count;
    uint32_t chunk_count;
    (void)rc_view_slabs(view, &slab_count);
    const struct rc_view_chunk *chunks = rc_view_chunks(view, &chunk_count);
    groups->slabs = RC_ARENA_ARRAY(groups->arena, struct rc_slab_groups, slab_count);
    groups->chunks = RC_ARENA_ARRAY(groups->arena, uint32_t *, chunk_count);
    if (groups->slabs == NULL || groups->chunks == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < slab_count; i++) {
        groups->slabs[i] = exchange->ids->slabs[i];
        if (groups->slabs[i].present)
            RC_TRY(exchange_sets(exchange, exchange->ids->slabs[i].sets,
                                 rc_column_code_bound(&groups->slabs[i].column),
                                 &groups->slabs[i].sets));
    }
    for (uint32_t i = 0; i < chunk_count; i++)
        if (exchange->ids->chunks[i] != NULL)
            RC_TRY(exchange_sets(exchange, exchange->ids->chunks[i], chunks[i].row_count,
                                 &groups->chunks[i]));
    return RC_OK;
}

static enum rc_status
build(struct exchange *exchange)
{
    struct rc_arena *arena = exchange->groups->arena;
    exchange->set_of_id = RC_ARENA_ARRAY(arena, uint32_t, rc_groups_count(exchange->ids));
    exchange->set_of_list = RC_ARENA_ARRAY(arena, uint32_t, exchange->ids->list_count);
    if (exchange->set_of_id == NULL || exchange->set_of_list == NULL)
        return RC_NO_MEMORY;
    RC_TRY(exchange_ids(exchange));
    RC_TRY(exchange_lists(exchange));
    return exchange_tables(exchange);
}

enum rc_status
rc_groups_build_accounts(struct rc_groups *groups,
                         struct rc_bytes account_key,
                         uint32_t property,
                         int64_t as_of_ms)
{
    const struct rc_query_context *context = groups->plan->context;
    struct exchange exchange = {.groups = groups, .account_key = account_key};
    RC_CLEANUP(rc_groups_freep) struct rc_groups *ids = NULL;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *scratch = rc_arena_new(context->account, 0);
    if (scratch == NULL)
        return RC_NO_MEMORY;
    RC_TRY(rc_groups_new_stored(groups->plan, account_key, &ids));
    if (groups->made.kind != RC_MADE_NONE)
        RC_TRY(rc_made_column_owners(&groups->made, context->view, as_of_ms, context->cancel,
                                     groups->arena, &exchange.cells));
    else if (property != RC_PROPERTY_NONE)
        RC_TRY(rc_view_account_cells(context->view, property, as_of_ms, &exchange.cells));
    exchange.ids = ids;
    exchange.names = scratch;
    return build(&exchange);
}
