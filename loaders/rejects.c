/* A stdio stream under a lock: refused rows are few, or the load ends. */
#include "loaders/rejects.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/alloc.h"

struct rc_rejects {
    pthread_mutex_t lock;
    char *path; /* Owned; NULL: none. */
    FILE *file; /* NULL until the first row. */
    bool append;
    uint64_t count;
    uint64_t rows_max;
};

enum rc_status
rc_rejects_new(const char *path,
               uint64_t rows_max,
               bool append,
               struct rc_rejects **ret_rejects,
               struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_rejects_freep) struct rc_rejects *rejects = rc_alloc_zero(sizeof(*rejects));
    if (rejects == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the reject file");
    pthread_mutex_init(&rejects->lock, NULL);
    rejects->rows_max = rows_max;
    rejects->append = append;
    if (path != NULL) {
        rejects->path = rc_alloc(strlen(path) + 1);
        if (rejects->path == NULL)
            return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the reject file");
        strcpy(rejects->path, path);
    }
    *ret_rejects = RC_TAKE(rejects);
    return RC_OK;
}

struct rc_rejects *
rc_rejects_free(struct rc_rejects *rejects)
{
    if (rejects == NULL)
        return NULL;
    if (rejects->file != NULL)
        fclose(rejects->file);
    pthread_mutex_destroy(&rejects->lock);
    rc_alloc_free(rejects->path);
    rc_alloc_free(rejects);
    return NULL;
}

static void
escaped_put(FILE *file, struct rc_bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        switch (text.data[i]) {
        case '\t':
            fputs("\\t", file);
            break;
        case '\n':
            fputs("\\n", file);
            break;
        case '\r':
            fputs("\\r", file);
            break;
        case '\\':
            fputs("\\\\", file);
            break;
        default:
            putc(text.data[i], file);
        }
    }
}

static enum rc_status
io_error(const struct rc_rejects *rejects, struct rc_error *reterr_error)
{
    return rc_error_set(reterr_error, RC_IO, "cannot write the reject file %s: %s", rejects->path,
                        strerror(errno));
}

/* Under the lock. */
static enum rc_status
row_put(struct rc_rejects *rejects,
        const char *input,
        uint64_t line,
        const char *reason,
        struct rc_bytes row,
        struct rc_error *reterr_error)
{
    if (rejects->path == NULL)
        return RC_OK;
    if (rejects->file == NULL) {
        rejects->file = fopen(rejects->path, rejects->append ? "ae" : "we");
        if (rejects->file == NULL)
            return io_error(rejects, reterr_error);
    }
    fprintf(rejects->file, "%s\t%llu\t", input, (unsigned long long)line);
    escaped_put(rejects->file, rc_bytes_of(reason));
    putc('\t', rejects->file);
    escaped_put(rejects->file, row);
    putc('\n', rejects->file);
    return ferror(rejects->file) ? io_error(rejects, reterr_error) : RC_OK;
}

enum rc_status
rc_rejects_write(struct rc_rejects *rejects,
                 const char *input,
                 uint64_t line,
                 const char *reason,
                 struct rc_bytes row,
                 struct rc_error *reterr_error)
{
    pthread_mutex_lock(&rejects->lock);
    rejects->count++;
    const bool over = rejects->count > rejects->rows_max;
    const enum rc_status status = row_put(rejects, input, line, reason, row, reterr_error);
    const uint64_t rows_max = rejects->rows_max;
    pthread_mutex_unlock(&rejects->lock);
    if (status != RC_OK || !over)
        return status;
    return rc_error_set(reterr_error, RC_LIMIT_EXCEEDED,
                        "more than %llu bad rows; the last one, %.100s line %llu: %.180s",
                        (unsigned long long)rows_max, input, (unsigned long long)line, reason);
}

enum rc_status
rc_rejects_flush(struct rc_rejects *rejects, struct rc_error *reterr_error)
{
    pthread_mutex_lock(&rejects->lock);
    const bool failed = rejects->file != NULL && fflush(rejects->file) != 0;
    pthread_mutex_unlock(&rejects->lock);
    return failed ? io_error(rejects, reterr_error) : RC_OK;
}
