/*
 * Record table: chunks of addresses. Chunk sizes double every fourth chunk, so that an entry never
 * moves and a small table is small; from LEAF_ENTRIES on a chunk is a table of leaves, so that at
 * most a leaf is unused and codes without records cost 2 bytes in a thousand.
 */
#include "engine/store/dictionary/record_table.h"

#include <stdbool.h>
#include <string.h>

#define CHUNK_BITS_FIRST 4 /* The first four chunks hold 16 entries each. */
#define LEAF_ENTRIES 4096u

_Static_assert(((32 - CHUNK_BITS_FIRST - 2) + 1) * 4 <= RC_RECORD_CHUNKS_MAX,
               "chunks for 2^32 codes");

typedef _Atomic(const char **) leaf_pointer;

struct place {
    uint32_t chunk;
    uint32_t index;
    uint32_t chunk_entries;
};

/* Codes are shifted by four chunks' worth, so that chunk and index are bits of the sum. */
static struct place
place_of(uint32_t code)
{
    const uint64_t shifted = (uint64_t)code + ((uint64_t)4 << CHUNK_BITS_FIRST);
    const unsigned bits = 63u - (unsigned)__builtin_clzll(shifted) - 2;
    return (struct place){
        .chunk = (bits - CHUNK_BITS_FIRST) * 4 + ((uint32_t)(shifted >> bits) & 3),
        .index = (uint32_t)(shifted & (((uint64_t)1 << bits) - 1)),
        .chunk_entries = (uint32_t)1 << bits,
    };
}

static void
free_chunk(void *chunk, uint32_t chunk_entries)
{
    leaf_pointer *leaves = chunk;
    const uint32_t leaf_count = chunk_entries > LEAF_ENTRIES ? chunk_entries / LEAF_ENTRIES : 0;
    for (uint32_t i = 0; leaves != NULL && i < leaf_count; i++)
        rc_alloc_free(atomic_load_explicit(&leaves[i], memory_order_relaxed));
    rc_alloc_free(chunk);
}

void
rc_record_table_close(struct rc_record_table *table)
{
    for (uint32_t i = 0; i < RC_RECORD_CHUNKS_MAX; i++)
        free_chunk(atomic_load_explicit(&table->chunks[i], memory_order_relaxed),
                   (uint32_t)1 << (CHUNK_BITS_FIRST + i / 4));
}

const char *
rc_record_table_get(const struct rc_record_table *table, uint32_t code)
{
    const struct place place = place_of(code);
    void *chunk = atomic_load_explicit(&table->chunks[place.chunk], memory_order_acquire);
    if (chunk == NULL)
        return NULL;
    if (place.chunk_entries <= LEAF_ENTRIES)
        return ((const char **)chunk)[place.index];
    leaf_pointer *leaves = chunk;
    const char **leaf =
        atomic_load_explicit(&leaves[place.index / LEAF_ENTRIES], memory_order_acquire);
    return leaf == NULL ? NULL : leaf[place.index % LEAF_ENTRIES];
}

/* Zeroed pointers; NULL: no memory. */
static void *
new_pointers(struct rc_record_table *table, struct rc_account *account, size_t count)
{
    const size_t bytes = count * sizeof(void *);
    void *pointers = rc_alloc_in(account, bytes);
    if (pointers == NULL)
        return NULL;
    memset(pointers, 0, bytes);
    table->memory_bytes += bytes;
    return pointers;
}

void
rc_record_table_clear(struct rc_record_table *table, uint32_t code)
{
    const struct place place = place_of(code);
    void *chunk = atomic_load_explicit(&table->chunks[place.chunk], memory_order_relaxed);
    const char **entries = chunk;
    uint32_t index = place.index;
    if (chunk != NULL && place.chunk_entries > LEAF_ENTRIES) {
        leaf_pointer *leaves = chunk;
        entries = atomic_load_explicit(&leaves[place.index / LEAF_ENTRIES], memory_order_relaxed);
        index %= LEAF_ENTRIES;
    }
    if (entries != NULL)
        entries[index] = NULL;
}

enum rc_status
rc_record_table_reserve(struct rc_record_table *table,
                        struct rc_account *account,
                        uint32_t code,
                        const char ***ret_place)
{
    const struct place place = place_of(code);
    const bool is_leaf = place.chunk_entries <= LEAF_ENTRIES;
    _Atomic(void *) *chunk_at = &table->chunks[place.chunk];
    void *chunk = atomic_load_explicit(chunk_at, memory_order_relaxed);
    if (chunk == NULL) {
        chunk = new_pointers(table, account,
                             is_leaf ? place.chunk_entries : place.chunk_entries / LEAF_ENTRIES);
        if (chunk == NULL)
            return RC_NO_MEMORY;
        atomic_store_explicit(chunk_at, chunk, memory_order_release);
    }
    if (is_leaf) {
        *ret_place = (const char **)chunk + place.index;
        return RC_OK;
    }
    leaf_pointer *leaf_at = (leaf_pointer *)chunk + place.index / LEAF_ENTRIES;
    const char **leaf = atomic_load_explicit(leaf_at, memory_order_relaxed);
    if (leaf == NULL) {
        leaf = new_pointers(table, account, LEAF_ENTRIES);
        if (leaf == NULL)
            return RC_NO_MEMORY;
        atomic_store_explicit(leaf_at, leaf, memory_order_release);
    }
    *ret_place = leaf + place.index % LEAF_ENTRIES;
    return RC_OK;
}
