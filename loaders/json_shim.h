/*
 * JSON shim: the one place that knows simdjson, which has no C face.
 *
 * The shim parses one object and writes an item for each member, in order, into an array that
 * loaders/json.c lends it: the record's own fields. Nothing else may include this header. It
 * includes no header of the engine, because those are C only; so an item is described here once
 * more, and json.c asserts that it is laid out as a field is.
 *
 * Ownership: texts are borrowed: they live until the next parse. The array and what is behind the
 *            functions below are the caller's.
 * Threading: one thread at a time per shim.
 */
#ifndef RC_LOADERS_JSON_SHIM_H
#define RC_LOADERS_JSON_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Objects nested deeper than this, below the record or a root, are refused, as the server does. */
#define RC_JSON_DEPTH_MAX 32

/* The types of fields, in the order of enum rc_field_type. */
enum rc_json_type {
    RC_JSON_NULL,
    RC_JSON_FALSE,
    RC_JSON_TRUE,
    RC_JSON_INT,
    RC_JSON_UNSIGNED,
    RC_JSON_DOUBLE,
    RC_JSON_TEXT,
    RC_JSON_LIST,
    RC_JSON_BAD_LIST,
    RC_JSON_ROOT,
};

struct rc_json_item {
    const char *name;
    size_t name_size;
    uint32_t type; /* enum rc_json_type */
    uint32_t list_count;
    union {
        int64_t integer;
        uint64_t whole;
        double number;
        struct {
            const char *text;
            size_t text_size;
        };
        size_t list_begin; /* The place of the first item among those of rc_json_list_item. */
    };
    uint32_t root;
    uint32_t column; /* Not the shim's: all bits set. */
    void *entry;     /* Not the shim's: NULL. */
};

/* The array to fill. The shim counts; rc_json_grow makes room. */
struct rc_json_items {
    struct rc_json_item *items;
    size_t count;
    size_t capacity;
    size_t list_item_count;
    void *context;
};

struct rc_json_shim;

/* root_names: two names, "" for none. NULL when memory was refused. */
struct rc_json_shim *
rc_json_shim_new(const char *const root_names[2]);

/* NULL is fine. Returns NULL. */
struct rc_json_shim *
rc_json_shim_free(struct rc_json_shim *shim);

/* Parses one object; 64 bytes after text must be readable. Returns NULL, or why not, in English: a
 * constant. "" says that memory was refused. */
const char *
rc_json_shim_parse(struct rc_json_shim *shim,
                   const char *text,
                   size_t size,
                   struct rc_json_items *items);

/* What json.c defines; false, or NULL, when memory was refused. */

/* Makes items->capacity greater than items->count. */
bool
rc_json_grow(struct rc_json_items *items);

/* A copy of a name that is about to change. */
const char *
rc_json_name_copy(struct rc_json_items *items, const char *name, size_t size);

/* One text of the list under way. */
bool
rc_json_list_item(struct rc_json_items *items, const char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif
