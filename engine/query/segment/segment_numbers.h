/*
 * Segment numbers: how often each person did something, and who passes a behaviour by it. A byte a
 * person where all numbers that are greater than it holds compare alike: 200,000 of them fit a
 * core's cache, and are compared 64 by one instruction. Where few persons are asked about they have
 * places in a hash table: to clear and compare everybody's would be most of the work.
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

/* A place of the table. */
struct rc_segment_number {
    uint32_t person; /* UINT32_MAX: nobody's. */
    uint32_t count;
};

struct rc_segment_numbers {
    const struct rc_behaviour *behaviour;
    uint32_t person_count;
    uint8_t *bytes; /* UINT8_MAX: so often, or oftener. NULL: another is used. */
    uint32_t *wide;
    struct rc_segment_number *few; /* A power of two, and at least one is nobody's. */
    uint32_t few_shift;            /* From a hash of 32 bits to a place. */
};

/* Of so many persons, or fewer, one in so many is asked about where they are few. */
#define RC_SEGMENT_FEW_SHARE 64u

/* Whether a person with this measure passes. */
bool
rc_behaviour_passes(const struct rc_behaviour *behaviour, double measure);

/* All are 0. asked: who alone is added to and compared, a bit each; NULL: everybody. */
RC_MUST_USE enum rc_status
rc_segment_numbers_open(struct rc_segment_numbers *numbers,
                        const struct rc_behaviour *behaviour,
                        uint32_t person_count,
                        const uint64_t *asked,
                        struct rc_account *account);

void
rc_segment_numbers_close(struct rc_segment_numbers *numbers);

/* The place of a person, or the one that is nobody's where it would be. */
static inline struct rc_segment_number *
rc_segment_numbers_find(const struct rc_segment_numbers *numbers, uint32_t person)
{
    const uint32_t mask = UINT32_MAX >> numbers->few_shift;
    uint32_t at = person * 0x9e3779b1u >> numbers->few_shift;
    while (numbers->few[at].person != person && numbers->few[at].person != UINT32_MAX)
        at = (at + 1) & mask;
    return &numbers->few[at];
}

static inline void
rc_segment_numbers_add(const struct rc_segment_numbers *numbers, uint32_t person)
{
    if (numbers->few != NULL)
        rc_segment_numbers_find(numbers, person)->count++;
    else if (numbers->bytes == NULL)
        numbers->wide[person]++;
    else if (numbers->bytes[person] != UINT8_MAX)
        numbers->bytes[person]++;
}

/* Writes a bit for everybody who is asked about: whether its number passes. (person_count + 63) /
 * 64 words; bits of others mean nothing. */
void
rc_segment_numbers_compare(const struct rc_segment_numbers *numbers, uint64_t *words);

#endif
