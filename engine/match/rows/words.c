/*
 * Words: counting, with the instruction where the processor has it: the build's baseline is older,
 * and a call of the compiler's own counter a word is ten times as slow.
 */
#include "engine/match/rows/words.h"

static uint64_t
count_portable(const uint64_t *words, uint32_t word_count)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < word_count; i++)
        count += words[i] == 0 ? 0 : (uint64_t)__builtin_popcountll(words[i]);
    return count;
}

#if defined(__x86_64__)

__attribute__((target("popcnt"))) static uint64_t
count_popcnt(const uint64_t *words, uint32_t word_count)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < word_count; i++)
        count += (uint64_t)__builtin_popcountll(words[i]);
    return count;
}

uint64_t
rc_words_count(const uint64_t *words, uint32_t word_count)
{
    return __builtin_cpu_supports("popcnt") ? count_popcnt(words, word_count)
                                            : count_portable(words, word_count);
}

#else

uint64_t
rc_words_count(const uint64_t *words, uint32_t word_count)
{
    return count_portable(words, word_count);
}

#endif
