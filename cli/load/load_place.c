/*
 * The hash is of the archive's real path: two archives of one name have two states, and one archive
 * has one from wherever it is named.
 */
#include "cli/load/load_place.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/session/message.h"
#include "engine/base/hash.h"

bool
rc_load_place_is_writable(struct rc_arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return access(".", W_OK) == 0;
    const size_t size = slash == path ? 1 : (size_t)(slash - path);
    return access(rc_need(rc_arena_string(arena, path, size)), W_OK) == 0;
}

/* Makes a directory and those above it. */
static void
directory_make(struct rc_arena *arena, const char *path)
{
    char *copy = rc_need(rc_arena_string(arena, path, strlen(path)));
    for (char *slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(copy, 0700);
        *slash = '/';
    }
    (void)mkdir(copy, 0700);
}

/* The user's directory for states; NULL when the environment names none. A path that is not
 * absolute is to be ignored, says the specification of these names. */
static const char *
state_directory(struct rc_arena *arena)
{
    const char *given = getenv("XDG_STATE_HOME");
    if (given != NULL && given[0] == '/')
        return rc_text_format(arena, "%s/recount", given);
    const char *home = getenv("HOME");
    return home == NULL || home[0] != '/' ? NULL
                                          : rc_text_format(arena, "%s/.local/state/recount", home);
}

const char *
rc_load_place_state(struct rc_arena *arena, const char *archive)
{
    const char *directory =
        rc_load_place_is_writable(arena, archive) ? NULL : state_directory(arena);
    if (directory == NULL)
        return rc_text_format(arena, "%s.load", archive);
    directory_make(arena, directory);
    char *real = realpath(archive, NULL);
    const char *whole = real == NULL ? archive : real;
    const char *slash = strrchr(whole, '/');
    const char *path =
        rc_text_format(arena, "%s/%s-%016" PRIx64 ".load", directory,
                       slash == NULL ? whole : slash + 1, rc_hash(whole, strlen(whole)));
    free(real);
    return path;
}
