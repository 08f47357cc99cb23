/* Plan rig: made through the store, as a seal would; times and users are uniform, names are not. */
#include "bench/plan_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/store/builder/slab_builder.h"
#include "engine/store/value/value_key.h"

enum { NAME, PATH, CHAIN, BROWSER, PRICE, SEARCH, COLUMNS };

static const char *const columns[COLUMNS] = {"name", "path", "chain", "browser", "price", "search"};

uint64_t
plan_rig_random(uint64_t *state)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

void
plan_rig_must(enum rc_status status, const struct rc_error *error)
{
    if (status == RC_OK)
        return;
    fprintf(stderr, "%s: %s\n", rc_status_name(status), error == NULL ? "" : error->message);
    exit(1);
}

static void
must(enum rc_status status)
{
    plan_rig_must(status, NULL);
}

uint64_t
plan_rig_thread_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void *
get(size_t size)
{
    void *memory = calloc(1, size);
    if (memory == NULL)
        abort();
    return memory;
}

/* The text of a value; chains are as long as element chains are. */
static int
write_value(char *text, size_t size, uint32_t column, uint32_t number)
{
    if (column == CHAIN)
        return snprintf(
            text, size,
            "button.btn.btn-%u:text=\"Buy %u\"|div.row.r%u|div#main|section.page-%u|body",
            number % 7, number, number % 13, number % 29);
    return snprintf(text, size, "%c%u", columns[column][0], number);
}

/* Squares fall on small numbers more often. */
static uint32_t
skewed(uint64_t *state, uint32_t count)
{
    const uint64_t draw = plan_rig_random(state) % count;
    return (uint32_t)(draw * (plan_rig_random(state) % count) / count);
}

static uint32_t
name_of(uint64_t *state, uint32_t slab)
{
    const uint32_t name = plan_rig_random(state) % 3 == 0 ? 0 : skewed(state, PLAN_RIG_NAMES);
    /* The rarer half is in every second slab only. */
    return name >= PLAN_RIG_NAMES / 2 && (name + slab) % 2 == 0 ? 1 : name;
}

struct making {
    struct plan_rig *rig;
    rc_cell *cells[COLUMNS];
    uint32_t counts[COLUMNS];
};

static void
intern_values(struct making *making)
{
    static const uint32_t counts[COLUMNS] = {
        PLAN_RIG_NAMES, PLAN_RIG_PATHS, PLAN_RIG_CHAINS, PLAN_RIG_BROWSERS, 0, 0};
    struct rc_properties *properties = rc_project_event_properties(making->rig->project);
    char text[128];
    uint32_t code;
    for (uint32_t c = 0; c < COLUMNS; c++) {
        must(rc_properties_intern(properties, rc_bytes_of(columns[c]), &code));
        making->counts[c] = counts[c];
        making->cells[c] = get((counts[c] + 1) * sizeof(rc_cell));
        for (uint32_t i = 0; i < counts[c]; i++) {
            const int size = write_value(text, sizeof(text), c, i);
            must(rc_cell_intern(rc_properties_dictionary(properties, c),
                                rc_value_string((struct rc_bytes){text, (size_t)size}),
                                &making->cells[c][i]));
        }
    }
}

/* The text of a search, as a head would hold it. */
static rc_cell
make_text(struct rc_dictionary *texts, uint64_t number)
{
    char text[64];
    uint32_t code;
    const int size = snprintf(text, sizeof(text), "/find?q=word%llu&from=%llu",
                              (unsigned long long)(number % 977), (unsigned long long)number);
    RC_CLEANUP(rc_value_key_close) struct rc_value_key key;
    must(rc_value_key_open(&key, rc_value_string((struct rc_bytes){text, (size_t)size})));
    must(rc_dictionary_intern(texts, key.bytes, &code));
    return rc_cell_of_text(code);
}

static struct rc_slab *
make_slab(const struct making *making, uint64_t *state, uint32_t window, uint32_t rows)
{
    uint32_t *users = get(rows * sizeof(*users));
    int64_t *times_ms = get(rows * sizeof(*times_ms));
    struct rc_event_id *ids = get(rows * sizeof(*ids));
    rc_cell *cells[COLUMNS];
    uint32_t properties[COLUMNS];
    struct rc_dictionary *texts = NULL;
    must(rc_dictionary_new(NULL, &texts));
    const int64_t window_ms = making->rig->start_ms + window * RC_WINDOW_MS;
    for (uint32_t c = 0; c < COLUMNS; c++) {
        cells[c] = get(rows * sizeof(rc_cell));
        properties[c] = c;
    }
    for (uint32_t i = 0; i < rows; i++) {
        users[i] = (uint32_t)(plan_rig_random(state) % making->rig->users);
        times_ms[i] = window_ms + (int64_t)(plan_rig_random(state) % (uint64_t)RC_WINDOW_MS);
        ids[i] =
            (struct rc_event_id){.kind = RC_EVENT_ID_INT, .number = plan_rig_random(state) >> 11};
        cells[NAME][i] = making->cells[NAME][name_of(state, window)];
        cells[PATH][i] = making->cells[PATH][skewed(state, PLAN_RIG_PATHS)];
        cells[CHAIN][i] = making->cells[CHAIN][skewed(state, PLAN_RIG_CHAINS)];
        cells[BROWSER][i] = making->cells[BROWSER][users[i] % PLAN_RIG_BROWSERS];
        if (plan_rig_random(state) % 12 == 0)
            cells[PRICE][i] = (rc_cell)(plan_rig_random(state) % 1000) << 3 | RC_CELL_INT;
        if (plan_rig_random(state) % 8 == 0)
            cells[SEARCH][i] = make_text(texts, plan_rig_random(state) % rows);
    }
    const struct rc_dictionary *const column_texts[COLUMNS] = {[SEARCH] = texts};
    const struct rc_row_source source = {.row_count = rows,
                                         .users = users,
                                         .times_ms = times_ms,
                                         .ids = ids,
                                         .column_count = COLUMNS,
                                         .column_properties = properties,
                                         .column_cells = (const rc_cell *const *)cells,
                                         .column_texts = column_texts};
    const struct rc_slab_source sources[1] = {{.rows = &source}};
    struct rc_slab *slab;
    must(rc_slab_build(sources, 1, rc_window_longest(window_ms), NULL,
                       rc_project_account(making->rig->project), NULL, &slab, NULL));
    for (uint32_t c = 0; c < COLUMNS; c++)
        free(cells[c]);
    rc_dictionary_free(texts);
    free(users);
    free(times_ms);
    free(ids);
    return slab;
}

static void
make_users(struct plan_rig *rig)
{
    char text[16];
    uint32_t code;
    for (uint32_t i = 0; i < rig->users; i++) {
        const int size = snprintf(text, sizeof(text), "u%u", i);
        must(rc_dictionary_intern(rc_people_ids(rc_project_people(rig->project)),
                                  (struct rc_bytes){text, (size_t)size}, &code));
    }
}

struct plan_rig *
plan_rig_new(uint64_t seed, uint32_t slabs, uint32_t rows, uint32_t users)
{
    struct plan_rig *rig = get(sizeof(*rig));
    struct making making = {.rig = rig};
    const struct rc_project_settings settings = {.id = RC_BYTES_LITERAL("plans"), .version = 1};
    rig->slabs = slabs;
    rig->users = users;
    rig->start_ms = (int64_t)1709251200000 / RC_WINDOW_MS * RC_WINDOW_MS;
    rig->end_ms = rig->start_ms + slabs * RC_WINDOW_MS;
    must(rc_project_new(&settings, &rc_account_process, RC_HEAD_ROWS_MAX, &rig->project));
    rc_project_lock_writer(rig->project);
    make_users(rig);
    intern_values(&making);
    struct rc_version *draft;
    must(rc_version_draft(rc_project_version(rig->project), &draft));
    for (uint32_t i = 0; i < slabs; i++) {
        struct rc_slab *slab = make_slab(&making, &seed, i, rows);
        must(rc_version_add_slab(draft, slab, rc_project_next_slab_id(rig->project), NULL));
        rc_slab_unref(slab);
    }
    rc_project_publish(rig->project, draft, 1);
    rc_project_unlock_writer(rig->project);
    for (uint32_t c = 0; c < COLUMNS; c++)
        free(making.cells[c]);
    must(rc_project_view(rig->project, rc_project_account(rig->project), &rig->view));
    must(rc_match_cache_new(rc_project_account(rig->project), &rig->cache));
    must(rc_workers_new(2, RC_URGENCY_PLAIN, &rig->workers, NULL));
    rig->arena = rc_arena_new(NULL, 0);
    rig->lasting = rc_arena_new(NULL, 0);
    return rig;
}

struct plan_rig *
plan_rig_free(struct plan_rig *rig)
{
    rc_arena_free(rig->arena);
    rc_arena_free(rig->lasting);
    rc_workers_free(rig->workers);
    rc_match_cache_free(rig->cache);
    rc_view_release(rig->view);
    rc_project_unref(rig->project);
    free(rig);
    return NULL;
}

struct rc_query_context
plan_rig_context(struct plan_rig *rig, uint32_t threads)
{
    return (struct rc_query_context){.view = rig->view,
                                     .cache = rig->cache,
                                     .workers = rig->workers,
                                     .parallel_max = threads,
                                     .account = rc_project_account(rig->project),
                                     .arena = rig->arena};
}

/* ---- Predicates ------------------------------------------------------------------------------ */

static void *
last(struct plan_rig *rig, const void *bytes, size_t size)
{
    void *copy = rc_arena_copy(rig->lasting, bytes, size);
    if (copy == NULL)
        abort();
    return copy;
}

const struct rc_predicate *
plan_rig_leaf(struct plan_rig *rig,
              const char *property,
              enum rc_leaf_operator
              operator,
              uint32_t value_count,
              const struct rc_value *values)
{
    struct rc_value *copies = last(rig, values, value_count * sizeof(*values) + 1);
    for (uint32_t i = 0; i < value_count; i++)
        if (copies[i].kind == RC_VALUE_STRING)
            copies[i].string.data = last(rig, copies[i].string.data, copies[i].string.size);
    const struct rc_predicate leaf = {
        .kind = RC_PREDICATE_LEAF,
        .leaf = {.scope = RC_LEAF_EVENT,
                 .operator= operator,
                 .property = rc_bytes_of(last(rig, property, strlen(property) + 1)),
                 .value_count = value_count,
                 .values = copies}};
    return last(rig, &leaf, sizeof(leaf));
}

const struct rc_predicate *
plan_rig_is(struct plan_rig *rig, const char *property, uint32_t number)
{
    char text[128];
    uint32_t column = 0;
    while (strcmp(columns[column], property) != 0)
        column++;
    const int size = write_value(text, sizeof(text), column, number);
    const struct rc_value value = rc_value_string((struct rc_bytes){text, (size_t)size});
    return plan_rig_leaf(rig, property, RC_LEAF_IN, 1, &value);
}

const struct rc_predicate *
plan_rig_list(struct plan_rig *rig,
              enum rc_predicate_kind kind,
              uint32_t count,
              const struct rc_predicate *const *children)
{
    const struct rc_predicate list = {.kind = kind,
                                      .child_count = count,
                                      .children =
                                          last(rig, children, count * sizeof(*children) + 1)};
    return last(rig, &list, sizeof(list));
}

static const struct rc_predicate *
random_leaf(struct plan_rig *rig, uint64_t *state)
{
    static const char *const patterns[] = {"btn-3", "page-1", "Buy 1[0-9]+", "row.*main", "r7"};
    struct rc_value values[2];
    switch (plan_rig_random(state) % 8) {
    case 0:
    case 1:
        return plan_rig_is(rig, "name", (uint32_t)(plan_rig_random(state) % (PLAN_RIG_NAMES + 2)));
    case 2:
        return plan_rig_is(rig, "path", (uint32_t)(plan_rig_random(state) % (PLAN_RIG_PATHS + 20)));
    case 3:
        return plan_rig_is(rig, "browser", (uint32_t)(plan_rig_random(state) % PLAN_RIG_BROWSERS));
    case 4:
        values[0] = rc_value_int((int64_t)(plan_rig_random(state) % 1000));
        return plan_rig_leaf(rig, "price", RC_LEAF_GREATER, 1, values);
    case 5:
        values[0] = rc_value_string(RC_BYTES_LITERAL("p1"));
        return plan_rig_leaf(rig, "path", RC_LEAF_STARTS_WITH, 1, values);
    case 6:
        values[0] = rc_value_string(rc_bytes_of(patterns[plan_rig_random(state) % 5]));
        return plan_rig_leaf(rig, "chain", RC_LEAF_REGEX, 1, values);
    default:
        values[0] = rc_value_string(rc_bytes_of(patterns[plan_rig_random(state) % 2]));
        return plan_rig_leaf(rig, "chain", RC_LEAF_CONTAINS, 1, values);
    }
}

const struct rc_predicate *
plan_rig_tree(struct plan_rig *rig, uint64_t *state, uint32_t height)
{
    const struct rc_predicate *children[3];
    const uint64_t draw = plan_rig_random(state) % 8;
    if (height <= 1 || draw < 2)
        return random_leaf(rig, state);
    if (draw == 7) {
        children[0] = plan_rig_tree(rig, state, height - 1);
        return plan_rig_list(rig, RC_PREDICATE_NOT, 1, children);
    }
    const uint32_t count = 2 + (uint32_t)(plan_rig_random(state) % 2);
    for (uint32_t i = 0; i < count; i++)
        children[i] = plan_rig_tree(rig, state, height - 1);
    return plan_rig_list(rig, draw < 6 ? RC_PREDICATE_ALL_OF : RC_PREDICATE_ANY_OF, count,
                         children);
}
