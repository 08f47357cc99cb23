/*
 * Encode: from what the engine answers to messages of the contract.
 *
 * Ownership: messages come from the arena and may borrow from the engine's reply.
 * Threading: pure functions.
 * Errors:    RC_NO_MEMORY.
 */
#ifndef RC_SERVER_ENCODE_ENCODE_H
#define RC_SERVER_ENCODE_ENCODE_H

#include <recount/v1/calendar.pb-c.h>
#include <recount/v1/chart.pb-c.h>
#include <recount/v1/event_list.pb-c.h>
#include <recount/v1/predicate.pb-c.h>
#include <recount/v1/segment.pb-c.h>
#include <recount/v1/segment_rule.pb-c.h>
#include <recount/v1/value.pb-c.h>

#include "engine/base/arena.h"
#include "engine/match/predicate/predicate.h"
#include "engine/query/query.h"
#include "engine/query/segment/segment.h"
#include "server/call/service.h"

/* What a page of a list takes at most, where it has more than one item: clients of gRPC take 4 MiB
 * unless they are told otherwise. */
#define RC_PAGE_BYTES ((size_t)2 << 20)

/* Cuts the messages of a page before what would take it past RC_PAGE_BYTES; more is true then. */
void
rc_encode_fit_page(const void *messages, size_t *count, bool *more);

/* Sets pointer to a new message, or returns RC_NO_MEMORY from the calling function. */
#define RC_NEW(arena, pointer, descriptor)                  \
    do {                                                    \
        (pointer) = rc_message_new((arena), &(descriptor)); \
        if ((pointer) == NULL)                              \
            return RC_NO_MEMORY;                            \
    } while (0)

/* Sets pointer to a new array, or returns RC_NO_MEMORY from the calling function. */
#define RC_NEW_ARRAY(arena, pointer, type, count)                       \
    do {                                                                \
        (pointer) = RC_ARENA_ARRAY((arena), type, (size_t)(count) + 1); \
        if ((pointer) == NULL)                                          \
            return RC_NO_MEMORY;                                        \
    } while (0)

/* Sets target to a copy of bytes that ends with NUL, or returns RC_NO_MEMORY from the calling
 * function. */
#define RC_NEW_TEXT(arena, target, bytes)                                  \
    do {                                                                   \
        const struct rc_bytes rc_text_ = (bytes);                          \
        (target) = rc_arena_string((arena), rc_text_.data, rc_text_.size); \
        if ((target) == NULL)                                              \
            return RC_NO_MEMORY;                                           \
    } while (0)

RC_MUST_USE enum rc_status
rc_encode_format(struct rc_arena *arena, char **ret_text, const char *format, ...) RC_PRINTF(3, 4);

RC_MUST_USE enum rc_status
rc_encode_value(struct rc_arena *arena, struct rc_value value, Recount__V1__Value **ret_value);

RC_MUST_USE enum rc_status
rc_encode_property(struct rc_arena *arena,
                   const struct rc_event_property *property,
                   Recount__V1__Property **ret_property);

RC_MUST_USE enum rc_status
rc_encode_properties(struct rc_arena *arena,
                     const struct rc_event_property *properties,
                     uint32_t count,
                     Recount__V1__Property ***ret_list,
                     size_t *ret_count);

/* An event with those of its properties that are named; name_count 0: all. */
RC_MUST_USE enum rc_status
rc_encode_event(struct rc_arena *arena,
                const struct rc_event *event,
                char *const *names,
                size_t name_count,
                Recount__V1__Event **ret_event);

RC_MUST_USE enum rc_status
rc_encode_label(struct rc_arena *arena,
                const struct rc_row_label *label,
                Recount__V1__RowLabel **ret_label);

RC_MUST_USE enum rc_status
rc_encode_bucket(struct rc_arena *arena,
                 const struct rc_bucket *bucket,
                 Recount__V1__Bucket **ret_bucket);

/* A column of count numbers; NaN becomes a place without a number. values is kept and its NaNs
 * become 0. */
RC_MUST_USE enum rc_status
rc_encode_column(struct rc_arena *arena,
                 double *values,
                 uint32_t count,
                 Recount__V1__NumberColumn **ret_column);

/* scope may be NULL: a query without a range. */
RC_MUST_USE enum rc_status
rc_encode_info(struct rc_request *request,
               const struct rc_scope *scope,
               bool with_range,
               const struct rc_query_stats *stats,
               Recount__V1__QueryInfo **ret_info);

/* What was written down of a query's plan. */
RC_MUST_USE enum rc_status
rc_encode_plan(struct rc_arena *arena,
               const struct rc_explain *explain,
               const char *title,
               Recount__V1__QueryPlan **ret_plan);

/* Names of definitions and segments are completed with the project's id. */
RC_MUST_USE enum rc_status
rc_encode_predicate(struct rc_arena *arena,
                    struct rc_bytes project,
                    const struct rc_predicate *predicate,
                    Recount__V1__Predicate **ret_predicate);

/* Fills out; account_key: of a property of accounts, else ignored. */
RC_MUST_USE enum rc_status
rc_encode_property_ref(struct rc_arena *arena,
                       enum rc_leaf_scope scope,
                       struct rc_bytes name,
                       struct rc_bytes account_key,
                       Recount__V1__PropertyRef *out);

RC_MUST_USE enum rc_status
rc_encode_leaf(struct rc_arena *arena,
               const struct rc_leaf *leaf,
               bool negated,
               Recount__V1__Leaf **ret_leaf);

RC_MUST_USE enum rc_status
rc_encode_segment_rule(struct rc_arena *arena,
                       struct rc_bytes project,
                       const struct rc_segment *segment,
                       Recount__V1__SegmentRule **ret_rule);

RC_MUST_USE enum rc_status
rc_encode_user_list(struct rc_arena *arena,
                    const struct rc_segment *segment,
                    Recount__V1__UserList **ret_list);

#endif
