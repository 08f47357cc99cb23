#include "engine/keep/restore.h"

#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/assert.h"
#include "engine/keep/state.h"

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

/* The directory of a project's files, and how to read them. */
struct source {
    struct rc_disk *disk;
    const char *directory;
    struct rc_bytes id;
    uint64_t incarnation;
    bool verify;
};

static enum rc_status
add_slabs(const struct source *source,
          struct rc_project *project,
          const struct rc_state_slab *stored,
          uint32_t count,
          struct rc_kept_slabs *kept,
          struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_version_unrefp) struct rc_version *draft = NULL;
    RC_TRY_OR(reterr_error, rc_version_draft(rc_project_version(project), &draft));
    RC_TRY_OR(reterr_error, RC_GROW(kept->ids, kept->capacity, count));
    for (uint32_t i = 0; i < count; i++) {
        char path[RC_PATH_BYTES_MAX];
        RC_CLEANUP(rc_slab_unrefp) struct rc_slab *slab = NULL;
        RC_TRY(rc_project_path(source->directory, source->id, source->incarnation, "slab",
                               stored[i].id, path, reterr_error));
        enum rc_status status = rc_slab_map(source->disk, path, source->verify,
                                            rc_project_account(project), &slab, reterr_error);
        if (status == RC_OK)
            status = add_slab(draft, slab, &stored[i], reterr_error);
        RC_TRY(name_file(path, status, reterr_error));
        kept->ids[kept->count++] = stored[i].id;
    }
    rc_project_publish(project, RC_TAKE(draft), 0);
    return RC_OK;
}

static enum rc_status
restore(const struct source *source,
        const char *path,
        struct rc_bytes state,
        struct rc_account *parent,
        uint32_t head_rows_max,
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
    RC_TRY(name_file(
        path,
        rc_state_read(state, parent, head_rows_max, arena, &project, &slabs, &count, reterr_error),
        reterr_error));
    RC_TRY(add_slabs(source, project, slabs, count, kept, reterr_error));
    rc_kept_slabs_sort(kept);
    *ret_project = RC_TAKE(project);
    return RC_OK;
}

enum rc_status
rc_restore_project(struct rc_disk *disk,
                   const char *directory,
                   struct rc_bytes id,
                   uint64_t incarnation,
                   uint64_t number,
                   struct rc_account *parent,
                   uint32_t head_rows_max,
                   bool verify,
                   struct rc_project **ret_project,
                   struct rc_kept_slabs *ret_kept,
                   struct rc_error *reterr_error)
{
    char path[RC_PATH_BYTES_MAX];
    RC_TRY(rc_project_path(directory, id, incarnation, "state", number, path, reterr_error));
    RC_CLEANUP(rc_file_closep) struct rc_file *file = NULL;
    RC_TRY(rc_file_open(disk, path, RC_FILE_READ, &file, reterr_error));
    const void *data = NULL;
    size_t size = 0;
    RC_TRY(rc_file_map(file, &data, &size, reterr_error));
    const struct source source = {disk, directory, id, incarnation, verify};
    struct rc_kept_slabs kept = {0};
    const enum rc_status status = restore(&source, path, (struct rc_bytes){data, size}, parent,
                                          head_rows_max, ret_project, &kept, reterr_error);
    rc_file_unmap(disk, data, size);
    if (status == RC_OK) {
        *ret_kept = kept;
        return RC_OK;
    }
    rc_kept_slabs_close(&kept);
    return status;
}
