/*
 * Segment: check, stored form and saved ones put in place.
 *
 * Stored form, a node: kind u8, then
 *   ALL_OF, ANY_OF, NOT  varint count, children
 *   USER                 predicate
 *   BEHAVIOUR            measure u8, comparison u8, n f64, window u8, prior u64, start u64,
 *                        end u64, then
 *                          COUNT, DISTINCT_DAYS  predicate
 *                          SUM                   predicate, property
 *                          SEQUENCE              within u64, varint count, for each step
 *                                                adjacent u8, least u64, predicate
 *   SAVED                name
 *   LIST                 varint count, ids
 *   CELL                 bytes for rc_cell_read, varint count of names, for each
 *                        kind of catalog u8, name
 * and a SAVED one of a version is of a kind of its own: 9, name, version u64.
 */
#include "engine/query/segment/segment.h"

#include <math.h>
#include <stdio.h>

#include "engine/base/assert.h"
#include "engine/base/limits.h"
#include "engine/query/segment/segment_persons.h"

#define CHILDREN_MAX RC_PREDICATE_NODES_MAX
#define STORED_VERSION 9 /* Of no rc_segment_kind. */

static const char *
child_field(const struct rc_segment *segment)
{
    return segment->kind == RC_SEGMENT_ALL_OF ? "all_of" : "any_of";
}

void
rc_segment_place_child(const struct rc_segment *segment,
                       uint32_t index,
                       struct rc_error *reterr_error)
{
    if (segment->kind == RC_SEGMENT_NOT)
        rc_error_prefix(reterr_error, "negation");
    else
        rc_error_prefix(reterr_error, "%s[%u]", child_field(segment), index);
}

/* Whether every leaf reads the user. */
static bool
users_only(const struct rc_predicate *predicate)
{
    if (predicate->kind == RC_PREDICATE_LEAF)
        return predicate->leaf.scope == RC_LEAF_USER || predicate->leaf.scope == RC_LEAF_USER_ID;
    if (predicate->kind == RC_PREDICATE_DEFINITION)
        return false;
    for (uint32_t i = 0; i < predicate->child_count; i++)
        if (!users_only(predicate->children[i]))
            return false;
    return true;
}

static enum rc_status
check_selector(const struct rc_predicate *selector, struct rc_error *reterr_error)
{
    if (selector == NULL)
        return rc_error_field(reterr_error, RC_INVALID, "selector", "the selector is missing");
    const enum rc_status status = rc_predicate_check(selector, reterr_error);
    if (status != RC_OK)
        rc_error_prefix(reterr_error, "selector");
    return status;
}

static enum rc_status
check_step(const struct rc_behaviour *behaviour, uint32_t index, struct rc_error *reterr_error)
{
    const struct rc_sequence_step *step = &behaviour->steps[index];
    if (index == 0 && step->adjacent)
        return rc_error_field(reterr_error, RC_INVALID, "adjacent",
                              "there is no step before the first");
    if (index == 0 && step->least_ms != 0)
        return rc_error_field(reterr_error, RC_INVALID, "least_ms",
                              "there is no step before the first");
    if (step->least_ms < 0)
        return rc_error_field(reterr_error, RC_INVALID, "least_ms", "the time is below 0");
    if (step->adjacent && behaviour->step_count == RC_FUNNEL_STEPS_MAX)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "adjacent",
                              "a sequence with adjacent steps has at most %u",
                              RC_FUNNEL_STEPS_MAX - 1);
    return check_selector(step->selector, reterr_error);
}

static enum rc_status
check_sequence(const struct rc_behaviour *behaviour, struct rc_error *reterr_error)
{
    if (behaviour->step_count < 2 || behaviour->step_count > RC_FUNNEL_STEPS_MAX)
        return rc_error_field(reterr_error, RC_INVALID, "sequence.steps",
                              "a sequence has from 2 to %u steps", RC_FUNNEL_STEPS_MAX);
    for (uint32_t i = 0; i < behaviour->step_count; i++) {
        const enum rc_status status = check_step(behaviour, i, reterr_error);
        if (status != RC_OK)
            rc_error_prefix(reterr_error, "sequence.steps[%u]", i);
        RC_TRY(status);
    }
    return RC_OK;
}

static enum rc_status
check_window(const struct rc_behaviour *behaviour, struct rc_error *reterr_error)
{
    switch (behaviour->window) {
    case RC_WINDOW_ALL_TIME:
        return RC_OK;
    case RC_WINDOW_RELATIVE:
        return behaviour->prior_ms > 0 ? RC_OK
                                       : rc_error_field(reterr_error, RC_INVALID, "window.prior_ms",
                                                        "the window must be longer than 0");
    case RC_WINDOW_ABSOLUTE:
        return behaviour->start_ms < behaviour->end_ms
                   ? RC_OK
                   : rc_error_field(reterr_error, RC_INVALID, "window.absolute.end_ms",
                                    "the window must end after it starts");
    }
    return rc_error_field(reterr_error, RC_INVALID, "window", "the window is unknown");
}

static enum rc_status
check_behaviour(const struct rc_behaviour *behaviour, struct rc_error *reterr_error)
{
    if (behaviour->measure < RC_BEHAVIOUR_COUNT || behaviour->measure > RC_BEHAVIOUR_SEQUENCE)
        return rc_error_field(reterr_error, RC_INVALID, "measure", "the measure is unknown");
    if (behaviour->comparison < RC_EQ || behaviour->comparison > RC_GE)
        return rc_error_field(reterr_error, RC_INVALID, "comparison.operation",
                              "the comparison is missing");
    if (!isfinite(behaviour->n))
        return rc_error_field(reterr_error, RC_INVALID, "comparison.value",
                              "the number must be finite");
    RC_TRY(check_window(behaviour, reterr_error));
    if (behaviour->measure == RC_BEHAVIOUR_SUM && behaviour->property.size == 0)
        return rc_error_field(reterr_error, RC_INVALID, "property",
                              "the name of the property is missing");
    return behaviour->measure == RC_BEHAVIOUR_SEQUENCE
               ? check_sequence(behaviour, reterr_error)
               : check_selector(behaviour->selector, reterr_error);
}

static enum rc_status
check_user(const struct rc_predicate *predicate, struct rc_error *reterr_error)
{
    if (predicate == NULL)
        return rc_error_field(reterr_error, RC_INVALID, "user_property", "the test is missing");
    enum rc_status status = rc_predicate_check(predicate, reterr_error);
    if (status == RC_OK && !users_only(predicate))
        return rc_error_field(reterr_error, RC_INVALID, "user_property",
                              "the test reads an event; only properties of the user can be asked");
    if (status != RC_OK)
        rc_error_prefix(reterr_error, "user_property");
    return status;
}

static enum rc_status
check_list(const struct rc_segment *segment, struct rc_error *reterr_error)
{
    if (segment->user_count > RC_SEGMENT_USERS_MAX)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "users",
                              "a list has at most %u users", RC_SEGMENT_USERS_MAX);
    for (uint32_t i = 0; i < segment->user_count; i++)
        if (segment->users[i].size == 0 || segment->users[i].size > RC_USER_ID_BYTES_MAX)
            return rc_error_field(reterr_error, RC_INVALID, "users",
                                  "the id at %u has not from 1 to %u bytes", i,
                                  RC_USER_ID_BYTES_MAX);
    return RC_OK;
}

static enum rc_status
check_cell(const struct rc_segment *segment, struct rc_error *reterr_error)
{
    if (segment->cell == NULL && segment->stored.size == 0)
        return rc_error_field(reterr_error, RC_INVALID, "cell", "the cell is missing");
    if (segment->stored.size > RC_CELL_BYTES_MAX || segment->name_count > RC_CELL_NAMES_MAX)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "cell",
                              "a saved cell has at most %u bytes and %u names", RC_CELL_BYTES_MAX,
                              RC_CELL_NAMES_MAX);
    for (uint32_t i = 0; i < segment->name_count; i++) {
        const struct rc_cell_name *name = &segment->names[i];
        if (name->kind < RC_CATALOG_DEFINITIONS || name->kind > RC_CATALOG_PROPERTIES)
            return rc_error_field(reterr_error, RC_INVALID, "cell", "a name is of no kind");
        if (name->kind != RC_CATALOG_PROPERTIES)
            RC_TRY(rc_catalog_check_name(name->name, "cell", reterr_error));
    }
    return RC_OK;
}

static enum rc_status
check(const struct rc_segment *segment,
      uint32_t depth,
      uint32_t *node_count,
      struct rc_error *reterr_error)
{
    if (depth > RC_SEGMENT_DEPTH_MAX)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "",
                              "the segment is more than %u deep", RC_SEGMENT_DEPTH_MAX);
    if (++*node_count > RC_PREDICATE_NODES_MAX)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "",
                              "the segment has more than %u nodes", RC_PREDICATE_NODES_MAX);
    switch (segment->kind) {
    case RC_SEGMENT_NOT:
        if (segment->child_count != 1)
            return rc_error_field(reterr_error, RC_INVALID, "negation",
                                  "exactly one rule is negated");
        break;
    case RC_SEGMENT_ALL_OF:
    case RC_SEGMENT_ANY_OF:
        break;
    case RC_SEGMENT_USER:
        return check_user(segment->predicate, reterr_error);
    case RC_SEGMENT_BEHAVIOUR: {
        const enum rc_status status = check_behaviour(&segment->behaviour, reterr_error);
        if (status != RC_OK)
            rc_error_prefix(reterr_error, "behavior");
        return status;
    }
    case RC_SEGMENT_SAVED:
        return rc_catalog_check_name(segment->name, "segment", reterr_error);
    case RC_SEGMENT_LIST:
        return check_list(segment, reterr_error);
    case RC_SEGMENT_CELL:
        return check_cell(segment, reterr_error);
    default:
        return rc_error_field(reterr_error, RC_INVALID, "", "the kind of rule is not set");
    }
    for (uint32_t i = 0; i < segment->child_count; i++) {
        const enum rc_status status =
            check(segment->children[i], depth + 1, node_count, reterr_error);
        if (status != RC_OK)
            rc_segment_place_child(segment, i, reterr_error);
        RC_TRY(status);
    }
    return RC_OK;
}

enum rc_status
rc_segment_check(const struct rc_segment *segment, struct rc_error *reterr_error)
{
    uint32_t node_count = 0;
    return check(segment, 1, &node_count, reterr_error);
}

/* What a behaviour measures. */
static void
write_subject(struct rc_writer *writer, const struct rc_behaviour *behaviour)
{
    if (behaviour->measure != RC_BEHAVIOUR_SEQUENCE) {
        rc_predicate_write(writer, behaviour->selector);
        if (behaviour->measure == RC_BEHAVIOUR_SUM)
            rc_write_bytes(writer, behaviour->property);
        return;
    }
    rc_write_u64(writer, (uint64_t)behaviour->within_ms);
    rc_write_varint(writer, behaviour->step_count);
    for (uint32_t i = 0; i < behaviour->step_count; i++) {
        rc_write_u8(writer, behaviour->steps[i].adjacent);
        rc_write_u64(writer, (uint64_t)behaviour->steps[i].least_ms);
        rc_predicate_write(writer, behaviour->steps[i].selector);
    }
}

void
rc_segment_write(struct rc_writer *writer, const struct rc_segment *segment)
{
    const struct rc_behaviour *behaviour = &segment->behaviour;
    const bool versioned = segment->kind == RC_SEGMENT_SAVED && segment->version != 0;
    RC_ASSERT(segment->kind != RC_SEGMENT_CELL || segment->stored.size > 0);
    rc_write_u8(writer, versioned ? STORED_VERSION : (uint8_t)segment->kind);
    switch (segment->kind) {
    case RC_SEGMENT_USER:
        rc_predicate_write(writer, segment->predicate);
        break;
    case RC_SEGMENT_BEHAVIOUR:
        rc_write_u8(writer, (uint8_t)behaviour->measure);
        rc_write_u8(writer, (uint8_t)behaviour->comparison);
        rc_write_f64(writer, behaviour->n);
        rc_write_u8(writer, (uint8_t)behaviour->window);
        rc_write_u64(writer, (uint64_t)behaviour->prior_ms);
        rc_write_u64(writer, (uint64_t)behaviour->start_ms);
        rc_write_u64(writer, (uint64_t)behaviour->end_ms);
        write_subject(writer, behaviour);
        break;
    case RC_SEGMENT_SAVED:
        rc_write_bytes(writer, segment->name);
        if (versioned)
            rc_write_u64(writer, segment->version);
        break;
    case RC_SEGMENT_LIST:
        rc_write_varint(writer, segment->user_count);
        for (uint32_t i = 0; i < segment->user_count; i++)
            rc_write_bytes(writer, segment->users[i]);
        break;
    case RC_SEGMENT_CELL:
        rc_write_bytes(writer, segment->stored);
        rc_write_varint(writer, segment->name_count);
        for (uint32_t i = 0; i < segment->name_count; i++) {
            rc_write_u8(writer, (uint8_t)segment->names[i].kind);
            rc_write_bytes(writer, segment->names[i].name);
        }
        break;
    default:
        rc_write_varint(writer, segment->child_count);
        for (uint32_t i = 0; i < segment->child_count; i++)
            rc_segment_write(writer, segment->children[i]);
    }
}

bool
rc_segment_is_list(struct rc_bytes payload)
{
    return payload.size > 0 && (unsigned char)payload.data[0] == RC_SEGMENT_LIST;
}

struct decoder {
    struct rc_reader *reader;
    struct rc_arena *arena;
    struct rc_error *reterr_error;
    uint32_t node_count;
};

static enum rc_status
corrupt(const struct decoder *decoder)
{
    return rc_error_set(decoder->reterr_error, RC_CORRUPT, "a stored segment is broken");
}

static enum rc_status
no_memory(const struct decoder *decoder)
{
    return rc_error_set(decoder->reterr_error, RC_NO_MEMORY, "no memory for a segment");
}

static enum rc_status
read_sequence(struct decoder *decoder, struct rc_behaviour *behaviour)
{
    struct rc_reader *reader = decoder->reader;
    behaviour->within_ms = (int64_t)rc_read_u64(reader);
    behaviour->step_count = (uint32_t)rc_read_count(reader, RC_FUNNEL_STEPS_MAX);
    struct rc_sequence_step *steps =
        RC_ARENA_ARRAY(decoder->arena, struct rc_sequence_step, behaviour->step_count);
    if (steps == NULL)
        return no_memory(decoder);
    for (uint32_t i = 0; i < behaviour->step_count && !reader->bad; i++) {
        steps[i].adjacent = rc_read_u8(reader) != 0;
        steps[i].least_ms = (int64_t)rc_read_u64(reader);
        RC_TRY(
            rc_predicate_read(reader, decoder->arena, &steps[i].selector, decoder->reterr_error));
    }
    behaviour->steps = steps;
    return RC_OK;
}

static enum rc_status
read_behaviour(struct decoder *decoder, struct rc_behaviour *behaviour)
{
    struct rc_reader *reader = decoder->reader;
    behaviour->measure = (enum rc_behaviour_measure)rc_read_u8(reader);
    behaviour->comparison = (enum rc_comparison)rc_read_u8(reader);
    behaviour->n = rc_read_f64(reader);
    behaviour->window = (enum rc_behaviour_window)rc_read_u8(reader);
    behaviour->prior_ms = (int64_t)rc_read_u64(reader);
    behaviour->start_ms = (int64_t)rc_read_u64(reader);
    behaviour->end_ms = (int64_t)rc_read_u64(reader);
    if (behaviour->measure == RC_BEHAVIOUR_SEQUENCE)
        return read_sequence(decoder, behaviour);
    RC_TRY(rc_predicate_read(reader, decoder->arena, &behaviour->selector, decoder->reterr_error));
    if (behaviour->measure == RC_BEHAVIOUR_SUM)
        behaviour->property = rc_read_bytes(reader);
    return RC_OK;
}

static enum rc_status
read_list(struct decoder *decoder, struct rc_segment *segment)
{
    struct rc_reader *reader = decoder->reader;
    segment->user_count = (uint32_t)rc_read_count(reader, RC_SEGMENT_USERS_MAX);
    struct rc_bytes *users = RC_ARENA_ARRAY(decoder->arena, struct rc_bytes, segment->user_count);
    if (users == NULL)
        return no_memory(decoder);
    for (uint32_t i = 0; i < segment->user_count && !reader->bad; i++)
        users[i] = rc_read_bytes(reader);
    segment->users = users;
    return RC_OK;
}

static enum rc_status
read_cell(struct decoder *decoder, struct rc_segment *segment)
{
    struct rc_reader *reader = decoder->reader;
    segment->stored = rc_read_bytes(reader);
    segment->name_count = (uint32_t)rc_read_count(reader, RC_CELL_NAMES_MAX);
    struct rc_cell_name *names =
        RC_ARENA_ARRAY(decoder->arena, struct rc_cell_name, segment->name_count);
    if (names == NULL)
        return no_memory(decoder);
    for (uint32_t i = 0; i < segment->name_count && !reader->bad; i++) {
        names[i].kind = (enum rc_catalog_kind)rc_read_u8(reader);
        names[i].name = rc_read_bytes(reader);
    }
    segment->names = names;
    return RC_OK;
}

static enum rc_status
read_node(struct decoder *decoder, uint32_t depth, const struct rc_segment **ret_segment)
{
    struct rc_reader *reader = decoder->reader;
    struct rc_segment *segment = rc_arena_zero(decoder->arena, sizeof(*segment));
    if (segment == NULL)
        return no_memory(decoder);
    const uint8_t kind = rc_read_u8(reader);
    segment->kind = (enum rc_segment_kind)kind;
    if (depth > RC_SEGMENT_DEPTH_MAX || ++decoder->node_count > RC_PREDICATE_NODES_MAX)
        return corrupt(decoder);
    switch (kind) {
    case RC_SEGMENT_USER:
        RC_TRY(
            rc_predicate_read(reader, decoder->arena, &segment->predicate, decoder->reterr_error));
        break;
    case RC_SEGMENT_BEHAVIOUR:
        RC_TRY(read_behaviour(decoder, &segment->behaviour));
        break;
    case RC_SEGMENT_LIST:
        RC_TRY(read_list(decoder, segment));
        break;
    case RC_SEGMENT_CELL:
        RC_TRY(read_cell(decoder, segment));
        break;
    case RC_SEGMENT_SAVED:
        segment->name = rc_read_bytes(reader);
        break;
    case STORED_VERSION:
        segment->kind = RC_SEGMENT_SAVED;
        segment->name = rc_read_bytes(reader);
        segment->version = rc_read_u64(reader);
        break;
    case RC_SEGMENT_ALL_OF:
    case RC_SEGMENT_ANY_OF:
    case RC_SEGMENT_NOT: {
        segment->child_count = (uint32_t)rc_read_count(reader, CHILDREN_MAX);
        const struct rc_segment **children =
            RC_ARENA_ARRAY(decoder->arena, const struct rc_segment *, segment->child_count);
        if (children == NULL)
            return no_memory(decoder);
        for (uint32_t i = 0; i < segment->child_count && !reader->bad; i++)
            RC_TRY(read_node(decoder, depth + 1, &children[i]));
        segment->children = children;
        break;
    }
    default:
        return corrupt(decoder);
    }
    if (reader->bad)
        return corrupt(decoder);
    *ret_segment = segment;
    return RC_OK;
}

enum rc_status
rc_segment_read(struct rc_reader *reader,
                struct rc_arena *arena,
                const struct rc_segment **ret_segment,
                struct rc_error *reterr_error)
{
    struct decoder decoder = {.reader = reader, .arena = arena, .reterr_error = reterr_error};
    const struct rc_segment *segment;
    RC_TRY(read_node(&decoder, 1, &segment));
    if (rc_segment_check(segment, NULL) != RC_OK)
        return corrupt(&decoder);
    *ret_segment = segment;
    return RC_OK;
}
