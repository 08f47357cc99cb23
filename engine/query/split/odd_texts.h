/*
 * Odd texts: those among the sorted texts of a column that are not simply a string: numbers that
 * fit no cell, strings that may be numbers, lists. They stand in three places; whoever looks for
 * numbers or elements reads these and leaves the millions of plain strings between them alone.
 *
 * Ownership: nothing is kept.
 * Threading: one thread a walk.
 * Errors:    RC_CANCELLED, RC_NO_MEMORY, RC_CORRUPT, and what the visitor returns.
 */
#ifndef RC_QUERY_SPLIT_ODD_TEXTS_H
#define RC_QUERY_SPLIT_ODD_TEXTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/status.h"
#include "engine/store/texts/texts.h"
#include "engine/store/value/value.h"

/* The value of the text of a number; its bytes are gone after the call. */
typedef enum rc_status (*rc_odd_texts_visitor)(void *context,
                                               uint32_t number,
                                               struct rc_value value);

struct rc_odd_texts_walk {
    const struct rc_texts *texts;
    struct rc_account *account;  /* Charged for a text at a time. */
    struct rc_arena *scratch;    /* Elements of lists; reset after each text. */
    const _Atomic(bool) *cancel; /* NULL: never. */
    rc_odd_texts_visitor visit;
    void *context;
};

/* Visits them in order. Strings that only look as if they were numbers ("7up") are visited too. */
RC_MUST_USE enum rc_status
rc_odd_texts_walk(const struct rc_odd_texts_walk *walk);

/* The strings: the texts [*ret_first, *ret_end), numeric ones among them. */
RC_MUST_USE enum rc_status
rc_odd_texts_strings(const struct rc_texts *texts, uint32_t *ret_first, uint32_t *ret_end);

#endif
