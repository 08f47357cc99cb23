#include "tests/store/slab_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/hash.h"
#include "engine/base/limits.h"

static const uint32_t properties[RIG_COLUMNS] = {3, 10, 11, 20, 21, 30, 31, 40, 50, 51, 60, 61, 62};

uint64_t
rig_random(uint64_t *state)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

static void *
get(size_t size)
{
    void *memory = calloc(1, size + 1);
    if (memory == NULL)
        abort();
    return memory;
}

static uint32_t
below(uint64_t *state, uint64_t n)
{
    return (uint32_t)(rig_random(state) % n);
}

/* One of distinct strings that have long beginnings in common. */
static rc_cell
random_text(uint64_t *state, struct rc_dictionary *values, uint32_t distinct)
{
    static const char *const sites[] = {"https://example.org/", "https://example.org/shop/item/",
                                        "", "x"};
    char text[96];
    uint32_t code = 0;
    const uint32_t number = below(state, distinct);
    const int size = snprintf(text + 1, sizeof(text) - 1, "%s%0*x%s", sites[number % 4],
                              (int)(number % 9), number / 4, number % 3 == 0 ? "/comments" : "");
    text[0] = (char)RC_VALUE_STRING;
    if (rc_dictionary_intern(values, (struct rc_bytes){text, (size_t)size + 1}, &code) != RC_OK)
        abort();
    return rc_cell_of_text(code);
}

static rc_cell
random_cell(uint64_t *state,
            uint32_t column,
            uint32_t user,
            const struct rig_options *options,
            struct rc_dictionary *values)
{
    switch (column) {
    case 0:
        return user % 7 == 0 ? RC_CELL_NULL : rc_cell_of_code(user % 5);
    case 1:
        return rc_cell_of_code(below(state, 6));
    case 2:
        return below(state, 4) == 0 ? RC_CELL_NULL : rc_cell_of_code(below(state, 300));
    case 3:
        return below(state, 40) == 0 ? (rc_cell)below(state, 9) << 3 | RC_CELL_INT : RC_CELL_NULL;
    case 5:
        return (rc_cell)(rig_random(state) >> 4) << 3 | RC_CELL_INT;
    case 7:
        return (rc_cell)below(state, options->wide_cells) << 3 | RC_CELL_INT;
    case 8:
        if (user % 5 == 0)
            return RC_CELL_NULL;
        return below(state, 2) == 0 ? rc_cell_of_code(below(state, 40))
                                    : random_text(state, values, 70);
    case 9:
        return random_text(state, values, options->wide_cells);
    case 10:
        return rc_cell_of_code(user);
    case 11:
        return below(state, 5) < 3 ? rc_cell_of_code(below(state, 1000)) : RC_CELL_NULL;
    case 12:
        return rc_cell_of_code(user < 9);
    default:
        return RC_CELL_NULL;
    }
}

static struct rc_event_id
random_id(uint64_t *state, const struct rig_options *options, uint32_t row, char *text)
{
    const uint32_t kind = below(state, 4);
    if (kind == 1 && options->text_ids) {
        (void)snprintf(text, 32, "id-%x", below(state, 4 * (uint64_t)options->row_count));
        return (struct rc_event_id){.kind = RC_EVENT_ID_TEXT, .text = rc_bytes_of(text)};
    }
    if (kind == 2 && options->derived_ids)
        return (struct rc_event_id){.kind = RC_EVENT_ID_DERIVED, .number = below(state, 50)};
    return (struct rc_event_id){.kind = RC_EVENT_ID_INT, .number = rig_random(state) >> (row % 64)};
}

void
rig_rows_make(uint64_t *state, const struct rig_options *options, struct rig_rows *ret_rows)
{
    const uint32_t count = options->row_count;
    *ret_rows = (struct rig_rows){
        .users = get(count * sizeof(uint32_t)),
        .times_ms = get(count * sizeof(int64_t)),
        .ids = get(count * sizeof(struct rc_event_id)),
        .texts = get(count * (size_t)32),
    };
    if (rc_dictionary_new(NULL, &ret_rows->values) != RC_OK)
        abort();
    for (uint32_t i = 0; i < RIG_COLUMNS; i++) {
        ret_rows->cells[i] = i == 6 ? NULL : get(count * sizeof(rc_cell));
        ret_rows->column_texts[i] = i < 8 ? NULL : ret_rows->values;
    }
    for (uint32_t row = 0; row < count; row++) {
        ret_rows->users[row] = below(state, options->user_count) * 3;
        ret_rows->times_ms[row] = options->time_from_ms + below(state, options->time_count);
        ret_rows->ids[row] = random_id(state, options, row, ret_rows->texts + (size_t)row * 32);
        for (uint32_t i = 0; i < RIG_COLUMNS; i++)
            if (ret_rows->cells[i] != NULL)
                ret_rows->cells[i][row] =
                    random_cell(state, i, ret_rows->users[row], options, ret_rows->values);
    }
    ret_rows->source = (struct rc_row_source){
        .row_count = count,
        .users = ret_rows->users,
        .times_ms = ret_rows->times_ms,
        .ids = ret_rows->ids,
        .column_count = RIG_COLUMNS,
        .column_properties = properties,
        .column_cells = (const rc_cell *const *)ret_rows->cells,
        .column_texts = ret_rows->column_texts,
    };
}

struct rc_row_source
rig_rows_part(const struct rig_rows *rows, uint32_t from, uint32_t to, const rc_cell **cells)
{
    struct rc_row_source part = rows->source;
    part.row_count = to - from;
    part.users += from;
    part.times_ms += from;
    part.ids += from;
    for (uint32_t i = 0; i < RIG_COLUMNS; i++)
        cells[i] = rows->cells[i] == NULL ? NULL : rows->cells[i] + from;
    part.column_cells = cells;
    return part;
}

void
rig_rows_free(struct rig_rows *rows)
{
    rc_dictionary_free(rows->values);
    free(rows->users);
    free(rows->times_ms);
    free(rows->ids);
    free(rows->texts);
    for (uint32_t i = 0; i < RIG_COLUMNS; i++)
        free(rows->cells[i]);
}

uint64_t *
rig_dead_make(uint64_t *state, uint32_t row_count, uint32_t odds)
{
    uint64_t *dead = get((row_count / 64 + 1) * sizeof(uint64_t));
    for (uint32_t row = 0; row < row_count; row++)
        if (below(state, odds) == 0)
            dead[row / 64] |= (uint64_t)1 << (row % 64);
    return dead;
}

struct rc_slab *
rig_build_in(const struct rc_slab_source *sources, uint32_t source_count, struct rc_window window)
{
    struct rc_slab *slab = NULL;
    struct rc_error error = {0};
    const enum rc_status status =
        rc_slab_build(sources, source_count, window, NULL, NULL, NULL, &slab, &error);
    if (status != RC_OK)
        print_error("%s\n", error.message);
    assert_int_equal(status, RC_OK);
    return slab;
}

struct rc_slab *
rig_build(const struct rc_slab_source *sources, uint32_t source_count, int64_t window_start_ms)
{
    return rig_build_in(sources, source_count, rc_window_longest(window_start_ms));
}

struct twin_row {
    uint32_t user;
    int64_t time_ms;
    char id[64];
    enum rc_event_id_kind id_kind;
    size_t arrival;
    rc_cell cells[RIG_COLUMNS]; /* A text: a hash of its key in the place of its code. */
};

static rc_cell
twin_text(struct rc_bytes key)
{
    return rc_hash(key.data, key.size) << 3 | RC_CELL_TEXT;
}

static rc_cell
twin_of_code(const struct rc_column_view *view, uint32_t code)
{
    if (code == RC_CODE_NONE)
        return RC_CELL_NULL;
    if (code < view->dictionary_count)
        return view->dictionary[code];
    RC_CLEANUP(rc_text_cursor_close) struct rc_text_cursor cursor;
    rc_text_cursor_open(&cursor, &view->texts, NULL);
    assert_int_equal(rc_text_cursor_seek(&cursor, code - view->dictionary_count), RC_OK);
    return twin_text(cursor.key);
}

static void
twin_id(struct twin_row *row, const struct rc_event_id *id)
{
    row->id_kind = id->kind;
    if (id->kind == RC_EVENT_ID_TEXT)
        (void)snprintf(row->id, sizeof(row->id), "%.*s", (int)id->text.size, id->text.data);
    else
        (void)snprintf(row->id, sizeof(row->id), id->kind == RC_EVENT_ID_INT ? "%llu" : "~%016llx",
                       (unsigned long long)id->number);
}

static int
compare_twins(const void *a, const void *b)
{
    const struct twin_row *x = a;
    const struct twin_row *y = b;
    if (x->user != y->user)
        return x->user < y->user ? -1 : 1;
    if (x->time_ms != y->time_ms)
        return x->time_ms < y->time_ms ? -1 : 1;
    const int order = strcmp(x->id, y->id);
    return order != 0 ? order : (x->arrival > y->arrival) - (x->arrival < y->arrival);
}

static void
twin_of_rows(const struct rc_row_source *rows, uint32_t row, struct twin_row *twin)
{
    twin->user = rows->users[row];
    twin->time_ms = rows->times_ms[row];
    twin_id(twin, &rows->ids[row]);
    for (uint32_t i = 0; i < RIG_COLUMNS; i++) {
        const rc_cell cell = rows->column_cells[i] == NULL ? 0 : rows->column_cells[i][row];
        const bool is_text = rc_cell_kind_of(cell) == RC_CELL_TEXT;
        twin->cells[i] =
            is_text ? twin_text(rc_dictionary_key(rows->column_texts[i], rc_cell_code(cell)))
                    : cell;
    }
}

static void
twin_of_slab(const struct rc_slab *slab, uint32_t row, struct twin_row *twin)
{
    const struct rc_event_id id = rc_slab_event_id(slab, row);
    twin->user = rc_slab_users(slab)[rc_slab_user_index_of_row(slab, row)];
    twin->time_ms = rc_slab_time_ms(slab, row);
    twin_id(twin, &id);
    for (uint32_t i = 0; i < RIG_COLUMNS; i++) {
        struct rc_column_view view;
        twin->cells[i] = rc_slab_column(slab, properties[i], &view)
                             ? twin_of_code(&view, rc_column_code(&view, row))
                             : 0;
    }
}

static size_t
twins_of_sources(const struct rc_slab_source *sources,
                 uint32_t source_count,
                 struct rc_window window,
                 struct twin_row **ret_twins)
{
    size_t most = 0;
    for (uint32_t i = 0; i < source_count; i++)
        most += sources[i].slab != NULL ? rc_slab_get_info(sources[i].slab)->row_count
                                        : sources[i].rows->row_count;
    struct twin_row *twins = get(most * sizeof(*twins));
    size_t count = 0;
    for (uint32_t i = 0; i < source_count; i++) {
        const struct rc_slab_source *source = &sources[i];
        const uint32_t rows = source->slab != NULL ? rc_slab_get_info(source->slab)->row_count
                                                   : source->rows->row_count;
        for (uint32_t row = 0; row < rows; row++) {
            if (source->dead != NULL && ((source->dead[row / 64] >> (row % 64)) & 1) != 0)
                continue;
            struct twin_row *twin = &twins[count];
            memset(twin, 0, sizeof(*twin));
            if (source->slab != NULL)
                twin_of_slab(source->slab, row, twin);
            else
                twin_of_rows(source->rows, row, twin);
            twin->arrival = count;
            if (rc_window_has(window, twin->time_ms))
                count++;
        }
    }
    qsort(twins, count, sizeof(*twins), compare_twins);
    *ret_twins = twins;
    return count;
}

static void
expect_row(const struct rc_slab *slab, uint32_t row, const struct twin_row *twin)
{
    struct twin_row found = {0};
    twin_of_slab(slab, row, &found);
    assert_int_equal(found.user, twin->user);
    assert_int_equal(found.time_ms, twin->time_ms);
    assert_string_equal(found.id, twin->id);
    assert_int_equal(found.id_kind, twin->id_kind);
    assert_memory_equal(found.cells, twin->cells, sizeof(found.cells));
    const struct rc_event_id id = rc_slab_event_id(slab, row);
    uint32_t at = UINT32_MAX;
    if (id.kind == RC_EVENT_ID_DERIVED)
        return;
    assert_true(rc_slab_may_hold(slab, rc_event_id_hash(twin->user, &id)));
    assert_true(rc_slab_find_event(slab, twin->user, &id, &at));
    assert_true(at <= row);
}

void
rig_expect_in(const struct rc_slab_source *sources,
              uint32_t source_count,
              struct rc_window window,
              const struct rc_slab *slab)
{
    struct twin_row *twins = NULL;
    const size_t count = twins_of_sources(sources, source_count, window, &twins);
    struct rc_error error = {0};
    if (slab == NULL) {
        assert_int_equal(count, 0);
    } else {
        assert_int_equal(rc_slab_get_info(slab)->row_count, count);
        if (rc_slab_check(slab, &error) != RC_OK)
            fail_msg("%s", error.message);
        for (size_t row = 0; row < count; row++)
            expect_row(slab, (uint32_t)row, &twins[row]);
    }
    free(twins);
}

void
rig_expect(const struct rc_slab_source *sources,
           uint32_t source_count,
           int64_t window_start_ms,
           const struct rc_slab *slab)
{
    rig_expect_in(sources, source_count, rc_window_longest(window_start_ms), slab);
}
