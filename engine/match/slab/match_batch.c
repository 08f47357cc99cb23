/*
 * Match batch. Three ideas:
 *
 * Every row of a tree is a row of one of its drivers: a leaf of an AND that few rows pass, or one
 * for each alternative of an OR. So a tree needs the rows of its drivers, and asks the rest of
 * itself about these alone.
 *
 * One pass over the codes of a column gives the rows of all drivers in it. Codes that the same
 * drivers let pass are one class; the rows of a block are dealt to classes by counting (postings of
 * a block), and a driver's rows are those of its classes. So a pass costs the same for ten drivers
 * and for ten thousand.
 *
 * What a leaf says of a string is kept by leaf (leaf_codes.h) and a leaf that drives nothing is
 * lazy: a regular expression sees the strings of rows that its drivers let pass.
 *
 * Trees without a driver that few rows pass (a NOT, any click) are scanned one by one: there the
 * rows themselves are the cost, and words beat lists.
 */
#include "engine/match/slab/match_batch.h"

#include "engine/base/assert.h"
#include "engine/match/slab/match_batch_form.h"
#include "engine/match/slab/match_slab.h"

static void
batch_close(struct rc_batch *batch)
{
    for (uint32_t i = 0; i < batch->tree_count; i++)
        rc_rowset_builder_free(batch->trees[i].builder);
    for (uint32_t i = 0; i < batch->leaf_count; i++) {
        rc_match_answers_close(&batch->leaves[i]->answers);
        rc_kept_column_unref(batch->leaves[i]->kept);
    }
    rc_leaf_scratch_close(&batch->match.leaf_scratch);
    batch->match.arena = rc_arena_free(batch->match.arena);
}

static enum rc_status
finish(struct rc_batch *batch, struct rc_rowset **sets)
{
    struct rc_slab_match *match = &batch->match;
    const struct rc_match_order order = {.access = RC_ACCESS_NONE, .keeps_columns = true};
    bool ruled_out = false;
    for (uint32_t i = 0; i < batch->tree_count; i++) {
        struct rc_batch_tree *tree = &batch->trees[i];
        if (tree->driven)
            RC_TRY(rc_rowset_builder_finish(tree->builder, &sets[i]));
        else
            RC_TRY(rc_match_slab(match->cache, tree->tree, match->slab, match->slab_id, &order,
                                 match->cancel, &sets[i], NULL, &ruled_out));
        tree->builder = rc_rowset_builder_free(tree->builder);
    }
    return RC_OK;
}

enum rc_status
rc_match_batch(struct rc_match_cache *cache,
               const struct rc_match_tree *const *trees,
               uint32_t tree_count,
               const struct rc_slab *slab,
               uint64_t slab_id,
               const _Atomic(bool) *cancel,
               struct rc_rowset **ret_sets)
{
    RC_CLEANUP(batch_close)
    struct rc_batch batch = {.match = {.cache = cache,
                                       .slab = slab,
                                       .slab_id = slab_id,
                                       .row_count = rc_slab_get_info(slab)->row_count,
                                       .cancel = cancel,
                                       .keeps_columns = true,
                                       .leaf_scratch = {.cancel = cancel}}};
    batch.match.arena = rc_arena_new(rc_match_cache_account(cache), 0);
    if (batch.match.arena == NULL)
        return RC_NO_MEMORY;
    batch.trees = RC_ARENA_ARRAY(batch.match.arena, struct rc_batch_tree, tree_count);
    if (batch.trees == NULL)
        return RC_NO_MEMORY;
    batch.tree_count = tree_count;
    RC_TRY(rc_batch_plan(&batch, trees));
    RC_TRY(rc_batch_rows(&batch));
    struct rc_rowset **sets = RC_ARENA_ARRAY(batch.match.arena, struct rc_rowset *, tree_count);
    if (sets == NULL)
        return RC_NO_MEMORY;
    const enum rc_status status = finish(&batch, sets);
    for (uint32_t i = 0; i < tree_count; i++) {
        if (status == RC_OK)
            ret_sets[i] = sets[i];
        else
            rc_rowset_unref(sets[i]);
    }
    return status;
}
