#include "engine/base/file_gentle.h"

#include "engine/base/clock.h"

#define WRITE_BYTES ((size_t)256 * 1024)
#define WRITE_BYTES_ALONE ((size_t)1 << 20)
/* What the file system lets go of in a millisecond. */
#define CUT_BYTES ((uint64_t)4 << 20)

enum rc_status
rc_file_write_gently(struct rc_file *file,
                     const void *data,
                     size_t size,
                     uint64_t offset,
                     uint64_t pause_ns,
                     struct rc_error *reterr_error)
{
    const size_t most = pause_ns > 0 ? WRITE_BYTES : WRITE_BYTES_ALONE;
    for (size_t done = 0; done < size;) {
        const size_t left = size - done;
        const size_t piece = left < most ? left : most;
        RC_TRY(
            rc_file_write_at(file, (const char *)data + done, piece, offset + done, reterr_error));
        rc_file_push(file, offset + done, piece);
        done += piece;
        if (pause_ns > 0)
            rc_clock_sleep_ns(pause_ns * piece / most);
    }
    return RC_OK;
}

/* Cuts a file down to a last piece. */
static enum rc_status
cut(struct rc_file *file, uint64_t pause_ns)
{
    uint64_t size = 0;
    RC_TRY(rc_file_size(file, &size, NULL));
    while (size > CUT_BYTES) {
        size -= CUT_BYTES;
        RC_TRY(rc_file_truncate(file, size, NULL));
        rc_clock_sleep_ns(pause_ns);
    }
    return RC_OK;
}

enum rc_status
rc_disk_remove_gently(struct rc_disk *disk,
                      const char *path,
                      uint64_t pause_ns,
                      struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_file_closep) struct rc_file *file = NULL;
    enum rc_status status = RC_UNSUPPORTED;
    if (pause_ns > 0)
        status = rc_file_open_alone(disk, path, &file, NULL);
    if (status == RC_OK)
        status = cut(file, pause_ns);
    (void)status; /* Then it goes at once. */
    return rc_disk_remove(disk, path, reterr_error);
}
