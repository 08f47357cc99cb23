/*
 * Groups, face: what a hit's groups are and what a group's value is; groups_build.c makes them.
 *
 * For a slab there is a table from the column's local codes to sets of groups, so a hit costs one
 * look at its code. Groups of the dictionary come first, then those of merged texts.
 */
#include "engine/query/split/groups.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/match/rows/row_codes.h"
#include "engine/query/plan/plan_made.h"
#include "engine/query/split/groups_form.h"
#include "engine/store/value/value_key.h"

struct rc_groups *
rc_groups_free(struct rc_groups *groups)
{
    if (groups == NULL)
        return NULL;
    rc_deriver_free(groups->deriver);
    rc_derive_scratch_close(&groups->derive);
    rc_made_columns_free(groups->made_columns);
    rc_made_columns_free(groups->derived);
    rc_made_column_close(&groups->made);
    rc_text_groups_free(groups->texts);
    rc_arena_free(groups->arena);
    rc_arena_free(groups->scratch);
    rc_dictionary_free(groups->groups);
    rc_alloc_free(groups->lists);
    rc_alloc_free(groups->members);
    return rc_alloc_free(groups);
}

static enum rc_status
groups_new(const struct rc_plan *plan,
           const struct rc_breakdown *breakdown,
           bool reads_stored,
           bool may_part,
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
    groups->reads_stored = reads_stored;
    groups->may_part = may_part;
    RC_TRY_OR(reterr_error, rc_groups_build(groups, breakdown, as_of_ms));
    *ret_groups = RC_TAKE(groups);
    return RC_OK;
}

enum rc_status
rc_groups_new(const struct rc_plan *plan,
              const struct rc_breakdown *breakdown,
              int64_t as_of_ms,
              struct rc_groups **ret_groups,
              struct rc_error *reterr_error)
{
    return groups_new(plan, breakdown, false, false, as_of_ms, ret_groups, reterr_error);
}

enum rc_status
rc_groups_new_in_parts(const struct rc_plan *plan,
                       const struct rc_breakdown *breakdown,
                       int64_t as_of_ms,
                       struct rc_groups **ret_groups,
                       struct rc_error *reterr_error)
{
    return groups_new(plan, breakdown, false, true, as_of_ms, ret_groups, reterr_error);
}

enum rc_status
rc_groups_new_stored(const struct rc_plan *plan,
                     struct rc_bytes property,
                     struct rc_groups **ret_groups)
{
    const struct rc_breakdown breakdown = {.scope = RC_LEAF_EVENT, .property = property};
    return groups_new(plan, &breakdown, true, false, INT64_MAX, ret_groups, NULL);
}

const struct rc_text_parts *
rc_groups_parts(const struct rc_groups *groups)
{
    return groups->in_parts ? &groups->parts : NULL;
}

uint32_t
rc_groups_count(const struct rc_groups *groups)
{
    if (groups->in_parts)
        return groups->parts.group_count;
    return rc_dictionary_count(groups->groups) +
           (groups->texts == NULL ? 0 : rc_text_groups_count(groups->texts));
}

uint32_t
rc_groups_first_text(const struct rc_groups *groups)
{
    return rc_dictionary_count(groups->groups);
}

uint32_t
rc_groups_of(const struct rc_groups *groups, uint32_t person, const struct rc_hit *hit)
{
    return rc_groups_near(groups, person, hit, NULL);
}

uint32_t
rc_groups_near(const struct rc_groups *groups,
               uint32_t person,
               const struct rc_hit *hit,
               uint32_t *positions)
{
    if (groups->persons != NULL)
        return groups->persons[rc_plan_user_of(groups->plan, person, hit)];
    if ((hit->source & RC_SOURCE_CHUNK) != 0) {
        const uint32_t *sets = groups->chunks[hit->source & ~RC_SOURCE_CHUNK];
        return sets == NULL ? groups->null_group : sets[hit->row];
    }
    const struct rc_slab_groups *slab = &groups->slabs[hit->source];
    if (!slab->present)
        return groups->null_group;
    const uint32_t code = positions == NULL
                              ? rc_column_code(&slab->column, hit->row)
                              : rc_row_codes_near(&slab->column, hit->row, &positions[hit->source]);
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
    const struct rc_group_list list = groups->lists[*set & ~RC_GROUP_LIST];
    *ret_count = list.count;
    return groups->members + list.begin;
}

/* The key of a group, in arena. */
static enum rc_status
key_of(const struct rc_groups *groups,
       uint32_t group,
       struct rc_arena *arena,
       struct rc_bytes *ret_key)
{
    const uint32_t known = rc_dictionary_count(groups->groups);
    if (groups->in_parts)
        return rc_text_parts_key(&groups->parts, group, arena, ret_key);
    if (group >= known)
        return rc_text_groups_key(groups->texts, group - known, arena, ret_key);
    const struct rc_bytes key = rc_dictionary_key(groups->groups, group);
    const char *copy = rc_arena_copy(arena, key.data, key.size);
    if (copy == NULL)
        return RC_NO_MEMORY;
    *ret_key = (struct rc_bytes){copy, key.size};
    return RC_OK;
}

enum rc_status
rc_groups_value(const struct rc_groups *groups,
                uint32_t group,
                struct rc_arena *arena,
                struct rc_value *ret_value)
{
    struct rc_bytes key;
    RC_TRY(key_of(groups, group, arena, &key));
    return rc_value_of_key(key, arena, ret_value);
}

enum rc_status
rc_groups_borrow_value(const struct rc_groups *groups, uint32_t group, struct rc_value *ret_value)
{
    RC_ASSERT(group < rc_dictionary_count(groups->groups));
    return rc_value_of_key(rc_dictionary_key(groups->groups, group), NULL, ret_value);
}

enum rc_status
rc_groups_compare(const struct rc_groups *groups,
                  uint32_t a,
                  uint32_t b,
                  struct rc_arena *arena,
                  int *ret_order)
{
    struct rc_value value_a;
    struct rc_value value_b;
    const uint32_t known = rc_dictionary_count(groups->groups);
    if (!groups->in_parts && a >= known && b >= known) { /* Merged texts ascend. */
        *ret_order = a < b ? -1 : a > b;
        return RC_OK;
    }
    RC_TRY(rc_groups_value(groups, a, arena, &value_a));
    RC_TRY(rc_groups_value(groups, b, arena, &value_b));
    *ret_order = rc_value_compare(value_a, value_b);
    return RC_OK;
}
