/* Random contents and the batches that say them. */
#include "tests/face/engine_rig.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/assert.h"
#include "tests/face/engine_rig_texts.h"

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
                         (int64_t)(event->user % 5) * RIG_DAY_MS +
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

struct rc_bytes
rig_text(struct rc_arena *arena, const char *format, uint32_t number)
{
    char text[32];
    const int size = snprintf(text, sizeof(text), format, number);
    const char *copy = rc_arena_string(arena, text, (size_t)size);
    assert_non_null(copy);
    return (struct rc_bytes){copy, (size_t)size};
}

struct rc_bytes
rig_user_text(struct rc_arena *arena, uint32_t user)
{
    return rig_text(arena, "user-%u", user);
}

/* Even ids are whole numbers, odd ones are not. */
static struct rc_bytes
id_text(struct rc_arena *arena, uint32_t id)
{
    return id == 0 ? (struct rc_bytes){0} : rig_text(arena, id % 2 == 0 ? "%u" : "event-%u", id);
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
        users[i] = rig_user_text(arena, i);
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
    uint32_t *note_codes;
    struct rc_value *kinds;
    struct rc_value *amounts;
    struct rc_value *notes;
    table_open(arena, count, &batch->events, &users, &times);
    struct rc_batch_column *columns = RC_ARENA_ARRAY(arena, struct rc_batch_column, 3);
    struct rc_bytes *ids = RC_ARENA_ARRAY(arena, struct rc_bytes, count);
    assert_true(columns != NULL && ids != NULL);
    columns[0] = column_of(arena, "kind", count, 4, &kinds, &kind_codes);
    columns[1] = column_of(arena, "amount", count, count, &amounts, &amount_codes);
    columns[2] = column_of(arena, "note", count, count, &notes, &note_codes);
    for (uint32_t i = 0; i < 4; i++)
        kinds[i] = rc_value_string(rig_text(arena, "kind-%u", i));
    for (uint32_t i = 0; i < count; i++) {
        const struct rig_event *event = &content->events[i];
        users[i] = event->user;
        times[i] = event->time_ms;
        ids[i] = id_text(arena, event->id);
        kind_codes[i] = event->kind + 1;
        amounts[i] = rc_value_int(event->amount);
        amount_codes[i] = i + 1;
        notes[i] = rc_value_string(rig_text(arena, RIG_NOTE "%u", (uint32_t)event->amount));
        note_codes[i] = event->id == 0 ? 0 : i + 1;
    }
    batch->text_ids = ids;
    batch->events.column_count = 3;
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
        plans[i] = rc_value_string(rig_text(arena, "plan-%u", i));
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
        left[i] = rig_user_text(arena, content->aliases[i][0]);
        right[i] = rig_user_text(arena, content->aliases[i][1]);
    }
    batch->alias_count = content->alias_count;
    batch->alias_left = left;
    batch->alias_right = right;
    return batch;
}
