/*
 * Reading hits whole. An event's properties are those of the columns of its slab or of the cells of
 * its chunk, in the order of their names, which is made once a reader.
 */
#include "engine/query/list/event_read.h"

#include <stdlib.h>

struct rc_event_key
rc_event_key_of(struct rc_view *view, const struct rc_hit *hit)
{
    return (struct rc_event_key){.time_ms = hit->time_ms,
                                 .id = rc_hit_event_id(view, hit),
                                 .user_id = rc_view_user_id(view, rc_hit_user(view, hit))};
}

int
rc_event_key_compare(const struct rc_event_key *a, const struct rc_event_key *b)
{
    if (a->time_ms != b->time_ms)
        return a->time_ms < b->time_ms ? -1 : 1;
    const int order = rc_event_id_compare(&a->id, &b->id);
    return order != 0 ? order : rc_bytes_compare(a->user_id, b->user_id);
}

enum rc_status
rc_bytes_copy(struct rc_arena *arena, struct rc_bytes bytes, struct rc_bytes *ret_bytes)
{
    const char *data = rc_arena_copy(arena, bytes.data, bytes.size);
    if (data == NULL)
        return RC_NO_MEMORY;
    *ret_bytes = (struct rc_bytes){data, bytes.size};
    return RC_OK;
}

enum rc_status
rc_value_copy(struct rc_arena *arena, struct rc_value value, struct rc_value *ret_value)
{
    if (value.kind == RC_VALUE_STRING)
        RC_TRY(rc_bytes_copy(arena, value.string, &value.string));
    if (value.kind == RC_VALUE_LIST) {
        struct rc_bytes *items = RC_ARENA_ARRAY(arena, struct rc_bytes, value.item_count);
        if (items == NULL)
            return RC_NO_MEMORY;
        for (uint32_t i = 0; i < value.item_count; i++)
            RC_TRY(rc_bytes_copy(arena, value.items[i], &items[i]));
        value.items = items;
    }
    *ret_value = value;
    return RC_OK;
}

/* A hit's value of a property, borrowed from the view or in arena. */
static enum rc_status
value_of_hit(const struct rc_event_reader *reader,
             const struct rc_hit *hit,
             uint32_t property,
             struct rc_value *ret_value)
{
    uint32_t count;
    struct rc_arena *arena = reader->arena;
    const struct rc_dictionary *values =
        rc_properties_dictionary(rc_view_event_properties(reader->view), property);
    if ((hit->source & RC_SOURCE_CHUNK) != 0) {
        const struct rc_view_chunk *chunk =
            &rc_view_chunks(reader->view, &count)[hit->source & ~RC_SOURCE_CHUNK];
        const rc_cell *cells = rc_view_chunk_cells(chunk, property);
        const rc_cell cell = cells == NULL ? RC_CELL_NULL : cells[hit->row];
        if (rc_cell_kind_of(cell) == RC_CELL_TEXT)
            values = rc_view_chunk_texts(chunk, property);
        return rc_cell_value(values, cell, arena, ret_value);
    }
    struct rc_column_view column;
    const struct rc_slab *slab = rc_view_slabs(reader->view, &count)[hit->source].slab;
    if (!rc_slab_column(slab, property, &column)) {
        *ret_value = rc_value_null();
        return RC_OK;
    }
    return rc_column_value(&column, values, rc_column_code(&column, hit->row), arena, ret_value);
}

static enum rc_status
read_properties(struct rc_event_reader *reader, const struct rc_hit *hit, struct rc_event *event)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < reader->name_count; i++) {
        struct rc_value value;
        RC_TRY(value_of_hit(reader, hit, reader->names[i].property, &value));
        if (value.kind == RC_VALUE_NULL)
            continue;
        struct rc_event_property *result = &reader->scratch[count++];
        result->name = reader->names[i].name;
        RC_TRY(rc_value_copy(reader->arena, value, &result->value));
    }
    event->property_count = count;
    event->properties =
        rc_arena_copy(reader->arena, reader->scratch, count * sizeof(*reader->scratch));
    return event->properties == NULL ? RC_NO_MEMORY : RC_OK;
}

enum rc_status
rc_event_read(struct rc_event_reader *reader, const struct rc_hit *hit, struct rc_event *ret_event)
{
    char text[24];
    struct rc_event event = {.place.time_ms = hit->time_ms};
    const struct rc_event_key key = rc_event_key_of(reader->view, hit);
    RC_TRY(rc_bytes_copy(reader->arena, rc_event_id_text(&key.id, text), &event.place.event_id));
    RC_TRY(rc_bytes_copy(reader->arena, key.user_id, &event.place.user_id));
    RC_TRY(read_properties(reader, hit, &event));
    *ret_event = event;
    return RC_OK;
}

static int
compare_names(const void *a, const void *b)
{
    const struct rc_named_property *x = a;
    const struct rc_named_property *y = b;
    return rc_bytes_compare(x->name, y->name);
}

enum rc_status
rc_property_names(const struct rc_properties *properties,
                  struct rc_arena *arena,
                  struct rc_named_property **ret_names,
                  uint32_t *ret_count)
{
    const uint32_t count = rc_properties_count(properties);
    struct rc_named_property *names = RC_ARENA_ARRAY(arena, struct rc_named_property, count);
    if (names == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        names[i].property = i;
        RC_TRY(rc_bytes_copy(arena, rc_properties_name(properties, i), &names[i].name));
    }
    qsort(names, count, sizeof(*names), compare_names);
    *ret_names = names;
    *ret_count = count;
    return RC_OK;
}

enum rc_status
rc_event_reader_open(struct rc_view *view,
                     struct rc_arena *arena,
                     struct rc_event_reader *ret_reader)
{
    struct rc_event_reader reader = {.view = view, .arena = arena};
    RC_TRY(rc_property_names(rc_view_event_properties(view), arena, &reader.names,
                             &reader.name_count));
    reader.scratch = RC_ARENA_ARRAY(arena, struct rc_event_property, reader.name_count + 1);
    if (reader.scratch == NULL)
        return RC_NO_MEMORY;
    *ret_reader = reader;
    return RC_OK;
}
