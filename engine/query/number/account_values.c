/* Account values. The values of all accounts are cells; ids are looked up one by one. */
#include "engine/query/number/account_values.h"

#include "engine/match/derived/derive.h"
#include "engine/match/derived/derived.h"
#include "engine/match/derived/made_column.h"

struct rc_account_values {
    const struct rc_query_context *context;
    struct rc_bytes account_key;
    struct rc_arena *arena;             /* Of what is derived and made. */
    const rc_cell *cells;               /* By account; NULL: none has the property. */
    const struct rc_dictionary *values; /* Of these cells, */
    struct rc_made_column made;         /* unless they are made. */
    struct rc_deriver *deriver;         /* NULL: values are those of the cells. */
    struct rc_derive_scratch derive;
};

struct rc_account_values *
rc_account_values_free(struct rc_account_values *values)
{
    if (values == NULL)
        return NULL;
    rc_deriver_free(values->deriver);
    rc_derive_scratch_close(&values->derive);
    rc_made_column_close(&values->made);
    rc_arena_free(values->arena);
    return rc_alloc_free(values);
}

static enum rc_status
open_cells(struct rc_account_values *values, struct rc_bytes name, int64_t as_of_ms)
{
    const struct rc_query_context *context = values->context;
    const struct rc_properties *properties = rc_view_account_properties(context->view);
    const struct rc_property_name wanted = {
        .scope = RC_LEAF_ACCOUNT, .name = name, .account_key = values->account_key};
    const struct rc_derivation *derivation;
    RC_TRY(rc_derived_find(context->derived, &wanted, values->arena,
                           rc_query_uses(context, RC_CATALOG_PROPERTIES), &derivation, NULL));
    if (derivation != NULL) {
        RC_TRY(rc_deriver_new(derivation, context->account, &values->deriver));
        name = derivation->property;
    }
    RC_TRY(rc_made_column_open(derivation, properties, context->account, &values->made));
    if (values->made.kind != RC_MADE_NONE)
        return rc_made_column_owners(&values->made, context->view, as_of_ms, context->cancel,
                                     values->arena, &values->cells);
    const uint32_t property = rc_properties_find(properties, name);
    if (property == RC_PROPERTY_NONE)
        return RC_OK;
    values->values = rc_properties_dictionary(properties, property);
    return rc_view_account_cells(context->view, property, as_of_ms, &values->cells);
}

enum rc_status
rc_account_values_new(const struct rc_query_context *context,
                      struct rc_bytes account_key,
                      struct rc_bytes property,
                      int64_t as_of_ms,
                      struct rc_account_values **ret_values)
{
    RC_CLEANUP(rc_account_values_freep)
    struct rc_account_values *values = rc_alloc_in(context->account, sizeof(*values));
    if (values == NULL)
        return RC_NO_MEMORY;
    *values = (struct rc_account_values){.context = context, .account_key = account_key};
    values->arena = rc_arena_new(context->account, 0);
    if (values->arena == NULL)
        return RC_NO_MEMORY;
    RC_TRY(open_cells(values, property, as_of_ms));
    *ret_values = RC_TAKE(values);
    return RC_OK;
}

/* The value of an account that has a cell. */
static enum rc_status
value_of(struct rc_account_values *values,
         uint32_t account,
         struct rc_arena *scratch,
         struct rc_value *ret_value)
{
    const _Atomic(bool) *cancel = values->context->cancel;
    const rc_cell cell = values->cells[account];
    if (values->made.kind != RC_MADE_NONE)
        *ret_value = rc_made_cell_value(&values->made, cell);
    else
        RC_TRY(rc_cell_value(values->values, cell, scratch, ret_value));
    if (values->deriver == NULL)
        return RC_OK;
    if (cancel != NULL && atomic_load_explicit(cancel, memory_order_relaxed))
        return RC_CANCELLED;
    return rc_derive(values->deriver, *ret_value, &values->derive, ret_value);
}

static bool
has(const uint32_t *accounts, uint32_t count, uint32_t account)
{
    for (uint32_t i = 0; i < count; i++)
        if (accounts[i] == account)
            return true;
    return false;
}

enum rc_status
rc_account_values_visit(struct rc_account_values *values,
                        struct rc_value ids,
                        struct rc_arena *scratch,
                        enum rc_status (*visit)(void *argument, struct rc_value value),
                        void *argument)
{
    const bool is_list = ids.kind == RC_VALUE_LIST;
    const uint32_t id_count = values->cells == NULL ? 0 : is_list ? ids.item_count : 1;
    uint32_t *known = RC_ARENA_ARRAY(scratch, uint32_t, (size_t)id_count + 1);
    uint32_t count = 0;
    if (known == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < id_count; i++) {
        const struct rc_value id = is_list ? rc_value_string(ids.items[i]) : ids;
        uint32_t account;
        struct rc_value value;
        RC_TRY(
            rc_view_account_of(values->context->view, values->account_key, id, scratch, &account));
        if (account == RC_CODE_NONE || values->cells[account] == RC_CELL_NULL ||
            has(known, count, account))
            continue;
        known[count++] = account;
        RC_TRY(value_of(values, account, scratch, &value));
        RC_TRY(visit(argument, value));
    }
    return RC_OK;
}
