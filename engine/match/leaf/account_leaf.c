/*
 * Account leaf. The leaf is asked of every account's latest value, once for each distinct one in a
 * row of equal ones, and the ids of those that pass become the values of an IN leaf over the event
 * property that names accounts. An event without it fails, as a missing property does; so a
 * negative leaf, which is a NOT around, passes. IN compares numbers, so 7 and "7" name one account.
 *
 * Such a leaf may have more values than a request's: RC_PREDICATE_VALUES_MAX binds who asks.
 */
#include "engine/match/leaf/account_leaf.h"

#include "engine/match/derived/made_column.h"
#include "engine/match/leaf/leaf.h"
#include "engine/store/value/account_id.h"

static bool
reads_account(const struct rc_predicate *predicate)
{
    if (predicate->kind == RC_PREDICATE_LEAF)
        return predicate->leaf.scope == RC_LEAF_ACCOUNT;
    for (uint32_t i = 0; i < predicate->child_count; i++)
        if (reads_account(predicate->children[i]))
            return true;
    return false;
}

/* Whether each account passes is asked here; the last answer is kept. */
struct asking {
    const struct rc_dictionary *dictionary;
    const struct rc_made_column *made; /* Its cells are asked about where it is one. */
    const struct rc_leaf_test *test;
    struct rc_arena *scratch;
    struct rc_leaf_scratch leaf;
    rc_cell last;
    bool last_passes;
};

static enum rc_status
ask(struct asking *asking, rc_cell cell, bool *ret_passes)
{
    if (cell != asking->last) {
        struct rc_value value;
        rc_arena_reset(asking->scratch);
        if (asking->made->kind != RC_MADE_NONE)
            value = rc_made_cell_value(asking->made, cell);
        else
            RC_TRY(rc_cell_value(asking->dictionary, cell, asking->scratch, &value));
        asking->last = cell;
        asking->last_passes = rc_leaf_test_value(asking->test, value, &asking->leaf);
        RC_TRY(asking->leaf.status);
    }
    *ret_passes = asking->last_passes;
    return RC_OK;
}

/* Lists the ids of the accounts of a key that pass. values has room for all accounts. */
static enum rc_status
list_ids(struct rc_view *view,
         struct asking *asking,
         struct rc_bytes account_key,
         const rc_cell *cells,
         struct rc_value *values,
         uint32_t *ret_count)
{
    const uint32_t account_count = rc_view_account_count(view);
    uint32_t count = 0;
    for (uint32_t account = 0; account < account_count; account++) {
        bool passes = false;
        if (cells[account] == 0)
            continue;
        const struct rc_bytes name = rc_view_account_name(view, account);
        if (!rc_bytes_equal(rc_account_id_key(name), account_key))
            continue;
        RC_TRY(ask(asking, cells[account], &passes));
        if (passes)
            values[count++] = rc_value_string(rc_account_id_id(name));
    }
    *ret_count = count;
    return RC_OK;
}

static enum rc_status
find_accounts(struct rc_view *view,
              int64_t as_of_ms,
              const struct rc_leaf *leaf,
              struct rc_arena *arena,
              struct rc_value **ret_values,
              uint32_t *ret_count)
{
    const struct rc_properties *properties = rc_view_account_properties(view);
    RC_CLEANUP(rc_made_column_close) struct rc_made_column made = {.kind = RC_MADE_NONE};
    uint32_t property = RC_PROPERTY_NONE;
    const rc_cell *cells = NULL;
    *ret_count = 0;
    RC_TRY(rc_made_column_open(leaf->derivation, properties, NULL, &made));
    if (made.kind == RC_MADE_NONE) {
        property = rc_properties_find(properties, leaf->property);
        if (property == RC_PROPERTY_NONE)
            return RC_OK;
        RC_TRY(rc_view_account_cells(view, property, as_of_ms, &cells));
    } else {
        RC_TRY(rc_made_column_owners(&made, view, as_of_ms, NULL, arena, &cells));
    }
    RC_CLEANUP(rc_arena_freep) struct rc_arena *scratch = rc_arena_new(NULL, 0);
    *ret_values = RC_ARENA_ARRAY(arena, struct rc_value, rc_view_account_count(view));
    if (scratch == NULL || *ret_values == NULL)
        return RC_NO_MEMORY;
    RC_CLEANUP(rc_leaf_test_freep) struct rc_leaf_test *test = NULL;
    RC_TRY(rc_leaf_test_new(leaf, NULL, &test));
    struct asking asking = {.dictionary = property == RC_PROPERTY_NONE
                                              ? NULL
                                              : rc_properties_dictionary(properties, property),
                            .made = &made,
                            .test = test,
                            .scratch = scratch};
    const enum rc_status status =
        list_ids(view, &asking, leaf->account_key, cells, *ret_values, ret_count);
    rc_leaf_scratch_close(&asking.leaf);
    return status;
}

static enum rc_status
resolve_leaf(struct rc_view *view,
             int64_t as_of_ms,
             const struct rc_leaf *leaf,
             struct rc_arena *arena,
             const struct rc_predicate **ret_predicate)
{
    struct rc_value *values = NULL;
    uint32_t count;
    struct rc_predicate *node = rc_arena_zero(arena, sizeof(*node));
    if (node == NULL)
        return RC_NO_MEMORY;
    RC_TRY(find_accounts(view, as_of_ms, leaf, arena, &values, &count));
    node->kind = count == 0 ? RC_PREDICATE_ANY_OF : RC_PREDICATE_LEAF; /* Of nothing: false. */
    if (count > 0)
        node->leaf = (struct rc_leaf){.scope = RC_LEAF_EVENT,
                                      .operator= RC_LEAF_IN,
                                      .property = leaf->account_key,
                                      .value_count = count,
                                      .values = values};
    *ret_predicate = node;
    return RC_OK;
}

enum rc_status
rc_account_leaves_resolve(struct rc_view *view,
                          int64_t as_of_ms,
                          const struct rc_predicate *predicate,
                          struct rc_arena *arena,
                          const struct rc_predicate **ret_predicate)
{
    *ret_predicate = predicate;
    if (!reads_account(predicate))
        return RC_OK;
    if (predicate->kind == RC_PREDICATE_LEAF)
        return resolve_leaf(view, as_of_ms, &predicate->leaf, arena, ret_predicate);
    struct rc_predicate *copy = rc_arena_copy(arena, predicate, sizeof(*copy));
    const struct rc_predicate **children =
        RC_ARENA_ARRAY(arena, const struct rc_predicate *, predicate->child_count);
    if (copy == NULL || children == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < predicate->child_count; i++)
        RC_TRY(
            rc_account_leaves_resolve(view, as_of_ms, predicate->children[i], arena, &children[i]));
    copy->children = children;
    *ret_predicate = copy;
    return RC_OK;
}
