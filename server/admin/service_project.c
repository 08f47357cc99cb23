/* Projects: create, get, list, update, delete. */
#include <recount/v1/project.pb-c.h>

#include "engine/base/limits.h"
#include "server/call/service.h"
#include "server/decode/decode.h"
#include "server/decode/token.h"
#include "server/encode/encode.h"

#define TYPE "recount.v1.Project"
#define DISPLAY_NAME_BYTES_MAX 256u

_Static_assert((int)RECOUNT__V1__WEEKDAY__WEEKDAY_MONDAY == 1 &&
                   (int)RECOUNT__V1__WEEKDAY__WEEKDAY_SUNDAY == 7,
               "the engine counts days of the week from 0");

static enum rc_status
encode_project(struct rc_arena *arena,
               const struct rc_project_settings *settings,
               Recount__V1__Project **ret_project)
{
    Recount__V1__Project *out;
    RC_NEW(arena, out, recount__v1__project__descriptor);
    RC_TRY(rc_encode_format(arena, &out->name, "projects/%.*s", (int)settings->id.size,
                            settings->id.data));
    RC_NEW_TEXT(arena, out->display_name,
                settings->display_name.size > 0 ? settings->display_name : settings->id);
    RC_NEW_TEXT(arena, out->time_zone,
                settings->zone.size > 0 ? settings->zone : RC_BYTES_LITERAL("UTC"));
    out->retention_days = settings->retention_days;
    out->future_limit_seconds = settings->future_ms_max / 1000;
    out->week_start = (Recount__V1__Weekday)(settings->week_start + 1);
    RC_NEW_TEXT(arena, out->shown_ids, settings->shown_ids);
    RC_NEW(arena, out->limits, recount__v1__project_limits__descriptor);
    out->limits->memory_bytes_max = settings->memory_bytes_max;
    out->create_time_ms = settings->created_ms;
    out->update_time_ms = settings->updated_ms;
    *ret_project = out;
    return rc_encode_format(arena, &out->etag, "%llu", (unsigned long long)settings->version);
}

/* What a project message may not hold yet, and what it may never. */
static enum rc_status
check_project(struct rc_decode *decode, const Recount__V1__Project *project)
{
    RC_REFUSE(decode, project->limits != NULL && project->limits->running_queries_max != 0,
              "limits.running_queries_max");
    if (strlen(project->display_name) > DISPLAY_NAME_BYTES_MAX)
        return rc_decode_fail(decode, RC_INVALID, "display_name",
                              "a display name has at most %u bytes", DISPLAY_NAME_BYTES_MAX);
    return RC_OK;
}

/* Seconds as ms; what is beyond the calendar is all the same. */
static uint64_t
future_ms_of(const Recount__V1__Project *project)
{
    const uint64_t seconds_max = (uint64_t)(RC_TIME_MS_MAX - RC_TIME_MS_MIN) / 1000;
    const uint64_t seconds = project->future_limit_seconds;
    return (seconds < seconds_max ? seconds : seconds_max) * 1000;
}

static uint32_t
week_start_of(const Recount__V1__Project *project)
{
    return project->week_start == RECOUNT__V1__WEEKDAY__WEEKDAY_UNSPECIFIED
               ? 0
               : (uint32_t)project->week_start - 1;
}

/* The engine names settings by its own words; version as in rc_engine_put_project. */
static enum rc_status
put(struct rc_request *request,
    const struct rc_project_settings *settings,
    uint64_t version,
    const struct rc_asked *asked,
    Recount__V1__Project **ret_project)
{
    struct rc_project_settings stored;
    const enum rc_status status = rc_engine_put_project(
        request->server->engine, settings, version, asked, request->arena, &stored, request->error);
    struct rc_error *error = request->error;
    if (status != RC_OK && status != RC_INVALID)
        rc_request_resource(request, TYPE, "projects/%.*s", (int)settings->id.size,
                            settings->id.data);
    if (status != RC_OK && strcmp(error->field, "project") == 0)
        (void)rc_error_rename(error, status, "project",
                              version == 0 ? "project_id" : "project.name");
    else if (status != RC_OK && error->field[0] != '\0' && strcmp(error->field, "request_id") != 0)
        rc_error_prefix(error, "project");
    RC_TRY(status);
    return encode_project(request->arena, &stored, ret_project);
}

/* What a request of a change says of itself, and whether it was answered before. */
static enum rc_status
begin_change(struct rc_request *request,
             const ProtobufCMessage *in,
             struct rc_asked *ret_asked,
             bool *ret_known,
             struct rc_project_settings *ret_settings)
{
    RC_TRY(rc_request_asked(request, in, ret_asked));
    return rc_engine_retry_project(request->server->engine, ret_asked, request->arena, ret_known,
                                   ret_settings, request->error);
}

static enum rc_status
create_project(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__CreateProjectRequest *in = message;
    Recount__V1__CreateProjectResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    struct rc_project_settings settings;
    struct rc_asked asked;
    bool known = false;
    RC_TRY(begin_change(request, &in->base, &asked, &known, &settings));
    if (known)
        return encode_project(request->arena, &settings, &out->project);
    settings = (struct rc_project_settings){.id = rc_bytes_of(in->project_id)};
    if (settings.id.size == 0)
        return rc_decode_fail(&decode, RC_INVALID, "project_id", "the id is missing");
    if (in->project != NULL) {
        const size_t mark = rc_decode_enter(&decode, "project");
        RC_TRY(check_project(&decode, in->project));
        rc_decode_leave(&decode, mark);
        settings.display_name = rc_bytes_of(in->project->display_name);
        settings.zone = rc_bytes_of(in->project->time_zone);
        settings.week_start = week_start_of(in->project);
        settings.retention_days = in->project->retention_days;
        settings.future_ms_max = future_ms_of(in->project);
        settings.shown_ids = rc_bytes_of(in->project->shown_ids);
        settings.memory_bytes_max =
            in->project->limits == NULL ? 0 : in->project->limits->memory_bytes_max;
    }
    return put(request, &settings, 0, &asked, &out->project);
}

static enum rc_status
get_project(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__GetProjectRequest *in = message;
    Recount__V1__GetProjectResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    struct rc_bytes id;
    struct rc_project_settings settings;
    RC_TRY(rc_decode_project(&decode, "name", in->name, &id));
    RC_TRY(rc_request_project(request, id, &settings));
    return encode_project(request->arena, &settings, &out->project);
}

static enum rc_status
list_projects(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__ListProjectsRequest *in = message;
    Recount__V1__ListProjectsResponse *out = reply;
    struct rc_arena *arena = request->arena;
    uint64_t hash;
    uint32_t size = 0;
    struct rc_bytes after;
    RC_TRY(rc_request_page_size(request, in->page_size, 100, 1000, &size));
    RC_TRY(rc_request_list_hash(request, &in->base, &hash));
    RC_TRY(rc_token_read(arena, hash, in->page_token, &after, request->error));
    struct rc_project_settings *list = NULL;
    uint32_t count = 0;
    bool more = false;
    RC_TRY(
        rc_engine_list_projects(request->server->engine, after, size, arena, &list, &count, &more));
    RC_NEW_ARRAY(arena, out->projects, Recount__V1__Project *, count);
    out->n_projects = count;
    for (uint32_t i = 0; i < count; i++)
        RC_TRY(encode_project(arena, &list[i], &out->projects[i]));
    if (more && count > 0) {
        out->next_page_token = rc_token_write(arena, hash, list[count - 1].id);
        return out->next_page_token == NULL ? RC_NO_MEMORY : RC_OK;
    }
    return RC_OK;
}

/* Changes one setting. */
static enum rc_status
change(struct rc_decode *decode,
       const char *path,
       const Recount__V1__Project *project,
       struct rc_project_settings *settings)
{
    const uint64_t memory = project->limits == NULL ? 0 : project->limits->memory_bytes_max;
    if (strcmp(path, "display_name") == 0)
        settings->display_name = rc_bytes_of(project->display_name);
    else if (strcmp(path, "time_zone") == 0)
        settings->zone = rc_bytes_of(project->time_zone);
    else if (strcmp(path, "week_start") == 0)
        settings->week_start = week_start_of(project);
    else if (strcmp(path, "limits") == 0 || strcmp(path, "limits.memory_bytes_max") == 0)
        settings->memory_bytes_max = memory;
    else if (strcmp(path, "retention_days") == 0)
        settings->retention_days = project->retention_days;
    else if (strcmp(path, "future_limit_seconds") == 0)
        settings->future_ms_max = future_ms_of(project);
    else if (strcmp(path, "shown_ids") == 0)
        settings->shown_ids = rc_bytes_of(project->shown_ids);
    else if (strcmp(path, "limits.running_queries_max") != 0)
        return rc_decode_fail(decode, RC_INVALID, "update_mask",
                              "\"%.100s\" is no setting that can be changed", path);
    return RC_OK;
}

/* Without a mask, the fields that are not at their zero value change. */
static enum rc_status
change_all(struct rc_decode *decode,
           const Recount__V1__UpdateProjectRequest *in,
           struct rc_project_settings *settings)
{
    const Recount__V1__Project *project = in->project;
    if (in->update_mask != NULL && in->update_mask->n_paths > 0) {
        for (size_t i = 0; i < in->update_mask->n_paths; i++)
            RC_TRY(change(decode, in->update_mask->paths[i], project, settings));
        return RC_OK;
    }
    if (project->display_name[0] != '\0')
        RC_TRY(change(decode, "display_name", project, settings));
    if (project->time_zone[0] != '\0')
        RC_TRY(change(decode, "time_zone", project, settings));
    if (project->week_start != RECOUNT__V1__WEEKDAY__WEEKDAY_UNSPECIFIED)
        RC_TRY(change(decode, "week_start", project, settings));
    if (project->retention_days != 0)
        RC_TRY(change(decode, "retention_days", project, settings));
    if (project->future_limit_seconds != 0)
        RC_TRY(change(decode, "future_limit_seconds", project, settings));
    if (project->shown_ids[0] != '\0')
        RC_TRY(change(decode, "shown_ids", project, settings));
    if (project->limits != NULL && project->limits->memory_bytes_max != 0)
        RC_TRY(change(decode, "limits", project, settings));
    return RC_OK;
}

static enum rc_status
update_project(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__UpdateProjectRequest *in = message;
    Recount__V1__UpdateProjectResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    struct rc_project_settings settings;
    struct rc_bytes id;
    struct rc_asked asked;
    uint64_t version = 0;
    bool known = false;
    RC_TRY(begin_change(request, &in->base, &asked, &known, &settings));
    if (known)
        return encode_project(request->arena, &settings, &out->project);
    if (in->project == NULL)
        return rc_decode_fail(&decode, RC_INVALID, "project", "the project is missing");
    const size_t mark = rc_decode_enter(&decode, "project");
    RC_TRY(rc_decode_project(&decode, "name", in->project->name, &id));
    RC_TRY(check_project(&decode, in->project));
    rc_decode_leave(&decode, mark);
    RC_TRY(rc_request_project(request, id, &settings));
    RC_TRY(rc_request_etag(request, "project.etag", in->project->etag, settings.version, &version));
    RC_TRY(change_all(&decode, in, &settings));
    return put(request, &settings, version, &asked, &out->project);
}

static enum rc_status
delete_project(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__DeleteProjectRequest *in = message;
    struct rc_decode decode = rc_request_decode(request);
    struct rc_project_settings nothing;
    struct rc_asked asked;
    struct rc_bytes id;
    uint64_t version = 0;
    bool known = false;
    (void)reply;
    RC_TRY(begin_change(request, &in->base, &asked, &known, &nothing));
    if (known)
        return RC_OK;
    RC_TRY(rc_decode_project(&decode, "name", in->name, &id));
    RC_TRY(rc_request_etag(request, "etag", in->etag, UINT64_MAX, &version));
    const enum rc_status status =
        rc_engine_delete_project(request->server->engine, id, version, &asked, request->error);
    if (status != RC_OK)
        rc_request_resource(request, TYPE, "projects/%.*s", (int)id.size, id.data);
    return rc_request_no_project(request, id, status);
}

#define METHOD(name, snake, function, kind)                                              \
    {                                                                                    \
        "/recount.v1.ProjectService/" name, &recount__v1__##snake##_request__descriptor, \
            &recount__v1__##snake##_response__descriptor, function, kind                 \
    }

static const struct rc_service_method methods[] = {
    METHOD("CreateProject", create_project, create_project, RC_SERVICE_CONTROL),
    METHOD("GetProject", get_project, get_project, RC_SERVICE_CONTROL),
    METHOD("ListProjects", list_projects, list_projects, RC_SERVICE_CONTROL),
    METHOD("UpdateProject", update_project, update_project, RC_SERVICE_CONTROL),
    METHOD("DeleteProject", delete_project, delete_project, RC_SERVICE_CONTROL),
};

const struct rc_service rc_service_project = {methods, sizeof(methods) / sizeof(methods[0])};
