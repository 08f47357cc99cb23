/* Rows end at line feeds. A batch of what was mapped must always make a request. */
#include "tests/fuzz/rows.h"

#include <string.h>

void
fuzz_rows_open(struct fuzz_rows *rows, const char *name, struct rc_bytes input)
{
    struct rc_error error = {0};
    *rows = (struct fuzz_rows){.left = input, .pack = rc_pack_new()};
    FUZZ_CHECK(rows->pack != NULL && rc_record_init(&rows->record));
    FUZZ_CHECK(rc_mapping_load(name, &rows->mapping, &error) == RC_OK);
    FUZZ_CHECK(rc_mapper_new(rows->mapping, rows->pack, &rows->mapper, &error) == RC_OK);
}

bool
fuzz_rows_next(struct fuzz_rows *rows, size_t padding)
{
    if (rows->left.size == 0)
        return false;
    const char *end = memchr(rows->left.data, '\n', rows->left.size);
    const size_t size = end == NULL ? rows->left.size : (size_t)(end - rows->left.data);
    free(rows->row);
    rows->row = malloc(size + padding);
    FUZZ_CHECK(rows->row != NULL);
    if (size > 0)
        memcpy(rows->row, rows->left.data, size);
    memset(rows->row + size, ' ', padding);
    rows->record.raw = (struct rc_bytes){rows->row, size};
    rows->record.line++;
    const size_t used = end == NULL ? size : size + 1;
    rows->left = (struct rc_bytes){rows->left.data + used, rows->left.size - used};
    return true;
}

void
fuzz_rows_map(struct fuzz_rows *rows)
{
    struct rc_mapped_row row;
    struct rc_error error = {0};
    const enum rc_status status = rc_mapper_map(rows->mapper, &rows->record, &row, &error);
    if (status == RC_OK) {
        FUZZ_CHECK(row.kinds != 0);
        FUZZ_CHECK(rc_mapper_add(rows->mapper, &rows->record, &row) == RC_OK);
        return;
    }
    FUZZ_CHECK(status == RC_INVALID || status == RC_NOT_FOUND);
    FUZZ_CHECK(status == RC_NOT_FOUND || error.message[0] != '\0');
}

void
fuzz_rows_close(struct fuzz_rows *rows)
{
    struct rc_bytes request;
    FUZZ_CHECK(rc_pack_request(rows->pack, 1, &request) == RC_OK);
    FUZZ_CHECK(request.size > 0);
    rc_mapper_free(rows->mapper);
    rc_pack_free(rows->pack);
    rc_mapping_free(rows->mapping);
    rc_record_close(&rows->record);
    free(rows->row);
}
