/* Cold slab, inside the room: what slab.c asks of slab_cold.c. See cold_cache.h. */
#ifndef RC_STORE_COLD_SLAB_COLD_H
#define RC_STORE_COLD_SLAB_COLD_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/status.h"
#include "engine/store/slab/slab_format.h"

struct rc_cold;

/* A slab over the pages of a cold one, which it takes over. NULL: no memory. */
struct rc_slab *
rc_slab_over_cold(struct rc_cold *cold, const void *data);

void
rc_cold_free(struct rc_cold *cold);

/* As rc_slab_use, rc_slab_unuse, rc_slab_read_failures, rc_slab_read_error, rc_slab_memory_bytes.
 */
RC_MUST_USE enum rc_status
rc_cold_use(struct rc_cold *cold, uint32_t parts, struct rc_error *reterr_error);

void
rc_cold_unuse(struct rc_cold *cold);

uint32_t
rc_cold_failures(const struct rc_cold *cold);

enum rc_status
rc_cold_error(struct rc_cold *cold, struct rc_error *reterr_error);

uint64_t
rc_cold_memory_bytes(const struct rc_cold *cold);

/* Whether a section is in memory: of slabs in use only. */
bool
rc_cold_has(const struct rc_cold *cold, enum rc_slab_section_kind kind);

/* Whether the ids, or a column, are in memory now: reads them if they were not. false: that failed,
 * which rc_cold_failures counts. Of slabs in use only. */
bool
rc_cold_need_ids(struct rc_cold *cold);

bool
rc_cold_need_column(struct rc_cold *cold, uint32_t index);

bool
rc_cold_has_column(const struct rc_cold *cold, uint32_t index);

const struct rc_slab_header *
rc_cold_header(const struct rc_cold *cold);

/* A section as the header says it is. */
const struct rc_slab_section *
rc_cold_section(const struct rc_cold *cold, enum rc_slab_section_kind kind);

/* Copies bytes of a section out: from memory, or as the disk has them now. *ret_loaded says which:
 * what comes from memory is true. As rc_slab_use. Of slabs in use only. */
RC_MUST_USE enum rc_status
rc_cold_read(struct rc_cold *cold,
             enum rc_slab_section_kind kind,
             uint64_t offset,
             size_t size,
             void *out,
             bool *ret_loaded,
             struct rc_error *reterr_error);

/* Says that a section's checksum is off, and counts it. */
enum rc_status
rc_cold_damaged(struct rc_cold *cold, struct rc_error *reterr_error);

/* ---- slab_cold_ids.c ---- */

/* The ids of a cold slab, looked up without having all of them in memory. */
struct rc_cold_ids;

RC_MUST_USE enum rc_status
rc_cold_ids_new(struct rc_account *account, struct rc_cold_ids **ret_ids);

struct rc_cold_ids *
rc_cold_ids_free(struct rc_cold_ids *ids);

/* Looks for an id among the rows [row, end). The slab is in use. */
RC_MUST_USE enum rc_status
rc_cold_ids_find(struct rc_cold_ids *ids,
                 struct rc_cold *cold,
                 uint32_t row,
                 uint32_t end,
                 const struct rc_event_id *id,
                 bool *ret_found,
                 uint32_t *ret_row,
                 struct rc_error *reterr_error);

struct rc_cold_ids *
rc_cold_get_ids(struct rc_cold *cold);

#endif
