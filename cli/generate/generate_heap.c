/* A binary heap in an array: the children of entry i are 2i + 1 and 2i + 2 and are not less. */
#include "cli/generate/generate_heap.h"

#include <stdbool.h>

#include "engine/base/alloc.h"
#include "engine/base/assert.h"

static bool
entry_less(const struct rc_heap_entry *a, const struct rc_heap_entry *b)
{
    return a->time_ms != b->time_ms ? a->time_ms < b->time_ms : a->order < b->order;
}

static void
sift_down(struct rc_heap *heap)
{
    const struct rc_heap_entry moved = heap->entries[0];
    size_t at = 0;
    for (size_t child = 1; child < heap->count; child = 2 * at + 1) {
        if (child + 1 < heap->count && entry_less(&heap->entries[child + 1], &heap->entries[child]))
            child++;
        if (!entry_less(&heap->entries[child], &moved))
            break;
        heap->entries[at] = heap->entries[child];
        at = child;
    }
    heap->entries[at] = moved;
}

void
rc_heap_close(struct rc_heap *heap)
{
    heap->entries = rc_alloc_free(heap->entries);
    heap->count = 0;
    heap->capacity = 0;
}

enum rc_status
rc_heap_push(struct rc_heap *heap, struct rc_heap_entry entry)
{
    RC_TRY(RC_GROW(heap->entries, heap->capacity, heap->count + 1));
    size_t at = heap->count++;
    while (at > 0 && entry_less(&entry, &heap->entries[(at - 1) / 2])) {
        heap->entries[at] = heap->entries[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap->entries[at] = entry;
    return RC_OK;
}

struct rc_heap_entry
rc_heap_pop(struct rc_heap *heap)
{
    RC_ASSERT(heap->count > 0);
    const struct rc_heap_entry first = heap->entries[0];
    heap->entries[0] = heap->entries[--heap->count];
    if (heap->count > 0)
        sift_down(heap);
    return first;
}

void
rc_heap_delay_first(struct rc_heap *heap, int64_t time_ms)
{
    RC_ASSERT(heap->count > 0 && time_ms >= heap->entries[0].time_ms);
    heap->entries[0].time_ms = time_ms;
    sift_down(heap);
}
