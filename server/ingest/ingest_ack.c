/*
 * Acknowledgements. Rows that the engine rejected are counted by tables; in NDJSON they are named
 * by their line, among the lines that were no rows at all.
 */
#include <recount/v1/ingest.pb-c.h>
#include <stdlib.h>

#include "engine/base/alloc.h"
#include "server/encode/encode.h"
#include "server/ingest/service_ingest.h"

_Static_assert((int)RECOUNT__V1__REJECT_REASON__REJECT_REASON_MISSING == (int)RC_REJECT_MISSING &&
                   (int)RECOUNT__V1__REJECT_REASON__REJECT_REASON_LENGTH == (int)RC_REJECT_LENGTH &&
                   (int)RECOUNT__V1__REJECT_REASON__REJECT_REASON_SYNTAX == (int)RC_REJECT_SYNTAX &&
                   (int)RECOUNT__V1__REJECT_REASON__REJECT_REASON_FUTURE == (int)RC_REJECT_FUTURE,
               "reasons have the same numbers");
_Static_assert((int)RECOUNT__V1__ROW_TABLE__ROW_TABLE_EVENTS == (int)RC_PART_EVENTS &&
                   (int)RECOUNT__V1__ROW_TABLE__ROW_TABLE_ALIASES == (int)RC_PART_ALIASES,
               "tables have the same numbers");

struct rc_flight *
rc_flight_free(struct rc_flight *flight)
{
    if (flight == NULL)
        return NULL;
    rc_message_release(&flight->message);
    rc_arena_free(flight->arena);
    rc_alloc_free(flight);
    return NULL;
}

static enum rc_status
encode_reject(struct rc_arena *arena,
              const struct rc_reject *reject,
              Recount__V1__RowTable table,
              uint32_t index,
              Recount__V1__RejectedRow **ret_row)
{
    Recount__V1__RejectedRow *row;
    RC_NEW(arena, row, recount__v1__rejected_row__descriptor);
    row->table = table;
    row->index = index;
    row->reason = (Recount__V1__RejectReason)reject->reason;
    /* A name that is no text cannot be told in one. */
    const struct rc_bytes none = {"", 0};
    RC_NEW_TEXT(arena, row->field, rc_bytes_is_text(reject->field) ? reject->field : none);
    RC_NEW_TEXT(arena, row->message, reject->message);
    *ret_row = row;
    return RC_OK;
}

static uint32_t
line_of(const struct rc_ndjson *ndjson, const struct rc_reject *reject)
{
    switch (reject->part) {
    case RC_PART_EVENTS:
        return ndjson->event_lines[reject->row];
    case RC_PART_WRITES:
        return ndjson->write_lines[reject->row];
    case RC_PART_ALIASES:
        return ndjson->alias_lines[reject->row];
    case RC_PART_ACCOUNTS:
        return ndjson->account_lines[reject->row];
    }
    return reject->row; /* A line that was no row. */
}

static int
compare_rows(const void *a, const void *b)
{
    const Recount__V1__RejectedRow *const *left = a;
    const Recount__V1__RejectedRow *const *right = b;
    return ((*left)->index > (*right)->index) - ((*left)->index < (*right)->index);
}

static enum rc_status
encode_rejects(const struct rc_flight *flight, Recount__V1__BatchAck *ack)
{
    const struct rc_rejects *lists[] = {&flight->rejects, &flight->ndjson.rejects};
    const uint32_t most = flight->rejects.listed + flight->ndjson.rejects.listed;
    RC_NEW_ARRAY(flight->arena, ack->rejected, Recount__V1__RejectedRow *, most);
    for (size_t k = 0; k < 2; k++)
        for (uint32_t i = 0; i < lists[k]->listed; i++) {
            const struct rc_reject *reject = &lists[k]->list[i];
            const Recount__V1__RowTable table =
                flight->is_ndjson ? RECOUNT__V1__ROW_TABLE__ROW_TABLE_NDJSON_LINES
                : reject->part == RC_PART_ACCOUNTS
                    ? RECOUNT__V1__ROW_TABLE__ROW_TABLE_ACCOUNT_PROPERTIES
                    : (Recount__V1__RowTable)reject->part;
            const uint32_t index =
                flight->is_ndjson ? line_of(&flight->ndjson, reject) : reject->row;
            RC_TRY(encode_reject(flight->arena, reject, table, index,
                                 &ack->rejected[ack->n_rejected++]));
        }
    if (flight->is_ndjson)
        qsort(ack->rejected, ack->n_rejected, sizeof(Recount__V1__RejectedRow *), compare_rows);
    if (ack->n_rejected > RC_REJECTS_LISTED_MAX)
        ack->n_rejected = RC_REJECTS_LISTED_MAX;
    ack->rejected_count = flight->rejects.count + flight->ndjson.rejects.count;
    return RC_OK;
}

struct rc_bytes
rc_flight_ack(struct rc_flight *flight, const struct rc_ingest_result *result)
{
    Recount__V1__BatchAck ack = RECOUNT__V1__BATCH_ACK__INIT;
    Recount__V1__IngestResponse response = RECOUNT__V1__INGEST_RESPONSE__INIT;
    response.kind_case = RECOUNT__V1__INGEST_RESPONSE__KIND_ACK;
    response.ack = &ack;
    ack.batch_id = flight->batch_id;
    ack.duplicate = result->duplicate;
    if (!result->duplicate) {
        ack.accepted = result->accepted;
        ack.replaced = result->replaced;
        ack.durable_position = result->durable_sequence;
        if (encode_rejects(flight, &ack) != RC_OK)
            return (struct rc_bytes){NULL, 0};
    }
    return rc_message_pack(&response.base, flight->arena);
}

struct rc_bytes
rc_ingest_opened(struct rc_arena *arena, uint64_t last_batch_id)
{
    Recount__V1__IngestOpened opened = RECOUNT__V1__INGEST_OPENED__INIT;
    Recount__V1__IngestResponse response = RECOUNT__V1__INGEST_RESPONSE__INIT;
    response.kind_case = RECOUNT__V1__INGEST_RESPONSE__KIND_OPENED;
    response.opened = &opened;
    opened.last_batch_id = last_batch_id;
    return rc_message_pack(&response.base, arena);
}
