/*
 * Match rig, the view: the functions of store/project/view.h that the matcher calls, over random
 * slabs and chunks. Columns: p0 many values a row, p1 few in runs, p2 rare, p3 one text everywhere,
 * p4 hundreds of integers, p5 many values, most of them long texts that are alike. Linked in place
 * of the project's view.
 *
 * Dictionaries of event properties take a few values; the rest are texts, of each slab's and
 * chunk's rows apart. p3's takes none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/store/builder/slab_builder.h"
#include "engine/store/value/value_key.h"
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
    struct rc_user_codes *user_codes[RIG_PROPERTIES]; /* NULL: as if there were too many values. */
};

static void
must(enum rc_status status)
{
    if (status != RC_OK)
        abort();
}

/* Values that a dictionary of an event property takes. */
static uint32_t
entries_max(uint32_t property)
{
    static const uint32_t entries[RIG_PROPERTIES] = {12, 3, 8, 0, 0, 20};
    return entries[property];
}

static struct rc_value
long_text(uint64_t *state, struct rc_arena *arena)
{
    char *text = rc_arena_alloc(arena, 32);
    const uint32_t number = rig_below(state, 300);
    switch (rig_below(state, 3)) {
    case 0:
        (void)snprintf(text, 32, "/cart/%u", number);
        break;
    case 1:
        (void)snprintf(text, 32, "/cart/%u?ref=mail", number);
        break;
    default:
        (void)snprintf(text, 32, "https://a.b/%u", number);
        break;
    }
    return rc_value_string(rc_bytes_of(text));
}

static struct rc_value
random_value(uint64_t *state, uint32_t property, uint32_t row, struct rc_arena *arena)
{
    uint64_t run = row / 37 + (uint64_t)property * 1000003; /* Equal for 37 rows. */
    switch (property) {
    case 1:
        return rig_value(&run, false, arena);
    case 2:
        return rig_below(state, 40) == 0 ? rig_value(state, true, arena) : rc_value_null();
    case 3:
        return rc_value_string(RC_BYTES_LITERAL("abc"));
    case 4:
        return rc_value_int((int64_t)rig_below(state, 700));
    case 5:
        return rig_below(state, 4) == 0 ? rig_value(state, true, arena) : long_text(state, arena);
    default:
        return rig_value(state, true, arena);
    }
}

/* The cell of a value; what a full dictionary lacks goes into texts. */
static rc_cell
cell_of(struct rc_value value,
        struct rc_dictionary *dictionary,
        uint32_t dictionary_max,
        struct rc_dictionary *texts)
{
    rc_cell cell;
    uint32_t code;
    if (rc_cell_inline(value, &cell) || rc_cell_find(dictionary, value, &cell))
        return cell;
    if (rc_dictionary_count(dictionary) < dictionary_max) {
        must(rc_cell_intern(dictionary, value, &cell));
        return cell;
    }
    RC_CLEANUP(rc_value_key_close) struct rc_value_key key;
    must(rc_value_key_open(&key, value));
    must(rc_dictionary_intern(texts, key.bytes, &code));
    return rc_cell_of_text(code);
}

/* Of each kind in turn. */
static struct rc_event_id
id_of(uint32_t row, struct rc_arena *arena)
{
    char text[16];
    struct rc_event_id id = {.kind = (enum rc_event_id_kind)(row % 3), .number = row};
    const int size = snprintf(text, sizeof(text), "id-%u", row);
    if (id.kind == RC_EVENT_ID_TEXT)
        id.text = (struct rc_bytes){rc_arena_string(arena, text, (size_t)size), (size_t)size};
    return id;
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
    const struct rc_dictionary **texts =
        RC_ARENA_ARRAY(arena, const struct rc_dictionary *, RIG_PROPERTIES);
    for (uint32_t row = 0; row < row_count; row++) {
        users[row] = (uint32_t)((uint64_t)row * view->user_count / row_count);
        times[row] = row;
        ids[row] = id_of(row, arena);
    }
    for (uint32_t p = 0; p < RIG_PROPERTIES; p++) {
        rc_cell *cells = RC_ARENA_ARRAY(arena, rc_cell, row_count);
        struct rc_dictionary *dictionary = rc_properties_dictionary(view->event_properties, p);
        struct rc_dictionary *column_texts = NULL;
        must(rc_dictionary_new(NULL, &column_texts));
        for (uint32_t row = 0; row < row_count; row++)
            cells[row] = cell_of(random_value(state, p, row, arena), dictionary, entries_max(p),
                                 column_texts);
        properties[p] = p;
        columns[p] = cells;
        texts[p] = column_texts;
    }
    *ret_source = (struct rc_row_source){.row_count = row_count,
                                         .users = users,
                                         .times_ms = times,
                                         .ids = ids,
                                         .column_count = RIG_PROPERTIES,
                                         .column_properties = properties,
                                         .column_cells = columns,
                                         .column_texts = texts};
}

static void
free_texts(const struct rc_row_source *rows)
{
    for (uint32_t p = 0; p < RIG_PROPERTIES; p++)
        rc_dictionary_free((struct rc_dictionary *)rows->column_texts[p]);
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
        struct rc_user_codes *codes =
            rc_user_codes_new(view->user_count, NULL, 0, &rc_account_process);
        must(codes == NULL ? RC_NO_MEMORY : RC_OK);
        struct rc_dictionary *dictionary = rc_properties_dictionary(view->user_properties, p);
        for (uint32_t user = 0; user < view->user_count; user++) {
            view->user_cells[p][user] =
                cell_of(random_value(state, p, user, arena), dictionary, UINT32_MAX, NULL);
            if (rc_view_person_of(view, user) != user)
                view->user_cells[p][user] = 0;
            if (codes != NULL && !rc_user_codes_set(codes, user, view->user_cells[p][user]))
                codes = rc_alloc_free(codes);
        }
        if (p % 2 == 0) /* As if there were too many. */
            codes = rc_alloc_free(codes);
        view->user_codes[p] = codes;
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
        must(rc_slab_build(&source, 1, rc_window_longest(0), NULL, &rc_account_process, NULL,
                           &view->slabs[i].slab, NULL));
        free_texts(&rows);
    }
    static uint64_t heads = 1;
    view->chunk_count = options->chunk_count;
    view->chunks = RC_ARENA_ARRAY(arena, struct rc_view_chunk, options->chunk_count);
    for (uint32_t i = 0; i < options->chunk_count; i++) {
        struct rc_row_source *rows = rc_arena_zero(arena, sizeof(*rows));
        fill_source(state, view, 1 + rig_below(state, RC_CHUNK_ROWS), arena, rows);
        view->chunks[i] = (struct rc_view_chunk){.row_count = rows->row_count,
                                                 .number = i % 2,
                                                 .head = heads + i / 2,
                                                 .users = rows->users,
                                                 .times_ms = rows->times_ms,
                                                 .ids = rows->ids,
                                                 .cells_of_property = rows,
                                                 .property_count = RIG_PROPERTIES};
    }
    heads += (options->chunk_count + 1) / 2;
    make_users(state, view, options->alias_count, arena);
    return view;
}

void
rig_view_show(struct rc_view *view, uint32_t rows)
{
    uint32_t left = rows;
    for (uint32_t i = 0; i < view->chunk_count; i++) {
        struct rc_view_chunk *chunk = &view->chunks[i];
        const struct rc_row_source *source = chunk->cells_of_property;
        left = chunk->number == 0 ? rows : left;
        chunk->row_count = source->row_count < left ? source->row_count : left;
        left -= chunk->row_count;
    }
}

void
rig_view_free(struct rc_view *view)
{
    for (uint32_t i = 0; i < view->slab_count; i++)
        rc_slab_unref(view->slabs[i].slab);
    for (uint32_t i = 0; i < view->chunk_count; i++)
        free_texts(view->chunks[i].cells_of_property);
    for (uint32_t p = 0; p < RIG_PROPERTIES; p++)
        rc_alloc_free(view->user_codes[p]);
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

/* Slabs of the rig are all in memory. */
enum rc_status
rc_view_use_slab(struct rc_view *view, uint32_t slab, uint32_t parts, struct rc_error *reterr_error)
{
    (void)view;
    (void)slab;
    (void)parts;
    (void)reterr_error;
    return RC_OK;
}

void
rc_view_unuse_slab(struct rc_view *view, uint32_t slab)
{
    (void)view;
    (void)slab;
}

enum rc_status
rc_view_check_reads(struct rc_view *view, struct rc_error *reterr_error)
{
    (void)view;
    (void)reterr_error;
    return RC_OK;
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

const struct rc_dictionary *
rc_view_chunk_texts(const struct rc_view_chunk *chunk, uint32_t property)
{
    const struct rc_row_source *rows = chunk->cells_of_property;
    return property < chunk->property_count ? rows->column_texts[property] : NULL;
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

/* A user's id is its ordinal. */
uint32_t
rc_view_find_user(const struct rc_view *view, struct rc_bytes id)
{
    struct rc_value number;
    if (!rc_value_of_numeric_text(id, &number) || number.kind != RC_VALUE_INT ||
        number.integer < 0 || number.integer >= view->user_count)
        return RC_CODE_NONE;
    return (uint32_t)number.integer;
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

enum rc_status
rc_view_user_codes(struct rc_view *view,
                   uint32_t property,
                   int64_t as_of_ms,
                   const struct rc_user_codes **ret_codes)
{
    (void)as_of_ms;
    *ret_codes = view->user_codes[property];
    return RC_OK;
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
        values[p] = rc_value_null();
        if (rc_slab_column(view->slabs[slab].slab, p, &column))
            must(rc_column_value(&column, rc_properties_dictionary(view->event_properties, p),
                                 rc_column_code(&column, row), arena, &values[p]));
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
        const struct rc_dictionary *dictionary =
            rc_cell_kind_of(cell) == RC_CELL_TEXT
                ? rc_view_chunk_texts(&view->chunks[chunk], p)
                : rc_properties_dictionary(view->event_properties, p);
        must(rc_cell_value(dictionary, cell, arena, &values[p]));
    }
}

void
rig_view_person(const struct rc_view *view,
                uint32_t person,
                struct rc_arena *arena,
                struct rc_value values[RIG_PROPERTIES])
{
    for (uint32_t p = 0; p < RIG_PROPERTIES; p++)
        must(rc_cell_value(rc_properties_dictionary(view->user_properties, p),
                           view->user_cells[p][person], arena, &values[p]));
}

/* Accounts of the rig are its users' twins: one for each ordinal. */
uint32_t
rc_view_account_count(const struct rc_view *view)
{
    return view->user_count;
}

enum rc_status
rc_view_account_cells(struct rc_view *view,
                      uint32_t property,
                      int64_t as_of_ms,
                      const rc_cell **ret_cells)
{
    return rc_view_user_cells(view, property, as_of_ms, ret_cells);
}
