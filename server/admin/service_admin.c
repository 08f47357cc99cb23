/* Administration: snapshots and figures. */
#include <recount/v1/admin.pb-c.h>
#include <stdio.h>
#include <unistd.h>

#include "server/call/service.h"
#include "server/decode/decode.h"
#include "server/encode/encode.h"

/* Projects that are listed at a time. */
#define PAGE 100u

static enum rc_status
create_snapshot(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__CreateSnapshotRequest *in = message;
    Recount__V1__CreateSnapshotResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    struct rc_snapshot_result result;
    RC_REFUSE(&decode, in->parent[0] != '\0', "parent");
    RC_TRY(rc_asked_snapshots_make(request->server->asked_snapshots, request->server->engine,
                                   rc_bytes_of(in->request_id), &result, request->error));
    out->durable_position = result.sequence;
    out->written_slabs = result.slabs_written;
    out->written_bytes = result.bytes_written;
    out->elapsed_micros = result.elapsed_ns / 1000;
    return RC_OK;
}

/* Pages of the process in RAM, in bytes; 0 where the system does not say. */
static uint64_t
resident_bytes(void)
{
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%*u %llu", &pages) != 1)
        pages = 0;
    (void)fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static enum rc_status
encode_server(struct rc_request *request, Recount__V1__ServerStatistics **ret_server)
{
    struct rc_engine_stats stats;
    Recount__V1__ServerStatistics *out;
    RC_NEW(request->arena, out, recount__v1__server_statistics__descriptor);
    rc_engine_get_stats(request->server->engine, &stats);
    out->version = (char *)(uintptr_t)RC_VERSION;
    out->start_time_ms = request->server->started_ms;
    out->start_micros = stats.start_ns / 1000;
    out->replayed_records = stats.replayed_records;
    out->torn_bytes = stats.wal_torn_bytes;
    out->resident_bytes = resident_bytes();
    out->memory_bytes = stats.memory_bytes;
    out->memory_bytes_max = stats.memory_bytes_max;
    out->log_bytes = stats.wal_live_bytes;
    out->durable_position = stats.wal_sequence;
    out->log_syncs = stats.wal_syncs;
    out->log_refused_records = stats.wal_refused;
    out->snapshot_count = stats.snapshot_count;
    out->snapshot_time_ms = stats.snapshot_last_ms;
    out->snapshot_failures = stats.snapshot_failures;
    RC_NEW_TEXT(request->arena, out->snapshot_error, rc_bytes_of(stats.snapshot_error));
    RC_NEW_TEXT(request->arena, out->log_error, rc_bytes_of(stats.wal_error));
    out->purge_due_time_ms = stats.purge_due_ms;
    out->purge_failures = stats.purge_failures;
    RC_NEW_TEXT(request->arena, out->purge_error, rc_bytes_of(stats.purge_error));
    out->project_count = stats.projects;
    out->running_queries = atomic_load(&request->server->queries);
    out->cold_cache_bytes = stats.cold_cache_bytes;
    out->cold_read_bytes = stats.cold_read_bytes;
    out->cold_read_failures = stats.cold_read_failures;
    *ret_server = out;
    return RC_OK;
}

static enum rc_status
count_entries(struct rc_request *request,
              struct rc_bytes project,
              enum rc_catalog_kind kind,
              uint64_t *ret_count)
{
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *catalog = NULL;
    RC_TRY(rc_engine_catalog(request->server->engine, project, kind, &catalog, request->error));
    *ret_count = rc_catalog_count(catalog);
    return RC_OK;
}

static enum rc_status
encode_project(struct rc_request *request,
               struct rc_bytes project,
               Recount__V1__ProjectStatistics **ret_project)
{
    struct rc_project_stats stats;
    Recount__V1__ProjectStatistics *out;
    RC_NEW(request->arena, out, recount__v1__project_statistics__descriptor);
    RC_TRY(rc_engine_project_stats(request->server->engine, project, &stats, request->error));
    RC_TRY(rc_encode_format(request->arena, &out->project, "projects/%.*s", (int)project.size,
                            project.data));
    RC_TRY(count_entries(request, project, RC_CATALOG_DEFINITIONS, &out->definition_count));
    RC_TRY(count_entries(request, project, RC_CATALOG_SEGMENTS, &out->segment_count));
    out->event_count = stats.events;
    out->replaced_event_count = stats.dead_events;
    out->user_count = stats.users;
    out->event_property_count = stats.event_properties;
    out->user_property_count = stats.user_properties;
    out->slab_count = stats.slab_count;
    out->cold_slab_count = stats.cold_slab_count;
    out->stored_bytes = stats.stored_bytes;
    out->head_event_count = stats.head_rows;
    out->first_event_time_ms = stats.time_min_ms;
    out->last_event_time_ms = stats.time_max_ms;
    RC_NEW(request->arena, out->memory, recount__v1__memory_statistics__descriptor);
    out->memory->total_bytes = stats.memory_bytes;
    out->memory->slab_bytes = stats.slab_bytes;
    out->memory->head_bytes = stats.head_bytes;
    out->memory->dictionary_bytes = stats.dictionary_bytes;
    out->memory->user_bytes = stats.user_bytes;
    out->memory->bitmap_bytes = stats.bitmap_bytes;
    out->memory->test_bytes = stats.test_bytes;
    out->memory->derived_column_bytes = stats.derived_column_bytes;
    out->memory->cold_bytes = stats.cold_bytes;
    out->memory->query_bytes = stats.query_bytes;
    out->memory->other_bytes = stats.other_bytes;
    *ret_project = out;
    return rc_encode_format(request->arena, &out->data_version, "%llu",
                            (unsigned long long)stats.data_version);
}

/* All projects. One that is deleted meanwhile is left out. */
static enum rc_status
encode_all(struct rc_request *request, Recount__V1__GetStatisticsResponse *out)
{
    struct rc_engine_stats stats;
    rc_engine_get_stats(request->server->engine, &stats);
    struct rc_bytes after = {"", 0};
    bool more = true;
    const uint64_t room = stats.projects + PAGE; /* Some may be created meanwhile. */
    RC_NEW_ARRAY(request->arena, out->projects, Recount__V1__ProjectStatistics *, room);
    while (more) {
        struct rc_project_settings *list = NULL;
        uint32_t count = 0;
        RC_TRY(rc_engine_list_projects(request->server->engine, after, PAGE, request->arena, &list,
                                       &count, &more));
        for (uint32_t i = 0; i < count && out->n_projects < room; i++) {
            const enum rc_status status =
                encode_project(request, list[i].id, &out->projects[out->n_projects]);
            if (status != RC_OK && status != RC_NOT_FOUND)
                return status;
            out->n_projects += status == RC_OK;
        }
        more = more && count > 0;
        if (count > 0)
            after = list[count - 1].id;
    }
    return RC_OK;
}

static enum rc_status
get_statistics(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__GetStatisticsRequest *in = message;
    Recount__V1__GetStatisticsResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    struct rc_bytes project;
    RC_TRY(encode_server(request, &out->server));
    if (in->project[0] == '\0')
        return encode_all(request, out);
    RC_TRY(rc_decode_project(&decode, "project", in->project, &project));
    RC_TRY(rc_request_project(request, project, NULL));
    RC_NEW_ARRAY(request->arena, out->projects, Recount__V1__ProjectStatistics *, 1);
    RC_TRY(encode_project(request, project, &out->projects[0]));
    out->n_projects = 1;
    return RC_OK;
}

static enum rc_status
purge(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__PurgeRequest *in = message;
    Recount__V1__PurgeResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    struct rc_purge_result result;
    RC_REFUSE(&decode, in->parent[0] != '\0', "parent");
    RC_TRY(rc_engine_purge(request->server->engine, &result, request->error));
    out->purged_projects = result.projects;
    out->rewritten_slabs = result.slabs;
    out->elapsed_micros = result.elapsed_ns / 1000;
    return RC_OK;
}

static const struct rc_service_method methods[] = {
    {"/recount.v1.AdminService/CreateSnapshot", &recount__v1__create_snapshot_request__descriptor,
     &recount__v1__create_snapshot_response__descriptor, create_snapshot, RC_SERVICE_CONTROL},
    {"/recount.v1.AdminService/GetStatistics", &recount__v1__get_statistics_request__descriptor,
     &recount__v1__get_statistics_response__descriptor, get_statistics, RC_SERVICE_CONTROL},
    {"/recount.v1.AdminService/Purge", &recount__v1__purge_request__descriptor,
     &recount__v1__purge_response__descriptor, purge, RC_SERVICE_CONTROL},
};

const struct rc_service rc_service_admin = {methods, sizeof(methods) / sizeof(methods[0])};
