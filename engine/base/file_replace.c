/*
 * Whatever an interrupted replacement left under the temporary name is removed first, so a name
 * that ends so must not be used for anything else.
 */
#include "engine/base/file_replace.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/assert.h"
#include "engine/base/file_gentle.h"

enum rc_status
rc_replacement_open(struct rc_disk *disk,
                    const char *path,
                    struct rc_replacement *ret_replacement,
                    struct rc_error *reterr_error)
{
    const size_t room = strlen(path) + sizeof(".new");
    RC_CLEANUP(rc_replacement_close)
    struct rc_replacement replacement = {
        .disk = disk, .path = rc_alloc(room), .temporary = rc_alloc(room)};
    if (replacement.path == NULL || replacement.temporary == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to replace %s", path);
    (void)snprintf(replacement.path, room, "%s", path);
    (void)snprintf(replacement.temporary, room, "%s.new", path);
    const enum rc_status removed = rc_disk_remove(disk, replacement.temporary, reterr_error);
    if (removed != RC_OK && removed != RC_NOT_FOUND)
        return removed;
    RC_TRY(
        rc_file_open(disk, replacement.temporary, RC_FILE_CREATE, &replacement.file, reterr_error));
    *ret_replacement = replacement;
    replacement = (struct rc_replacement){0};
    return RC_OK;
}

enum rc_status
rc_replacement_write(struct rc_replacement *replacement,
                     const void *data,
                     size_t size,
                     struct rc_error *reterr_error)
{
    RC_TRY(rc_file_write_gently(replacement->file, data, size, replacement->size,
                                replacement->pause_ns, reterr_error));
    replacement->size += size;
    return RC_OK;
}

static bool
spill(void *context, const void *data, size_t size)
{
    struct rc_replacement *replacement = context;
    replacement->status = rc_replacement_write(replacement, data, size, &replacement->error);
    return replacement->status == RC_OK;
}

struct rc_writer
rc_replacement_writer(struct rc_replacement *replacement)
{
    return (struct rc_writer){
        .spill = spill, .spill_context = replacement, .spill_bytes = RC_REPLACEMENT_PIECE_BYTES};
}

enum rc_status
rc_replacement_finish(struct rc_replacement *replacement,
                      struct rc_writer *writer,
                      struct rc_error *reterr_error)
{
    RC_ASSERT(writer->spill_context == replacement);
    if (replacement->status != RC_OK) {
        if (reterr_error != NULL)
            *reterr_error = replacement->error;
        return replacement->status;
    }
    if (writer->failed)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to write %s", replacement->path);
    return rc_replacement_write(replacement, writer->data, writer->size, reterr_error);
}

static enum rc_status
sync_parent(const struct rc_replacement *replacement, struct rc_error *reterr_error)
{
    const char *slash = strrchr(replacement->path, '/');
    if (slash == NULL)
        return rc_disk_sync_dir(replacement->disk, ".", reterr_error);
    /* The temporary name has served; the parent of "/x" is "/". */
    const size_t size = slash == replacement->path ? 1 : (size_t)(slash - replacement->path);
    replacement->temporary[size] = '\0';
    return rc_disk_sync_dir(replacement->disk, replacement->temporary, reterr_error);
}

enum rc_status
rc_replacements_commit(struct rc_replacement *replacements,
                       uint32_t count,
                       struct rc_error *reterr_error)
{
    for (uint32_t i = 0; i < count; i++)
        RC_TRY(rc_file_sync(replacements[i].file, reterr_error));
    for (uint32_t i = 0; i < count; i++) {
        RC_TRY(rc_disk_rename(replacements[i].disk, replacements[i].temporary, replacements[i].path,
                              reterr_error));
        replacements[i].file = rc_file_close(replacements[i].file);
    }
    return count == 0 ? RC_OK : sync_parent(&replacements[0], reterr_error);
}

enum rc_status
rc_replacement_commit(struct rc_replacement *replacement, struct rc_error *reterr_error)
{
    return rc_replacements_commit(replacement, 1, reterr_error);
}

void
rc_replacement_close(struct rc_replacement *replacement)
{
    if (replacement->file != NULL) {
        rc_file_close(replacement->file);
        /* Best effort: what stays behind is removed by the next replacement. */
        const enum rc_status removed =
            rc_disk_remove(replacement->disk, replacement->temporary, NULL);
        (void)removed;
    }
    rc_alloc_free(replacement->path);
    rc_alloc_free(replacement->temporary);
    *replacement = (struct rc_replacement){0};
}

enum rc_status
rc_disk_replace_file(struct rc_disk *disk,
                     const char *path,
                     const void *data,
                     size_t size,
                     struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_replacement_close) struct rc_replacement replacement = {0};
    RC_TRY(rc_replacement_open(disk, path, &replacement, reterr_error));
    RC_TRY(rc_replacement_write(&replacement, data, size, reterr_error));
    return rc_replacement_commit(&replacement, reterr_error);
}
