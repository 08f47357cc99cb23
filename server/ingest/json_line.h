/*
 * JSON line: one line of JSON as a sequence of events. A thin shim over a C++ parser that picks the
 * fastest code of the processor at run time; it knows nothing of events, users or columns.
 *
 * Ownership: an event's texts are valid during the callback only.
 * Threading: one thread at a time for a parser.
 * Errors:    the parser says what is wrong with the line; a callback ends the walk by returning
 * non-zero.
 */
#ifndef RC_SERVER_INGEST_JSON_LINE_H
#define RC_SERVER_INGEST_JSON_LINE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rc_json_parser;

enum rc_json_kind {
    RC_JSON_NULL,
    RC_JSON_BOOL, /* integer is 0 or 1. */
    RC_JSON_INT,  /* Whole, within int64_t. */
    RC_JSON_BIG,  /* Whole, above INT64_MAX and within uint64_t: (uint64_t)integer. */
    RC_JSON_DOUBLE,
    RC_JSON_TEXT,
    RC_JSON_OBJECT, /* Its members follow, then RC_JSON_END. */
    RC_JSON_ARRAY,  /* Its elements follow, then RC_JSON_END. */
    RC_JSON_END,
};

struct rc_json_event {
    enum rc_json_kind kind;
    const char *key; /* Of a member; of an element the size is 0. */
    size_t key_bytes;
    const char *text;
    size_t text_bytes;
    int64_t integer;
    double real;
};

enum rc_json_result {
    RC_JSON_OK,
    RC_JSON_STOPPED, /* The callback said so. */
    RC_JSON_SYNTAX,
    RC_JSON_ENCODING, /* Not UTF-8. */
    RC_JSON_NUMBER,   /* A number that is malformed or out of range. */
    RC_JSON_DEPTH,
    RC_JSON_NO_OBJECT, /* JSON, but no object. */
    RC_JSON_NO_MEMORY,
};

/* Bytes behind a line that must be readable; their content does not matter. */
#define RC_JSON_PADDING_BYTES 64

/* NULL: no memory. */
struct rc_json_parser *
rc_json_parser_new(void);

/* NULL is fine. Returns NULL. */
struct rc_json_parser *
rc_json_parser_free(struct rc_json_parser *parser);

/* Walks the members of the object that the line is; the object itself is no event. */
enum rc_json_result
rc_json_parse(struct rc_json_parser *parser,
              const char *line,
              size_t line_bytes,
              int (*on_event)(void *context, const struct rc_json_event *event),
              void *context);

#ifdef __cplusplus
}
#endif

#endif
