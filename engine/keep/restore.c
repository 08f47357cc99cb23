/*
 * Workers read and verify the slabs side by side: nothing of a slab is believed before its
 * checksums were found right. The state names the slabs, and to read a large one takes as long as
 * half of them: so what lies in the project's directory is read beside it, and what it then does
 * not name (an interrupted checkpoint left it) is let go. The largest first, or the last one is
 * waited for.
 *
 * Most of a start is memory that is touched for the first time, which a virtual machine may have to
 * ask its host for: two threads get it in half the time of one.
 */
#include "engine/keep/restore.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/assert.h"
#include "engine/base/limits.h"
#include "engine/keep/state.h"
#include "engine/store/slab/slab_format.h"

/* From here on the slabs are not waited for until the state was read: 2 ms of reading. */
#define LARGE_STATE_BYTES ((size_t)256 << 10)

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
    if (stored->crc32c != 0 && stored->crc32c != rc_slab_header_of(slab)->crc32c)
        return rc_error_set(reterr_error, RC_CORRUPT,
                            "it is intact, and not the slab that the state names");
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

/* A slab's file on its way into the version. */
struct slab_file {
    uint64_t id;
    uint64_t size; /* 0: not known. */
    struct rc_slab *slab;
    enum rc_status status;
    struct rc_error error;
};

/* A project whose files are read. */
struct reading {
    const struct rc_restore *how;
    const struct rc_manifest_project *stored;
    struct rc_project *project;
    struct rc_arena *arena;
    struct slab_file *files; /* While they are read the largest first, then by id. */
    size_t file_count;
    size_t file_capacity;
    /* Of the state: */
    struct rc_state_reading state;
    struct rc_state_slab *slabs;
    uint32_t slab_count;
    enum rc_status status;
    struct rc_error error;
};

static void
reading_close(struct reading *reading)
{
    for (size_t i = 0; i < reading->file_count; i++)
        rc_slab_unref(reading->files[i].slab);
    rc_alloc_free(reading->files);
    rc_project_unref(reading->project);
}

static enum rc_status
path_of(const struct reading *reading,
        uint64_t id,
        char path[RC_PATH_BYTES_MAX],
        struct rc_error *reterr_error)
{
    return rc_project_path(reading->how->directory, reading->stored->id,
                           reading->stored->incarnation, "slab", id, path, reterr_error);
}

static enum rc_status
add_file(struct reading *reading, uint64_t id)
{
    RC_TRY(RC_GROW(reading->files, reading->file_capacity, reading->file_count + 1));
    reading->files[reading->file_count++] = (struct slab_file){.id = id};
    return RC_OK;
}

static int
by_id(const void *left, const void *right)
{
    const struct slab_file *a = left;
    const struct slab_file *b = right;
    return (a->id > b->id) - (a->id < b->id);
}

static int
larger_first(const void *left, const void *right)
{
    const struct slab_file *a = left;
    const struct slab_file *b = right;
    return a->size != b->size ? (a->size < b->size) - (a->size > b->size) : by_id(left, right);
}

static void
sort_files(struct reading *reading, size_t first, int (*order)(const void *, const void *))
{
    if (reading->file_count - first > 1)
        qsort(&reading->files[first], reading->file_count - first, sizeof(reading->files[0]),
              order);
}

/* Among the first files, which are in order of their ids. */
static struct slab_file *
find_file(const struct reading *reading, size_t count, uint64_t id)
{
    const struct slab_file wanted = {.id = id};
    return count == 0 ? NULL : bsearch(&wanted, reading->files, count, sizeof(wanted), by_id);
}

/* Callback of a listing. */
static enum rc_status
note_name(void *context, const char *name)
{
    struct reading *reading = context;
    char expected[64];
    uint64_t id = 0;
    if (sscanf(name, "slab-%" SCNx64, &id) != 1)
        return RC_OK;
    (void)snprintf(expected, sizeof(expected), "slab-%016" PRIx64, id);
    return strcmp(name, expected) == 0 ? add_file(reading, id) : RC_OK;
}

static enum rc_status
find_size(const struct reading *reading, struct slab_file *own)
{
    char path[RC_PATH_BYTES_MAX];
    RC_CLEANUP(rc_file_closep) struct rc_file *file = NULL;
    RC_TRY(path_of(reading, own->id, path, &own->error));
    RC_TRY(rc_file_open(reading->how->disk, path, RC_FILE_READ, &file, &own->error));
    return rc_file_size(file, &own->size, &own->error);
}

/* Finds the sizes of the files from first on, and puts the largest first: for several threads. */
static void
order_files(struct reading *reading, size_t first)
{
    if (reading->how->workers == NULL)
        return;
    for (size_t i = first; i < reading->file_count; i++)
        reading->files[i].status = find_size(reading, &reading->files[i]);
    sort_files(reading, first, larger_first);
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

static enum rc_status
read_slab(const struct reading *reading, struct slab_file *file)
{
    const struct rc_restore *how = reading->how;
    char path[RC_PATH_BYTES_MAX];
    RC_TRY(file->status);
    RC_TRY(path_of(reading, file->id, path, &file->error));
    enum rc_status status = RC_NO_MEMORY;
    if (is_cold(how, path))
        status = rc_slab_open_cold(how->cold, how->disk, path,
                                   rc_project_account_of(reading->project, RC_MEMORY_COLD),
                                   &file->slab, &file->error);
    /* It is not; or no more files may be open, say: then it is read. */
    if (status == RC_NO_MEMORY || status == RC_IO)
        status = rc_slab_read(how->disk, path, how->verify,
                              rc_project_account_of(reading->project, RC_MEMORY_SLABS), &file->slab,
                              &file->error);
    return name_file(path, status, &file->error);
}

/* A task of the workers: the state, and behind it the files. */
static void
read_part(void *argument, uint32_t index)
{
    struct reading *reading = argument;
    if (index > 0)
        reading->files[index - 1].status = read_slab(reading, &reading->files[index - 1]);
    else
        reading->status = rc_state_end_read(&reading->state, reading->project, reading->arena,
                                            &reading->slabs, &reading->slab_count, &reading->error);
}

struct reading_from {
    struct reading *reading;
    size_t first;
};

/* A task of the workers. */
static void
read_file(void *argument, uint32_t index)
{
    const struct reading_from *from = argument;
    struct slab_file *file = &from->reading->files[from->first + index];
    file->status = read_slab(from->reading, file);
}

static void
run(const struct rc_restore *how,
    uint32_t count,
    void (*task)(void *argument, uint32_t index),
    void *argument)
{
    if (how->workers != NULL)
        rc_workers_run(how->workers, rc_workers_count(how->workers), count, task, argument);
    else
        for (uint32_t i = 0; i < count; i++)
            task(argument, i);
}

/* Reads what is listed beside the state, if that is large; nobody misses what cannot be listed. */
static enum rc_status
read_state(struct reading *reading, size_t state_bytes, struct rc_error *reterr_error)
{
    char path[RC_PATH_BYTES_MAX];
    const size_t large =
        reading->how->large_state_bytes != 0 ? reading->how->large_state_bytes : LARGE_STATE_BYTES;
    if (state_bytes >= large && reading->how->workers != NULL &&
        rc_project_path(reading->how->directory, reading->stored->id, reading->stored->incarnation,
                        NULL, 0, path, NULL) == RC_OK &&
        rc_disk_list(reading->how->disk, path, note_name, reading, NULL) == RC_OK)
        order_files(reading, 0);
    run(reading->how, 1 + (uint32_t)reading->file_count, read_part, reading);
    if (reading->status != RC_OK && reterr_error != NULL)
        *reterr_error = reading->error;
    return reading->status;
}

/* Reads the slabs of the state that are not read yet. */
static enum rc_status
read_others(struct reading *reading, struct rc_error *reterr_error)
{
    struct reading_from from = {reading, reading->file_count};
    sort_files(reading, 0, by_id);
    for (uint32_t i = 0; i < reading->slab_count; i++)
        if (find_file(reading, from.first, reading->slabs[i].id) == NULL)
            RC_TRY_OR(reterr_error, add_file(reading, reading->slabs[i].id));
    order_files(reading, from.first);
    run(reading->how, (uint32_t)(reading->file_count - from.first), read_file, &from);
    sort_files(reading, 0, by_id);
    return RC_OK;
}

static enum rc_status
add_read(const struct reading *reading,
         struct rc_version *draft,
         const struct rc_state_slab *stored,
         struct rc_error *reterr_error)
{
    char path[RC_PATH_BYTES_MAX];
    struct slab_file *file = find_file(reading, reading->file_count, stored->id);
    if (file->status != RC_OK && reterr_error != NULL)
        *reterr_error = file->error;
    RC_TRY(file->status);
    RC_TRY(path_of(reading, stored->id, path, reterr_error));
    return name_file(path, add_slab(draft, file->slab, stored, reterr_error), reterr_error);
}

static enum rc_status
add_slabs(struct reading *reading, struct rc_kept_slabs *kept, struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_version_unrefp) struct rc_version *draft = NULL;
    RC_TRY_OR(reterr_error, rc_version_draft(rc_project_version(reading->project), &draft));
    RC_TRY_OR(reterr_error, RC_GROW(kept->ids, kept->capacity, reading->slab_count));
    for (uint32_t i = 0; i < reading->slab_count; i++) {
        const struct rc_state_slab *stored = &reading->slabs[i];
        RC_TRY(add_read(reading, draft, stored, reterr_error));
        kept->ids[kept->count++] = stored->id;
    }
    rc_project_publish(reading->project, RC_TAKE(draft), 0);
    rc_kept_slabs_sort(kept);
    kept->state_crc32c = reading->state.crc32c;
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
    RC_CLEANUP(reading_close)
    struct reading reading = {.how = how, .stored = stored, .arena = arena};
    RC_TRY(name_file(path,
                     rc_state_begin_read(state, how->parent, how->head_rows_max, &reading.state,
                                         &reading.project, reterr_error),
                     reterr_error));
    if (stored->state_crc32c != 0 && stored->state_crc32c != reading.state.crc32c)
        return rc_error_set(reterr_error, RC_CORRUPT,
                            "%.200s: it is intact, and not the state that the manifest names",
                            path);
    RC_TRY(name_file(path, read_state(&reading, state.size, reterr_error), reterr_error));
    RC_TRY(read_others(&reading, reterr_error));
    RC_TRY(add_slabs(&reading, kept, reterr_error));
    *ret_project = RC_TAKE(reading.project);
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
