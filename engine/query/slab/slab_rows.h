/*
 * Slab rows: the rows of one selector in a slab, a piece at a time, as words: for folds that take
 * rows as they are (rc_fold.rows). Dead rows are taken out.
 *
 * Ownership: a reader owns its scratch; see rc_slab_rows_close.
 * Threading: a reader is one thread's.
 */
#ifndef RC_QUERY_SLAB_SLAB_ROWS_H
#define RC_QUERY_SLAB_SLAB_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/status.h"
#include "engine/query/plan/plan.h"

#define RC_PIECE_ROWS 4096u
#define RC_PIECE_WORDS (RC_PIECE_ROWS / 64)

struct rc_slab_rows {
    struct rc_account *account;
    uint64_t *scratch; /* RC_BLOCK_WORDS, and of a piece. */
    const struct rc_rowset *set;
    const uint64_t *dead;
    uint32_t block; /* The block that kind and words are of. */
    enum rc_block_kind kind;
    const uint64_t *words;
};

void
rc_slab_rows_close(struct rc_slab_rows *rows);

/* Turns to a slab of the plan. stream: index of the selector's one stream. */
RC_MUST_USE enum rc_status
rc_slab_rows_open(struct rc_slab_rows *rows,
                  const struct rc_plan *plan,
                  uint32_t plan_slab,
                  uint32_t stream);

/* The words of the piece [base, base + RC_PIECE_ROWS), base a multiple of it. *ret_words NULL: all
 * rows. false: none. */
bool
rc_slab_rows_piece(struct rc_slab_rows *rows, uint32_t base, const uint64_t **ret_words);

/* The one stream of a selector's bit that reads no person, if the plan has no filter of persons
 * and no entities either; UINT32_MAX: there is none of the kind. */
uint32_t
rc_slab_rows_stream(const struct rc_plan *plan, uint64_t bit);

/* The same for folds that ask about the plan's persons by themselves, of whom there may be a filter
 * then: its sets are all sparse, and its persons are not so few that their rows are looked up. */
uint32_t
rc_slab_rows_asked_stream(const struct rc_plan *plan, uint64_t bit);

/* Whose the rows of a slab are. */
static inline struct rc_row_owners
rc_slab_rows_owned(const struct rc_slab *slab)
{
    return (struct rc_row_owners){.starts = rc_slab_starts(slab),
                                  .users = rc_slab_users(slab),
                                  .user_count = rc_slab_get_info(slab)->user_count};
}

/* The first of the rows [begin, end) of one user whose time is not below an offset from the
 * window's start, or end. */
static inline uint32_t
rc_slab_rows_from(const uint32_t *times, uint32_t begin, uint32_t end, int64_t offset_ms)
{
    while (begin < end) {
        const uint32_t middle = begin + (end - begin) / 2;
        if (times[middle] < offset_ms)
            begin = middle + 1;
        else
            end = middle;
    }
    return begin;
}

/* Whether a row beside one has its time: mostly one of the same user. */
static inline bool
rc_slab_rows_has_twin(const uint32_t *times, uint32_t row_count, uint32_t row)
{
    return (row > 0 && times[row - 1] == times[row]) ||
           (row + 1 < row_count && times[row + 1] == times[row]);
}

/* The index of the user who owns a row, from that of one who owns it or an earlier one on. */
uint32_t
rc_slab_rows_owner(const uint32_t *starts, uint32_t user_count, uint32_t user, uint32_t row);

/* The same where the owner is mostly a few users on: eight are counted at once, without a branch
 * that could be guessed wrong. */
static inline uint32_t
rc_slab_rows_next_owner(const uint32_t *starts, uint32_t user_count, uint32_t user, uint32_t row)
{
    if (user + 8 < user_count) {
        uint32_t passed = 0;
        for (uint32_t i = 1; i <= 8; i++)
            passed += starts[user + i] <= row;
        user += passed;
        if (passed < 8)
            return user;
    }
    return rc_slab_rows_owner(starts, user_count, user, row);
}

/* The same of some rows, ascending, one at least, from a user who owns the first or an earlier one
 * on: all are sought together, so that they wait for memory together. starts may be any ascending
 * numbers: what is found is the last that is not above a row, or the first of all. */
void
rc_slab_rows_owners(const uint32_t *starts,
                    uint32_t user_count,
                    uint32_t user,
                    const uint32_t *rows,
                    uint32_t count,
                    uint32_t *owners);

/* For tests: whether wide vectors may be used. Set while nothing runs. */
extern bool rc_slab_rows_wide;

#endif
