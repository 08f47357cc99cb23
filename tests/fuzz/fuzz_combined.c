/* Lines of an access log. */
#include "loaders/combined.h"
#include "tests/fuzz/rows.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_rows rows;
    fuzz_rows_open(&rows, "combined-log", (struct rc_bytes){(const char *)data, size});
    while (fuzz_rows_next(&rows, 0)) {
        struct rc_error error = {0};
        if (!rc_bytes_is_text(rows.record.raw))
            continue;
        const enum rc_status status = rc_combined_parse(&rows.record, &error);
        FUZZ_CHECK(status == RC_OK || (status == RC_INVALID && error.message[0] != '\0'));
        if (status == RC_OK)
            fuzz_rows_map(&rows);
    }
    fuzz_rows_close(&rows);
    return 0;
}
