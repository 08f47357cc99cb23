/*
 * Mapper head: what a row is, whose, when, and under which id. Used by mapper.c only.
 *
 * Ownership: plain memory; values are borrowed from the record.
 * Threading: no shared state.
 */
#ifndef RC_LOADERS_MAPPER_HEAD_H
#define RC_LOADERS_MAPPER_HEAD_H

#include "loaders/field.h"
#include "loaders/mapper.h"
#include "loaders/mapping.h"

struct rc_mapper_slots {
    const struct rc_mapping *mapping;
    uint64_t set; /* A bit for each slot that has a value. */
    struct rc_field_value *values[RC_MAPPING_SLOTS_MAX];
};

/* Fills the error: RC_INVALID, the field, and "<field> <what>". Returns RC_INVALID. */
enum rc_status
rc_mapper_bad(struct rc_error *reterr_error, struct rc_bytes field, const char *what);

bool
rc_mapper_test_passes(const struct rc_mapper_slots *slots, const struct rc_mapping_test *test);

/* RC_ROW_ bits; 0 when the mapping leaves the row out. */
uint32_t
rc_mapper_kinds_of(const struct rc_mapper_slots *slots);

/*
 * Fills user, time and id, or the two ids of an alias, of a row whose kinds are set.
 *   RC_NOT_FOUND  there is no user, and the mapping skips such rows.
 *   RC_INVALID    one is missing or wrong; the field is named.
 *   RC_NO_MEMORY
 */
RC_MUST_USE enum rc_status
rc_mapper_head_find(const struct rc_mapper_slots *slots,
                    const struct rc_record *record,
                    struct rc_mapped_row *row,
                    struct rc_error *reterr_error);

#endif
