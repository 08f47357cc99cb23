/*
 * Match node: compiled top down. A node enters its parent's array before its own children are
 * compiled, so a tree that failed half-way can be closed from its root.
 */
#include "engine/match/slab/match_node.h"

#include "engine/base/assert.h"

/* The leaf over what is derived of texts: its test has no property and derives nothing, so what it
 * says is of values alone. */
static enum rc_status
compile_derived(struct rc_match_cache *cache,
                const struct rc_properties *properties,
                struct rc_arena *arena,
                struct rc_match_node *node)
{
    const struct rc_deriver *deriver = rc_leaf_codes_deriver(rc_match_leaf_codes(node->leaf));
    const struct rc_made_column made = rc_made_column_of_texts(
        node->source->derivation, deriver, properties, rc_match_cache_account(cache));
    if (node->source->scope != RC_LEAF_EVENT || made.kind == RC_MADE_NONE)
        return RC_OK;
    struct rc_match_node *derived = rc_arena_zero(arena, sizeof(*derived));
    struct rc_predicate *test = rc_arena_zero(arena, sizeof(*test));
    if (derived == NULL || test == NULL)
        return RC_NO_MEMORY;
    test->kind = RC_PREDICATE_LEAF;
    test->leaf = *node->source;
    test->leaf.property = (struct rc_bytes){"", 0};
    test->leaf.derivation = NULL;
    *derived = (struct rc_match_node){.kind = RC_PREDICATE_LEAF,
                                      .index = node->index,
                                      .height = 1,
                                      .source = &test->leaf,
                                      .made = made,
                                      .property = RC_PROPERTY_NONE};
    RC_TRY(rc_match_key_of(test, arena, &derived->key));
    RC_TRY(rc_column_keeper_open(cache, &derived->made, arena, &derived->keeper));
    RC_TRY(rc_match_cache_get_leaf(cache, &test->leaf, &derived->key, &derived->leaf));
    node->derived = derived;
    return RC_OK;
}

/* What a leaf reads. */
static enum rc_status
compile_leaf(struct rc_match_cache *cache,
             const struct rc_properties *properties,
             const struct rc_leaf *leaf,
             struct rc_arena *arena,
             struct rc_match_tree *tree,
             struct rc_match_node *node)
{
    /* Of the events whose id is one of those, whether it is. */
    static const struct rc_leaf is_one = {.scope = RC_LEAF_EVENT_ID, .operator= RC_LEAF_IS_SET };
    node->source = leaf;
    RC_TRY(rc_made_column_open(leaf->derivation, properties, rc_match_cache_account(cache),
                               &node->made));
    node->property = RC_PROPERTY_NONE;
    if (leaf->scope == RC_LEAF_EVENT_ID) {
        node->made.kind = RC_MADE_IDS;
        RC_TRY(rc_event_ids_new(leaf, arena, &node->made.ids));
        leaf = &is_one;
    }
    RC_TRY(rc_column_keeper_open(cache, &node->made, arena, &node->keeper));
    tree->parts |= rc_made_column_parts(&node->made);
    if (node->made.kind == RC_MADE_NONE)
        node->property = rc_properties_find(properties, leaf->property);
    if (node->property != RC_PROPERTY_NONE)
        node->dictionary = rc_properties_dictionary(properties, node->property);
    RC_TRY(rc_match_cache_get_leaf(cache, leaf, &node->key, &node->leaf));
    return compile_derived(cache, properties, arena, node);
}

static enum rc_status
compile(struct rc_match_cache *cache,
        const struct rc_properties *properties,
        const struct rc_predicate *predicate,
        struct rc_arena *arena,
        struct rc_match_tree *tree,
        struct rc_match_node **slot)
{
    struct rc_match_node *node = rc_arena_zero(arena, sizeof(*node));
    if (node == NULL)
        return RC_NO_MEMORY;
    *slot = node;
    node->kind = predicate->kind;
    node->index = tree->node_count++;
    node->height = 1;
    RC_TRY(rc_match_key_of(predicate, arena, &node->key));
    if (predicate->kind == RC_PREDICATE_LEAF) {
        const enum rc_leaf_scope scope = predicate->leaf.scope;
        RC_ASSERT(scope == RC_LEAF_EVENT || scope == RC_LEAF_EVENT_ID);
        return compile_leaf(cache, properties, &predicate->leaf, arena, tree, node);
    }
    RC_ASSERT(predicate->kind != RC_PREDICATE_DEFINITION);
    node->children = RC_ARENA_ARRAY(arena, struct rc_match_node *, predicate->child_count);
    if (node->children == NULL)
        return RC_NO_MEMORY;
    node->child_count = predicate->child_count;
    for (uint32_t i = 0; i < predicate->child_count; i++) {
        RC_TRY(compile(cache, properties, predicate->children[i], arena, tree, &node->children[i]));
        if (node->children[i]->height >= node->height)
            node->height = node->children[i]->height + 1;
    }
    return RC_OK;
}

enum rc_status
rc_match_node_compile(struct rc_match_cache *cache,
                      const struct rc_properties *properties,
                      const struct rc_predicate *predicate,
                      struct rc_arena *arena,
                      struct rc_match_tree *ret_tree)
{
    struct rc_match_tree tree = {0};
    const enum rc_status status = compile(cache, properties, predicate, arena, &tree, &tree.root);
    if (status != RC_OK) {
        rc_match_node_close(cache, tree.root);
        return status;
    }
    *ret_tree = tree;
    return RC_OK;
}

enum rc_status
rc_match_node_column(const struct rc_match_node *node,
                     const struct rc_column_wish *wish,
                     struct rc_found_column *ret_found)
{
    if (node->made.kind != RC_MADE_NONE)
        return rc_column_keeper_get(&node->keeper, wish, ret_found);
    *ret_found = (struct rc_found_column){.present = false};
    ret_found->present = node->property != RC_PROPERTY_NONE &&
                         rc_slab_column(wish->slab, node->property, &ret_found->view);
    return RC_OK;
}

bool
rc_match_node_cell(const struct rc_match_node *node, rc_cell cell, struct rc_leaf_scratch *scratch)
{
    struct rc_leaf_codes *codes = rc_match_leaf_codes(node->leaf);
    if (node->made.kind == RC_MADE_NONE || cell == RC_CELL_NULL)
        return rc_leaf_codes_cell(codes, node->dictionary, cell, scratch);
    return rc_leaf_codes_value(codes, rc_made_cell_value(&node->made, cell), scratch);
}

void
rc_match_node_close(struct rc_match_cache *cache, struct rc_match_node *node)
{
    if (node == NULL)
        return;
    rc_match_cache_put_leaf(cache, node->leaf);
    node->leaf = NULL;
    rc_match_node_close(cache, node->derived);
    rc_made_column_close(&node->made);
    for (uint32_t i = 0; i < node->child_count; i++)
        rc_match_node_close(cache, node->children[i]);
}
