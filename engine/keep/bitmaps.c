/*
 * Bitmaps, stored. A file is made in memory: it is a fraction of a slab. Reading decodes everything
 * before the first bitmap enters the cache, so that a damaged file leaves nothing behind.
 */
#include "engine/keep/bitmaps.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/checksum.h"
#include "engine/base/file_replace.h"
#include "engine/match/cache/match_stored.h"
#include "engine/match/rows/rowset_codec.h"
#include "engine/store/slab/slab_format.h"

static const char magic[8] = {'r', 'c', 'b', 'i', 't', 'm', 'a', 'p'};

#define VERSION 1u
#define CHECKSUM_AT 28u
#define HEADER_BYTES 32u

static uint32_t
checksum_of(const unsigned char *data, size_t size)
{
    return rc_crc32c_extend(rc_crc32c(data, CHECKSUM_AT), data + HEADER_BYTES, size - HEADER_BYTES);
}

static void
put_u32(unsigned char *at, uint32_t value)
{
    for (uint32_t i = 0; i < 4; i++)
        at[i] = (unsigned char)(value >> (8 * i));
}

enum rc_status
rc_bitmaps_write(struct rc_disk *disk,
                 const char *path,
                 struct rc_match_cache *cache,
                 const struct rc_slab *slab,
                 uint64_t slab_id,
                 uint64_t pause_ns,
                 struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_match_stored_close) struct rc_match_stored stored = {0};
    RC_TRY_OR(reterr_error, rc_match_stored_list(cache, slab_id, &stored));
    if (stored.count == 0 || stored.is_current)
        return RC_OK;
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    const uint64_t most = rc_slab_get_info(slab)->size_bytes / RC_BITMAPS_SLAB_SHARE;
    uint32_t count = 0;
    rc_write_raw(&writer, magic, sizeof(magic));
    rc_write_u32(&writer, VERSION);
    rc_write_u32(&writer, RC_MATCH_MEANING);
    rc_write_u32(&writer, rc_slab_header_of(slab)->crc32c);
    rc_write_u32(&writer, rc_slab_get_info(slab)->row_count);
    rc_write_u32(&writer, 0);
    rc_write_u32(&writer, 0);
    for (uint32_t i = 0; i < stored.count && !writer.failed; i++) {
        const size_t before = writer.size;
        rc_write_bytes(&writer, stored.entries[i].key.bytes);
        rc_rowset_write(&writer, stored.entries[i].set);
        if (writer.size > most)
            writer.size = before; /* A smaller one may fit. */
        else
            count++;
    }
    if (writer.failed)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for bitmaps");
    put_u32(writer.data + 24, count);
    put_u32(writer.data + CHECKSUM_AT, checksum_of(writer.data, writer.size));
    RC_CLEANUP(rc_replacement_close) struct rc_replacement file = {0};
    RC_TRY(rc_replacement_open(disk, path, &file, reterr_error));
    file.pause_ns = pause_ns;
    RC_TRY(rc_replacement_write(&file, writer.data, writer.size, reterr_error));
    RC_TRY(rc_replacement_commit(&file, reterr_error));
    rc_match_stored_note(cache, slab_id, stored.signature);
    return RC_OK;
}

/* Decodes the bitmaps behind the header into stored. */
static enum rc_status
read_all(struct rc_reader *reader,
         uint32_t count,
         uint32_t row_count,
         struct rc_account *account,
         struct rc_match_stored *stored)
{
    RC_TRY(rc_match_stored_reserve(stored, count));
    for (uint32_t i = 0; i < count; i++) {
        struct rc_match_stored_entry *entry = &stored->entries[i];
        const struct rc_bytes key = rc_read_bytes(reader);
        if (reader->bad || key.size == 0)
            return RC_CORRUPT;
        entry->key = rc_match_key_of_bytes(key);
        RC_TRY(rc_rowset_read_stored(reader, row_count, account, &entry->set));
        stored->count = i + 1;
    }
    return rc_reader_left(reader) == 0 ? RC_OK : RC_CORRUPT;
}

enum rc_status
rc_bitmaps_read(struct rc_disk *disk,
                const char *path,
                struct rc_match_cache *cache,
                const struct rc_slab *slab,
                uint64_t slab_id,
                struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_alloc_freep) void *data = NULL;
    size_t size = 0;
    struct rc_account *account = rc_match_cache_account(cache);
    RC_TRY(rc_disk_read_file(disk, path, account, &data, &size, reterr_error));
    struct rc_reader reader = rc_reader_of(data, size);
    const struct rc_bytes found_magic = rc_read_raw(&reader, sizeof(magic));
    const uint32_t row_count = rc_slab_get_info(slab)->row_count;
    bool fits = !reader.bad && memcmp(found_magic.data, magic, sizeof(magic)) == 0;
    fits = rc_read_u32(&reader) == VERSION && fits;
    fits = rc_read_u32(&reader) == RC_MATCH_MEANING && fits;
    fits = rc_read_u32(&reader) == rc_slab_header_of(slab)->crc32c && fits;
    fits = rc_read_u32(&reader) == row_count && fits;
    const uint32_t count = rc_read_u32(&reader);
    const uint32_t crc32c = rc_read_u32(&reader);
    if (!fits || reader.bad || checksum_of(data, size) != crc32c || count > size)
        return rc_error_set(reterr_error, RC_CORRUPT,
                            "the file is damaged, or of another slab or program");
    RC_CLEANUP(rc_match_stored_close) struct rc_match_stored stored = {0};
    const enum rc_status status = read_all(&reader, count, row_count, account, &stored);
    if (status != RC_OK)
        return rc_error_set(reterr_error, status, "a bitmap in the file is damaged");
    for (uint32_t i = 0; i < stored.count; i++)
        rc_match_stored_add(cache, slab_id, &stored.entries[i]);
    rc_match_stored_note(cache, slab_id, rc_match_stored_signature(&stored));
    return RC_OK;
}
