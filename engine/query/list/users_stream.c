/*
 * All users of a list. Their events are counted in one walk when the stream is opened; the users
 * are kept as a heap with the least id at the root, which is made in linear time, so that the first
 * rows do not wait for a sort of all, and no step is longer than one look at the heap.
 */
#include "engine/query/list/person_heap.h"
#include "engine/query/list/person_properties.h"
#include "engine/query/list/shown_id.h"
#include "engine/query/list/users.h"
#include "engine/query/too_slow.h"

struct rc_users_stream {
    const struct rc_query_context *context;
    struct rc_person_events events;
    struct rc_person_properties properties;
    struct rc_paged_person *heap; /* Those that are left; ids are borrowed from the view. */
    uint32_t left;
};

static bool
is_cancelled(const struct rc_query_context *context)
{
    return context->cancel != NULL && atomic_load_explicit(context->cancel, memory_order_relaxed);
}

static enum rc_status
gather(struct rc_users_stream *stream, const uint64_t *persons)
{
    const struct rc_query_context *context = stream->context;
    const size_t word_count = (size_t)rc_view_user_count(context->view) / 64 + 1;
    uint32_t count = 0;
    for (size_t word = 0; word < word_count; word++)
        count += (uint32_t)__builtin_popcountll(persons[word]);
    stream->heap = RC_ARENA_ARRAY(context->arena, struct rc_paged_person, count);
    if (stream->heap == NULL)
        return RC_NO_MEMORY;
    for (size_t word = 0; word < word_count; word++) {
        if (word % 16 == 0 && is_cancelled(context))
            return RC_CANCELLED;
        for (uint64_t bits = persons[word]; bits != 0; bits &= bits - 1) {
            struct rc_paged_person *one = &stream->heap[stream->left++];
            one->person = (uint32_t)word * 64 + (uint32_t)__builtin_ctzll(bits);
            RC_TRY(rc_shown_id(context, one->person, &one->id));
        }
    }
    for (uint32_t at = count / 2; at > 0; at--) {
        if (at % 1024 == 0 && is_cancelled(context))
            return RC_CANCELLED;
        rc_person_heap_down(stream->heap, count, at - 1, RC_PERSON_HEAP_LEAST);
    }
    return RC_OK;
}

enum rc_status
rc_users_stream_open(const struct rc_query_context *context,
                     const struct rc_users_request *request,
                     struct rc_query_stats *ret_stats,
                     struct rc_users_stream **ret_stream,
                     struct rc_error *reterr_error)
{
    struct rc_query_stats stats = {.data_version = rc_view_data_version(context->view)};
    struct rc_users_stream *stream = rc_arena_zero(context->arena, sizeof(*stream));
    const uint64_t *persons;
    if (stream == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a list of users");
    stream->context = context;
    RC_TRY(rc_users_persons(context, request, &stats, &persons, reterr_error));
    RC_TRY(rc_person_events_count(context, &request->scope, request->selector, persons, &stats,
                                  &stream->events, reterr_error));
    RC_TRY_OR(reterr_error, gather(stream, persons));
    RC_TRY(rc_person_properties_open(context, request->scope.as_of_ms, request->properties,
                                     request->property_count, &stream->properties, reterr_error));
    *ret_stats = stats;
    *ret_stream = stream;
    return RC_OK;
}

void
rc_users_stream_close(struct rc_users_stream *stream)
{
    if (stream != NULL)
        rc_person_properties_close(&stream->properties);
}

uint32_t
rc_users_stream_property_count(const struct rc_users_stream *stream)
{
    return stream->properties.count;
}

struct rc_bytes
rc_users_stream_property(const struct rc_users_stream *stream, uint32_t index)
{
    return stream->properties.list[index].name;
}

enum rc_status
rc_users_stream_next(struct rc_users_stream *stream,
                     struct rc_arena *arena,
                     struct rc_user_row *ret_row,
                     bool *ret_more,
                     struct rc_error *reterr_error)
{
    if (is_cancelled(stream->context))
        return rc_error_set(reterr_error, RC_CANCELLED, "the export was cancelled");
    *ret_more = stream->left > 0;
    if (stream->left == 0)
        return RC_OK;
    const struct rc_paged_person next = stream->heap[0];
    struct rc_user_row row = {.id = next.id,
                              .events = *rc_person_events_of(&stream->events, next.person)};
    const enum rc_status status = rc_person_properties_read(&stream->properties, next.person, arena,
                                                            &row.properties, &row.property_count);
    RC_TRY_OR(reterr_error, rc_too_slow_note(stream->context, status, "properties"));
    stream->heap[0] = stream->heap[--stream->left];
    rc_person_heap_down(stream->heap, stream->left, 0, RC_PERSON_HEAP_LEAST);
    *ret_row = row;
    return RC_OK;
}
