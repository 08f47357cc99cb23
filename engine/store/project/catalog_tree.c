/*
 * Catalog tree: a B+ tree. Nodes have up to NODE_MAX items, the leaves histories and the others
 * branches, and are as large as these; all leaves are equally deep. A change makes the nodes anew
 * on the way to one leaf and shares the rest.
 *
 * Why not a sorted array: it was one, and a change copied all of it and counted a reference of
 * every entry, 10 ms in a project of a hundred thousand, so that loading definitions was quadratic.
 *
 * A node that grows too large is halved; one that grows at its end leaves the left part full, since
 * names are often made in their order. A node that has shrunk to a quarter joins a neighbour if
 * both together fit into one.
 *
 * Invariants (rc_catalog_tree_check):
 *   1. Every node has 1 .. NODE_MAX items; a root that is no leaf has at least two.
 *   2. Names ascend.
 *   3. A branch says of its node what is true of it.
 */
#include "engine/store/project/catalog_tree.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/store/project/catalog_form.h"

#define NODE_MAX 64u
#define LEVELS_MAX 16u /* Far more than 2^32 entries need. */

struct rc_catalog_node {
    _Atomic(uint32_t) references;
    uint16_t level; /* 0: a leaf. */
    uint16_t count;
    /* Items follow. */
};

_Static_assert(sizeof(struct rc_catalog_node) % _Alignof(struct rc_catalog_branch) == 0,
               "items lie behind the node");

/* Items of a node to be. Each is a reference. */
struct items {
    uint32_t level;
    uint32_t count;
    union {
        struct rc_catalog_history *histories[NODE_MAX + 1];
        struct rc_catalog_branch branches[NODE_MAX + 1];
    };
};

static struct rc_catalog_history **
histories_of(const struct rc_catalog_node *node)
{
    RC_ASSERT(node->level == 0);
    return (struct rc_catalog_history **)(uintptr_t)(node + 1);
}

static struct rc_catalog_branch *
branches_of(const struct rc_catalog_node *node)
{
    RC_ASSERT(node->level > 0);
    return (struct rc_catalog_branch *)(uintptr_t)(node + 1);
}

static struct rc_bytes
name_of(const struct rc_catalog_history *history)
{
    struct rc_reader reader = rc_reader_of(history->packed, history->size);
    return rc_read_bytes(&reader);
}

/* ---- References ------------------------------------------------------------------------------ */

static void
node_unref(struct rc_catalog_node *node)
{
    if (node == NULL || atomic_fetch_sub_explicit(&node->references, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i < node->count; i++) {
        if (node->level == 0)
            rc_catalog_history_unref(histories_of(node)[i]);
        else
            node_unref(branches_of(node)[i].node);
    }
    rc_alloc_free(node);
}

struct rc_catalog_branch
rc_catalog_tree_ref(const struct rc_catalog_branch *root)
{
    if (root->node != NULL)
        atomic_fetch_add_explicit(&root->node->references, 1, memory_order_relaxed);
    return *root;
}

void
rc_catalog_tree_close(struct rc_catalog_branch *root)
{
    node_unref(root->node);
    *root = (struct rc_catalog_branch){.node = NULL};
}

/* Gives the items from first on back. */
static void
items_unref(struct items *items, uint32_t first)
{
    for (uint32_t i = first; i < items->count; i++) {
        if (items->level == 0)
            rc_catalog_history_unref(items->histories[i]);
        else
            node_unref(items->branches[i].node);
    }
    items->count = first;
}

/* Adds the items [first, end) of a node, a reference of each. */
static void
items_add(struct items *items, const struct rc_catalog_node *node, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i++) {
        if (items->level == 0)
            items->histories[items->count++] = rc_catalog_history_ref(histories_of(node)[i]);
        else
            items->branches[items->count++] = rc_catalog_tree_ref(&branches_of(node)[i]);
    }
}

/* ---- Sums ------------------------------------------------------------------------------------ */

static struct rc_catalog_sum
sum_of_history(const struct rc_catalog_history *history)
{
    struct rc_catalog_sum sum = {.count = 1, .replaced_ms = INT64_MAX};
    for (uint32_t mark = 0; mark < RC_CATALOG_MARKS; mark++)
        sum.marked[mark] = history->marks >> mark & 1;
    if (history->older != NULL) {
        const int64_t replaced_ms = rc_catalog_history_at(history, 1).updated_ms;
        sum.older_bytes = history->older->text_bytes;
        sum.replaced_ms = replaced_ms < INT64_MAX ? replaced_ms : INT64_MAX - 1;
    }
    return sum;
}

static void
sum_add(struct rc_catalog_sum *sum, const struct rc_catalog_sum *other)
{
    sum->count += other->count;
    for (uint32_t mark = 0; mark < RC_CATALOG_MARKS; mark++)
        sum->marked[mark] += other->marked[mark];
    sum->older_bytes += other->older_bytes;
    if (other->replaced_ms < sum->replaced_ms)
        sum->replaced_ms = other->replaced_ms;
}

static struct rc_catalog_branch
branch_of(struct rc_catalog_node *node)
{
    struct rc_catalog_branch branch = {
        .node = node,
        .first = node->level == 0 ? histories_of(node)[0] : branches_of(node)[0].first,
        .sum.replaced_ms = INT64_MAX,
    };
    for (uint32_t i = 0; i < node->count; i++) {
        const struct rc_catalog_sum sum =
            node->level == 0 ? sum_of_history(histories_of(node)[i]) : branches_of(node)[i].sum;
        sum_add(&branch.sum, &sum);
    }
    return branch;
}

/* ---- Making nodes ---------------------------------------------------------------------------- */

/* A node of the items [first, end), whose references it takes over if it comes to be. */
static enum rc_status
make_node(struct rc_account *account,
          const struct items *items,
          uint32_t first,
          uint32_t end,
          struct rc_catalog_branch *ret_branch)
{
    const uint32_t count = end - first;
    const size_t item_bytes =
        items->level == 0 ? sizeof(items->histories[0]) : sizeof(items->branches[0]);
    RC_ASSERT(count > 0 && count <= NODE_MAX);
    struct rc_catalog_node *node = rc_alloc_in(account, sizeof(*node) + count * item_bytes);
    if (node == NULL)
        return RC_NO_MEMORY;
    atomic_init(&node->references, 1);
    node->level = (uint16_t)items->level;
    node->count = (uint16_t)count;
    const void *from = items->level == 0 ? (const void *)&items->histories[first]
                                         : (const void *)&items->branches[first];
    memcpy(node + 1, from, count * item_bytes);
    *ret_branch = branch_of(node);
    return RC_OK;
}

/* One node of the items, or two. Takes them over, whatever comes of it. grew: the index of the item
 * that is new. */
static enum rc_status
make_nodes(struct rc_account *account,
           struct items *items,
           uint32_t grew,
           struct rc_catalog_branch ret_made[2],
           uint32_t *ret_count)
{
    const uint32_t count = items->count;
    const uint32_t left = count <= NODE_MAX ? count : grew == count - 1 ? NODE_MAX : count / 2;
    enum rc_status status = make_node(account, items, 0, left, &ret_made[0]);
    if (status != RC_OK)
        items_unref(items, 0);
    RC_TRY(status);
    *ret_count = 1;
    if (left == count)
        return RC_OK;
    status = make_node(account, items, left, count, &ret_made[1]);
    if (status != RC_OK) {
        items_unref(items, left);
        rc_catalog_tree_close(&ret_made[0]);
    }
    RC_TRY(status);
    *ret_count = 2;
    return RC_OK;
}

/* ---- Finding a name -------------------------------------------------------------------------- */

/* The index of the first history of a leaf whose name is not below name. */
static uint32_t
find_history(const struct rc_catalog_node *leaf, struct rc_bytes name)
{
    uint32_t low = 0;
    uint32_t high = leaf->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (rc_bytes_compare(name_of(histories_of(leaf)[middle]), name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The index of the branch that has name if any has: the last one that begins at or below it. */
static uint32_t
find_branch(const struct rc_catalog_node *node, struct rc_bytes name)
{
    uint32_t low = 1;
    uint32_t high = node->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (rc_bytes_compare(name_of(branches_of(node)[middle].first), name) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low - 1;
}

static bool
has_at(const struct rc_catalog_node *leaf, uint32_t index, struct rc_bytes name)
{
    return index < leaf->count && rc_bytes_equal(name_of(histories_of(leaf)[index]), name);
}

uint32_t
rc_catalog_tree_lower_bound(const struct rc_catalog_branch *root,
                            struct rc_bytes name,
                            const struct rc_catalog_history **ret_found)
{
    const struct rc_catalog_node *node = root->node;
    uint32_t index = 0;
    *ret_found = NULL;
    if (node == NULL)
        return 0;
    while (node->level > 0) {
        const uint32_t at = find_branch(node, name);
        for (uint32_t i = 0; i < at; i++)
            index += branches_of(node)[i].sum.count;
        node = branches_of(node)[at].node;
    }
    const uint32_t at = find_history(node, name);
    if (has_at(node, at, name))
        *ret_found = histories_of(node)[at];
    return index + at;
}

/* ---- Changing -------------------------------------------------------------------------------- */

static enum rc_status
put_below(struct rc_account *account,
          const struct rc_catalog_node *node,
          struct rc_catalog_history *history,
          struct rc_catalog_branch ret_made[2],
          uint32_t *ret_count)
{
    const struct rc_bytes name = name_of(history);
    struct items items = {.level = node->level};
    if (node->level == 0) {
        const uint32_t at = find_history(node, name);
        items_add(&items, node, 0, at);
        items.histories[items.count++] = rc_catalog_history_ref(history);
        items_add(&items, node, at + (has_at(node, at, name) ? 1 : 0), node->count);
        return make_nodes(account, &items, at, ret_made, ret_count);
    }
    struct rc_catalog_branch below[2];
    uint32_t below_count = 0;
    const uint32_t at = find_branch(node, name);
    RC_TRY(put_below(account, branches_of(node)[at].node, history, below, &below_count));
    items_add(&items, node, 0, at);
    for (uint32_t i = 0; i < below_count; i++)
        items.branches[items.count++] = below[i];
    items_add(&items, node, at + 1, node->count);
    return make_nodes(account, &items, at + below_count - 1, ret_made, ret_count);
}

enum rc_status
rc_catalog_tree_put(struct rc_account *account,
                    const struct rc_catalog_branch *root,
                    struct rc_catalog_history *history,
                    struct rc_catalog_branch *ret_root)
{
    struct items items = {.level = 0};
    uint32_t count = 0;
    struct rc_catalog_branch made[2];
    if (root->node == NULL) {
        items.histories[items.count++] = rc_catalog_history_ref(history);
        RC_TRY(make_nodes(account, &items, 0, made, &count));
    } else {
        RC_TRY(put_below(account, root->node, history, made, &count));
    }
    if (count == 2) { /* A root over both. */
        items.level = root->node->level + 1u;
        items.count = 2;
        memcpy(items.branches, made, sizeof(made));
        RC_TRY(make_nodes(account, &items, 1, made, &count));
    }
    *ret_root = made[0];
    return RC_OK;
}

/* Makes one of the branches at and at + 1, if they fit. */
static enum rc_status
join(struct rc_account *account, struct items *items, uint32_t at)
{
    struct rc_catalog_branch *left = &items->branches[at];
    struct rc_catalog_branch *right = &items->branches[at + 1];
    struct items both = {.level = left->node->level};
    struct rc_catalog_branch joined;
    if ((uint32_t)left->node->count + right->node->count > NODE_MAX)
        return RC_OK;
    items_add(&both, left->node, 0, left->node->count);
    items_add(&both, right->node, 0, right->node->count);
    const enum rc_status status = make_node(account, &both, 0, both.count, &joined);
    if (status != RC_OK)
        items_unref(&both, 0);
    RC_TRY(status);
    rc_catalog_tree_close(left);
    rc_catalog_tree_close(right);
    *left = joined;
    memmove(right, right + 1, (items->count - at - 2) * sizeof(*right));
    items->count--;
    return RC_OK;
}

/* *ret_branch has no node when nothing is left. */
static enum rc_status
remove_below(struct rc_account *account,
             const struct rc_catalog_node *node,
             struct rc_bytes name,
             struct rc_catalog_branch *ret_branch)
{
    struct items items = {.level = node->level};
    struct rc_catalog_branch below = {.node = NULL};
    uint32_t at = 0;
    enum rc_status status = RC_OK;
    if (node->level == 0) {
        at = find_history(node, name);
        RC_ASSERT(has_at(node, at, name));
    } else {
        at = find_branch(node, name);
        RC_TRY(remove_below(account, branches_of(node)[at].node, name, &below));
    }
    items_add(&items, node, 0, at);
    if (below.node != NULL)
        items.branches[items.count++] = below;
    items_add(&items, node, at + 1, node->count);
    if (below.node != NULL && below.node->count <= NODE_MAX / 4 && items.count > 1)
        status = join(account, &items, at > 0 ? at - 1 : 0);
    *ret_branch = (struct rc_catalog_branch){.node = NULL};
    if (status == RC_OK && items.count > 0)
        status = make_node(account, &items, 0, items.count, ret_branch);
    if (status != RC_OK)
        items_unref(&items, 0);
    return status;
}

enum rc_status
rc_catalog_tree_remove(struct rc_account *account,
                       const struct rc_catalog_branch *root,
                       struct rc_bytes name,
                       struct rc_catalog_branch *ret_root)
{
    struct rc_catalog_branch left = {.node = NULL};
    RC_TRY(remove_below(account, root->node, name, &left));
    while (left.node != NULL && left.node->level > 0 && left.node->count == 1) {
        struct rc_catalog_branch only = rc_catalog_tree_ref(branches_of(left.node));
        rc_catalog_tree_close(&left);
        left = only;
    }
    *ret_root = left;
    return RC_OK;
}

/* ---- Building all at once -------------------------------------------------------------------- */

/* A node under way on each level: full ones are handed to the level above. */
struct builder {
    struct rc_account *account;
    uint32_t level_count;
    struct items *levels[LEVELS_MAX];
};

static enum rc_status
add_branch(struct builder *builder, uint32_t level, const struct rc_catalog_branch *branch);

/* Makes a node of what stands on a level. */
static enum rc_status
flush(struct builder *builder, uint32_t level)
{
    struct items *items = builder->levels[level];
    struct rc_catalog_branch branch;
    RC_TRY(make_node(builder->account, items, 0, items->count, &branch));
    items->count = 0;
    return add_branch(builder, level + 1, &branch);
}

static enum rc_status
open_level(struct builder *builder)
{
    struct items *items = rc_alloc(sizeof(*items));
    RC_ASSERT(builder->level_count < LEVELS_MAX);
    if (items == NULL)
        return RC_NO_MEMORY;
    items->level = builder->level_count;
    items->count = 0;
    builder->levels[builder->level_count++] = items;
    return RC_OK;
}

static enum rc_status
add_branch(struct builder *builder, uint32_t level, const struct rc_catalog_branch *branch)
{
    struct rc_catalog_branch added = *branch;
    enum rc_status status = level == builder->level_count ? open_level(builder) : RC_OK;
    if (status == RC_OK && builder->levels[level]->count == NODE_MAX)
        status = flush(builder, level);
    if (status != RC_OK)
        rc_catalog_tree_close(&added);
    RC_TRY(status);
    struct items *items = builder->levels[level];
    items->branches[items->count++] = added;
    return RC_OK;
}

/* What stands on the levels becomes the nodes that are not full, and the last of them the root. */
static enum rc_status
finish(struct builder *builder, struct rc_catalog_branch *ret_root)
{
    for (uint32_t level = 0;; level++) {
        struct items *items = builder->levels[level];
        const bool is_top = level + 1 == builder->level_count;
        if (is_top && level > 0 && items->count == 1) {
            *ret_root = items->branches[0];
            items->count = 0;
            return RC_OK;
        }
        RC_TRY(flush(builder, level));
    }
}

enum rc_status
rc_catalog_tree_build(struct rc_account *account,
                      struct rc_catalog_history *const *histories,
                      uint32_t count,
                      struct rc_catalog_branch *ret_root)
{
    struct builder builder = {.account = account};
    struct rc_catalog_branch root = {.node = NULL};
    enum rc_status status = RC_OK;
    uint32_t done = 0;
    if (count > 0)
        status = open_level(&builder);
    while (status == RC_OK && done < count) {
        struct items *leaf = builder.levels[0];
        if (leaf->count == NODE_MAX)
            status = flush(&builder, 0);
        if (status == RC_OK)
            leaf->histories[leaf->count++] = histories[done++];
    }
    if (status == RC_OK && count > 0)
        status = finish(&builder, &root);
    for (uint32_t i = done; i < count; i++)
        rc_catalog_history_unref(histories[i]);
    for (uint32_t i = 0; i < builder.level_count; i++) {
        items_unref(builder.levels[i], 0);
        rc_alloc_free(builder.levels[i]);
    }
    RC_TRY(status);
    *ret_root = root;
    return RC_OK;
}

/* ---- Looking --------------------------------------------------------------------------------- */

const struct rc_catalog_history *
rc_catalog_tree_at(const struct rc_catalog_branch *root, uint32_t index)
{
    const struct rc_catalog_node *node = root->node;
    RC_ASSERT(index < root->sum.count);
    while (node->level > 0) {
        const struct rc_catalog_branch *branch = branches_of(node);
        while (index >= branch->sum.count) {
            index -= branch->sum.count;
            branch++;
        }
        node = branch->node;
    }
    return histories_of(node)[index];
}

/* The same below a branch whose entries before from do not count. */
static uint32_t
next_marked(const struct rc_catalog_branch *branch, uint32_t mark, uint32_t from)
{
    const struct rc_catalog_node *node = branch->node;
    uint32_t before = 0;
    if (from >= branch->sum.count || branch->sum.marked[mark] == 0)
        return branch->sum.count;
    if (node->level == 0) {
        while (from < node->count && (histories_of(node)[from]->marks >> mark & 1) == 0)
            from++;
        return from;
    }
    for (uint32_t i = 0; i < node->count; i++) {
        const struct rc_catalog_branch *below = &branches_of(node)[i];
        const uint32_t found = next_marked(below, mark, from > before ? from - before : 0);
        before += found;
        if (found < below->sum.count)
            break;
    }
    return before;
}

uint32_t
rc_catalog_tree_next_marked(const struct rc_catalog_branch *root, uint32_t mark, uint32_t from)
{
    RC_ASSERT(mark < RC_CATALOG_MARKS);
    return next_marked(root, mark, from);
}

const struct rc_catalog_history *
rc_catalog_tree_longest_replaced(const struct rc_catalog_branch *root)
{
    const struct rc_catalog_node *node = root->node;
    RC_ASSERT(root->sum.replaced_ms < INT64_MAX);
    while (node->level > 0) {
        const struct rc_catalog_branch *branch = branches_of(node);
        while (branch->sum.replaced_ms != root->sum.replaced_ms)
            branch++;
        node = branch->node;
    }
    struct rc_catalog_history *const *history = histories_of(node);
    while (sum_of_history(*history).replaced_ms != root->sum.replaced_ms)
        history++;
    return *history;
}

/* ---- Checking -------------------------------------------------------------------------------- */

static bool
same_branch(const struct rc_catalog_branch *a, const struct rc_catalog_branch *b)
{
    return a->first == b->first && a->sum.count == b->sum.count &&
           memcmp(a->sum.marked, b->sum.marked, sizeof(a->sum.marked)) == 0 &&
           a->sum.older_bytes == b->sum.older_bytes && a->sum.replaced_ms == b->sum.replaced_ms;
}

/* before: the name before the branch's first; moves on to its last. */
static enum rc_status
check_below(const struct rc_catalog_branch *branch,
            struct rc_bytes *before,
            struct rc_error *reterr_error)
{
    struct rc_catalog_node *node = branch->node;
    if (node->count == 0 || node->count > NODE_MAX)
        return rc_error_set(reterr_error, RC_CORRUPT, "a catalog's node has %u items", node->count);
    const struct rc_catalog_branch is = branch_of(node);
    if (!same_branch(branch, &is))
        return rc_error_set(reterr_error, RC_CORRUPT, "the sums of a catalog are off");
    for (uint32_t i = 0; i < node->count; i++) {
        if (node->level > 0) {
            const struct rc_catalog_branch *below = &branches_of(node)[i];
            if (below->node->level + 1 != node->level)
                return rc_error_set(reterr_error, RC_CORRUPT, "a catalog's levels are off");
            RC_TRY(check_below(below, before, reterr_error));
            continue;
        }
        const struct rc_catalog_history *history = histories_of(node)[i];
        const struct rc_bytes name = name_of(history);
        if (before->data != NULL && rc_bytes_compare(*before, name) >= 0)
            return rc_error_set(reterr_error, RC_CORRUPT, "catalog entry \"%.*s\" is out of order",
                                (int)(name.size > 100 ? 100 : name.size), name.data);
        RC_TRY(rc_catalog_history_check(history, reterr_error));
        *before = name;
    }
    return RC_OK;
}

enum rc_status
rc_catalog_tree_check(const struct rc_catalog_branch *root, struct rc_error *reterr_error)
{
    struct rc_bytes before = {NULL, 0};
    if (root->node == NULL)
        return RC_OK;
    if (root->node->level > 0 && root->node->count < 2)
        return rc_error_set(reterr_error, RC_CORRUPT, "a catalog's root has one branch");
    return check_below(root, &before, reterr_error);
}
