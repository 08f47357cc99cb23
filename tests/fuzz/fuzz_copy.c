/* Lines of PostgreSQL's COPY text with an hstore column. */
#include "loaders/copy.h"
#include "tests/fuzz/rows.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_rows rows;
    fuzz_rows_open(&rows, "pg-copy-hstore", (struct rc_bytes){(const char *)data, size});
    const struct rc_copy copy = {rows.mapping->columns, rows.mapping->column_count,
                                 rows.mapping->hstore_column};
    while (fuzz_rows_next(&rows, 0)) {
        struct rc_error error = {0};
        if (!rc_bytes_is_text(rows.record.raw))
            continue;
        const enum rc_status status = rc_copy_parse(&copy, &rows.record, &error);
        if (status == RC_NOT_FOUND)
            break;
        FUZZ_CHECK(status == RC_OK || (status == RC_INVALID && error.message[0] != '\0'));
        if (status == RC_OK)
            fuzz_rows_map(&rows);
    }
    fuzz_rows_close(&rows);
    return 0;
}
