/*
 * Split: the rows of a breakdown by one to three dimensions, numbered, and in which of them an
 * event counts. A row is a value of each dimension; an event with several values counts in the row
 * of each.
 *
 * Ownership: opaque; charges the context's account; borrows the plan, which must outlive it.
 * Threading: made by one thread (which lets workers walk), then read by any; each reader has an
 *            rc_split_list of its own.
 * Errors:    RC_INVALID, RC_LIMIT_EXCEEDED and RC_NOT_FOUND name the field from
 *            "breakdown.dimensions" on; RC_CANCELLED; RC_NO_MEMORY.
 */
#ifndef RC_QUERY_SPLIT_SPLIT_H
#define RC_QUERY_SPLIT_SPLIT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/query/plan/plan.h"
#include "engine/query/time/calendar.h"
#include "engine/query/walk/walk.h"

struct rc_split;
struct rc_groups;
struct rc_text_parts;

/* An event that makes rows. */
struct rc_split_item {
    uint32_t person;
    struct rc_hit hit;
};

/* Some of them. */
struct rc_split_items {
    uint32_t count;
    const struct rc_split_item *items;
};

struct rc_split_request {
    const struct rc_plan *plan;
    const struct rc_breakdown *dimensions;
    uint32_t dimension_count;
    const struct rc_scope *scope;
    const struct rc_calendar *calendar;
    uint64_t mask; /* Of the plan's selectors: whose events make rows. */
    /* Events that make rows, in place of all those of mask: lists of them; 0: there are none. */
    uint32_t list_count;
    const struct rc_split_items *lists;
    /* Whether bins reach over those of a time that match some of them; NULL: over all. */
    bool (*reads)(const void *reader, uint64_t mask, int64_t time_ms);
    const void *reader;
    bool between;  /* Bins also hold numbers between those that make them, of other events. */
    bool unbinned; /* Bins are made later: rc_split_make_bins. */
    bool may_part; /* Rows may be parts of values: rc_split_parts. */
    /* Has the same dimensions and made bins, which are taken; NULL: bins are made. */
    const struct rc_split *bins_of;
    struct rc_query_stats *stats;
};

RC_MUST_USE enum rc_status
rc_split_new(const struct rc_split_request *request,
             struct rc_split **ret_split,
             struct rc_error *reterr_error);

struct rc_split *
rc_split_free(struct rc_split *split);

RC_DEFINE_CLEANUP(struct rc_split *, rc_split_free)

/* Whether some dimension wants its numbers in bins. */
bool
rc_split_wants_bins(const struct rc_split *split);

/* Puts the numbers of a split that was made without bins into them: from the least to the greatest
 * number of the rows that are not 0 in present. Rows are numbered anew. */
RC_MUST_USE enum rc_status
rc_split_make_bins(struct rc_split *split,
                   const struct rc_split_request *request,
                   const uint8_t *present);

/* Rows are numbered below this. */
uint32_t
rc_split_count(const struct rc_split *split);

/* Whether rc_split_rows asks for the person. */
bool
rc_split_reads_person(const struct rc_split *split);

/* The groups that are the rows, where they are just the values of one event property; else NULL. */
const struct rc_groups *
rc_split_groups(const struct rc_split *split);

/* The parts of values that are the rows; NULL: each row is a value. */
const struct rc_text_parts *
rc_split_parts(const struct rc_split *split);

/* A reader's lists. All zero but the account is empty. */
struct rc_split_list {
    struct rc_account *account;
    uint32_t single;
    uint32_t count; /* Of rows. */
    size_t capacity;
    uint32_t *rows;
    uint32_t part_counts[3];
    size_t part_capacities[3];
    uint32_t *parts[3];
    uint32_t *positions[3]; /* By dimension, as rc_groups_near has them. */
};

/* For RC_CLEANUP on the struct itself. */
void
rc_split_list_close(struct rc_split_list *list);

/* The rows of a hit, each once; they are valid until the next call. RC_LIMIT_EXCEEDED past a
 * million rows of one event. */
RC_MUST_USE enum rc_status
rc_split_rows(const struct rc_split *split,
              uint32_t person,
              const struct rc_hit *hit,
              struct rc_split_list *list,
              const uint32_t **ret_rows,
              uint32_t *ret_count);

/* A row's values, one a dimension, in arena. */
RC_MUST_USE enum rc_status
rc_split_label(const struct rc_split *split,
               uint32_t row,
               struct rc_arena *arena,
               const struct rc_label_value **ret_parts);

uint32_t
rc_split_dimension_count(const struct rc_split *split);

/* For each row of split the row of the same values in other, or UINT32_MAX, in arena. Both are by
 * the same dimensions; their bins, if there are any, are those of one of them. */
RC_MUST_USE enum rc_status
rc_split_match(const struct rc_query_context *context,
               const struct rc_split *split,
               const struct rc_split *other,
               struct rc_arena *arena,
               const uint32_t **ret_others);

/* The dimensions and top_n of a breakdown. Errors name the field from "breakdown" on. */
RC_MUST_USE enum rc_status
rc_split_check(const struct rc_breakdown *dimensions,
               uint32_t dimension_count,
               uint32_t top_n,
               struct rc_error *reterr_error);

#endif
