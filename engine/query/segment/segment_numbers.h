/*
 * Segment numbers: how often each person did something, and who passes a behaviour by it. A byte a
 * person where all numbers that are greater than it holds compare alike: 200,000 of them fit a
 * core's cache, and are compared 64 by one instruction.
 *
 * Ownership: owns one array, charged to the account given; see rc_segment_numbers_close.
 * Threading: persons may be added to by several threads if each is one thread's.
 * Errors:    RC_NO_MEMORY.
 */
#ifndef RC_QUERY_SEGMENT_SEGMENT_NUMBERS_H
#define RC_QUERY_SEGMENT_SEGMENT_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/query/segment/segment.h"

struct rc_segment_numbers {
    const struct rc_behaviour *behaviour;
    uint32_t person_count;
    uint8_t *bytes; /* UINT8_MAX: so often, or oftener. NULL: wide is used. */
    uint32_t *wide;
};

/* Whether a person with this measure passes. */
bool
rc_behaviour_passes(const struct rc_behaviour *behaviour, double measure);

/* All are 0. */
RC_MUST_USE enum rc_status
rc_segment_numbers_open(struct rc_segment_numbers *numbers,
                        const struct rc_behaviour *behaviour,
                        uint32_t person_count,
                        struct rc_account *account);

void
rc_segment_numbers_close(struct rc_segment_numbers *numbers);

static inline void
rc_segment_numbers_add(const struct rc_segment_numbers *numbers, uint32_t person)
{
    if (numbers->bytes == NULL)
        numbers->wide[person]++;
    else if (numbers->bytes[person] != UINT8_MAX)
        numbers->bytes[person]++;
}

/* Writes a bit a person: whether its number passes. (person_count + 63) / 64 words. */
void
rc_segment_numbers_compare(const struct rc_segment_numbers *numbers, uint64_t *words);

#endif
