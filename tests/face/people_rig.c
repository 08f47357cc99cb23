#include "tests/face/people_rig.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/limits.h"
#include "engine/face/engine_state.h"
#include "tests/face/engine_rig.h"

static struct rc_batch_column *
mail_column(struct rc_arena *arena, const char *text, uint32_t rows)
{
    struct rc_batch_column *column = RC_ARENA_ARRAY(arena, struct rc_batch_column, 1);
    struct rc_value *value = RC_ARENA_ARRAY(arena, struct rc_value, 1);
    unsigned char *codes = rc_arena_alloc(arena, rows);
    assert_true(column != NULL && value != NULL && codes != NULL);
    memset(codes, 1, rows);
    *value = rc_value_string(rc_bytes_of(text));
    *column = (struct rc_batch_column){
        .name = RC_BYTES_LITERAL("mail"),
        .value_count = 1,
        .values = value,
        .code_width = 1,
        .codes = codes,
    };
    return column;
}

static void
make_table(struct rc_arena *arena,
           const struct people_batch *from,
           uint32_t rows,
           struct rc_batch_table *table)
{
    struct rc_bytes *users = RC_ARENA_ARRAY(arena, struct rc_bytes, 1);
    int64_t *times = RC_ARENA_ARRAY(arena, int64_t, rows);
    uint32_t *codes = RC_ARENA_ARRAY(arena, uint32_t, rows);
    assert_true(users != NULL && times != NULL && codes != NULL);
    const int64_t start_ms = from->start_ms == 0 ? RIG_START_MS : from->start_ms;
    const int64_t step_ms = from->step_ms == 0 ? 60000 : from->step_ms;
    users[0] = rc_bytes_of(from->user);
    for (uint32_t i = 0; i < rows; i++)
        times[i] = from->same_time ? start_ms : start_ms + i * step_ms;
    *table = (struct rc_batch_table){
        .row_count = rows,
        .user_count = 1,
        .users = users,
        .user_codes = (const unsigned char *)codes,
        .times_ms = (const unsigned char *)times,
        .column_count = from->text == NULL ? 0 : 1,
        .columns = from->text == NULL ? NULL : mail_column(arena, from->text, rows),
    };
}

static const struct rc_batch *
make_batch(struct rc_arena *arena, const struct people_batch *from)
{
    struct rc_batch *batch = RC_ARENA_ARRAY(arena, struct rc_batch, 1);
    uint64_t *ids = RC_ARENA_ARRAY(arena, uint64_t, from->event_count);
    struct rc_bytes *pair = RC_ARENA_ARRAY(arena, struct rc_bytes, 2);
    assert_true(batch != NULL && ids != NULL && pair != NULL);
    for (uint32_t i = 0; i < from->event_count; i++)
        ids[i] = from->first_id + i;
    make_table(arena, from, from->event_count, &batch->events);
    if (from->first_id != 0)
        batch->int_ids = (const unsigned char *)ids;
    if (from->text != NULL)
        make_table(arena, from, 1, &batch->writes);
    if (from->alias != NULL) {
        pair[0] = rc_bytes_of(from->user);
        pair[1] = rc_bytes_of(from->alias);
        batch->alias_count = 1;
        batch->alias_left = &pair[0];
        batch->alias_right = &pair[1];
    }
    return batch;
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
people_send_all(struct rc_engine *engine,
                const char *project,
                uint64_t batch_id,
                const struct people_batch *batch,
                struct rc_arena *arena,
                struct rc_rejects *ret_rejects,
                struct rc_ingest_result *ret_result)
{
    struct waiting waiting = {.mutex = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};
    RC_TRY(rc_engine_ingest(engine, rc_bytes_of(project),
                            rc_bytes_of(batch->stream == NULL ? "people" : batch->stream), batch_id,
                            make_batch(arena, batch), arena, on_done, &waiting, ret_rejects, NULL));
    pthread_mutex_lock(&waiting.mutex);
    while (!waiting.is_done)
        pthread_cond_wait(&waiting.done, &waiting.mutex);
    pthread_mutex_unlock(&waiting.mutex);
    *ret_result = waiting.result;
    return waiting.result.status;
}

enum rc_status
people_send(struct rc_engine *engine,
            const char *project,
            uint64_t batch_id,
            const struct people_batch *batch)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_rejects rejects;
    struct rc_ingest_result result;
    RC_TRY(people_send_all(engine, project, batch_id, batch, arena, &rejects, &result));
    assert_int_equal(rejects.count, 0);
    return RC_OK;
}

void
people_keep(struct rc_engine *engine, const char *project, uint32_t retention_days)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_project_settings settings;
    assert_int_equal(rc_engine_get_project(engine, rc_bytes_of(project), arena, &settings, NULL),
                     RC_OK);
    settings.retention_days = retention_days;
    assert_int_equal(
        rc_engine_put_project(engine, &settings, UINT64_MAX, NULL, arena, &settings, NULL), RC_OK);
}

uint32_t
people_events(struct rc_engine *engine, const char *project, const char *user)
{
    static const struct rc_predicate any = {.kind = RC_PREDICATE_TRUE};
    RC_CLEANUP(rc_query_session_endp) struct rc_query_session *session = NULL;
    const struct rc_events_request request = {
        .scope = {.start_ms = RC_TIME_MS_MIN, .end_ms = RC_TIME_MS_MAX, .as_of_ms = RC_TIME_MS_MAX},
        .user_id = rc_bytes_of(user),
        .selector = &any,
        .page_rows = RC_PAGE_ROWS_MAX,
    };
    struct rc_events_reply reply;
    assert_int_equal(rc_engine_begin_query(engine, rc_bytes_of(project), NULL, 0, &session, NULL),
                     RC_OK);
    const enum rc_status status =
        rc_query_events(rc_query_session_context(session), &request, &reply, NULL);
    if (status == RC_NOT_FOUND)
        return 0;
    assert_int_equal(status, RC_OK);
    return reply.event_count;
}

uint32_t
people_known(struct rc_engine *engine, const char *project)
{
    RC_CLEANUP(rc_query_session_endp) struct rc_query_session *session = NULL;
    assert_int_equal(rc_engine_begin_query(engine, rc_bytes_of(project), NULL, 0, &session, NULL),
                     RC_OK);
    struct rc_view *view = rc_query_session_context(session)->view;
    const size_t word_count = (size_t)rc_view_user_count(view) / 64 + 1;
    uint64_t *words = calloc(word_count, sizeof(words[0]));
    uint32_t known = 0;
    assert_int_equal(rc_view_known_persons(view, INT64_MAX, words), RC_OK);
    for (size_t i = 0; i < word_count; i++)
        known += (uint32_t)__builtin_popcountll(words[i]);
    free(words);
    return known;
}

struct search {
    struct rc_disk *disk;
    const char *path;
    const char *text;
    bool found;
};

static bool
file_holds(struct rc_disk *disk, const char *path, const char *text)
{
    RC_CLEANUP(rc_file_closep) struct rc_file *file = NULL;
    uint64_t size = 0;
    size_t got = 0;
    assert_int_equal(rc_file_open(disk, path, RC_FILE_READ, &file, NULL), RC_OK);
    assert_int_equal(rc_file_size(file, &size, NULL), RC_OK);
    char *data = malloc(size + 1);
    assert_int_equal(rc_file_read_at(file, data, size, 0, &got, NULL), RC_OK);
    const bool found = memmem(data, got, text, strlen(text)) != NULL;
    free(data);
    return found;
}

static enum rc_status
search_entry(void *context, const char *name)
{
    struct search *search = context;
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", search->path, name);
    struct search below = {.disk = search->disk, .path = path, .text = search->text};
    if (rc_disk_list(search->disk, path, search_entry, &below, NULL) != RC_OK)
        below.found = file_holds(search->disk, path, search->text);
    search->found = search->found || below.found || strstr(name, search->text) != NULL;
    if (below.found)
        print_message("%s holds \"%s\"\n", path, search->text);
    return RC_OK;
}

bool
people_grep(struct rc_disk *disk, const char *text)
{
    struct search search = {.disk = disk, .path = "/data", .text = text};
    assert_int_equal(rc_disk_list(disk, "/data", search_entry, &search, NULL), RC_OK);
    return search.found;
}

static bool
has_key(const struct rc_dictionary *dictionary, const char *text)
{
    for (uint32_t code = 0; code < rc_dictionary_count(dictionary); code++) {
        const struct rc_bytes key = rc_dictionary_key(dictionary, code);
        if (key.data != NULL && memmem(key.data, key.size, text, strlen(text)) != NULL)
            return true;
    }
    return false;
}

static bool
has_value(const struct rc_properties *properties, const char *text)
{
    for (uint32_t i = 0; i < rc_properties_count(properties); i++)
        if (has_key(rc_properties_dictionary(properties, i), text))
            return true;
    return false;
}

bool
people_remembered(struct rc_engine *engine, const char *project, const char *text)
{
    RC_CLEANUP(rc_tenant_unrefp)
    struct tenant *tenant = rc_tenant_find(engine, rc_bytes_of(project), NULL);
    assert_non_null(tenant);
    rc_project_lock_writer(tenant->project);
    const struct rc_people *people = rc_project_people(tenant->project);
    const bool found = has_key(rc_people_ids(people), text) ||
                       has_value(rc_people_properties(people), text) ||
                       has_value(rc_project_event_properties(tenant->project), text);
    rc_project_unlock_writer(tenant->project);
    return found;
}
