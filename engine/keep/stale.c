/*
 * A file stays when its name is, to the byte, one that the checkpoint names; so nothing that only
 * looks like one (a temporary name of a slab that is kept) stays behind. The directory of a deleted
 * project goes behind its last file.
 *
 * The directory of a project that has not changed holds nothing new: unless it was never looked
 * into (a crash may have left something) it is passed by.
 */
#include "engine/keep/stale.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/file_gentle.h"
#include "engine/base/limits.h"
#include "engine/keep/bitmaps.h"

struct clearing {
    const struct rc_checkpoint *checkpoint;
    const struct rc_checkpoint_project *project; /* NULL: it was deleted. */
    const char *path;
};

static bool
is_named(const struct clearing *clearing, const char *name)
{
    char expected[64];
    uint64_t number = 0;
    if (clearing->project == NULL)
        return false;
    if (sscanf(name, "slab-%" SCNx64, &number) == 1) {
        (void)snprintf(expected, sizeof(expected), "slab-%016" PRIx64, number);
        return strcmp(name, expected) == 0 && rc_kept_slabs_has(clearing->project->kept, number);
    }
    if (sscanf(name, RC_BITMAPS_FILE "-%" SCNx64, &number) == 1) {
        (void)snprintf(expected, sizeof(expected), RC_BITMAPS_FILE "-%016" PRIx64, number);
        return strcmp(name, expected) == 0 && rc_kept_slabs_has(clearing->project->kept, number);
    }
    (void)snprintf(expected, sizeof(expected), "state-%016" PRIx64,
                   clearing->project->kept->state_number);
    return strcmp(name, expected) == 0;
}

static enum rc_status
clear_file(void *context, const char *name)
{
    const struct clearing *clearing = context;
    if (is_named(clearing, name))
        return RC_OK;
    char path[RC_PATH_BYTES_MAX + 256];
    (void)snprintf(path, sizeof(path), "%s/%s", clearing->path, name);
    return rc_disk_remove_gently(clearing->checkpoint->disk, path, clearing->checkpoint->pause_ns,
                                 NULL);
}

/* The project whose directory has this name, ID@INCARNATION; NULL: none has. */
static const struct rc_checkpoint_project *
project_of(const struct rc_checkpoint *checkpoint, const char *name)
{
    const char *at = strrchr(name, '@');
    const struct rc_bytes id = {name, at == NULL ? strlen(name) : (size_t)(at - name)};
    char expected[32];
    uint32_t low = 0;
    uint32_t high = checkpoint->project_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (rc_bytes_compare(rc_project_id(checkpoint->projects[middle].project), id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (at == NULL || low == checkpoint->project_count ||
        !rc_bytes_equal(rc_project_id(checkpoint->projects[low].project), id))
        return NULL;
    (void)snprintf(expected, sizeof(expected), "@%016" PRIx64,
                   checkpoint->projects[low].incarnation);
    return strcmp(at, expected) == 0 ? &checkpoint->projects[low] : NULL;
}

/* All directories. */
struct clearing_all {
    const struct rc_checkpoint *checkpoint;
    bool failed; /* Something is left. */
};

static enum rc_status
clear_directory(void *context, const char *name)
{
    struct clearing_all *all = context;
    const struct rc_checkpoint *checkpoint = all->checkpoint;
    char path[RC_PATH_BYTES_MAX + 256];
    const struct clearing clearing = {checkpoint, project_of(checkpoint, name), path};
    if (clearing.project != NULL && !clearing.project->written && !checkpoint->look_everywhere)
        return RC_OK;
    const int size = snprintf(path, sizeof(path), "%s/projects/%s", checkpoint->directory, name);
    if (size < 0 || (size_t)size >= RC_PATH_BYTES_MAX)
        return RC_OK;
    enum rc_status status =
        rc_disk_list(checkpoint->disk, path, clear_file, (void *)&clearing, NULL);
    if (status == RC_OK && clearing.project == NULL)
        status = rc_disk_remove(checkpoint->disk, path, NULL);
    all->failed = all->failed || status != RC_OK; /* The next directory may be better. */
    return RC_OK;
}

bool
rc_stale_clear(const struct rc_checkpoint *checkpoint)
{
    char path[RC_PATH_BYTES_MAX];
    struct clearing_all all = {.checkpoint = checkpoint};
    const int size = snprintf(path, sizeof(path), "%s/projects", checkpoint->directory);
    if (size < 0 || (size_t)size >= sizeof(path))
        return false;
    const enum rc_status status = rc_disk_list(checkpoint->disk, path, clear_directory, &all, NULL);
    return status == RC_OK && !all.failed;
}
