/* Segment numbers. Bytes are compared as the codes of a column are. */
#include "engine/query/segment/segment_numbers.h"

#include <string.h>

#include "engine/match/rows/scan.h"
#include "engine/match/rows/words.h"

bool
rc_behaviour_passes(const struct rc_behaviour *behaviour, double measure)
{
    const double n = behaviour->n;
    switch (behaviour->comparison) {
    case RC_EQ:
        return measure == n;
    case RC_NE:
        return measure != n;
    case RC_LT:
        return measure < n;
    case RC_LE:
        return measure <= n;
    case RC_GT:
        return measure > n;
    default:
        return measure >= n;
    }
}

/* Gives each of count persons a place. Twice as many places, so that few look at each other's. */
static enum rc_status
open_few(struct rc_segment_numbers *numbers,
         const uint64_t *asked,
         uint64_t count,
         struct rc_account *account)
{
    uint32_t bits = 1;
    while ((uint64_t)1 << bits < 2 * (count + 1))
        bits++;
    const size_t bytes = sizeof(*numbers->few) << bits;
    numbers->few_shift = 32 - bits;
    numbers->few = rc_alloc_in(account, bytes);
    if (numbers->few == NULL)
        return RC_NO_MEMORY;
    memset(numbers->few, 0xff, bytes);
    for (uint32_t word = 0; word < (numbers->person_count + 63) / 64; word++)
        for (uint64_t left = asked[word]; left != 0; left &= left - 1) {
            const uint32_t person = word * 64 + (uint32_t)__builtin_ctzll(left);
            *rc_segment_numbers_find(numbers, person) =
                (struct rc_segment_number){.person = person};
        }
    return RC_OK;
}

enum rc_status
rc_segment_numbers_open(struct rc_segment_numbers *numbers,
                        const struct rc_behaviour *behaviour,
                        uint32_t person_count,
                        const uint64_t *asked,
                        struct rc_account *account)
{
    *numbers = (struct rc_segment_numbers){.behaviour = behaviour, .person_count = person_count};
    const uint64_t count =
        asked == NULL ? UINT64_MAX : rc_words_count(asked, (person_count + 63) / 64);
    if (count <= person_count / RC_SEGMENT_FEW_SHARE)
        return open_few(numbers, asked, count, account);
    const bool fits = behaviour->n < UINT8_MAX;
    const size_t bytes = (size_t)person_count * (fits ? 1 : sizeof(*numbers->wide));
    void *array = rc_alloc_in(account, bytes);
    if (array == NULL)
        return RC_NO_MEMORY;
    memset(array, 0, bytes);
    numbers->bytes = fits ? array : NULL;
    numbers->wide = fits ? NULL : array;
    return RC_OK;
}

void
rc_segment_numbers_close(struct rc_segment_numbers *numbers)
{
    rc_alloc_free(numbers->bytes);
    rc_alloc_free(numbers->wide);
    rc_alloc_free(numbers->few);
}

static void
compare_bytes(const struct rc_segment_numbers *numbers, uint64_t *words)
{
    uint8_t table[UINT8_MAX + 1 + RC_SCAN_TABLE_PADDING] = {0};
    const struct rc_column_view column = {.form = RC_COLUMN_PLAIN,
                                          .code_width = 1,
                                          .code_count = numbers->person_count,
                                          .codes = numbers->bytes,
                                          .dictionary_count = UINT8_MAX + 1};
    struct rc_scan scan;
    for (uint32_t number = 0; number <= UINT8_MAX; number++)
        table[number] = rc_behaviour_passes(numbers->behaviour, number);
    rc_scan_prepare(&column, table, &scan);
    rc_scan_codes(&scan, numbers->person_count, words);
}

static void
compare_few(const struct rc_segment_numbers *numbers, uint64_t *words)
{
    const uint32_t last = UINT32_MAX >> numbers->few_shift;
    for (uint32_t at = 0; at <= last; at++) {
        const struct rc_segment_number *number = &numbers->few[at];
        const uint64_t bit = (uint64_t)1 << (number->person % 64);
        if (number->person == UINT32_MAX)
            continue;
        words[number->person / 64] &= ~bit;
        if (rc_behaviour_passes(numbers->behaviour, number->count))
            words[number->person / 64] |= bit;
    }
}

void
rc_segment_numbers_compare(const struct rc_segment_numbers *numbers, uint64_t *words)
{
    if (numbers->few != NULL) {
        compare_few(numbers, words);
        return;
    }
    if (numbers->bytes != NULL) {
        compare_bytes(numbers, words);
        return;
    }
    for (uint32_t begin = 0; begin < numbers->person_count; begin += 64) {
        const uint32_t left = numbers->person_count - begin;
        uint64_t word = 0;
        for (uint32_t i = 0; i < (left < 64 ? left : 64); i++)
            word |= (uint64_t)rc_behaviour_passes(numbers->behaviour, numbers->wide[begin + i])
                    << i;
        words[begin / 64] = word;
    }
}
