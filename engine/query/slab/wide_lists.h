/*
 * Wide lists: what the kernels share that take those of 64 rows together that have a bit: which
 * processors run them, and a byte for each row in one register.
 *
 * Threading: pure.
 */
#ifndef RC_QUERY_SLAB_WIDE_LISTS_H
#define RC_QUERY_SLAB_WIDE_LISTS_H

#if defined(__x86_64__)

#include <immintrin.h>
#include <stdint.h>

#define RC_WIDE_LISTS                                                                      \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,avx512bitalg," \
                          "popcnt,bmi,bmi2")))

#define RC_RUNS_WIDE_LISTS                                                              \
    (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&         \
     __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi") &&      \
     __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("avx512bitalg") && \
     __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("bmi") &&               \
     __builtin_cpu_supports("bmi2"))

/* As many more than there are may be written. */
#define RC_WIDE_LISTS_MORE 64u

/* For each row of a word how many marks there are up to it, its own included, as bytes. */
RC_WIDE_LISTS static inline __m512i
rc_marks_up_to(uint64_t marks)
{
    /* Each byte of the marks eight times, and of each as many bits as there are rows up to it. */
    const __m512i eight_times = _mm512_set_epi64(
        0x0707070707070707, 0x0606060606060606, 0x0505050505050505, 0x0404040404040404,
        0x0303030303030303, 0x0202020202020202, 0x0101010101010101, 0);
    const __m512i up_to = _mm512_set1_epi64((long long)0xff7f3f1f0f070301);
    const __m512i spread = _mm512_shuffle_epi8(_mm512_set1_epi64((long long)marks), eight_times);
    const __m512i inside = _mm512_popcnt_epi8(_mm512_and_si512(spread, up_to));
    /* The sums of the bytes before: a product adds them up, each one place further. */
    const uint64_t counts =
        (uint64_t)_mm_cvtsi128_si64(_mm_popcnt_epi8(_mm_cvtsi64_si128((long long)marks)));
    const uint64_t before = counts * UINT64_C(0x0101010101010101) << 8;
    return _mm512_add_epi8(inside,
                           _mm512_shuffle_epi8(_mm512_set1_epi64((long long)before), eight_times));
}

/* Writes 64 bytes, each and a number more, as far as there are count. */
RC_WIDE_LISTS static inline void
rc_write_wide(__m512i bytes, uint32_t more, uint32_t count, uint16_t *out)
{
    const __m512i all_more = _mm512_set1_epi16((short)more);
    const __m512i low = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(bytes));
    _mm512_storeu_si512(out, _mm512_add_epi16(low, all_more));
    if (count <= 32)
        return;
    const __m512i high = _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(bytes, 1));
    _mm512_storeu_si512(out + 32, _mm512_add_epi16(high, all_more));
}

#endif

#endif
