/*
 * Batch: rows on their way in: events, writes of user properties, aliases, as columns. The server
 * decodes messages into one; the intake checks it, logs what is left and applies that.
 *
 * Arrays that are typed unsigned char are packed little-endian numbers at any alignment, so that
 * they can point into a received message.
 *
 * Ownership: a batch borrows everything (from the message and the request's arena).
 * Threading: one thread at a time.
 * Units:     times are UTC ms since 1970.
 * Errors:    the structure (counts, lengths, codes in range) is the decoder's promise and is
 * asserted here; what is in the rows is checked by rc_batch_check, which rejects single rows.
 */
#ifndef RC_INTAKE_BATCH_H
#define RC_INTAKE_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/status.h"
#include "engine/store/value/value.h"

/* One property in the rows of a table. */
struct rc_batch_column {
    struct rc_bytes name;
    uint32_t value_count;
    const struct rc_value
        *values;         /* Distinct values; NULL kind: explicit null (removes a user property; for
                            an event the same as not set). Doubles need not be in normal form. */
    uint32_t code_width; /* 1, 2 or 4. */
    const unsigned char
        *codes;            /* 0: not set; c: values[c - 1]. One a row, or one for each of rows. */
    uint32_t sparse_count; /* Entries of rows. */
    const unsigned char *rows; /* u32, strictly ascending; NULL: dense. */
};

struct rc_batch_table {
    uint32_t row_count;
    uint32_t user_count;
    const struct rc_bytes *users;    /* Sent ids; repeats are allowed. */
    const unsigned char *user_codes; /* u32 a row: index in users. */
    const unsigned char *times_ms;   /* i64 a row. */
    uint32_t column_count;
    const struct rc_batch_column *columns; /* Distinct names. */
};

struct rc_batch {
    struct rc_batch_table events;
    const unsigned char *int_ids; /* u64 a row, or NULL. */
    const struct rc_bytes
        *text_ids; /* One a row, empty: no id; or NULL. Neither: no event has an id. */
    struct rc_batch_table writes; /* User properties. */
    uint32_t alias_count;
    const struct rc_bytes *alias_left;
    const struct rc_bytes *alias_right;
    struct rc_batch_table accounts; /* Properties of accounts; users are names (account_id.h). */
};

enum rc_batch_part {
    RC_PART_EVENTS = 1,
    RC_PART_WRITES = 2,
    RC_PART_ALIASES = 3,
    RC_PART_ACCOUNTS = 4
};

enum rc_reject_reason {
    RC_REJECT_MISSING = 1,
    RC_REJECT_WRONG_TYPE,
    RC_REJECT_OUT_OF_RANGE,
    RC_REJECT_LENGTH,
    RC_REJECT_ENCODING,
    RC_REJECT_UNKNOWN_FIELD,
    RC_REJECT_DUPLICATE_FIELD,
    RC_REJECT_TOO_MANY,
    RC_REJECT_SYNTAX,
    RC_REJECT_EXPIRED,
    RC_REJECT_FUTURE,
};

/* A row that is not taken. */
struct rc_reject {
    enum rc_batch_part part;
    uint32_t row;
    enum rc_reject_reason reason;
    struct rc_bytes field;   /* "user", "time", "id", "account", a property's name, or empty. */
    struct rc_bytes message; /* One English sentence. */
};

struct rc_rejects {
    uint64_t count;         /* All of them. */
    uint32_t listed;        /* The first ones, by part and row. */
    struct rc_reject *list; /* In the arena. */
};

#define RC_REJECTS_LISTED_MAX 100u

/*
 * Checks every row: user id present, sizes within limits, UTF-8 without NUL, times within
 * RC_TIME_MS_MIN .. MAX, names and values in order, doubles finite. Text is checked once per
 * distinct value. RC_OK  ret_keep[part] is a bit per row to take (NULL: all of them), *ret_rejects
 * the rest. From arena.
 */
struct rc_batch_keep {
    const uint64_t *events;
    const uint64_t *writes;
    const uint64_t *aliases;
    const uint64_t *accounts;
    uint64_t accepted; /* Rows that are left, over all parts. */
};

/* Times that rows may have besides: events from least_ms on, events and writes up to greatest_ms.
 */
struct rc_batch_times {
    int64_t least_ms;
    int64_t greatest_ms;
};

RC_MUST_USE enum rc_status
rc_batch_check_within(const struct rc_batch *batch,
                      const struct rc_batch_times *times,
                      struct rc_arena *arena,
                      struct rc_batch_keep *ret_keep,
                      struct rc_rejects *ret_rejects);

/* The same at any time of the calendar. */
RC_MUST_USE enum rc_status
rc_batch_check(const struct rc_batch *batch,
               struct rc_arena *arena,
               struct rc_batch_keep *ret_keep,
               struct rc_rejects *ret_rejects);

/* Appends the logged form of the kept rows: codes and values that no kept row uses are left out,
 * numbers are in normal form, so that replay decides nothing. */
void
rc_batch_write(struct rc_writer *writer,
               const struct rc_batch *batch,
               const struct rc_batch_keep *keep,
               struct rc_arena *arena);

/* Reads a logged batch in place; only small arrays come from arena. RC_CORRUPT: broken bytes. */
RC_MUST_USE enum rc_status
rc_batch_read(struct rc_reader *reader,
              struct rc_arena *arena,
              struct rc_batch *ret_batch,
              struct rc_error *reterr_error);

#endif
