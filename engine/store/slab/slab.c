/*
 * Slab: a counted handle with the addresses of its sections; the bytes themselves are
 * slab_format.h.
 *
 * Why no parsed form: what kernels read is what is stored, so a restart reads and is done, and a
 * slab costs its bytes and this struct. Addresses are found once; a column's are computed from its
 * entry in the directory when it is asked for.
 *
 * A cold slab is a slab over pages that are filled when they are needed (slab_cold.c): the same
 * addresses, so that only the functions that hand them out know of it.
 *
 * Invariants (rc_slab_check): see slab_check.c.
 */
#include "engine/store/slab/slab.h"

#include <stdatomic.h>

#include "engine/base/assert.h"
#include "engine/base/search.h"
#include "engine/store/cold/slab_cold.h"
#include "engine/store/slab/filter.h"
#include "engine/store/slab/slab_format.h"
#include "engine/store/slab/slab_layout.h"

struct rc_slab {
    _Atomic uint32_t references;
    void *block;          /* Owned; NULL when it is cold. */
    struct rc_cold *cold; /* Owned; NULL when all bytes are in memory. */
    const char *data;
    struct rc_slab_info info;
    const uint32_t *users;
    const uint32_t *starts;
    const uint32_t *times;
    const uint64_t *ids;              /* Of versions 1 and 2; else NULL, and */
    const struct rc_slab_ids *packed; /* these, which a cold slab may not have in memory. */
    const uint64_t *text_bits;        /* NULL: no id is TEXT. */
    const uint64_t *derived_bits;     /* NULL: no id is DERIVED. */
    const uint32_t *text_ends;
    const char *text;
    const uint64_t *filter;
    uint64_t filter_bytes;
    const struct rc_slab_column *columns;
};

static const void *
section_at(const struct rc_slab_header *header, enum rc_slab_section_kind kind)
{
    const struct rc_slab_section *section = &header->sections[kind - 1];
    return section->size == 0 ? NULL : (const char *)header + section->offset;
}

static struct rc_slab *
slab_over(const void *data)
{
    const struct rc_slab_header *header = data;
    const bool packed = header->version >= RC_SLAB_VERSION_PACKED;
    struct rc_slab *slab = rc_alloc(sizeof(*slab));
    if (slab == NULL)
        return NULL;
    *slab = (struct rc_slab){
        .references = 1,
        .data = data,
        .info = {.window_start_ms = header->window_start_ms,
                 .window_days = rc_slab_header_window(header).days,
                 .time_min_ms = header->time_min_ms,
                 .time_max_ms = header->time_max_ms,
                 .row_count = header->row_count,
                 .user_count = header->user_count,
                 .column_count = header->column_count,
                 .size_bytes = header->size},
        .users = section_at(header, RC_SLAB_USERS),
        .starts = section_at(header, RC_SLAB_STARTS),
        .times = section_at(header, RC_SLAB_TIMES),
        .ids = packed ? NULL : section_at(header, RC_SLAB_IDS),
        .packed = packed ? section_at(header, RC_SLAB_IDS) : NULL,
        .text_bits = section_at(header, RC_SLAB_TEXT_BITS),
        .derived_bits = section_at(header, RC_SLAB_DERIVED_BITS),
        .text_ends = section_at(header, RC_SLAB_TEXT_ENDS),
        .text = section_at(header, RC_SLAB_TEXT),
        .filter = section_at(header, RC_SLAB_FILTER),
        .filter_bytes = header->sections[RC_SLAB_FILTER - 1].size,
        .columns = section_at(header, RC_SLAB_DIRECTORY),
    };
    return slab;
}

enum rc_status
rc_slab_of_block(void *block, size_t size, struct rc_slab **ret_slab, struct rc_error *reterr_error)
{
    RC_TRY(rc_slab_layout_check(block, size, reterr_error));
    struct rc_slab *slab = slab_over(block);
    if (slab == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a slab");
    slab->block = block;
    *ret_slab = slab;
    return RC_OK;
}

enum rc_status
rc_slab_read(struct rc_disk *disk,
             const char *path,
             enum rc_slab_verify verify,
             struct rc_account *account,
             struct rc_slab **ret_slab,
             struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_alloc_freep) void *block = NULL;
    RC_CLEANUP(rc_slab_unrefp) struct rc_slab *slab = NULL;
    size_t size = 0;
    RC_TRY(rc_disk_read_file(disk, path, account, &block, &size, reterr_error));
    RC_TRY(rc_slab_of_block(block, size, &slab, reterr_error));
    block = NULL; /* The slab's now. */
    if (verify == RC_SLAB_CHECKSUMS)
        RC_TRY(rc_slab_check_bytes(slab, reterr_error));
    if (verify == RC_SLAB_WHOLE)
        RC_TRY(rc_slab_check(slab, reterr_error));
    *ret_slab = RC_TAKE(slab);
    return RC_OK;
}

struct rc_slab *
rc_slab_over_cold(struct rc_cold *cold, const void *data)
{
    struct rc_slab *slab = slab_over(data);
    if (slab != NULL)
        slab->cold = cold;
    return slab;
}

enum rc_status
rc_slab_use(struct rc_slab *slab, uint32_t parts, struct rc_error *reterr_error)
{
    return slab->cold == NULL ? RC_OK : rc_cold_use(slab->cold, parts, reterr_error);
}

void
rc_slab_unuse(struct rc_slab *slab)
{
    if (slab->cold != NULL)
        rc_cold_unuse(slab->cold);
}

bool
rc_slab_is_cold(const struct rc_slab *slab)
{
    return slab->cold != NULL;
}

uint32_t
rc_slab_read_failures(const struct rc_slab *slab)
{
    return slab->cold == NULL ? 0 : rc_cold_failures(slab->cold);
}

enum rc_status
rc_slab_read_error(const struct rc_slab *slab, struct rc_error *reterr_error)
{
    return slab->cold == NULL ? RC_OK : rc_cold_error(slab->cold, reterr_error);
}

uint64_t
rc_slab_memory_bytes(const struct rc_slab *slab)
{
    return slab->cold == NULL ? slab->info.size_bytes : rc_cold_memory_bytes(slab->cold);
}

struct rc_slab *
rc_slab_ref(struct rc_slab *slab)
{
    const uint32_t before = atomic_fetch_add_explicit(&slab->references, 1, memory_order_relaxed);
    RC_ASSERT(before > 0 && before < UINT32_MAX);
    return slab;
}

struct rc_slab *
rc_slab_unref(struct rc_slab *slab)
{
    if (slab == NULL)
        return NULL;
    const uint32_t before = atomic_fetch_sub_explicit(&slab->references, 1, memory_order_acq_rel);
    RC_ASSERT(before > 0);
    if (before > 1)
        return NULL;
    rc_cold_free(slab->cold);
    rc_alloc_free(slab->block);
    return rc_alloc_free(slab);
}

const struct rc_slab_info *
rc_slab_get_info(const struct rc_slab *slab)
{
    return &slab->info;
}

struct rc_bytes
rc_slab_bytes(const struct rc_slab *slab)
{
    return (struct rc_bytes){slab->data, (size_t)slab->info.size_bytes};
}

const struct rc_slab_header *
rc_slab_header_of(const struct rc_slab *slab)
{
    return (const struct rc_slab_header *)slab->data;
}

const struct rc_slab_column *
rc_slab_directory(const struct rc_slab *slab)
{
    return slab->columns;
}

struct rc_bytes
rc_slab_section_bytes(const struct rc_slab *slab, enum rc_slab_section_kind kind)
{
    const struct rc_slab_section *section = &rc_slab_header_of(slab)->sections[kind - 1];
    return (struct rc_bytes){section_at(rc_slab_header_of(slab), kind), (size_t)section->size};
}

/* Whether a section is in memory. */
static inline bool
has(const struct rc_slab *slab, enum rc_slab_section_kind kind)
{
    return slab->cold == NULL || rc_cold_has(slab->cold, kind);
}

const uint32_t *
rc_slab_users(const struct rc_slab *slab)
{
    RC_ASSERT(has(slab, RC_SLAB_USERS));
    return slab->users;
}

const uint32_t *
rc_slab_starts(const struct rc_slab *slab)
{
    RC_ASSERT(has(slab, RC_SLAB_STARTS));
    return slab->starts;
}

const uint32_t *
rc_slab_times(const struct rc_slab *slab)
{
    RC_ASSERT(has(slab, RC_SLAB_TIMES));
    return slab->times;
}

static bool
bit_at(const uint64_t *words, uint32_t at)
{
    return words != NULL && ((words[at / 64] >> (at % 64)) & 1) != 0;
}

uint64_t
rc_slab_id_number(const struct rc_slab *slab, uint32_t row)
{
    if (slab->packed == NULL)
        return slab->ids[row];
    return rc_slab_id_unpack(slab->packed, (const unsigned char *)(slab->packed + 1),
                             (uint64_t)row * slab->packed->width);
}

/* Of a slab whose ids are there. */
static inline struct rc_event_id
event_id_at(const struct rc_slab *slab, uint32_t row)
{
    const uint64_t number = rc_slab_id_number(slab, row);
    if (bit_at(slab->derived_bits, row))
        return (struct rc_event_id){.kind = RC_EVENT_ID_DERIVED, .number = number};
    if (!bit_at(slab->text_bits, row))
        return (struct rc_event_id){.kind = RC_EVENT_ID_INT, .number = number};
    const uint32_t start = number == 0 ? 0 : slab->text_ends[number - 1];
    return (struct rc_event_id){
        .kind = RC_EVENT_ID_TEXT,
        .text = {slab->text + start, slab->text_ends[number] - start},
    };
}

struct rc_event_id
rc_slab_event_id(const struct rc_slab *slab, uint32_t row)
{
    RC_ASSERT(row < slab->info.row_count);
    if (slab->cold != NULL && !rc_cold_need_ids(slab->cold))
        return (struct rc_event_id){.kind = RC_EVENT_ID_INT};
    return event_id_at(slab, row);
}

void
rc_slab_event_ids(const struct rc_slab *slab,
                  uint32_t row,
                  uint32_t count,
                  struct rc_event_id *ret_ids)
{
    RC_ASSERT(row <= slab->info.row_count && count <= slab->info.row_count - row);
    const bool missing = slab->cold != NULL && !rc_cold_need_ids(slab->cold);
    for (uint32_t i = 0; i < count; i++)
        ret_ids[i] =
            missing ? (struct rc_event_id){.kind = RC_EVENT_ID_INT} : event_id_at(slab, row + i);
}

uint32_t
rc_slab_user_lower_bound(const struct rc_slab *slab, uint32_t ordinal)
{
    RC_ASSERT(has(slab, RC_SLAB_USERS));
    return rc_lower_bound(slab->users, slab->info.user_count, ordinal);
}

uint32_t
rc_slab_user_index_of_row(const struct rc_slab *slab, uint32_t row)
{
    RC_ASSERT(row < slab->info.row_count && has(slab, RC_SLAB_STARTS));
    return rc_lower_bound(slab->starts, slab->info.user_count + 1, row + 1) - 1;
}

bool
rc_slab_has_column(const struct rc_slab *slab, uint32_t index)
{
    return slab->cold == NULL || rc_cold_has_column(slab->cold, index);
}

bool
rc_slab_need_column(const struct rc_slab *slab, uint32_t index)
{
    return slab->cold == NULL || rc_cold_need_column(slab->cold, index);
}

bool
rc_slab_may_hold(const struct rc_slab *slab, uint64_t id_hash)
{
    return rc_filter_may_hold(slab->filter, slab->filter_bytes, id_hash);
}

void
rc_slab_may_hold_many(const struct rc_slab *slab,
                      const uint64_t *id_hashes,
                      uint32_t hash_count,
                      uint8_t *ret_may)
{
    rc_filter_may_hold_many(slab->filter, slab->filter_bytes, id_hashes, hash_count, ret_may);
}

bool
rc_slab_find_event(const struct rc_slab *slab,
                   uint32_t user,
                   const struct rc_event_id *id,
                   uint32_t *ret_row)
{
    RC_ASSERT(has(slab, RC_SLAB_STARTS) && has(slab, RC_SLAB_IDS));
    const uint32_t index = rc_slab_user_lower_bound(slab, user);
    if (index == slab->info.user_count || slab->users[index] != user)
        return false;
    for (uint32_t row = slab->starts[index]; row < slab->starts[index + 1]; row++) {
        if (id->kind == RC_EVENT_ID_INT && rc_slab_id_number(slab, row) != id->number)
            continue;
        const struct rc_event_id other = rc_slab_event_id(slab, row);
        if (!rc_event_id_replaces(&other, id))
            continue;
        *ret_row = row;
        return true;
    }
    return false;
}

enum rc_status
rc_slab_search_event(struct rc_slab *slab,
                     uint32_t user,
                     const struct rc_event_id *id,
                     bool *ret_found,
                     uint32_t *ret_row,
                     struct rc_error *reterr_error)
{
    if (slab->cold == NULL) {
        *ret_found = rc_slab_find_event(slab, user, id, ret_row);
        return RC_OK;
    }
    const uint32_t index = rc_slab_user_lower_bound(slab, user);
    if (index == slab->info.user_count || slab->users[index] != user) {
        *ret_found = false;
        return RC_OK;
    }
    RC_TRY(rc_cold_use(slab->cold, 0, reterr_error));
    const enum rc_status status =
        rc_cold_ids_find(rc_cold_get_ids(slab->cold), slab->cold, slab->starts[index],
                         slab->starts[index + 1], id, ret_found, ret_row, reterr_error);
    rc_cold_unuse(slab->cold);
    return status;
}
