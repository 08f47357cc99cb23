#include "engine/keep/backup_list.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/checksum.h"
#include "engine/keep/checkpoint.h"

#define HEADLINE "recount backup 1"
#define LINE_BYTES (RC_BACKUP_PATH_BYTES_MAX + 64)
/* A million files of the longest paths. */
#define LIST_BYTES_MAX ((uint64_t)256 << 20)

void
rc_backup_list_close(struct rc_backup_list *list)
{
    rc_alloc_free(list->files);
    *list = (struct rc_backup_list){0};
}

enum rc_status
rc_backup_list_add(struct rc_backup_list *list,
                   const char *path,
                   uint64_t size,
                   uint32_t crc32c,
                   struct rc_error *reterr_error)
{
    if (strlen(path) >= RC_BACKUP_PATH_BYTES_MAX)
        return rc_error_set(reterr_error, RC_LIMIT_EXCEEDED, "the path %.200s is too long", path);
    RC_TRY_OR(reterr_error, RC_GROW(list->files, list->capacity, list->count + 1));
    struct rc_backup_file *file = &list->files[list->count++];
    *file = (struct rc_backup_file){.crc32c = crc32c, .size = size};
    memcpy(file->path, path, strlen(path) + 1);
    return RC_OK;
}

static enum rc_status
path_of(const char *directory, char path[RC_PATH_BYTES_MAX], struct rc_error *reterr_error)
{
    const int size = snprintf(path, RC_PATH_BYTES_MAX, "%s/" RC_BACKUP_LIST_NAME, directory);
    if (size < 0 || (size_t)size >= RC_PATH_BYTES_MAX)
        return rc_error_set(reterr_error, RC_LIMIT_EXCEEDED, "the backup's path is too long");
    return RC_OK;
}

static void
write_line(struct rc_writer *writer, const char *line)
{
    rc_write_raw(writer, line, strlen(line));
}

enum rc_status
rc_backup_list_write(struct rc_disk *disk,
                     const char *directory,
                     const struct rc_backup_list *list,
                     struct rc_error *reterr_error)
{
    char path[RC_PATH_BYTES_MAX];
    char line[LINE_BYTES];
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    RC_TRY(path_of(directory, path, reterr_error));
    write_line(&writer, HEADLINE "\n");
    (void)snprintf(line, sizeof(line), "position %" PRIu64 "\n", list->position);
    write_line(&writer, line);
    for (size_t i = 0; i < list->count; i++) {
        const struct rc_backup_file *file = &list->files[i];
        (void)snprintf(line, sizeof(line), "file %08" PRIx32 " %" PRIu64 " %s\n", file->crc32c,
                       file->size, file->path);
        write_line(&writer, line);
    }
    if (!writer.failed) {
        (void)snprintf(line, sizeof(line), "end %08" PRIx32 "\n",
                       rc_crc32c(writer.data, writer.size));
        write_line(&writer, line);
    }
    if (writer.failed)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a backup's list");
    return rc_disk_replace_file(disk, path, writer.data, writer.size, reterr_error);
}

/* The list as text, with a NUL at its end. */
static enum rc_status
read_text(struct rc_disk *disk,
          const char *path,
          char **ret_text,
          size_t *ret_size,
          struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_file_closep) struct rc_file *file = NULL;
    uint64_t size = 0;
    RC_TRY(rc_file_open(disk, path, RC_FILE_READ, &file, reterr_error));
    RC_TRY(rc_file_size(file, &size, reterr_error));
    if (size > LIST_BYTES_MAX)
        return rc_error_set(reterr_error, RC_CORRUPT, "%.200s is too long for a backup's list",
                            path);
    RC_CLEANUP(rc_alloc_freep) char *text = rc_alloc((size_t)size + 1);
    if (text == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a backup's list");
    RC_TRY(rc_file_read_at(file, text, (size_t)size, 0, ret_size, reterr_error));
    text[*ret_size] = '\0';
    *ret_text = RC_TAKE(text);
    return RC_OK;
}

/* Whether a path stays below its directory. */
static bool
path_is_below(const char *path)
{
    return path[0] != '\0' && path[0] != '/' && strstr(path, "..") == NULL;
}

static bool
read_line(struct rc_backup_list *list, const char *line, struct rc_error *error)
{
    struct rc_backup_file file;
    int path_at = 0;
    if (sscanf(line, "position %" SCNu64, &list->position) == 1)
        return true;
    if (sscanf(line, "file %" SCNx32 " %" SCNu64 " %n", &file.crc32c, &file.size, &path_at) != 2 ||
        path_at == 0 || !path_is_below(line + path_at))
        return false;
    return rc_backup_list_add(list, line + path_at, file.size, file.crc32c, error) == RC_OK;
}

enum rc_status
rc_backup_list_read(struct rc_disk *disk,
                    const char *directory,
                    struct rc_backup_list *list,
                    struct rc_error *reterr_error)
{
    char path[RC_PATH_BYTES_MAX];
    RC_CLEANUP(rc_alloc_freep) char *text = NULL;
    size_t size = 0;
    RC_TRY(path_of(directory, path, reterr_error));
    RC_TRY(read_text(disk, path, &text, &size, reterr_error));
    uint32_t line_number = 1;
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        struct rc_error error = {.status = RC_CORRUPT};
        *end = '\0';
        if (line_number > 1 && strncmp(line, "end", 3) == 0) {
            for (char *at = text; at < line; at++) /* As it was when it was signed. */
                *at = *at == '\0' ? '\n' : *at;
            char signature[32]; /* One spelling only. */
            (void)snprintf(signature, sizeof(signature), "end %08" PRIx32,
                           rc_crc32c(text, (size_t)(line - text)));
            if (end + 1 == text + size && strcmp(line, signature) == 0)
                return RC_OK;
            return rc_error_set(reterr_error, RC_CORRUPT, "the checksum of %.200s is off", path);
        }
        const bool sound =
            line_number == 1 ? strcmp(line, HEADLINE) == 0 : read_line(list, line, &error);
        if (!sound && error.status == RC_NO_MEMORY)
            return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a backup's list");
        if (!sound)
            return rc_error_set(reterr_error, RC_CORRUPT, "line %u of %.200s is broken",
                                line_number, path);
        line_number++;
    }
    return rc_error_set(reterr_error, RC_CORRUPT, "%.200s is cut short", path);
}
