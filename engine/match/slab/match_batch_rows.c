/*
 * Match batch, rows: block by block. Rows of a block are numbers of 16 bits; those of a driver's
 * classes are one list each, and a list is narrowed by one leaf after the other: loops without a
 * branch, which wait for memory together.
 */
#include <string.h>

#include "engine/base/assert.h"
#include "engine/match/rows/row_codes.h"
#include "engine/match/rows/words.h"
#include "engine/match/slab/match_batch_form.h"
#include "engine/store/slab/marks.h"

/* Trees between two looks at the cancel flag: a few microseconds each. */
#define TREES_BETWEEN_LOOKS 64u

_Static_assert(RC_BLOCK_ROWS == 65536, "a row of a block is a number of 16 bits");

/* ---- columns ---- */

/* A code a row of the block, of a column that is not plain. */
static void
expand(struct rc_batch_column *column, uint32_t begin, uint32_t row_count)
{
    const struct rc_column_view *view = &column->view;
    uint32_t *out = column->expanded;
    if (rc_column_form_is_marked(view->form)) {
        (void)rc_marks_codes(view, rc_marks_before(view, begin), begin, row_count, out);
        return;
    }
    for (uint32_t row = 0; row < row_count; row++)
        out[row] = RC_CODE_NONE;
    uint32_t index = rc_scan_first_position(view, begin);
    for (; index < view->code_count && view->positions[index] < begin + row_count; index++) {
        const uint32_t code = rc_scan_code(view, index);
        const uint32_t first = view->positions[index] < begin ? 0 : view->positions[index] - begin;
        uint32_t end = first + 1;
        if (view->form == RC_COLUMN_RUNS)
            end = view->positions[index + 1] - begin;
        for (uint32_t row = first; row < end && row < row_count; row++)
            out[row] = code;
    }
}

static inline uint32_t
code_of(const struct rc_batch_column *column, uint32_t row)
{
    return rc_code_at(column->codes, column->width, row);
}

/* Deals the rows of the block that some driver wants to their classes. words: scratch. */
static void
deal(struct rc_batch_column *column, uint32_t begin, uint32_t row_count, uint64_t *words)
{
    uint32_t *starts = column->starts;
    uint16_t *found = column->rows + RC_BLOCK_ROWS; /* Ascending, */
    uint16_t *classes = found + RC_BLOCK_ROWS;      /* and the class of each. */
    uint32_t count = 0;
    memset(starts, 0, ((size_t)column->class_count + 1) * sizeof(*starts));
    rc_scan_block(&column->wanted, begin, row_count, words);
    for (uint32_t i = 0; i < RC_BLOCK_WORDS; i++) {
        for (uint64_t left = words[i]; left != 0; left &= left - 1, count++) {
            const uint32_t row = i * 64 + (uint32_t)__builtin_ctzll(left);
            found[count] = (uint16_t)row;
            classes[count] = column->class_of[code_of(column, row)];
            starts[classes[count] + 1]++;
        }
    }
    uint32_t sum = 0;
    for (uint32_t class = 0; class <= column->class_count; class ++) {
        sum += starts[class];
        starts[class] = sum;
    }
    /* Placing moves each start to its end, which is where the next one began. */
    for (uint32_t i = 0; i < count; i++)
        column->rows[starts[classes[i]]++] = found[i];
    memmove(starts + 1, starts, column->class_count * sizeof(*starts));
    starts[0] = 0;
}

static enum rc_status
open_column(struct rc_batch *batch, struct rc_batch_column *column)
{
    struct rc_arena *arena = batch->match.arena;
    if (column->view.form != RC_COLUMN_PLAIN) {
        column->expanded = rc_arena_alloc(arena, RC_BLOCK_ROWS * sizeof(uint32_t));
        if (column->expanded == NULL)
            return RC_NO_MEMORY;
    }
    if (column->class_of == NULL)
        return RC_OK;
    const uint32_t bound = rc_column_code_bound(&column->view);
    uint8_t *table = RC_ARENA_ARRAY(arena, uint8_t, (size_t)bound + RC_SCAN_TABLE_PADDING);
    column->starts = RC_ARENA_ARRAY(arena, uint32_t, (size_t)column->class_count + 2);
    column->rows = rc_arena_alloc(arena, 3 * RC_BLOCK_ROWS * sizeof(uint16_t));
    if (table == NULL || column->starts == NULL || column->rows == NULL)
        return RC_NO_MEMORY;
    for (uint32_t code = 0; code < bound; code++)
        table[code] = column->class_of[code] != 0;
    rc_scan_prepare(&column->view, table, &column->wanted);
    return RC_OK;
}

/* words: scratch. */
static void
open_block(struct rc_batch *batch, uint32_t row_count, uint64_t *words)
{
    for (uint32_t i = 0; i < batch->column_count; i++) {
        struct rc_batch_column *column = batch->columns[i];
        const struct rc_column_view *view = &column->view;
        if (column->expanded != NULL) {
            expand(column, batch->block_begin, row_count);
            column->codes = column->expanded;
            column->width = 4;
        } else {
            column->codes =
                (const char *)view->codes + (size_t)batch->block_begin * view->code_width;
            column->width = view->code_width;
        }
        if (column->class_of != NULL)
            deal(column, batch->block_begin, row_count, words);
    }
}

/* ---- trees ---- */

static inline uint32_t
leaf_passes(struct rc_batch *batch, struct rc_batch_leaf *leaf, uint32_t row)
{
    if (leaf->column == NULL)
        return 0;
    const uint32_t code = code_of(leaf->column, row);
    const uint32_t known = code == RC_CODE_NONE ? 0 : leaf->answers.table[code];
    return known == RC_ANSWER_UNKNOWN ? rc_match_answers_ask(&batch->match, &leaf->answers, code)
                                      : known;
}

static bool
row_passes(struct rc_batch *batch,
           const struct rc_batch_tree *tree,
           const struct rc_match_node *node,
           uint32_t row)
{
    switch (node->kind) {
    case RC_PREDICATE_TRUE:
        return true;
    case RC_PREDICATE_LEAF:
        return leaf_passes(batch, tree->leaves[node->index], row) != 0;
    case RC_PREDICATE_NOT:
        return !row_passes(batch, tree, node->children[0], row);
    default:
        break;
    }
    const bool all_of = node->kind == RC_PREDICATE_ALL_OF;
    for (uint32_t i = 0; i < node->child_count; i++)
        if (row_passes(batch, tree, node->children[i], row) != all_of)
            return !all_of;
    return all_of;
}

/* Keeps those of some rows that pass; how many. */
static uint32_t
narrow(struct rc_batch *batch,
       const struct rc_batch_tree *tree,
       const struct rc_match_node *node,
       uint16_t *rows,
       uint32_t count)
{
    uint32_t kept = 0;
    if (node->kind == RC_PREDICATE_ALL_OF) {
        for (uint32_t i = 0; i < node->child_count && count > 0; i++)
            count = narrow(batch, tree, node->children[i], rows, count);
        return count;
    }
    if (node->kind == RC_PREDICATE_LEAF) {
        struct rc_batch_leaf *leaf = tree->leaves[node->index];
        if (tree->driver_count == 1 && tree->drivers[0] == leaf)
            return count; /* They are its rows. */
        for (uint32_t i = 0; i < count; i++) {
            const uint16_t row = rows[i];
            rows[kept] = row;
            kept += leaf_passes(batch, leaf, row);
        }
        return kept;
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint16_t row = rows[i];
        rows[kept] = row;
        kept += row_passes(batch, tree, node, row);
    }
    return kept;
}

/* Appends one block of a tree. words: of the block, all zero, and zero again after. */
static enum rc_status
append_block(struct rc_batch *batch, struct rc_batch_tree *tree, uint16_t *rows, uint64_t *words)
{
    uint32_t total = 0;
    for (uint32_t d = 0; d < tree->driver_count; d++) {
        const struct rc_batch_leaf *driver = tree->drivers[d];
        const struct rc_batch_column *column = driver->column;
        uint32_t count = 0;
        for (uint32_t i = 0; i < driver->class_count; i++) {
            const uint32_t begin = column->starts[driver->classes[i]];
            const uint32_t end = column->starts[driver->classes[i] + 1];
            memcpy(rows + count, column->rows + begin, (end - begin) * sizeof(*rows));
            count += end - begin;
        }
        count = narrow(batch, tree, tree->tree->root, rows, count);
        if (tree->driver_count == 1 && driver->class_count == 1) { /* In order already. */
            RC_TRY(batch->match.leaf_scratch.status);
            return rc_rowset_builder_append_rows(tree->builder, rows, count);
        }
        for (uint32_t i = 0; i < count; i++)
            words[rows[i] / 64] |= (uint64_t)1 << (rows[i] % 64);
        total += count;
    }
    RC_TRY(batch->match.leaf_scratch.status);
    RC_TRY(rc_rowset_builder_append(tree->builder, total == 0 ? NULL : words));
    if (total > 0)
        memset(words, 0, RC_BLOCK_WORDS * sizeof(*words));
    return RC_OK;
}

enum rc_status
rc_batch_rows(struct rc_batch *batch)
{
    struct rc_slab_match *match = &batch->match;
    uint64_t *words = RC_ARENA_ARRAY(match->arena, uint64_t, RC_BLOCK_WORDS);
    uint16_t *rows = rc_arena_alloc(match->arena, RC_BLOCK_ROWS * sizeof(*rows));
    if (words == NULL || rows == NULL)
        return RC_NO_MEMORY;
    bool any = false;
    for (uint32_t i = 0; i < batch->tree_count; i++) {
        any |= batch->trees[i].driven;
        if (batch->trees[i].driven)
            RC_TRY(rc_rowset_builder_new(match->row_count, rc_match_cache_account(match->cache),
                                         &batch->trees[i].builder));
    }
    for (uint32_t i = 0; any && i < batch->column_count; i++)
        RC_TRY(open_column(batch, batch->columns[i]));
    while (any && batch->block_begin < match->row_count) {
        const uint32_t left = match->row_count - batch->block_begin;
        const uint32_t row_count = left < RC_BLOCK_ROWS ? left : RC_BLOCK_ROWS;
        open_block(batch, row_count, words);
        memset(words, 0, RC_BLOCK_WORDS * sizeof(*words));
        for (uint32_t i = 0; i < batch->tree_count; i++) {
            if (i % TREES_BETWEEN_LOOKS == 0 && rc_slab_match_cancelled(match))
                return RC_CANCELLED;
            if (batch->trees[i].driven)
                RC_TRY(append_block(batch, &batch->trees[i], rows, words));
        }
        batch->block_begin += row_count;
    }
    return RC_OK;
}
