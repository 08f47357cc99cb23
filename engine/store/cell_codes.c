/*
 * Cell codes: distinct cells are numbered as they appear, by a small open-addressing table; then
 * the distinct ones are sorted and the numbers replaced by ranks. A cell equal to the one before
 * it, which is most of them in the columns that follow a session, does not reach the table.
 * Distinct texts of a head go behind the cells, sorted and coded as they are in a slab, so that who
 * merges columns meets one kind of texts.
 */
#include "engine/store/cell_codes.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/store/key_sort.h"
#include "engine/store/text_sort.h"
#include "engine/store/text_writer.h"

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

/* Moves texts behind all other cells, which are sorted; the number of those. */
static uint32_t
sort_cells(struct table *table, struct rc_keyed *swap)
{
    struct rc_keyed *distinct = table->distinct;
    uint32_t cells = 0;
    uint32_t texts = 0;
    for (uint32_t i = 0; i < table->distinct_count; i++) {
        if (rc_cell_kind_of(distinct[i].key) == RC_CELL_TEXT)
            swap[texts++] = distinct[i];
        else
            distinct[cells++] = distinct[i];
    }
    if (texts > 0)
        memcpy(distinct + cells, swap, texts * sizeof(*swap));
    rc_key_sort(distinct, swap, cells);
    return cells;
}

/* Codes sorted texts, in one pass into as many bytes as they could take at worst. */
static enum rc_status
write_texts(const struct rc_text_item *items,
            uint32_t count,
            struct rc_arena *arena,
            struct rc_texts *ret_texts)
{
    RC_CLEANUP(rc_text_writer_close) struct rc_text_writer writer;
    rc_text_writer_open(&writer, NULL);
    uint64_t bytes_max = 0;
    for (uint32_t i = 0; i < count; i++)
        bytes_max += RC_TEXT_CODED_MAX + items[i].key.size;
    uint64_t *starts = RC_ARENA_ARRAY(arena, uint64_t, rc_texts_block_count(count));
    unsigned char *bytes = rc_arena_alloc(arena, bytes_max);
    if (starts == NULL || bytes == NULL)
        return RC_NO_MEMORY;
    rc_text_writer_restart(&writer, starts, bytes);
    for (uint32_t i = 0; i < count; i++)
        RC_TRY(rc_text_writer_put(&writer, items[i].key));
    RC_ASSERT(writer.byte_count <= bytes_max);
    *ret_texts = (struct rc_texts){
        .count = count, .byte_count = writer.byte_count, .block_starts = starts, .bytes = bytes};
    return RC_OK;
}

/* Sorts the distinct texts, which are behind the first cell_count cells, and gives them ranks. */
static enum rc_status
rank_texts(const struct table *table,
           uint32_t cell_count,
           const struct rc_dictionary *texts,
           struct rc_arena *arena,
           uint32_t *rank,
           struct rc_texts *ret_texts)
{
    const uint32_t count = table->distinct_count - cell_count;
    const struct rc_keyed *distinct = table->distinct + cell_count;
    if (count == 0)
        return RC_OK;
    struct rc_text_item *items = rc_arena_alloc(table->scratch, count * sizeof(*items));
    if (items == NULL)
        return RC_NO_MEMORY;
    RC_ASSERT(texts != NULL);
    for (uint32_t i = 0; i < count; i++)
        items[i] = (struct rc_text_item){
            .key = rc_dictionary_key(texts, rc_cell_code(distinct[i].key)),
            .value = distinct[i].value,
        };
    RC_TRY(rc_text_sort(items, count, table->scratch));
    for (uint32_t i = 0; i < count; i++)
        rank[items[i].value] = cell_count + i;
    return write_texts(items, count, arena, ret_texts);
}

enum rc_status
rc_cell_codes_build(const rc_cell *cells,
                    const uint32_t *order,
                    uint32_t count,
                    const struct rc_dictionary *texts,
                    struct rc_arena *arena,
                    struct rc_arena *scratch,
                    struct rc_column_view *ret_view)
{
    struct table table = {.scratch = scratch};
    struct rc_texts ranked = {0};
    uint32_t *codes = rc_arena_alloc(arena, count * sizeof(*codes));
    if (codes == NULL)
        return RC_NO_MEMORY;
    RC_TRY(grow(&table, CAPACITY_FIRST));
    RC_TRY(number_cells(&table, cells, order, count, codes));

    const uint32_t distinct = table.distinct_count;
    struct rc_keyed *swap = rc_arena_alloc(scratch, distinct * sizeof(*swap));
    uint32_t *rank = rc_arena_alloc(scratch, distinct * sizeof(*rank));
    if (swap == NULL || rank == NULL)
        return RC_NO_MEMORY;
    const uint32_t cell_count = sort_cells(&table, swap);
    rc_cell *dictionary = rc_arena_alloc(arena, cell_count * sizeof(*dictionary));
    if (dictionary == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < cell_count; i++) {
        dictionary[i] = table.distinct[i].key;
        rank[table.distinct[i].value] = i;
    }
    RC_TRY(rank_texts(&table, cell_count, texts, arena, rank, &ranked));
    for (uint32_t i = 0; i < count; i++)
        codes[i] = rank[codes[i]];
    *ret_view = (struct rc_column_view){.form = RC_COLUMN_PLAIN,
                                        .code_width = 4,
                                        .code_count = count,
                                        .codes = codes,
                                        .dictionary = dictionary,
                                        .dictionary_count = cell_count,
                                        .texts = ranked};
    return RC_OK;
}
