/*
 * Query rig. Events get random places: most in slabs (each window has up to four), the rest in the
 * head; some are dead and do not appear in the plain array.
 */
#include "query_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/store/builder/slab_builder.h"
#include "engine/store/value/value_key.h"

#define PROPERTIES 3u /* name, price, unused. */
#define PLACES 12u    /* Slabs-to-be; four more are the head. */

static const char *const plans[] = {"free", "pro", "team"};

struct placed {
    struct rig_event event;
    uint32_t place;
    bool dead;
    bool text; /* The price is a text of its slab or head. */
    rc_cell cells[PROPERTIES];
};

uint64_t
rig_random(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15ULL;
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

static void
ok(enum rc_status status)
{
    assert_int_equal(status, RC_OK);
}

static rc_cell
cell_of(const struct rc_properties *properties, uint32_t property, struct rc_value value)
{
    rc_cell cell;
    ok(rc_cell_intern(rc_properties_dictionary(properties, property), value, &cell));
    return cell;
}

static struct rc_value
price_of(uint32_t price)
{
    static const struct rc_bytes items[] = {{"x", 1}, {"y", 1}};
    switch (price) {
    case 1:
        return rc_value_int(1);
    case 2:
        return rc_value_string(RC_BYTES_LITERAL("1.0"));
    case 3:
        return rc_value_string(RC_BYTES_LITERAL("x"));
    case 4:
        return rc_value_bool(true);
    case 5:
        return (struct rc_value){.kind = RC_VALUE_LIST, .item_count = 2, .items = items};
    case 6:
        return (struct rc_value){.kind = RC_VALUE_DOUBLE, .real = 2.5};
    default:
        return rc_value_null();
    }
}

/* Makes some prices texts, as if the dictionary had been full: in half of the projects those of
 * every second slab of a window, and in half of these those of the head. */
static void
choose_texts(uint64_t *state, struct placed *placed, uint32_t count)
{
    const uint32_t mode = (uint32_t)(rig_random(state) % 4);
    for (uint32_t i = 0; i < count && mode >= 2; i++) {
        const uint32_t price = placed[i].event.price;
        const bool text = placed[i].place < PLACES ? placed[i].place % 2 == 0 : mode == 3;
        placed[i].text = text && (price == 2 || price == 3 || price == 5);
    }
}

static rc_cell
text_of(struct rc_dictionary *texts, uint32_t price)
{
    uint32_t code;
    RC_CLEANUP(rc_value_key_close) struct rc_value_key key;
    ok(rc_value_key_open(&key, price_of(price)));
    ok(rc_dictionary_intern(texts, key.bytes, &code));
    return rc_cell_of_text(code);
}

static rc_cell
head_text_of(struct rc_head *head, uint32_t property, uint32_t price)
{
    rc_cell cell;
    RC_CLEANUP(rc_value_key_close) struct rc_value_key key;
    ok(rc_value_key_open(&key, price_of(price)));
    ok(rc_head_intern_text(head, property, key.bytes, rc_dictionary_hash(key.bytes), &cell));
    return cell;
}

static void
make_people(struct rig *rig, uint64_t *state)
{
    char text[16];
    uint32_t code;
    struct rc_people *people = rc_project_people(rig->project);
    for (uint32_t user = 0; user < RIG_USERS; user++) {
        const int size = snprintf(text, sizeof(text), "u%u", (user * 37) % 100);
        ok(rc_dictionary_intern(rc_people_ids(people), (struct rc_bytes){text, (size_t)size},
                                &code));
        assert_int_equal(code, user);
        rig->person[user] = user;
    }
    ok(rc_properties_intern(rc_people_properties(people), RC_BYTES_LITERAL("plan"), &code));
    while (rig->write_count < RIG_USERS) {
        const uint32_t user = (uint32_t)(rig_random(state) % RIG_USERS);
        const uint32_t plan = (uint32_t)(rig_random(state) % 4);
        const int64_t time_ms = RIG_START_MS + (int64_t)(rig_random(state) % (uint64_t)RIG_SPAN_MS);
        rig->writes[rig->write_count].user = user;
        rig->writes[rig->write_count].plan = plan == 3 ? RIG_NO_PLAN : plan;
        rig->writes[rig->write_count++].time_ms = time_ms;
        const struct rc_value value =
            plan == 3 ? rc_value_null() : rc_value_string(rc_bytes_of(plans[plan]));
        const struct rc_user_write write = {.time_ms = time_ms,
                                            .cell =
                                                cell_of(rc_people_properties(people), code, value),
                                            .user = user,
                                            .property = code};
        ok(rc_people_add_write(people, &write));
    }
    const uint32_t aliases = rig_random(state) % 4 == 0 ? 0 : 12;
    for (uint32_t i = 0; i < aliases; i++) {
        const struct rc_alias alias = {.a = (uint32_t)(rig_random(state) % RIG_USERS),
                                       .b = (uint32_t)(rig_random(state) % RIG_USERS)};
        ok(rc_people_add_alias(people, alias));
        const uint32_t a = rig->person[alias.a];
        const uint32_t b = rig->person[alias.b];
        for (uint32_t user = 0; user < RIG_USERS; user++)
            if (rig->person[user] == a || rig->person[user] == b)
                rig->person[user] = a < b ? a : b;
    }
}

static void
make_events(struct rig *rig, uint64_t *state, struct placed *placed, uint32_t count)
{
    /* At rest a project has one slab a window and nothing in its head. */
    const uint32_t places = rig_random(state) % 3 == 0 ? 1 : PLACES + 4;
    struct rc_properties *properties = rc_project_event_properties(rig->project);
    static const char *const names[] = {"name", "price", "unused"};
    uint32_t property;
    for (uint32_t i = 0; i < PROPERTIES; i++) {
        ok(rc_properties_intern(properties, rc_bytes_of(names[i]), &property));
        assert_int_equal(property, i);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct rig_event *event = &placed[i].event;
        memset(&placed[i], 0, sizeof(placed[i]));
        event->user = (uint32_t)(rig_random(state) % RIG_USERS);
        event->person = rig->person[event->user];
        event->time_ms = RIG_START_MS + (int64_t)(rig_random(state) % 280) * RIG_SPAN_MS / 280;
        event->name = (uint32_t)(rig_random(state) % (RIG_NAMES + 1));
        event->price = (uint32_t)(rig_random(state) % 7);
        event->id = (struct rc_event_id){.kind = RC_EVENT_ID_INT, .number = i};
        if (rig_random(state) % 4 == 0) /* Not sent; some have equal content. */
            event->id = (struct rc_event_id){.kind = RC_EVENT_ID_DERIVED,
                                             .number = (event->price * 8 + event->name) << 8};
        if (i > 0 && rig_random(state) % 6 == 0) { /* The same once more: an event of its own. */
            *event = placed[i - 1].event;
            event->id = (struct rc_event_id){.kind = RC_EVENT_ID_DERIVED,
                                             .number = (event->price * 8 + event->name) << 8};
        }
        placed[i].place = (uint32_t)(rig_random(state) % places);
        placed[i].dead = rig_random(state) % 10 == 0;
        char name[2] = {(char)('a' + event->name), 0};
        placed[i].cells[0] = event->name == RIG_NAMES
                                 ? 0
                                 : cell_of(properties, 0, rc_value_string(rc_bytes_of(name)));
        placed[i].cells[1] = event->price == 0 ? 0 : cell_of(properties, 1, price_of(event->price));
    }
    choose_texts(state, placed, count);
}

/* Copies the rows of a place into plain arrays; returns how many. */
static uint32_t
rows_of(const struct placed *placed,
        uint32_t count,
        uint32_t place,
        struct rc_window window,
        struct rc_dictionary *texts,
        uint32_t *users,
        int64_t *times_ms,
        struct rc_event_id *ids,
        rc_cell cells[PROPERTIES][RIG_EVENTS_MAX])
{
    uint32_t rows = 0;
    for (uint32_t i = 0; i < count; i++) {
        const int64_t time_ms = placed[i].event.time_ms;
        if (placed[i].place % 4 != place || placed[i].place >= PLACES ||
            !rc_window_has(window, time_ms))
            continue;
        users[rows] = placed[i].event.user;
        times_ms[rows] = time_ms;
        ids[rows] = placed[i].event.id;
        for (uint32_t p = 0; p < PROPERTIES; p++)
            cells[p][rows] = placed[i].cells[p];
        if (placed[i].text)
            cells[1][rows] = text_of(texts, placed[i].event.price);
        rows++;
    }
    return rows;
}

/* Kills the rows of a slab that are those of dead events. */
static void
kill_slab_rows(struct rc_version *draft,
               uint32_t slab,
               const struct placed *placed,
               uint32_t count,
               uint32_t place)
{
    const struct rc_slab *rows = draft->slabs[slab].slab;
    const uint32_t row_count = rc_slab_get_info(rows)->row_count;
    for (uint32_t i = 0; i < count; i++) {
        const int64_t time_ms = placed[i].event.time_ms;
        if (!placed[i].dead || placed[i].place % 4 != place || placed[i].place >= PLACES ||
            !rc_window_has(rc_slab_window(rows), time_ms))
            continue;
        bool newly = false;
        for (uint32_t row = 0; row < row_count && !newly; row++) {
            const struct rc_event_id id = rc_slab_event_id(rows, row);
            if (rc_slab_time_ms(rows, row) == time_ms &&
                rc_slab_users(rows)[rc_slab_user_index_of_row(rows, row)] == placed[i].event.user &&
                id.kind == placed[i].event.id.kind && id.number == placed[i].event.id.number)
                ok(rc_version_kill_slab_row(draft, slab, row, &newly));
        }
        assert_true(newly);
    }
}

static void
add_slabs(struct rig *rig, struct rc_version *draft, const struct placed *placed, uint32_t count)
{
    static uint32_t users[RIG_EVENTS_MAX];
    static int64_t times_ms[RIG_EVENTS_MAX];
    static struct rc_event_id ids[RIG_EVENTS_MAX];
    static rc_cell cells[PROPERTIES][RIG_EVENTS_MAX];
    static const uint32_t column_properties[PROPERTIES] = {0, 1, 2};
    const rc_cell *column_cells[PROPERTIES] = {cells[0], cells[1], NULL};
    RC_CLEANUP(rc_dictionary_freep) struct rc_dictionary *texts = NULL;
    ok(rc_dictionary_new(NULL, &texts));
    const struct rc_dictionary *column_texts[PROPERTIES] = {NULL, texts, NULL};
    /* Windows of all lengths beside each other, or none but the longest. */
    static const uint32_t lengths[3][4] = {{28, 28, 28, 28}, {28, 7, 28, 7}, {28, 1, 7, 1}};
    for (uint32_t place = 0; place < 4; place++) {
        const uint32_t days = lengths[count % 3][place];
        for (struct rc_window window = rc_window_of(RIG_START_MS, days);
             window.start_ms < RIG_START_MS + RIG_SPAN_MS; window.start_ms += days * RC_DAY_MS) {
            struct rc_row_source source = {.users = users,
                                           .times_ms = times_ms,
                                           .ids = ids,
                                           .column_count = PROPERTIES,
                                           .column_properties = column_properties,
                                           .column_cells = column_cells,
                                           .column_texts = column_texts};
            source.row_count =
                rows_of(placed, count, place, window, texts, users, times_ms, ids, cells);
            if (source.row_count == 0)
                continue;
            struct rc_slab *slab;
            const struct rc_slab_source sources[1] = {{.rows = &source}};
            ok(rc_slab_build(sources, 1, window, NULL, rc_project_account(rig->project), NULL,
                             &slab, NULL));
            const uint64_t id = rc_project_next_slab_id(rig->project);
            ok(rc_version_add_slab(draft, slab, id, NULL));
            kill_slab_rows(draft, rc_version_find_slab(draft, id), placed, count, place);
            rc_slab_unref(slab);
        }
    }
}

static void
append_head(struct rig *rig, struct rc_version *draft, const struct placed *placed, uint32_t count)
{
    struct rc_head *head = rc_project_version(rig->project)->heads[0].head;
    for (uint32_t i = 0; i < count; i++) {
        struct rc_head_room room;
        struct rc_head_place replaced[1];
        uint32_t replaced_count;
        if (placed[i].place < PLACES)
            continue;
        ok(rc_head_make_room(head, 1, PROPERTIES, &room));
        room.users[0] = placed[i].event.user;
        room.times_ms[0] = placed[i].event.time_ms;
        room.ids[0] = placed[i].event.id;
        for (uint32_t p = 0; p < PROPERTIES; p++) {
            rc_cell *cells;
            ok(rc_head_room_cells(head, &room, p, &cells));
            cells[0] = placed[i].text && p == 1 ? head_text_of(head, p, placed[i].event.price)
                                                : placed[i].cells[p];
        }
        const uint64_t hash = rc_event_id_hash(room.users[0], &room.ids[0]);
        ok(rc_head_commit(head, &room, &hash, replaced, &replaced_count));
        bool newly;
        if (placed[i].dead)
            ok(rc_version_kill_head_row(draft, 0, room.chunk, room.first, &newly));
    }
}

static struct rig *sort_rig;

static int
compare_events(const void *left, const void *right)
{
    const struct rig_event *a = left;
    const struct rig_event *b = right;
    if (a->person != b->person)
        return a->person < b->person ? -1 : 1;
    if (a->time_ms != b->time_ms)
        return a->time_ms < b->time_ms ? -1 : 1;
    char text_a[24];
    char text_b[24];
    const int order =
        rc_bytes_compare(rc_event_id_text(&a->id, text_a), rc_event_id_text(&b->id, text_b));
    return order != 0 ? order
                      : rc_bytes_compare(rc_view_user_id(sort_rig->view, a->user),
                                         rc_view_user_id(sort_rig->view, b->user));
}

struct rig *
rig_new(uint64_t *state)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    static struct placed placed[RIG_EVENTS_MAX];
    assert_non_null(rig);
    const uint32_t count = (uint32_t)(rig_random(state) % RIG_EVENTS_MAX) + 1;
    const struct rc_project_settings settings = {.id = RC_BYTES_LITERAL("rig"), .version = 1};
    ok(rc_project_new(&settings, &rc_account_process, RC_HEAD_ROWS_MAX, &rig->project));
    rc_project_lock_writer(rig->project);
    make_people(rig, state);
    make_events(rig, state, placed, count);
    struct rc_version *draft;
    ok(rc_version_draft(rc_project_version(rig->project), &draft));
    add_slabs(rig, draft, placed, count);
    append_head(rig, draft, placed, count);
    rc_project_publish(rig->project, draft, 1);
    rc_project_unlock_writer(rig->project);
    ok(rc_project_view(rig->project, rc_project_account(rig->project), &rig->view));
    ok(rc_match_cache_new(rc_project_account(rig->project), &rig->cache));
    ok(rc_workers_new(2, 0, &rig->workers, NULL));
    rig->arena = rc_arena_new(NULL, 0);
    ok(rc_catalog_new(NULL, &rig->definitions));
    ok(rc_catalog_new(NULL, &rig->segments));
    for (uint32_t i = 0; i < count; i++)
        if (!placed[i].dead)
            rig->events[rig->event_count++] = placed[i].event;
    sort_rig = rig;
    qsort(rig->events, rig->event_count, sizeof(rig->events[0]), compare_events);
    return rig;
}

void
rig_free(struct rig *rig)
{
    rc_catalog_unref(rig->definitions);
    rc_catalog_unref(rig->segments);
    rc_workers_free(rig->workers);
    rc_arena_free(rig->arena);
    rc_match_cache_free(rig->cache);
    rc_view_release(rig->view);
    rc_project_unref(rig->project);
    free(rig);
}

struct rc_query_context
rig_context(struct rig *rig, uint32_t threads)
{
    return (struct rc_query_context){
        .view = rig->view,
        .cache = rig->cache,
        .definitions = rig->definitions,
        .segments = rig->segments,
        .workers = rig->workers,
        .parallel_max = threads,
        .account = rc_project_account(rig->project),
        .arena = rig->arena,
    };
}

uint32_t
rig_plan_of(const struct rig *rig, uint32_t person, int64_t as_of_ms)
{
    uint32_t plan = RIG_NO_PLAN;
    int64_t latest_ms = INT64_MIN;
    for (uint32_t i = 0; i < rig->write_count; i++) {
        if (rig->person[rig->writes[i].user] != person || rig->writes[i].time_ms > as_of_ms ||
            rig->writes[i].time_ms < latest_ms)
            continue;
        latest_ms = rig->writes[i].time_ms;
        plan = rig->writes[i].plan;
    }
    return plan;
}

bool
rig_knows(const struct rig *rig, uint32_t person, int64_t as_of_ms)
{
    bool known = false;
    for (uint32_t i = 0; i < rig->event_count; i++)
        known = known || (rig->events[i].person == person && rig->events[i].time_ms <= as_of_ms);
    for (uint32_t i = 0; i < rig->write_count; i++)
        known = known ||
                (rig->person[rig->writes[i].user] == person && rig->writes[i].time_ms <= as_of_ms);
    return known;
}

struct rig_selector
rig_random_selector(uint64_t *state)
{
    struct rig_selector selector = {.plan = RIG_NO_PLAN};
    const uint32_t names = (1u << RIG_NAMES) - 1;
    const uint64_t half = rig_random(state);
    selector.names = (uint32_t)(half & rig_random(state)) & names;
    if (rig_random(state) % 5 == 0)
        selector.plan = (uint32_t)(rig_random(state) % 3);
    return selector;
}

bool
rig_selects(const struct rig *rig,
            const struct rig_selector *selector,
            const struct rig_event *event,
            int64_t as_of_ms)
{
    if (selector->names != 0 &&
        (event->name == RIG_NAMES || (selector->names >> event->name & 1) == 0))
        return false;
    return selector->plan == RIG_NO_PLAN ||
           rig_plan_of(rig, event->person, as_of_ms) == selector->plan;
}

static struct rc_predicate *
node(struct rig *rig, enum rc_predicate_kind kind)
{
    struct rc_predicate *predicate = rc_arena_zero(rig->arena, sizeof(*predicate));
    assert_non_null(predicate);
    predicate->kind = kind;
    return predicate;
}

const struct rc_predicate *
rig_plan_predicate(struct rig *rig, uint32_t plan)
{
    struct rc_predicate *leaf = node(rig, RC_PREDICATE_LEAF);
    struct rc_value *value = rc_arena_zero(rig->arena, sizeof(*value));
    *value = rc_value_string(rc_bytes_of(plans[plan]));
    leaf->leaf = (struct rc_leaf){.scope = RC_LEAF_USER,
                                  .operator= RC_LEAF_IN,
                                  .property = RC_BYTES_LITERAL("plan"),
                                  .value_count = 1,
                                  .values = value};
    return leaf;
}

static const struct rc_predicate *
both_of(struct rig *rig, const struct rc_predicate *first, const struct rc_predicate *second)
{
    struct rc_predicate *both = node(rig, RC_PREDICATE_ALL_OF);
    const struct rc_predicate **children =
        RC_ARENA_ARRAY(rig->arena, const struct rc_predicate *, 2);
    assert_non_null(children);
    children[0] = first;
    children[1] = second;
    both->child_count = 2;
    both->children = children;
    return both;
}

const struct rc_predicate *
rig_rare_predicate(struct rig *rig)
{
    const struct rig_selector name = {.names = 1, .plan = RIG_NO_PLAN};
    struct rc_predicate *leaf = node(rig, RC_PREDICATE_LEAF);
    struct rc_value *value = rc_arena_zero(rig->arena, sizeof(*value));
    assert_non_null(value);
    *value = (struct rc_value){.kind = RC_VALUE_DOUBLE, .real = 2.5};
    leaf->leaf = (struct rc_leaf){.scope = RC_LEAF_EVENT,
                                  .operator= RC_LEAF_IN,
                                  .property = RC_BYTES_LITERAL("price"),
                                  .value_count = 1,
                                  .values = value};
    return both_of(rig, rig_predicate(rig, &name), leaf);
}

const struct rc_predicate *
rig_predicate(struct rig *rig, const struct rig_selector *selector)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    struct rc_predicate *leaf = node(rig, RC_PREDICATE_TRUE);
    if (selector->names != 0) {
        struct rc_value *values = RC_ARENA_ARRAY(rig->arena, struct rc_value, RIG_NAMES);
        leaf->kind = RC_PREDICATE_LEAF;
        leaf->leaf = (struct rc_leaf){.scope = RC_LEAF_EVENT,
                                      .operator= RC_LEAF_IN,
                                      .property = RC_BYTES_LITERAL("name"),
                                      .values = values};
        for (uint32_t i = 0; i < RIG_NAMES; i++)
            if ((selector->names >> i & 1) != 0)
                values[leaf->leaf.value_count++] = rc_value_string(rc_bytes_of(names[i]));
    }
    if (selector->plan == RIG_NO_PLAN)
        return leaf;
    return both_of(rig, leaf, rig_plan_predicate(rig, selector->plan));
}
