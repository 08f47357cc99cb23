/* Calls that wait for what they asked, over all of time. */
#include "tests/face/engine_rig.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/face/engine_rig_texts.h"

static const struct rc_predicate any = {.kind = RC_PREDICATE_TRUE};

struct rc_scope
rig_whole_scope(void)
{
    return (struct rc_scope){
        .start_ms = 0,
        .end_ms = RIG_START_MS * 2,
        .as_of_ms = RIG_START_MS * 2,
    };
}

void
rig_create(struct rc_engine *engine, const char *project)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    const struct rc_project_settings settings = {.id = rc_bytes_of(project)};
    struct rc_project_settings made;
    struct rc_error error = {0};
    if (rc_engine_put_project(engine, &settings, 0, NULL, arena, &made, &error) != RC_OK)
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
        .scope = rig_whole_scope(),
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

struct rc_bytes
rig_definition_payload(struct rc_arena *arena, uint32_t kind)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    const struct rc_value value = rc_value_string(rig_text(arena, "kind-%u", kind));
    const struct rc_predicate leaf = {
        .kind = RC_PREDICATE_LEAF,
        .leaf = {.scope = RC_LEAF_EVENT,
                 .operator= RC_LEAF_IN,
                 .property = RC_BYTES_LITERAL("kind"),
                 .value_count = 1,
                 .values = &value},
    };
    rc_predicate_write(&writer, &leaf);
    return (struct rc_bytes){rc_arena_copy(arena, writer.data, writer.size), writer.size};
}

enum rc_status
rig_define_asked(struct rc_engine *engine,
                 const char *project,
                 const char *name,
                 uint32_t kind,
                 uint64_t version_expected,
                 const struct rc_asked *asked,
                 struct rc_arena *arena,
                 struct rc_catalog_entry *ret_entry,
                 struct rc_error *reterr_error)
{
    struct rc_catalog_entry made;
    const struct rc_catalog_entry entry = {
        .name = rc_bytes_of(name),
        .payload = rig_definition_payload(arena, kind),
    };
    return rc_engine_put_entry(engine, rc_bytes_of(project), RC_CATALOG_DEFINITIONS, &entry,
                               version_expected, asked, arena,
                               ret_entry == NULL ? &made : ret_entry, reterr_error);
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
    return rig_define_asked(engine, project, name, kind, version_expected, NULL, arena, NULL,
                            reterr_error);
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
