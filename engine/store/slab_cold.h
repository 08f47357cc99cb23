/* Cold slab, inside the room: what slab.c asks of slab_cold.c. See cold_cache.h. */
#ifndef RC_STORE_SLAB_COLD_H
#define RC_STORE_SLAB_COLD_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/status.h"
#include "engine/store/slab_format.h"

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

#endif
