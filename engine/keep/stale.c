/*
 * A file stays when its name is, to the byte, one that the checkpoint writes; so nothing that only
 * looks like one (a temporary name of a slab that is kept) stays behind. The directory of a deleted
 * project goes behind its last file.
 */
#include "engine/keep/stale.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/limits.h"

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
    (void)snprintf(expected, sizeof(expected), "state-%016" PRIx64, clearing->checkpoint->number);
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
    return rc_disk_remove(clearing->checkpoint->disk, path, NULL);
}

/* Whether a directory's name is that of a project: ID@INCARNATION. */
static bool
is_directory_of(const struct rc_checkpoint_project *project, const char *name)
{
    char expected[RC_PROJECT_ID_BYTES_MAX + 32];
    const struct rc_bytes id = rc_project_id(project->project);
    if (strncmp(name, id.data, id.size) != 0)
        return false; /* Spares printing, for thousands of projects times as many names. */
    (void)snprintf(expected, sizeof(expected), "%.*s@%016" PRIx64, (int)id.size, id.data,
                   project->incarnation);
    return strcmp(name, expected) == 0;
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
    struct clearing clearing = {.checkpoint = checkpoint, .path = path};
    for (uint32_t i = 0; i < checkpoint->project_count; i++)
        if (is_directory_of(&checkpoint->projects[i], name))
            clearing.project = &checkpoint->projects[i];
    const int size = snprintf(path, sizeof(path), "%s/projects/%s", checkpoint->directory, name);
    if (size < 0 || (size_t)size >= RC_PATH_BYTES_MAX)
        return RC_OK;
    enum rc_status status = rc_disk_list(checkpoint->disk, path, clear_file, &clearing, NULL);
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
