/*
 * The state is read first, since it names the slabs; then the workers read and verify those side by
 * side: nothing of a slab is believed before its checksums were found right.
 */
#include "engine/keep/restore.h"

#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/assert.h"
#include "engine/base/limits.h"
#include "engine/keep/state.h"
#include "engine/store/slab/slab_format.h"

/* Puts the path of the file at fault before an error's sentence, unless it is there. */
static enum rc_status
name_file(const char *path, enum rc_status status, struct rc_error *reterr_error)
{
    if (status == RC_OK || reterr_error == NULL || strstr(reterr_error->message, path) != NULL)
        return status;
    const struct rc_error cause = *reterr_error;
    return rc_error_set(reterr_error, status, "%.200s: %.160s", path, cause.message);
}

static enum rc_status
add_slab(struct rc_version *draft,
         struct rc_slab *slab,
         const struct rc_state_slab *stored,
         struct rc_error *reterr_error)
{
    const uint32_t rows = rc_slab_get_info(slab)->row_count;
    if (stored->dead_words != 0 && stored->dead_words != (rows + 63) / 64)
        return rc_error_set(reterr_error, RC_CORRUPT,
                            "the dead rows of slab %llu are not of its size",
                            (unsigned long long)stored->id);
    RC_CLEANUP(rc_dead_unrefp) struct rc_dead *dead = NULL;
    if (stored->dead_words != 0) {
        RC_TRY_OR(reterr_error, rc_dead_new(draft->account, rows, &dead));
        memcpy(dead->words, stored->dead, stored->dead_words * sizeof(dead->words[0]));
        for (uint32_t i = 0; i < stored->dead_words; i++)
            dead->count += (uint32_t)__builtin_popcountll(dead->words[i]);
        const bool past_end =
            rows % 64 != 0 && dead->words[stored->dead_words - 1] >> (rows % 64) != 0;
        if (dead->count != stored->dead_count || past_end)
            return rc_error_set(reterr_error, RC_CORRUPT, "the dead rows of slab %llu are damaged",
                                (unsigned long long)stored->id);
    }
    const enum rc_status status = rc_version_add_slab(draft, slab, stored->id, dead);
    RC_TRY_OR(reterr_error, status);
    return RC_OK;
}

/* A slab of the state on its way into the version. */
struct slab_file {
    const struct rc_restore *how;
    struct rc_account *hot_account;
    struct rc_account *cold_account;
    uint64_t id;
    struct rc_slab *slab;
    enum rc_status status;
    struct rc_error error;
    char path[RC_PATH_BYTES_MAX];
};

static void
slab_files_free(struct slab_file *files, uint32_t count)
{
    for (uint32_t i = 0; files != NULL && i < count; i++)
        rc_slab_unref(files[i].slab);
    rc_alloc_free(files);
}

/* Whether a slab is to stay on disk, by its header; what is wrong with a file is said by who
 * reads it. */
static bool
is_cold(const struct rc_restore *how, const char *path)
{
    RC_CLEANUP(rc_file_closep) struct rc_file *file = NULL;
    struct rc_slab_header header;
    size_t got = 0;
    return how->cold != NULL && rc_file_open(how->disk, path, RC_FILE_READ, &file, NULL) == RC_OK &&
           rc_file_read_at(file, &header, sizeof(header), 0, &got, NULL) == RC_OK &&
           got == sizeof(header) && header.crc32c == rc_slab_header_crc32c(&header) &&
           rc_window_end_ms(rc_slab_header_window(&header)) <= how->cold_before_ms;
}

/* A task of the workers. */
static void
read_slab(void *argument, uint32_t index)
{
    struct slab_file *file = (struct slab_file *)argument + index;
    if (is_cold(file->how, file->path)) {
        file->status = rc_slab_open_cold(file->how->cold, file->how->disk, file->path,
                                         file->cold_account, &file->slab, &file->error);
        if (file->status != RC_IO) /* No more files may be open, say: then it is read. */
            return;
    }
    file->status = rc_slab_read(file->how->disk, file->path, file->how->verify, file->hot_account,
                                &file->slab, &file->error);
}

static void
read_slabs(const struct rc_restore *how, struct slab_file *files, uint32_t count)
{
    if (how->workers != NULL)
        rc_workers_run(how->workers, rc_workers_count(how->workers), count, read_slab, files);
    else
        for (uint32_t i = 0; i < count; i++)
            read_slab(files, i);
}

static enum rc_status
add_read(struct rc_version *draft,
         struct slab_file *file,
         const struct rc_state_slab *stored,
         struct rc_error *reterr_error)
{
    enum rc_status status = file->status;
    if (status == RC_OK)
        status = add_slab(draft, file->slab, stored, reterr_error);
    else if (reterr_error != NULL)
        *reterr_error = file->error;
    return name_file(file->path, status, reterr_error);
}

static enum rc_status
add_slabs(const struct rc_restore *how,
          const struct rc_manifest_project *stored_project,
          struct rc_project *project,
          const struct rc_state_slab *stored,
          uint32_t count,
          struct rc_kept_slabs *kept,
          struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_version_unrefp) struct rc_version *draft = NULL;
    RC_TRY_OR(reterr_error, rc_version_draft(rc_project_version(project), &draft));
    RC_TRY_OR(reterr_error, RC_GROW(kept->ids, kept->capacity, count));
    struct slab_file *files = rc_alloc_zero(count * sizeof(files[0]));
    if (files == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to restore a project");
    enum rc_status status = RC_OK;
    for (uint32_t i = 0; status == RC_OK && i < count; i++) {
        files[i].how = how;
        files[i].hot_account = rc_project_account_of(project, RC_MEMORY_SLABS);
        files[i].cold_account = rc_project_account_of(project, RC_MEMORY_COLD);
        files[i].id = stored[i].id;
        status = rc_project_path(how->directory, stored_project->id, stored_project->incarnation,
                                 "slab", stored[i].id, files[i].path, reterr_error);
    }
    if (status == RC_OK)
        read_slabs(how, files, count);
    for (uint32_t i = 0; status == RC_OK && i < count; i++) {
        status = add_read(draft, &files[i], &stored[i], reterr_error);
        kept->ids[kept->count++] = stored[i].id;
    }
    slab_files_free(files, count);
    RC_TRY(status);
    rc_project_publish(project, RC_TAKE(draft), 0);
    return RC_OK;
}

static enum rc_status
restore(const struct rc_restore *how,
        const struct rc_manifest_project *stored,
        const char *path,
        struct rc_bytes state,
        struct rc_project **ret_project,
        struct rc_kept_slabs *kept,
        struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    if (arena == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to restore a project");
    RC_CLEANUP(rc_project_unrefp) struct rc_project *project = NULL;
    struct rc_state_slab *slabs = NULL;
    uint32_t count = 0;
    RC_TRY(name_file(path,
                     rc_state_read(state, how->parent, how->head_rows_max, arena, &project, &slabs,
                                   &count, reterr_error),
                     reterr_error));
    RC_TRY(add_slabs(how, stored, project, slabs, count, kept, reterr_error));
    rc_kept_slabs_sort(kept);
    *ret_project = RC_TAKE(project);
    return RC_OK;
}

enum rc_status
rc_restore_project(const struct rc_restore *how,
                   const struct rc_manifest_project *stored,
                   struct rc_project **ret_project,
                   struct rc_kept_slabs *ret_kept,
                   struct rc_error *reterr_error)
{
    char path[RC_PATH_BYTES_MAX];
    RC_TRY(rc_project_path(how->directory, stored->id, stored->incarnation, "state",
                           stored->state_number, path, reterr_error));
    RC_CLEANUP(rc_alloc_freep) void *data = NULL;
    size_t size = 0;
    RC_TRY(rc_disk_read_file(how->disk, path, how->parent, &data, &size, reterr_error));
    struct rc_kept_slabs kept = {.state_number = stored->state_number,
                                 .sequence = stored->sequence};
    const enum rc_status status =
        restore(how, stored, path, (struct rc_bytes){data, size}, ret_project, &kept, reterr_error);
    if (status == RC_OK) {
        kept.changes = rc_project_changes(*ret_project);
        *ret_kept = kept;
        return RC_OK;
    }
    rc_kept_slabs_close(&kept);
    return status;
}
