/*
 * The segment queries: how many persons, and a page of them by the bytes of the ids under which
 * they are shown; how segments overlap, which is counting the bits of each exact combination word
 * by word: those of the others are sums of them.
 */
#include "engine/base/limits.h"
#include "engine/match/rows/words.h"
#include "engine/query/list/person_page.h"
#include "engine/query/query.h"
#include "engine/query/scope.h"
#include "engine/query/segment/segment_persons.h"

static enum rc_status
list_ids(const struct rc_query_context *context,
         const struct rc_segment_request *request,
         const uint64_t *persons,
         struct rc_segment_reply *reply)
{
    struct rc_person_page page;
    RC_TRY(rc_person_page(context, persons, request->after, request->page_rows, &page));
    struct rc_bytes *ids = RC_ARENA_ARRAY(context->arena, struct rc_bytes, page.count);
    if (ids == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < page.count; i++)
        ids[i] = page.persons[i].id;
    reply->more = page.more;
    reply->id_count = page.count;
    reply->ids = ids;
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
    const uint32_t word_count = rc_view_user_count(context->view) / 64 + 1;
    reply.users = rc_words_count(persons, word_count);
    reply.known_users = rc_words_count(known, word_count);
    if (request->list)
        RC_TRY_OR(reterr_error, list_ids(context, request, persons, &reply));
    *ret_reply = reply;
    return RC_OK;
}

/* The persons of a segment of a request, with the field's name in front of errors. */
static enum rc_status
persons_of(const struct rc_query_context *context,
           const struct rc_overlap_request *request,
           const struct rc_calendar *calendar,
           uint32_t index,
           struct rc_query_stats *stats,
           const uint64_t **ret_persons,
           struct rc_error *reterr_error)
{
    const enum rc_status status =
        rc_segment_persons(context, request->segments[index], calendar, request->as_of_ms, stats,
                           ret_persons, NULL, reterr_error);
    if (status != RC_OK)
        rc_error_prefix(reterr_error, "segments[%u]", index);
    return status;
}

/* Adds the combinations of one word's persons. */
static void
count_combinations(uint64_t among,
                   const uint64_t *words,
                   uint32_t segment_count,
                   uint64_t *exclusive)
{
    for (uint32_t mask = 0; mask < (1u << segment_count); mask++) {
        uint64_t exact = among;
        for (uint32_t i = 0; i < segment_count; i++)
            exact &= ((mask >> i) & 1) != 0 ? words[i] : ~words[i];
        exclusive[mask] += (uint64_t)__builtin_popcountll(exact);
    }
}

enum rc_status
rc_query_overlap(const struct rc_query_context *context,
                 const struct rc_overlap_request *request,
                 struct rc_overlap_reply *ret_reply,
                 struct rc_error *reterr_error)
{
    static const struct rc_segment everybody = {.kind = RC_SEGMENT_ALL_OF};
    struct rc_calendar calendar;
    struct rc_overlap_reply reply = {.stats.data_version = rc_view_data_version(context->view)};
    const uint64_t *persons[RC_OVERLAP_SEGMENTS_MAX] = {NULL};
    const uint64_t *among;
    const struct rc_scope scope = {
        .start_ms = 0, .end_ms = 1, .as_of_ms = request->as_of_ms, .zone = request->zone};
    RC_TRY(rc_scope_check(&scope, &calendar, reterr_error));
    if (request->segment_count == 0 || request->segment_count > RC_OVERLAP_SEGMENTS_MAX)
        return rc_error_field(reterr_error, RC_INVALID, "segments", "from 1 to %u segments overlap",
                              RC_OVERLAP_SEGMENTS_MAX);
    const enum rc_status status =
        rc_segment_persons(context, request->among == NULL ? &everybody : request->among, &calendar,
                           request->as_of_ms, &reply.stats, &among, NULL, reterr_error);
    if (status != RC_OK)
        rc_error_prefix(reterr_error, "scope.segment");
    RC_TRY(status);
    for (uint32_t i = 0; i < request->segment_count; i++)
        RC_TRY(persons_of(context, request, &calendar, i, &reply.stats, &persons[i], reterr_error));
    const size_t word_count = (size_t)rc_view_user_count(context->view) / 64 + 1;
    for (size_t word = 0; word < word_count; word++) {
        uint64_t words[RC_OVERLAP_SEGMENTS_MAX];
        for (uint32_t i = 0; i < request->segment_count; i++)
            words[i] = persons[i][word];
        if (among[word] != 0)
            count_combinations(among[word], words, request->segment_count, reply.exclusive);
    }
    for (uint32_t mask = 0; mask < (1u << request->segment_count); mask++)
        for (uint32_t other = 0; other < (1u << request->segment_count); other++)
            if ((other & mask) == mask)
                reply.users[mask] += reply.exclusive[other];
    *ret_reply = reply;
    return RC_OK;
}
