/*
 * Sweep memo. The ids of the slabs are kept whole and compared: a wrong guess would free texts that
 * a slab still has. What is being learned lies beside what is known until all of it was read.
 */
#include "engine/store/sweep/sweep_memo.h"

#include <string.h>

#include "engine/base/assert.h"

void
rc_sweep_memo_close(struct rc_sweep_memo *memo)
{
    for (uint32_t i = 0; i < memo->property_count; i++)
        rc_alloc_free(memo->properties[i].bits);
    rc_alloc_free(memo->properties);
    rc_alloc_free(memo->slab_ids);
    *memo = (struct rc_sweep_memo){0};
}

static bool
is_about(const struct rc_sweep_memo *memo, const struct rc_view *view, uint32_t property_count)
{
    uint32_t count = 0;
    uint32_t cold = 0;
    const struct rc_view_slab *slabs = rc_view_slabs(view, &count);
    if (memo->property_count != property_count)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!rc_slab_is_cold(slabs[i].slab))
            continue;
        if (cold == memo->slab_count || memo->slab_ids[cold] != slabs[i].id)
            return false;
        cold++;
    }
    return cold == memo->slab_count;
}

enum rc_status
rc_sweep_memo_open(struct rc_sweep_memo *memo,
                   const struct rc_view *view,
                   uint32_t property_count,
                   struct rc_account *account)
{
    uint32_t count = 0;
    const struct rc_view_slab *slabs = rc_view_slabs(view, &count);
    if (is_about(memo, view, property_count))
        return RC_OK;
    rc_sweep_memo_close(memo);
    memo->slab_ids = rc_alloc_in(account, count * sizeof(memo->slab_ids[0]));
    memo->properties = rc_alloc_in(account, property_count * sizeof(memo->properties[0]));
    if (memo->slab_ids == NULL || memo->properties == NULL) {
        rc_sweep_memo_close(memo);
        return RC_NO_MEMORY;
    }
    memset(memo->properties, 0, property_count * sizeof(memo->properties[0]));
    memo->property_count = property_count;
    for (uint32_t i = 0; i < count; i++)
        if (rc_slab_is_cold(slabs[i].slab))
            memo->slab_ids[memo->slab_count++] = slabs[i].id;
    return RC_OK;
}

void
rc_sweep_mark_cells(const rc_cell *cells, uint32_t count, uint32_t code_count, uint64_t *bits)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t code = rc_cell_code(cells[i]);
        if (rc_cell_kind_of(cells[i]) == RC_CELL_CODE && code < code_count)
            bits[code / 64] |= (uint64_t)1 << (code % 64);
    }
}

/* Reads the columns of one slab, each by itself. */
static enum rc_status
learn_of_slab(struct rc_slab *slab, struct rc_sweep_codes *learned, uint32_t property_count)
{
    enum rc_status status = RC_OK;
    RC_TRY(rc_slab_use(slab, 0, NULL));
    const uint32_t failures = rc_slab_read_failures(slab);
    for (uint32_t i = 0; i < property_count && status == RC_OK; i++) {
        struct rc_column_view column;
        if (learned[i].bits == NULL)
            continue;
        if (rc_slab_column(slab, i, &column))
            rc_sweep_mark_cells(column.dictionary, column.dictionary_count, learned[i].code_count,
                                learned[i].bits);
        else if (rc_slab_read_failures(slab) != failures)
            status = rc_slab_read_error(slab, NULL);
    }
    rc_slab_unuse(slab);
    return status;
}

static enum rc_status
learn(const struct rc_sweep_memo *memo,
      const struct rc_view *view,
      const bool *wanted,
      const uint32_t *code_counts,
      struct rc_account *account,
      struct rc_sweep_codes *learned)
{
    uint32_t count = 0;
    const struct rc_view_slab *slabs = rc_view_slabs(view, &count);
    for (uint32_t i = 0; i < memo->property_count; i++) {
        if (!wanted[i] || memo->properties[i].bits != NULL)
            continue;
        const size_t bytes = ((size_t)code_counts[i] + 63) / 64 * sizeof(uint64_t);
        learned[i].code_count = code_counts[i];
        learned[i].bits = rc_alloc_in(account, bytes);
        if (learned[i].bits == NULL)
            return RC_NO_MEMORY;
        memset(learned[i].bits, 0, bytes);
    }
    for (uint32_t i = 0; i < count; i++)
        if (rc_slab_is_cold(slabs[i].slab))
            RC_TRY(learn_of_slab(slabs[i].slab, learned, memo->property_count));
    return RC_OK;
}

enum rc_status
rc_sweep_memo_learn(struct rc_sweep_memo *memo,
                    const struct rc_view *view,
                    const bool *wanted,
                    const uint32_t *code_counts,
                    struct rc_account *account)
{
    uint32_t open = 0;
    for (uint32_t i = 0; i < memo->property_count; i++)
        open += wanted[i] && memo->properties[i].bits == NULL;
    if (open == 0)
        return RC_OK;
    RC_CLEANUP(rc_alloc_freep)
    struct rc_sweep_codes *learned =
        rc_alloc_in(account, memo->property_count * sizeof(learned[0]));
    if (learned == NULL)
        return RC_NO_MEMORY;
    memset(learned, 0, memo->property_count * sizeof(learned[0]));
    const enum rc_status status = learn(memo, view, wanted, code_counts, account, learned);
    for (uint32_t i = 0; i < memo->property_count; i++) {
        if (status == RC_OK && learned[i].bits != NULL)
            memo->properties[i] = learned[i];
        else
            rc_alloc_free(learned[i].bits);
    }
    return status;
}

void
rc_sweep_memo_mark(const struct rc_sweep_memo *memo,
                   uint32_t property,
                   uint32_t code_count,
                   uint64_t *bits)
{
    const struct rc_sweep_codes *codes = &memo->properties[property];
    RC_ASSERT(property < memo->property_count && codes->bits != NULL);
    const uint32_t common = codes->code_count < code_count ? codes->code_count : code_count;
    for (uint32_t i = 0; i < (common + 63) / 64; i++)
        bits[i] |= codes->bits[i];
}
