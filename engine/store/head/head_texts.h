/*
 * Head texts: the values of a head that found no place in their property's dictionary. Each
 * property that has some gets a small dictionary of its own, which lives as long as the head;
 * a cell of kind RC_CELL_TEXT is a code of it.
 *
 * Why the same dictionary again: a head is short, so its dictionary stays in the processor's cache,
 * and it goes as a whole when the head is sealed.
 *
 * Ownership: owns the dictionaries.
 * Threading: one writer (make); any thread may read, without a lock, what was made before the rows
 *            that use it were published.
 * Errors:    RC_NO_MEMORY: nothing changed.
 */
#ifndef RC_STORE_HEAD_HEAD_TEXTS_H
#define RC_STORE_HEAD_HEAD_TEXTS_H

#include <stdatomic.h>
#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/base/limits.h"
#include "engine/base/status.h"
#include "engine/store/dictionary/dictionary.h"

/* 128 blocks of 64 properties: 1 KiB for a head without texts, and no search with them. */
#define RC_HEAD_TEXTS_BLOCK 64u
#define RC_HEAD_TEXTS_BLOCKS (RC_PROPERTIES_MAX / RC_HEAD_TEXTS_BLOCK)

struct rc_head_texts_block {
    _Atomic(struct rc_dictionary *) dictionaries[RC_HEAD_TEXTS_BLOCK];
};

/* Zeroed: none. */
struct rc_head_texts {
    _Atomic(struct rc_head_texts_block *) blocks[RC_HEAD_TEXTS_BLOCKS];
};

void
rc_head_texts_close(struct rc_head_texts *texts);

/* The texts of a property; NULL: it has none. */
struct rc_dictionary *
rc_head_texts_of(const struct rc_head_texts *texts, uint32_t property);

/* The texts of a property, made when it has none. Writer only. */
RC_MUST_USE enum rc_status
rc_head_texts_make(struct rc_head_texts *texts,
                   uint32_t property,
                   struct rc_account *account,
                   struct rc_dictionary **ret_dictionary);

#endif
