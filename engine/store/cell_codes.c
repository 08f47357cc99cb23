/*
 * Cell codes: distinct cells are numbered as they appear, by a small open-addressing table; then
 * the distinct ones are sorted and the numbers replaced by ranks. A cell equal to the one before
 * it, which is most of them in the columns that follow a session, does not reach the table.
 */
#include "engine/store/cell_codes.h"

#include <string.h>

#include "engine/base/hash.h"
#include "engine/store/key_sort.h"

#define CAPACITY_FIRST ((size_t)256)

struct entry {
    rc_cell cell;
    uint32_t number_plus_one; /* 0: free. */
};

struct table {
    struct rc_arena *scratch;
    struct entry *entries;
    size_t capacity;           /* A power of two, at least twice the distinct cells. */
    struct rc_keyed *distinct; /* capacity / 2 of room: (cell, number), by number. */
    uint32_t distinct_count;
};

static struct entry *
entry_of(const struct table *table, rc_cell cell)
{
    size_t at = (size_t)rc_hash_u64(cell) & (table->capacity - 1);
    while (table->entries[at].number_plus_one != 0 && table->entries[at].cell != cell)
        at = (at + 1) & (table->capacity - 1);
    return &table->entries[at];
}

static enum rc_status
grow(struct table *table, size_t capacity)
{
    struct table grown = *table;
    grown.capacity = capacity;
    grown.entries = RC_ARENA_ARRAY(table->scratch, struct entry, capacity);
    grown.distinct = RC_ARENA_ARRAY(table->scratch, struct rc_keyed, capacity / 2);
    if (grown.entries == NULL || grown.distinct == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < table->distinct_count; i++) {
        grown.distinct[i] = table->distinct[i];
        *entry_of(&grown, grown.distinct[i].key) =
            (struct entry){.cell = grown.distinct[i].key, .number_plus_one = i + 1};
    }
    *table = grown;
    return RC_OK;
}

static enum rc_status
number_of(struct table *table, rc_cell cell, uint32_t *ret_number)
{
    struct entry *entry = entry_of(table, cell);
    if (entry->number_plus_one == 0) {
        if (table->distinct_count == table->capacity / 2) {
            RC_TRY(grow(table, table->capacity * 2));
            entry = entry_of(table, cell);
        }
        table->distinct[table->distinct_count] =
            (struct rc_keyed){.key = cell, .value = table->distinct_count};
        *entry = (struct entry){.cell = cell, .number_plus_one = ++table->distinct_count};
    }
    *ret_number = entry->number_plus_one - 1;
    return RC_OK;
}

static enum rc_status
number_cells(struct table *table,
             const rc_cell *cells,
             const uint32_t *order,
             uint32_t count,
             uint32_t *codes)
{
    rc_cell before = 0;
    uint32_t number = 0;
    for (uint32_t i = 0; i < count; i++) {
        const rc_cell cell = cells[order[i]];
        if (i == 0 || cell != before)
            RC_TRY(number_of(table, cell, &number));
        before = cell;
        codes[i] = number;
    }
    return RC_OK;
}

enum rc_status
rc_cell_codes_build(const rc_cell *cells,
                    const uint32_t *order,
                    uint32_t count,
                    struct rc_arena *arena,
                    struct rc_arena *scratch,
                    struct rc_column_view *ret_view)
{
    struct table table = {.scratch = scratch};
    uint32_t *codes = rc_arena_alloc(arena, count * sizeof(*codes));
    if (codes == NULL)
        return RC_NO_MEMORY;
    RC_TRY(grow(&table, CAPACITY_FIRST));
    RC_TRY(number_cells(&table, cells, order, count, codes));

    const uint32_t distinct = table.distinct_count;
    struct rc_keyed *swap = rc_arena_alloc(scratch, distinct * sizeof(*swap));
    uint32_t *rank = rc_arena_alloc(scratch, distinct * sizeof(*rank));
    rc_cell *dictionary = rc_arena_alloc(arena, distinct * sizeof(*dictionary));
    if (swap == NULL || rank == NULL || dictionary == NULL)
        return RC_NO_MEMORY;
    rc_key_sort(table.distinct, swap, distinct);
    for (uint32_t i = 0; i < distinct; i++) {
        dictionary[i] = table.distinct[i].key;
        rank[table.distinct[i].value] = i;
    }
    for (uint32_t i = 0; i < count; i++)
        codes[i] = rank[codes[i]];
    *ret_view = (struct rc_column_view){.form = RC_COLUMN_PLAIN,
                                        .code_width = 4,
                                        .code_count = count,
                                        .codes = codes,
                                        .dictionary = dictionary,
                                        .dictionary_count = distinct};
    return RC_OK;
}
