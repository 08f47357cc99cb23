/*
 * Match heads. Heads of few rows are evaluated anew: that takes no longer than asking the cache. Of
 * others, what is kept is copied for some hundred rows more and not for each, which bounds both
 * what is evaluated again and what is copied.
 */
#include "engine/match/slab/match_heads.h"

#include "engine/base/clock.h"
#include "engine/match/cache/head_answers.h"

/* Rows of a head, and rows that an answer lacks, from which on it is worth keeping one: so many
 * take 5 us, a copy of 8 KiB and a look into the cache one. */
#define ROWS_KEPT_MIN 512u

struct heads {
    struct rc_match_cache *cache;
    const struct rc_match_node *root;
    bool keeps;
    const _Atomic(bool) *cancel;
};

/* The chunks of one head. */
static enum rc_status
match_head(const struct heads *heads,
           const struct rc_view_chunk *chunks,
           uint32_t chunk_count,
           uint64_t *words)
{
    const struct rc_match_key *key = &heads->root->key;
    uint32_t row_count = 0;
    uint32_t lacked = 0;
    for (uint32_t i = 0; i < chunk_count; i++)
        row_count += chunks[i].row_count;
    const bool may_keep =
        chunks[0].head != 0 && row_count >= ROWS_KEPT_MIN && heads->root->kind != RC_PREDICATE_TRUE;
    RC_CLEANUP(rc_head_answers_unrefp) struct rc_head_answers *kept = NULL;
    if (may_keep)
        kept = rc_match_cache_find_answers(heads->cache, chunks[0].head, key);
    const uint64_t begun_ns = may_keep ? rc_clock_monotonic_ns() : 0;
    for (uint32_t i = 0; i < chunk_count; i++) {
        uint64_t *mine = words + (size_t)i * RC_CHUNK_WORDS;
        const uint32_t rows = kept == NULL ? 0 : rc_head_answers_take(kept, &chunks[i], mine);
        if (kept != NULL && rows == chunks[i].row_count)
            continue;
        if (heads->cancel != NULL && atomic_load_explicit(heads->cancel, memory_order_relaxed))
            return RC_CANCELLED;
        uint64_t fresh[RC_CHUNK_WORDS];
        RC_TRY(rc_match_chunk(heads->root, &chunks[i], rows, heads->cancel, fresh));
        lacked += chunks[i].row_count - rows;
        for (uint32_t word = 0; word < RC_CHUNK_WORDS; word++)
            mine[word] = fresh[word] | (kept == NULL ? 0 : mine[word]);
    }
    struct rc_head_answers *answers;
    if (!may_keep || !heads->keeps || lacked < ROWS_KEPT_MIN ||
        rc_head_answers_new(chunks, chunk_count, words, rc_match_cache_account(heads->cache),
                            &answers) != RC_OK)
        return RC_OK; /* What memory is refused for is not kept. */
    rc_match_cache_insert_answers(heads->cache, chunks[0].head, key,
                                  rc_clock_monotonic_ns() - begun_ns, answers);
    rc_head_answers_unref(answers);
    return RC_OK;
}

enum rc_status
rc_match_heads(struct rc_match_cache *cache,
               const struct rc_match_node *root,
               const struct rc_view_chunk *chunks,
               uint32_t chunk_count,
               bool keeps,
               const _Atomic(bool) *cancel,
               uint64_t *words)
{
    const struct heads heads = {cache, root, keeps, cancel};
    for (uint32_t begin = 0, end = 0; begin < chunk_count; begin = end) {
        while (end < chunk_count && chunks[end].head == chunks[begin].head)
            end++;
        RC_TRY(match_head(&heads, chunks + begin, end - begin,
                          words + (size_t)begin * RC_CHUNK_WORDS));
    }
    return RC_OK;
}
