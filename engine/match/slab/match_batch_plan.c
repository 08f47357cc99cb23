/*
 * Match batch, planning: leaves and columns are listed once each, a sample of rows says about how
 * many rows a leaf lets pass, drivers are chosen by that, and the codes of each column are cut into
 * classes.
 *
 * Classes are cut by refinement: all codes begin in class 0; a driver moves each of its codes to a
 * class that is new for every class it finds them in. That costs one step a code and driver.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/match/slab/match_batch_form.h"

/* More rows of the sample than this make a leaf no driver: a scan of all rows is cheaper. */
#define DRIVER_SHARE_MAX (RC_BATCH_SAMPLE / 16)

/* An AND with a leaf of so few rows needs no other to be asked about all strings. */
#define SHARE_GOOD_ENOUGH (RC_BATCH_SAMPLE / 64)

#define UNDRIVABLE UINT32_MAX
#define CLASSES_MAX 65535u
#define LEAVES_BETWEEN_LOOKS 16u

/* ---- leaves and columns ---- */

static enum rc_status
add_column(struct rc_batch *batch,
           const struct rc_column_view *view,
           struct rc_batch_column **ret_column)
{
    for (uint32_t i = 0; i < batch->column_count; i++) {
        /* Those that are made have no property; what is kept of one is one. */
        if (batch->columns[i]->view.property == view->property &&
            batch->columns[i]->view.codes == view->codes) {
            *ret_column = batch->columns[i];
            return RC_OK;
        }
    }
    struct rc_arena *arena = batch->match.arena;
    struct rc_batch_column *column = RC_ARENA_ARRAY(arena, struct rc_batch_column, 1);
    uint16_t *sample = RC_ARENA_ARRAY(arena, uint16_t, rc_column_code_bound(view));
    if (column == NULL || sample == NULL)
        return RC_NO_MEMORY;
    *column = (struct rc_batch_column){.view = *view, .sample = sample};
    const uint64_t rows = batch->match.row_count;
    for (uint64_t i = 0; i < RC_BATCH_SAMPLE; i++) {
        const uint32_t code = rc_column_code(view, (uint32_t)(i * rows / RC_BATCH_SAMPLE));
        if (code != RC_CODE_NONE)
            sample[code]++;
    }
    batch->columns[batch->column_count++] = column;
    *ret_column = column;
    return RC_OK;
}

/* What complete answers say about the leaf. */
static void
take_share(struct rc_batch_leaf *leaf)
{
    const uint32_t bound = rc_column_code_bound(&leaf->column->view);
    leaf->share = 0;
    for (uint32_t code = 0; code < bound; code++)
        leaf->share += leaf->answers.table[code] * (uint32_t)leaf->column->sample[code];
    if (leaf->answers.passed == 0)
        leaf->column = NULL;
}

static enum rc_status
add_leaf(struct rc_batch *batch, const struct rc_match_node *node, struct rc_batch_leaf **ret_leaf)
{
    struct rc_batch_leaf *leaf = RC_ARENA_ARRAY(batch->match.arena, struct rc_batch_leaf, 1);
    struct rc_found_column found;
    bool is_derived;
    if (leaf == NULL)
        return RC_NO_MEMORY;
    RC_TRY(rc_slab_match_derived(&batch->match, node, true, &is_derived, &found));
    if (!is_derived)
        RC_TRY(rc_slab_match_column(&batch->match, node, &found));
    batch->leaves[batch->leaf_count++] = leaf;
    leaf->kept = found.kept;
    if (found.present) {
        RC_TRY(add_column(batch, &found.view, &leaf->column));
        RC_TRY(rc_match_answers_open(&batch->match, is_derived ? node->derived : node, &found.view,
                                     true, &leaf->answers));
    }
    if (leaf->column != NULL && leaf->answers.complete)
        take_share(leaf);
    *ret_leaf = leaf;
    return RC_OK;
}

/* A leaf node of some tree, for finding equal ones: those share what the cache holds of them. */
struct leaf_place {
    const struct rc_match_node *node;
    struct rc_batch_leaf **place;
};

static int
compare_places(const void *a, const void *b)
{
    const uintptr_t x = (uintptr_t)((const struct leaf_place *)a)->node->leaf;
    const uintptr_t y = (uintptr_t)((const struct leaf_place *)b)->node->leaf;
    return (x > y) - (x < y);
}

static void
list_places(const struct rc_match_node *node,
            struct rc_batch_leaf **leaves,
            struct leaf_place *places,
            uint32_t *count)
{
    if (node->kind == RC_PREDICATE_LEAF)
        places[(*count)++] = (struct leaf_place){node, &leaves[node->index]};
    for (uint32_t i = 0; i < node->child_count; i++)
        list_places(node->children[i], leaves, places, count);
}

static enum rc_status
list_leaves(struct rc_batch *batch, const struct rc_match_tree *const *trees)
{
    struct rc_arena *arena = batch->match.arena;
    size_t node_count = 0;
    for (uint32_t i = 0; i < batch->tree_count; i++)
        node_count += trees[i]->node_count;
    struct leaf_place *places = RC_ARENA_ARRAY(arena, struct leaf_place, node_count);
    batch->leaves = RC_ARENA_ARRAY(arena, struct rc_batch_leaf *, node_count);
    batch->columns = RC_ARENA_ARRAY(arena, struct rc_batch_column *, node_count);
    if (places == NULL || batch->leaves == NULL || batch->columns == NULL)
        return RC_NO_MEMORY;
    uint32_t count = 0;
    for (uint32_t i = 0; i < batch->tree_count; i++) {
        struct rc_batch_tree *tree = &batch->trees[i];
        tree->tree = trees[i];
        tree->leaves = RC_ARENA_ARRAY(arena, struct rc_batch_leaf *, trees[i]->node_count);
        if (tree->leaves == NULL)
            return RC_NO_MEMORY;
        list_places(trees[i]->root, tree->leaves, places, &count);
    }
    qsort(places, count, sizeof(*places), compare_places);
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0 && places[i].node->leaf == places[i - 1].node->leaf)
            *places[i].place = *places[i - 1].place;
        else
            RC_TRY(add_leaf(batch, places[i].node, places[i].place));
    }
    return RC_OK;
}

/* ---- drivers ---- */

/* As of a tree alone (match_slab_plan.c). */
static enum rc_status
take_derived(struct rc_batch *batch, struct rc_batch_leaf *leaf)
{
    bool is_derived;
    struct rc_found_column found;
    const struct rc_match_node *node = leaf->answers.node;
    RC_TRY(rc_slab_match_derived(&batch->match, node, false, &is_derived, &found));
    if (!is_derived)
        return RC_OK;
    rc_match_answers_close(&leaf->answers);
    leaf->kept = found.kept;
    RC_TRY(add_column(batch, &found.view, &leaf->column));
    return rc_match_answers_open(&batch->match, node->derived, &found.view, true, &leaf->answers);
}

static enum rc_status
complete(struct rc_batch *batch, struct rc_batch_leaf *leaf)
{
    if (leaf->column == NULL || leaf->answers.complete)
        return RC_OK;
    RC_TRY(take_derived(batch, leaf));
    RC_TRY(rc_match_answers_complete(&batch->match, &leaf->answers));
    take_share(leaf);
    return RC_OK;
}

/*
 * Finds drivers of a node and appends them to the tree's. *ret_share: of the sample they hold so
 * many rows, or UNDRIVABLE, and nothing is appended. thorough: leaves that are not complete are
 * made so where that may help.
 */
static enum rc_status
drive(struct rc_batch *batch,
      struct rc_batch_tree *tree,
      const struct rc_match_node *node,
      bool thorough,
      uint32_t *ret_share);

static enum rc_status
drive_leaf(struct rc_batch *batch,
           struct rc_batch_tree *tree,
           const struct rc_match_node *node,
           bool thorough,
           uint32_t *ret_share)
{
    struct rc_batch_leaf *leaf = tree->leaves[node->index];
    *ret_share = 0;
    if (leaf->column == NULL)
        return RC_OK;
    if (thorough)
        RC_TRY(complete(batch, leaf));
    *ret_share = UNDRIVABLE;
    if (!leaf->answers.complete || leaf->share > DRIVER_SHARE_MAX)
        return RC_OK;
    *ret_share = leaf->share;
    if (leaf->column != NULL)
        tree->drivers[tree->driver_count++] = leaf;
    return RC_OK;
}

/* The child with the fewest rows; the others are not needed. */
static enum rc_status
drive_all_of(struct rc_batch *batch,
             struct rc_batch_tree *tree,
             const struct rc_match_node *node,
             bool thorough,
             uint32_t *ret_share)
{
    const uint32_t before = tree->driver_count;
    uint32_t best = UNDRIVABLE;
    for (int round = 0; round < (thorough ? 2 : 1) && best > SHARE_GOOD_ENOUGH; round++) {
        for (uint32_t i = 0; i < node->child_count && best > 0; i++) {
            const uint32_t end = tree->driver_count;
            uint32_t share;
            RC_TRY(drive(batch, tree, node->children[i], round == 1, &share));
            if (share >= best) {
                tree->driver_count = end;
                continue;
            }
            const uint32_t added = tree->driver_count - end;
            memmove(tree->drivers + before, tree->drivers + end, added * sizeof(*tree->drivers));
            tree->driver_count = before + added;
            best = share;
        }
    }
    *ret_share = best;
    return RC_OK;
}

static enum rc_status
drive_any_of(struct rc_batch *batch,
             struct rc_batch_tree *tree,
             const struct rc_match_node *node,
             bool thorough,
             uint32_t *ret_share)
{
    const uint32_t before = tree->driver_count;
    uint32_t sum = 0;
    for (uint32_t i = 0; i < node->child_count && sum != UNDRIVABLE; i++) {
        uint32_t share;
        RC_TRY(drive(batch, tree, node->children[i], thorough, &share));
        sum = share == UNDRIVABLE || sum + share > DRIVER_SHARE_MAX ? UNDRIVABLE : sum + share;
    }
    if (sum == UNDRIVABLE)
        tree->driver_count = before;
    *ret_share = sum;
    return RC_OK;
}

static enum rc_status
drive(struct rc_batch *batch,
      struct rc_batch_tree *tree,
      const struct rc_match_node *node,
      bool thorough,
      uint32_t *ret_share)
{
    switch (node->kind) {
    case RC_PREDICATE_LEAF:
        return drive_leaf(batch, tree, node, thorough, ret_share);
    case RC_PREDICATE_ALL_OF:
        return drive_all_of(batch, tree, node, thorough, ret_share);
    case RC_PREDICATE_ANY_OF:
        return drive_any_of(batch, tree, node, thorough, ret_share);
    default:
        *ret_share = UNDRIVABLE;
        return RC_OK;
    }
}

static enum rc_status
find_drivers(struct rc_batch *batch)
{
    for (uint32_t i = 0; i < batch->tree_count; i++) {
        struct rc_batch_tree *tree = &batch->trees[i];
        uint32_t share;
        if (i % LEAVES_BETWEEN_LOOKS == 0 && rc_slab_match_cancelled(&batch->match))
            return RC_CANCELLED;
        /* A list that is tried for an AND stands behind the best one so far. */
        tree->drivers = RC_ARENA_ARRAY(batch->match.arena, struct rc_batch_leaf *,
                                       (size_t)tree->tree->node_count * tree->tree->root->height);
        if (tree->drivers == NULL)
            return RC_NO_MEMORY;
        RC_TRY(drive(batch, tree, tree->tree->root, true, &share));
        tree->driven = share != UNDRIVABLE;
        for (uint32_t k = 0; tree->driven && k < tree->driver_count; k++)
            tree->drivers[k]->drives = true;
    }
    return RC_OK;
}

/* ---- classes ---- */

/* Moves the leaf's codes to classes of their own. RC_LIMIT_EXCEEDED: there would be too many. */
static enum rc_status
cut(struct rc_batch *batch, struct rc_batch_leaf *leaf)
{
    struct rc_batch_column *column = leaf->column;
    const uint32_t bound = rc_column_code_bound(&column->view);
    leaf->codes = RC_ARENA_ARRAY(batch->match.arena, uint32_t, leaf->answers.passed);
    if (column->class_of == NULL) {
        column->class_of = RC_ARENA_ARRAY(batch->match.arena, uint16_t, bound);
        column->class_count = 1;
    }
    if (leaf->codes == NULL || column->class_of == NULL)
        return RC_NO_MEMORY;
    for (uint32_t code = 0; code < bound; code++)
        if (leaf->answers.table[code] != 0)
            leaf->codes[leaf->code_count++] = code;
    RC_ASSERT(leaf->code_count == leaf->answers.passed);
    const uint32_t old_count = column->class_count;
    if (old_count + leaf->code_count > CLASSES_MAX)
        return RC_LIMIT_EXCEEDED;
    memset(batch->class_of_class, 0, old_count * sizeof(*batch->class_of_class));
    for (uint32_t i = 0; i < leaf->code_count; i++) {
        uint16_t *class = &column->class_of[leaf->codes[i]];
        uint32_t *moved = &batch->class_of_class[*class];
        if (*moved == 0)
            *moved = column->class_count++;
        *class = (uint16_t)*moved;
    }
    return RC_OK;
}

/* Lists the classes of a driver, once all are cut. */
static enum rc_status
list_classes(struct rc_batch *batch, struct rc_batch_leaf *leaf)
{
    const struct rc_batch_column *column = leaf->column;
    memset(batch->class_of_class, 0, column->class_count * sizeof(*batch->class_of_class));
    leaf->classes = RC_ARENA_ARRAY(batch->match.arena, uint16_t, leaf->code_count);
    if (leaf->classes == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < leaf->code_count; i++) {
        const uint16_t class = column->class_of[leaf->codes[i]];
        if (batch->class_of_class[class] == 0)
            leaf->classes[leaf->class_count++] = class;
        batch->class_of_class[class] = 1;
    }
    return RC_OK;
}

static enum rc_status
cut_classes(struct rc_batch *batch)
{
    batch->class_of_class = RC_ARENA_ARRAY(batch->match.arena, uint32_t, CLASSES_MAX + 1);
    if (batch->class_of_class == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < batch->leaf_count; i++) {
        struct rc_batch_leaf *leaf = batch->leaves[i];
        if (!leaf->drives)
            continue;
        const enum rc_status status = cut(batch, leaf);
        if (status == RC_LIMIT_EXCEEDED)
            leaf->drives = false; /* Its trees are scanned. */
        else
            RC_TRY(status);
    }
    for (uint32_t i = 0; i < batch->leaf_count; i++)
        if (batch->leaves[i]->drives)
            RC_TRY(list_classes(batch, batch->leaves[i]));
    for (uint32_t i = 0; i < batch->tree_count; i++) {
        struct rc_batch_tree *tree = &batch->trees[i];
        for (uint32_t k = 0; tree->driven && k < tree->driver_count; k++)
            tree->driven = tree->drivers[k]->drives;
    }
    return RC_OK;
}

enum rc_status
rc_batch_plan(struct rc_batch *batch, const struct rc_match_tree *const *trees)
{
    RC_TRY(list_leaves(batch, trees));
    RC_TRY(find_drivers(batch));
    return cut_classes(batch);
}
