/*
 * Person page: the least rows + 1 ids above the place to go on from, in a heap with the greatest of
 * them at the root; so a page of a large set costs one look a person.
 */
#include "engine/query/list/person_page.h"

#include "engine/query/list/shown_id.h"

enum rc_status
rc_person_page(const struct rc_query_context *context,
               const uint64_t *persons,
               struct rc_bytes after,
               uint32_t rows,
               struct rc_person_page *ret_page)
{
    const uint32_t capacity = rows + 1;
    const size_t word_count = (size_t)rc_view_user_count(context->view) / 64 + 1;
    struct rc_arena *arena = context->arena;
    struct rc_paged_person *heap = RC_ARENA_ARRAY(arena, struct rc_paged_person, capacity);
    if (heap == NULL)
        return RC_NO_MEMORY;
    uint32_t count = 0;
    for (size_t word = 0; word < word_count; word++) {
        if (word % 16 == 0 && context->cancel != NULL &&
            atomic_load_explicit(context->cancel, memory_order_relaxed))
            return RC_CANCELLED;
        for (uint64_t bits = persons[word]; bits != 0; bits &= bits - 1) {
            const uint32_t person = (uint32_t)word * 64 + (uint32_t)__builtin_ctzll(bits);
            struct rc_bytes id;
            RC_TRY(rc_shown_id(context, person, &id));
            if (after.size > 0 && rc_bytes_compare(id, after) <= 0)
                continue;
            if (count < capacity) {
                heap[count] = (struct rc_paged_person){.id = id, .person = person};
                rc_person_heap_up(heap, count++, RC_PERSON_HEAP_GREATEST);
            } else if (rc_bytes_compare(id, heap[0].id) < 0) {
                heap[0] = (struct rc_paged_person){.id = id, .person = person};
                rc_person_heap_down(heap, count, 0, RC_PERSON_HEAP_GREATEST);
            }
        }
    }
    for (uint32_t left = count; left > 1; left--) {
        const struct rc_paged_person greatest = heap[0];
        heap[0] = heap[left - 1];
        heap[left - 1] = greatest;
        rc_person_heap_down(heap, left - 1, 0, RC_PERSON_HEAP_GREATEST);
    }
    const bool more = count == capacity;
    count = more ? rows : count;
    for (uint32_t i = 0; i < count; i++) {
        heap[i].id.data = rc_arena_copy(arena, heap[i].id.data, heap[i].id.size);
        if (heap[i].id.data == NULL)
            return RC_NO_MEMORY;
    }
    *ret_page = (struct rc_person_page){.count = count, .persons = heap, .more = more};
    return RC_OK;
}
