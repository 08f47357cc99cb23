/*
 * Heads. Each stream's bits of all chunks, out of what the cache knows of the heads; then one chunk
 * at a time their union without the dead rows, and row by row the limits of time and person.
 */
#include "engine/query/walk/heads.h"

#include <string.h>

#include "engine/match/rows/words.h"
#include "engine/query/plan/planner.h"
#include "engine/query/too_slow.h"
#include "engine/query/walk/first.h"

#define CHUNK_WORDS (RC_CHUNK_ROWS / 64)

/* Clears what stream must not feed from its bits. */
static void
restrict_stream(const struct rc_plan *plan,
                const struct rc_stream *stream,
                const struct rc_view_chunk *chunk,
                uint64_t *words)
{
    struct rc_view *view = plan->context->view;
    for (uint32_t word = 0; word < CHUNK_WORDS; word++) {
        if (chunk->dead != NULL)
            words[word] &= ~chunk->dead[word];
        for (uint64_t bits = words[word]; bits != 0; bits &= bits - 1) {
            const uint32_t row = word * 64 + (uint32_t)__builtin_ctzll(bits);
            const int64_t time_ms = chunk->times_ms[row];
            bool kept = time_ms >= stream->from_ms && time_ms < stream->until_ms;
            if (kept && (stream->persons != NULL || plan->persons != NULL)) {
                const uint32_t person = rc_view_person_of(view, chunk->users[row]);
                kept = (stream->persons == NULL || rc_words_has(stream->persons, person)) &&
                       (plan->persons == NULL || rc_words_has(plan->persons, person));
            }
            if (!kept)
                words[word] &= ~((uint64_t)1 << (row % 64));
        }
    }
}

/* Adds the hits of one chunk. words: those of all chunks, stream by stream. */
static void
find_in_chunk(const struct rc_plan *plan, uint32_t index, uint64_t *words, struct rc_heads *heads)
{
    uint32_t chunk_count;
    struct rc_view *view = plan->context->view;
    const struct rc_view_chunk *chunk = &rc_view_chunks(view, &chunk_count)[index];
    uint64_t any[CHUNK_WORDS] = {0};
    for (uint32_t s = 0; s < plan->stream_count; s++) {
        uint64_t *mine = words + ((size_t)s * chunk_count + index) * CHUNK_WORDS;
        const struct rc_stream *stream = &plan->streams[s];
        if (stream->first != NULL)
            rc_first_restrict_chunk(stream->first, index, mine);
        restrict_stream(plan, stream, chunk, mine);
        for (uint32_t word = 0; word < CHUNK_WORDS; word++)
            any[word] |= mine[word];
    }
    for (uint32_t word = 0; word < CHUNK_WORDS; word++) {
        for (uint64_t bits = any[word]; bits != 0; bits &= bits - 1) {
            const uint32_t bit = (uint32_t)__builtin_ctzll(bits);
            const uint32_t row = word * 64 + bit;
            uint64_t mask = 0;
            for (uint32_t s = 0; s < plan->stream_count; s++)
                if (((words[((size_t)s * chunk_count + index) * CHUNK_WORDS + word] >> bit) & 1) !=
                    0)
                    mask |= plan->streams[s].bit;
            heads->hits[heads->count++] = (struct rc_head_hit){
                .hit = {.time_ms = chunk->times_ms[row],
                        .mask = mask,
                        .source = RC_SOURCE_CHUNK | index,
                        .row = row},
                .person = rc_view_person_of(view, chunk->users[row]),
            };
        }
    }
}

/* The bits of a stream in all chunks. */
static enum rc_status
match_stream(const struct rc_plan *plan, const struct rc_stream *stream, uint64_t *words)
{
    const struct rc_query_context *context = plan->context;
    const enum rc_status status = rc_matcher_chunks(
        stream->matcher, stream->part, rc_planner_keeps(context), context->cancel, words);
    return rc_too_slow_note(context, status, stream->field);
}

enum rc_status
rc_heads_find(const struct rc_plan *plan, struct rc_heads *ret_heads)
{
    uint32_t chunk_count;
    const struct rc_query_context *context = plan->context;
    const struct rc_view_chunk *chunks = rc_view_chunks(context->view, &chunk_count);
    RC_CLEANUP(rc_heads_close) struct rc_heads heads = {0};
    uint32_t rows = 0;
    for (uint32_t i = 0; i < chunk_count; i++)
        rows += chunks[i].row_count;
    if (rows > 0) {
        RC_CLEANUP(rc_alloc_freep)
        uint64_t *words = rc_alloc_in(context->account, (size_t)plan->stream_count * chunk_count *
                                                            CHUNK_WORDS * sizeof(*words));
        heads.hits = rc_alloc_in(context->account, rows * sizeof(*heads.hits));
        if (words == NULL || heads.hits == NULL)
            return RC_NO_MEMORY;
        for (uint32_t s = 0; s < plan->stream_count; s++)
            RC_TRY(match_stream(plan, &plan->streams[s],
                                words + (size_t)s * chunk_count * CHUNK_WORDS));
        for (uint32_t i = 0; i < chunk_count; i++) {
            if (context->cancel != NULL &&
                atomic_load_explicit(context->cancel, memory_order_relaxed))
                return RC_CANCELLED;
            find_in_chunk(plan, i, words, &heads);
        }
    }
    *ret_heads = heads;
    heads.hits = NULL;
    return RC_OK;
}

void
rc_heads_close(struct rc_heads *heads)
{
    heads->hits = rc_alloc_free(heads->hits);
    heads->count = 0;
}
