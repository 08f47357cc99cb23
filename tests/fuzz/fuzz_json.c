/* Lines of JSON, through the shipped mapping of Recount's own schema. */
#include "loaders/json.h"
#include "loaders/lines.h"
#include "tests/fuzz/rows.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_rows rows;
    fuzz_rows_open(&rows, "recount", (struct rc_bytes){(const char *)data, size});
    struct rc_json *parser = rc_json_new("properties", "set", RC_BYTES_LITERAL("user"), 0);
    FUZZ_CHECK(parser != NULL);
    while (fuzz_rows_next(&rows, RC_ROW_PADDING_BYTES)) {
        struct rc_error error = {0};
        const enum rc_status status = rc_json_parse(parser, &rows.record, &error);
        FUZZ_CHECK(status == RC_OK || (status == RC_INVALID && error.message[0] != '\0'));
        if (status == RC_OK)
            fuzz_rows_map(&rows);
    }
    rc_json_free(parser);
    fuzz_rows_close(&rows);
    return 0;
}
