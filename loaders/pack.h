/*
 * Pack: a batch under construction, and its bytes: a recount.v1.IngestRequest with a ColumnarBatch.
 *
 * Rows come one by one, their properties by the number of a column that was named before. Columns
 * stay known from batch to batch; a column without a value in a batch is not written.
 *
 * Ownership: a pack owns everything; the request's bytes are valid until the next call.
 * Threading: one thread at a time.
 * Units:     rows of one batch from 0.
 * Errors:    RC_NO_MEMORY may leave a row half made: give the batch up.
 */
#ifndef RC_LOADERS_PACK_H
#define RC_LOADERS_PACK_H

#include "engine/base/bytes.h"
#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "loaders/pack_column.h"

struct rc_pack;

enum rc_pack_table {
    RC_PACK_EVENTS,
    RC_PACK_USER_PROPERTIES,
    RC_PACK_ACCOUNT_PROPERTIES,
    RC_PACK_TABLE_COUNT
};

/* NULL when memory was refused. */
struct rc_pack *
rc_pack_new(void);

/* NULL is fine. Returns NULL. */
struct rc_pack *
rc_pack_free(struct rc_pack *pack);

RC_DEFINE_CLEANUP(struct rc_pack *, rc_pack_free)

/* The number of a column of a table, new or known. The name is copied. */
RC_MUST_USE enum rc_status
rc_pack_column_find(struct rc_pack *pack,
                    enum rc_pack_table table,
                    struct rc_bytes name,
                    uint32_t *ret_column);

uint32_t
rc_pack_column_count(const struct rc_pack *pack, enum rc_pack_table table);

/* The columns of a table, by number; valid until a column is added. */
struct rc_pack_column *
rc_pack_columns(struct rc_pack *pack, enum rc_pack_table table);

enum rc_pack_id_kind { RC_PACK_ID_NONE, RC_PACK_ID_INT, RC_PACK_ID_TEXT };

struct rc_pack_id {
    enum rc_pack_id_kind kind;
    uint64_t number;      /* RC_PACK_ID_INT. */
    struct rc_bytes text; /* RC_PACK_ID_TEXT: not the decimal text of such a number. */
};

/* Begins a row; its number is the table's row count before. Set its properties next. */
RC_MUST_USE enum rc_status
rc_pack_add_event(struct rc_pack *pack,
                  struct rc_bytes user,
                  int64_t time_ms,
                  struct rc_pack_id id);

/* The number of the batch under construction, from 1: no two batches of a pack have the same. */
uint64_t
rc_pack_batch(const struct rc_pack *pack);

/* The event before this one of the same user in the batch, or the event itself: a hint for
 * rc_pack_column_set_text. row is the event added last. */
uint32_t
rc_pack_event_before(const struct rc_pack *pack, uint32_t row);

RC_MUST_USE enum rc_status
rc_pack_add_user_write(struct rc_pack *pack, struct rc_bytes user, int64_t time_ms);

/* key: the event property that names the account. */
RC_MUST_USE enum rc_status
rc_pack_add_account_write(struct rc_pack *pack,
                          struct rc_bytes key,
                          struct rc_bytes account,
                          int64_t time_ms);

RC_MUST_USE enum rc_status
rc_pack_add_alias(struct rc_pack *pack, struct rc_bytes left, struct rc_bytes right);

uint32_t
rc_pack_row_count(const struct rc_pack *pack, enum rc_pack_table table);

/* About as many bytes as the request would have now. O(columns). */
size_t
rc_pack_bytes(const struct rc_pack *pack);

/* The batch as a request with this batch_id, without project and client_stream. */
RC_MUST_USE enum rc_status
rc_pack_request(struct rc_pack *pack, uint64_t batch_id, struct rc_bytes *ret_request);

/* Forgets the rows, to begin the next batch. */
void
rc_pack_reset(struct rc_pack *pack);

#endif
