/*
 * Checkpoint. A project is captured as a view, pinned while its writer's lock is held, so that the
 * view, the positions of its streams and the number of the last applied record belong together. The
 * rest goes on without a lock: slabs that are not on disk yet are written, the rows of heads are
 * sealed into slabs that only the checkpoint knows (memory keeps the heads), and the state file
 * names them all.
 *
 * A project that has not changed since its state was written keeps that file: of thousands of
 * projects, mostly idle, a checkpoint writes those that took something.
 */
#include "engine/keep/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/clock.h"
#include "engine/base/file_replace.h"
#include "engine/durable/manifest.h"
#include "engine/intake/seal.h"
#include "engine/keep/manifest_content.h"
#include "engine/keep/stale.h"
#include "engine/keep/state.h"
#include "engine/store/slab/slab_format.h"

static int
compare_ids(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

void
rc_kept_slabs_sort(struct rc_kept_slabs *kept)
{
    if (kept->count > 0)
        qsort(kept->ids, kept->count, sizeof(kept->ids[0]), compare_ids);
}

void
rc_kept_slabs_close(struct rc_kept_slabs *kept)
{
    rc_alloc_free(kept->ids);
    *kept = (struct rc_kept_slabs){0};
}

bool
rc_kept_slabs_has(const struct rc_kept_slabs *kept, uint64_t id)
{
    size_t low = 0;
    size_t high = kept->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (kept->ids[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < kept->count && kept->ids[low] == id;
}

enum rc_status
rc_project_path(const char *directory,
                struct rc_bytes id,
                uint64_t incarnation,
                const char *file_kind,
                uint64_t file_number,
                char path[RC_PATH_BYTES_MAX],
                struct rc_error *reterr_error)
{
    int size = snprintf(path, RC_PATH_BYTES_MAX, "%s/projects/%.*s@%016" PRIx64, directory,
                        (int)id.size, id.data, incarnation);
    if (size >= 0 && (size_t)size < RC_PATH_BYTES_MAX && file_kind != NULL)
        size += snprintf(path + size, RC_PATH_BYTES_MAX - (size_t)size, "/%s-%016" PRIx64,
                         file_kind, file_number);
    if (size < 0 || (size_t)size >= RC_PATH_BYTES_MAX)
        return rc_error_set(reterr_error, RC_LIMIT_EXCEEDED,
                            "the data directory's path is too long");
    return RC_OK;
}

/* Files of a project that are written before they are synced together: each is open until then. */
#define FILES_MAX 32u

/* What is captured of a project, and the slabs of its heads. */
struct capture {
    struct rc_state state;
    struct rc_arena *arena;
    struct rc_slab **head_slabs;
    uint32_t head_slab_count;
    uint64_t first_head_slab_id;
    uint32_t file_count;
    struct rc_replacement files[FILES_MAX]; /* Written, and not yet synced. */
};

static void
capture_close(struct capture *capture)
{
    for (uint32_t i = 0; i < capture->head_slab_count; i++)
        rc_slab_unref(capture->head_slabs[i]);
    for (uint32_t i = 0; i < capture->file_count; i++)
        rc_replacement_close(&capture->files[i]);
    rc_state_unpin_catalogs(&capture->state);
    capture->state.view = rc_view_release(capture->state.view);
    capture->arena = rc_arena_free(capture->arena);
}

/* With the writer's lock held: batches wait. */
static enum rc_status
capture_locked(struct rc_project *project, struct capture *capture)
{
    RC_TRY(rc_streams_copy(rc_project_streams(project), capture->arena, &capture->state.streams));
    rc_state_pin_catalogs(&capture->state);
    RC_TRY(rc_project_get_settings(project, capture->arena, &capture->state.settings));
    return rc_project_pin(project, rc_project_account(project), &capture->state.view);
}

static enum rc_status
seal_heads(struct rc_project *project, struct capture *capture, struct rc_error *reterr_error)
{
    uint32_t chunk_count = 0;
    const struct rc_view_chunk *chunks = rc_view_chunks(capture->state.view, &chunk_count);
    RC_TRY(rc_seal_chunks(rc_view_version(capture->state.view), chunks, chunk_count,
                          rc_project_account(project), capture->arena, NULL, &capture->head_slabs,
                          &capture->head_slab_count, reterr_error));
    rc_project_lock_writer(project);
    for (uint32_t i = 0; i < capture->head_slab_count; i++) {
        const uint64_t id = rc_project_next_slab_id(project);
        if (i == 0)
            capture->first_head_slab_id = id;
    }
    capture->state.next_slab_id = rc_project_next_slab_id(project);
    rc_project_unlock_writer(project);
    return RC_OK;
}

/* Makes durable what was written. */
static enum rc_status
commit_files(struct capture *capture, struct rc_error *reterr_error)
{
    RC_TRY(rc_replacements_commit(capture->files, capture->file_count, reterr_error));
    for (uint32_t i = 0; i < capture->file_count; i++)
        rc_replacement_close(&capture->files[i]);
    capture->file_count = 0;
    return RC_OK;
}

/* Begins a file of the project. */
static enum rc_status
begin_file(const struct rc_checkpoint *checkpoint,
           const struct rc_checkpoint_project *project,
           struct capture *capture,
           const char *kind,
           uint64_t number,
           struct rc_replacement **ret_file,
           struct rc_error *reterr_error)
{
    char path[RC_PATH_BYTES_MAX];
    RC_TRY(rc_project_path(checkpoint->directory, rc_project_id(project->project),
                           project->incarnation, kind, number, path, reterr_error));
    if (capture->file_count == FILES_MAX)
        RC_TRY(commit_files(capture, reterr_error));
    struct rc_replacement *file = &capture->files[capture->file_count];
    RC_TRY(rc_replacement_open(checkpoint->disk, path, file, reterr_error));
    file->pause_ns = checkpoint->pause_ns;
    capture->file_count++;
    *ret_file = file;
    return RC_OK;
}

static enum rc_status
write_slab(struct rc_checkpoint *checkpoint,
           const struct rc_checkpoint_project *project,
           struct capture *capture,
           const struct rc_slab *slab,
           uint64_t id,
           struct rc_error *reterr_error)
{
    RC_ASSERT(!rc_slab_is_cold(slab)); /* Only what is on disk becomes cold. */
    const struct rc_bytes bytes = rc_slab_bytes(slab);
    struct rc_replacement *file = NULL;
    RC_TRY(begin_file(checkpoint, project, capture, "slab", id, &file, reterr_error));
    RC_TRY(rc_replacement_write(file, bytes.data, bytes.size, reterr_error));
    checkpoint->slabs_written++;
    checkpoint->bytes_written += bytes.size;
    return RC_OK;
}

/* Writes every slab of the capture that is not on disk, and lists them all. */
static enum rc_status
write_slabs(struct rc_checkpoint *checkpoint,
            struct rc_checkpoint_project *project,
            struct capture *capture,
            struct rc_error *reterr_error)
{
    uint32_t view_count = 0;
    const struct rc_view_slab *view_slabs = rc_view_slabs(capture->state.view, &view_count);
    const uint32_t count = view_count + capture->head_slab_count;
    struct rc_state_slab *slabs = RC_ARENA_ARRAY(capture->arena, struct rc_state_slab, count);
    if (slabs == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a checkpoint");
    RC_TRY_OR(reterr_error, RC_GROW(project->next.ids, project->next.capacity, count));
    for (uint32_t i = 0; i < count; i++) {
        const bool of_view = i < view_count;
        const struct rc_slab *slab =
            of_view ? view_slabs[i].slab : capture->head_slabs[i - view_count];
        slabs[i].id = of_view ? view_slabs[i].id : capture->first_head_slab_id + i - view_count;
        slabs[i].crc32c = rc_slab_header_of(slab)->crc32c;
        if (of_view && view_slabs[i].dead != NULL) {
            const uint32_t rows = rc_slab_get_info(slab)->row_count;
            slabs[i].dead_count = view_slabs[i].dead_count;
            slabs[i].dead_words = (rows + 63) / 64;
            slabs[i].dead = view_slabs[i].dead;
        }
        if (!of_view || !rc_kept_slabs_has(project->kept, slabs[i].id))
            RC_TRY(write_slab(checkpoint, project, capture, slab, slabs[i].id, reterr_error));
        project->next.ids[project->next.count++] = slabs[i].id;
    }
    rc_kept_slabs_sort(&project->next);
    capture->state.slabs = slabs;
    capture->state.slab_count = count;
    return RC_OK;
}

static enum rc_status
write_state(struct rc_checkpoint *checkpoint,
            struct rc_checkpoint_project *project,
            struct capture *capture,
            struct rc_error *reterr_error)
{
    struct rc_replacement *file = NULL;
    RC_TRY(
        begin_file(checkpoint, project, capture, "state", checkpoint->number, &file, reterr_error));
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = rc_replacement_writer(file);
    project->next.state_crc32c = rc_state_write(&writer, &capture->state);
    RC_TRY(rc_replacement_finish(file, &writer, reterr_error));
    checkpoint->states_written++;
    checkpoint->bytes_written += file->size;
    return commit_files(capture, reterr_error);
}

/* Where users were deleted, the texts that only they had do not go into the state. */
static enum rc_status
find_live_codes(struct capture *capture)
{
    const struct rc_view *view = capture->state.view;
    const struct rc_gone *gone = rc_view_version(view)->gone;
    const struct rc_people_counts counts = rc_view_people_counts(view);
    if (gone == NULL)
        return RC_OK;
    struct rc_live_codes *codes = RC_ARENA_ARRAY(capture->arena, struct rc_live_codes, 1);
    if (codes == NULL)
        return RC_NO_MEMORY;
    RC_TRY(rc_live_codes_of_writes(rc_view_people(view), &counts, gone, capture->arena, codes));
    capture->state.user_codes = codes;
    return RC_OK;
}

/* Makes the project's directory, and its entry in the one above durable. */
static enum rc_status
make_directory(const struct rc_checkpoint *checkpoint,
               const struct rc_checkpoint_project *project,
               struct rc_error *reterr_error)
{
    char path[RC_PATH_BYTES_MAX];
    RC_TRY(rc_project_path(checkpoint->directory, rc_project_id(project->project),
                           project->incarnation, NULL, 0, path, reterr_error));
    RC_TRY(rc_disk_make_dir(checkpoint->disk, path, reterr_error));
    if (project->kept->state_number != 0)
        return RC_OK; /* The last checkpoint did it. */
    *strrchr(path, '/') = '\0';
    return rc_disk_sync_dir(checkpoint->disk, path, reterr_error);
}

/* Whether the state on disk is still the project's; then it counts as one of now. */
static bool
keeps_its_state(struct rc_checkpoint_project *project,
                uint64_t (*applied)(void *context),
                void *context)
{
    rc_project_lock_writer(project->project);
    const bool same = project->kept->state_number != 0 &&
                      project->kept->changes == rc_project_changes(project->project);
    const uint64_t applied_sequence = applied(context);
    rc_project_unlock_writer(project->project);
    if (same)
        project->sequence =
            applied_sequence > project->kept->sequence ? applied_sequence : project->kept->sequence;
    return same;
}

static enum rc_status
capture_project(struct rc_checkpoint *checkpoint,
                struct rc_checkpoint_project *project,
                struct capture *capture,
                uint64_t (*applied)(void *context),
                void *context)
{
    rc_project_lock_writer(project->project);
    const uint64_t held_ns = rc_clock_monotonic_ns();
    const enum rc_status status = capture_locked(project->project, capture);
    const uint64_t applied_sequence = applied(context);
    project->next.changes = rc_project_changes(project->project);
    const uint64_t hold_ns = rc_clock_monotonic_ns() - held_ns;
    rc_project_unlock_writer(project->project);
    if (hold_ns > checkpoint->longest_hold_ns)
        checkpoint->longest_hold_ns = hold_ns;
    RC_TRY(status);
    /* A record is visible a moment before it is counted as applied. */
    const uint64_t shown_sequence = rc_view_data_version(capture->state.view);
    project->sequence = shown_sequence > applied_sequence ? shown_sequence : applied_sequence;
    project->next.state_number = checkpoint->number;
    return rc_view_show_rows(capture->state.view);
}

enum rc_status
rc_checkpoint_write_project(struct rc_checkpoint *checkpoint,
                            struct rc_checkpoint_project *project,
                            uint64_t (*applied)(void *context),
                            void *context,
                            struct rc_error *reterr_error)
{
    if (keeps_its_state(project, applied, context))
        return RC_OK;
    RC_TRY(make_directory(checkpoint, project, reterr_error));
    RC_CLEANUP(capture_close) struct capture capture = {.state.project = project->project};
    capture.arena = rc_arena_new(rc_project_account(project->project), 0);
    if (capture.arena == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a checkpoint");
    RC_TRY_OR(reterr_error, capture_project(checkpoint, project, &capture, applied, context));
    RC_TRY(seal_heads(project->project, &capture, reterr_error));
    RC_TRY(write_slabs(checkpoint, project, &capture, reterr_error));
    RC_TRY_OR(reterr_error, find_live_codes(&capture));
    return write_state(checkpoint, project, &capture, reterr_error);
}

/* What the checkpoint wrote of a project is what is on disk from now on. */
static void
take_over(struct rc_checkpoint_project *project)
{
    if (project->next.state_number != 0) {
        rc_kept_slabs_close(project->kept);
        *project->kept = project->next;
        project->next = (struct rc_kept_slabs){0};
        project->written = true;
    }
    project->kept->sequence = project->sequence;
}

enum rc_status
rc_checkpoint_commit(struct rc_checkpoint *checkpoint, struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    RC_CLEANUP(rc_writer_close) struct rc_writer receipts = {0};
    struct rc_manifest_content content = {
        .number = checkpoint->number,
        .sequence = checkpoint->sequence,
        .project_count = checkpoint->project_count,
        .log = checkpoint->log,
    };
    RC_CLEANUP(rc_alloc_freep)
    struct rc_manifest_project *projects =
        rc_alloc(checkpoint->project_count * sizeof(projects[0]));
    if (projects == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the manifest");
    for (uint32_t i = 0; i < checkpoint->project_count; i++) {
        const struct rc_checkpoint_project *project = &checkpoint->projects[i];
        const struct rc_kept_slabs *kept =
            project->next.state_number != 0 ? &project->next : project->kept;
        projects[i] = (struct rc_manifest_project){
            .id = rc_project_id(project->project),
            .incarnation = project->incarnation,
            .sequence = project->sequence,
            .state_number = kept->state_number,
            .state_crc32c = kept->state_crc32c,
        };
    }
    content.projects = projects;
    rc_receipts_write(checkpoint->receipts, &receipts);
    content.receipts = (struct rc_bytes){(const char *)receipts.data, receipts.size};
    rc_manifest_content_write(&writer, &content);
    if (writer.failed || receipts.failed)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the manifest");
    RC_TRY(rc_manifest_write(checkpoint->disk, checkpoint->directory,
                             (struct rc_bytes){(const char *)writer.data, writer.size},
                             reterr_error));
    for (uint32_t i = 0; i < checkpoint->project_count; i++)
        take_over(&checkpoint->projects[i]);
    checkpoint->stale_left = !rc_stale_clear(checkpoint);
    return RC_OK;
}
