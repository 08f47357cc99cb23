/*
 * The segment query: how many persons, and a page of them by the bytes of the ids under which they
 * are shown.
 *
 * A page is the least page_rows + 1 ids above the place to go on from: a heap with the greatest of
 * them at the root, so a page of a large segment costs one look a person.
 */
#include <stdlib.h>

#include "engine/base/limits.h"
#include "engine/query/query.h"
#include "engine/query/scope.h"
#include "engine/query/segment_persons.h"

static uint64_t
count_bits(const uint64_t *words, size_t word_count)
{
    uint64_t count = 0;
    for (size_t word = 0; word < word_count; word++)
        count += (uint64_t)__builtin_popcountll(words[word]);
    return count;
}

static void
swap(struct rc_bytes *a, struct rc_bytes *b)
{
    const struct rc_bytes kept = *a;
    *a = *b;
    *b = kept;
}

static void
heap_down(struct rc_bytes *heap, uint32_t count, uint32_t at)
{
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= count)
            return;
        if (child + 1 < count && rc_bytes_compare(heap[child], heap[child + 1]) < 0)
            child++;
        if (rc_bytes_compare(heap[at], heap[child]) >= 0)
            return;
        swap(&heap[at], &heap[child]);
        at = child;
    }
}

static void
heap_up(struct rc_bytes *heap, uint32_t at)
{
    while (at > 0 && rc_bytes_compare(heap[at], heap[(at - 1) / 2]) > 0) {
        swap(&heap[at], &heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

static enum rc_status
list_ids(const struct rc_query_context *context,
         const struct rc_segment_request *request,
         const uint64_t *persons,
         struct rc_segment_reply *reply)
{
    const uint32_t capacity = request->page_rows + 1;
    const size_t word_count = (size_t)rc_view_user_count(context->view) / 64 + 1;
    struct rc_bytes *heap = RC_ARENA_ARRAY(context->arena, struct rc_bytes, capacity);
    if (heap == NULL)
        return RC_NO_MEMORY;
    uint32_t count = 0;
    for (size_t word = 0; word < word_count; word++) {
        for (uint64_t bits = persons[word]; bits != 0; bits &= bits - 1) {
            const uint32_t person = (uint32_t)word * 64 + (uint32_t)__builtin_ctzll(bits);
            const struct rc_bytes id = rc_view_person_id(context->view, person);
            if (request->after.size > 0 && rc_bytes_compare(id, request->after) <= 0)
                continue;
            if (count < capacity) {
                heap[count] = id;
                heap_up(heap, count++);
            } else if (rc_bytes_compare(id, heap[0]) < 0) {
                heap[0] = id;
                heap_down(heap, count, 0);
            }
        }
    }
    for (uint32_t left = count; left > 1; left--) {
        swap(&heap[0], &heap[left - 1]);
        heap_down(heap, left - 1, 0);
    }
    reply->more = count == capacity;
    reply->id_count = reply->more ? request->page_rows : count;
    reply->ids = heap;
    /* Ids live as long as the view; the reply may live longer. */
    for (uint32_t i = 0; i < reply->id_count; i++) {
        heap[i].data = rc_arena_copy(context->arena, heap[i].data, heap[i].size);
        if (heap[i].data == NULL)
            return RC_NO_MEMORY;
    }
    return RC_OK;
}

enum rc_status
rc_query_segment(const struct rc_query_context *context,
                 const struct rc_segment_request *request,
                 struct rc_segment_reply *ret_reply,
                 struct rc_error *reterr_error)
{
    struct rc_calendar calendar;
    struct rc_segment_reply reply = {.stats.data_version = rc_view_data_version(context->view)};
    const uint64_t *persons;
    const uint64_t *known;
    /* A segment has no range; the scope's other checks are the same. */
    const struct rc_scope scope = {
        .start_ms = 0, .end_ms = 1, .as_of_ms = request->as_of_ms, .zone = request->zone};
    static const struct rc_segment everybody = {.kind = RC_SEGMENT_ALL_OF};
    RC_TRY(rc_scope_check(&scope, &calendar, reterr_error));
    if (request->list && (request->page_rows == 0 || request->page_rows > RC_PAGE_ROWS_MAX))
        return rc_error_field(reterr_error, RC_INVALID, "page_size", "a page has 1 to %u users",
                              RC_PAGE_ROWS_MAX);
    const enum rc_status status = rc_segment_persons(
        context, request->segment == NULL ? &everybody : request->segment, &calendar,
        request->as_of_ms, &reply.stats, &persons, &known, reterr_error);
    if (status != RC_OK)
        rc_error_prefix(reterr_error, "scope.segment");
    RC_TRY(status);
    const size_t word_count = (size_t)rc_view_user_count(context->view) / 64 + 1;
    reply.users = count_bits(persons, word_count);
    reply.known_users = count_bits(known, word_count);
    if (request->list)
        RC_TRY_OR(reterr_error, list_ids(context, request, persons, &reply));
    *ret_reply = reply;
    return RC_OK;
}
