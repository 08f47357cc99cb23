/*
 * Mapper: applies a mapping to records: says what a record is, and puts it into a batch.
 *
 * Ownership: a mapper borrows its mapping and its pack. A mapped row borrows from the record and is
 *            valid until the next record is read.
 * Threading: one thread at a time. Several mappers may fill one pack, in turns.
 * Errors:    a bad row is RC_INVALID with the field and a sentence; nothing of it is in the pack.
 */
#ifndef RC_LOADERS_MAPPER_H
#define RC_LOADERS_MAPPER_H

#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "loaders/field.h"
#include "loaders/mapping.h"
#include "loaders/pack.h"

struct rc_mapper;

enum { RC_ROW_EVENT = 1, RC_ROW_USER = 2, RC_ROW_ALIAS = 4, RC_ROW_ACCOUNT = 8 };

struct rc_mapped_row {
    uint32_t kinds; /* RC_ROW_ bits; an event can also write user properties. */
    struct rc_bytes user;
    int64_t time_ms;
    int64_t user_time_ms;
    struct rc_pack_id id;
    struct rc_bytes alias[2];
    struct rc_bytes account_key;
    struct rc_bytes account;
    char user_digits[24]; /* For ids that are numbers. */
    char alias_digits[2][24];
    char account_digits[2][24];
};

RC_MUST_USE enum rc_status
rc_mapper_new(const struct rc_mapping *mapping,
              struct rc_pack *pack,
              struct rc_mapper **ret_mapper,
              struct rc_error *reterr_error);

/* NULL is fine. Returns NULL. */
struct rc_mapper *
rc_mapper_free(struct rc_mapper *mapper);

RC_DEFINE_CLEANUP(struct rc_mapper *, rc_mapper_free)

/*
 * Says what a parsed record is, and checks all of it.
 *   RC_OK         *ret_row can be added.
 *   RC_NOT_FOUND  the mapping skips the row.
 *   RC_INVALID    the row is bad.
 *   RC_NO_MEMORY
 */
RC_MUST_USE enum rc_status
rc_mapper_map(struct rc_mapper *mapper,
              struct rc_record *record,
              struct rc_mapped_row *ret_row,
              struct rc_error *reterr_error);

/* Puts the record that was mapped last into the pack. RC_NO_MEMORY: give the batch up. */
RC_MUST_USE enum rc_status
rc_mapper_add(struct rc_mapper *mapper,
              const struct rc_record *record,
              const struct rc_mapped_row *row);

#endif
