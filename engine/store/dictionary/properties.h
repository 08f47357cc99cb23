/*
 * Properties: the names that a project's events (or users) have been seen to carry, in order of
 * arrival, each with the dictionary of its values.
 *
 * Which dictionary a property has changes when it is rebuilt: the project then gets new properties
 * that share all else with the old (rc_properties_rebuild), and a view keeps those it was taken
 * with.
 *
 * Ownership: counted: rc_properties_ref, rc_properties_free. Holds references to the names and the
 *            dictionaries.
 * Threading: one writer (intern), of the newest; readers see every property below a count got from
 *            rc_properties_count, without a lock. Counting references is atomic.
 * Errors:    RC_LIMIT_EXCEEDED past RC_PROPERTIES_MAX: the row that brought the name is refused.
 */
#ifndef RC_STORE_DICTIONARY_PROPERTIES_H
#define RC_STORE_DICTIONARY_PROPERTIES_H

#include <stdint.h>

#include "engine/base/bytes.h"
#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/store/dictionary/dictionary.h"

struct rc_properties;

#define RC_PROPERTY_NONE UINT32_MAX

RC_MUST_USE enum rc_status
rc_properties_new(struct rc_account *account, struct rc_properties **ret_properties);

struct rc_properties *
rc_properties_ref(struct rc_properties *properties);

/* Gives a reference back; the last one frees. */
struct rc_properties *
rc_properties_free(struct rc_properties *properties);

RC_DEFINE_CLEANUP(struct rc_properties *, rc_properties_free)

/* The number of a name, which is added when it is new. Writer only. */
RC_MUST_USE enum rc_status
rc_properties_intern(struct rc_properties *properties,
                     struct rc_bytes name,
                     uint32_t *ret_property);

/* The number of a name, or RC_PROPERTY_NONE. */
uint32_t
rc_properties_find(const struct rc_properties *properties, struct rc_bytes name);

uint32_t
rc_properties_count(const struct rc_properties *properties);

struct rc_bytes
rc_properties_name(const struct rc_properties *properties, uint32_t property);

/* Interning into it is the writer's; reading is anybody's. */
struct rc_dictionary *
rc_properties_dictionary(const struct rc_properties *properties, uint32_t property);

/* Properties with other dictionaries where rebuilt has one, whose references it takes over on
 * RC_OK; rebuilt has an entry for each of rc_properties_count. Writer only, and from then on the
 * writer of the result alone. */
RC_MUST_USE enum rc_status
rc_properties_rebuild(const struct rc_properties *properties,
                      struct rc_dictionary **rebuilt,
                      struct rc_properties **ret_properties);

/* Stored form: varint count, then per property its name and its dictionary, which may have holes.
 */
void
rc_properties_write(const struct rc_properties *properties, struct rc_writer *writer);

RC_MUST_USE enum rc_status
rc_properties_read(struct rc_properties *properties,
                   struct rc_reader *reader,
                   struct rc_error *reterr_error);

#endif
