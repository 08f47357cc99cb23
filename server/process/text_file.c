/* Small text files: see the header. */
#include "server/process/text_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/alloc.h"

#define BYTES_MAX ((size_t)1 << 20)

enum rc_status
rc_text_file_read(const char *setting,
                  const char *path,
                  char **ret_text,
                  struct rc_error *reterr_error)
{
    if (path == NULL) {
        *ret_text = NULL;
        return RC_OK;
    }
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return rc_error_field(reterr_error, RC_INVALID, setting, "cannot read %s: %s", path,
                              strerror(errno));
    char *text = rc_alloc(BYTES_MAX + 1);
    const size_t size = text == NULL ? 0 : fread(text, 1, BYTES_MAX, file);
    const int failed = ferror(file);
    (void)fclose(file);
    if (text == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to read %s", path);
    if (failed || size == 0 || size == BYTES_MAX) {
        rc_alloc_free(text);
        return rc_error_field(reterr_error, RC_INVALID, setting,
                              "%s is empty, too large or cannot be read", path);
    }
    text[size] = '\0';
    *ret_text = text;
    return RC_OK;
}
