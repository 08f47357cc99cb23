/*
 * Spell fields: a word of 64 rows cut into fields, each of them the bits up to an end. The word's
 * last bit need not be an end where none behind the last end is set.
 *
 * Adding ones to the bits that are set below the end carries into the end if and only if there are
 * some; taking one away where a field begins turns its bits over up to the first that is set, so
 * that "and" clears that one.
 *
 * Threading: pure.
 */
#ifndef RC_QUERY_SLAB_SPELL_FIELDS_H
#define RC_QUERY_SLAB_SPELL_FIELDS_H

#include <stdint.h>

/* The fields that have a bit, by their ends. */
static inline uint64_t
rc_fields_with(uint64_t bits, uint64_t ends)
{
    return (((bits & ~ends) + ~ends) | bits) & ends;
}

/* The bits but for each field's first one. */
static inline uint64_t
rc_fields_but_first(uint64_t bits, uint64_t ends)
{
    const uint64_t begins = ends << 1 | 1;
    const uint64_t stopped = bits | ends;
    return stopped & (stopped - begins) & bits;
}

#endif
