/* Decode: the envelope of an ingestion message. By hand, so that a batch is never copied. */
#include "server/decode/wire.h"
#include "server/ingest/decode_batch.h"

enum {
    FIELD_PROJECT = 1,
    FIELD_CLIENT_STREAM = 2,
    FIELD_BATCH_ID = 3,
    FIELD_COLUMNAR = 4,
    FIELD_NDJSON = 5,
};

static enum rc_status
take_text(struct rc_bytes bytes, const char *field, struct rc_bytes *ret, struct rc_error *error)
{
    if (!rc_bytes_is_text(bytes))
        return rc_error_field(error, RC_INVALID, field, "the text is not UTF-8, or holds NUL");
    *ret = bytes;
    return RC_OK;
}

static enum rc_status
take_field(const struct rc_wire_field *field,
           struct rc_ingest_message *message,
           struct rc_error *error)
{
    const uint32_t wire = field->number == FIELD_BATCH_ID ? RC_WIRE_VARINT : RC_WIRE_BYTES;
    if (field->number > FIELD_NDJSON)
        return rc_error_field(error, RC_UNSUPPORTED, "",
                              "field %u of IngestRequest is not known to this server",
                              field->number);
    if (field->wire != wire)
        return rc_error_field(error, RC_INVALID, "", "field %u has the wrong wire type",
                              field->number);
    switch (field->number) {
    case FIELD_PROJECT:
        return take_text(field->bytes, "project", &message->project, error);
    case FIELD_CLIENT_STREAM:
        return take_text(field->bytes, "client_stream", &message->client_stream, error);
    case FIELD_BATCH_ID:
        message->batch_id = field->varint;
        return RC_OK;
    default:
        if (message->kind != RC_PAYLOAD_NONE)
            return rc_error_field(error, RC_INVALID,
                                  field->number == FIELD_COLUMNAR ? "columnar" : "ndjson",
                                  "a message has one payload");
        message->kind = field->number == FIELD_COLUMNAR ? RC_PAYLOAD_COLUMNAR : RC_PAYLOAD_NDJSON;
        message->payload = field->bytes;
        return RC_OK;
    }
}

enum rc_status
rc_decode_ingest(struct rc_bytes bytes,
                 struct rc_ingest_message *ret_message,
                 struct rc_error *reterr_error)
{
    struct rc_ingest_message message = {.kind = RC_PAYLOAD_NONE};
    struct rc_reader reader = rc_reader_of(bytes.data, bytes.size);
    while (rc_reader_left(&reader) > 0) {
        struct rc_wire_field field;
        if (!rc_wire_next(&reader, &field))
            return rc_error_set(reterr_error, RC_INVALID, "the bytes are no IngestRequest message");
        RC_TRY(take_field(&field, &message, reterr_error));
    }
    *ret_message = message;
    return RC_OK;
}
