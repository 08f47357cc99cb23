/*
 * Ids of a cold slab. A filter says wrongly of one event in some thousands that a slab may hold it,
 * so a batch asks every cold slab for an id or two: reading all ids for each would stop ingestion,
 * and keeping them would cost what being cold saves. So the rows of one user are read, a page or
 * two.
 *
 * A section's checksum covers all of it. When a section is first touched it is read once as a
 * whole, found right, and the checksum of each of its pages is kept (4 bytes for 4 KiB); after that
 * a page is believed by its own. What the sections say of each other was never checked as a whole,
 * so every place that is read is held against the section's size.
 */
#include <pthread.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/checksum.h"
#include "engine/base/limits.h"
#include "engine/store/cold/slab_cold.h"

#define PAGE_BYTES 4096u
/* Read at a time when a section is read as a whole: pages. */
#define STRETCH_BYTES (16 * PAGE_BYTES)
/* Rows looked at together. */
#define ROWS 512u

struct rc_cold_ids {
    struct rc_account *account;
    pthread_mutex_t lock;                  /* Guards what follows, and who looks: one at a time. */
    struct rc_slab_ids packed;             /* width 0: not read yet, or not packed. */
    uint32_t *sums[RC_SLAB_SECTION_COUNT]; /* By page; NULL: the section was not read yet. */
};

/* One search. */
struct search {
    struct rc_cold_ids *ids;
    struct rc_cold *cold;
    struct rc_error *error;
};

enum rc_status
rc_cold_ids_new(struct rc_account *account, struct rc_cold_ids **ret_ids)
{
    struct rc_cold_ids *ids = rc_alloc_in(account, sizeof(*ids));
    if (ids == NULL)
        return RC_NO_MEMORY;
    memset(ids, 0, sizeof(*ids));
    ids->account = account;
    pthread_mutex_init(&ids->lock, NULL);
    *ret_ids = ids;
    return RC_OK;
}

struct rc_cold_ids *
rc_cold_ids_free(struct rc_cold_ids *ids)
{
    if (ids == NULL)
        return NULL;
    for (uint32_t i = 0; i < RC_SLAB_SECTION_COUNT; i++)
        rc_alloc_free(ids->sums[i]);
    pthread_mutex_destroy(&ids->lock);
    return rc_alloc_free(ids);
}

static enum rc_status
no_memory(const struct search *search)
{
    return rc_error_set(search->error, RC_NO_MEMORY, "no memory to look for an id on disk");
}

/* Reads a section as a whole and takes the checksums of its pages. */
static enum rc_status
sum_pages(const struct search *search, enum rc_slab_section_kind kind, uint32_t *sums)
{
    const struct rc_slab_section *section = rc_cold_section(search->cold, kind);
    RC_CLEANUP(rc_alloc_freep) char *stretch = rc_alloc_in(search->ids->account, STRETCH_BYTES);
    if (stretch == NULL)
        return no_memory(search);
    uint32_t whole = 0;
    bool loaded = false;
    for (uint64_t at = 0; at < section->size; at += STRETCH_BYTES) {
        const uint64_t left = section->size - at;
        const size_t size = left < STRETCH_BYTES ? (size_t)left : STRETCH_BYTES;
        RC_TRY(rc_cold_read(search->cold, kind, at, size, stretch, &loaded, search->error));
        whole = rc_crc32c_extend(whole, stretch, size);
        for (size_t page = 0; page < size; page += PAGE_BYTES)
            sums[(at + page) / PAGE_BYTES] =
                rc_crc32c(stretch + page, size - page < PAGE_BYTES ? size - page : PAGE_BYTES);
    }
    return whole == section->crc32c ? RC_OK : rc_cold_damaged(search->cold, search->error);
}

static enum rc_status
need_sums(const struct search *search, enum rc_slab_section_kind kind)
{
    if (search->ids->sums[kind - 1] != NULL)
        return RC_OK;
    const uint64_t pages = rc_cold_section(search->cold, kind)->size / PAGE_BYTES + 1;
    RC_CLEANUP(rc_alloc_freep)
    uint32_t *sums = rc_alloc_in(search->ids->account, pages * sizeof(sums[0]));
    if (sums == NULL)
        return no_memory(search);
    RC_TRY(sum_pages(search, kind, sums));
    search->ids->sums[kind - 1] = RC_TAKE(sums);
    return RC_OK;
}

/* Copies bytes of a section out, page by page, each found right. */
static enum rc_status
read_range(const struct search *search,
           enum rc_slab_section_kind kind,
           uint64_t offset,
           size_t size,
           void *out)
{
    const struct rc_slab_section *section = rc_cold_section(search->cold, kind);
    if (offset > section->size || size > section->size - offset)
        return rc_cold_damaged(search->cold, search->error);
    RC_TRY(need_sums(search, kind));
    const uint32_t *sums = search->ids->sums[kind - 1];
    char *to = out;
    for (uint64_t at = offset / PAGE_BYTES * PAGE_BYTES; at < offset + size; at += PAGE_BYTES) {
        char page[PAGE_BYTES];
        const uint64_t left = section->size - at;
        const size_t page_bytes = left < PAGE_BYTES ? (size_t)left : PAGE_BYTES;
        bool loaded = false;
        RC_TRY(rc_cold_read(search->cold, kind, at, page_bytes, page, &loaded, search->error));
        if (!loaded && rc_crc32c(page, page_bytes) != sums[at / PAGE_BYTES])
            return rc_cold_damaged(search->cold, search->error);
        const uint64_t begin = at < offset ? offset : at;
        const uint64_t end = at + page_bytes < offset + size ? at + page_bytes : offset + size;
        memcpy(to, page + (begin - at), end - begin);
        to += end - begin;
    }
    return RC_OK;
}

/* The bits of the rows [row, row + count), the first in bit 0; none where the section is absent. */
static enum rc_status
read_bits(const struct search *search,
          enum rc_slab_section_kind kind,
          uint32_t row,
          uint32_t count,
          uint64_t bits[ROWS / 64])
{
    uint64_t words[ROWS / 64 + 1] = {0};
    memset(bits, 0, ROWS / 8);
    if (rc_cold_section(search->cold, kind)->size == 0)
        return RC_OK;
    const uint32_t first = row / 64;
    const uint32_t word_count = (row + count - 1) / 64 - first + 1;
    RC_TRY(read_range(search, kind, (uint64_t)first * 8, word_count * sizeof(words[0]), words));
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t at = row % 64 + i;
        bits[i / 64] |= (words[at / 64] >> (at % 64) & 1) << (i % 64);
    }
    return RC_OK;
}

static bool
has_bit(const uint64_t *bits, uint32_t at)
{
    return (bits[at / 64] >> (at % 64) & 1) != 0;
}

/* Among count texts, numbered from first, the index of the one that is text; count: none is. */
static enum rc_status
find_text(const struct search *search,
          uint64_t first,
          uint32_t count,
          struct rc_bytes text,
          uint32_t *ret_index)
{
    uint32_t ends[ROWS + 1] = {0}; /* ends[0] is where the first one begins. */
    if (first >= rc_cold_section(search->cold, RC_SLAB_TEXT_ENDS)->size / sizeof(ends[0]))
        return rc_cold_damaged(search->cold, search->error);
    const uint64_t from = first == 0 ? 0 : first - 1;
    uint32_t *into = first == 0 ? ends + 1 : ends;
    RC_TRY(read_range(search, RC_SLAB_TEXT_ENDS, from * sizeof(ends[0]),
                      (first - from + count) * sizeof(ends[0]), into));
    for (uint32_t i = 0; i < count; i++)
        if (ends[i] > ends[i + 1] ||
            ends[i + 1] > rc_cold_section(search->cold, RC_SLAB_TEXT)->size)
            return rc_cold_damaged(search->cold, search->error);
    const size_t size = ends[count] - ends[0];
    RC_CLEANUP(rc_alloc_freep) char *texts = rc_alloc_in(search->ids->account, size + 1);
    if (texts == NULL)
        return no_memory(search);
    RC_TRY(read_range(search, RC_SLAB_TEXT, ends[0], size, texts));
    uint32_t i = 0;
    while (i < count && (ends[i + 1] - ends[i] != text.size ||
                         memcmp(texts + (ends[i] - ends[0]), text.data, text.size) != 0))
        i++;
    *ret_index = i;
    return RC_OK;
}

/* The text ids among some rows. They are numbered in the order of their rows. */
static enum rc_status
find_text_row(const struct search *search,
              const uint64_t *numbers,
              const uint64_t *text_bits,
              uint32_t count,
              struct rc_bytes text,
              uint32_t *ret_at)
{
    uint32_t places[ROWS];
    uint32_t texts = 0;
    for (uint32_t at = 0; at < count; at++)
        if (has_bit(text_bits, at))
            places[texts++] = at;
    *ret_at = count;
    if (texts == 0)
        return RC_OK;
    uint32_t index = 0;
    RC_TRY(find_text(search, numbers[places[0]], texts, text, &index));
    if (index < texts)
        *ret_at = places[index];
    return RC_OK;
}

/* What packed ids begin with, once it has been read. */
static enum rc_status
need_packed(const struct search *search)
{
    struct rc_slab_ids packed;
    if (search->ids->packed.width != 0)
        return RC_OK;
    RC_TRY(read_range(search, RC_SLAB_IDS, 0, sizeof(packed), &packed));
    /* The section has the right checksum, but what it says is not yet known to fit in. */
    if (!rc_slab_id_width_is_sound(packed.width) ||
        rc_cold_section(search->cold, RC_SLAB_IDS)->size !=
            rc_slab_ids_size(rc_cold_header(search->cold)->row_count, packed.width))
        return rc_cold_damaged(search->cold, search->error);
    search->ids->packed = packed;
    return RC_OK;
}

/* The numbers of the rows [row, row + count), at most ROWS. */
static enum rc_status
read_numbers(const struct search *search, uint32_t row, uint32_t count, uint64_t numbers[ROWS])
{
    unsigned char bytes[ROWS * 8 + 8];
    if (rc_cold_header(search->cold)->version < RC_SLAB_VERSION_PACKED)
        return read_range(search, RC_SLAB_IDS, (uint64_t)row * 8, count * sizeof(numbers[0]),
                          numbers);
    RC_TRY(need_packed(search));
    const struct rc_slab_ids *packed = &search->ids->packed;
    const uint64_t first = (uint64_t)row * packed->width;
    const uint64_t last = first + (uint64_t)(count - 1) * packed->width;
    RC_TRY(read_range(search, RC_SLAB_IDS, sizeof(*packed) + first / 8,
                      (size_t)(last / 8 - first / 8) + 8, bytes));
    for (uint32_t i = 0; i < count; i++)
        numbers[i] = rc_slab_id_unpack(packed, bytes, first % 8 + (uint64_t)i * packed->width);
    return RC_OK;
}

/* Looks at the rows [row, row + count), at most ROWS; *ret_at is count when none has the id. */
static enum rc_status
find_among(const struct search *search,
           uint32_t row,
           uint32_t count,
           const struct rc_event_id *id,
           uint32_t *ret_at)
{
    uint64_t numbers[ROWS];
    uint64_t text_bits[ROWS / 64];
    uint64_t derived_bits[ROWS / 64];
    RC_TRY(read_numbers(search, row, count, numbers));
    RC_TRY(read_bits(search, RC_SLAB_TEXT_BITS, row, count, text_bits));
    RC_TRY(read_bits(search, RC_SLAB_DERIVED_BITS, row, count, derived_bits));
    if (id->kind == RC_EVENT_ID_TEXT)
        return find_text_row(search, numbers, text_bits, count, id->text, ret_at);
    uint32_t at = 0;
    while (at < count &&
           (numbers[at] != id->number || has_bit(text_bits, at) || has_bit(derived_bits, at)))
        at++;
    *ret_at = at;
    return RC_OK;
}

enum rc_status
rc_cold_ids_find(struct rc_cold_ids *ids,
                 struct rc_cold *cold,
                 uint32_t row,
                 uint32_t end,
                 const struct rc_event_id *id,
                 bool *ret_found,
                 uint32_t *ret_row,
                 struct rc_error *reterr_error)
{
    RC_ASSERT(id->kind != RC_EVENT_ID_DERIVED);
    const struct search search = {.ids = ids, .cold = cold, .error = reterr_error};
    /* Sections end with room beyond the last row, so their sizes do not say it. */
    if (end > rc_cold_header(cold)->row_count)
        return rc_cold_damaged(cold, reterr_error);
    enum rc_status status = RC_OK;
    bool found = false;
    pthread_mutex_lock(&ids->lock);
    while (row < end && !found && status == RC_OK) {
        const uint32_t count = end - row < ROWS ? end - row : ROWS;
        uint32_t at = count;
        status = find_among(&search, row, count, id, &at);
        found = status == RC_OK && at < count;
        row += found ? at : count;
    }
    pthread_mutex_unlock(&ids->lock);
    RC_TRY(status);
    if (found)
        *ret_row = row;
    *ret_found = found;
    return RC_OK;
}
