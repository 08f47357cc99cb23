/*
 * A directory is checked as a start would read it, with each project in memory by itself: manifest,
 * states, slabs, then the log; and the names of all files against what the manifest and the states
 * name.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/durable/manifest.h"
#include "engine/durable/wal_survey.h"
#include "engine/keep/backup.h"
#include "engine/keep/backup_list.h"
#include "engine/keep/bitmaps.h"
#include "engine/keep/check.h"
#include "engine/keep/lost_manifest.h"
#include "engine/keep/restore.h"

struct checking {
    struct rc_check *check;
    struct rc_disk *disk;
    const char *directory;
    struct rc_manifest_content content;
    const struct rc_manifest_project *project; /* Whose directory is listed. */
    const struct rc_kept_slabs *kept;          /* NULL: its state could not be read. */
    const char *path;                          /* Of what is listed. */
    bool is_backup;                            /* So far: what was listed has a backup's list. */
};

static bool
is_slab_or_state(const char *name)
{
    return strncmp(name, "slab-", 5) == 0 || strncmp(name, "state-", 6) == 0 ||
           strncmp(name, RC_BITMAPS_FILE "-", sizeof(RC_BITMAPS_FILE)) == 0;
}

static void
tell_stranger(struct checking *checking, const char *name, bool left_over)
{
    char where[RC_PATH_BYTES_MAX + 256];
    (void)snprintf(where, sizeof(where), "%s/%s", checking->path, name);
    rc_check_found(checking->check, left_over ? RC_FINDING_NOTE : RC_FINDING_PROBLEM, where, "%s",
                   left_over ? "left by an interrupted snapshot; the next one removes it"
                             : "does not belong here");
}

static enum rc_status
see_project_file(void *context, const char *name)
{
    struct checking *checking = context;
    char expected[64];
    uint64_t number = 0;
    checking->check->counts.files++;
    (void)snprintf(expected, sizeof(expected), "state-%016" PRIx64,
                   checking->project->state_number);
    if (strcmp(name, expected) == 0 || checking->kept == NULL)
        return RC_OK;
    if (sscanf(name, "slab-%16" SCNx64, &number) == 1) {
        (void)snprintf(expected, sizeof(expected), "slab-%016" PRIx64, number);
        if (strcmp(name, expected) == 0 && rc_kept_slabs_has(checking->kept, number))
            return RC_OK;
    }
    if (sscanf(name, RC_BITMAPS_FILE "-%16" SCNx64, &number) == 1) {
        (void)snprintf(expected, sizeof(expected), RC_BITMAPS_FILE "-%016" PRIx64, number);
        if (strcmp(name, expected) == 0)
            return RC_OK; /* A cache: of a slab that went since, it goes with the next snapshot. */
    }
    tell_stranger(checking, name, is_slab_or_state(name));
    return RC_OK;
}

static enum rc_status
see_any_file(void *context, const char *name)
{
    struct checking *checking = context;
    checking->check->counts.files++;
    tell_stranger(checking, name, is_slab_or_state(name));
    return RC_OK;
}

static bool
is_directory_of(const struct rc_manifest_project *project, const char *name)
{
    char expected[RC_PROJECT_ID_BYTES_MAX + 32];
    (void)snprintf(expected, sizeof(expected), "%.*s@%016" PRIx64, (int)project->id.size,
                   project->id.data, project->incarnation);
    return strcmp(name, expected) == 0;
}

/* A directory that no project of the manifest has: of a deleted one, or of one made after the
 * snapshot that did not finish. */
static enum rc_status
see_project_directory(void *context, const char *name)
{
    struct checking *checking = context;
    char path[RC_PATH_BYTES_MAX + 256];
    for (uint32_t i = 0; i < checking->content.project_count; i++)
        if (is_directory_of(&checking->content.projects[i], name))
            return RC_OK;
    if (strchr(name, '@') == NULL) {
        tell_stranger(checking, name, false);
        return RC_OK;
    }
    (void)snprintf(path, sizeof(path), "%s/%s", checking->path, name);
    struct checking inside = *checking;
    inside.path = path;
    return rc_disk_list(checking->disk, path, see_any_file, &inside, NULL);
}

static enum rc_status
see_log_file(void *context, const char *name)
{
    struct checking *checking = context;
    bool spare;
    uint64_t number;
    checking->check->counts.files++;
    if (rc_wal_name_is_aside(name)) {
        char where[RC_PATH_BYTES_MAX + 256];
        (void)snprintf(where, sizeof(where), "%s/%s", checking->path, name);
        rc_check_found(checking->check, RC_FINDING_NOTE, where, "set aside by a repair");
    } else if (!rc_wal_name_parse(name, &spare, &number)) {
        tell_stranger(checking, name, false);
    }
    return RC_OK;
}

static enum rc_status
see_top_file(void *context, const char *name)
{
    static const char *const known[] = {"LOCK", "MANIFEST", RC_WAL_MARK_NAME, "wal", "projects"};
    struct checking *checking = context;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(name, known[i]) == 0) {
            checking->check->counts.files += i < 3;
            return RC_OK;
        }
    if (strcmp(name, RC_BACKUP_LIST_NAME) == 0) {
        checking->is_backup = true;
        return RC_OK;
    }
    if (strcmp(name, RC_BACKING_UP_NAME) == 0) /* Names come in byte order: behind the list's. */
        rc_check_found(checking->check, checking->is_backup ? RC_FINDING_NOTE : RC_FINDING_PROBLEM,
                       checking->path,
                       checking->is_backup ? "the backup is whole; its mark was left"
                                           : "a backup into it was interrupted: make it again");
    else if (strcmp(name, RC_RESTORING_NAME) == 0)
        rc_check_found(checking->check, RC_FINDING_PROBLEM, checking->path,
                       "a restore into it was interrupted: restore again");
    else
        tell_stranger(checking, name,
                      strcmp(name, "MANIFEST.new") == 0 ||
                          strcmp(name, RC_WAL_MARK_NAME ".new") == 0);
    return RC_OK;
}

/* Lists a directory below the data directory; one that is missing has no files. */
static enum rc_status
list(struct checking *checking,
     const char *path,
     enum rc_status (*see)(void *context, const char *name),
     struct rc_error *reterr_error)
{
    struct checking inside = *checking;
    inside.path = path;
    const enum rc_status status = rc_disk_list(checking->disk, path, see, &inside, reterr_error);
    return status == RC_NOT_FOUND ? RC_OK : status;
}

static enum rc_status
check_stored_project(struct checking *checking,
                     const struct rc_manifest_project *stored,
                     struct rc_workers *workers,
                     struct rc_error *reterr_error)
{
    struct rc_account account = {.parent = &rc_account_process};
    const struct rc_restore how = {
        .disk = checking->disk,
        .directory = checking->directory,
        .parent = &account,
        .head_rows_max = RC_HEAD_ROWS_MAX,
        .workers = workers,
        .verify = RC_SLAB_LAYOUT, /* The rest is checked below, slab by slab. */
    };
    char path[RC_PATH_BYTES_MAX];
    RC_TRY(rc_project_path(checking->directory, stored->id, stored->incarnation, NULL, 0, path,
                           reterr_error));
    RC_CLEANUP(rc_project_unrefp) struct rc_project *project = NULL;
    RC_CLEANUP(rc_kept_slabs_close) struct rc_kept_slabs kept = {0};
    struct rc_error error;
    checking->project = stored;
    checking->kept = NULL;
    const enum rc_status status = rc_restore_project(&how, stored, &project, &kept, &error);
    if (status == RC_OK) {
        RC_CLEANUP(rc_view_releasep) struct rc_view *view = NULL;
        RC_TRY_OR(reterr_error, rc_project_view(project, &account, &view));
        RC_TRY(rc_check_project(checking->check, project, view, reterr_error));
        checking->kept = &kept;
    } else if (status == RC_NO_MEMORY || status == RC_LIMIT_EXCEEDED) {
        if (reterr_error != NULL)
            *reterr_error = error;
        return status;
    } else {
        rc_check_found(checking->check, RC_FINDING_PROBLEM, path, "%s", error.message);
    }
    const enum rc_status listed = list(checking, path, see_project_file, reterr_error);
    checking->kept = NULL;
    return listed;
}

static enum rc_status
check_log(struct checking *checking, uint64_t replay_after, struct rc_error *reterr_error)
{
    char path[RC_PATH_BYTES_MAX];
    struct rc_wal_survey survey;
    (void)snprintf(path, sizeof(path), "%s/wal", checking->directory);
    char mark[RC_PATH_BYTES_MAX];
    (void)snprintf(mark, sizeof(mark), "%s/" RC_WAL_MARK_NAME, checking->directory);
    const struct rc_wal_survey_options options = {.disk = checking->disk,
                                                  .directory = path,
                                                  .mark = {mark, checking->content.log},
                                                  .replay_after = replay_after};
    RC_TRY(rc_wal_survey(&options, &survey, reterr_error));
    checking->check->counts.log_records += survey.record_count;
    char where[RC_PATH_BYTES_MAX + 96];
    const bool in_mark = strcmp(survey.file, RC_WAL_MARK_NAME) == 0;
    (void)snprintf(where, sizeof(where), "%s/%s, offset %" PRIu64,
                   in_mark ? checking->directory : path, survey.file, survey.offset);
    if (survey.damaged)
        rc_check_found(checking->check, RC_FINDING_PROBLEM, where,
                       "%s; from record %" PRIu64 " on %s%" PRIu64
                       " records would be lost: recountd --repair says more",
                       survey.what, survey.sequence, survey.uncounted_max == 0 ? "" : "at least ",
                       survey.sequence_end - survey.sequence);
    else if (survey.torn_bytes > 0)
        rc_check_found(checking->check, RC_FINDING_NOTE, path,
                       "the log has a torn end of %" PRIu64
                       " bytes, never acknowledged; the next start cuts it",
                       survey.torn_bytes);
    if (!survey.damaged && survey.half_mark)
        rc_check_found(checking->check, RC_FINDING_NOTE, mark,
                       "one of its two halves cannot be read or is older: a write of it was "
                       "interrupted, or it is damaged; the next start writes both anew");
    return list(checking, path, see_log_file, reterr_error);
}

/* Reads the manifest; one that is missing names nothing, if it is not lost. *ret_sound is false
 * when it is damaged. */
static enum rc_status
read_manifest(struct checking *checking,
              struct rc_writer *payload,
              struct rc_arena *arena,
              struct rc_manifest_content *ret_content,
              bool *ret_sound,
              struct rc_error *reterr_error)
{
    struct rc_error error;
    struct rc_manifest_content content = {0};
    enum rc_status status = rc_manifest_read(checking->disk, checking->directory, payload, &error);
    if (status == RC_OK)
        status = rc_manifest_content_read(
            (struct rc_bytes){(const char *)payload->data, payload->size}, arena, &content, &error);
    if (status == RC_NOT_FOUND)
        status = rc_lost_manifest_check(checking->disk, checking->directory, &error);
    *ret_sound = status == RC_OK;
    *ret_content = content;
    if (*ret_sound)
        return RC_OK;
    if (status == RC_CORRUPT || status == RC_IO) {
        rc_check_found(checking->check, RC_FINDING_PROBLEM, checking->directory, "%s",
                       error.message);
        return RC_OK;
    }
    if (reterr_error != NULL)
        *reterr_error = error;
    return status;
}

static enum rc_status
check_locked(struct checking *checking, struct rc_workers *workers, struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer payload = {0};
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    if (arena == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a check");
    const struct rc_manifest_content *content = &checking->content;
    bool sound = false;
    RC_TRY(read_manifest(checking, &payload, arena, &checking->content, &sound, reterr_error));
    RC_TRY(list(checking, checking->directory, see_top_file, reterr_error));
    if (!sound)
        return RC_OK; /* Nothing says what the rest should be. */
    uint64_t replay_after = content->sequence;
    for (uint32_t i = 0; i < content->project_count; i++) {
        RC_TRY(check_stored_project(checking, &content->projects[i], workers, reterr_error));
        if (content->projects[i].sequence < replay_after)
            replay_after = content->projects[i].sequence;
    }
    char path[RC_PATH_BYTES_MAX];
    (void)snprintf(path, sizeof(path), "%s/projects", checking->directory);
    RC_TRY(list(checking, path, see_project_directory, reterr_error));
    return check_log(checking, replay_after, reterr_error);
}

enum rc_status
rc_check_directory(struct rc_check *check,
                   struct rc_disk *disk,
                   const char *directory,
                   struct rc_workers *workers,
                   struct rc_error *reterr_error)
{
    char path[RC_PATH_BYTES_MAX];
    const int size = snprintf(path, sizeof(path), "%s/projects/", directory);
    if (size < 0 || (size_t)size + 256 >= sizeof(path))
        return rc_error_set(reterr_error, RC_LIMIT_EXCEEDED,
                            "the data directory's path is too long");
    (void)snprintf(path, sizeof(path), "%s/LOCK", directory);
    RC_CLEANUP(rc_file_closep) struct rc_file *lock = NULL;
    const enum rc_status status = rc_disk_lock(disk, path, &lock, reterr_error);
    if (status == RC_CONFLICT)
        return rc_error_set(reterr_error, RC_CONFLICT, "another process uses the data directory %s",
                            directory);
    RC_TRY(status);
    struct checking checking = {.check = check, .disk = disk, .directory = directory};
    return check_locked(&checking, workers, reterr_error);
}
