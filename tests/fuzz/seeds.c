#include "tests/fuzz/seeds.h"

#include <errno.h>
#include <sys/stat.h>

void
seed_write(const char *directory,
           const char *target,
           const char *name,
           int first,
           struct rc_bytes bytes)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", directory, target);
    FUZZ_CHECK(mkdir(path, 0777) == 0 || errno == EEXIST);
    snprintf(path, sizeof(path), "%s/%s/%s", directory, target, name);
    FILE *file = fopen(path, "wb");
    FUZZ_CHECK(file != NULL);
    FUZZ_CHECK(first < 0 || fputc(first, file) == first);
    FUZZ_CHECK(fwrite(bytes.data, 1, bytes.size, file) == bytes.size);
    FUZZ_CHECK(fclose(file) == 0);
}
