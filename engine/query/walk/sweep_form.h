/*
 * Sweep, inside: shared by sweep.c and sweep_sparse.c and nobody else.
 */
#ifndef RC_QUERY_WALK_SWEEP_FORM_H
#define RC_QUERY_WALK_SWEEP_FORM_H

#include "engine/match/rows/words.h"
#include "engine/query/slab/slab_rows.h"
#include "engine/query/walk/sweep.h"

#define WINDOW_WORDS (RC_SWEEP_ROWS / 64)
#define BATCH_ROWS 64u
#define NO_BLOCK UINT32_MAX
#define MERGED_MAX 8u /* Streams whose next rows are compared one by one. */

enum cursor_kind { CURSOR_NONE, CURSOR_FULL, CURSOR_DENSE, CURSOR_SPARSE };

struct cursor {
    const struct rc_rowset *set;
    const struct rc_stream *stream;
    enum cursor_kind kind;
    bool timed; /* Some rows of the slab are outside the stream's time. */
    bool asks;  /* A row's bit is not all: its time or person is asked too. */
    enum rc_block_kind block_kind;
    uint32_t block; /* Dense: the block that words are of, or NO_BLOCK. */
    const uint64_t *words;
    uint32_t next;    /* Sparse: where to read on, */
    uint32_t stretch; /* and the first of the sweep's stretches that may have rows from there on. */
    uint32_t batch_count;
    uint32_t batch_at;
    uint32_t ahead_count;
    uint32_t batch[BATCH_ROWS];
    uint32_t ahead[BATCH_ROWS]; /* The rows behind the batch's. */
    /* Kept with the set, of all its rows, of the batch's and of those behind; NULL: sought. */
    const uint32_t *users;
    const uint32_t *batch_users;
    const uint32_t *ahead_users;
    uint64_t window[WINDOW_WORDS];
    uint32_t used_begin; /* Words of window that are not zero lie in here. */
    uint32_t used_end;
    uint64_t *scratch; /* RC_BLOCK_WORDS, made when first needed. */
};

/* A stream's bits in the window at hand. */
struct active {
    const uint64_t *words;
    const struct cursor *cursor;
};

/* The same in the word at hand, where it has some. */
struct near {
    uint64_t bits;
    uint64_t bit; /* The stream's. */
    const struct cursor *cursor;
};

struct rc_sweep {
    const struct rc_plan *plan;
    const uint64_t *skip; /* Users that are left out, a bit each; NULL: none. */
    bool timeless;        /* Nobody asks for times; */
    bool reads_times;     /* of this slab's rows somebody does. */
    const struct rc_view_slab *slab;
    uint32_t source;
    uint32_t row_count;
    int64_t window_start_ms;
    const uint32_t *users;
    const uint32_t *starts;
    const uint32_t *times;
    uint32_t user_count;
    /* The stretch. */
    uint32_t at;
    uint32_t end;
    enum rc_sweep_owner owner;
    uint32_t first;
    const struct rc_walk_stretch *stretches; /* NULL: it is one. */
    uint32_t stretch;                        /* The one at hand. */
    const uint32_t *persons;
    /* Whose the rows from the last hit on are. */
    uint32_t user_index;
    uint32_t user_begin;
    uint32_t user_end; /* First row of somebody else. */
    uint32_t slot;
    uint32_t person;
    bool wanted;
    uint32_t active_count;
    struct active *active;
    uint32_t near_count;
    struct near *near;
    uint32_t words_end;    /* Words of the window from here on have no bits. */
    bool merges;           /* The slab's streams are all sparse, and few. */
    struct cursor *single; /* See rc_sweep_find_single. */
    uint32_t cursor_count;
    struct cursor cursors[];
};

static inline bool
is_in_time(const struct rc_stream *stream, int64_t time_ms)
{
    return time_ms >= stream->from_ms && time_ms < stream->until_ms;
}

/* Whether a row that is in a stream's set is a hit of it. */
static inline bool
is_hit(const struct rc_sweep *sweep, const struct cursor *cursor, int64_t time_ms)
{
    const uint64_t *persons = cursor->stream->persons;
    return (!cursor->timed || is_in_time(cursor->stream, time_ms)) &&
           (persons == NULL || rc_words_has(persons, sweep->person));
}

/* Moves to the user that owns row. Here, since a call for each user of a dense stream is felt. */
static inline void
rc_sweep_find_user(struct rc_sweep *sweep, uint32_t row)
{
    const uint32_t low =
        rc_slab_rows_next_owner(sweep->starts, sweep->user_count, sweep->user_index, row);
    const uint32_t user = sweep->users[low];
    const uint64_t *filter = sweep->plan->persons;
    sweep->user_index = low;
    sweep->user_begin = sweep->starts[low];
    sweep->user_end = sweep->starts[low + 1];
    sweep->person = user;
    sweep->slot = user - sweep->first;
    sweep->wanted = (sweep->skip == NULL || !rc_words_has(sweep->skip, user)) &&
                    (filter == NULL || rc_words_has(filter, user));
}

/* The slab's one stream, if it is sparse; NULL: there are several, or it is not. */
struct cursor *
rc_sweep_find_single(struct rc_sweep *sweep);

/* The next row of a sparse cursor at or past at, or end. */
uint32_t
rc_sweep_peek(const struct rc_sweep *sweep, struct cursor *cursor, uint32_t at, uint32_t end);

/* Appends the hits of the next rows of the one stream, which has some in the stretch. */
RC_MUST_USE enum rc_status
rc_sweep_read_single(struct rc_sweep *sweep, struct cursor *cursor, struct rc_hits *hits);

/* The same of several. */
RC_MUST_USE enum rc_status
rc_sweep_read_merged(struct rc_sweep *sweep, struct rc_hits *hits, bool *ret_more);

#endif
