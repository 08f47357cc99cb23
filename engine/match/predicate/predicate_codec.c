/*
 * Predicate, stored: one byte of kind, then
 *
 *   TRUE            nothing
 *   ALL_OF, ANY_OF  varint count, the children
 *   NOT, FIRST      the child
 *   LEAF            scope, operator, ignore_case (a byte each), property (varint size, bytes; empty
 *                   of an id),
 *                   of an account the property that names it (the same), varint count, the values
 *                   (store/value/value.h)
 *   DEFINITION      name (varint size, bytes)
 *
 * Reading bounds depth and nodes before it recurses or allocates, and checks the shape at the end.
 * Expressions were compiled when the predicate was accepted and are not compiled again here.
 */
#include "engine/base/limits.h"
#include "engine/match/predicate/predicate.h"
#include "engine/match/predicate/predicate_shape.h"

/* Set in the scope of a leaf whose derivation follows. Keys have it; nothing that is stored has. */
#define DERIVED 0x80

void
rc_predicate_write_head(struct rc_writer *writer, const struct rc_predicate *predicate)
{
    const struct rc_leaf *leaf = &predicate->leaf;
    rc_write_u8(writer, (uint8_t)predicate->kind);
    switch (predicate->kind) {
    case RC_PREDICATE_TRUE:
    case RC_PREDICATE_NOT:
    case RC_PREDICATE_FIRST:
        break;
    case RC_PREDICATE_ALL_OF:
    case RC_PREDICATE_ANY_OF:
        rc_write_varint(writer, predicate->child_count);
        break;
    case RC_PREDICATE_LEAF:
        rc_write_u8(writer, (uint8_t)(leaf->scope | (leaf->derivation != NULL ? DERIVED : 0)));
        if (leaf->derivation != NULL)
            rc_derivation_write(writer, leaf->derivation);
        rc_write_u8(writer, (uint8_t)leaf->operator);
        rc_write_u8(writer, leaf->ignore_case ? 1 : 0);
        rc_write_bytes(writer, leaf->property);
        if (leaf->scope == RC_LEAF_ACCOUNT)
            rc_write_bytes(writer, leaf->account_key);
        rc_write_varint(writer, leaf->value_count);
        for (uint32_t i = 0; i < leaf->value_count; i++)
            rc_value_write(writer, leaf->values[i]);
        break;
    case RC_PREDICATE_DEFINITION:
        rc_write_bytes(writer, predicate->definition);
        break;
    }
}

void
rc_predicate_write(struct rc_writer *writer, const struct rc_predicate *predicate)
{
    rc_predicate_write_head(writer, predicate);
    for (uint32_t i = 0; i < predicate->child_count; i++)
        rc_predicate_write(writer, predicate->children[i]);
}

struct decoder {
    struct rc_reader *reader;
    struct rc_arena *arena;
    uint32_t node_count;
};

static enum rc_status
read_node(struct decoder *decoder, uint32_t depth, const struct rc_predicate **ret_node);

static enum rc_status
read_children(struct decoder *decoder, uint32_t depth, struct rc_predicate *node)
{
    /* A child takes a byte at least, so what is left bounds the count before anything is
     * allocated. */
    const uint64_t count_max = RC_PREDICATE_NODES_MAX - decoder->node_count;
    const uint64_t count = node->kind == RC_PREDICATE_NOT || node->kind == RC_PREDICATE_FIRST
                               ? 1
                               : rc_read_count(decoder->reader, count_max);
    if (decoder->reader->bad || count > rc_reader_left(decoder->reader))
        return RC_CORRUPT;
    const struct rc_predicate **children =
        RC_ARENA_ARRAY(decoder->arena, const struct rc_predicate *, count);
    if (children == NULL)
        return RC_NO_MEMORY;
    for (uint64_t i = 0; i < count; i++)
        RC_TRY(read_node(decoder, depth + 1, &children[i]));
    node->child_count = (uint32_t)count;
    node->children = children;
    return RC_OK;
}

static enum rc_status
read_leaf(struct decoder *decoder, struct rc_leaf *leaf)
{
    struct rc_reader *reader = decoder->reader;
    const uint8_t scope = rc_read_u8(reader);
    const uint8_t test = rc_read_u8(reader);
    const uint8_t ignore_case = rc_read_u8(reader);
    *leaf = (struct rc_leaf){.scope = (enum rc_leaf_scope)scope,
                             .operator=(enum rc_leaf_operator) test,
                             .ignore_case = ignore_case == 1,
                             .property = rc_read_bytes(reader)};
    if (scope == RC_LEAF_ACCOUNT)
        leaf->account_key = rc_read_bytes(reader);
    const uint64_t count = rc_read_count(reader, RC_PREDICATE_VALUES_MAX);
    if (reader->bad || ignore_case > 1 || count > rc_reader_left(reader))
        return RC_CORRUPT;
    struct rc_value *values = RC_ARENA_ARRAY(decoder->arena, struct rc_value, count);
    if (values == NULL)
        return RC_NO_MEMORY;
    for (uint64_t i = 0; i < count; i++)
        RC_TRY(rc_value_read(reader, decoder->arena, &values[i]));
    leaf->value_count = (uint32_t)count;
    leaf->values = values;
    return RC_OK;
}

static enum rc_status
read_node(struct decoder *decoder, uint32_t depth, const struct rc_predicate **ret_node)
{
    if (depth > RC_PREDICATE_DEPTH_MAX || ++decoder->node_count > RC_PREDICATE_NODES_MAX)
        return RC_CORRUPT;
    struct rc_predicate *node = rc_arena_zero(decoder->arena, sizeof(*node));
    if (node == NULL)
        return RC_NO_MEMORY;
    node->kind = (enum rc_predicate_kind)rc_read_u8(decoder->reader);
    switch (node->kind) {
    case RC_PREDICATE_TRUE:
        break;
    case RC_PREDICATE_ALL_OF:
    case RC_PREDICATE_ANY_OF:
    case RC_PREDICATE_NOT:
    case RC_PREDICATE_FIRST:
        RC_TRY(read_children(decoder, depth, node));
        break;
    case RC_PREDICATE_LEAF:
        RC_TRY(read_leaf(decoder, &node->leaf));
        break;
    case RC_PREDICATE_DEFINITION:
        node->definition = rc_read_bytes(decoder->reader);
        break;
    default:
        return RC_CORRUPT;
    }
    if (decoder->reader->bad)
        return RC_CORRUPT;
    *ret_node = node;
    return RC_OK;
}

enum rc_status
rc_predicate_read(struct rc_reader *reader,
                  struct rc_arena *arena,
                  const struct rc_predicate **ret_predicate,
                  struct rc_error *reterr_error)
{
    struct decoder decoder = {.reader = reader, .arena = arena};
    const struct rc_predicate *predicate = NULL;
    const enum rc_status status = read_node(&decoder, 1, &predicate);
    if (status == RC_CORRUPT)
        return rc_error_set(reterr_error, RC_CORRUPT, "the stored predicate breaks its format");
    RC_TRY_OR(reterr_error, status);
    struct rc_error error = {0};
    if (rc_predicate_check_shape(predicate, false, &error) != RC_OK)
        return rc_error_set(reterr_error, RC_CORRUPT, "the stored predicate is not valid: %s",
                            error.message);
    *ret_predicate = predicate;
    return RC_OK;
}

static void
skip_leaf(struct rc_reader *reader)
{
    const uint8_t scope = rc_read_u8(reader);
    (void)rc_read_u8(reader);
    (void)rc_read_u8(reader);
    (void)rc_read_bytes(reader);
    if (scope == RC_LEAF_ACCOUNT)
        (void)rc_read_bytes(reader);
    const uint64_t count = rc_read_count(reader, RC_PREDICATE_VALUES_MAX);
    for (uint64_t i = 0; i < count && !reader->bad; i++)
        rc_value_skip(reader);
}

bool
rc_predicate_next_name(struct rc_stored_names *names, struct rc_bytes *ret_name)
{
    struct rc_reader *reader = &names->reader;
    while (names->nodes_left > 0 && !reader->bad) {
        names->nodes_left--;
        switch (rc_read_u8(reader)) {
        case RC_PREDICATE_ALL_OF:
        case RC_PREDICATE_ANY_OF:
            names->nodes_left += rc_read_count(reader, RC_PREDICATE_NODES_MAX);
            break;
        case RC_PREDICATE_NOT:
        case RC_PREDICATE_FIRST:
            names->nodes_left++;
            break;
        case RC_PREDICATE_LEAF:
            skip_leaf(reader);
            break;
        case RC_PREDICATE_DEFINITION:
            *ret_name = rc_read_bytes(reader);
            return !reader->bad;
        default:
            break;
        }
    }
    return false;
}

enum rc_status
rc_predicate_same(const struct rc_predicate *a,
                  const struct rc_predicate *b,
                  struct rc_arena *arena,
                  bool *ret_same)
{
    const struct rc_predicate *forms[2] = {a, b};
    RC_CLEANUP(rc_writer_close) struct rc_writer first = {0};
    RC_CLEANUP(rc_writer_close) struct rc_writer second = {0};
    struct rc_writer *writers[2] = {&first, &second};
    *ret_same = false;
    for (uint32_t i = 0; i < 2; i++) {
        if (forms[i] == NULL || rc_predicate_check(forms[i], NULL) != RC_OK)
            return RC_OK;
        RC_TRY(rc_predicate_canonical(forms[i], arena, &forms[i]));
        rc_predicate_write(writers[i], forms[i]);
        if (writers[i]->failed)
            return RC_NO_MEMORY;
    }
    *ret_same = first.size == second.size && memcmp(first.data, second.data, first.size) == 0;
    return RC_OK;
}
