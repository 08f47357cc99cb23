/*
 * Text merge: a heap of the inputs' cursors by the text that each is at. With one input nothing is
 * compared. A text that is equal to the last one put is the same text from another input.
 */
#include "engine/store/builder/text_merge.h"

#include "engine/base/assert.h"
#include "engine/store/builder/build_source.h"

#define CANCEL_TEXTS 4096u

/* The cursors of inputs that have texts left; the least first. */
struct heap {
    struct rc_text_cursor *cursors; /* By input. */
    uint32_t *inputs;
    uint32_t count;
    uint32_t input_count;
};

static bool
is_below(const struct heap *heap, uint32_t a, uint32_t b)
{
    return rc_bytes_compare(heap->cursors[heap->inputs[a]].key,
                            heap->cursors[heap->inputs[b]].key) < 0;
}

static void
sift_down(struct heap *heap, uint32_t at)
{
    for (;;) {
        uint32_t child = at * 2 + 1;
        if (child >= heap->count)
            return;
        if (child + 1 < heap->count && is_below(heap, child + 1, child))
            child++;
        if (!is_below(heap, child, at))
            return;
        const uint32_t input = heap->inputs[at];
        heap->inputs[at] = heap->inputs[child];
        heap->inputs[child] = input;
        at = child;
    }
}

static void
heap_close(struct heap *heap)
{
    for (uint32_t i = 0; i < heap->input_count; i++)
        rc_text_cursor_close(&heap->cursors[i]);
}

static enum rc_status
heap_open(const struct rc_text_merge *merge, struct rc_account *account, struct heap *heap)
{
    struct rc_text_cursor *cursors =
        RC_ARENA_ARRAY(merge->scratch, struct rc_text_cursor, merge->input_count);
    heap->inputs = RC_ARENA_ARRAY(merge->scratch, uint32_t, merge->input_count);
    if (cursors == NULL || heap->inputs == NULL)
        return RC_NO_MEMORY;
    heap->cursors = cursors;
    heap->input_count = merge->input_count;
    for (uint32_t i = 0; i < merge->input_count; i++) {
        if (merge->inputs[i].view.texts.count == 0)
            continue;
        rc_text_cursor_open(&cursors[i], &merge->inputs[i].view.texts, account);
        RC_TRY(rc_text_cursor_next(&cursors[i]));
        heap->inputs[heap->count++] = i;
    }
    for (uint32_t i = heap->count / 2; i-- > 0;)
        sift_down(heap, i);
    return RC_OK;
}

static enum rc_status
heap_step(struct heap *heap)
{
    const enum rc_status status = rc_text_cursor_next(&heap->cursors[heap->inputs[0]]);
    if (status == RC_NOT_FOUND)
        heap->inputs[0] = heap->inputs[--heap->count];
    else
        RC_TRY(status);
    sift_down(heap, 0);
    return RC_OK;
}

/* The new code of the text that the least cursor is at. */
static uint32_t *
least_code(const struct rc_text_merge *merge, const struct heap *heap)
{
    const struct rc_column_input *input = &merge->inputs[heap->inputs[0]];
    const uint32_t number = heap->cursors[heap->inputs[0]].number;
    return &input->new_codes[input->view.dictionary_count + number];
}

enum rc_status
rc_text_merge_number(const struct rc_text_merge *merge,
                     uint32_t first_code,
                     struct rc_text_writer *writer)
{
    RC_CLEANUP(heap_close) struct heap heap = {0};
    RC_TRY(heap_open(merge, writer->account, &heap));
    for (uint32_t steps = 0; heap.count > 0; steps++) {
        const struct rc_bytes key = heap.cursors[heap.inputs[0]].key;
        if (steps % CANCEL_TEXTS == 0 && rc_build_cancelled(merge->cancel))
            return RC_CANCELLED;
        if (!rc_text_writer_is_last(writer, key))
            RC_TRY(rc_text_writer_put(writer, key));
        *least_code(merge, &heap) = first_code + writer->count - 1;
        RC_TRY(heap_step(&heap));
    }
    return RC_OK;
}

enum rc_status
rc_text_merge_kept(const struct rc_text_merge *merge, struct rc_text_writer *writer)
{
    RC_CLEANUP(heap_close) struct heap heap = {0};
    RC_TRY(heap_open(merge, writer->account, &heap));
    for (uint32_t steps = 0; heap.count > 0; steps++) {
        const struct rc_bytes key = heap.cursors[heap.inputs[0]].key;
        if (steps % CANCEL_TEXTS == 0 && rc_build_cancelled(merge->cancel))
            return RC_CANCELLED;
        if (*least_code(merge, &heap) != 0 && !rc_text_writer_is_last(writer, key))
            RC_TRY(rc_text_writer_put(writer, key));
        RC_TRY(heap_step(&heap));
    }
    return RC_OK;
}
