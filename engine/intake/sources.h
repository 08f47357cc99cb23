/*
 * Sources: the rows of heads as the slab builder takes them.
 *
 * Ownership: everything comes from the arena or is borrowed from the chunks.
 * Threading: one thread.
 * Errors:    RC_NO_MEMORY.
 */
#ifndef RC_INTAKE_SOURCES_H
#define RC_INTAKE_SOURCES_H

#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/status.h"
#include "engine/store/builder/slab_builder.h"
#include "engine/store/project/view.h"

/* A source for each head that chunks are of, in their order; those of a head are together. */
RC_MUST_USE enum rc_status
rc_sources_make(const struct rc_view_chunk *chunks,
                uint32_t chunk_count,
                struct rc_arena *arena,
                struct rc_slab_source **ret_sources,
                uint32_t *ret_count);

#endif
