/* Administration: checks and backups. */
#include <recount/v1/admin.pb-c.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/face/upkeep.h"
#include "server/call/service.h"
#include "server/decode/decode.h"
#include "server/encode/encode.h"

#define FINDINGS_MAX 1000u
#define BACKUP_ID_BYTES_MAX 64u

/* Findings on their way into a reply. */
struct collecting {
    struct rc_arena *arena;
    Recount__V1__CheckResponse *out;
    bool no_memory;
};

static enum rc_status
collect(struct collecting *collecting, const char *where, const char *what)
{
    Recount__V1__CheckFinding *finding;
    RC_NEW(collecting->arena, finding, recount__v1__check_finding__descriptor);
    RC_NEW_TEXT(collecting->arena, finding->place, rc_bytes_of(where));
    RC_NEW_TEXT(collecting->arena, finding->description, rc_bytes_of(what));
    collecting->out->findings[collecting->out->n_findings++] = finding;
    return RC_OK;
}

static void
on_finding(void *context, enum rc_finding finding, const char *where, const char *what)
{
    struct collecting *collecting = context;
    if (finding != RC_FINDING_PROBLEM || collecting->out->n_findings == FINDINGS_MAX)
        return;
    collecting->no_memory |= collect(collecting, where, what) != RC_OK;
}

static enum rc_status
check(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__CheckRequest *in = message;
    Recount__V1__CheckResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    struct rc_bytes project = {NULL, 0};
    if (in->parent[0] != '\0') {
        RC_TRY(rc_decode_project(&decode, "parent", in->parent, &project));
        RC_TRY(rc_request_project(request, project, NULL));
    }
    RC_NEW_ARRAY(request->arena, out->findings, Recount__V1__CheckFinding *, FINDINGS_MAX);
    struct collecting collecting = {.arena = request->arena, .out = out};
    struct rc_check check = {
        .cancel = request->cancel, .on_finding = on_finding, .context = &collecting};
    RC_TRY(rc_engine_check(request->server->engine, project, &check, request->error));
    if (collecting.no_memory)
        return rc_error_set(request->error, RC_NO_MEMORY, "no memory for what was found");
    out->problem_count = check.counts.problems;
    out->checked_projects = check.counts.projects;
    out->checked_slabs = check.counts.slabs;
    out->checked_events = check.counts.events;
    out->checked_users = check.counts.users;
    out->checked_dictionary_entries = check.counts.dictionary_entries;
    out->elapsed_micros = (rc_clock_monotonic_ns() - request->received_ns) / 1000;
    return RC_OK;
}

static enum rc_status
check_backup_id(const char *id, struct rc_error *error)
{
    static const char rest[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
    const size_t size = strlen(id);
    if (size == 0 || size > BACKUP_ID_BYTES_MAX || strspn(id, rest) != size ||
        strchr("-_.", id[0]) != NULL)
        return rc_error_field(error, RC_INVALID, "backup_id",
                              "a backup's id has 1 to %u of a-z, 0-9, and behind the first "
                              "character also '-', '_' and '.'",
                              BACKUP_ID_BYTES_MAX);
    return RC_OK;
}

static enum rc_status
create_backup(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__CreateBackupRequest *in = message;
    Recount__V1__CreateBackupResponse *out = reply;
    const char *root = request->server->config->backup_directory;
    struct rc_backup backup;
    struct rc_snapshot_result snapshot;
    RC_TRY(check_backup_id(in->backup_id, request->error));
    if (root == NULL || root[0] == '\0')
        return rc_error_set(request->error, RC_UNSUPPORTED,
                            "the server has no setting backup-directory: it makes no backups");
    RC_TRY(rc_encode_format(request->arena, &out->directory, "%s/%s", root, in->backup_id));
    const struct rc_backup_options options = {
        .directory = out->directory, .copy = in->copy, .cancel = request->cancel};
    RC_TRY(rc_engine_backup(request->server->engine, &options, &backup, &snapshot, request->error));
    out->durable_position = backup.position;
    out->file_count = backup.files;
    out->file_bytes = backup.bytes;
    out->copied_bytes = backup.copied;
    out->elapsed_micros = (rc_clock_monotonic_ns() - request->received_ns) / 1000;
    return RC_OK;
}

static const struct rc_service_method methods[] = {
    {"/recount.v1.AdminService/Check", &recount__v1__check_request__descriptor,
     &recount__v1__check_response__descriptor, check, RC_SERVICE_CONTROL},
    {"/recount.v1.AdminService/CreateBackup", &recount__v1__create_backup_request__descriptor,
     &recount__v1__create_backup_response__descriptor, create_backup, RC_SERVICE_CONTROL},
};

const struct rc_service rc_service_upkeep = {methods, sizeof(methods) / sizeof(methods[0])};
