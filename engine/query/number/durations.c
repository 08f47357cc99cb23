/*
 * Durations. The median is found by partitioning around the median of three, as in quicksort but
 * down one side only. A stretch that does not shrink is sorted by counting steps: after 4 * log2(n)
 * partitions the rest goes to qsort, so no order of the input is quadratic.
 */
#include "engine/query/number/durations.h"

#include <math.h>
#include <stdlib.h>

#define MS_PER_S 1000.0

double
rc_durations_mean_s(const int64_t *durations_ms, size_t count)
{
    if (count == 0)
        return NAN;
    /* 2^32 durations below 2^49 ms (9,998 years) fit 128 bits with room, and 64 bits
     * almost always. */
    __int128 sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += durations_ms[i];
    return (double)sum / (double)count / MS_PER_S;
}

static int
compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a;
    const int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t
median_of_three(int64_t a, int64_t b, int64_t c)
{
    if (a > b) {
        const int64_t swap = a;
        a = b;
        b = swap;
    }
    return c < a ? a : c > b ? b : c;
}

/* Puts the element of rank k (from 0) at k, none greater before it and none less behind it. */
static void
select_rank(int64_t *values, size_t count, size_t rank)
{
    size_t low = 0;
    size_t high = count; /* The rank is in [low, high). */
    uint32_t left = 4 * (64 - (uint32_t)__builtin_clzll(count | 1));
    while (high - low > 16 && left-- > 0) {
        const int64_t pivot =
            median_of_three(values[low], values[low + (high - low) / 2], values[high - 1]);
        size_t less = low;     /* [low, less) are below the pivot, */
        size_t at = low;       /* [less, at) equal it, */
        size_t greater = high; /* [greater, high) are above. */
        while (at < greater) {
            const int64_t value = values[at];
            if (value < pivot) {
                values[at++] = values[less];
                values[less++] = value;
            } else if (value > pivot) {
                values[at] = values[--greater];
                values[greater] = value;
            } else {
                at++;
            }
        }
        if (rank >= less && rank < greater)
            return;
        if (rank < less)
            high = less;
        else
            low = greater;
    }
    qsort(values + low, high - low, sizeof(*values), compare);
}

double
rc_durations_median_s(int64_t *durations_ms, size_t count)
{
    if (count == 0)
        return NAN;
    const size_t middle = count / 2;
    select_rank(durations_ms, count, middle);
    if (count % 2 == 1)
        return (double)durations_ms[middle] / MS_PER_S;
    int64_t below = durations_ms[0];
    for (size_t i = 1; i < middle; i++)
        if (durations_ms[i] > below)
            below = durations_ms[i];
    return ((double)below + (double)durations_ms[middle]) / 2.0 / MS_PER_S;
}
