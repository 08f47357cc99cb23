/*
 * Head answers: which of a head's rows a predicate lets pass, as far as somebody has asked: so many
 * rows of each chunk. Rows of a head are appended and never change while it is there (what replaces
 * one makes it dead, which is taken off elsewhere), so what was answered stays true; who sees more
 * rows evaluates those, and who sees fewer takes fewer.
 *
 * Ownership: counted: rc_head_answers_ref, rc_head_answers_unref.
 * Threading: immutable once made; any number of readers.
 */
#ifndef RC_MATCH_CACHE_HEAD_ANSWERS_H
#define RC_MATCH_CACHE_HEAD_ANSWERS_H

#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/store/project/view.h"

struct rc_head_answers;

/*
 * Of chunks of one head, as a view shows them: words has RC_CHUNK_ROWS bits for each, those of rows
 * that are not shown being 0.
 */
RC_MUST_USE enum rc_status
rc_head_answers_new(const struct rc_view_chunk *chunks,
                    uint32_t chunk_count,
                    const uint64_t *words,
                    struct rc_account *account,
                    struct rc_head_answers **ret_answers);

struct rc_head_answers *
rc_head_answers_ref(struct rc_head_answers *answers);

struct rc_head_answers *
rc_head_answers_unref(struct rc_head_answers *answers);

RC_DEFINE_CLEANUP(struct rc_head_answers *, rc_head_answers_unref)

/* All rows that are answered. Of two of one head and predicate, the one with more has all that the
 * other one has. */
uint32_t
rc_head_answers_rows(const struct rc_head_answers *answers);

/* Sets the bits of the chunk's first rows, RC_CHUNK_ROWS of them, and returns how many are
 * answered: at most those that it shows. */
uint32_t
rc_head_answers_take(const struct rc_head_answers *answers,
                     const struct rc_view_chunk *chunk,
                     uint64_t *words);

/* Heap bytes. */
uint64_t
rc_head_answers_bytes(const struct rc_head_answers *answers);

#endif
