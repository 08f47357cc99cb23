/* Property marks. Values are told apart by groups, one property after the other: those of a
 * property with millions of texts take as much memory as all marks. */
#include "engine/query/list/property_marks.h"

#include "engine/match/rows/words.h"
#include "engine/query/split/groups.h"

#define ROW_WORDS (RC_CHUNK_ROWS / 64)

static size_t
words_of(uint32_t bits)
{
    return ((size_t)bits + 63) / 64;
}

static enum rc_status
open_slab(const struct rc_slab *slab, struct rc_arena *arena, struct rc_slab_marks *out)
{
    const uint32_t count = rc_slab_get_info(slab)->column_count;
    out->properties = RC_ARENA_ARRAY(arena, uint32_t, count + 1);
    out->codes = RC_ARENA_ARRAY(arena, uint64_t *, count + 1);
    if (out->properties == NULL || out->codes == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        struct rc_column_view column;
        rc_slab_column_at(slab, i, &column);
        out->properties[i] = column.property;
        out->codes[i] = RC_ARENA_ARRAY(arena, uint64_t, words_of(rc_column_code_bound(&column)));
        if (out->codes[i] == NULL)
            return RC_NO_MEMORY;
    }
    out->column_count = count;
    return RC_OK;
}

enum rc_status
rc_property_marks_open(struct rc_property_marks *marks,
                       const struct rc_plan *plan,
                       struct rc_arena *arena)
{
    uint32_t slab_count;
    uint32_t chunk_count;
    const struct rc_view_slab *slabs = rc_view_slabs(plan->context->view, &slab_count);
    (void)rc_view_chunks(plan->context->view, &chunk_count);
    *marks = (struct rc_property_marks){
        .plan = plan,
        .slabs = RC_ARENA_ARRAY(arena, struct rc_slab_marks, slab_count + 1),
        .rows = RC_ARENA_ARRAY(arena, uint64_t *, chunk_count + 1)};
    if (marks->slabs == NULL || marks->rows == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < plan->slab_count; i++) {
        const uint32_t index = plan->slabs[i].index;
        RC_TRY(open_slab(slabs[index].slab, arena, &marks->slabs[index]));
    }
    for (uint32_t i = 0; i < chunk_count; i++) {
        marks->rows[i] = RC_ARENA_ARRAY(arena, uint64_t, ROW_WORDS);
        if (marks->rows[i] == NULL)
            return RC_NO_MEMORY;
    }
    return RC_OK;
}

void
rc_property_marks_join(struct rc_property_marks *marks, const struct rc_property_marks *more)
{
    uint32_t count;
    const struct rc_plan *plan = marks->plan;
    const struct rc_view_slab *slabs = rc_view_slabs(plan->context->view, &count);
    for (uint32_t i = 0; i < plan->slab_count; i++) {
        const uint32_t index = plan->slabs[i].index;
        for (uint32_t k = 0; k < marks->slabs[index].column_count; k++) {
            struct rc_column_view column;
            rc_slab_column_at(slabs[index].slab, k, &column);
            for (size_t word = 0; word < words_of(rc_column_code_bound(&column)); word++)
                marks->slabs[index].codes[k][word] |= more->slabs[index].codes[k][word];
        }
    }
    (void)rc_view_chunks(plan->context->view, &count);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t word = 0; word < ROW_WORDS; word++)
            marks->rows[i][word] |= more->rows[i][word];
}

static void
mark_set(const struct rc_groups *groups, const uint32_t *set, uint64_t *seen)
{
    uint32_t count;
    const uint32_t *list = rc_groups_list(groups, set, &count);
    for (uint32_t i = 0; i < count; i++)
        rc_mark(seen, list[i]);
}

static void
mark_slab(const struct rc_property_marks *marks,
          const struct rc_groups *groups,
          uint32_t index,
          uint64_t *seen)
{
    const struct rc_column_view *column;
    const struct rc_slab_marks *slab = &marks->slabs[index];
    const uint32_t *sets = rc_groups_of_slab(groups, index, &column);
    for (uint32_t k = 0; sets != NULL && k < slab->column_count; k++) {
        if (slab->properties[k] != column->property)
            continue;
        for (size_t word = 0; word < words_of(rc_column_code_bound(column)); word++)
            for (uint64_t bits = slab->codes[k][word]; bits != 0; bits &= bits - 1)
                mark_set(groups, &sets[word * 64 + (uint32_t)__builtin_ctzll(bits)], seen);
    }
}

static void
mark_chunk(const struct rc_property_marks *marks,
           const struct rc_groups *groups,
           uint32_t index,
           uint64_t *seen)
{
    for (uint32_t word = 0; word < ROW_WORDS; word++) {
        for (uint64_t bits = marks->rows[index][word]; bits != 0; bits &= bits - 1) {
            const struct rc_hit hit = {.source = RC_SOURCE_CHUNK | index,
                                       .row = word * 64 + (uint32_t)__builtin_ctzll(bits)};
            const uint32_t set = rc_groups_of(groups, 0, &hit);
            mark_set(groups, &set, seen);
        }
    }
}

enum rc_status
rc_property_marks_distinct(const struct rc_property_marks *marks,
                           struct rc_bytes name,
                           uint64_t *ret_count)
{
    uint32_t chunk_count;
    const struct rc_plan *plan = marks->plan;
    const struct rc_breakdown breakdown = {.scope = RC_LEAF_EVENT, .property = name};
    RC_CLEANUP(rc_groups_freep) struct rc_groups *groups = NULL;
    RC_TRY(rc_groups_new(plan, &breakdown, INT64_MAX, &groups, NULL));
    const uint32_t word_count = (uint32_t)words_of(rc_groups_count(groups));
    RC_CLEANUP(rc_alloc_freep)
    uint64_t *seen = rc_alloc_in(plan->context->account, word_count * sizeof(*seen));
    if (seen == NULL)
        return RC_NO_MEMORY;
    memset(seen, 0, word_count * sizeof(*seen));
    (void)rc_view_chunks(plan->context->view, &chunk_count);
    for (uint32_t i = 0; i < plan->slab_count; i++)
        mark_slab(marks, groups, plan->slabs[i].index, seen);
    for (uint32_t i = 0; i < chunk_count; i++)
        mark_chunk(marks, groups, i, seen);
    *ret_count = rc_words_count(seen, word_count) - rc_words_has(seen, RC_GROUP_NULL);
    return RC_OK;
}
