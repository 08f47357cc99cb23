/* Load state: "key value" lines under a first line that names the format. */
#include "cli/load/load_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"

#define MAGIC "recount-load 1"

enum rc_status
rc_load_state_save(const struct rc_load_state *state,
                   const char *path,
                   struct rc_error *reterr_error)
{
    char text[512];
    const int size = snprintf(
        text, sizeof(text), MAGIC "\nstream %s\nproject %s\nfingerprint %016" PRIx64 "\ndone %d\n",
        state->stream, state->project, state->fingerprint, state->done);
    return rc_disk_replace_file(rc_disk_real(), path, text, (size_t)size, reterr_error);
}

enum rc_status
rc_load_state_read(const char *path, struct rc_load_state *ret_state, struct rc_error *reterr_error)
{
    struct rc_load_state state = {0};
    int done = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL && errno == ENOENT)
        return rc_error_set(reterr_error, RC_NOT_FOUND, "there is no %s", path);
    if (file == NULL)
        return rc_error_set(reterr_error, RC_IO, "%s: %m", path);
    const int read =
        fscanf(file, MAGIC " stream %128s project %127s fingerprint %" SCNx64 " done %d",
               state.stream, state.project, &state.fingerprint, &done);
    fclose(file);
    if (read != 4)
        return rc_error_set(reterr_error, RC_CORRUPT, "%s is no state of a load", path);
    state.done = done != 0;
    *ret_state = state;
    return RC_OK;
}

/* Whether a line of a reject file stays. line: input, line number, reason, row; tabs between. */
static bool
keeps(const char *line, const char *const *inputs, const struct rc_position *position)
{
    const char *number = strchr(line, '\t');
    const char *reason = number == NULL ? NULL : strchr(number + 1, '\t');
    const char *row = reason == NULL ? NULL : strchr(reason + 1, '\t');
    if (row == NULL)
        return false;
    if (row[1] == '\n' || row[1] == '\0')
        return true;
    const size_t name_size = (size_t)(number - line);
    for (uint32_t i = 0; i < position->input_count; i++) {
        if (strlen(inputs[i]) == name_size && memcmp(inputs[i], line, name_size) == 0)
            return strtoull(number + 1, NULL, 10) < position->inputs[i].line;
    }
    return false;
}

enum rc_status
rc_load_state_trim_rejects(const char *path,
                           const char *const *inputs,
                           const struct rc_position *position,
                           struct rc_error *reterr_error)
{
    char *kept = NULL, *line = NULL;
    size_t kept_size = 0, line_size = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return errno == ENOENT ? RC_OK : rc_error_set(reterr_error, RC_IO, "%s: %m", path);
    FILE *out = open_memstream(&kept, &kept_size);
    ssize_t size = 0;
    while (out != NULL && (size = getline(&line, &line_size, file)) > 0) {
        if (keeps(line, inputs, position))
            fwrite(line, 1, (size_t)size, out);
    }
    fclose(file);
    free(line);
    enum rc_status status = RC_NO_MEMORY;
    if (out != NULL && fclose(out) == 0)
        status = rc_disk_replace_file(rc_disk_real(), path, kept, kept_size, reterr_error);
    free(kept);
    return status;
}
