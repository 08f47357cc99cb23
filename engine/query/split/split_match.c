/* Split: what two splits by the same dimensions have in common, and the check of a request. */
#include "engine/base/bytes.h"
#include "engine/base/limits.h"
#include "engine/query/split/split.h"
#include "engine/store/dictionary/dictionary.h"

/* Rows between two looks at the cancel flag: less than a millisecond. */
#define ROWS_BETWEEN_LOOKS 1024u

struct keys {
    const _Atomic(bool) *cancel;
    struct rc_dictionary *dictionary;
    struct rc_arena *scratch;
};

static void
keys_close(struct keys *keys)
{
    rc_dictionary_free(keys->dictionary);
    rc_arena_free(keys->scratch);
}

/* A bin is told from others by its lower end, and by its kind from a number. */
static struct rc_value
part_value(const struct rc_label_value *part)
{
    struct rc_value value = rc_value_int(part->place);
    if (part->kind == RC_LABEL_VALUE)
        return part->value;
    if (part->kind == RC_LABEL_BIN && rc_value_of_double(part->low, &value) != RC_OK)
        value = rc_value_null();
    return value;
}

/* What tells a row from others, as bytes: the kind and the stored form of each value. */
static enum rc_status
key_of(const struct rc_split *split, uint32_t row, struct keys *keys, struct rc_writer *writer)
{
    const struct rc_label_value *parts;
    if (row % ROWS_BETWEEN_LOOKS == 0 && keys->cancel != NULL &&
        atomic_load_explicit(keys->cancel, memory_order_relaxed))
        return RC_CANCELLED;
    rc_arena_reset(keys->scratch);
    RC_TRY(rc_split_label(split, row, keys->scratch, &parts));
    writer->size = 0;
    for (uint32_t i = 0; i < rc_split_dimension_count(split); i++) {
        rc_write_u8(writer, (uint8_t)parts[i].kind);
        rc_value_write(writer, part_value(&parts[i]));
    }
    return writer->failed ? RC_NO_MEMORY : RC_OK;
}

enum rc_status
rc_split_match(const struct rc_query_context *context,
               const struct rc_split *split,
               const struct rc_split *other,
               struct rc_arena *arena,
               const uint32_t **ret_others)
{
    RC_CLEANUP(keys_close)
    struct keys keys = {.cancel = context->cancel, .scratch = rc_arena_new(context->account, 0)};
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    uint32_t *others = RC_ARENA_ARRAY(arena, uint32_t, rc_split_count(split));
    if (others == NULL || keys.scratch == NULL)
        return RC_NO_MEMORY;
    RC_TRY(rc_dictionary_new(context->account, &keys.dictionary));
    for (uint32_t row = 0; row < rc_split_count(other); row++) {
        uint32_t code;
        RC_TRY(key_of(other, row, &keys, &writer));
        RC_TRY(rc_dictionary_intern(
            keys.dictionary, (struct rc_bytes){(const char *)writer.data, writer.size}, &code));
    }
    for (uint32_t row = 0; row < rc_split_count(split); row++) {
        RC_TRY(key_of(split, row, &keys, &writer));
        /* Rows are all different, so a key's code is the number of its row. */
        others[row] = rc_dictionary_find(keys.dictionary,
                                         (struct rc_bytes){(const char *)writer.data, writer.size});
    }
    *ret_others = others;
    return RC_OK;
}

static enum rc_status
check_dimension(const struct rc_breakdown *dimension, uint32_t index, struct rc_error *reterr_error)
{
    const char *field = NULL;
    const char *sentence = NULL;
    if (dimension->kind == RC_DIMENSION_PROPERTY) {
        field = "property";
        if (dimension->scope < RC_LEAF_EVENT || dimension->scope > RC_LEAF_ACCOUNT)
            sentence = "the property is neither of the event nor of the user";
        else if (dimension->property.size == 0)
            sentence = "the property has no name";
    } else if (dimension->kind == RC_DIMENSION_SEGMENTS) {
        field = "segments.segments";
        if (dimension->segment_count == 0 || dimension->segment_count > RC_BREAKDOWN_SEGMENTS_MAX)
            sentence = "a breakdown is by 1 to 64 segments";
    }
    if (sentence == NULL && dimension->bins > RC_BINS_MAX) {
        field = "bins.count";
        sentence = "there are from 1 to 1000 bins";
    }
    if (sentence == NULL && dimension->bins > 0 && dimension->kind == RC_DIMENSION_SEGMENTS) {
        field = "bins";
        sentence = "segments are no numbers: they do not go into bins";
    }
    if (sentence == NULL)
        return RC_OK;
    rc_error_field(reterr_error, RC_INVALID, field, "%s", sentence);
    rc_error_prefix(reterr_error, "breakdown.dimensions[%u]", index);
    return RC_INVALID;
}

enum rc_status
rc_split_check(const struct rc_breakdown *dimensions,
               uint32_t dimension_count,
               uint32_t top_n,
               struct rc_error *reterr_error)
{
    if (dimension_count > RC_BREAKDOWN_PROPERTIES_MAX)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "breakdown.dimensions",
                              "a breakdown has at most %u dimensions", RC_BREAKDOWN_PROPERTIES_MAX);
    for (uint32_t i = 0; i < dimension_count; i++)
        RC_TRY(check_dimension(&dimensions[i], i, reterr_error));
    if (top_n > RC_BREAKDOWN_ROWS_MAX && top_n != RC_TOP_NONE)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "breakdown.top",
                              "at most %u rows can be shown", RC_BREAKDOWN_ROWS_MAX);
    return RC_OK;
}
