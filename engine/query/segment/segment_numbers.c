/* Segment numbers. Bytes are compared as the codes of a column are. */
#include "engine/query/segment/segment_numbers.h"

#include <string.h>

#include "engine/match/rows/scan.h"

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

enum rc_status
rc_segment_numbers_open(struct rc_segment_numbers *numbers,
                        const struct rc_behaviour *behaviour,
                        uint32_t person_count,
                        struct rc_account *account)
{
    const bool fits = behaviour->n < UINT8_MAX;
    const size_t bytes = (size_t)person_count * (fits ? 1 : sizeof(*numbers->wide));
    void *array = rc_alloc_in(account, bytes);
    if (array == NULL)
        return RC_NO_MEMORY;
    memset(array, 0, bytes);
    *numbers = (struct rc_segment_numbers){.behaviour = behaviour,
                                           .person_count = person_count,
                                           .bytes = fits ? array : NULL,
                                           .wide = fits ? NULL : array};
    return RC_OK;
}

void
rc_segment_numbers_close(struct rc_segment_numbers *numbers)
{
    rc_alloc_free(numbers->bytes);
    rc_alloc_free(numbers->wide);
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

void
rc_segment_numbers_compare(const struct rc_segment_numbers *numbers, uint64_t *words)
{
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
