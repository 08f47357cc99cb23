/*
 * Retention, returns: the periods in which beginners have returns, from the rows that they have in
 * slabs, as the walk finds them (rc_fold.stretches).
 *
 * Ownership: arrays are in the context's arena, but for a reader's scratch: see
 *            rc_retention_reader_close. The rest is borrowed.
 * Threading: returns are read-only once open; a reader is one thread's, and so is each person at a
 *            time.
 * Errors:    RC_NO_MEMORY.
 */
#ifndef RC_QUERY_RETENTION_RETENTION_RETURNS_H
#define RC_QUERY_RETENTION_RETENTION_RETURNS_H

#include "engine/query/retention/retention_beginners.h"
#include "engine/query/slab/times_below.h"

struct rc_retention_reader;
struct rc_retention_slab;

struct rc_retention_returns {
    struct rc_retention_beginners *beginners;
    struct rc_plan plan; /* Of the return event alone, for the beginners. */
    struct rc_retention_times times;
    struct rc_retention_slab *slabs;
    rc_times_below below;
    uint64_t (*read)(struct rc_retention_reader *reader,
                     const struct rc_retention_slab *slab,
                     const struct rc_walk_stretch *stretches,
                     uint32_t count);
};

struct rc_retention_reader {
    const struct rc_retention_returns *returns;
    uint32_t first;    /* Of the block's persons, among the beginners. */
    uint64_t *scratch; /* RC_BLOCK_WORDS. */
    const struct rc_retention_slab *slab;
    uint32_t block; /* The block of it that kind and words are of. */
    enum rc_block_kind kind;
    const uint64_t *words;
};

/* Finds the beginners' spans of time too. */
RC_MUST_USE enum rc_status
rc_retention_returns_open(struct rc_retention_beginners *beginners,
                          struct rc_retention_returns *ret_returns);

RC_MUST_USE enum rc_status
rc_retention_reader_open(const struct rc_retention_returns *returns,
                         struct rc_retention_reader *ret_reader);

/* A reader that is zero is fine. */
void
rc_retention_reader_close(struct rc_retention_reader *reader);

/* Adds the periods of a block's stretches to its persons, at most RC_WALK_STRETCHES_MAX of them;
 * how many returns lie between a person's first start and the end of what is asked. */
uint64_t
rc_retention_read(struct rc_retention_reader *reader,
                  uint32_t plan_slab,
                  const struct rc_walk_stretch *stretches,
                  uint32_t count);

/* The same of a single return of a beginner; whether it lies there. */
bool
rc_retention_read_hit(const struct rc_retention_returns *returns,
                      uint32_t beginner,
                      const struct rc_hit *hit);

#endif
