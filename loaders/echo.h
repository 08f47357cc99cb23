/*
 * Echo: what the rows of a user repeat.
 *
 * An event repeats most of what the event before it of the same user said: session, device, place,
 * language, referrer. So the last plain line of each of a few thousand users is kept with its
 * fields. A run of members whose bytes are those of the kept line, up to the comma or brace behind
 * them, is not parsed, looked up or checked again: the record names the run, and the mapper takes
 * it over as a whole. Equal bytes are equal fields, so which way a field came can be seen from the
 * time alone.
 *
 * Only fields that go into a column of events and nowhere else are taken over. Which member names
 * the user is the mapping's business; the parser says its bytes when it meets it. Members before it
 * are never taken over.
 *
 * Ownership: an echo owns what it keeps. The echoes of a record are valid until the next line
 *            begins; their bytes are those of the record's own line.
 * Threading: one thread at a time.
 * Units:     bytes of a line from 0.
 * Errors:    RC_NO_MEMORY, and the line is not kept.
 */
#ifndef RC_LOADERS_ECHO_H
#define RC_LOADERS_ECHO_H

#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "loaders/field.h"

/* Lines that are longer, or have more fields, are not kept. */
#define RC_ECHO_LINE_BYTES_MAX 8192
#define RC_ECHO_FIELDS_MAX 128

/* A field of a line that is kept, or that is under way. */
struct rc_echo_field {
    uint32_t begin;     /* Of the member: the quote of its name. */
    uint16_t value;     /* Of its value, from there. */
    uint16_t end;       /* The comma or brace behind it, from there. */
    uint16_t name_size; /* And the name is behind the quote. */
    uint8_t type;       /* enum rc_field_type */
    uint8_t root;       /* RC_ECHO_NO_ROOT: its name has escapes. */
    uint32_t column;    /* Of events; RC_FIELD_NO_COLUMN: it is not to be taken over. */
    union {
        int64_t integer;
        double number;
        size_t text_size; /* The text is behind the quote of the value. */
    };
    struct rc_field_entry *entry; /* NULL: the field is one of the record's own. */
};

#define RC_ECHO_NO_ROOT UINT8_MAX

struct rc_echo_line {
    struct rc_echo_field *fields; /* Owned; the bytes of the line are behind them. */
    size_t capacity;              /* Of both, in bytes. */
    const char *raw;
    uint32_t size;
    uint32_t field_count;
    uint32_t user_begin; /* The user is part of raw. */
    uint32_t user_size;
    struct rc_row_place place; /* Where the mapper put the row. */
};

struct rc_echo {
    struct rc_echo_line *lines;      /* By hash of the user. */
    const struct rc_echo_line *line; /* The one to compare with; NULL: none. */
    struct rc_echo_line *keeper;     /* Where the line under way will be kept; NULL: nowhere. */
    struct rc_bytes user;            /* Of the line under way. */
    uint32_t next;                   /* The field of line that is expected. */
    struct rc_bytes key;             /* The name of the member that is the user. Borrowed. */
    uint32_t key_root;
    uint32_t field_count; /* More than RC_ECHO_FIELDS_MAX: the line will not be kept. */
    struct rc_echo_field fields[RC_ECHO_FIELDS_MAX]; /* Of the line under way. */
};

/* key: the member that names the user; empty: there is none, and nothing is ever kept. It must
 * outlive the echo. NULL when memory was refused. */
struct rc_echo *
rc_echo_new(struct rc_bytes key, uint32_t key_root);

/* NULL is fine. Returns NULL. */
struct rc_echo *
rc_echo_free(struct rc_echo *echo);

RC_DEFINE_CLEANUP(struct rc_echo *, rc_echo_free)

/* Begins a line. */
static inline void
rc_echo_begin(struct rc_echo *echo)
{
    echo->line = NULL;
    echo->keeper = NULL;
    echo->field_count = 0;
}

/* Notes a member that becomes a field of the record; where it ends is noted when it is known. */
static inline struct rc_echo_field *
rc_echo_note(struct rc_echo *echo, size_t begin, size_t value)
{
    if (echo->field_count >= RC_ECHO_FIELDS_MAX) {
        echo->field_count = RC_ECHO_FIELDS_MAX + 1;
        return NULL;
    }
    struct rc_echo_field *field = &echo->fields[echo->field_count++];
    field->begin = (uint32_t)begin;
    field->value = (uint16_t)(value - begin);
    field->entry = NULL;
    return field;
}

/* The user of the line under way: user are bytes of it. */
void
rc_echo_choose(struct rc_echo *echo, struct rc_bytes user);

/*
 * Takes over the members at at, of this root, as far as they are the same: they become a run of the
 * record. end is the line's.
 *
 * Returns the comma or brace behind them. NULL: not even the first can be; then *ret_known, if not
 * NULL, is a kept field with the same name, down to the spaces before its value.
 */
const char *
rc_echo_take(struct rc_echo *echo,
             struct rc_record *record,
             const char *at,
             const char *end,
             uint32_t root,
             const struct rc_echo_field **ret_known);

/* Keeps the line of a record whose fields have their entries and columns, if it is of a kind to
 * keep, for the next one of its user; the record gets its place. */
RC_MUST_USE enum rc_status
rc_echo_keep(struct rc_echo *echo, struct rc_record *record);

/* Makes the runs of a record fields of its own, in their places. */
RC_MUST_USE enum rc_status
rc_echo_spread(struct rc_record *record);

static inline const struct rc_echo_field *
rc_echo_run_last(const struct rc_record *record, uint32_t run)
{
    return record->echoes + record->runs[run].first + record->runs[run].count - 1;
}

/* The name of an echo of the record whose line is raw. */
static inline struct rc_bytes
rc_echo_name(const struct rc_echo_field *echo, const char *raw)
{
    return (struct rc_bytes){raw + echo->begin + 1, echo->name_size};
}

static inline struct rc_field_value
rc_echo_value(const struct rc_echo_field *echo, const char *raw)
{
    struct rc_field_value value = {.type = echo->type};
    if (echo->type == RC_FIELD_TEXT)
        value.text = (struct rc_bytes){raw + echo->begin + echo->value + 1, echo->text_size};
    else
        value.integer = echo->integer;
    return value;
}

#endif
