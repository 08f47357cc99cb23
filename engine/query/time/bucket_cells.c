/* Bucket cells. */
#include "engine/query/time/bucket_cells.h"

/* Fills a cell from the slots [first, end) of a table; false: its place changes more than once. */
static bool
fill_cell(const struct rc_bucket_table *table,
          uint32_t first,
          uint32_t end,
          struct rc_bucket_cells *cells)
{
    const uint32_t cell = first >> RC_BUCKET_CELL_SHIFT;
    const uint16_t *slots = table->slots;
    uint32_t edge = first;
    uint16_t before = slots[first];
    if (before >= RC_BUCKET_MIXED)
        before = table->edges[before - RC_BUCKET_MIXED].before;
    while (edge < end && slots[edge] == before)
        edge++;
    uint16_t behind = edge < end ? slots[edge] : before;
    const bool mixed = behind >= RC_BUCKET_MIXED;
    cells->edges_ms[cell] = edge << RC_BUCKET_SHIFT;
    if (mixed) {
        const struct rc_bucket_edge *in_slot = &table->edges[behind - RC_BUCKET_MIXED];
        cells->edges_ms[cell] = in_slot->offset_ms;
        behind = in_slot->behind;
    }
    if (behind >= RC_BUCKET_MIXED)
        return false;
    for (uint32_t slot = edge + mixed; slot < end; slot++)
        if (slots[slot] != behind)
            return false;
    cells->before[cell] = before;
    cells->behind[cell] = behind;
    cells->edges[cell] = (uint16_t)(2 * edge + mixed);
    return true;
}

enum rc_status
rc_bucket_cells_make(const struct rc_bucket_table *table,
                     struct rc_arena *arena,
                     const struct rc_bucket_cells **ret_cells)
{
    const uint32_t size = 1u << RC_BUCKET_CELL_SHIFT;
    struct rc_bucket_cells *cells = RC_ARENA_ARRAY(arena, struct rc_bucket_cells, 1);
    if (cells == NULL)
        return RC_NO_MEMORY;
    *ret_cells = NULL;
    for (uint32_t first = 0; first < table->no_slot; first += size) {
        const uint32_t left = table->no_slot - first;
        if (!fill_cell(table, first, first + (left < size ? left : size), cells))
            return RC_OK;
    }
    *ret_cells = cells;
    return RC_OK;
}
