/*
 * Path walks: from a person's hits to walks, one session after the other.
 *
 * Ownership: a reader owns its buffer, charged to the account given.
 * Threading: a lane has its own.
 * Errors:    RC_NO_MEMORY.
 */
#ifndef RC_QUERY_USAGE_PATH_WALKS_H
#define RC_QUERY_USAGE_PATH_WALKS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/status.h"
#include "engine/query/usage/path_nodes.h"

/* What makes a walk, the same for all lanes. */
struct rc_path_rule {
    const struct rc_path_nodes *nodes;
    uint64_t excluded_bit; /* Of hits that are no nodes; 0: none. */
    int64_t gap_ms;
    uint32_t depth;
    uint32_t start_count;
    uint32_t start[RC_PATH_DEPTH_MAX]; /* RC_PATH_NODE_NONE: no event is it. */
    bool has_end;
    uint32_t end;
};

struct rc_path_walk {
    const uint32_t *nodes;      /* By level. */
    const struct rc_hit *first; /* The event of the first one. */
    uint32_t count;             /* 0: the session has no walk. */
    bool drops_off;             /* It ends at its last node, which was not asked to be the end. */
};

struct rc_path_reader {
    const struct rc_path_rule *rule;
    struct rc_account *account;
    uint32_t *nodes;  /* Of a session. */
    uint32_t *places; /* By node: where in the session the event that made it is. */
    uint32_t capacity;
};

/* For RC_CLEANUP on the struct itself, and for lanes. */
void
rc_path_reader_close(struct rc_path_reader *reader);

/* The walk of the session that begins at *at (below count); moves *at behind it. The walk is valid
 * until the next call. */
RC_MUST_USE enum rc_status
rc_path_reader_next(struct rc_path_reader *reader,
                    uint32_t person,
                    const struct rc_hit *hits,
                    uint32_t count,
                    uint32_t *at,
                    struct rc_path_walk *ret_walk);

#endif
