/*
 * Rows: what the targets of the loaders share: a mapping with its mapper and pack, and one row at a
 * time in a block of exactly its size, so that a parser that looks past the end is found.
 *
 * Ownership: fuzz_rows_close releases everything.
 * Threading: one thread.
 */
#ifndef RC_TESTS_FUZZ_ROWS_H
#define RC_TESTS_FUZZ_ROWS_H

#include "loaders/field.h"
#include "loaders/mapper.h"
#include "loaders/mapping.h"
#include "loaders/pack.h"
#include "tests/fuzz/fuzz.h"

struct fuzz_rows {
    struct rc_mapping *mapping;
    struct rc_pack *pack;
    struct rc_mapper *mapper;
    struct rc_record record;
    struct rc_bytes left; /* The rows that are still to come. */
    char *row;            /* The row at hand. */
};

/* name is one of the shipped mappings.. */
void
fuzz_rows_open(struct fuzz_rows *rows, const char *name, struct rc_bytes input);

/* The next row into record.raw, with padding readable bytes behind it; false at the end. */
bool
fuzz_rows_next(struct fuzz_rows *rows, size_t padding);

/* Maps the parsed record and adds it to the batch. */
void
fuzz_rows_map(struct fuzz_rows *rows);

/* Makes a request of the batch, and releases everything. */
void
fuzz_rows_close(struct fuzz_rows *rows);

#endif
