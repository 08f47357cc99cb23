/*
 * Event index: open addressing over row numbers, at most half full. The ids are in the slab.
 */
#include "engine/store/slab/event_index.h"

#include <string.h>

#include "engine/base/assert.h"

void
rc_event_index_open(struct rc_event_index *index, struct rc_account *account)
{
    *index = (struct rc_event_index){.account = account};
}

static void
drop_table(struct rc_event_index *index, struct rc_event_table *table)
{
    index->bytes -= (uint64_t)table->slot_count * sizeof(table->slots[0]);
    rc_alloc_free(table->slots);
    *table = (struct rc_event_table){0};
}

void
rc_event_index_clear(struct rc_event_index *index)
{
    for (uint32_t i = 0; i < RC_EVENT_INDEX_TABLES; i++)
        if (index->tables[i].slab_id != 0)
            drop_table(index, &index->tables[i]);
    RC_ASSERT(index->bytes == 0);
}

/* The table of a user in a slab; NULL: there is none. */
static struct rc_event_table *
find_table(struct rc_event_index *index, uint64_t slab_id, uint32_t user)
{
    for (uint32_t i = 0; i < RC_EVENT_INDEX_TABLES; i++)
        if (index->tables[i].slab_id == slab_id && index->tables[i].user == user)
            return &index->tables[i];
    return NULL;
}

/* The place that was not used for the longest time; a free one if there is any. */
static struct rc_event_table *
oldest_table(struct rc_event_index *index)
{
    struct rc_event_table *oldest = &index->tables[0];
    for (uint32_t i = 1; i < RC_EVENT_INDEX_TABLES; i++)
        if (index->tables[i].used_at < oldest->used_at)
            oldest = &index->tables[i];
    return oldest;
}

static uint32_t
slot_of(const struct rc_event_table *table, const struct rc_event_id *id)
{
    return (uint32_t)rc_event_id_hash(table->user, id) & (table->slot_count - 1);
}

static void
fill(struct rc_event_table *table, const struct rc_slab *slab, uint32_t row, uint32_t end)
{
    for (; row < end; row++) {
        const struct rc_event_id id = rc_slab_event_id(slab, row);
        if (id.kind == RC_EVENT_ID_DERIVED)
            continue;
        uint32_t slot = slot_of(table, &id);
        while (table->slots[slot] != 0)
            slot = (slot + 1) & (table->slot_count - 1);
        table->slots[slot] = row + 1;
    }
}

/* Makes the table of a user's rows; NULL: no memory. */
static struct rc_event_table *
make_table(struct rc_event_index *index,
           const struct rc_slab *slab,
           uint64_t slab_id,
           uint32_t user,
           uint32_t row,
           uint32_t end)
{
    uint32_t slot_count = RC_EVENT_INDEX_ROWS_MIN * 2;
    while (slot_count < (end - row) * 2)
        slot_count *= 2;
    const uint64_t bytes = (uint64_t)slot_count * sizeof(uint32_t);
    while (index->bytes > 0 && index->bytes + bytes > RC_EVENT_INDEX_BYTES_MAX) {
        struct rc_event_table *first = NULL;
        for (uint32_t i = 0; i < RC_EVENT_INDEX_TABLES; i++) {
            struct rc_event_table *at = &index->tables[i];
            if (at->slab_id != 0 && (first == NULL || at->used_at < first->used_at))
                first = at;
        }
        drop_table(index, first);
    }
    uint32_t *slots = rc_alloc_in(index->account, bytes);
    if (slots == NULL)
        return NULL;
    memset(slots, 0, bytes);
    struct rc_event_table *table = oldest_table(index);
    if (table->slab_id != 0)
        drop_table(index, table);
    *table = (struct rc_event_table){
        .slab_id = slab_id, .user = user, .slot_count = slot_count, .slots = slots};
    index->bytes += bytes;
    fill(table, slab, row, end);
    return table;
}

static bool
look_up(const struct rc_event_table *table,
        const struct rc_slab *slab,
        const struct rc_event_id *id,
        uint32_t *ret_row)
{
    uint32_t slot = slot_of(table, id);
    for (; table->slots[slot] != 0; slot = (slot + 1) & (table->slot_count - 1)) {
        const struct rc_event_id other = rc_slab_event_id(slab, table->slots[slot] - 1);
        if (rc_event_id_replaces(&other, id)) {
            *ret_row = table->slots[slot] - 1;
            return true;
        }
    }
    return false;
}

bool
rc_event_index_find(struct rc_event_index *index,
                    const struct rc_slab *slab,
                    uint64_t slab_id,
                    uint32_t user,
                    const struct rc_event_id *id,
                    uint32_t *ret_row)
{
    const uint32_t at = rc_slab_user_lower_bound(slab, user);
    if (at == rc_slab_get_info(slab)->user_count || rc_slab_users(slab)[at] != user)
        return false;
    const uint32_t row = rc_slab_starts(slab)[at];
    const uint32_t end = rc_slab_starts(slab)[at + 1];
    RC_ASSERT(slab_id != 0);
    if (end - row < RC_EVENT_INDEX_ROWS_MIN)
        return rc_slab_find_event(slab, user, id, ret_row);
    struct rc_event_table *table = find_table(index, slab_id, user);
    if (table == NULL)
        table = make_table(index, slab, slab_id, user, row, end);
    if (table == NULL)
        return rc_slab_find_event(slab, user, id, ret_row);
    table->used_at = ++index->clock;
    return look_up(table, slab, id, ret_row);
}
