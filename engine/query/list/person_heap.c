#include "engine/query/list/person_heap.h"

static void
swap(struct rc_paged_person *a, struct rc_paged_person *b)
{
    const struct rc_paged_person kept = *a;
    *a = *b;
    *b = kept;
}

/* Whether a may be above b. */
static bool
is_above(const struct rc_paged_person *a,
         const struct rc_paged_person *b,
         enum rc_person_heap_root root)
{
    return rc_bytes_compare(a->id, b->id) * (int)root <= 0;
}

void
rc_person_heap_down(struct rc_paged_person *heap,
                    uint32_t count,
                    uint32_t at,
                    enum rc_person_heap_root root)
{
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= count)
            return;
        if (child + 1 < count && !is_above(&heap[child], &heap[child + 1], root))
            child++;
        if (is_above(&heap[at], &heap[child], root))
            return;
        swap(&heap[at], &heap[child]);
        at = child;
    }
}

void
rc_person_heap_up(struct rc_paged_person *heap, uint32_t at, enum rc_person_heap_root root)
{
    while (at > 0 && !is_above(&heap[(at - 1) / 2], &heap[at], root)) {
        swap(&heap[at], &heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}
