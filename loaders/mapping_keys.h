/*
 * Mapping keys: what each key of a mapping file does. Used by mapping_parse.c only.
 */
#ifndef RC_LOADERS_MAPPING_KEYS_H
#define RC_LOADERS_MAPPING_KEYS_H

#include "loaders/mapping.h"

/* Takes one line of the file. roots_only: do what names the roots and nothing else; other fields
 * are read by their names afterwards. Returns NULL, or what is wrong as a constant sentence. */
const char *
rc_mapping_set(struct rc_mapping *mapping,
               bool roots_only,
               const char *section,
               const char *name,
               const char *value);

#endif
