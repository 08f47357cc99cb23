/*
 * Properties: a dictionary of names, and beside it a dictionary of values for each code of it.
 *
 * The table of dictionaries is made of blocks that are never moved, since readers take no lock;
 * most projects need one.
 *
 * Rebuilt properties share the dictionary of names with those that they follow, whose count no
 * longer grows: a name beyond it is not theirs, whoever interned it.
 */
#include "engine/store/dictionary/properties.h"

#include <stdatomic.h>

#include "engine/base/assert.h"
#include "engine/base/limits.h"

#define BLOCK_ENTRIES 64u
#define BLOCKS_MAX (RC_PROPERTIES_MAX / BLOCK_ENTRIES)

_Static_assert(RC_PROPERTIES_MAX % BLOCK_ENTRIES == 0, "the last block is whole");

struct rc_properties {
    _Atomic(uint32_t) references;
    struct rc_account *account;
    struct rc_dictionary *names;
    _Atomic(uint32_t) count; /* Published: names and dictionaries below it are complete. */
    struct rc_dictionary *
        *blocks[BLOCKS_MAX]; /* BLOCK_ENTRIES dictionaries each; NULL: no block. */
};

/* The place of a property in its block, which there must be. */
static struct rc_dictionary **
place_of(const struct rc_properties *properties, uint32_t property)
{
    return &properties->blocks[property / BLOCK_ENTRIES][property % BLOCK_ENTRIES];
}

static enum rc_status
reserve_place(struct rc_properties *properties, uint32_t property)
{
    struct rc_dictionary ***block = &properties->blocks[property / BLOCK_ENTRIES];
    RC_ASSERT(property < RC_PROPERTIES_MAX);
    if (*block == NULL)
        *block = rc_alloc_in(properties->account, BLOCK_ENTRIES * sizeof((*block)[0]));
    return *block == NULL ? RC_NO_MEMORY : RC_OK;
}

enum rc_status
rc_properties_new(struct rc_account *account, struct rc_properties **ret_properties)
{
    RC_CLEANUP(rc_properties_freep)
    struct rc_properties *properties = rc_alloc_in(account, sizeof(*properties));
    if (properties == NULL)
        return RC_NO_MEMORY;
    *properties = (struct rc_properties){.account = account};
    atomic_init(&properties->references, 1);
    atomic_init(&properties->count, 0);
    RC_TRY(rc_dictionary_new(account, &properties->names));
    *ret_properties = RC_TAKE(properties);
    return RC_OK;
}

struct rc_properties *
rc_properties_ref(struct rc_properties *properties)
{
    const uint32_t before =
        atomic_fetch_add_explicit(&properties->references, 1, memory_order_relaxed);
    RC_ASSERT(before > 0 && before < UINT32_MAX);
    return properties;
}

struct rc_properties *
rc_properties_free(struct rc_properties *properties)
{
    if (properties == NULL ||
        atomic_fetch_sub_explicit(&properties->references, 1, memory_order_acq_rel) != 1)
        return NULL;
    const uint32_t count = rc_properties_count(properties);
    for (uint32_t i = 0; i < count; i++)
        rc_dictionary_free(*place_of(properties, i));
    for (uint32_t i = 0; i < BLOCKS_MAX; i++)
        rc_alloc_free(properties->blocks[i]);
    rc_dictionary_free(properties->names);
    return rc_alloc_free(properties);
}

enum rc_status
rc_properties_intern(struct rc_properties *properties, struct rc_bytes name, uint32_t *ret_property)
{
    const uint32_t known = rc_dictionary_find(properties->names, name);
    if (known != RC_CODE_NONE) {
        *ret_property = known;
        return RC_OK;
    }
    const uint32_t count = rc_properties_count(properties);
    if (count >= RC_PROPERTIES_MAX)
        return RC_LIMIT_EXCEEDED;
    struct rc_dictionary *dictionary = NULL;
    RC_TRY(reserve_place(properties, count));
    RC_TRY(rc_dictionary_new(properties->account, &dictionary));
    uint32_t code = 0;
    const enum rc_status status = rc_dictionary_intern(properties->names, name, &code);
    if (status != RC_OK) {
        rc_dictionary_free(dictionary);
        return status;
    }
    RC_ASSERT(code == count);
    *place_of(properties, count) = dictionary;
    atomic_store_explicit(&properties->count, count + 1, memory_order_release);
    *ret_property = code;
    return RC_OK;
}

uint32_t
rc_properties_find(const struct rc_properties *properties, struct rc_bytes name)
{
    const uint32_t code = rc_dictionary_find(properties->names, name);
    return code == RC_CODE_NONE || code >= rc_properties_count(properties) ? RC_PROPERTY_NONE
                                                                           : code;
}

uint32_t
rc_properties_count(const struct rc_properties *properties)
{
    return atomic_load_explicit(&properties->count, memory_order_acquire);
}

struct rc_bytes
rc_properties_name(const struct rc_properties *properties, uint32_t property)
{
    RC_ASSERT(property < rc_properties_count(properties));
    return rc_dictionary_key(properties->names, property);
}

struct rc_dictionary *
rc_properties_dictionary(const struct rc_properties *properties, uint32_t property)
{
    RC_ASSERT(property < rc_properties_count(properties));
    return *place_of(properties, property);
}

enum rc_status
rc_properties_rebuild(const struct rc_properties *properties,
                      struct rc_dictionary **rebuilt,
                      struct rc_properties **ret_properties)
{
    const uint32_t count = rc_properties_count(properties);
    RC_CLEANUP(rc_properties_freep)
    struct rc_properties *made = rc_alloc_in(properties->account, sizeof(*made));
    if (made == NULL)
        return RC_NO_MEMORY;
    *made = (struct rc_properties){.account = properties->account};
    atomic_init(&made->references, 1);
    atomic_init(&made->count, 0);
    made->names = rc_dictionary_ref(properties->names);
    for (uint32_t i = 0; i < count; i++)
        RC_TRY(reserve_place(made, i));
    for (uint32_t i = 0; i < count; i++)
        *place_of(made, i) =
            rebuilt[i] != NULL ? RC_TAKE(rebuilt[i]) : rc_dictionary_ref(*place_of(properties, i));
    atomic_store_explicit(&made->count, count, memory_order_release);
    *ret_properties = RC_TAKE(made);
    return RC_OK;
}

void
rc_properties_write(const struct rc_properties *properties, struct rc_writer *writer)
{
    const uint32_t count = rc_properties_count(properties);
    rc_write_varint(writer, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct rc_dictionary *dictionary = *place_of(properties, i);
        rc_write_bytes(writer, rc_properties_name(properties, i));
        rc_dictionary_write(dictionary, rc_dictionary_count(dictionary), NULL, writer);
    }
}

enum rc_status
rc_properties_read(struct rc_properties *properties,
                   struct rc_reader *reader,
                   struct rc_error *reterr_error)
{
    const uint64_t count = rc_read_count(reader, RC_PROPERTIES_MAX);
    for (uint32_t i = 0; i < count; i++) {
        const struct rc_bytes name = rc_read_bytes(reader);
        uint32_t property = 0;
        if (reader->bad)
            break;
        RC_TRY_OR(reterr_error, rc_properties_intern(properties, name, &property));
        if (property != i)
            return rc_error_set(reterr_error, RC_CORRUPT, "property %u is named twice", i);
        RC_TRY(rc_dictionary_read(*place_of(properties, i), reader, reterr_error));
    }
    return reader->bad ? rc_error_set(reterr_error, RC_CORRUPT, "the property names are cut short")
                       : RC_OK;
}
