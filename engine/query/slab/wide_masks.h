/*
 * Wide masks: what the kernels over 64 times at once share: which processors run those of 512 bits,
 * and four masks in one word.
 *
 * Threading: pure.
 */
#ifndef RC_QUERY_SLAB_WIDE_MASKS_H
#define RC_QUERY_SLAB_WIDE_MASKS_H

#if defined(__x86_64__)

#include <immintrin.h>
#include <stdint.h>

/* Those before Ice Lake and Zen 4 slow down for wide vectors. */
#define RC_RUNS_WIDE_MASKS                                                      \
    (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && \
     __builtin_cpu_supports("avx512vbmi"))

#define RC_WIDE_MASKS __attribute__((target("avx512f,avx512bw")))

/* The first lowest. Written out, as is what makes them: the compiler leaves loops of four as they
 * are, with shifts by what they count and the times on the stack. */
RC_WIDE_MASKS static inline uint64_t
rc_join_masks(__mmask16 a, __mmask16 b, __mmask16 c, __mmask16 d)
{
    return _mm512_kunpackd(_mm512_kunpackw(d, c), _mm512_kunpackw(b, a));
}

#endif

#endif
