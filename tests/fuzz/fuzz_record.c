/* A record of the log: what is read must be written and read again as the same. */
#include "engine/intake/record.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rc_record record;
    struct rc_record again;
    struct rc_error error;
    if (rc_record_read((struct rc_bytes){(const char *)data, size}, &record, &error) != RC_OK)
        return 0;
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    rc_record_write(&writer, &record);
    if (record.kind == RC_RECORD_BATCH)
        rc_write_raw(&writer, record.batch.data, record.batch.size);
    FUZZ_CHECK(rc_record_read(fuzz_written(&writer), &again, &error) == RC_OK);
    FUZZ_CHECK(again.kind == record.kind && again.batch_id == record.batch_id);
    FUZZ_CHECK(rc_bytes_equal(again.project, record.project));
    FUZZ_CHECK(rc_bytes_equal(again.client_stream, record.client_stream));
    FUZZ_CHECK(rc_bytes_equal(again.batch, record.batch));
    FUZZ_CHECK(rc_bytes_equal(again.changes, record.changes));
    FUZZ_CHECK(again.catalog == record.catalog);
    FUZZ_CHECK(rc_bytes_equal(again.asked.request_id, record.asked.request_id));
    FUZZ_CHECK(rc_bytes_equal(again.asked.author, record.asked.author));
    FUZZ_CHECK(rc_bytes_equal(again.entry.name, record.entry.name));
    FUZZ_CHECK(rc_bytes_equal(again.entry.payload, record.entry.payload));
    return 0;
}
