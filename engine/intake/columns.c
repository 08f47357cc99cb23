/*
 * Columns. Values become cells once per distinct value; then a column is one pass that scatters
 * cells into the head's arrays.
 *
 * A text's code is one of a head, and a batch may fill several. So a text is pending until a row
 * needs it, is then interned in the head at hand, and is pending again when the next head begins:
 * no head gets a text that none of its rows has. Its key is hashed once.
 *
 * Most lookups miss the caches, for the slot and for the key behind it. So keys are looked up
 * sixteen at a time: all are hashed and their slots asked for, then their records, then each is
 * compared.
 */
#include "engine/intake/columns.h"

#include "engine/base/assert.h"
#include "engine/intake/packed.h"
#include "engine/store/value/value_key.h"

#define FLOCK_KEYS 16u

/* No kind of cell: a text that the head at hand does not have yet. */
#define PENDING ((rc_cell)7)

/* Values of a column that need a code and whose keys are looked up together. */
struct flock {
    struct rc_value_key keys[FLOCK_KEYS]; /* Those below count are open. */
    uint32_t codes[FLOCK_KEYS];
    uint32_t hashes[FLOCK_KEYS];
    uint32_t count;
};

static void
flock_close(struct flock *flock)
{
    for (uint32_t i = 0; i < flock->count; i++)
        rc_value_key_close(&flock->keys[i]);
    flock->count = 0;
}

static enum rc_status
flock_add(struct flock *flock,
          const struct rc_dictionary *dictionary,
          struct rc_value value,
          uint32_t code)
{
    const uint32_t i = flock->count++;
    RC_ASSERT(i < FLOCK_KEYS);
    RC_TRY(rc_value_key_open(&flock->keys[i], value));
    flock->codes[i] = code;
    flock->hashes[i] = rc_dictionary_hash(flock->keys[i].bytes);
    rc_dictionary_prefetch_slot(dictionary, flock->hashes[i]);
    return RC_OK;
}

/* What the dictionary has no room for is pending, and its hash is kept. */
static enum rc_status
intern_key(struct rc_column_cells *cells,
           struct rc_dictionary *dictionary,
           const struct rc_dictionary_bounds *bounds,
           struct rc_arena *arena,
           const struct flock *flock,
           uint32_t at)
{
    const uint32_t code = flock->codes[at];
    uint32_t interned = 0;
    const enum rc_status status = rc_dictionary_intern_within(dictionary, flock->keys[at].bytes,
                                                              flock->hashes[at], bounds, &interned);
    cells->of_code[code] = rc_cell_of_code(interned);
    if (status != RC_LIMIT_EXCEEDED)
        return status;
    if (cells->hashes == NULL)
        cells->hashes = RC_ARENA_ARRAY(arena, uint32_t, (size_t)cells->column->value_count + 1);
    if (cells->hashes == NULL)
        return RC_NO_MEMORY;
    cells->hashes[code] = flock->hashes[at];
    cells->of_code[code] = PENDING;
    return RC_OK;
}

static enum rc_status
intern_flock(struct rc_column_cells *cells,
             struct rc_dictionary *dictionary,
             const struct rc_dictionary_bounds *bounds,
             struct rc_arena *arena,
             struct flock *flock)
{
    for (uint32_t i = 0; i < flock->count; i++)
        rc_dictionary_prefetch_record(dictionary, flock->hashes[i]);
    for (uint32_t i = 0; i < flock->count; i++)
        RC_TRY(intern_key(cells, dictionary, bounds, arena, flock, i));
    flock_close(flock);
    return RC_OK;
}

static enum rc_status
intern_column(struct rc_column_cells *cells,
              struct rc_properties *properties,
              const struct rc_dictionary_bounds *bounds,
              struct rc_arena *arena)
{
    const struct rc_batch_column *column = cells->column;
    RC_TRY(rc_properties_intern(properties, column->name, &cells->property));
    struct rc_dictionary *dictionary = rc_properties_dictionary(properties, cells->property);
    cells->of_code = RC_ARENA_ARRAY(arena, rc_cell, (size_t)column->value_count + 1);
    if (cells->of_code == NULL)
        return RC_NO_MEMORY;
    RC_CLEANUP(flock_close) struct flock flock;
    flock.count = 0; /* The keys are large: they are not zeroed. */
    for (uint32_t code = 1; code <= column->value_count; code++) {
        if (rc_cell_inline(column->values[code - 1], &cells->of_code[code]))
            continue;
        RC_TRY(flock_add(&flock, dictionary, column->values[code - 1], code));
        if (flock.count == FLOCK_KEYS)
            RC_TRY(intern_flock(cells, dictionary, bounds, arena, &flock));
    }
    return intern_flock(cells, dictionary, bounds, arena, &flock);
}

uint32_t
rc_columns_count_with(const struct rc_properties *properties, const struct rc_batch_table *table)
{
    uint32_t count = rc_properties_count(properties);
    for (uint32_t i = 0; i < table->column_count; i++)
        count += rc_properties_find(properties, table->columns[i].name) == RC_PROPERTY_NONE;
    return count;
}

enum rc_status
rc_columns_intern(struct rc_properties *properties,
                  const struct rc_batch_table *table,
                  const struct rc_dictionary_bounds *bounds,
                  struct rc_arena *arena,
                  struct rc_column_cells **ret_cells)
{
    static const struct rc_dictionary_bounds none = RC_DICTIONARY_BOUNDS_NONE;
    struct rc_column_cells *cells =
        RC_ARENA_ARRAY(arena, struct rc_column_cells, table->column_count);
    if (cells == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < table->column_count; i++) {
        cells[i].column = &table->columns[i];
        RC_TRY(intern_column(&cells[i], properties, bounds == NULL ? &none : bounds, arena));
        RC_ASSERT(bounds != NULL || cells[i].hashes == NULL);
    }
    *ret_cells = cells;
    return RC_OK;
}

/* The first entry of a sparse column at or behind row. */
static uint32_t
sparse_lower_bound(const struct rc_batch_column *column, uint32_t row)
{
    uint32_t low = 0;
    uint32_t high = column->sparse_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (rc_packed_u32(column->rows, middle) < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void
scatter_dense(const struct rc_column_cells *column_cells,
              uint32_t first,
              uint32_t count,
              rc_cell *cells)
{
    const struct rc_batch_column *column = column_cells->column;
    const rc_cell *of_code = column_cells->of_code;
    const unsigned char *codes = column->codes + (size_t)first * column->code_width;
    switch (column->code_width) {
    case 1:
        for (uint32_t i = 0; i < count; i++)
            cells[i] = of_code[codes[i]];
        break;
    case 2:
        for (uint32_t i = 0; i < count; i++)
            cells[i] = of_code[rc_packed_code(codes, 2, i)];
        break;
    default:
        for (uint32_t i = 0; i < count; i++)
            cells[i] = of_code[rc_packed_u32(codes, i)];
        break;
    }
}

/* Makes the texts of another head pending. */
static void
begin_head(struct rc_column_cells *cells, const struct rc_head *head)
{
    if (cells->head == head || cells->hashes == NULL)
        return;
    for (uint32_t code = 1; code <= cells->column->value_count; code++)
        if (rc_cell_kind_of(cells->of_code[code]) == RC_CELL_TEXT)
            cells->of_code[code] = PENDING;
    cells->head = head;
}

/* Interns a pending text in the head. */
static enum rc_status
need_text(struct rc_column_cells *cells, struct rc_head *head, uint32_t code)
{
    if (cells->of_code[code] != PENDING)
        return RC_OK;
    RC_CLEANUP(rc_value_key_close) struct rc_value_key key;
    const enum rc_status opened = rc_value_key_open(&key, cells->column->values[code - 1]);
    RC_TRY(opened);
    return rc_head_intern_text(head, cells->property, key.bytes, cells->hashes[code],
                               &cells->of_code[code]);
}

/* Interns the texts of rows of a dense column. */
static enum rc_status
need_texts(struct rc_column_cells *cells, struct rc_head *head, uint32_t first, uint32_t count)
{
    const struct rc_batch_column *column = cells->column;
    for (uint32_t row = first; row < first + count; row++)
        RC_TRY(need_text(cells, head, rc_packed_code(column->codes, column->code_width, row)));
    return RC_OK;
}

enum rc_status
rc_column_scatter(struct rc_column_cells *cells,
                  struct rc_head *head,
                  const struct rc_head_room *room,
                  uint32_t first)
{
    const struct rc_batch_column *column = cells->column;
    rc_cell *to = NULL;
    begin_head(cells, head);
    if (column->rows == NULL) {
        if (cells->hashes != NULL)
            RC_TRY(need_texts(cells, head, first, room->count));
        RC_TRY(rc_head_room_cells(head, room, cells->property, &to));
        scatter_dense(cells, first, room->count, to);
        return RC_OK;
    }
    for (uint32_t k = sparse_lower_bound(column, first); k < column->sparse_count; k++) {
        const uint32_t row = rc_packed_u32(column->rows, k);
        const uint32_t code = rc_packed_code(column->codes, column->code_width, k);
        if (row >= first + room->count)
            break;
        if (to == NULL)
            RC_TRY(rc_head_room_cells(head, room, cells->property, &to));
        RC_TRY(need_text(cells, head, code));
        to[row - first] = cells->of_code[code];
    }
    return RC_OK;
}
