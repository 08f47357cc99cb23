/* CSV rows: the first one names the columns, as a header does. */
#include "loaders/csv.h"
#include "tests/fuzz/rows.h"

#define COLUMNS_MAX 64

/* Takes the names of the columns from the row at hand; they live in the arena. */
static size_t
take_columns(struct fuzz_rows *rows, struct rc_arena *arena, struct rc_bytes *columns)
{
    const struct rc_csv plain = {.separator = ','};
    struct rc_error error;
    if (!rc_bytes_is_text(rows->record.raw) ||
        rc_csv_parse(&plain, &rows->record, &error) != RC_OK ||
        rows->record.field_count > COLUMNS_MAX)
        return 0;
    for (size_t i = 0; i < rows->record.field_count; i++) {
        const struct rc_field_value *value = &rows->record.fields[i].value;
        const struct rc_bytes name =
            value->type == RC_FIELD_TEXT ? value->text : RC_BYTES_LITERAL("");
        columns[i] = (struct rc_bytes){rc_arena_copy(arena, name.data, name.size), name.size};
    }
    return rows->record.field_count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    FUZZ_CHECK(arena != NULL);
    struct rc_bytes columns[COLUMNS_MAX];
    struct fuzz_rows rows;
    fuzz_rows_open(&rows, "wikiticker", (struct rc_bytes){(const char *)data, size});
    struct rc_csv csv = {.columns = columns, .separator = ','};
    if (fuzz_rows_next(&rows, 0))
        csv.column_count = take_columns(&rows, arena, columns);
    while (csv.column_count > 0 && fuzz_rows_next(&rows, 0)) {
        struct rc_error error = {0};
        if (!rc_bytes_is_text(rows.record.raw))
            continue;
        const enum rc_status status = rc_csv_parse(&csv, &rows.record, &error);
        FUZZ_CHECK(status == RC_OK || (status == RC_INVALID && error.message[0] != '\0'));
        if (status != RC_OK)
            continue;
        FUZZ_CHECK(rows.record.field_count == csv.column_count);
        fuzz_rows_map(&rows);
    }
    fuzz_rows_close(&rows);
    return 0;
}
