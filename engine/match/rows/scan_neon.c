/*
 * Scan kernels with NEON, which every arm64 processor has. A comparison gives a byte a row; a word
 * of the answer is made of four vectors of them, each row's bit kept by a mask, neighbours added.
 */
#include "engine/match/rows/scan_kernels.h"

#if defined(__aarch64__)

#include <arm_neon.h>

/* 64 bytes of 0 or 255 as 64 bits. */
static inline uint64_t
word_of(uint8x16_t a, uint8x16_t b, uint8x16_t c, uint8x16_t d)
{
    static const uint8_t bits[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t bit = vld1q_u8(bits);
    const uint8x16_t ab = vpaddq_u8(vandq_u8(a, bit), vandq_u8(b, bit));
    const uint8x16_t cd = vpaddq_u8(vandq_u8(c, bit), vandq_u8(d, bit));
    const uint8x16_t all = vpaddq_u8(ab, cd);
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(all, all)), 0);
}

/* Sixteen rows: 255 for each whose code is in a range. Codes below a range wrap around. */
static inline uint8x16_t
hits_u8(const struct rc_scan *scan, const uint8_t *codes)
{
    const uint8x16_t code = vld1q_u8(codes);
    uint8x16_t hit = vdupq_n_u8(0);
    for (uint32_t r = 0; r < scan->range_count; r++)
        hit = vorrq_u8(hit, vcleq_u8(vsubq_u8(code, vdupq_n_u8((uint8_t)scan->ranges[r].first)),
                                     vdupq_n_u8((uint8_t)scan->ranges[r].width)));
    return hit;
}

static inline uint16x8_t
half_u16(const struct rc_scan *scan, const uint16_t *codes)
{
    const uint16x8_t code = vld1q_u16(codes);
    uint16x8_t hit = vdupq_n_u16(0);
    for (uint32_t r = 0; r < scan->range_count; r++)
        hit =
            vorrq_u16(hit, vcleq_u16(vsubq_u16(code, vdupq_n_u16((uint16_t)scan->ranges[r].first)),
                                     vdupq_n_u16((uint16_t)scan->ranges[r].width)));
    return hit;
}

static inline uint8x16_t
hits_u16(const struct rc_scan *scan, const uint16_t *codes)
{
    return vcombine_u8(vmovn_u16(half_u16(scan, codes)), vmovn_u16(half_u16(scan, codes + 8)));
}

static inline uint32x4_t
quarter_u32(const struct rc_scan *scan, const uint32_t *codes)
{
    const uint32x4_t code = vld1q_u32(codes);
    uint32x4_t hit = vdupq_n_u32(0);
    for (uint32_t r = 0; r < scan->range_count; r++)
        hit = vorrq_u32(hit, vcleq_u32(vsubq_u32(code, vdupq_n_u32(scan->ranges[r].first)),
                                       vdupq_n_u32(scan->ranges[r].width)));
    return hit;
}

static inline uint8x16_t
hits_u32(const struct rc_scan *scan, const uint32_t *codes)
{
    const uint16x8_t low =
        vcombine_u16(vmovn_u32(quarter_u32(scan, codes)), vmovn_u32(quarter_u32(scan, codes + 4)));
    const uint16x8_t high = vcombine_u16(vmovn_u32(quarter_u32(scan, codes + 8)),
                                         vmovn_u32(quarter_u32(scan, codes + 12)));
    return vcombine_u8(vmovn_u16(low), vmovn_u16(high));
}

#define DEFINE_RANGES(suffix, type)                                                               \
    static void ranges_##suffix(const struct rc_scan *scan, const type *codes,                    \
                                uint32_t word_count, uint64_t *words)                             \
    {                                                                                             \
        for (uint32_t i = 0; i < word_count; i++, codes += 64)                                    \
            words[i] = word_of(hits_##suffix(scan, codes), hits_##suffix(scan, codes + 16),       \
                               hits_##suffix(scan, codes + 32), hits_##suffix(scan, codes + 48)); \
    }

DEFINE_RANGES(u8, uint8_t)
DEFINE_RANGES(u16, uint16_t)
DEFINE_RANGES(u32, uint32_t)

static void
neon_ranges(const struct rc_scan *scan, const void *codes, uint32_t row_count, uint64_t *words)
{
    if (scan->column.code_width == 1)
        ranges_u8(scan, codes, row_count / 64, words);
    else if (scan->column.code_width == 2)
        ranges_u16(scan, codes, row_count / 64, words);
    else
        ranges_u32(scan, codes, row_count / 64, words);
    rc_scan_rest(scan, codes, row_count, words);
}

/* A set of 256 codes is 32 bytes of bits: one table instruction fetches each code's byte, another
 * its bit. */
static inline uint8x16_t
found_u8(uint8x16x2_t set, uint8x16_t bit_of, const uint8_t *codes)
{
    const uint8x16_t code = vld1q_u8(codes);
    const uint8x16_t byte = vqtbl2q_u8(set, vshrq_n_u8(code, 3));
    return vtstq_u8(byte, vqtbl1q_u8(bit_of, vandq_u8(code, vdupq_n_u8(7))));
}

static void
neon_lookup(const struct rc_scan *scan, const void *codes, uint32_t row_count, uint64_t *words)
{
    if (scan->column.code_width != 1) { /* There is no gather. */
        rc_scan_kernels_portable.lookup(scan, codes, row_count, words);
        return;
    }
    static const uint8_t eight[16] = {1, 2, 4, 8, 16, 32, 64, 128};
    uint8_t bits[32] = {0};
    const uint32_t bound = rc_column_code_bound(&scan->column);
    for (uint32_t code = 0; code < bound && code < 256; code++)
        bits[code / 8] |= (uint8_t)(scan->table[code] << (code % 8));
    const uint8x16x2_t set = {{vld1q_u8(bits), vld1q_u8(bits + 16)}};
    const uint8x16_t bit_of = vld1q_u8(eight);
    const uint8_t *at = codes;
    for (uint32_t i = 0; i < row_count / 64; i++, at += 64)
        words[i] = word_of(found_u8(set, bit_of, at), found_u8(set, bit_of, at + 16),
                           found_u8(set, bit_of, at + 32), found_u8(set, bit_of, at + 48));
    rc_scan_rest(scan, codes, row_count, words);
}

static const struct rc_scan_kernels kernels = {.name = "neon",
                                               .ranges = neon_ranges,
                                               .lookup = neon_lookup};

const struct rc_scan_kernels *
rc_scan_kernels_neon(void)
{
    return &kernels;
}

#else

const struct rc_scan_kernels *
rc_scan_kernels_neon(void)
{
    return NULL;
}

#endif
