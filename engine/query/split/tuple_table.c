/* Tuple table: open addressing, at most half full, doubled by adding everything again. */
#include "engine/query/split/tuple_table.h"

#include <stdbool.h>
#include <string.h>

#include "engine/base/hash.h"

#define SLOTS_FIRST 256u
#define TUPLES_MAX ((uint32_t)1 << 30)

void
rc_tuple_table_close(struct rc_tuple_table *table)
{
    table->slots = rc_alloc_free(table->slots);
    table->tuples = rc_alloc_free(table->tuples);
    table->count = 0;
    table->slot_count = 0;
}

/* The slot of a tuple: the one that holds it, or the free one where it belongs. */
static uint32_t
slot_of(const struct rc_tuple_table *table, struct rc_tuple tuple)
{
    const uint64_t pair = (uint64_t)tuple.parts[0] << 32 | tuple.parts[1];
    uint32_t slot = (uint32_t)rc_hash_u64(rc_hash_u64(pair) + tuple.parts[2]);
    for (;; slot++) {
        slot &= table->slot_count - 1;
        const uint32_t held = table->slots[slot];
        if (held == 0 || memcmp(&table->tuples[held - 1], &tuple, sizeof(tuple)) == 0)
            return slot;
    }
}

static enum rc_status
grow(struct rc_tuple_table *table)
{
    if (table->slot_count / 2 > TUPLES_MAX)
        return RC_LIMIT_EXCEEDED;
    const uint32_t count = table->slot_count == 0 ? SLOTS_FIRST : table->slot_count * 2;
    struct rc_tuple_table grown = {
        .account = table->account, .count = table->count, .slot_count = count};
    grown.slots = rc_alloc_in(table->account, count * sizeof(*grown.slots));
    grown.tuples = rc_alloc_in(table->account, count / 2 * sizeof(*grown.tuples));
    if (grown.slots == NULL || grown.tuples == NULL) {
        rc_tuple_table_close(&grown);
        return RC_NO_MEMORY;
    }
    memset(grown.slots, 0, count * sizeof(*grown.slots));
    if (table->count > 0)
        memcpy(grown.tuples, table->tuples, table->count * sizeof(*grown.tuples));
    for (uint32_t number = 0; number < grown.count; number++) {
        /* All are different, so a free slot is found; the tuple at hand is not in one yet. */
        grown.slots[slot_of(&grown, grown.tuples[number])] = number + 1;
    }
    rc_tuple_table_close(table);
    *table = grown;
    return RC_OK;
}

enum rc_status
rc_tuple_table_add(struct rc_tuple_table *table, struct rc_tuple tuple, uint32_t *ret_number)
{
    if (table->count >= table->slot_count / 2)
        RC_TRY(grow(table));
    const uint32_t slot = slot_of(table, tuple);
    if (table->slots[slot] == 0) {
        table->tuples[table->count] = tuple;
        table->slots[slot] = ++table->count;
    }
    *ret_number = table->slots[slot] - 1;
    return RC_OK;
}

uint32_t
rc_tuple_table_find(const struct rc_tuple_table *table, struct rc_tuple tuple)
{
    return table->slot_count == 0 ? UINT32_MAX : table->slots[slot_of(table, tuple)] - 1;
}
