/*
 * Hit properties. Of a slab, its own columns are gone through, and not all properties of the
 * project: an event of a project with thousands of properties costs what its slab has.
 */
#include "engine/query/list/hit_properties.h"

struct filling {
    const struct rc_properties *properties;
    struct rc_arena *arena;
    struct rc_event_property *out;
    uint32_t count;
};

/* Takes the value that was read into the next place, unless it is null. */
static void
keep(struct filling *filling, uint32_t property)
{
    struct rc_event_property *out = &filling->out[filling->count];
    out->name = rc_properties_name(filling->properties, property);
    filling->count += out->value.kind != RC_VALUE_NULL;
}

static enum rc_status
fill_from_chunk(struct filling *filling, const struct rc_view_chunk *chunk, uint32_t row)
{
    const uint32_t count = rc_properties_count(filling->properties);
    for (uint32_t property = 0; property < count; property++) {
        const rc_cell *cells = rc_view_chunk_cells(chunk, property);
        if (cells == NULL || cells[row] == 0)
            continue;
        const struct rc_dictionary *values =
            rc_cell_kind_of(cells[row]) == RC_CELL_TEXT
                ? rc_view_chunk_texts(chunk, property)
                : rc_properties_dictionary(filling->properties, property);
        RC_TRY(
            rc_cell_value(values, cells[row], filling->arena, &filling->out[filling->count].value));
        keep(filling, property);
    }
    return RC_OK;
}

static enum rc_status
fill_from_columns(struct filling *filling, const struct rc_slab *slab, uint32_t row)
{
    const uint32_t count = rc_slab_get_info(slab)->column_count;
    for (uint32_t i = 0; i < count; i++) {
        struct rc_column_view column;
        rc_slab_column_at(slab, i, &column);
        RC_TRY(rc_column_value(
            &column, rc_properties_dictionary(filling->properties, column.property),
            rc_column_code(&column, row), filling->arena, &filling->out[filling->count].value));
        keep(filling, column.property);
    }
    return RC_OK;
}

static enum rc_status
fill_from_slab(struct filling *filling, struct rc_view *view, uint32_t slab, uint32_t row)
{
    uint32_t count = 0;
    RC_TRY(rc_view_use_slab(view, slab, RC_SLAB_PART_COLUMNS, NULL));
    const enum rc_status status =
        fill_from_columns(filling, rc_view_slabs(view, &count)[slab].slab, row);
    rc_view_unuse_slab(view, slab);
    return status;
}

enum rc_status
rc_hit_properties(struct rc_view *view,
                  const struct rc_hit *hit,
                  struct rc_arena *arena,
                  const struct rc_event_property **ret_properties,
                  uint32_t *ret_count)
{
    struct filling filling = {.properties = rc_view_event_properties(view), .arena = arena};
    const bool in_chunk = (hit->source & RC_SOURCE_CHUNK) != 0;
    uint32_t count = 0;
    const struct rc_view_slab *slabs = rc_view_slabs(view, &count);
    const struct rc_view_chunk *chunks = rc_view_chunks(view, &count);
    const uint32_t room = in_chunk ? rc_properties_count(filling.properties)
                                   : rc_slab_get_info(slabs[hit->source].slab)->column_count;
    filling.out = RC_ARENA_ARRAY(arena, struct rc_event_property, room);
    if (filling.out == NULL)
        return RC_NO_MEMORY;
    if (in_chunk)
        RC_TRY(fill_from_chunk(&filling, &chunks[hit->source & ~RC_SOURCE_CHUNK], hit->row));
    else
        RC_TRY(fill_from_slab(&filling, view, hit->source, hit->row));
    *ret_properties = filling.out;
    *ret_count = filling.count;
    return RC_OK;
}
