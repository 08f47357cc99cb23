/* Lines of JSON, through the shipped mapping of Recount's own schema. */
#include "loaders/json.h"
#include "loaders/lines.h"
#include "tests/fuzz/rows.h"

/* Whether the mapper knows every field: it does not when it stops at one. */
static bool
is_known(const struct rc_record *record)
{
    for (size_t i = 0; i < record->field_count; i++)
        if (record->fields[i].entry == NULL)
            return false;
    return true;
}

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
        if (status != RC_OK)
            continue;
        fuzz_rows_map(&rows);
        if (is_known(&rows.record)) /* Rows are repeated by the rows behind them. */
            FUZZ_CHECK(rc_json_keep(parser, &rows.record) == RC_OK);
    }
    rc_json_free(parser);
    fuzz_rows_close(&rows);
    return 0;
}
