/*
 * The twin keeps a plain array of live events: an event that is sent again overwrites its slot.
 * It compares user by user, both sides sorted the same way.
 */
#include "tests/face/engine_rig.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/assert.h"

uint64_t
rig_random(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15u;
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint32_t
below(uint64_t *state, uint32_t limit)
{
    return (uint32_t)(rig_random(state) % limit);
}

void
rig_content_make(uint64_t seed, uint32_t rows_max, bool aliases, struct rig_content *ret_content)
{
    RC_ASSERT(rows_max <= RIG_ROWS_MAX);
    uint64_t state = seed;
    struct rig_content *content = ret_content;
    memset(content, 0, sizeof(*content));
    content->event_count = below(&state, rows_max + 1);
    for (uint32_t i = 0; i < content->event_count; i++) {
        struct rig_event *event = &content->events[i];
        event->user = below(&state, RIG_USERS);
        event->id = below(&state, 3) == 0 ? 0 : 1 + below(&state, 60);
        event->kind = below(&state, 4);
        event->time_ms = RIG_START_MS + (int64_t)below(&state, 3) * 20 * RIG_DAY_MS +
                         (int64_t)below(&state, 50) * 1000;
        event->amount = (int64_t)(seed % 100000 * 1000 + i);
    }
    content->write_count = below(&state, 3);
    for (uint32_t i = 0; i < content->write_count; i++)
        content->writes[i] = (struct rig_write){
            .user = below(&state, RIG_USERS),
            .plan = below(&state, 4),
            .time_ms = RIG_START_MS + (int64_t)below(&state, 20) * 1000,
        };
    content->alias_count = aliases && below(&state, 12) == 0 ? 1 : 0;
    for (uint32_t i = 0; i < content->alias_count; i++) {
        content->aliases[i][0] = below(&state, RIG_USERS);
        content->aliases[i][1] = below(&state, RIG_USERS);
    }
}

/* ---- batches ---- */

static struct rc_bytes
text_of(struct rc_arena *arena, const char *format, uint32_t number)
{
    char text[32];
    const int size = snprintf(text, sizeof(text), format, number);
    const char *copy = rc_arena_string(arena, text, (size_t)size);
    assert_non_null(copy);
    return (struct rc_bytes){copy, (size_t)size};
}

static struct rc_bytes
user_text(struct rc_arena *arena, uint32_t user)
{
    return text_of(arena, "user-%u", user);
}

/* Even ids are whole numbers, odd ones are not. */
static struct rc_bytes
id_text(struct rc_arena *arena, uint32_t id)
{
    return id == 0 ? (struct rc_bytes){0} : text_of(arena, id % 2 == 0 ? "%u" : "event-%u", id);
}

/* A table of count rows without columns; returns its codes and times to be filled. */
static void
table_open(struct rc_arena *arena,
           uint32_t count,
           struct rc_batch_table *table,
           uint32_t **ret_users,
           int64_t **ret_times)
{
    struct rc_bytes *users = RC_ARENA_ARRAY(arena, struct rc_bytes, RIG_USERS);
    *ret_users = RC_ARENA_ARRAY(arena, uint32_t, count);
    *ret_times = RC_ARENA_ARRAY(arena, int64_t, count);
    assert_true(users != NULL && *ret_users != NULL && *ret_times != NULL);
    for (uint32_t i = 0; i < RIG_USERS; i++)
        users[i] = user_text(arena, i);
    table->row_count = count;
    table->user_count = RIG_USERS;
    table->users = users;
    table->user_codes = (const unsigned char *)*ret_users;
    table->times_ms = (const unsigned char *)*ret_times;
}

/* A dense column of 32-bit codes: value i is that of code i + 1. */
static struct rc_batch_column
column_of(struct rc_arena *arena,
          const char *name,
          uint32_t rows,
          uint32_t values,
          struct rc_value **ret_values,
          uint32_t **ret_codes)
{
    *ret_values = RC_ARENA_ARRAY(arena, struct rc_value, values);
    *ret_codes = RC_ARENA_ARRAY(arena, uint32_t, rows);
    assert_true(*ret_values != NULL && *ret_codes != NULL);
    return (struct rc_batch_column){
        .name = rc_bytes_of(name),
        .value_count = values,
        .values = *ret_values,
        .code_width = 4,
        .codes = (const unsigned char *)*ret_codes,
    };
}

static void
make_events(struct rc_arena *arena, const struct rig_content *content, struct rc_batch *batch)
{
    const uint32_t count = content->event_count;
    uint32_t *users;
    int64_t *times;
    uint32_t *kind_codes;
    uint32_t *amount_codes;
    struct rc_value *kinds;
    struct rc_value *amounts;
    table_open(arena, count, &batch->events, &users, &times);
    struct rc_batch_column *columns = RC_ARENA_ARRAY(arena, struct rc_batch_column, 2);
    struct rc_bytes *ids = RC_ARENA_ARRAY(arena, struct rc_bytes, count);
    assert_true(columns != NULL && ids != NULL);
    columns[0] = column_of(arena, "kind", count, 4, &kinds, &kind_codes);
    columns[1] = column_of(arena, "amount", count, count, &amounts, &amount_codes);
    for (uint32_t i = 0; i < 4; i++)
        kinds[i] = rc_value_string(text_of(arena, "kind-%u", i));
    for (uint32_t i = 0; i < count; i++) {
        const struct rig_event *event = &content->events[i];
        users[i] = event->user;
        times[i] = event->time_ms;
        ids[i] = id_text(arena, event->id);
        kind_codes[i] = event->kind + 1;
        amounts[i] = rc_value_int(event->amount);
        amount_codes[i] = i + 1;
    }
    batch->text_ids = ids;
    batch->events.column_count = 2;
    batch->events.columns = columns;
}

static void
make_writes(struct rc_arena *arena, const struct rig_content *content, struct rc_batch *batch)
{
    const uint32_t count = content->write_count;
    uint32_t *users;
    int64_t *times;
    uint32_t *codes;
    struct rc_value *plans;
    table_open(arena, count, &batch->writes, &users, &times);
    struct rc_batch_column *column = RC_ARENA_ARRAY(arena, struct rc_batch_column, 1);
    assert_non_null(column);
    *column = column_of(arena, "plan", count, 4, &plans, &codes);
    plans[0] = rc_value_null();
    for (uint32_t i = 1; i < 4; i++)
        plans[i] = rc_value_string(text_of(arena, "plan-%u", i));
    for (uint32_t i = 0; i < count; i++) {
        users[i] = content->writes[i].user;
        times[i] = content->writes[i].time_ms;
        codes[i] = content->writes[i].plan + 1;
    }
    batch->writes.column_count = 1;
    batch->writes.columns = column;
}

const struct rc_batch *
rig_batch(struct rc_arena *arena, const struct rig_content *content)
{
    struct rc_batch *batch = RC_ARENA_ARRAY(arena, struct rc_batch, 1);
    struct rc_bytes *left = RC_ARENA_ARRAY(arena, struct rc_bytes, content->alias_count);
    struct rc_bytes *right = RC_ARENA_ARRAY(arena, struct rc_bytes, content->alias_count);
    assert_true(batch != NULL && left != NULL && right != NULL);
    make_events(arena, content, batch);
    make_writes(arena, content, batch);
    for (uint32_t i = 0; i < content->alias_count; i++) {
        left[i] = user_text(arena, content->aliases[i][0]);
        right[i] = user_text(arena, content->aliases[i][1]);
    }
    batch->alias_count = content->alias_count;
    batch->alias_left = left;
    batch->alias_right = right;
    return batch;
}

/* ---- the twin ---- */

void
rig_twin_open(struct rig_twin *twin)
{
    *twin = (struct rig_twin){0};
    for (uint32_t i = 0; i < RIG_USERS; i++) {
        twin->person[i] = i;
        twin->plan_times_ms[i] = INT64_MIN;
    }
}

void
rig_twin_close(struct rig_twin *twin)
{
    free(twin->events);
    twin->events = NULL;
}

static bool
twin_replace(struct rig_twin *twin, const struct rig_event *event)
{
    for (size_t i = 0; event->id != 0 && i < twin->event_count; i++) {
        if (twin->events[i].user != event->user || twin->events[i].id != event->id)
            continue;
        twin->events[i] = *event;
        return true;
    }
    return false;
}

uint64_t
rig_twin_apply(struct rig_twin *twin, const struct rig_content *content)
{
    uint64_t replaced = 0;
    for (uint32_t i = 0; i < content->event_count; i++) {
        if (twin_replace(twin, &content->events[i])) {
            replaced++;
            continue;
        }
        if (twin->event_count == twin->event_capacity) {
            twin->event_capacity = twin->event_capacity * 2 + 64;
            twin->events = realloc(twin->events, twin->event_capacity * sizeof(twin->events[0]));
            assert_non_null(twin->events);
        }
        twin->events[twin->event_count++] = content->events[i];
    }
    for (uint32_t i = 0; i < content->write_count; i++) {
        const struct rig_write *write = &content->writes[i];
        if (write->time_ms < twin->plan_times_ms[write->user])
            continue;
        twin->plan_times_ms[write->user] = write->time_ms;
        twin->plans[write->user] = write->plan;
    }
    for (uint32_t i = 0; i < content->alias_count; i++) {
        const uint32_t from = twin->person[content->aliases[i][0]];
        const uint32_t to = twin->person[content->aliases[i][1]];
        for (uint32_t user = 0; user < RIG_USERS; user++)
            if (twin->person[user] == from)
                twin->person[user] = to;
    }
    return replaced;
}

/* ---- comparing ---- */

static int
compare_events(const void *a, const void *b)
{
    const struct rig_event *x = a;
    const struct rig_event *y = b;
    if (x->amount != y->amount)
        return x->amount < y->amount ? -1 : 1;
    return (x->time_ms > y->time_ms) - (x->time_ms < y->time_ms);
}

static uint32_t
number_behind(struct rc_bytes text, const char *prefix)
{
    const size_t size = strlen(prefix);
    assert_true(text.size > size && memcmp(text.data, prefix, size) == 0);
    char digits[16] = {0};
    assert_true(text.size - size < sizeof(digits));
    memcpy(digits, text.data + size, text.size - size);
    return (uint32_t)strtoul(digits, NULL, 10);
}

static struct rig_event
event_of(const struct rc_event *event)
{
    struct rig_event result = {
        .time_ms = event->place.time_ms,
        .user = number_behind(event->place.user_id, "user-"),
    };
    const struct rc_bytes id = event->place.event_id;
    if (id.data[0] == 'e')
        result.id = number_behind(id, "event-");
    else if (id.data[0] != '~')
        result.id = number_behind(id, "");
    assert_int_equal(event->property_count, 2);
    for (uint32_t i = 0; i < event->property_count; i++) {
        const struct rc_event_property *property = &event->properties[i];
        if (rc_bytes_equal(property->name, RC_BYTES_LITERAL("kind")))
            result.kind = number_behind(property->value.string, "kind-");
        else
            result.amount = property->value.integer;
    }
    return result;
}

static const struct rc_predicate any = {.kind = RC_PREDICATE_TRUE};

static struct rc_scope
whole_scope(void)
{
    return (struct rc_scope){
        .start_ms = 0,
        .end_ms = RIG_START_MS * 2,
        .as_of_ms = RIG_START_MS * 2,
    };
}

static uint32_t
plan_of(const struct rc_events_reply *reply)
{
    for (uint32_t i = 0; i < reply->user_property_count; i++)
        if (reply->user_properties[i].value.kind == RC_VALUE_STRING)
            return number_behind(reply->user_properties[i].value.string, "plan-");
    return 0;
}

/* The plan of a person: the latest write of any joined user; with equal times any may stand. */
static bool
plan_is_possible(const struct rig_twin *twin, uint32_t user, uint32_t plan)
{
    int64_t latest = INT64_MIN;
    for (uint32_t i = 0; i < RIG_USERS; i++)
        if (twin->person[i] == twin->person[user] && twin->plan_times_ms[i] > latest)
            latest = twin->plan_times_ms[i];
    for (uint32_t i = 0; i < RIG_USERS; i++)
        if (twin->person[i] == twin->person[user] && twin->plan_times_ms[i] == latest &&
            twin->plans[i] == plan)
            return true;
    return false;
}

static void
expect_events(const struct rig_event *expected,
              uint32_t expected_count,
              const struct rc_events_reply *reply,
              uint32_t user)
{
    struct rig_event *got = calloc(reply->event_count + 1, sizeof(got[0]));
    assert_non_null(got);
    for (uint32_t i = 0; i < reply->event_count; i++)
        got[i] = event_of(&reply->events[i]);
    qsort(got, reply->event_count, sizeof(got[0]), compare_events);
    for (uint32_t i = 0; i < expected_count && i < reply->event_count; i++) {
        const bool same = got[i].user == expected[i].user && got[i].id == expected[i].id &&
                          got[i].kind == expected[i].kind &&
                          got[i].time_ms == expected[i].time_ms &&
                          got[i].amount == expected[i].amount;
        if (!same)
            fail_msg("user %u, event %u: got id %u amount %lld time %lld, expected id %u amount "
                     "%lld time %lld",
                     user, i, got[i].id, (long long)got[i].amount, (long long)got[i].time_ms,
                     expected[i].id, (long long)expected[i].amount, (long long)expected[i].time_ms);
    }
    if (reply->event_count != expected_count)
        fail_msg("user %u has %u events, expected %u", user, reply->event_count, expected_count);
    free(got);
}

static void
expect_user(const struct rig_twin *twin,
            const struct rc_query_context *context,
            uint32_t user,
            struct rig_event *scratch)
{
    uint32_t count = 0;
    for (size_t i = 0; i < twin->event_count; i++)
        if (twin->person[twin->events[i].user] == twin->person[user])
            scratch[count++] = twin->events[i];
    qsort(scratch, count, sizeof(scratch[0]), compare_events);
    const struct rc_events_request request = {
        .scope = whole_scope(),
        .user_id = user_text(context->arena, user),
        .selector = &any,
        .page_rows = RC_PAGE_ROWS_MAX,
    };
    struct rc_events_reply reply = {0};
    struct rc_error error = {0};
    const enum rc_status status = rc_query_events(context, &request, &reply, &error);
    if (status == RC_NOT_FOUND && count == 0)
        return;
    if (status != RC_OK)
        fail_msg("the events of user %u: %s", user, error.message);
    assert_false(reply.more);
    expect_events(scratch, count, &reply, user);
    if (!plan_is_possible(twin, user, plan_of(&reply)))
        fail_msg("user %u has plan %u", user, plan_of(&reply));
}

void
rig_twin_expect(const struct rig_twin *twin, struct rc_engine *engine, const char *project)
{
    RC_CLEANUP(rc_query_session_endp) struct rc_query_session *session = NULL;
    struct rc_error error = {0};
    if (rc_engine_begin_query(engine, rc_bytes_of(project), NULL, 0, &session, &error) != RC_OK)
        fail_msg("no query: %s", error.message);
    struct rig_event *scratch = calloc(twin->event_count + 1, sizeof(scratch[0]));
    assert_non_null(scratch);
    for (uint32_t user = 0; user < RIG_USERS; user++)
        expect_user(twin, rc_query_session_context(session), user, scratch);
    free(scratch);
    session = rc_query_session_end(session);
    double per_kind[4] = {0};
    bool active[RIG_USERS] = {false};
    double persons = 0;
    for (size_t i = 0; i < twin->event_count; i++) {
        const uint32_t person = twin->person[twin->events[i].user];
        per_kind[twin->events[i].kind]++;
        persons += !active[person];
        active[person] = true;
    }
    for (uint32_t kind = 0; kind < 4; kind++)
        assert_true(rig_measure(engine, project, RC_MEASURE_COUNT, kind) == per_kind[kind]);
    assert_true(rig_measure(engine, project, RC_MEASURE_UNIQUE, UINT32_MAX) == persons);
    struct rc_project_stats stats;
    assert_int_equal(rc_engine_project_stats(engine, rc_bytes_of(project), &stats, NULL), RC_OK);
    assert_int_equal(stats.events, twin->event_count);
}

/* ---- calls ---- */

void
rig_create(struct rc_engine *engine, const char *project)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    const struct rc_project_settings settings = {.id = rc_bytes_of(project)};
    struct rc_project_settings made;
    struct rc_error error = {0};
    if (rc_engine_put_project(engine, &settings, 0, arena, &made, &error) != RC_OK)
        fail_msg("project %s: %s", project, error.message);
}

struct waiting {
    pthread_mutex_t mutex;
    pthread_cond_t done;
    bool is_done;
    struct rc_ingest_result result;
};

static void
on_done(void *context, const struct rc_ingest_result *result)
{
    struct waiting *waiting = context;
    pthread_mutex_lock(&waiting->mutex);
    waiting->is_done = true;
    waiting->result = *result;
    pthread_cond_signal(&waiting->done);
    pthread_mutex_unlock(&waiting->mutex);
}

enum rc_status
rig_ingest(struct rc_engine *engine,
           const char *project,
           const char *stream,
           uint64_t batch_id,
           const struct rig_content *content,
           struct rc_ingest_result *ret_result)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    return rig_ingest_batch(engine, project, stream, batch_id, rig_batch(arena, content),
                            ret_result);
}

enum rc_status
rig_ingest_batch(struct rc_engine *engine,
                 const char *project,
                 const char *stream,
                 uint64_t batch_id,
                 const struct rc_batch *batch,
                 struct rc_ingest_result *ret_result)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct waiting waiting = {.mutex = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};
    struct rc_rejects rejects;
    if (arena == NULL)
        return RC_NO_MEMORY;
    const enum rc_status status =
        rc_engine_ingest(engine, rc_bytes_of(project), rc_bytes_of(stream), batch_id, batch, arena,
                         on_done, &waiting, &rejects, NULL);
    if (status != RC_OK)
        return status;
    assert_int_equal(rejects.count, 0);
    pthread_mutex_lock(&waiting.mutex);
    while (!waiting.is_done)
        pthread_cond_wait(&waiting.done, &waiting.mutex);
    pthread_mutex_unlock(&waiting.mutex);
    if (ret_result != NULL)
        *ret_result = waiting.result;
    return waiting.result.status;
}

static enum rc_status
measure_selector(struct rc_engine *engine,
                 const char *project,
                 enum rc_measure measure,
                 const struct rc_predicate *selector,
                 double *ret_value)
{
    RC_CLEANUP(rc_query_session_endp) struct rc_query_session *session = NULL;
    RC_TRY(rc_engine_begin_query(engine, rc_bytes_of(project), NULL, 0, &session, NULL));
    const struct rc_series series = {.selector = selector, .measure = measure};
    const struct rc_series_request request = {
        .scope = whole_scope(),
        .unit = RC_UNIT_YEAR,
        .series_count = 1,
        .series = &series,
    };
    struct rc_series_reply reply;
    RC_TRY(rc_query_series(rc_query_session_context(session), &request, &reply, NULL));
    assert_int_equal(reply.row_count, 1);
    *ret_value = reply.rows[0].total;
    return RC_OK;
}

enum rc_status
rig_try_measure(struct rc_engine *engine,
                const char *project,
                enum rc_measure measure,
                uint32_t kind,
                double *ret_value)
{
    char text[32];
    const int size = snprintf(text, sizeof(text), "kind-%u", kind);
    const struct rc_value value = rc_value_string((struct rc_bytes){text, (size_t)size});
    const struct rc_predicate leaf = {
        .kind = RC_PREDICATE_LEAF,
        .leaf = {.scope = RC_LEAF_EVENT,
                 .operator= RC_LEAF_IN,
                 .property = RC_BYTES_LITERAL("kind"),
                 .value_count = 1,
                 .values = &value},
    };
    return measure_selector(engine, project, measure, kind == UINT32_MAX ? &any : &leaf, ret_value);
}

double
rig_measure(struct rc_engine *engine, const char *project, enum rc_measure measure, uint32_t kind)
{
    double value = -1;
    assert_int_equal(rig_try_measure(engine, project, measure, kind, &value), RC_OK);
    return value;
}

enum rc_status
rig_define(struct rc_engine *engine,
           const char *project,
           const char *name,
           uint32_t kind,
           uint64_t version_expected,
           struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    const struct rc_value value = rc_value_string(text_of(arena, "kind-%u", kind));
    const struct rc_predicate leaf = {
        .kind = RC_PREDICATE_LEAF,
        .leaf = {.scope = RC_LEAF_EVENT,
                 .operator= RC_LEAF_IN,
                 .property = RC_BYTES_LITERAL("kind"),
                 .value_count = 1,
                 .values = &value},
    };
    rc_predicate_write(&writer, &leaf);
    const struct rc_catalog_entry entry = {
        .name = rc_bytes_of(name),
        .payload = {(const char *)writer.data, writer.size},
    };
    struct rc_catalog_entry made;
    return rc_engine_put_entry(engine, rc_bytes_of(project), RC_CATALOG_DEFINITIONS, &entry,
                               version_expected, arena, &made, reterr_error);
}

double
rig_measure_defined(struct rc_engine *engine, const char *project, const char *name)
{
    const struct rc_predicate selector = {
        .kind = RC_PREDICATE_DEFINITION,
        .definition = rc_bytes_of(name),
    };
    double value = -1;
    assert_int_equal(measure_selector(engine, project, RC_MEASURE_COUNT, &selector, &value), RC_OK);
    return value;
}
