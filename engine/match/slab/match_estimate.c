/*
 * Match estimate. Every node gives its share of the rows and the work of both ways; a list adds its
 * children up as match_slab.c will evaluate them: in the order of rank, each child after the first
 * at most once a row that is left.
 *
 * What a leaf passes is known, from best to worst: by its bitmap in this slab; by the rows that
 * earlier evaluations of the leaf counted, and if none did by rows at equal distances, whose
 * strings are tested then and not later; by the entries of the slab's dictionary, as far as they
 * were tested; by the kind of its test. Shares are taken as independent of each other, which is
 * wrong in the usual way: EXPLAIN shows by how much.
 *
 * Of a list that child comes first about which least is to be asked, as in match_slab_plan.c.
 * Leaves behind it in an AND are lazy there: they are asked about strings of rows that are left.
 */
#include "engine/match/slab/match_estimate.h"

#include <math.h>

#include "engine/base/assert.h"
#include "engine/match/costs.h"
#include "engine/match/rows/scan.h"
#include "engine/match/slab/match_slab.h"

/* Entries of a dictionary that are looked at; of a larger one, so many at even distances. */
#define CELLS_SAMPLED 64u

/* Rows that are looked at of a leaf that nobody has counted yet: of a share of a tenth they say it
 * to a quarter. */
#define ROWS_SAMPLED 128u

/* Strings that are tested for that are not longer: an expression may be slow. */
#define SAMPLED_BYTES_MAX 256u

/* Texts that are decoded for one that is asked about alone. */
#define TEXTS_A_SEEK 16u

/* Below this depth a tree is taken as one test of every row: the planner's time is bounded. */
#define NODES_ESTIMATED 64u

/* A row of a formula's column is made in the time of so many codes that are looked up. */
#define LOOKED_UP_A_FORMULA 2u

struct estimating {
    struct rc_match_cache *cache;
    const struct rc_slab *slab;
    uint64_t slab_id;
    double rows;
    uint64_t block_words; /* Of all blocks. */
    struct rc_leaf_scratch scratch;
};

struct node_estimate {
    double share; /* 0 .. 1. */
    bool none;    /* Certainly. */
    bool has_bitmap;
    bool plain; /* A leaf over a plain column: refined where few rows are left. */
    bool lazy;  /* A leaf that is not asked about all strings where an AND leaves few rows. */
    struct rc_match_work scan;
    struct rc_match_work postings;
};

/* The share that the kind of test lets expect. */
static double
share_of_kind(const struct rc_leaf *leaf, const struct rc_column_view *column)
{
    const double bound = rc_column_code_bound(column) > 0 ? rc_column_code_bound(column) : 1;
    switch (leaf->operator) {
    case RC_LEAF_IN:
        return leaf->value_count < bound ? leaf->value_count / bound : 1;
    case RC_LEAF_IS_SET:
        return rc_column_has_null(column) ? 0.5 : 1;
    case RC_LEAF_BETWEEN:
        return 0.25;
    case RC_LEAF_LESS:
    case RC_LEAF_LESS_EQUAL:
    case RC_LEAF_GREATER:
    case RC_LEAF_GREATER_EQUAL:
        return 1 / 3.0;
    case RC_LEAF_CONTAINS:
    case RC_LEAF_STARTS_WITH:
    case RC_LEAF_ENDS_WITH:
    case RC_LEAF_LIKE:
    case RC_LEAF_REGEX:
    case RC_LEAF_CSS:
        break;
    }
    return 0.1;
}

/* What the tested entries of the dictionary say. */
struct tested {
    uint32_t looked_at;
    uint32_t known;
    uint32_t passed;
};

static struct tested
look_at_cells(const struct rc_match_node *node,
              const struct rc_column_view *column,
              struct rc_leaf_scratch *scratch)
{
    struct tested tested = {0};
    struct rc_leaf_codes *codes = rc_match_leaf_codes(node->leaf);
    const uint32_t count = column->dictionary_count;
    const uint32_t step = count <= CELLS_SAMPLED ? 1 : count / CELLS_SAMPLED;
    /* Equality is tested in the time that it takes to say that it was not yet. */
    const bool tests =
        scratch != NULL && node->source->operator== RC_LEAF_IN && count <= CELLS_SAMPLED;
    for (uint32_t i = 0; i < count && tested.looked_at < CELLS_SAMPLED; i += step) {
        bool passes = false;
        tested.looked_at++;
        if (tests)
            passes = rc_leaf_codes_cell(codes, node->dictionary, column->dictionary[i], scratch);
        else if (!rc_leaf_codes_known(codes, column->dictionary[i], &passes))
            continue;
        tested.known++;
        tested.passed += passes;
    }
    return tested;
}

static double
leaf_share(const struct rc_match_node *node,
           const struct rc_column_view *column,
           double present,
           const struct tested *tested)
{
    double share;
    if (rc_leaf_codes_share(rc_match_leaf_codes(node->leaf), &share))
        return share;
    if (tested->known > 0 && tested->known == tested->looked_at && tested->passed > 0 &&
        column->texts.count == 0)
        return present * tested->passed / tested->known;
    return present * share_of_kind(node->source, column);
}

/* Whether a cell's value passes, if that is known or soon told. */
static bool
tell_cell(const struct rc_match_node *node,
          rc_cell cell,
          struct rc_leaf_scratch *scratch,
          bool *ret_passes)
{
    if (rc_leaf_codes_known(rc_match_leaf_codes(node->leaf), cell, ret_passes))
        return true;
    if (rc_cell_kind_of(cell) == RC_CELL_CODE &&
        rc_dictionary_key(node->dictionary, rc_cell_code(cell)).size > SAMPLED_BYTES_MAX)
        return false;
    *ret_passes = rc_match_node_cell(node, cell, scratch);
    return scratch->status == RC_OK;
}

/* Counts a leaf that was not counted before over some rows. Texts are not decoded for it: where
 * most rows have one, nothing is said. */
static void
sample_rows(struct estimating *at,
            const struct rc_match_node *node,
            const struct rc_column_view *column)
{
    const uint32_t rows = (uint32_t)at->rows;
    const uint32_t step = rows / ROWS_SAMPLED + 1;
    struct rc_leaf_codes *codes = rc_match_leaf_codes(node->leaf);
    uint32_t looked_at = 0;
    uint32_t told = 0;
    uint32_t passed = 0;
    double share;
    if (rc_leaf_codes_share(codes, &share) || column->texts.count > column->dictionary_count)
        return;
    for (uint32_t row = step / 2; row < rows; row += step) {
        const uint32_t code = rc_column_code(column, row);
        bool passes = false;
        looked_at++;
        if (code == RC_CODE_NONE) {
            told++;
        } else if (code < column->dictionary_count &&
                   tell_cell(node, column->dictionary[code], &at->scratch, &passes)) {
            told++;
            passed += passes;
        }
    }
    if (told > looked_at / 2)
        rc_leaf_codes_count(codes, told, passed);
}

double
rc_match_leaf_share(const struct rc_match_node *node, const struct rc_column_view *column)
{
    const struct tested tested = look_at_cells(node, column, NULL);
    return leaf_share(node, column, 1, &tested);
}

/* Texts that are decoded: none where the leaf says by searching where its values stand. */
static uint64_t
texts_tested(const struct rc_leaf *leaf, const struct rc_column_view *column)
{
    const uint64_t count = column->texts.count;
    uint64_t searched = 32;
    if (count == 0 || leaf->operator== RC_LEAF_IS_SET)
        return 0;
    if (leaf->derivation != NULL)
        return count;
    if (leaf->operator== RC_LEAF_IN && !leaf->ignore_case)
        searched = 16 * (uint64_t)leaf->value_count;
    else if (leaf->operator!= RC_LEAF_STARTS_WITH || leaf->ignore_case)
        return count;
    return searched < count ? searched : count;
}

static void
column_work(const struct estimating *at,
            const struct rc_leaf *leaf,
            const struct rc_column_view *column,
            struct rc_match_work *work)
{
    const uint64_t rows = column->code_count;
    work->words = at->block_words;
    if (rc_column_form_is_marked(column->form))
        work->words *= 2; /* Codes are compared, and what was found is spread. */
    if (!rc_scan_is_compared(column)) {
        work->runs = rows;
        work->bytes = rows * (column->code_width + 4);
        return;
    }
    const bool ranges = leaf->operator<= RC_LEAF_IS_SET && leaf->value_count <= 8;
    work->bytes = rows * column->code_width;
    if (ranges)
        work->compared =
            work->bytes *
            (leaf->value_count > 1 && leaf->operator== RC_LEAF_IN ? leaf->value_count : 1);
    else
        work->looked_up = rows;
}

/* A leaf over a column that is kept, or made by looking at each row. */
static void
estimate_made(const struct estimating *at,
              const struct rc_match_node *node,
              struct node_estimate *out)
{
    const bool kept = rc_column_keeper_has(&node->keeper, at->slab_id);
    const bool looks_up = node->made.kind == RC_MADE_FORMULA || node->made.kind == RC_MADE_TEXTS;
    out->scan.words = at->block_words;
    out->scan.bytes = (uint64_t)at->rows * (kept ? 2 : 6);
    out->scan.looked_up = looks_up ? (uint64_t)at->rows * (kept ? 1 : LOOKED_UP_A_FORMULA) : 0;
    out->share = node->made.kind == RC_MADE_IDS ? node->source->value_count / at->rows : 0.1;
}

static void
estimate_leaf(struct estimating *at, const struct rc_match_node *node, struct node_estimate *out)
{
    struct rc_column_view column;
    double counted;
    const bool is_derived =
        node->derived != NULL && rc_column_keeper_has(&node->derived->keeper, at->slab_id);
    if (node->made.kind != RC_MADE_NONE || is_derived) {
        estimate_made(at, is_derived ? node->derived : node, out);
        if (is_derived && rc_leaf_codes_share(rc_match_leaf_codes(node->leaf), &counted))
            out->share = counted;
        out->plain = is_derived;
        return;
    }
    out->none = true;
    if (node->property == RC_PROPERTY_NONE || !rc_slab_column(at->slab, node->property, &column))
        return;
    const struct tested tested = look_at_cells(node, &column, &at->scratch);
    /* A set of texts is sought and asks no other entry (match_answers.h). */
    const bool sought = node->source->operator== RC_LEAF_IN && !node->source->ignore_case &&
                        node->source->value_count<column.dictionary_count;
    out->scan.cells = sought ? node->source->value_count : column.dictionary_count;
    out->scan.bytes = out->scan.cells * sizeof(*column.dictionary);
    if (tested.known == column.dictionary_count && tested.passed == 0 && column.texts.count == 0)
        return;
    const uint64_t unknown = tested.looked_at - tested.known;
    struct rc_match_work work = {0};
    out->none = false;
    out->plain = rc_scan_is_compared(&column);
    out->scan.texts = texts_tested(node->source, &column);
    out->scan.cells_new = tested.looked_at == 0 ? 0 : out->scan.cells * unknown / tested.looked_at;
    column_work(at, node->source, &column, &work);
    rc_match_work_add(&out->scan, &work);
    const double present = rc_column_form_is_sparse(column.form) ? column.code_count / at->rows : 1;
    out->lazy = !sought && rc_column_code_bound(&column) >= rc_match_lazy_codes_min;
    sample_rows(at, node, &column);
    out->share = leaf_share(node, &column, present, &tested);
}

double
rc_match_question_weight(const struct rc_match_node *node, const struct rc_slab *slab)
{
    struct rc_column_view column;
    if (node->kind != RC_PREDICATE_LEAF)
        return (double)UINT32_MAX * 16;
    if (node->made.kind != RC_MADE_NONE)
        return rc_slab_get_info(slab)->row_count;
    if (node->property == RC_PROPERTY_NONE || !rc_slab_column(slab, node->property, &column))
        return 0;
    const double codes = rc_column_code_bound(&column);
    switch (node->source->operator) {
    case RC_LEAF_IN: /* Sought, most often. */
        return codes < node->source->value_count ? codes : node->source->value_count;
    case RC_LEAF_REGEX:
    case RC_LEAF_CSS:
        return codes * 8;
    case RC_LEAF_LIKE:
    case RC_LEAF_CONTAINS:
        return codes * 4;
    default:
        return codes;
    }
}

static void
estimate(struct estimating *at, const struct rc_match_node *node, struct node_estimate *out);

/* Takes away what a lazy leaf is not asked, and the scan of its codes. */
static void
refine(const struct estimating *at, double rows_left, bool lazy, struct rc_match_work *work)
{
    const uint64_t rows = (uint64_t)rows_left;
    work->compared = work->looked_up = work->runs = 0;
    work->words = at->block_words; /* Rows that are left are counted first. */
    work->refined = rows;
    work->bytes = rows * 4;
    if (!lazy)
        return;
    work->cells = 0;
    work->cells_new = rows < work->cells_new ? rows : work->cells_new;
    if (work->texts > rows * TEXTS_A_SEEK)
        work->texts = rows * TEXTS_A_SEEK;
}

/* Adds a child of which only the share left is looked at; is_set: as a bitmap. */
static void
add_child(struct rc_match_work *work,
          const struct rc_match_work *child,
          const struct node_estimate *estimate,
          bool first,
          bool is_set,
          double left,
          const struct estimating *at)
{
    struct rc_match_work part = *child;
    const double rows_left = left * at->rows;
    const double block_left = left * fmin(at->rows, RC_BLOCK_ROWS);
    const double scan_ns =
        RC_COST_COMPARED * (double)child->compared + RC_COST_LOOKED_UP * (double)child->looked_up;
    const bool few = estimate->lazy && block_left <= (estimate->plain ? RC_MATCH_REFINED_LAZY
                                                                      : RC_MATCH_REFINED_SEARCHED);
    const bool refines = !first && !is_set && left < 1;
    if (refines && (few || (estimate->plain && RC_COST_REFINED * rows_left < scan_ns)))
        refine(at, rows_left, few, &part);
    else if (!first)
        part.words += at->block_words;
    rc_match_work_add(work, &part);
}

/* The child about which least is to be asked. */
static uint32_t
first_child(const struct estimating *at, const struct rc_match_node *node)
{
    uint32_t first = 0;
    double least = INFINITY;
    for (uint32_t i = 0; i < node->child_count; i++) {
        const double weight = rc_match_question_weight(node->children[i], at->slab);
        if (weight < least) {
            least = weight;
            first = i;
        }
    }
    return first;
}

static void
estimate_list(struct estimating *at, const struct rc_match_node *node, struct node_estimate *out)
{
    const bool all_of = node->kind == RC_PREDICATE_ALL_OF;
    const uint32_t begin = first_child(at, node);
    double scan_left = 1;
    double least = 1;
    bool first = true;
    out->none = !all_of;
    for (uint32_t i = 0; i < node->child_count; i++) {
        const uint32_t index = i == 0 ? begin : i <= begin ? i - 1 : i;
        struct node_estimate child = {0};
        estimate(at, node->children[index], &child);
        if (all_of && child.none) {
            *out = (struct node_estimate){.none = true, .scan.cells = child.scan.cells};
            return;
        }
        out->none = all_of ? out->none : out->none && child.none;
        if (!all_of && child.none)
            continue;
        /* The most selective comes first where it is no dearer: so it is what the others see. */
        const double left = all_of ? least : 1;
        add_child(&out->scan, &child.scan, &child, first, false, left, at);
        add_child(&out->postings, &child.postings, &child, first, child.has_bitmap, left, at);
        least = child.share < least ? child.share : least;
        out->has_bitmap = out->has_bitmap || child.has_bitmap;
        scan_left *= all_of ? child.share : 1 - child.share;
        first = false;
    }
    out->share = all_of ? scan_left : 1 - scan_left;
}

/* Whether the cache has the node's rows: what they are is then no question. */
static bool
estimate_bitmap(struct estimating *at, const struct rc_match_node *node, struct node_estimate *out)
{
    uint64_t rows = 0;
    uint64_t bytes = 0;
    if (node->index == 0 || node->index >= NODES_ESTIMATED ||
        !rc_match_cache_peek(at->cache, at->slab_id, &node->key, &rows, &bytes))
        return false;
    out->has_bitmap = true;
    out->share = (double)rows / at->rows;
    out->postings.words = rows == 0 || (double)rows >= at->rows ? 0 : at->block_words;
    out->postings.bytes = bytes;
    return true;
}

static void
estimate(struct estimating *at, const struct rc_match_node *node, struct node_estimate *out)
{
    struct node_estimate found = {0};
    const bool has_bitmap = estimate_bitmap(at, node, &found);
    switch (node->kind) {
    case RC_PREDICATE_TRUE:
        out->share = 1;
        out->scan.words = out->postings.words = at->block_words;
        return;
    case RC_PREDICATE_LEAF:
        estimate_leaf(at, node, out);
        out->postings = out->scan;
        break;
    case RC_PREDICATE_NOT:
        estimate(at, node->children[0], out);
        out->share = 1 - out->share;
        out->none = false;
        out->plain = false;
        out->lazy = false;
        out->scan.words += at->block_words;
        out->postings.words += at->block_words;
        break;
    case RC_PREDICATE_ALL_OF:
    case RC_PREDICATE_ANY_OF:
        estimate_list(at, node, out);
        break;
    case RC_PREDICATE_DEFINITION:
    case RC_PREDICATE_FIRST:
        RC_ASSERT(false);
    }
    if (!has_bitmap)
        return;
    out->has_bitmap = true;
    out->share = found.share;
    out->none = found.share == 0;
    out->postings = found.postings;
}

static uint32_t
count_leaves(const struct rc_match_node *node)
{
    uint32_t leaves = node->kind == RC_PREDICATE_LEAF;
    for (uint32_t i = 0; i < node->child_count; i++)
        leaves += count_leaves(node->children[i]);
    return leaves;
}

void
rc_match_estimate(struct rc_match_cache *cache,
                  const struct rc_match_tree *tree,
                  const struct rc_slab *slab,
                  uint64_t slab_id,
                  struct rc_match_estimate *ret_estimate)
{
    const uint32_t rows = rc_slab_get_info(slab)->row_count;
    struct rc_match_estimate found = {.leaves = count_leaves(tree->root)};
    if (rc_slab_is_cold(slab)) { /* Its columns are on disk, and looking at one reads it. */
        found.cold = true;
        found.rows = rows / 10.0;
        found.scan = (struct rc_match_work){.looked_up = rows, .bytes = rows};
        *ret_estimate = found;
        return;
    }
    struct estimating at = {.cache = cache,
                            .slab = slab,
                            .slab_id = slab_id,
                            .rows = rows,
                            .block_words = ((uint64_t)rows + 63) / 64};
    struct node_estimate root = {0};
    estimate(&at, tree->root, &root);
    const bool failed = at.scratch.status != RC_OK;
    rc_leaf_scratch_close(&at.scratch);
    const uint64_t built = (uint64_t)(root.share * rows);
    const uint64_t sparse = root.share * RC_ROWSET_SPARSE_SHARE < 1 ? built : 0;
    found.rows = root.share * rows;
    found.ruled_out = root.none && !failed;
    found.has_postings = root.has_bitmap;
    found.scan = root.scan;
    found.postings = root.postings;
    struct rc_match_work *const ways[] = {&found.scan, &found.postings};
    for (size_t i = 0; i < 2; i++) { /* The result is counted, and listed or copied. */
        ways[i]->words += 2 * at.block_words;
        ways[i]->rows_built += sparse;
        ways[i]->bytes += sparse > 0 ? sparse * 4 : at.block_words * 8;
    }
    *ret_estimate = found;
}
