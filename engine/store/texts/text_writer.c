#include "engine/store/texts/text_writer.h"

#include <string.h>

#include "engine/base/assert.h"

#define CAPACITY_FIRST ((size_t)256)
#define TEXTS_MAX ((uint32_t)1 << 31)

void
rc_text_writer_open(struct rc_text_writer *writer, struct rc_account *account)
{
    *writer = (struct rc_text_writer){.account = account == NULL ? &rc_account_process : account};
}

void
rc_text_writer_close(struct rc_text_writer *writer)
{
    rc_alloc_free(writer->last);
    writer->last = NULL;
}

void
rc_text_writer_restart(struct rc_text_writer *writer, uint64_t *block_starts, unsigned char *bytes)
{
    writer->block_starts = block_starts;
    writer->bytes = bytes;
    writer->count = 0;
    writer->byte_count = 0;
    writer->last_size = 0;
}

static void
put_number(struct rc_text_writer *writer, size_t number)
{
    for (; number > 0x7f; number >>= 7, writer->byte_count++)
        if (writer->bytes != NULL)
            writer->bytes[writer->byte_count] = (unsigned char)(number | 0x80);
    if (writer->bytes != NULL)
        writer->bytes[writer->byte_count] = (unsigned char)number;
    writer->byte_count++;
}

static enum rc_status
keep_last(struct rc_text_writer *writer, struct rc_bytes key, size_t from)
{
    if (key.size > writer->capacity) {
        size_t capacity = writer->capacity == 0 ? CAPACITY_FIRST : writer->capacity;
        while (capacity < key.size)
            capacity *= 2;
        char *last = rc_alloc_in(writer->account, capacity);
        if (last == NULL)
            return RC_NO_MEMORY;
        rc_alloc_free(writer->last);
        writer->last = last;
        writer->capacity = capacity;
        from = 0;
    }
    memcpy(writer->last + from, key.data + from, key.size - from);
    writer->last_size = key.size;
    return RC_OK;
}

enum rc_status
rc_text_writer_put(struct rc_text_writer *writer, struct rc_bytes key)
{
    RC_ASSERT(key.size > 0 && key.size <= RC_TEXT_BYTES_MAX);
    if (writer->count >= TEXTS_MAX)
        return RC_LIMIT_EXCEEDED;
    const size_t size_max = writer->last_size < key.size ? writer->last_size : key.size;
    const size_t common = rc_bytes_common(writer->last, key.data, size_max);
    const bool above = common == writer->last_size ||
                       (common < key.size &&
                        (unsigned char)writer->last[common] < (unsigned char)key.data[common]);
    if (writer->count > 0 && (!above || common == key.size))
        return RC_CORRUPT;
    size_t prefix = 0;
    if (writer->count % RC_TEXTS_BLOCK != 0) {
        prefix = common;
        put_number(writer, prefix);
    } else if (writer->block_starts != NULL) {
        writer->block_starts[writer->count / RC_TEXTS_BLOCK] = writer->byte_count;
    }
    put_number(writer, key.size - prefix);
    if (writer->bytes != NULL)
        memcpy(writer->bytes + writer->byte_count, key.data + prefix, key.size - prefix);
    writer->byte_count += key.size - prefix;
    writer->count++;
    return keep_last(writer, key, common);
}
