/* Paths are compared as they were given: the same command line resumes. */
#include "loaders/position.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/bytes.h"
#include "engine/base/file.h"

#define HEAD "recount-position 1\n"
#define FILE_BYTES_MAX ((uint64_t)16 << 20)

static void
line_write(struct rc_writer *writer, const char *key, uint64_t a, uint64_t b, const char *path)
{
    char text[96];
    const int size = path == NULL
                         ? snprintf(text, sizeof(text), "%s %" PRIu64, key, a)
                         : snprintf(text, sizeof(text), "%s %" PRIu64 " %" PRIu64 " ", key, a, b);
    rc_write_raw(writer, text, (size_t)size);
    if (path != NULL)
        rc_write_raw(writer, path, strlen(path));
    rc_write_raw(writer, "\n", 1);
}

enum rc_status
rc_position_save(const struct rc_position *position,
                 const char *const *paths,
                 const char *file,
                 struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    rc_write_raw(&writer, HEAD, sizeof(HEAD) - 1);
    line_write(&writer, "batch", position->batch_id, 0, NULL);
    for (uint32_t i = 0; i < position->input_count; i++)
        line_write(&writer, "input", position->inputs[i].offset, position->inputs[i].line,
                   paths[i]);
    if (writer.failed)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to save the position");
    return rc_disk_replace_file(rc_disk_real(), file, writer.data, writer.size, reterr_error);
}

static enum rc_status
file_read(const char *path, char **ret_text, struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_file_closep) struct rc_file *file = NULL;
    RC_TRY(rc_file_open(rc_disk_real(), path, RC_FILE_READ, &file, reterr_error));
    uint64_t size;
    RC_TRY(rc_file_size(file, &size, reterr_error));
    if (size > FILE_BYTES_MAX)
        return rc_error_set(reterr_error, RC_CORRUPT, "%s is not a position", path);
    RC_CLEANUP(rc_alloc_freep) char *text = rc_alloc(size + 1);
    if (text == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to read %s", path);
    size_t got = 0;
    RC_TRY(rc_file_read_at(file, text, size, 0, &got, reterr_error));
    text[got] = '\0';
    *ret_text = RC_TAKE(text);
    return RC_OK;
}

/* Reads "key number" at *at, and the character behind it. */
static bool
number_read(char **at, const char *key, char stop, uint64_t *ret_number)
{
    const size_t size = strlen(key);
    if (strncmp(*at, key, size) != 0)
        return false;
    char *end;
    *ret_number = strtoull(*at + size, &end, 10);
    if (end == *at + size || *end != stop)
        return false;
    *at = end + 1;
    return true;
}

static enum rc_status
input_read(char **at, const char *path, struct rc_position *position, struct rc_error *reterr_error)
{
    const uint32_t i = position->input_count;
    char *end = strchr(*at, '\n');
    if (end == NULL || !number_read(at, "input ", ' ', &position->inputs[i].offset) ||
        !number_read(at, "", ' ', &position->inputs[i].line))
        return RC_CORRUPT;
    *end = '\0';
    if (strcmp(*at, path) != 0)
        return rc_error_set(reterr_error, RC_CONFLICT,
                            "the saved position is of the input %.120s, not of %.120s", *at, path);
    *at = end + 1;
    position->input_count++;
    return RC_OK;
}

enum rc_status
rc_position_load(const char *file,
                 const char *const *paths,
                 uint32_t path_count,
                 struct rc_position *ret_position,
                 struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_alloc_freep) char *text = NULL;
    RC_CLEANUP(rc_alloc_freep) struct rc_position *position = rc_alloc_zero(sizeof(*position));
    if (position == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to read %s", file);
    RC_TRY(file_read(file, &text, reterr_error));
    char *at = text;
    enum rc_status status = RC_CORRUPT;
    if (strncmp(at, HEAD, sizeof(HEAD) - 1) == 0) {
        at += sizeof(HEAD) - 1;
        status = number_read(&at, "batch ", '\n', &position->batch_id) ? RC_OK : RC_CORRUPT;
    }
    for (uint32_t i = 0; i < path_count && status == RC_OK && *at != '\0'; i++)
        status = input_read(&at, paths[i], position, reterr_error);
    if (status == RC_CORRUPT)
        return rc_error_set(reterr_error, RC_CORRUPT, "%s is not a position", file);
    RC_TRY(status);
    if (*at != '\0' || position->input_count != path_count)
        return rc_error_set(reterr_error, RC_CONFLICT,
                            "the saved position is of other inputs: there are %u now", path_count);
    *ret_position = *position;
    return RC_OK;
}
