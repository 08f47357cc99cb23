/*
 * Dictionary merge: a heap of each input's next cell. With one input, which is every seal, the heap
 * is one item and there is nothing to sift.
 */
#include "engine/store/builder/dictionary_merge.h"

#include <stdbool.h>

#include "engine/base/assert.h"

struct head {
    rc_cell cell;
    uint32_t input;
    uint32_t code; /* Of cell in the input. */
};

static void
sift_down(struct head *heads, uint32_t count, uint32_t at)
{
    const struct head item = heads[at];
    for (;;) {
        uint32_t child = at * 2 + 1;
        if (child >= count)
            break;
        if (child + 1 < count && heads[child + 1].cell < heads[child].cell)
            child++;
        if (heads[child].cell >= item.cell)
            break;
        heads[at] = heads[child];
        at = child;
    }
    heads[at] = item;
}

static void
merge_heads(struct rc_column_input *inputs,
            struct head *heads,
            uint32_t head_count,
            struct rc_merged_cells *merged)
{
    for (uint32_t i = head_count / 2; i-- > 0;)
        sift_down(heads, head_count, i);
    while (head_count > 0) {
        struct head *least = &heads[0];
        struct rc_column_input *input = &inputs[least->input];
        const bool known =
            merged->cell_count > 0 && merged->cells[merged->cell_count - 1] == least->cell;
        if (!known)
            merged->cells[merged->cell_count++] = least->cell;
        input->new_codes[least->code++] = merged->cell_count;
        if (least->code < input->view.dictionary_count)
            least->cell = input->view.dictionary[least->code];
        else
            heads[0] = heads[--head_count];
        if (head_count > 0)
            sift_down(heads, head_count, 0);
    }
}

enum rc_status
rc_dictionary_merge(struct rc_column_input *inputs,
                    uint32_t input_count,
                    struct rc_arena *arena,
                    struct rc_merged_cells *ret_merged)
{
    struct head *heads = RC_ARENA_ARRAY(arena, struct head, input_count);
    if (heads == NULL)
        return RC_NO_MEMORY;
    uint32_t head_count = 0;
    uint64_t total = 0;
    for (uint32_t i = 0; i < input_count; i++) {
        const struct rc_column_view *view = &inputs[i].view;
        const size_t code_bound = rc_column_code_bound(view);
        if (code_bound == 0)
            continue;
        inputs[i].new_codes = rc_arena_alloc(arena, code_bound * sizeof(uint32_t));
        if (inputs[i].new_codes == NULL)
            return RC_NO_MEMORY;
        const uint32_t first = rc_column_has_null(view) ? 1 : 0;
        inputs[i].new_codes[0] = 0;
        total += view->dictionary_count;
        if (first < view->dictionary_count)
            heads[head_count++] =
                (struct head){.cell = view->dictionary[first], .input = i, .code = first};
    }
    *ret_merged = (struct rc_merged_cells){.cells = rc_arena_alloc(arena, total * sizeof(rc_cell))};
    if (ret_merged->cells == NULL)
        return RC_NO_MEMORY;
    merge_heads(inputs, heads, head_count, ret_merged);
    return RC_OK;
}

enum rc_status
rc_dictionary_compact(struct rc_column_input *inputs,
                      uint32_t input_count,
                      const uint8_t *used,
                      struct rc_arena *arena,
                      struct rc_merged_cells *merged)
{
    const uint32_t code_max = merged->cell_count + merged->text_count;
    uint32_t *renumbered = RC_ARENA_ARRAY(arena, uint32_t, (size_t)code_max + 1);
    if (renumbered == NULL)
        return RC_NO_MEMORY;
    uint32_t kept = 0;
    uint32_t kept_cells = 0;
    for (uint32_t code = 1; code <= code_max; code++) {
        if (used[code] == 0)
            continue;
        if (code <= merged->cell_count)
            merged->cells[kept_cells++] = merged->cells[code - 1];
        renumbered[code] = ++kept;
    }
    merged->cell_count = kept_cells;
    merged->text_count = kept - kept_cells;
    for (uint32_t i = 0; i < input_count; i++) {
        const uint32_t code_bound = rc_column_code_bound(&inputs[i].view);
        for (uint32_t code = 0; code < code_bound; code++)
            inputs[i].new_codes[code] = renumbered[inputs[i].new_codes[code]];
    }
    return RC_OK;
}
