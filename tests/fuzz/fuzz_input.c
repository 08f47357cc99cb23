/*
 * A whole archive file, compressed or not: the first byte picks a shipped mapping, the rest is the
 * file. It is read from its beginning, and once more from the position of its last row.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "loaders/source.h"
#include "tests/fuzz/fuzz.h"

/* Rows at the most: a small file can decompress to a very large one. */
#define ROWS_MAX 5000

static const char *const names[] = {"recount", "wikiticker", "combined-log", "pg-copy-hstore",
                                    "stackexchange-posts"};

struct end {
    uint64_t rows;
    uint64_t offset;
    uint64_t line;
};

/* Reads all rows; the position and the number of the last good one. */
static enum rc_status
read_rows(const struct rc_source_options *options, struct end *ret_end)
{
    struct rc_error error = {0};
    RC_CLEANUP(rc_source_closep) struct rc_source *source = NULL;
    RC_TRY(rc_source_open(options, &source, &error));
    struct end end = {0};
    uint64_t skipped = 0;
    uint64_t rejected = 0;
    while (skipped + rejected + end.rows < ROWS_MAX) {
        RC_TRY(rc_source_next(source, &skipped, &rejected, &error));
        if (rc_source_row(source) == NULL)
            break;
        end.rows++;
        rc_source_position(source, &end.offset, &end.line);
        RC_TRY(rc_source_add(source));
    }
    *ret_end = end;
    return RC_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const int file = memfd_create("fuzz", 0);
    FUZZ_CHECK(file >= 0);
    FUZZ_CHECK(write(file, data + 1, size - 1) == (ssize_t)(size - 1));
    char path[32];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", file);

    RC_CLEANUP(rc_mapping_freep) struct rc_mapping *mapping = NULL;
    RC_CLEANUP(rc_pack_freep) struct rc_pack *pack = rc_pack_new();
    RC_CLEANUP(rc_rejects_freep) struct rc_rejects *rejects = NULL;
    struct rc_error error;
    const char *name = names[data[0] % (sizeof(names) / sizeof(names[0]))];
    FUZZ_CHECK(pack != NULL && rc_mapping_load(name, &mapping, &error) == RC_OK);
    FUZZ_CHECK(rc_rejects_new(NULL, UINT64_MAX, false, &rejects, &error) == RC_OK);
    struct rc_source_options options = {
        .path = path, .mapping = mapping, .pack = pack, .rejects = rejects};
    struct end first;
    if (read_rows(&options, &first) == RC_OK && first.rows > 0 && first.rows < ROWS_MAX) {
        struct end last;
        options.offset = first.offset;
        options.line = first.line;
        rc_pack_reset(pack);
        FUZZ_CHECK(read_rows(&options, &last) == RC_OK);
        FUZZ_CHECK(last.rows == 1 || first.offset == 0);
    }
    close(file);
    return 0;
}
