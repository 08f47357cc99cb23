/*
 * Exact sum. near is a fixed-point number: prices, counts and durations never leave it, and adding
 * one is a shift and an addition. wide is the whole range of doubles in fixed point: digits of 32
 * bits in 64-bit words, so that 2^31 additions need no carry; they are carried after each 2^30.
 *
 * The value: the digits are carried until one sign is left, the highest 64 bits are taken with a
 * sticky bit for the rest, and one conversion rounds them, halves to even.
 */
#include "engine/query/number/exact_sum.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "engine/base/assert.h"

#define DIGIT_BITS 32
#define LOWEST (-1088) /* The exponent of digit 0's unit: below the least double, 2^-1074. */
#define DIGITS 70      /* Up to 2^1152: 2^64 times the greatest double, and the sign. */
#define ADDS_MAX ((uint32_t)1 << 30)
#define SUM_BITS_OVER 64 /* By which a sum of 2^64 doubles may pass the greatest one. */

/* A mantissa of 53 bits times a count of 32, moved up so far, is a positive __int128. */
#define NEAR_SHIFT_MAX (127 - 53 - 32)

_Static_assert(LOWEST % DIGIT_BITS == 0, "digits line up");
_Static_assert(LOWEST + DIGITS * DIGIT_BITS >= 1024 + 64, "sums of 2^64 doubles fit");

struct rc_exact_wide {
    uint32_t adds;
    int64_t digits[DIGITS];
};

/* Makes every digit but the last one non-negative and below 2^32. */
static void
carry(struct rc_exact_wide *wide)
{
    int64_t over = 0;
    for (uint32_t i = 0; i < DIGITS; i++) {
        const int64_t digit = wide->digits[i] + over;
        if (i + 1 == DIGITS) {
            wide->digits[i] = digit;
            break;
        }
        over = digit >> DIGIT_BITS;
        wide->digits[i] = digit & (((int64_t)1 << DIGIT_BITS) - 1);
    }
    wide->adds = 0;
}

/* Adds magnitude * 2^(LOWEST + shift), with a sign. */
static void
add_digits(struct rc_exact_wide *wide, unsigned __int128 magnitude, uint32_t shift, bool negative)
{
    uint32_t at = shift / DIGIT_BITS;
    const uint32_t bits = shift % DIGIT_BITS;
    /* The lowest digit takes what is left of it first, so that nothing is shifted out on top. */
    uint64_t digit = (uint64_t)(uint32_t)((uint64_t)magnitude << bits);
    magnitude >>= DIGIT_BITS - bits;
    for (;;) {
        wide->digits[at++] += negative ? -(int64_t)digit : (int64_t)digit;
        if (magnitude == 0)
            break;
        digit = (uint64_t)magnitude & UINT32_MAX;
        magnitude >>= DIGIT_BITS;
    }
    if (++wide->adds >= ADDS_MAX)
        carry(wide);
}

static enum rc_status
need_wide(struct rc_account *account, struct rc_exact_sum *sum)
{
    if (sum->wide != NULL)
        return RC_OK;
    struct rc_exact_wide *wide = rc_alloc_in(account, sizeof(*wide));
    if (wide == NULL)
        return RC_NO_MEMORY;
    memset(wide, 0, sizeof(*wide));
    sum->wide = wide;
    return RC_OK;
}

static void
add_near(struct rc_exact_wide *wide, __int128 near)
{
    const bool negative = near < 0;
    const unsigned __int128 magnitude =
        negative ? -(unsigned __int128)near : (unsigned __int128)near;
    add_digits(wide, magnitude, (uint32_t)(-RC_EXACT_POINT - LOWEST), negative);
}

enum rc_status
rc_exact_sum_add_far(struct rc_account *account, struct rc_exact_sum *sum, double number)
{
    int exponent;
    if (number == 0)
        return RC_OK;
    RC_TRY(need_wide(account, sum));
    const double fraction = frexp(fabs(number), &exponent); /* In [1/2, 1). */
    const uint64_t mantissa = (uint64_t)ldexp(fraction, 53);
    /* Subnormal numbers have fewer bits: the low ones of the mantissa are zero. */
    int shift = exponent - 53 - LOWEST;
    uint64_t shifted = mantissa;
    if (shift < 0) {
        shifted >>= -shift;
        shift = 0;
    }
    add_digits(sum->wide, shifted, (uint32_t)shift, number < 0);
    add_near(sum->wide, sum->near);
    sum->near = 0;
    return RC_OK;
}

enum rc_status
rc_exact_sum_add_times(struct rc_account *account,
                       struct rc_exact_sum *sum,
                       double number,
                       uint64_t count)
{
    /* Mostly the product is near, too. */
    union {
        double number;
        uint64_t bits;
    } form = {.number = number};
    const int shift = (int)((form.bits >> 52) & 2047) - 1075 + RC_EXACT_POINT;
    if (count <= UINT32_MAX && shift >= 0 && shift <= NEAR_SHIFT_MAX) {
        const uint64_t mantissa = (form.bits & (((uint64_t)1 << 52) - 1)) | (uint64_t)1 << 52;
        const __int128 term = (__int128)mantissa * (int64_t)count << shift;
        __int128 next;
        if (!__builtin_add_overflow(sum->near, (form.bits >> 63) != 0 ? -term : term, &next)) {
            sum->near = next;
            return RC_OK;
        }
    }
    /* As a sum of products with powers of two, which are exact; a number whose product would pass
     * the greatest double is added as often as it takes. */
    for (int bit = 0; count >> bit != 0; bit++) {
        if (((count >> bit) & 1) == 0)
            continue;
        int down = 0;
        while (!isfinite(ldexp(number, bit - down)))
            down++;
        for (uint64_t times = (uint64_t)1 << down; times > 0; times--)
            RC_TRY(rc_exact_sum_add(account, sum, ldexp(number, bit - down)));
    }
    return RC_OK;
}

enum rc_status
rc_exact_sum_join(struct rc_account *account,
                  struct rc_exact_sum *sum,
                  const struct rc_exact_sum *other)
{
    __int128 next;
    if (other->wide == NULL && !__builtin_add_overflow(sum->near, other->near, &next)) {
        sum->near = next;
        return RC_OK;
    }
    RC_TRY(need_wide(account, sum));
    add_near(sum->wide, other->near);
    if (other->wide != NULL) {
        struct rc_exact_wide copy = *other->wide;
        carry(&copy);
        carry(sum->wide);
        for (uint32_t i = 0; i < DIGITS; i++)
            sum->wide->digits[i] += copy.digits[i];
        carry(sum->wide);
    }
    return RC_OK;
}

/* The value of carried digits of which the last is not negative, divided by 2^down. */
static double
value_of(const struct rc_exact_wide *wide, int down)
{
    uint32_t top = DIGITS;
    while (top > 0 && wide->digits[top - 1] == 0)
        top--;
    if (top == 0)
        return 0;
    unsigned __int128 high = 0; /* The three highest digits: at least 65 bits. */
    uint32_t taken = 0;
    for (; taken < 3; taken++)
        high = high << DIGIT_BITS | (top > taken ? (uint64_t)wide->digits[top - 1 - taken] : 0);
    bool rest = false;
    for (uint32_t i = 0; i + 3 < top; i++)
        rest = rest || wide->digits[i] != 0;
    /* Down to 64 bits whose last one stands for all that is below. */
    int exponent = LOWEST + ((int)top - 3) * DIGIT_BITS;
    while (high >> 64 != 0) {
        rest = rest || (high & 1) != 0;
        high >>= 1;
        exponent++;
    }
    return ldexp((double)((uint64_t)high | (rest ? 1 : 0)), exponent - down);
}

/* The double nearest to the sum divided by 2^down. */
static double
value_below(const struct rc_exact_sum *sum, int down)
{
    struct rc_exact_wide wide = {0};
    if (sum->wide != NULL)
        wide = *sum->wide;
    carry(&wide);
    add_near(&wide, sum->near);
    carry(&wide);
    if (wide.digits[DIGITS - 1] >= 0)
        return value_of(&wide, down);
    for (uint32_t i = 0; i < DIGITS; i++)
        wide.digits[i] = -wide.digits[i];
    carry(&wide);
    return -value_of(&wide, down);
}

double
rc_exact_sum_value(const struct rc_exact_sum *sum)
{
    return value_below(sum, 0);
}

static double
figure_of(double number)
{
    return isfinite(number) ? number : NAN;
}

double
rc_exact_sum_figure(const struct rc_exact_sum *sum)
{
    return figure_of(rc_exact_sum_value(sum));
}

double
rc_exact_sum_mean(const struct rc_exact_sum *sum, uint64_t count)
{
    RC_ASSERT(count > 0);
    const double value = rc_exact_sum_value(sum);
    if (isfinite(value))
        return value / (double)count;
    return figure_of(ldexp(value_below(sum, SUM_BITS_OVER) / (double)count, SUM_BITS_OVER));
}

void
rc_exact_sum_close(struct rc_exact_sum *sum)
{
    sum->wide = rc_alloc_free(sum->wide);
    sum->near = 0;
}
