/* Head answers: one allocation: the struct, and behind it the words of chunk after chunk. */
#include "engine/match/cache/head_answers.h"

#include <stdatomic.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/match/rows/words.h"
#include "engine/store/head/head.h"

struct rc_head_answers {
    _Atomic(uint32_t) references;
    uint32_t row_count;
    uint64_t bytes;
    uint32_t first_words[RC_HEAD_CHUNKS_MAX]; /* By chunk of the head; in words. */
    uint32_t rows[RC_HEAD_CHUNKS_MAX];
    uint64_t words[];
};

static uint32_t
words_of(uint32_t row_count)
{
    return (row_count + 63) / 64;
}

enum rc_status
rc_head_answers_new(const struct rc_view_chunk *chunks,
                    uint32_t chunk_count,
                    const uint64_t *words,
                    struct rc_account *account,
                    struct rc_head_answers **ret_answers)
{
    size_t word_count = 0;
    for (uint32_t i = 0; i < chunk_count; i++)
        word_count += words_of(chunks[i].row_count);
    const size_t bytes = sizeof(struct rc_head_answers) + word_count * sizeof(uint64_t);
    struct rc_head_answers *answers = rc_alloc_in(account, bytes);
    if (answers == NULL)
        return RC_NO_MEMORY;
    memset(answers, 0, sizeof(*answers));
    atomic_init(&answers->references, 1);
    answers->bytes = bytes;
    uint32_t at = 0;
    for (uint32_t i = 0; i < chunk_count; i++) {
        const uint32_t count = words_of(chunks[i].row_count);
        RC_ASSERT(chunks[i].number < RC_HEAD_CHUNKS_MAX && chunks[i].head == chunks[0].head);
        answers->first_words[chunks[i].number] = at;
        answers->rows[chunks[i].number] = chunks[i].row_count;
        answers->row_count += chunks[i].row_count;
        memcpy(answers->words + at, words + (size_t)i * (RC_CHUNK_ROWS / 64),
               count * sizeof(*words));
        at += count;
    }
    *ret_answers = answers;
    return RC_OK;
}

struct rc_head_answers *
rc_head_answers_ref(struct rc_head_answers *answers)
{
    atomic_fetch_add_explicit(&answers->references, 1, memory_order_relaxed);
    return answers;
}

struct rc_head_answers *
rc_head_answers_unref(struct rc_head_answers *answers)
{
    if (answers == NULL ||
        atomic_fetch_sub_explicit(&answers->references, 1, memory_order_acq_rel) != 1)
        return NULL;
    return rc_alloc_free(answers);
}

uint32_t
rc_head_answers_rows(const struct rc_head_answers *answers)
{
    return answers->row_count;
}

uint32_t
rc_head_answers_take(const struct rc_head_answers *answers,
                     const struct rc_view_chunk *chunk,
                     uint64_t *words)
{
    const uint32_t answered = answers->rows[chunk->number];
    const uint32_t rows = answered < chunk->row_count ? answered : chunk->row_count;
    memset(words, 0, RC_CHUNK_ROWS / 8);
    memcpy(words, answers->words + answers->first_words[chunk->number],
           words_of(rows) * sizeof(*words));
    if (rows % 64 != 0)
        words[rows / 64] &= rc_word_below(rows % 64);
    return rows;
}

uint64_t
rc_head_answers_bytes(const struct rc_head_answers *answers)
{
    return answers->bytes;
}
