/*
 * Field and record: what every archive format is turned into before the mapping sees it.
 *
 * A record is one row of an archive as a flat list of named, typed fields. A nested object of JSON
 * is flattened with dots, except for the roots that the mapping names ("properties"): their members
 * keep their own names and say which root they came from.
 *
 * Ownership: a record owns its arrays and its arena; names and values are borrowed from the input's
 *            buffer, the JSON parser or the arena, and valid until the next record is read.
 * Threading: one thread at a time.
 */
#ifndef RC_LOADERS_FIELD_H
#define RC_LOADERS_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"

enum rc_field_type {
    RC_FIELD_NULL,
    RC_FIELD_FALSE,
    RC_FIELD_TRUE,
    RC_FIELD_INT,
    RC_FIELD_UNSIGNED, /* Above the signed range: an id, never a property. */
    RC_FIELD_DOUBLE,
    RC_FIELD_TEXT,
    RC_FIELD_LIST,     /* Of texts. */
    RC_FIELD_BAD_LIST, /* Of something else: cannot be a property. */
    RC_FIELD_ROOT, /* The object of a root, whose members follow as fields of their own; or {}. */
};

struct rc_field_value {
    enum rc_field_type type;
    uint32_t list_count; /* Of a list: elements from list_begin of the record's elements. */
    union {
        int64_t integer;
        uint64_t whole;
        double number;
        struct rc_bytes text;
        size_t list_begin;
    };
};

/* Whether size bytes are equal, without a call: most names and values are shorter than 64 bytes.
 * Reads nothing outside of them. */
static inline bool
rc_bytes_match(const char *a, const char *b, size_t size)
{
    uint64_t x;
    uint64_t y;
    if (size < 4)
        return size == 0 ||
               (a[0] == b[0] && a[size - 1] == b[size - 1] && a[size / 2] == b[size / 2]);
    if (size < 8) {
        uint32_t heads[2];
        uint32_t tails[2];
        memcpy(&heads[0], a, 4);
        memcpy(&heads[1], b, 4);
        memcpy(&tails[0], a + size - 4, 4);
        memcpy(&tails[1], b + size - 4, 4);
        return ((heads[0] ^ heads[1]) | (tails[0] ^ tails[1])) == 0;
    }
    for (size_t i = 0; i + 8 < size; i += 8) {
        memcpy(&x, a + i, 8);
        memcpy(&y, b + i, 8);
        if (x != y)
            return false;
    }
    memcpy(&x, a + size - 8, 8);
    memcpy(&y, b + size - 8, 8);
    return x == y;
}

/* A root: 0 is the record itself; 1 and 2 are the objects that the mapping names. */
#define RC_FIELD_ROOTS_MAX 3

struct rc_field_entry; /* The mapping's knowledge about a name; see mapper.h. */

struct rc_field {
    struct rc_bytes name;
    struct rc_field_value value;
    uint32_t root;
    uint32_t column; /* Of events, if that is all there is to it; else RC_FIELD_NO_COLUMN. */
    struct rc_field_entry *entry; /* Filled by the mapper, like column; or known before. */
};

#define RC_FIELD_NO_COLUMN UINT32_MAX

/* Fields of a record that are not among its fields, since the row before it of the same user has
 * the same ones: places in the record's echoes. See echo.h. */
struct rc_echo_run {
    uint32_t first;
    uint32_t count;
    size_t field; /* The field of the record that it stands before. */
};

#define RC_ECHO_RUNS_MAX 16

/* Where a row was put: a row of a batch of events. */
struct rc_row_place {
    uint64_t batch; /* As the pack numbers them; 0: nowhere. */
    uint32_t row;
};

struct rc_record {
    struct rc_bytes
        raw;         /* The row as read, without its line end. 64 bytes after it are readable. */
    uint64_t offset; /* Of its first byte, in the decompressed input. */
    uint64_t line;   /* Of its first byte, from 1. */
    struct rc_field *fields;
    size_t field_count;
    size_t field_capacity;
    struct rc_bytes *elements; /* Of lists. */
    size_t element_count;
    size_t element_capacity;
    struct rc_arena *arena; /* For texts that had to be unescaped; reset for each record. */
    const struct rc_echo_field *echoes;
    struct rc_echo_run runs[RC_ECHO_RUNS_MAX];
    uint32_t run_count;
    struct rc_row_place echo;   /* Of the row that the echoes are the same in. */
    struct rc_row_place *place; /* Where to note the place of this row, or NULL. Borrowed. */
};

/* false: no memory. */
bool
rc_record_init(struct rc_record *record);

/* For RC_CLEANUP on the struct itself; a zeroed struct is fine. */
void
rc_record_close(struct rc_record *record);

/* Forgets the fields of the row before. */
static inline void
rc_record_clear(struct rc_record *record)
{
    record->field_count = 0;
    record->element_count = 0;
    record->run_count = 0;
    record->echo.batch = 0;
    record->place = NULL;
    rc_arena_reset(record->arena);
}

/* Makes room for one more field; false when memory was refused. */
bool
rc_record_grow(struct rc_record *record);

/* A new field at the end, null as yet; NULL when memory was refused. */
static inline struct rc_field *
rc_record_add(struct rc_record *record, struct rc_bytes name, uint32_t root)
{
    if (record->field_count == record->field_capacity && !rc_record_grow(record))
        return NULL;
    struct rc_field *field = &record->fields[record->field_count++];
    field->name = name;
    field->root = root;
    field->column = RC_FIELD_NO_COLUMN;
    field->entry = NULL;
    field->value.type = RC_FIELD_NULL;
    return field;
}

/* A text field at the end. */
static inline bool
rc_record_add_text(struct rc_record *record, struct rc_bytes name, struct rc_bytes text)
{
    struct rc_field *field = rc_record_add(record, name, 0);
    if (field != NULL)
        field->value = (struct rc_field_value){.type = RC_FIELD_TEXT, .text = text};
    return field != NULL;
}

#endif
