/*
 * Decode: the only door for bytes from outside. Bytes are checked and unpacked into an arena in one
 * pass, then turned into what the engine takes.
 *
 * The pass follows the message's descriptor: depth, lengths, wire types, that texts are UTF-8
 * without NUL (where protobuf-c's end), that enum values are known, and that there are
 * no fields that this server does not know: an option that is not understood must not be ignored.
 *
 * Ownership: all results live in the arena (texts of columns: in the received bytes).
 * Threading: pure functions; a context belongs to one thread.
 * Errors:    RC_INVALID, RC_LIMIT_EXCEEDED and RC_UNSUPPORTED name the field by its path from the
 * request
 *            ("steps[2].selector.terms[0].predicate.leaf.regex"). RC_NO_MEMORY.
 */
#ifndef RC_SERVER_DECODE_DECODE_H
#define RC_SERVER_DECODE_DECODE_H

#include <protobuf-c/protobuf-c.h>
#include <recount/v1/breakdown.pb-c.h>
#include <recount/v1/calendar.pb-c.h>
#include <recount/v1/predicate.pb-c.h>
#include <recount/v1/scope.pb-c.h>
#include <recount/v1/segment.pb-c.h>
#include <recount/v1/segment_rule.pb-c.h>
#include <recount/v1/selector.pb-c.h>
#include <recount/v1/value.pb-c.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/status.h"
#include "engine/match/predicate/predicate.h"
#include "engine/query/query.h"
#include "engine/query/segment/segment.h"

/* Nested messages that are followed. A segment rule of 16 levels with a predicate of 32 at its leaf
 * nests 2 * 16 + 2 * 32 messages and a dozen around them; 128 levels take little stack. */
#define RC_DECODE_DEPTH_MAX 128u

/* What a message may take once it is unpacked. Structs are many times larger than the bytes of
 * empty messages, so the size of what was received is no bound. */
#define RC_DECODE_BYTES_MAX ((uint64_t)64 << 20)

/*
 * Checks and unpacks a message. *ret_message is of the descriptor's type.
 */
RC_MUST_USE enum rc_status
rc_decode_message(const ProtobufCMessageDescriptor *descriptor,
                  struct rc_bytes bytes,
                  struct rc_arena *arena,
                  ProtobufCMessage **ret_message,
                  struct rc_error *reterr_error);

/* ---- Context: where in a request the decoder is, and what it found
 * ------------------------------- */

/* Properties are noted where what is decoded will be stored; they need not exist. */
enum rc_reference_kind {
    RC_REFERENCE_DEFINITION = RC_CATALOG_DEFINITIONS,
    RC_REFERENCE_SEGMENT = RC_CATALOG_SEGMENTS,
    RC_REFERENCE_PROPERTY = RC_CATALOG_PROPERTIES,
};

/* A name in the request that must exist in the project; checked once the project is at hand. */
struct rc_reference {
    struct rc_reference *next;
    enum rc_reference_kind kind;
    struct rc_bytes project;
    struct rc_bytes id;
    const char *field;
    uint64_t version; /* 0: the current one. */
    const char *version_field;
};

/* The project that a request names. */
struct rc_named_project {
    const char *field; /* Where; NULL: not yet decoded. */
    struct rc_bytes id;
};

struct rc_decode {
    struct rc_arena *arena;
    struct rc_error *error;
    struct rc_bytes project; /* Its id. */
    struct rc_reference *references;
    uint32_t pattern_steps;
    uint32_t predicate_nodes;       /* Of the predicate or selector that it is in. */
    uint32_t levels_above;          /* What a selector puts around its predicates. */
    uint32_t cells_deep;            /* Handles of cells that the decoder is in. */
    bool stores;                    /* What is decoded will be stored. */
    struct rc_query_hints *hints;   /* NULL: none. */
    bool explain;                   /* They ask for the plan. */
    struct rc_named_project *named; /* Gets which one the request names first. NULL: nobody asks. */
    size_t path_size;
    char path[RC_ERROR_FIELD_BYTES]; /* Ended by NUL; what does not fit is left out. */
};

/* Goes one step down the path, to a field or to an element of a list ("": of the field that it is
 * in); gives what rc_decode_leave takes to come back. */
size_t
rc_decode_enter(struct rc_decode *decode, const char *name);
size_t
rc_decode_enter_item(struct rc_decode *decode, const char *list, size_t place);
void
rc_decode_leave(struct rc_decode *decode, size_t mark);

/* Fails at field, below the current path ("" is the current place itself). Returns status. */
enum rc_status
rc_decode_fail(struct rc_decode *decode,
               enum rc_status status,
               const char *field,
               const char *format,
               ...) RC_PRINTF(4, 5);

/* The one refusal of what the contract has and this server does not yet. */
enum rc_status
rc_decode_unsupported(struct rc_decode *decode, const char *field);

/* Fails for want of memory. */
enum rc_status
rc_decode_no_memory(struct rc_decode *decode);

/* The names in a list's field properties, which are borrowed. */
RC_MUST_USE enum rc_status
rc_decode_properties(struct rc_decode *decode,
                     char *const *in,
                     size_t count,
                     const struct rc_bytes **ret_names,
                     uint32_t *ret_count);

/* Refuses field as not supported if it is set. */
#define RC_REFUSE(decode, is_set, field)                     \
    do {                                                     \
        if (is_set)                                          \
            return rc_decode_unsupported((decode), (field)); \
    } while (0)

/* How the query is to be run: into decode->hints and decode->explain. NULL is fine. */
RC_MUST_USE enum rc_status
rc_decode_hints(struct rc_decode *decode, const Recount__V1__QueryHints *in);

/* ---- Names ----------------------------------------------------------------------------------- */

/* "projects/{project}" into the id. */
RC_MUST_USE enum rc_status
rc_decode_project(struct rc_decode *decode,
                  const char *field,
                  const char *name,
                  struct rc_bytes *ret_id);

/* "projects/{project}/{collection}/{id}" into both. */
RC_MUST_USE enum rc_status
rc_decode_name(struct rc_decode *decode,
               const char *field,
               const char *name,
               const char *collection,
               struct rc_bytes *ret_project,
               struct rc_bytes *ret_id);

/* A name of a definition or segment, which is remembered as a reference. */
RC_MUST_USE enum rc_status
rc_decode_reference(struct rc_decode *decode,
                    const char *field,
                    const char *name,
                    enum rc_reference_kind kind,
                    struct rc_bytes *ret_id);

/* Which version of the last reference is wanted, as the request says in field. */
RC_MUST_USE enum rc_status
rc_decode_reference_version(struct rc_decode *decode, const char *field, uint64_t version);

/* Refuses references into other projects. For later than decoding: an unknown project is told
 * first. */
RC_MUST_USE enum rc_status
rc_decode_check_references(const struct rc_decode *decode);

/* ---- Parts of requests ----------------------------------------------------------------------- */

/* Without an optional range the scope has all time. */
enum rc_range_rule { RC_RANGE_REQUIRED, RC_RANGE_OPTIONAL, RC_RANGE_REFUSED };

#define RC_WEEK_START_DEFAULT UINT32_MAX

/* A scope as sent: the zone may be empty and week_start RC_WEEK_START_DEFAULT, which both mean the
 * project's. Sets decode->project. now_ms stands for an as_of that is not set. */
RC_MUST_USE enum rc_status
rc_decode_scope(struct rc_decode *decode,
                const Recount__V1__Scope *scope,
                enum rc_range_rule rule,
                int64_t now_ms,
                struct rc_scope *ret_scope);

/* Refuses a scope with an entity; why is a sentence for the client. */
RC_MUST_USE enum rc_status
rc_decode_no_entity(struct rc_decode *decode, const struct rc_scope *scope, const char *why);

RC_MUST_USE enum rc_status
rc_decode_range(struct rc_decode *decode,
                const Recount__V1__TimeRange *range,
                int64_t *ret_start_ms,
                int64_t *ret_end_ms);

/* A bucket's unit, and how many of them it has. NULL or no unit: RC_INVALID. */
RC_MUST_USE enum rc_status
rc_decode_bucket(struct rc_decode *decode,
                 const Recount__V1__BucketSize *bucket,
                 enum rc_unit *ret_unit,
                 uint32_t *ret_multiple);

/* NULL gives *ret_breakdown NULL. */
RC_MUST_USE enum rc_status
rc_decode_breakdown(struct rc_decode *decode,
                    const Recount__V1__Breakdown *breakdown,
                    const struct rc_breakdown **ret_breakdown,
                    uint32_t *ret_top_n);

/* A breakdown by all that a split can be by, in a field. NULL gives *ret_dimensions NULL. */
RC_MUST_USE enum rc_status
rc_decode_split(struct rc_decode *decode,
                const char *field,
                const Recount__V1__Breakdown *breakdown,
                const struct rc_breakdown **ret_dimensions,
                uint32_t *ret_count,
                uint32_t *ret_top_n);

RC_MUST_USE enum rc_status
rc_decode_value(struct rc_decode *decode,
                const Recount__V1__Value *value,
                struct rc_value *ret_value);

/* What a field "property" refers to. */
RC_MUST_USE enum rc_status
rc_decode_property(struct rc_decode *decode,
                   const Recount__V1__PropertyRef *property,
                   enum rc_leaf_scope *ret_scope,
                   struct rc_bytes *ret_name,
                   struct rc_bytes *ret_account_key);

/* The same of a field that the decoder is in already. */
RC_MUST_USE enum rc_status
rc_decode_property_here(struct rc_decode *decode,
                        const Recount__V1__PropertyRef *property,
                        enum rc_leaf_scope *ret_scope,
                        struct rc_bytes *ret_name,
                        struct rc_bytes *ret_account_key);

RC_MUST_USE enum rc_status
rc_decode_predicate(struct rc_decode *decode,
                    const Recount__V1__Predicate *predicate,
                    const struct rc_predicate **ret_predicate);

/* Counts a node of a selector that is none of a predicate in it. */
RC_MUST_USE enum rc_status
rc_decode_count_node(struct rc_decode *decode);

RC_MUST_USE enum rc_status
rc_decode_leaf(struct rc_decode *decode,
               const Recount__V1__Leaf *leaf,
               const struct rc_predicate **ret_predicate);

RC_MUST_USE enum rc_status
rc_decode_selector(struct rc_decode *decode,
                   const Recount__V1__Selector *selector,
                   const struct rc_predicate **ret_predicate);

/* That of a field that may be missing: then any event. */
RC_MUST_USE enum rc_status
rc_decode_selector_or_any(struct rc_decode *decode,
                          const char *field,
                          const Recount__V1__Selector *selector,
                          const struct rc_predicate **ret_predicate);

RC_MUST_USE enum rc_status
rc_decode_segment_rule(struct rc_decode *decode,
                       const Recount__V1__SegmentRule *rule,
                       const struct rc_segment **ret_segment);

/* The users of a list. */
RC_MUST_USE enum rc_status
rc_decode_user_list(struct rc_decode *decode,
                    const Recount__V1__UserList *list,
                    const struct rc_segment **ret_segment);

RC_MUST_USE enum rc_status
rc_decode_segment_filter(struct rc_decode *decode,
                         const Recount__V1__SegmentFilter *filter,
                         const struct rc_segment **ret_segment);

#endif
