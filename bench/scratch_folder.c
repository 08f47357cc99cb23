#include "scratch_folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void
scratch_folder_make(char path[SCRATCH_FOLDER_BYTES])
{
    static const char in_memory[] = "/dev/shm";
    const char *chosen = getenv("TMPDIR");
    const char *parent = access(in_memory, W_OK) == 0 ? in_memory : chosen != NULL ? chosen : ".";
    const int size = snprintf(path, SCRATCH_FOLDER_BYTES, "%s/recount-bench-XXXXXX", parent);
    if (size < 0 || (unsigned)size >= SCRATCH_FOLDER_BYTES || mkdtemp(path) == NULL)
        abort();
}

static int
remove_one(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info, (void)kind, (void)place;
    return remove(path);
}

void
scratch_folder_remove(const char *path)
{
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
        abort();
}
