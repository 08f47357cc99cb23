/*
 * Cell codes: distinct cells are numbered as they appear; then the distinct ones are sorted and the
 * numbers replaced by ranks. A cell equal to the one before it, which is most of them in the
 * columns that follow a session, is not looked up. Cells are first put in order, a block at a time:
 * what waits for memory then does not wait for the branches of the numbering too.
 *
 * The number of a dictionary's code or of a text is found in an array by code, that of any other
 * cell in a small open-addressing table. Codes of a head's texts are dense; those of a dictionary
 * count from 0 too, and the array holds no more of them than there are rows: higher ones go to the
 * table. The array is as large as the highest code met needs, the table as the distinct cells need,
 * and neither is there for a column without cells of its kind.
 *
 * Distinct texts of a head go behind the cells, sorted and coded as they are in a slab, so that who
 * merges columns meets one kind of texts.
 */
#include "engine/store/builder/cell_codes.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/store/builder/key_sort.h"
#include "engine/store/builder/text_sort.h"
#include "engine/store/texts/text_writer.h"

_Static_assert(RC_CELL_TEXT == (RC_CELL_CODE | 1) && (RC_CELL_CODE & 7) == 4,
               "the lowest bit tells a text from a code");

#define CAPACITY_FIRST ((size_t)64)
#define CAPACITY_FACTOR ((size_t)4)
#define NUMBERS_FIRST ((uint32_t)64)
#define DISTINCT_FIRST ((uint32_t)32)
#define BLOCK_CELLS 512u

struct entry {
    rc_cell cell;
    uint32_t number_plus_one; /* 0: free. */
};

struct table {
    struct rc_arena *scratch;
    struct entry *entries;
    size_t capacity;           /* 0 or a power of two, at least twice the cells in entries. */
    uint32_t entry_count;      /* Cells in entries. */
    uint32_t *numbers[2];      /* Of codes, and of texts: number + 1, or 0. */
    uint32_t number_count[2];  /* Codes that numbers has room for. */
    uint32_t code_max;         /* No array for codes at or above this. */
    struct rc_keyed *distinct; /* (cell, number), by number. */
    uint32_t distinct_count;
    uint32_t distinct_room;
};

static inline bool
is_coded(rc_cell cell)
{
    return (cell & 6) == RC_CELL_CODE;
}

static inline unsigned
array_of(rc_cell cell)
{
    return (unsigned)(cell & 1);
}

static struct entry *
entry_of(const struct table *table, rc_cell cell)
{
    size_t at = (size_t)rc_hash_u64(cell) & (table->capacity - 1);
    while (table->entries[at].number_plus_one != 0 && table->entries[at].cell != cell)
        at = (at + 1) & (table->capacity - 1);
    return &table->entries[at];
}

static enum rc_status
grow_entries(struct table *table)
{
    const struct entry *before = table->entries;
    const size_t count = table->capacity;
    const size_t capacity = count == 0 ? CAPACITY_FIRST : count * CAPACITY_FACTOR;
    struct entry *entries = RC_ARENA_ARRAY(table->scratch, struct entry, capacity);
    if (entries == NULL)
        return RC_NO_MEMORY;
    table->entries = entries;
    table->capacity = capacity;
    for (size_t i = 0; i < count; i++)
        if (before[i].number_plus_one != 0)
            *entry_of(table, before[i].cell) = before[i];
    return RC_OK;
}

static enum rc_status
grow_numbers(struct table *table, unsigned which, uint32_t code)
{
    uint32_t count = code < NUMBERS_FIRST ? NUMBERS_FIRST : code * 2;
    count = count < table->code_max ? count : table->code_max;
    uint32_t *numbers = RC_ARENA_ARRAY(table->scratch, uint32_t, count);
    if (numbers == NULL)
        return RC_NO_MEMORY;
    if (table->number_count[which] > 0)
        memcpy(numbers, table->numbers[which], table->number_count[which] * sizeof(*numbers));
    table->numbers[which] = numbers;
    table->number_count[which] = count;
    return RC_OK;
}

static enum rc_status
add_distinct(struct table *table, rc_cell cell, uint32_t *ret_number)
{
    if (table->distinct_count == table->distinct_room) {
        const uint32_t room = table->distinct_room == 0 ? DISTINCT_FIRST : table->distinct_room * 4;
        struct rc_keyed *distinct = rc_arena_alloc(table->scratch, room * sizeof(*distinct));
        if (distinct == NULL)
            return RC_NO_MEMORY;
        if (table->distinct_count > 0)
            memcpy(distinct, table->distinct, table->distinct_count * sizeof(*distinct));
        table->distinct = distinct;
        table->distinct_room = room;
    }
    *ret_number = table->distinct_count;
    table->distinct[table->distinct_count++] = (struct rc_keyed){.key = cell, .value = *ret_number};
    return RC_OK;
}

static enum rc_status
number_of_entry(struct table *table, rc_cell cell, uint32_t *ret_number)
{
    if (table->entry_count * 2 >= table->capacity)
        RC_TRY(grow_entries(table));
    struct entry *entry = entry_of(table, cell);
    if (entry->number_plus_one == 0) {
        RC_TRY(add_distinct(table, cell, ret_number));
        *entry = (struct entry){.cell = cell, .number_plus_one = *ret_number + 1};
        table->entry_count++;
    }
    *ret_number = entry->number_plus_one - 1;
    return RC_OK;
}

/* Of a cell that number_of does not find. */
static enum rc_status
new_number(struct table *table, rc_cell cell, uint32_t *ret_number)
{
    const uint32_t code = rc_cell_code(cell);
    if (!is_coded(cell) || code >= table->code_max)
        return number_of_entry(table, cell, ret_number);
    const unsigned which = array_of(cell);
    if (code >= table->number_count[which])
        RC_TRY(grow_numbers(table, which, code));
    RC_TRY(add_distinct(table, cell, ret_number));
    table->numbers[which][code] = *ret_number + 1;
    return RC_OK;
}

static inline enum rc_status
number_of(struct table *table, rc_cell cell, uint32_t *ret_number)
{
    if (is_coded(cell) && rc_cell_code(cell) < table->number_count[array_of(cell)]) {
        const uint32_t number_plus_one = table->numbers[array_of(cell)][rc_cell_code(cell)];
        *ret_number = number_plus_one - 1;
        if (number_plus_one != 0)
            return RC_OK;
    }
    return new_number(table, cell, ret_number);
}

/* Numbers a block of cells that stand in the order of codes; *before is the one ahead of them, and
 * *number its number, where counts has any. */
static enum rc_status
number_block(struct table *table,
             const rc_cell *cells,
             uint32_t count,
             uint32_t *codes,
             rc_cell *before,
             uint32_t *number,
             struct rc_cell_counts *counts)
{
    for (uint32_t i = 0; i < count; i++) {
        const rc_cell cell = cells[i];
        if (cell != *before || counts->run_count == 0) {
            RC_TRY(number_of(table, cell, number));
            counts->run_count++;
        }
        counts->value_count += cell != RC_CELL_NULL;
        *before = cell;
        codes[i] = *number;
    }
    return RC_OK;
}

static enum rc_status
number_cells(struct table *table,
             const rc_cell *cells,
             const uint32_t *order,
             uint32_t count,
             uint32_t *codes,
             struct rc_cell_counts *ret_counts)
{
    rc_cell block[BLOCK_CELLS];
    rc_cell before = 0;
    uint32_t number = 0;
    struct rc_cell_counts counts = {0};
    for (uint32_t first = 0; first < count; first += BLOCK_CELLS) {
        const uint32_t left = count - first;
        const uint32_t size = left < BLOCK_CELLS ? left : BLOCK_CELLS;
        for (uint32_t i = 0; i < size; i++)
            block[i] = cells[order[first + i]];
        RC_TRY(number_block(table, block, size, codes + first, &before, &number, &counts));
    }
    *ret_counts = counts;
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
    rc_key_sort(distinct, swap, cells, 0);
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
                    struct rc_column_view *ret_view,
                    struct rc_cell_counts *ret_counts)
{
    struct table table = {.scratch = scratch, .code_max = count};
    struct rc_texts ranked = {0};
    struct rc_cell_counts counts;
    uint32_t *codes = rc_arena_alloc(arena, count * sizeof(*codes));
    if (codes == NULL)
        return RC_NO_MEMORY;
    RC_TRY(number_cells(&table, cells, order, count, codes, &counts));

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
    *ret_counts = counts;
    return RC_OK;
}
