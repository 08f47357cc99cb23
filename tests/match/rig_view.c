/*
 * Match rig, the view: the functions of store/view.h that the matcher calls, over random slabs and
 * chunks. Columns: p0 many values a row, p1 few in runs, p2 rare, p3 one text everywhere, p4
 * hundreds of integers, p5 many values. Linked in place of the project's view.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/store/slab_builder.h"
#include "tests/match/match_rig.h"

struct rc_view {
    struct rc_properties *event_properties;
    struct rc_properties *user_properties;
    struct rc_persons *persons;
    uint32_t slab_count;
    uint32_t chunk_count;
    uint32_t user_count;
    struct rc_view_slab *slabs;
    struct rc_view_chunk *chunks;
    rc_cell *user_cells[RIG_PROPERTIES];
};

static void
must(enum rc_status status)
{
    if (status != RC_OK)
        abort();
}

static rc_cell
random_cell(uint64_t *state,
            uint32_t property,
            uint32_t row,
            struct rc_dictionary *dictionary,
            struct rc_arena *arena)
{
    uint64_t run = row / 37 + (uint64_t)property * 1000003; /* Equal for 37 rows. */
    struct rc_value value;
    switch (property) {
    case 1:
        value = rig_value(&run, false, arena);
        break;
    case 2:
        value = rig_below(state, 40) == 0 ? rig_value(state, true, arena) : rc_value_null();
        break;
    case 3:
        value = rc_value_string(RC_BYTES_LITERAL("abc"));
        break;
    case 4:
        value = rc_value_int((int64_t)rig_below(state, 700));
        break;
    default:
        value = rig_value(state, true, arena);
        break;
    }
    rc_cell cell;
    must(rc_cell_intern(dictionary, value, &cell));
    return cell;
}

static void
fill_source(uint64_t *state,
            struct rc_view *view,
            uint32_t row_count,
            struct rc_arena *arena,
            struct rc_row_source *ret_source)
{
    uint32_t *users = RC_ARENA_ARRAY(arena, uint32_t, row_count);
    int64_t *times = RC_ARENA_ARRAY(arena, int64_t, row_count);
    struct rc_event_id *ids = RC_ARENA_ARRAY(arena, struct rc_event_id, row_count);
    uint32_t *properties = RC_ARENA_ARRAY(arena, uint32_t, RIG_PROPERTIES);
    const rc_cell **columns = RC_ARENA_ARRAY(arena, const rc_cell *, RIG_PROPERTIES);
    for (uint32_t row = 0; row < row_count; row++) {
        users[row] = (uint32_t)((uint64_t)row * view->user_count / row_count);
        times[row] = row;
        ids[row] = (struct rc_event_id){.kind = RC_EVENT_ID_INT, .number = row};
    }
    for (uint32_t p = 0; p < RIG_PROPERTIES; p++) {
        rc_cell *cells = RC_ARENA_ARRAY(arena, rc_cell, row_count);
        struct rc_dictionary *dictionary = rc_properties_dictionary(view->event_properties, p);
        for (uint32_t row = 0; row < row_count; row++)
            cells[row] = random_cell(state, p, row, dictionary, arena);
        properties[p] = p;
        columns[p] = cells;
    }
    *ret_source = (struct rc_row_source){.row_count = row_count,
                                         .users = users,
                                         .times_ms = times,
                                         .ids = ids,
                                         .column_count = RIG_PROPERTIES,
                                         .column_properties = properties,
                                         .column_cells = columns};
}

static void
make_users(uint64_t *state, struct rc_view *view, uint32_t alias_count, struct rc_arena *arena)
{
    struct rc_alias *aliases = RC_ARENA_ARRAY(arena, struct rc_alias, alias_count);
    for (uint32_t i = 0; i < alias_count; i++)
        aliases[i] = (struct rc_alias){rig_below(state, view->user_count),
                                       rig_below(state, view->user_count)};
    if (alias_count > 0)
        must(rc_persons_build(aliases, alias_count, view->user_count, &rc_account_process,
                              &view->persons));
    for (uint32_t p = 0; p < RIG_PROPERTIES; p++) {
        view->user_cells[p] = RC_ARENA_ARRAY(arena, rc_cell, view->user_count);
        struct rc_dictionary *dictionary = rc_properties_dictionary(view->user_properties, p);
        for (uint32_t user = 0; user < view->user_count; user++) {
            view->user_cells[p][user] = random_cell(state, p, user, dictionary, arena);
            if (rc_view_person_of(view, user) != user)
                view->user_cells[p][user] = ~(rc_cell)0; /* Undefined: must not be read. */
        }
    }
}

struct rc_view *
rig_view_make(uint64_t *state, const struct rig_view_options *options, struct rc_arena *arena)
{
    static const char *const names[RIG_PROPERTIES] = {"p0", "p1", "p2", "p3", "p4", "p5"};
    struct rc_view *view = rc_arena_zero(arena, sizeof(*view));
    view->user_count = options->user_count;
    must(rc_properties_new(&rc_account_process, &view->event_properties));
    must(rc_properties_new(&rc_account_process, &view->user_properties));
    for (uint32_t p = 0; p < RIG_PROPERTIES; p++) {
        uint32_t number;
        must(rc_properties_intern(view->event_properties, rc_bytes_of(names[p]), &number));
        must(rc_properties_intern(view->user_properties, rc_bytes_of(names[p]), &number));
    }
    view->slab_count = options->slab_count;
    view->slabs = RC_ARENA_ARRAY(arena, struct rc_view_slab, options->slab_count);
    for (uint32_t i = 0; i < options->slab_count; i++) {
        struct rc_row_source rows;
        fill_source(state, view, options->rows_per_slab, arena, &rows);
        const struct rc_slab_source source = {.rows = &rows};
        view->slabs[i].id = i + 1;
        must(rc_slab_build(&source, 1, 0, &rc_account_process, NULL, &view->slabs[i].slab, NULL));
    }
    view->chunk_count = options->chunk_count;
    view->chunks = RC_ARENA_ARRAY(arena, struct rc_view_chunk, options->chunk_count);
    for (uint32_t i = 0; i < options->chunk_count; i++) {
        struct rc_row_source *rows = rc_arena_zero(arena, sizeof(*rows));
        fill_source(state, view, 1 + rig_below(state, RC_CHUNK_ROWS), arena, rows);
        view->chunks[i] = (struct rc_view_chunk){.row_count = rows->row_count,
                                                 .users = rows->users,
                                                 .times_ms = rows->times_ms,
                                                 .ids = rows->ids,
                                                 .cells_of_property = rows,
                                                 .property_count = RIG_PROPERTIES};
    }
    make_users(state, view, options->alias_count, arena);
    return view;
}

void
rig_view_free(struct rc_view *view)
{
    for (uint32_t i = 0; i < view->slab_count; i++)
        rc_slab_unref(view->slabs[i].slab);
    rc_persons_unref(view->persons);
    rc_properties_free(view->event_properties);
    rc_properties_free(view->user_properties);
}

const struct rc_view_slab *
rc_view_slabs(const struct rc_view *view, uint32_t *ret_count)
{
    *ret_count = view->slab_count;
    return view->slabs;
}

const struct rc_view_chunk *
rc_view_chunks(const struct rc_view *view, uint32_t *ret_count)
{
    *ret_count = view->chunk_count;
    return view->chunks;
}

const rc_cell *
rc_view_chunk_cells(const struct rc_view_chunk *chunk, uint32_t property)
{
    const struct rc_row_source *rows = chunk->cells_of_property;
    return property < chunk->property_count ? rows->column_cells[property] : NULL;
}

const struct rc_properties *
rc_view_event_properties(const struct rc_view *view)
{
    return view->event_properties;
}

const struct rc_properties *
rc_view_user_properties(const struct rc_view *view)
{
    return view->user_properties;
}

uint32_t
rc_view_user_count(const struct rc_view *view)
{
    return view->user_count;
}

const struct rc_persons *
rc_view_persons(const struct rc_view *view)
{
    return view->persons;
}

uint32_t
rc_view_person_of(const struct rc_view *view, uint32_t user)
{
    return view->persons == NULL ? user : rc_persons_of(view->persons, user);
}

enum rc_status
rc_view_user_cells(struct rc_view *view,
                   uint32_t property,
                   int64_t as_of_ms,
                   const rc_cell **ret_cells)
{
    (void)as_of_ms;
    *ret_cells = view->user_cells[property];
    return RC_OK;
}

static void
value_of(const struct rc_properties *properties,
         uint32_t property,
         rc_cell cell,
         struct rc_arena *arena,
         struct rc_value *ret_value)
{
    must(rc_cell_value(rc_properties_dictionary(properties, property), cell, arena, ret_value));
}

void
rig_view_slab_row(const struct rc_view *view,
                  uint32_t slab,
                  uint32_t row,
                  struct rc_arena *arena,
                  struct rc_value values[RIG_PROPERTIES])
{
    for (uint32_t p = 0; p < RIG_PROPERTIES; p++) {
        struct rc_column_view column;
        const bool found = rc_slab_column(view->slabs[slab].slab, p, &column);
        value_of(view->event_properties, p, found ? rc_column_cell(&column, row) : 0, arena,
                 &values[p]);
    }
}

void
rig_view_chunk_row(const struct rc_view *view,
                   uint32_t chunk,
                   uint32_t row,
                   struct rc_arena *arena,
                   struct rc_value values[RIG_PROPERTIES])
{
    for (uint32_t p = 0; p < RIG_PROPERTIES; p++) {
        const rc_cell cell = rc_view_chunk_cells(&view->chunks[chunk], p)[row];
        value_of(view->event_properties, p, cell, arena, &values[p]);
    }
}

void
rig_view_person(const struct rc_view *view,
                uint32_t person,
                struct rc_arena *arena,
                struct rc_value values[RIG_PROPERTIES])
{
    for (uint32_t p = 0; p < RIG_PROPERTIES; p++)
        value_of(view->user_properties, p, view->user_cells[p][person], arena, &values[p]);
}
