/*
 * Mapping values: reads the texts on the right of a mapping's keys. Used by mapping_parse.c only.
 *
 * Each function returns NULL, or what is wrong as a constant sentence.
 */
#ifndef RC_LOADERS_MAPPING_VALUE_H
#define RC_LOADERS_MAPPING_VALUE_H

#include "loaders/mapping.h"

/* A copy in the mapping's arena; empty when memory was refused. */
struct rc_bytes
rc_mapping_keep(struct rc_mapping *mapping, const char *text);

/* "a, b, c" */
const char *
rc_mapping_read_texts(struct rc_mapping *mapping,
                      const char *value,
                      struct rc_bytes **ret_texts,
                      uint32_t *ret_count);

/* "a, properties.b, payload.*" */
const char *
rc_mapping_read_fields(struct rc_mapping *mapping, const char *value, struct rc_mapping_list *list);

/* "userId, ids[0], hash(host+agent), hash-of-row, line-hash+offset"; hashes only where allowed. */
const char *
rc_mapping_read_sources(struct rc_mapping *mapping,
                        const char *value,
                        bool hashes_allowed,
                        struct rc_mapping_sources *sources);

/* "field", "!field", "field = a, b" or "field != a, b". */
const char *
rc_mapping_read_test(struct rc_mapping *mapping,
                     const char *value,
                     struct rc_mapping_test *ret_test);

const char *
rc_mapping_read_constant(struct rc_mapping *mapping, const char *name, const char *value);

const char *
rc_mapping_read_rename(struct rc_mapping *mapping, const char *name, const char *value);

const char *
rc_mapping_read_type(struct rc_mapping *mapping, const char *name, const char *value);

/* name is free text; value is a test. */
const char *
rc_mapping_read_skip(struct rc_mapping *mapping, const char *name, const char *value);

#endif
