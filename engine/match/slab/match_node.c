/*
 * Match node: made top down, and then given its keys and what its leaves read. The stored form of a
 * node holds those of its children, so it is written once for all of them. A tree that failed
 * half-way can be closed from its root.
 */
#include "engine/match/slab/match_node.h"

#include "engine/base/assert.h"

/* A tree in the making. */
struct making {
    struct rc_match_cache *cache;
    const struct rc_properties *properties;
    struct rc_arena *arena;
    struct rc_match_tree *tree;
    struct rc_writer keys; /* The stored form of the root, as far as it was written. */
};

/* Makes a node and those below it. The data of its key is what stands before that in making->keys,
 * as long as these may still move. */
static enum rc_status
make(struct making *making, const struct rc_predicate *predicate, struct rc_match_node **slot)
{
    struct rc_match_node *node = rc_arena_zero(making->arena, sizeof(*node));
    if (node == NULL)
        return RC_NO_MEMORY;
    *slot = node;
    node->kind = predicate->kind;
    node->index = making->tree->node_count++;
    node->height = 1;
    const size_t begin = making->keys.size;
    rc_predicate_write_head(&making->keys, predicate);
    if (predicate->kind == RC_PREDICATE_LEAF)
        node->source = &predicate->leaf;
    RC_ASSERT(predicate->kind != RC_PREDICATE_DEFINITION);
    node->children = RC_ARENA_ARRAY(making->arena, struct rc_match_node *, predicate->child_count);
    if (node->children == NULL)
        return RC_NO_MEMORY;
    for (; node->child_count < predicate->child_count; node->child_count++) {
        struct rc_match_node **child = &node->children[node->child_count];
        RC_TRY(make(making, predicate->children[node->child_count], child));
        if ((*child)->height >= node->height)
            node->height = (*child)->height + 1;
    }
    node->key_begin = begin;
    node->key.bytes.size = making->keys.size - begin;
    return RC_OK;
}

/* The leaf over what is derived of texts: its test has no property and derives nothing, so what it
 * says is of values alone. */
static enum rc_status
open_derived(const struct making *making, struct rc_match_node *node)
{
    struct rc_match_cache *cache = making->cache;
    const struct rc_deriver *deriver = rc_leaf_codes_deriver(rc_match_leaf_codes(node->leaf));
    const struct rc_made_column made = rc_made_column_of_texts(
        node->source->derivation, deriver, making->properties, rc_match_cache_account(cache));
    if (node->source->scope != RC_LEAF_EVENT || made.kind == RC_MADE_NONE)
        return RC_OK;
    struct rc_match_node *derived = rc_arena_zero(making->arena, sizeof(*derived));
    struct rc_predicate *test = rc_arena_zero(making->arena, sizeof(*test));
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
    RC_TRY(rc_match_key_of(test, making->arena, &derived->key));
    RC_TRY(rc_column_keeper_open(cache, &derived->made, making->arena, &derived->keeper));
    RC_TRY(rc_match_cache_get_leaf(cache, &test->leaf, &derived->key, &derived->leaf));
    node->derived = derived;
    return RC_OK;
}

/* What a leaf reads. */
static enum rc_status
open_leaf(const struct making *making, struct rc_match_node *node)
{
    /* Of the events whose id is one of those, whether it is. */
    static const struct rc_leaf is_one = {.scope = RC_LEAF_EVENT_ID, .operator= RC_LEAF_IS_SET };
    struct rc_match_cache *cache = making->cache;
    const struct rc_leaf *leaf = node->source;
    RC_ASSERT(leaf->scope == RC_LEAF_EVENT || leaf->scope == RC_LEAF_EVENT_ID);
    node->property = RC_PROPERTY_NONE;
    RC_TRY(rc_made_column_open(leaf->derivation, making->properties, rc_match_cache_account(cache),
                               &node->made));
    if (leaf->scope == RC_LEAF_EVENT_ID) {
        node->made.kind = RC_MADE_IDS;
        RC_TRY(rc_event_ids_new(leaf, making->arena, &node->made.ids));
        leaf = &is_one;
    }
    RC_TRY(rc_column_keeper_open(cache, &node->made, making->arena, &node->keeper));
    making->tree->parts |= rc_made_column_parts(&node->made);
    if (node->made.kind == RC_MADE_NONE)
        node->property = rc_properties_find(making->properties, leaf->property);
    if (node->property != RC_PROPERTY_NONE)
        node->dictionary = rc_properties_dictionary(making->properties, node->property);
    RC_TRY(rc_match_cache_get_leaf(cache, leaf, &node->key, &node->leaf));
    return open_derived(making, node);
}

/* Gives a node and those below it their keys, which are in bytes, and opens leaves. */
static enum rc_status
open_node(const struct making *making, const char *bytes, struct rc_match_node *node)
{
    node->key =
        rc_match_key_of_bytes((struct rc_bytes){bytes + node->key_begin, node->key.bytes.size});
    if (node->kind == RC_PREDICATE_LEAF)
        RC_TRY(open_leaf(making, node));
    for (uint32_t i = 0; i < node->child_count; i++)
        RC_TRY(open_node(making, bytes, node->children[i]));
    return RC_OK;
}

static enum rc_status
compile(struct making *making, const struct rc_predicate *predicate)
{
    RC_TRY(make(making, predicate, &making->tree->root));
    const char *bytes = making->keys.failed
                            ? NULL
                            : rc_arena_copy(making->arena, making->keys.data, making->keys.size);
    return bytes == NULL ? RC_NO_MEMORY : open_node(making, bytes, making->tree->root);
}

enum rc_status
rc_match_node_compile(struct rc_match_cache *cache,
                      const struct rc_properties *properties,
                      const struct rc_predicate *predicate,
                      struct rc_arena *arena,
                      struct rc_match_tree *ret_tree)
{
    struct rc_match_tree tree = {0};
    struct making making = {
        .cache = cache, .properties = properties, .arena = arena, .tree = &tree};
    const enum rc_status status = compile(&making, predicate);
    rc_writer_close(&making.keys);
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
