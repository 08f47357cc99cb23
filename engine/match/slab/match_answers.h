/*
 * Match answers: what a leaf says of each code of a slab's column: a table with a byte a code.
 *
 * A set of texts is sought: each is looked up in the property's dictionary and among the column's
 * texts, and no other code is looked at. Any other leaf is asked about code by code, all at once
 * or, lazily, only about codes of rows that the rest of an AND let pass.
 *
 * Ownership: answers live in the match's arena; close them, for what the texts' cursor holds.
 * Threading: one thread.
 * Errors:    RC_NO_MEMORY, RC_CANCELLED, RC_CORRUPT.
 */
#ifndef RC_MATCH_SLAB_MATCH_ANSWERS_H
#define RC_MATCH_SLAB_MATCH_ANSWERS_H

#include "engine/match/slab/match_slab_form.h"

/* A code that was not asked about. */
#define RC_ANSWER_UNKNOWN 2u

struct rc_match_answers {
    const struct rc_match_node *node;
    struct rc_column_view column;
    uint8_t *table; /* RC_SCAN_TABLE_PADDING more bytes than codes. */
    uint32_t passed;
    bool complete;
    struct rc_text_cursor cursor; /* For texts asked about one by one. */
};

/*
 * The codes of column that a set of texts lets pass, ascending, in arena.
 * *ret_sought: false when the leaf is no such set, or when asking about every code is cheaper.
 */
RC_MUST_USE enum rc_status
rc_match_seek(const struct rc_match_node *node,
              const struct rc_column_view *column,
              struct rc_arena *arena,
              bool *ret_sought,
              uint32_t **ret_codes,
              uint32_t *ret_count);

/* Opens the answers of node about column; lazily: none is known yet unless they could be sought. */
RC_MUST_USE enum rc_status
rc_match_answers_open(struct rc_slab_match *match,
                      const struct rc_match_node *node,
                      const struct rc_column_view *column,
                      bool lazily,
                      struct rc_match_answers *ret_answers);

void
rc_match_answers_close(struct rc_match_answers *answers);

/* Asks about every code that is unknown. */
RC_MUST_USE enum rc_status
rc_match_answers_complete(struct rc_slab_match *match, struct rc_match_answers *answers);

/* Asks about one code, which is unknown, and keeps the answer. A failure is kept in the match's
 * leaf scratch. */
bool
rc_match_answers_ask(struct rc_slab_match *match, struct rc_match_answers *answers, uint32_t code);

/* Takes the rows that do not pass out of words, which begin with row begin; for few rows. */
void
rc_match_answers_refine(struct rc_slab_match *match,
                        struct rc_match_answers *answers,
                        uint32_t begin,
                        uint64_t *words);

/* The same for any rows, ascending: bit i is that of rows[i]. */
void
rc_match_answers_refine_rows(struct rc_slab_match *match,
                             struct rc_match_answers *answers,
                             const uint32_t *rows,
                             uint64_t *words,
                             uint32_t word_count);

#endif
