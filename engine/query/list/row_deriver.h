/*
 * Row deriver: a whole derivation, formulas included, of one thing after the other (an event, a
 * user), for whoever has its stored values at hand. Who asks about many rows at once makes columns
 * and tables by code: derive.h, made_column.h.
 *
 * Ownership: opaque; borrows the derivation, which must outlive it.
 * Threading: one thread at a time.
 * Errors:    RC_NO_MEMORY; RC_TOO_SLOW (pattern.h); RC_INVALID (a zone that is not there any more);
 *            those of what gives it stored values.
 */
#ifndef RC_QUERY_LIST_ROW_DERIVER_H
#define RC_QUERY_LIST_ROW_DERIVER_H

#include "engine/base/alloc.h"
#include "engine/base/arena.h"
#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/match/derived/derivation.h"
#include "engine/store/value/value.h"

struct rc_row_deriver;

/* The value of the property or of the time that a derivation begins with. It may lie in arena. */
typedef enum rc_status (*rc_row_source)(const void *context,
                                        const struct rc_derivation *source,
                                        struct rc_arena *arena,
                                        struct rc_value *ret_value);

/* derivation is resolved (derived.h). What it needs beside steps is in arena. */
RC_MUST_USE enum rc_status
rc_row_deriver_new(const struct rc_derivation *derivation,
                   struct rc_account *account,
                   struct rc_arena *arena,
                   struct rc_row_deriver **ret_deriver);

struct rc_row_deriver *
rc_row_deriver_free(struct rc_row_deriver *deriver);

RC_DEFINE_CLEANUP(struct rc_row_deriver *, rc_row_deriver_free)

/* The result lies in arena. */
RC_MUST_USE enum rc_status
rc_row_derive(struct rc_row_deriver *deriver,
              rc_row_source source,
              const void *context,
              struct rc_arena *arena,
              struct rc_value *ret_value);

#endif
