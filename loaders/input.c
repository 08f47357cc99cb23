/*
 * A block of the file is read into `block`, and the decompressor, if any, eats from it. A plain
 * file is read straight into the caller's buffer once the first block, which was needed to look at
 * the magic bytes, is used up.
 */
#include "loaders/input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>
#include <zstd.h>

#include "engine/base/alloc.h"
#include "engine/base/assert.h"

#define BLOCK_BYTES ((size_t)1 << 18)
#define PATH_BYTES_MAX 200 /* As much of the path as an error shows. */

enum codec { CODEC_PLAIN, CODEC_GZIP, CODEC_ZSTD };

struct rc_input {
    int descriptor;
    enum codec codec;
    bool at_end;       /* The file has no more bytes. */
    bool frame_open;   /* The decompressor is inside a member or frame. */
    bool zlib_ready;   /* inflateInit2 was called. */
    uint64_t done;     /* Bytes of the file read. */
    uint64_t size;     /* 0: not known. */
    size_t block_at;   /* Next byte of the block. */
    size_t block_size; /* Bytes in the block. */
    z_stream zlib;
    ZSTD_DStream *zstd;
    char path[PATH_BYTES_MAX + 1];
    unsigned char block[BLOCK_BYTES];
};

static enum rc_status
file_read(struct rc_input *input,
          void *data,
          size_t size,
          size_t *ret_size,
          struct rc_error *reterr_error)
{
    ssize_t got;
    do {
        got = read(input->descriptor, data, size);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return rc_error_set(reterr_error, RC_IO, "cannot read %s: %s", input->path,
                            strerror(errno));
    input->at_end = got == 0;
    input->done += (uint64_t)got;
    *ret_size = (size_t)got;
    return RC_OK;
}

/* Makes sure that the block has a byte, unless the file is at its end. */
static enum rc_status
block_fill(struct rc_input *input, struct rc_error *reterr_error)
{
    if (input->block_at < input->block_size || input->at_end)
        return RC_OK;
    input->block_at = 0;
    input->block_size = 0;
    return file_read(input, input->block, BLOCK_BYTES, &input->block_size, reterr_error);
}

static enum rc_status
codec_detect(struct rc_input *input, struct rc_error *reterr_error)
{
    while (input->block_size < 4 && !input->at_end) {
        size_t got = 0;
        RC_TRY(file_read(input, input->block + input->block_size, BLOCK_BYTES - input->block_size,
                         &got, reterr_error));
        input->block_size += got;
    }
    const unsigned char *magic = input->block;
    if (input->block_size >= 2 && magic[0] == 0x1f && magic[1] == 0x8b) {
        input->codec = CODEC_GZIP;
        if (inflateInit2(&input->zlib, 15 + 16) != Z_OK)
            return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to decompress %s",
                                input->path);
        input->zlib_ready = true;
    } else if (input->block_size >= 4 && magic[1] == 0xb5 && magic[2] == 0x2f && magic[3] == 0xfd &&
               magic[0] == 0x28) {
        input->codec = CODEC_ZSTD;
        input->zstd = ZSTD_createDStream();
        if (input->zstd == NULL)
            return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to decompress %s",
                                input->path);
    }
    return RC_OK;
}

enum rc_status
rc_input_open(const char *path, struct rc_input **ret_input, struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_input_closep) struct rc_input *input = rc_alloc_zero(sizeof(*input));
    if (input == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to open %s", path);
    const bool is_stdin = strcmp(path, "-") == 0;
    strncpy(input->path, is_stdin ? "standard input" : path, PATH_BYTES_MAX);
    input->descriptor = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (input->descriptor < 0)
        return rc_error_set(reterr_error, errno == ENOENT ? RC_NOT_FOUND : RC_IO,
                            "cannot open %s: %s", path, strerror(errno));
    struct stat status;
    if (fstat(input->descriptor, &status) == 0 && S_ISREG(status.st_mode))
        input->size = (uint64_t)status.st_size;
    RC_TRY(codec_detect(input, reterr_error));
    *ret_input = RC_TAKE(input);
    return RC_OK;
}

struct rc_input *
rc_input_close(struct rc_input *input)
{
    if (input == NULL)
        return NULL;
    if (input->zlib_ready)
        inflateEnd(&input->zlib);
    ZSTD_freeDStream(input->zstd);
    if (input->descriptor > STDIN_FILENO)
        close(input->descriptor);
    rc_alloc_free(input);
    return NULL;
}

static enum rc_status
damaged(const struct rc_input *input, const char *what, struct rc_error *reterr_error)
{
    return rc_error_set(reterr_error, RC_CORRUPT, "%s is damaged near byte %llu: %s", input->path,
                        (unsigned long long)input->done, what);
}

static enum rc_status
gzip_read(struct rc_input *input,
          void *data,
          size_t size,
          size_t *ret_size,
          struct rc_error *reterr_error)
{
    input->zlib.next_out = data;
    input->zlib.avail_out = (uInt)(size < UINT32_MAX ? size : UINT32_MAX);
    const size_t room = input->zlib.avail_out;
    while (input->zlib.avail_out == room) {
        RC_TRY(block_fill(input, reterr_error));
        if (input->block_at == input->block_size)
            break;
        if (!input->frame_open)
            inflateReset(&input->zlib);
        input->frame_open = true;
        input->zlib.next_in = input->block + input->block_at;
        input->zlib.avail_in = (uInt)(input->block_size - input->block_at);
        const int result = inflate(&input->zlib, Z_NO_FLUSH);
        input->block_at = input->block_size - input->zlib.avail_in;
        if (result == Z_STREAM_END)
            input->frame_open = false;
        else if (result != Z_OK && result != Z_BUF_ERROR)
            return damaged(input, input->zlib.msg == NULL ? "not gzip" : input->zlib.msg,
                           reterr_error);
    }
    *ret_size = room - input->zlib.avail_out;
    if (*ret_size == 0 && input->frame_open)
        return damaged(input, "the gzip data end early", reterr_error);
    return RC_OK;
}

static enum rc_status
zstd_read(struct rc_input *input,
          void *data,
          size_t size,
          size_t *ret_size,
          struct rc_error *reterr_error)
{
    ZSTD_outBuffer out = {data, size, 0};
    while (out.pos == 0) {
        RC_TRY(block_fill(input, reterr_error));
        /* Without input the decompressor may still hold output of the frame under way. */
        if (input->block_at == input->block_size && !input->frame_open)
            break;
        const size_t had = input->block_size - input->block_at;
        ZSTD_inBuffer in = {input->block, input->block_size, input->block_at};
        const size_t result = ZSTD_decompressStream(input->zstd, &out, &in);
        if (ZSTD_isError(result))
            return damaged(input, ZSTD_getErrorName(result), reterr_error);
        input->block_at = in.pos;
        input->frame_open = result != 0;
        if (had == 0 && out.pos == 0)
            return damaged(input, "the zstd data end early", reterr_error);
    }
    *ret_size = out.pos;
    return RC_OK;
}

enum rc_status
rc_input_read(struct rc_input *input,
              void *data,
              size_t size,
              size_t *ret_size,
              struct rc_error *reterr_error)
{
    RC_ASSERT(size > 0);
    if (input->codec == CODEC_GZIP)
        return gzip_read(input, data, size, ret_size, reterr_error);
    if (input->codec == CODEC_ZSTD)
        return zstd_read(input, data, size, ret_size, reterr_error);
    if (input->block_at == input->block_size)
        return file_read(input, data, size, ret_size, reterr_error);
    const size_t left = input->block_size - input->block_at;
    *ret_size = left < size ? left : size;
    memcpy(data, input->block + input->block_at, *ret_size);
    input->block_at += *ret_size;
    return RC_OK;
}

enum rc_status
rc_input_skip(struct rc_input *input, uint64_t size, struct rc_error *reterr_error)
{
    if (input->codec == CODEC_PLAIN && size <= input->size &&
        lseek(input->descriptor, (off_t)size, SEEK_SET) == (off_t)size) {
        RC_ASSERT(input->done == input->block_size &&
                  input->block_at == 0); /* Not read from yet. */
        input->block_size = 0;
        input->done = size;
        return RC_OK;
    }
    char sink[16384];
    while (size > 0) {
        size_t got = 0;
        const size_t wanted = size < sizeof(sink) ? (size_t)size : sizeof(sink);
        RC_TRY(rc_input_read(input, sink, wanted, &got, reterr_error));
        if (got == 0)
            return rc_error_set(reterr_error, RC_CORRUPT,
                                "%s is shorter than the position to resume at", input->path);
        size -= got;
    }
    return RC_OK;
}

uint64_t
rc_input_file_done(const struct rc_input *input)
{
    return input->done - (input->block_size - input->block_at);
}

uint64_t
rc_input_file_size(const struct rc_input *input)
{
    return input->size;
}
