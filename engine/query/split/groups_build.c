/*
 * Groups, building. A value's identity is its key (store/value/value_key.h), interned in a
 * dictionary of the query: a group is a code of it. Cells are resolved once each: those of the
 * property's dictionary through an array by code, numbers through a small cache.
 *
 * Texts of slabs may be millions, so they are not interned: when all else has its group, the texts
 * of all slabs are merged (text_groups.h). Before that, those that are not simply their own group
 * are taken out: numeric strings, numbers and lists (odd_texts.h). What is derived of texts comes
 * as a column of its own where that is kept (plan_made.h); else each text is derived and interned.
 */
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/match/derived/derived.h"
#include "engine/query/plan/plan_made.h"
#include "engine/query/plan/plan_read.h"
#include "engine/query/split/groups_form.h"
#include "engine/query/split/odd_texts.h"
#include "engine/store/value/value_key.h"

static enum rc_status
intern(struct rc_groups *groups, struct rc_value value, uint32_t *ret_group)
{
    RC_CLEANUP(rc_value_key_close) struct rc_value_key key;
    const enum rc_status status = rc_value_key_open(&key, rc_value_group(value));
    RC_TRY(status);
    return rc_dictionary_intern(groups->groups, key.bytes, ret_group);
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
        RC_TRY(RC_GROW_IN(groups->plan->context->account, groups->members, groups->member_capacity,
                          (size_t)groups->member_count + 1));
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
    RC_TRY(RC_GROW_IN(groups->plan->context->account, groups->lists, groups->list_capacity,
                      (size_t)groups->list_count + 1));
    groups->lists[groups->list_count] =
        (struct rc_group_list){.begin = begin, .count = groups->member_count - begin};
    *ret_set = RC_GROUP_LIST | groups->list_count++;
    return RC_OK;
}

/* The set of a value of the property, or derived of one. */
static enum rc_status
set_of_own_value(struct rc_groups *groups, struct rc_value value, uint32_t *ret_set)
{
    if (value.kind == RC_VALUE_LIST && value.item_count > 0)
        return intern_list(groups, value, ret_set);
    return intern(groups, value.kind == RC_VALUE_LIST ? rc_value_null() : value, ret_set);
}

/* The set of a value that is stored or made. */
static enum rc_status
set_of_value(struct rc_groups *groups, struct rc_value value, uint32_t *ret_set)
{
    if (groups->deriver != NULL) {
        const _Atomic(bool) *cancel = groups->plan->context->cancel;
        if (cancel != NULL && atomic_load_explicit(cancel, memory_order_relaxed))
            return RC_CANCELLED;
        RC_TRY(rc_derive(groups->deriver, value, &groups->derive, &value));
    }
    return set_of_own_value(groups, value, ret_set);
}

/* The set of a cell that is made, a number, or a code of values. */
static enum rc_status
resolve_cell(struct rc_groups *groups,
             const struct rc_dictionary *values,
             rc_cell cell,
             uint32_t *ret_set)
{
    struct rc_value value;
    if (groups->made.kind != RC_MADE_NONE)
        value = rc_made_cell_value(&groups->made, cell);
    else
        RC_TRY(rc_cell_value(values, cell, groups->scratch, &value));
    const enum rc_status status = set_of_value(groups, value, ret_set);
    rc_arena_reset(groups->scratch);
    return status;
}

enum rc_status
rc_groups_set_of_cell(struct rc_groups *groups, rc_cell cell, uint32_t *ret_set)
{
    if (cell == 0) {
        *ret_set = groups->null_group;
        return RC_OK;
    }
    uint32_t *known;
    if (groups->made.kind == RC_MADE_NONE && rc_cell_kind_of(cell) == RC_CELL_CODE) {
        RC_ASSERT(rc_cell_code(cell) < groups->set_of_code_count);
        known = &groups->set_of_code[rc_cell_code(cell)];
        if (*known == RC_GROUP_UNSET)
            RC_TRY(resolve_cell(groups, groups->values, cell, known));
    } else {
        const uint32_t slot = (uint32_t)(rc_hash_u64(cell) % RC_GROUP_CACHE_SLOTS);
        known = &groups->cache_sets[slot];
        if (groups->cache_cells[slot] != cell) {
            RC_TRY(resolve_cell(groups, groups->values, cell, known));
            groups->cache_cells[slot] = cell;
        }
    }
    *ret_set = *known;
    return RC_OK;
}

static enum rc_status
make_sets(struct rc_groups *groups, size_t count, uint32_t **ret_sets)
{
    uint32_t *sets = rc_arena_alloc(groups->arena, count * sizeof(*sets));
    if (sets == NULL)
        return RC_NO_MEMORY;
    memset(sets, 0xff, count * sizeof(*sets));
    *ret_sets = sets;
    return RC_OK;
}

/* The table by code of a head's texts, which all chunks of the head share. */
static enum rc_status
open_head_texts(struct rc_groups *groups, const struct rc_dictionary *texts)
{
    if (texts == NULL || texts == groups->head_texts)
        return RC_OK;
    groups->head_texts = texts;
    groups->head_text_count = rc_dictionary_count(texts);
    return make_sets(groups, groups->head_text_count, &groups->set_of_head_text);
}

/* The set of a head's text; a string that is a part gets its number later. */
static enum rc_status
resolve_head_text(struct rc_groups *groups, rc_cell cell, uint32_t *ret_set)
{
    struct rc_value value;
    if (!groups->in_parts)
        return resolve_cell(groups, groups->head_texts, cell, ret_set);
    RC_TRY(rc_cell_value(groups->head_texts, cell, groups->scratch, &value));
    enum rc_status status = RC_OK;
    if (rc_value_group(value).kind == RC_VALUE_STRING)
        *ret_set = RC_GROUP_PART;
    else
        status = set_of_value(groups, value, ret_set);
    rc_arena_reset(groups->scratch);
    return status;
}

static enum rc_status
set_of_head_text(struct rc_groups *groups, rc_cell cell, uint32_t *ret_set)
{
    RC_ASSERT(rc_cell_code(cell) < groups->head_text_count);
    uint32_t *known = &groups->set_of_head_text[rc_cell_code(cell)];
    if (*known == RC_GROUP_UNSET)
        RC_TRY(resolve_head_text(groups, cell, known));
    *ret_set = *known;
    return RC_OK;
}

static enum rc_status
resolve_chunk(struct rc_groups *groups,
              const struct rc_view_chunk *chunk,
              uint32_t property,
              uint32_t **ret_sets)
{
    const bool is_made = groups->made.kind != RC_MADE_NONE;
    const rc_cell *cells = is_made ? NULL : rc_view_chunk_cells(chunk, property);
    rc_cell made[RC_CHUNK_ROWS];
    uint32_t *sets = NULL;
    if (is_made) {
        RC_TRY(rc_made_column_cells(&groups->made, chunk, groups->plan->context->cancel, made));
        cells = made;
    }
    if (cells == NULL)
        return RC_OK;
    RC_TRY(make_sets(groups, chunk->row_count, &sets));
    if (!is_made)
        RC_TRY(open_head_texts(groups, rc_view_chunk_texts(chunk, property)));
    for (uint32_t i = 0; i < chunk->row_count; i++)
        RC_TRY(!is_made && rc_cell_kind_of(cells[i]) == RC_CELL_TEXT
                   ? set_of_head_text(groups, cells[i], &sets[i])
                   : rc_groups_set_of_cell(groups, cells[i], &sets[i]));
    *ret_sets = sets;
    return RC_OK;
}

struct odd_texts {
    struct rc_groups *groups;
    uint32_t *sets; /* By text. */
};

static enum rc_status
visit_odd_text(void *context, uint32_t number, struct rc_value value)
{
    const struct odd_texts *odd = context;
    if (rc_value_group(value).kind == RC_VALUE_STRING)
        return RC_OK; /* The merge's. */
    return set_of_own_value(odd->groups, value, &odd->sets[number]);
}

/* Texts of which something is derived: each is read, in order. */
static enum rc_status
derive_texts(struct rc_groups *groups, const struct rc_slab_groups *slab)
{
    const struct rc_query_context *context = groups->plan->context;
    const struct rc_texts *texts = &slab->column.texts;
    uint32_t *sets = slab->sets + slab->column.dictionary_count;
    struct rc_text_cursor cursor;
    enum rc_status status = RC_OK;
    rc_text_cursor_open(&cursor, texts, context->account);
    for (uint32_t i = 0; i < texts->count && status == RC_OK; i++) {
        struct rc_value value;
        status = i == 0 ? rc_text_cursor_seek(&cursor, 0) : rc_text_cursor_next(&cursor);
        if (status == RC_OK)
            status = rc_value_of_key(cursor.key, groups->scratch, &value);
        if (status == RC_OK)
            status = set_of_value(groups, value, &sets[i]);
        rc_arena_reset(groups->scratch);
    }
    rc_text_cursor_close(&cursor);
    return status;
}

/* The texts of a slab's column: what the merge leaves to us, and what it is to take. */
static enum rc_status
resolve_texts(struct rc_groups *groups, const struct rc_slab_groups *slab)
{
    const struct rc_query_context *context = groups->plan->context;
    struct odd_texts odd = {.groups = groups, .sets = slab->sets + slab->column.dictionary_count};
    const struct rc_odd_texts_walk walk = {.texts = &slab->column.texts,
                                           .account = context->account,
                                           .scratch = groups->scratch,
                                           .cancel = context->cancel,
                                           .visit = visit_odd_text,
                                           .context = &odd};
    struct rc_text_source source = {.texts = slab->column.texts, .sets = odd.sets};
    RC_TRY(rc_odd_texts_walk(&walk));
    RC_TRY(rc_odd_texts_strings(&source.texts, &source.first, &source.end));
    groups->text_sources[groups->text_source_count++] = source;
    return RC_OK;
}

/* The column that is read of a slab. */
static bool
column_of(const struct rc_groups *groups,
          const struct rc_slab *rows,
          uint32_t property,
          uint32_t plan_slab,
          struct rc_slab_groups *slab)
{
    slab->derived =
        groups->derived != NULL && !rc_made_columns_declined(groups->derived, plan_slab);
    if (slab->derived)
        return rc_made_columns_of(groups->derived, plan_slab, &slab->column);
    if (groups->made_columns != NULL)
        return rc_made_columns_of(groups->made_columns, plan_slab, &slab->column);
    return rc_slab_column(rows, property, &slab->column);
}

static enum rc_status
set_of_dictionary_cell(struct rc_groups *groups,
                       const struct rc_slab_groups *slab,
                       rc_cell cell,
                       uint32_t *ret_set)
{
    if (slab->derived)
        return set_of_own_value(groups, rc_made_cell_value(&groups->texts_made, cell), ret_set);
    return rc_groups_set_of_cell(groups, cell, ret_set);
}

static enum rc_status
resolve_slab(struct rc_groups *groups,
             const struct rc_slab *rows,
             uint32_t property,
             uint32_t plan_slab)
{
    struct rc_slab_groups *slab = &groups->slabs[groups->plan->slabs[plan_slab].index];
    const struct rc_column_view *column = &slab->column;
    slab->present = column_of(groups, rows, property, plan_slab, slab);
    if (!slab->present)
        return RC_OK;
    RC_TRY(make_sets(groups, rc_column_code_bound(column), &slab->sets));
    RC_TRY(rc_dictionary_expect(groups->groups, column->dictionary_count));
    for (uint32_t i = 0; i < column->dictionary_count; i++)
        RC_TRY(set_of_dictionary_cell(groups, slab, column->dictionary[i], &slab->sets[i]));
    if (column->texts.count == 0)
        return RC_OK;
    return groups->deriver != NULL && !slab->derived ? derive_texts(groups, slab)
                                                     : resolve_texts(groups, slab);
}

/* Reads what slabs have of the values, and makes what they have not. */
static enum rc_status
read_slabs(struct rc_groups *groups, uint32_t property)
{
    if (groups->made.kind != RC_MADE_NONE)
        return rc_made_columns_new(groups->plan, &groups->made, &groups->made_columns);
    groups->texts_made = rc_made_column_of_texts(
        groups->derivation, groups->deriver, rc_view_event_properties(groups->plan->context->view),
        groups->plan->context->account);
    if (groups->texts_made.kind != RC_MADE_NONE)
        return rc_made_columns_new(groups->plan, &groups->texts_made, &groups->derived);
    rc_plan_read_column(groups->plan, property);
    return RC_OK;
}

/* Tables for every slab and chunk that the plan reads. */
static enum rc_status
resolve_events(struct rc_groups *groups, uint32_t property)
{
    const struct rc_query_context *context = groups->plan->context;
    uint32_t slab_count;
    uint32_t chunk_count;
    const struct rc_view_slab *slabs = rc_view_slabs(context->view, &slab_count);
    const struct rc_view_chunk *chunks = rc_view_chunks(context->view, &chunk_count);
    groups->slabs = RC_ARENA_ARRAY(groups->arena, struct rc_slab_groups, slab_count);
    groups->chunks = RC_ARENA_ARRAY(groups->arena, uint32_t *, chunk_count);
    groups->text_sources = RC_ARENA_ARRAY(groups->arena, struct rc_text_source, slab_count);
    if (groups->slabs == NULL || groups->chunks == NULL || groups->text_sources == NULL)
        return RC_NO_MEMORY;
    if (property == RC_PROPERTY_NONE && groups->made.kind == RC_MADE_NONE)
        return RC_OK;
    RC_TRY(read_slabs(groups, property));
    for (uint32_t i = 0; i < groups->plan->slab_count; i++)
        RC_TRY(resolve_slab(groups, slabs[groups->plan->slabs[i].index].slab, property, i));
    rc_groups_decide_parts(groups);
    for (uint32_t i = 0; i < chunk_count; i++)
        RC_TRY(resolve_chunk(groups, &chunks[i], property, &groups->chunks[i]));
    if (groups->in_parts)
        return rc_groups_number_parts(groups, property);
    if (groups->text_source_count == 0)
        return RC_OK;
    return rc_text_groups_new(groups->text_sources, groups->text_source_count, groups->groups,
                              context->cancel, context->account, &groups->texts);
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
    if (groups->made.kind != RC_MADE_NONE)
        RC_TRY(rc_made_column_owners(&groups->made, view, as_of_ms, groups->plan->context->cancel,
                                     groups->arena, &cells));
    else if (property != RC_PROPERTY_NONE)
        RC_TRY(rc_view_user_cells(view, property, as_of_ms, &cells));
    for (uint32_t person = 0; person < user_count; person++) {
        groups->persons[person] = groups->null_group;
        if (cells != NULL && rc_view_person_of(view, person) == person)
            RC_TRY(rc_groups_set_of_cell(groups, cells[person], &groups->persons[person]));
    }
    return RC_OK;
}

static enum rc_status
make_tables(struct rc_groups *groups)
{
    struct rc_account *account = groups->plan->context->account;
    groups->arena = rc_arena_new(account, 0);
    groups->scratch = rc_arena_new(account, 0);
    if (groups->arena == NULL || groups->scratch == NULL)
        return RC_NO_MEMORY;
    RC_TRY(rc_dictionary_new(account, &groups->groups));
    RC_TRY(intern(groups, rc_value_null(), &groups->null_group));
    RC_ASSERT(groups->null_group == RC_GROUP_NULL);
    return RC_OK;
}

enum rc_status
rc_groups_build(struct rc_groups *groups, const struct rc_breakdown *breakdown, int64_t as_of_ms)
{
    struct rc_view *view = groups->plan->context->view;
    const enum rc_leaf_scope scope = breakdown->scope;
    const struct rc_properties *properties = scope == RC_LEAF_USER ? rc_view_user_properties(view)
                                             : scope == RC_LEAF_ACCOUNT
                                                 ? rc_view_account_properties(view)
                                                 : rc_view_event_properties(view);
    struct rc_bytes name = breakdown->property;
    uint32_t property = RC_PROPERTY_NONE;
    RC_TRY(make_tables(groups));
    const struct rc_property_name property_name = {scope, name, breakdown->account_key};
    if (!groups->reads_stored)
        RC_TRY(rc_derived_find(groups->plan->context->derived, &property_name, groups->arena,
                               rc_query_uses(groups->plan->context, RC_CATALOG_PROPERTIES),
                               &groups->derivation, NULL));
    if (groups->derivation != NULL) {
        RC_TRY(
            rc_deriver_new(groups->derivation, groups->plan->context->account, &groups->deriver));
        name = groups->derivation->property;
    }
    RC_TRY(rc_made_column_open(groups->derivation, properties, groups->plan->context->account,
                               &groups->made));
    if (groups->made.kind == RC_MADE_NONE)
        property = rc_properties_find(properties, name);
    if (property != RC_PROPERTY_NONE) {
        groups->values = rc_properties_dictionary(properties, property);
        groups->set_of_code_count = rc_dictionary_count(groups->values);
        RC_TRY(make_sets(groups, groups->set_of_code_count, &groups->set_of_code));
    }
    if (scope == RC_LEAF_ACCOUNT)
        return rc_groups_build_accounts(groups, breakdown->account_key, property, as_of_ms);
    return scope == RC_LEAF_USER ? resolve_persons(groups, property, as_of_ms)
                                 : resolve_events(groups, property);
}
