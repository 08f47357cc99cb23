/*
 * Entity order. Texts of slabs ascend with their group already (text_groups.h), so they are taken
 * as they stand, from a place that is found by halves, and decoded one at a time: there may be
 * millions. All other values are decoded once and kept as a heap with the least at its root, which
 * is made in linear time, so that a page of a few does not wait for a sort of all.
 */
#include "engine/query/list/entity_order.h"

#include "engine/match/rows/words.h"

/* Entities between two looks at the cancel flag. */
#define ENTITIES_BETWEEN_LOOKS 1024u

struct entry {
    struct rc_value value;
    uint32_t group;
};

struct rc_entity_order {
    const struct rc_query_context *context;
    const struct rc_groups *groups;
    const uint64_t *set;
    struct entry *heap; /* What is left of the values that are no texts of slabs. */
    uint32_t left;
    uint32_t text; /* The next group of a text; the count of groups: none is left. */
    bool decoded;  /* It is in text_value. */
    struct rc_value text_value;
    struct rc_arena *text_arena;
};

static bool
is_cancelled(const struct rc_query_context *context)
{
    return context->cancel != NULL && atomic_load_explicit(context->cancel, memory_order_relaxed);
}

/* ---- Values that are kept -------------------------------------------------------------------- */

static void
down(struct entry *heap, uint32_t count, uint32_t at)
{
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= count)
            return;
        if (child + 1 < count && rc_value_compare(heap[child + 1].value, heap[child].value) < 0)
            child++;
        if (rc_value_compare(heap[at].value, heap[child].value) <= 0)
            return;
        const struct entry kept = heap[at];
        heap[at] = heap[child];
        heap[child] = kept;
        at = child;
    }
}

static enum rc_status
keep_values(struct rc_entity_order *order, const struct rc_value *after)
{
    const uint32_t end = rc_groups_first_text(order->groups);
    uint32_t count = 0;
    for (uint32_t group = 0; group < end; group++)
        count += rc_words_has(order->set, group);
    order->heap = RC_ARENA_ARRAY(order->context->arena, struct entry, count);
    if (order->heap == NULL)
        return RC_NO_MEMORY;
    for (uint32_t group = 0; group < end; group++) {
        struct entry *entry = &order->heap[order->left];
        if (group % ENTITIES_BETWEEN_LOOKS == 0 && is_cancelled(order->context))
            return RC_CANCELLED;
        if (!rc_words_has(order->set, group))
            continue;
        RC_TRY(rc_groups_borrow_value(order->groups, group, &entry->value));
        entry->group = group;
        order->left += after == NULL || rc_value_compare(entry->value, *after) > 0;
    }
    for (uint32_t at = order->left / 2; at > 0; at--) {
        if (at % ENTITIES_BETWEEN_LOOKS == 0 && is_cancelled(order->context))
            return RC_CANCELLED;
        down(order->heap, order->left, at - 1);
    }
    return RC_OK;
}

/* ---- Texts ----------------------------------------------------------------------------------- */

/* The first of the set's groups from a place on; the count of groups: none. */
static uint32_t
find_marked(const struct rc_entity_order *order, uint32_t from)
{
    const uint32_t end = rc_groups_count(order->groups);
    while (from < end) {
        const uint64_t word = order->set[from / 64] >> (from % 64);
        if (word != 0)
            return from + (uint32_t)__builtin_ctzll(word);
        from = (from / 64 + 1) * 64;
    }
    return end;
}

/* The value of the text at a place, until the next call. */
static enum rc_status
decode(struct rc_entity_order *order, uint32_t group)
{
    rc_arena_reset(order->text_arena);
    return rc_groups_value(order->groups, group, order->text_arena, &order->text_value);
}

/* Finds the first text behind a value. */
static enum rc_status
find_text(struct rc_entity_order *order, const struct rc_value *after)
{
    uint32_t first = rc_groups_first_text(order->groups);
    uint32_t end = rc_groups_count(order->groups);
    while (after != NULL && first < end) {
        const uint32_t middle = first + (end - first) / 2;
        RC_TRY(decode(order, middle));
        if (rc_value_compare(order->text_value, *after) > 0)
            end = middle;
        else
            first = middle + 1;
    }
    order->text = find_marked(order, first);
    return RC_OK;
}

/* ---- The whole ------------------------------------------------------------------------------- */

enum rc_status
rc_entity_order_open(const struct rc_query_context *context,
                     const struct rc_groups *groups,
                     const uint64_t *set,
                     const struct rc_value *after,
                     struct rc_entity_order **ret_order)
{
    RC_CLEANUP(rc_entity_order_closep)
    struct rc_entity_order *order = rc_arena_zero(context->arena, sizeof(*order));
    if (order == NULL)
        return RC_NO_MEMORY;
    order->context = context;
    order->groups = groups;
    order->set = set;
    order->text_arena = rc_arena_new(context->account, 0);
    if (order->text_arena == NULL)
        return RC_NO_MEMORY;
    RC_TRY(keep_values(order, after));
    RC_TRY(find_text(order, after));
    *ret_order = RC_TAKE(order);
    return RC_OK;
}

void
rc_entity_order_close(struct rc_entity_order *order)
{
    if (order != NULL)
        order->text_arena = rc_arena_free(order->text_arena);
}

enum rc_status
rc_entity_order_next(struct rc_entity_order *order,
                     uint32_t *ret_group,
                     struct rc_value *ret_value,
                     bool *ret_more)
{
    const bool has_text = order->text < rc_groups_count(order->groups);
    *ret_more = order->left > 0 || has_text;
    if (!*ret_more)
        return RC_OK;
    if (has_text && !order->decoded) {
        RC_TRY(decode(order, order->text));
        order->decoded = true;
    }
    if (order->left > 0 &&
        (!has_text || rc_value_compare(order->heap[0].value, order->text_value) < 0)) {
        *ret_value = order->heap[0].value;
        *ret_group = order->heap[0].group;
        order->heap[0] = order->heap[--order->left];
        down(order->heap, order->left, 0);
        return RC_OK;
    }
    *ret_value = order->text_value;
    *ret_group = order->text;
    order->text = find_marked(order, order->text + 1);
    order->decoded = false;
    return RC_OK;
}
