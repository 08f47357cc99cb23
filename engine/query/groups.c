/*
 * Groups. A value's identity is its stored form, interned in a dictionary of the query: a group is
 * a code of it.
 *
 * Cells are resolved once each: those of the property's dictionary through an array by code,
 * numbers through a small cache. For a slab that gives a table from the column's local codes to
 * sets of groups, so a hit costs one look at its code.
 */
#include "engine/query/groups.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/hash.h"

#define UNSET UINT32_MAX
#define CACHE_SLOTS 4096u

struct group_list {
    uint32_t begin; /* In members. */
    uint32_t count;
};

struct slab_groups {
    bool present; /* The slab has the column. */
    struct rc_column_view column;
    uint32_t *sets; /* By local code. */
};

struct rc_groups {
    const struct rc_plan *plan;
    struct rc_arena *arena;             /* Tables. */
    const struct rc_dictionary *values; /* Of the property; NULL: no such property. */
    struct rc_dictionary *groups;
    uint32_t null_group;
    uint32_t *set_of_code; /* By code of values. */
    uint32_t set_of_code_count;
    struct slab_groups *slabs; /* By index in the view. */
    uint32_t **chunks;         /* By index in the view: a set a row; NULL: all null. */
    uint32_t *persons;         /* User breakdown: a set a person. */
    struct group_list *lists;
    size_t list_capacity;
    uint32_t list_count;
    uint32_t *members;
    size_t member_capacity;
    uint32_t member_count;
    rc_cell cache_cells[CACHE_SLOTS];
    uint32_t cache_sets[CACHE_SLOTS];
};

struct rc_groups *
rc_groups_free(struct rc_groups *groups)
{
    if (groups == NULL)
        return NULL;
    rc_arena_free(groups->arena);
    rc_dictionary_free(groups->groups);
    rc_alloc_free(groups->lists);
    rc_alloc_free(groups->members);
    return rc_alloc_free(groups);
}

static enum rc_status
intern(struct rc_groups *groups, struct rc_value value, uint32_t *ret_group)
{
    struct rc_writer writer __attribute__((cleanup(rc_writer_close))) = {0};
    rc_value_write(&writer, rc_value_group(value));
    if (writer.failed)
        return RC_NO_MEMORY;
    const struct rc_bytes key = {(const char *)writer.data, writer.size};
    return rc_dictionary_intern(groups->groups, key, ret_group);
}

/* The set of a list value: its elements' groups, each once. */
static enum rc_status
intern_list(struct rc_groups *groups, struct rc_value value, uint32_t *ret_set)
{
    const uint32_t begin = groups->member_count;
    for (uint32_t i = 0; i < value.item_count; i++) {
        uint32_t group;
        uint32_t at = begin;
        RC_TRY(intern(groups, rc_value_string(value.items[i]), &group));
        RC_TRY(RC_GROW(groups->members, groups->member_capacity, (size_t)groups->member_count + 1));
        while (at < groups->member_count && groups->members[at] != group)
            at++;
        groups->members[at] = group;
        if (at == groups->member_count)
            groups->member_count++;
    }
    if (groups->member_count - begin == 1) {
        *ret_set = groups->members[--groups->member_count];
        return RC_OK;
    }
    RC_TRY(RC_GROW(groups->lists, groups->list_capacity, (size_t)groups->list_count + 1));
    groups->lists[groups->list_count] =
        (struct group_list){.begin = begin, .count = groups->member_count - begin};
    *ret_set = RC_GROUP_LIST | groups->list_count++;
    return RC_OK;
}

static enum rc_status
resolve_cell(struct rc_groups *groups, rc_cell cell, uint32_t *ret_set)
{
    struct rc_value value;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *scratch = NULL;
    if (rc_cell_kind_of(cell) == RC_CELL_CODE) {
        scratch = rc_arena_new(groups->plan->context->account, 0);
        if (scratch == NULL)
            return RC_NO_MEMORY;
    }
    RC_TRY(rc_cell_value(groups->values, cell, scratch, &value));
    if (value.kind == RC_VALUE_LIST && value.item_count > 0)
        return intern_list(groups, value, ret_set);
    return intern(groups, value.kind == RC_VALUE_LIST ? rc_value_null() : value, ret_set);
}

static enum rc_status
set_of_cell(struct rc_groups *groups, rc_cell cell, uint32_t *ret_set)
{
    if (cell == 0) {
        *ret_set = groups->null_group;
        return RC_OK;
    }
    uint32_t *known;
    if (rc_cell_kind_of(cell) == RC_CELL_CODE) {
        RC_ASSERT(rc_cell_code(cell) < groups->set_of_code_count);
        known = &groups->set_of_code[rc_cell_code(cell)];
        if (*known == UNSET)
            RC_TRY(resolve_cell(groups, cell, known));
    } else {
        const uint32_t slot = (uint32_t)(rc_hash_u64(cell) % CACHE_SLOTS);
        known = &groups->cache_sets[slot];
        if (groups->cache_cells[slot] != cell) {
            RC_TRY(resolve_cell(groups, cell, known));
            groups->cache_cells[slot] = cell;
        }
    }
    *ret_set = *known;
    return RC_OK;
}

static enum rc_status
sets_of_cells(struct rc_groups *groups, const rc_cell *cells, uint32_t count, uint32_t **ret_sets)
{
    uint32_t *sets = rc_arena_alloc(groups->arena, (size_t)count * sizeof(*sets));
    if (sets == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++)
        RC_TRY(set_of_cell(groups, cells[i], &sets[i]));
    *ret_sets = sets;
    return RC_OK;
}

/* Tables for every slab and chunk that the plan reads. */
static enum rc_status
resolve_events(struct rc_groups *groups, uint32_t property)
{
    struct rc_view *view = groups->plan->context->view;
    uint32_t slab_count;
    uint32_t chunk_count;
    const struct rc_view_slab *slabs = rc_view_slabs(view, &slab_count);
    const struct rc_view_chunk *chunks = rc_view_chunks(view, &chunk_count);
    groups->slabs = RC_ARENA_ARRAY(groups->arena, struct slab_groups, slab_count);
    groups->chunks = RC_ARENA_ARRAY(groups->arena, uint32_t *, chunk_count);
    if (groups->slabs == NULL || groups->chunks == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < groups->plan->slab_count && property != RC_PROPERTY_NONE; i++) {
        const uint32_t index = groups->plan->slabs[i].index;
        struct slab_groups *slab = &groups->slabs[index];
        slab->present = rc_slab_column(slabs[index].slab, property, &slab->column);
        if (slab->present)
            RC_TRY(sets_of_cells(groups, slab->column.dictionary, slab->column.dictionary_count,
                                 &slab->sets));
    }
    for (uint32_t i = 0; i < chunk_count && property != RC_PROPERTY_NONE; i++) {
        const rc_cell *cells = rc_view_chunk_cells(&chunks[i], property);
        if (cells != NULL)
            RC_TRY(sets_of_cells(groups, cells, chunks[i].row_count, &groups->chunks[i]));
    }
    return RC_OK;
}

static enum rc_status
resolve_persons(struct rc_groups *groups, uint32_t property, int64_t as_of_ms)
{
    struct rc_view *view = groups->plan->context->view;
    const uint32_t user_count = rc_view_user_count(view);
    const rc_cell *cells = NULL;
    groups->persons = RC_ARENA_ARRAY(groups->arena, uint32_t, user_count);
    if (groups->persons == NULL)
        return RC_NO_MEMORY;
    if (property != RC_PROPERTY_NONE)
        RC_TRY(rc_view_user_cells(view, property, as_of_ms, &cells));
    for (uint32_t person = 0; person < user_count; person++) {
        groups->persons[person] = groups->null_group;
        if (cells != NULL && rc_view_person_of(view, person) == person)
            RC_TRY(set_of_cell(groups, cells[person], &groups->persons[person]));
    }
    return RC_OK;
}

static enum rc_status
build(struct rc_groups *groups, const struct rc_breakdown *breakdown, int64_t as_of_ms)
{
    struct rc_account *account = groups->plan->context->account;
    struct rc_view *view = groups->plan->context->view;
    const bool user = breakdown->scope == RC_LEAF_USER;
    const struct rc_properties *properties =
        user ? rc_view_user_properties(view) : rc_view_event_properties(view);
    const uint32_t property = rc_properties_find(properties, breakdown->property);
    groups->arena = rc_arena_new(account, 0);
    if (groups->arena == NULL)
        return RC_NO_MEMORY;
    RC_TRY(rc_dictionary_new(account, &groups->groups));
    RC_TRY(intern(groups, rc_value_null(), &groups->null_group));
    RC_ASSERT(groups->null_group == RC_GROUP_NULL);
    if (property != RC_PROPERTY_NONE) {
        groups->values = rc_properties_dictionary(properties, property);
        groups->set_of_code_count = rc_dictionary_count(groups->values);
        const size_t bytes = groups->set_of_code_count * sizeof(uint32_t);
        groups->set_of_code = rc_arena_alloc(groups->arena, bytes);
        if (groups->set_of_code == NULL)
            return RC_NO_MEMORY;
        memset(groups->set_of_code, 0xff, bytes);
    }
    return user ? resolve_persons(groups, property, as_of_ms) : resolve_events(groups, property);
}

enum rc_status
rc_groups_new(const struct rc_plan *plan,
              const struct rc_breakdown *breakdown,
              int64_t as_of_ms,
              struct rc_groups **ret_groups,
              struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_groups_freep)
    struct rc_groups *groups = rc_alloc_in(plan->context->account, sizeof(*groups));
    if (groups == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a breakdown");
    memset(groups, 0, sizeof(*groups));
    groups->plan = plan;
    RC_TRY_OR(reterr_error, build(groups, breakdown, as_of_ms));
    *ret_groups = RC_TAKE(groups);
    return RC_OK;
}

uint32_t
rc_groups_count(const struct rc_groups *groups)
{
    return rc_dictionary_count(groups->groups);
}

uint32_t
rc_groups_of(const struct rc_groups *groups, uint32_t person, const struct rc_hit *hit)
{
    if (groups->persons != NULL)
        return groups->persons[person];
    if ((hit->source & RC_SOURCE_CHUNK) != 0) {
        const uint32_t *sets = groups->chunks[hit->source & ~RC_SOURCE_CHUNK];
        return sets == NULL ? groups->null_group : sets[hit->row];
    }
    const struct slab_groups *slab = &groups->slabs[hit->source];
    if (!slab->present)
        return groups->null_group;
    const uint32_t code = rc_column_code(&slab->column, hit->row);
    return code == RC_CODE_NONE ? groups->null_group : slab->sets[code];
}

const uint32_t *
rc_groups_of_slab(const struct rc_groups *groups,
                  uint32_t slab,
                  const struct rc_column_view **ret_column)
{
    if (groups->persons != NULL || !groups->slabs[slab].present)
        return NULL;
    *ret_column = &groups->slabs[slab].column;
    return groups->slabs[slab].sets;
}

const uint32_t *
rc_groups_list(const struct rc_groups *groups, const uint32_t *set, uint32_t *ret_count)
{
    if ((*set & RC_GROUP_LIST) == 0) {
        *ret_count = 1;
        return set;
    }
    const struct group_list list = groups->lists[*set & ~RC_GROUP_LIST];
    *ret_count = list.count;
    return groups->members + list.begin;
}

enum rc_status
rc_groups_value(const struct rc_groups *groups,
                uint32_t group,
                struct rc_arena *arena,
                struct rc_value *ret_value)
{
    const struct rc_bytes key = rc_dictionary_key(groups->groups, group);
    const char *copy = rc_arena_copy(arena, key.data, key.size);
    if (copy == NULL)
        return RC_NO_MEMORY;
    struct rc_reader reader = rc_reader_of(copy, key.size);
    return rc_value_read(&reader, arena, ret_value);
}
