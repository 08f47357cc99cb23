/*
 * Receipts: what changes that were asked for under a request id came to, so that a retry is
 * answered as the first was and changes nothing.
 *
 * Kept are the newest RC_RECEIPTS_MAX, and of these as many as take RC_RECEIPTS_BYTES_MAX, the
 * newest in any case: a function of the log, without a clock. A put makes a new table that shares
 * the receipts, as a catalog does (store/project/catalog.h).
 *
 * Ownership: counted: rc_receipts_ref, rc_receipts_unref; what is found is borrowed from the table.
 * Threading: immutable.
 * Errors:    RC_CORRUPT for stored bytes that are no table.
 */
#ifndef RC_STORE_PROJECT_RECEIPTS_H
#define RC_STORE_PROJECT_RECEIPTS_H

#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/base/bytes.h"
#include "engine/base/cleanup.h"
#include "engine/base/status.h"

/* Who asks for a change, and how it is known when it is asked for again. All of it may be empty. */
struct rc_asked {
    struct rc_bytes author;     /* As the caller says; goes into the history of an entry. */
    struct rc_bytes request_id; /* Empty: a retry is a change of its own. */
    uint64_t content;           /* A hash of what is asked. */
};

struct rc_receipt {
    struct rc_bytes request_id;
    uint64_t content;
    uint64_t sequence;     /* Of the log record. */
    struct rc_bytes reply; /* What the change made, in its stored form; of a removal nothing. */
};

struct rc_receipts;

RC_MUST_USE enum rc_status
rc_receipts_new(struct rc_account *account, struct rc_receipts **ret_receipts);

struct rc_receipts *
rc_receipts_ref(struct rc_receipts *receipts);

struct rc_receipts *
rc_receipts_unref(struct rc_receipts *receipts);

RC_DEFINE_CLEANUP(struct rc_receipts *, rc_receipts_unref)

/* A new table with a receipt put behind all others, in the place of one of its request id. No
 * sequence is above its own. Everything is copied. */
RC_MUST_USE enum rc_status
rc_receipts_put(const struct rc_receipts *receipts,
                const struct rc_receipt *receipt,
                struct rc_receipts **ret_receipts);

/* What is known of a change that is asked for.
 *   RC_OK       *ret_receipt is what the first came to; NULL: it is not known, or has no id.
 *   RC_INVALID  its request id is that of another change. */
RC_MUST_USE enum rc_status
rc_receipts_find(const struct rc_receipts *receipts,
                 const struct rc_asked *asked,
                 const struct rc_receipt **ret_receipt,
                 struct rc_error *reterr_error);

/* The sequence of the newest; 0: there is none. */
uint64_t
rc_receipts_last(const struct rc_receipts *receipts);

uint32_t
rc_receipts_count(const struct rc_receipts *receipts);

/* By sequence, ascending. */
const struct rc_receipt *
rc_receipts_at(const struct rc_receipts *receipts, uint32_t index);

/* Order, distinct ids, limits. RC_CORRUPT. */
RC_MUST_USE enum rc_status
rc_receipts_check(const struct rc_receipts *receipts, struct rc_error *reterr_error);

/* Stored form: varint count; of each: bytes request id, u64 content, u64 sequence, bytes reply. */
void
rc_receipts_write(const struct rc_receipts *receipts, struct rc_writer *writer);

RC_MUST_USE enum rc_status
rc_receipts_read(struct rc_account *account,
                 struct rc_reader *reader,
                 struct rc_receipts **ret_receipts,
                 struct rc_error *reterr_error);

#endif
