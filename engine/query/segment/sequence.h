/*
 * Sequence: how often one person did some steps in order: an ordered funnel whose matches are
 * counted one after the other. As soon as the events since the last match, in total order, hold
 * one, it counts, and the next begins behind them.
 *
 * A match is a distinct event for each step, times ascending or equal, from first to last within
 * within_ms; a step that is adjacent has no event of any kind strictly between it and the step
 * before in time; one with a least time is at least so much later than the step before.
 *
 * Ownership: opaque; charges the account given.
 * Threading: one thread at a time.
 * Units:     ms.
 * Errors:    RC_NO_MEMORY.
 */
#ifndef RC_QUERY_SEGMENT_SEQUENCE_H
#define RC_QUERY_SEGMENT_SEQUENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/query/segment/segment.h"
#include "engine/query/walk/walk.h"

struct rc_sequence;

/* Step i is bit i of a hit's mask. Where some step is adjacent, all events of the person are hits,
 * those that are no step with other bits. The behaviour has steps and must outlive the sequence. */
RC_MUST_USE enum rc_status
rc_sequence_new(const struct rc_behaviour *behaviour,
                struct rc_account *account,
                struct rc_sequence **ret_sequence);

struct rc_sequence *
rc_sequence_free(struct rc_sequence *sequence);

RC_DEFINE_CLEANUP(struct rc_sequence *, rc_sequence_free)

/* The number of matches among one person's hits in total order. */
RC_MUST_USE enum rc_status
rc_sequence_count(struct rc_sequence *sequence,
                  const struct rc_hit *hits,
                  uint32_t count,
                  uint32_t *ret_matches);

#endif
