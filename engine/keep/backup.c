/*
 * The order of a backup: files, directories, manifest, list; each durable before the next. The
 * order of a restore: the mark that one is under way, files, manifest, and then the mark goes: a
 * directory that lacks its manifest would look like a new one to a start, which the mark forbids.
 */
#include "engine/keep/backup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/durable/manifest.h"
#include "engine/keep/backup_list.h"
#include "engine/keep/manifest_content.h"

#define PATH_ROOM (RC_PATH_BYTES_MAX - RC_BACKUP_PATH_BYTES_MAX - 8)

/* A copy from one directory to another, file by file. */
struct transfer {
    struct rc_disk *disk;
    const char *from;
    const char *to;
    bool copy; /* Do not link. */
    const _Atomic(bool) *cancel;
    struct rc_backup_list list;
    struct rc_backup done;
};

static enum rc_status
join(const char *directory,
     const char *path,
     char joined[RC_PATH_BYTES_MAX],
     struct rc_error *reterr_error)
{
    const int size = snprintf(joined, RC_PATH_BYTES_MAX, "%s/%s", directory, path);
    if (size < 0 || (size_t)size >= RC_PATH_BYTES_MAX)
        return rc_error_set(reterr_error, RC_LIMIT_EXCEEDED, "the path of a backup is too long");
    return RC_OK;
}

/* ---- clearing what an interrupted one left ---- */

struct clearing {
    struct rc_disk *disk;
    const char *path;
    uint32_t depth;
    bool restoring; /* The top directory's lock and mark stay. */
};

static enum rc_status
clear_entry(void *context, const char *name)
{
    const struct clearing *clearing = context;
    char path[RC_PATH_BYTES_MAX];
    if (clearing->restoring && (strcmp(name, RC_RESTORING_NAME) == 0 || strcmp(name, "LOCK") == 0))
        return RC_OK;
    RC_TRY(join(clearing->path, name, path, NULL));
    struct clearing inside = {clearing->disk, path, clearing->depth - 1, false};
    /* Directories stay, empty. A file is no directory: listing it fails. */
    if (clearing->depth > 0 &&
        rc_disk_list(clearing->disk, path, clear_entry, &inside, NULL) == RC_OK)
        return RC_OK;
    return rc_disk_remove(clearing->disk, path, NULL);
}

/* Removes the files of a directory and of two levels below it. */
static enum rc_status
clear_files(struct rc_disk *disk,
            const char *directory,
            bool restoring,
            struct rc_error *reterr_error)
{
    struct clearing clearing = {disk, directory, 2, restoring};
    return rc_disk_list(disk, directory, clear_entry, &clearing, reterr_error);
}

/* ---- files ---- */

static enum rc_status
make_directory(const struct transfer *transfer, const char *path, struct rc_error *reterr_error)
{
    char joined[RC_PATH_BYTES_MAX];
    RC_TRY(join(transfer->to, path, joined, reterr_error));
    return rc_disk_make_dir(transfer->disk, joined, reterr_error);
}

static enum rc_status
sync_directory(const struct transfer *transfer, const char *path, struct rc_error *reterr_error)
{
    char joined[RC_PATH_BYTES_MAX];
    RC_TRY(join(transfer->to, path, joined, reterr_error));
    return rc_disk_sync_dir(transfer->disk, joined, reterr_error);
}

/* Links or copies one file and enters it in the list. */
static enum rc_status
transfer_file(struct transfer *transfer, const char *path, struct rc_error *reterr_error)
{
    char from[RC_PATH_BYTES_MAX];
    char to[RC_PATH_BYTES_MAX];
    uint64_t size = 0;
    uint32_t crc32c = 0;
    if (transfer->cancel != NULL && atomic_load(transfer->cancel))
        return rc_error_set(reterr_error, RC_CANCELLED, "the backup was cancelled");
    RC_TRY(join(transfer->from, path, from, reterr_error));
    RC_TRY(join(transfer->to, path, to, reterr_error));
    enum rc_status linked = RC_UNSUPPORTED;
    if (!transfer->copy)
        linked = rc_disk_link(transfer->disk, from, to, reterr_error);
    if (linked != RC_OK && linked != RC_UNSUPPORTED)
        return linked;
    RC_TRY(rc_disk_copy_file(transfer->disk, from, linked == RC_OK ? NULL : to, &size, &crc32c,
                             reterr_error));
    transfer->done.files++;
    transfer->done.bytes += size;
    transfer->done.copied += linked == RC_OK ? 0 : size;
    return rc_backup_list_add(&transfer->list, path, size, crc32c, reterr_error);
}

/* "projects/ID@INCARNATION", and a file in it. */
static void
project_path(const struct rc_checkpoint_project *project,
             const char *kind,
             uint64_t number,
             char path[RC_BACKUP_PATH_BYTES_MAX])
{
    const struct rc_bytes id = rc_project_id(project->project);
    int size = snprintf(path, RC_BACKUP_PATH_BYTES_MAX, "projects/%.*s@%016" PRIx64, (int)id.size,
                        id.data, project->incarnation);
    if (kind != NULL && size > 0)
        (void)snprintf(path + size, RC_BACKUP_PATH_BYTES_MAX - (size_t)size, "/%s-%016" PRIx64,
                       kind, number);
}

static enum rc_status
transfer_project(struct transfer *transfer,
                 const struct rc_checkpoint_project *project,
                 uint64_t number,
                 struct rc_error *reterr_error)
{
    char directory[RC_BACKUP_PATH_BYTES_MAX];
    char path[RC_BACKUP_PATH_BYTES_MAX];
    project_path(project, NULL, 0, directory);
    RC_TRY(make_directory(transfer, directory, reterr_error));
    for (size_t i = 0; i < project->kept->count; i++) {
        project_path(project, "slab", project->kept->ids[i], path);
        RC_TRY(transfer_file(transfer, path, reterr_error));
    }
    project_path(project, "state", number, path);
    RC_TRY(transfer_file(transfer, path, reterr_error));
    return sync_directory(transfer, directory, reterr_error);
}

static enum rc_status
write_manifest(struct transfer *transfer,
               const struct rc_checkpoint *checkpoint,
               uint64_t sequence,
               struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    RC_CLEANUP(rc_alloc_freep)
    struct rc_manifest_project *projects =
        rc_alloc(checkpoint->project_count * sizeof(projects[0]));
    if (projects == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the manifest");
    for (uint32_t i = 0; i < checkpoint->project_count; i++)
        projects[i] = (struct rc_manifest_project){
            .id = rc_project_id(checkpoint->projects[i].project),
            .incarnation = checkpoint->projects[i].incarnation,
            .sequence = sequence,
        };
    const struct rc_manifest_content content = {
        .number = checkpoint->number,
        .sequence = sequence,
        .project_count = checkpoint->project_count,
        .projects = projects,
    };
    rc_manifest_content_write(&writer, &content);
    if (writer.failed)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the manifest");
    const struct rc_bytes payload = {(const char *)writer.data, writer.size};
    RC_TRY(rc_manifest_write(transfer->disk, transfer->to, payload, reterr_error));
    char path[RC_PATH_BYTES_MAX];
    uint64_t size = 0;
    uint32_t crc32c = 0;
    RC_TRY(join(transfer->to, "MANIFEST", path, reterr_error));
    RC_TRY(rc_disk_copy_file(transfer->disk, path, NULL, &size, &crc32c, reterr_error));
    transfer->done.files++;
    transfer->done.bytes += size;
    transfer->done.copied += size;
    return rc_backup_list_add(&transfer->list, "MANIFEST", size, crc32c, reterr_error);
}

/* ---- the directory itself ---- */

struct looking {
    const char *mark;     /* A name that decides, */
    const char *mark_new; /* and the one under which it begins. May be NULL. */
    const char *spare;    /* A name that does not count. */
    bool marked;
    bool occupied;
};

static enum rc_status
see_entry(void *context, const char *name)
{
    struct looking *looking = context;
    if (looking->mark != NULL && strcmp(name, looking->mark) == 0)
        looking->marked = true;
    else if (looking->mark_new != NULL && strcmp(name, looking->mark_new) == 0)
        looking->marked = true;
    else if (looking->spare == NULL || strcmp(name, looking->spare) != 0)
        looking->occupied = true;
    return RC_OK;
}

/* Makes the entry of a directory in its parent durable. */
static enum rc_status
sync_parent(struct rc_disk *disk, const char *path, struct rc_error *reterr_error)
{
    char parent[RC_PATH_BYTES_MAX];
    (void)snprintf(parent, sizeof(parent), "%s", path);
    char *slash = strrchr(parent, '/');
    if (slash == NULL)
        return rc_disk_sync_dir(disk, ".", reterr_error);
    slash[slash == parent] = '\0'; /* The parent of "/x" is "/". */
    return rc_disk_sync_dir(disk, parent, reterr_error);
}

/* Of a backup: what is there without a list is what an interrupted one left. */
static enum rc_status
take_backup_directory(struct rc_disk *disk, const char *directory, struct rc_error *reterr_error)
{
    struct looking looking = {.mark = RC_BACKUP_LIST_NAME};
    RC_TRY(rc_disk_make_dir(disk, directory, reterr_error));
    RC_TRY(rc_disk_list(disk, directory, see_entry, &looking, reterr_error));
    if (looking.marked)
        return rc_error_set(reterr_error, RC_EXISTS, "there is a backup in %.300s already",
                            directory);
    return looking.occupied ? clear_files(disk, directory, false, reterr_error) : RC_OK;
}

enum rc_status
rc_backup_write(const struct rc_checkpoint *checkpoint,
                const char *directory,
                bool copy,
                const _Atomic(bool) *cancel,
                struct rc_backup *ret_backup,
                struct rc_error *reterr_error)
{
    if (strlen(directory) >= PATH_ROOM)
        return rc_error_set(reterr_error, RC_LIMIT_EXCEEDED, "the backup's path is too long");
    struct transfer transfer = {
        .disk = checkpoint->disk,
        .from = checkpoint->directory,
        .to = directory,
        .copy = copy,
        .cancel = cancel,
        .done = {.position = checkpoint->sequence},
    };
    RC_TRY(take_backup_directory(transfer.disk, directory, reterr_error));
    RC_TRY(make_directory(&transfer, "projects", reterr_error));
    enum rc_status status = RC_OK;
    uint64_t sequence = checkpoint->sequence; /* The highest that any of its projects has. */
    for (uint32_t i = 0; status == RC_OK && i < checkpoint->project_count; i++) {
        const struct rc_checkpoint_project *project = &checkpoint->projects[i];
        if (project->sequence > sequence)
            sequence = project->sequence;
        if (project->sequence < transfer.done.position)
            transfer.done.position = project->sequence;
        status = transfer_project(&transfer, project, checkpoint->number, reterr_error);
    }
    if (status == RC_OK)
        status = sync_directory(&transfer, "projects", reterr_error);
    if (status == RC_OK)
        status = write_manifest(&transfer, checkpoint, sequence, reterr_error);
    transfer.list.position = transfer.done.position;
    if (status == RC_OK)
        status = sync_parent(transfer.disk, directory, reterr_error);
    if (status == RC_OK)
        status = rc_backup_list_write(transfer.disk, directory, &transfer.list, reterr_error);
    rc_backup_list_close(&transfer.list);
    if (status == RC_OK)
        *ret_backup = transfer.done;
    return status;
}

/* ---- restoring ---- */

static enum rc_status
verify_file(struct rc_disk *disk,
            const char *directory,
            const struct rc_backup_file *file,
            struct rc_error *reterr_error)
{
    char path[RC_PATH_BYTES_MAX];
    uint64_t size = 0;
    uint32_t crc32c = 0;
    RC_TRY(join(directory, file->path, path, reterr_error));
    RC_TRY(rc_disk_copy_file(disk, path, NULL, &size, &crc32c, reterr_error));
    if (size != file->size)
        return rc_error_set(reterr_error, RC_CORRUPT,
                            "%.250s has %" PRIu64 " bytes, the backup's list says %" PRIu64, path,
                            size, file->size);
    if (crc32c != file->crc32c)
        return rc_error_set(reterr_error, RC_CORRUPT,
                            "%.250s is damaged: its checksum is not that of the backup's list",
                            path);
    return RC_OK;
}

/* Of a restore: it must be empty, or marked by one that was interrupted. */
static enum rc_status
take_data_directory(struct rc_disk *disk,
                    const char *directory,
                    struct rc_file **ret_lock,
                    struct rc_error *reterr_error)
{
    char path[RC_PATH_BYTES_MAX];
    struct looking looking = {
        .mark = RC_RESTORING_NAME, .mark_new = RC_RESTORING_NAME ".new", .spare = "LOCK"};
    RC_TRY(rc_disk_make_dir(disk, directory, reterr_error));
    RC_TRY(rc_disk_list(disk, directory, see_entry, &looking, reterr_error));
    if (looking.occupied && !looking.marked)
        return rc_error_set(reterr_error, RC_EXISTS, "the directory %.300s is not empty",
                            directory);
    RC_TRY(join(directory, "LOCK", path, reterr_error));
    const enum rc_status status = rc_disk_lock(disk, path, ret_lock, reterr_error);
    if (status == RC_CONFLICT)
        return rc_error_set(reterr_error, RC_CONFLICT, "another process uses the directory %.300s",
                            directory);
    RC_TRY(status);
    RC_TRY(join(directory, RC_RESTORING_NAME, path, reterr_error));
    RC_TRY(rc_disk_replace_file(disk, path, "", 0, reterr_error));
    RC_TRY(sync_parent(disk, directory, reterr_error));
    if (!looking.occupied)
        return RC_OK;
    RC_TRY(clear_files(disk, directory, true, reterr_error));
    return rc_disk_sync_dir(disk, directory, reterr_error);
}

/* The directory of a listed file, and those above it. */
static enum rc_status
make_parents(struct transfer *transfer, const char *path, struct rc_error *reterr_error)
{
    char parent[RC_BACKUP_PATH_BYTES_MAX];
    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        (void)snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path);
        RC_TRY(make_directory(transfer, parent, reterr_error));
    }
    return RC_OK;
}

static enum rc_status
sync_parents(struct transfer *transfer, const char *path, struct rc_error *reterr_error)
{
    char parent[RC_BACKUP_PATH_BYTES_MAX];
    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        (void)snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path);
        RC_TRY(sync_directory(transfer, parent, reterr_error));
    }
    return RC_OK;
}

static enum rc_status
copy_listed(struct transfer *transfer,
            const struct rc_backup_list *list,
            struct rc_error *reterr_error)
{
    bool has_manifest = false;
    for (size_t i = 0; i < list->count; i++) {
        const char *path = list->files[i].path;
        if (strcmp(path, "MANIFEST") == 0) {
            has_manifest = true;
            continue;
        }
        RC_TRY(make_parents(transfer, path, reterr_error));
        RC_TRY(transfer_file(transfer, path, reterr_error));
    }
    for (size_t i = 0; i < list->count; i++)
        RC_TRY(sync_parents(transfer, list->files[i].path, reterr_error));
    if (!has_manifest)
        return rc_error_set(reterr_error, RC_CORRUPT, "the backup's list has no manifest");
    return transfer_file(transfer, "MANIFEST", reterr_error);
}

/* What was copied is what was listed. */
static enum rc_status
compare_lists(const struct rc_backup_list *wanted,
              const struct rc_backup_list *got,
              struct rc_error *reterr_error)
{
    uint64_t sum = 0; /* Order differs by the manifest alone. */
    for (size_t i = 0; i < wanted->count; i++)
        sum += wanted->files[i].crc32c;
    for (size_t i = 0; i < got->count; i++)
        sum -= got->files[i].crc32c;
    return sum == 0 && wanted->count == got->count
               ? RC_OK
               : rc_error_set(reterr_error, RC_IO, "the backup changed while it was copied");
}

enum rc_status
rc_backup_restore(struct rc_disk *disk,
                  const char *backup,
                  const char *directory,
                  struct rc_backup *ret_backup,
                  struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_backup_list_close) struct rc_backup_list list = {0};
    RC_CLEANUP(rc_file_closep) struct rc_file *lock = NULL;
    if (strlen(directory) >= PATH_ROOM || strlen(backup) >= PATH_ROOM)
        return rc_error_set(reterr_error, RC_LIMIT_EXCEEDED, "the path is too long");
    RC_TRY(rc_backup_list_read(disk, backup, &list, reterr_error));
    for (size_t i = 0; i < list.count; i++)
        RC_TRY(verify_file(disk, backup, &list.files[i], reterr_error));
    RC_TRY(take_data_directory(disk, directory, &lock, reterr_error));
    struct transfer transfer = {.disk = disk,
                                .from = backup,
                                .to = directory,
                                .copy = true,
                                .done = {.position = list.position}};
    enum rc_status status = copy_listed(&transfer, &list, reterr_error);
    if (status == RC_OK)
        status = compare_lists(&list, &transfer.list, reterr_error);
    rc_backup_list_close(&transfer.list);
    RC_TRY(status);
    RC_TRY(rc_disk_sync_dir(disk, directory, reterr_error));
    char path[RC_PATH_BYTES_MAX];
    RC_TRY(join(directory, RC_RESTORING_NAME, path, reterr_error));
    RC_TRY(rc_disk_remove(disk, path, reterr_error));
    RC_TRY(rc_disk_sync_dir(disk, directory, reterr_error));
    *ret_backup = transfer.done;
    return RC_OK;
}
