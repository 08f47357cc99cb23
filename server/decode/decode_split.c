/* Decode: a breakdown by everything that there is to break down by. */
#include "engine/base/limits.h"
#include "server/decode/decode.h"
#include "server/encode/encode.h"

static enum rc_status
decode_user_count(struct rc_decode *decode,
                  const Recount__V1__UserCount *in,
                  struct rc_breakdown *dimension)
{
    const size_t mark = rc_decode_enter(decode, "user_count");
    dimension->kind = RC_DIMENSION_USER_COUNT;
    const size_t selector_mark = rc_decode_enter(decode, "selector");
    RC_TRY(rc_decode_selector(decode, in->selector, &dimension->selector));
    rc_decode_leave(decode, selector_mark);
    if (in->range != NULL) {
        const size_t range_mark = rc_decode_enter(decode, "range");
        RC_TRY(rc_decode_range(decode, in->range, &dimension->start_ms, &dimension->end_ms));
        rc_decode_leave(decode, range_mark);
        dimension->has_range = true;
    }
    rc_decode_leave(decode, mark);
    return RC_OK;
}

/* How a segment is shown: by its name, with "@" and the version where one is asked for, or an
 * unnamed rule by its place from 1. */
static enum rc_status
name_segment(struct rc_decode *decode,
             const Recount__V1__SegmentFilter *filter,
             size_t place,
             struct rc_bytes *ret_name)
{
    const bool saved = filter->source_case == RECOUNT__V1__SEGMENT_FILTER__SOURCE_SEGMENT;
    if (saved && filter->segment_version == 0) {
        *ret_name = rc_bytes_of(filter->segment);
        return RC_OK;
    }
    const uint64_t number = saved ? filter->segment_version : place + 1;
    char *text;
    RC_TRY(rc_encode_format(decode->arena, &text, "%s%s%llu", saved ? filter->segment : "",
                            saved ? "@" : "", (unsigned long long)number));
    *ret_name = rc_bytes_of(text);
    return RC_OK;
}

/* Two rows of one label could not be told apart. */
static enum rc_status
refuse_named_before(struct rc_decode *decode, const struct rc_bytes *names, size_t place)
{
    for (size_t i = 0; i < place; i++)
        if (rc_bytes_equal(names[i], names[place]))
            return rc_decode_fail(decode, RC_INVALID, "",
                                  "a row of this breakdown is called \"%.*s\" already",
                                  (int)names[place].size, names[place].data);
    return RC_OK;
}

static enum rc_status
decode_segments(struct rc_decode *decode,
                const Recount__V1__SegmentList *in,
                struct rc_breakdown *dimension)
{
    const size_t mark = rc_decode_enter(decode, "segments");
    if (in->n_segments == 0 || in->n_segments > RC_BREAKDOWN_SEGMENTS_MAX)
        return rc_decode_fail(decode, RC_INVALID, "segments", "a breakdown is by 1 to %u segments",
                              RC_BREAKDOWN_SEGMENTS_MAX);
    const struct rc_segment **segments =
        RC_ARENA_ARRAY(decode->arena, const struct rc_segment *, in->n_segments);
    struct rc_bytes *names = RC_ARENA_ARRAY(decode->arena, struct rc_bytes, in->n_segments);
    if (segments == NULL || names == NULL)
        return rc_decode_no_memory(decode);
    for (size_t i = 0; i < in->n_segments; i++) {
        const size_t one = rc_decode_enter_item(decode, "segments", i);
        RC_TRY(rc_decode_segment_filter(decode, in->segments[i], &segments[i]));
        RC_TRY(name_segment(decode, in->segments[i], i, &names[i]));
        RC_TRY(refuse_named_before(decode, names, i));
        rc_decode_leave(decode, one);
    }
    dimension->kind = RC_DIMENSION_SEGMENTS;
    dimension->segment_count = (uint32_t)in->n_segments;
    dimension->segments = segments;
    dimension->segment_names = names;
    rc_decode_leave(decode, mark);
    return RC_OK;
}

static enum rc_status
decode_bins(struct rc_decode *decode,
            const Recount__V1__NumericBins *bins,
            struct rc_breakdown *dimension)
{
    if (bins == NULL)
        return RC_OK;
    if (bins->count == 0 || bins->count > RC_BINS_MAX)
        return rc_decode_fail(decode, RC_INVALID, "bins.count", "there are from 1 to %u bins",
                              RC_BINS_MAX);
    if (dimension->kind == RC_DIMENSION_SEGMENTS)
        return rc_decode_fail(decode, RC_INVALID, "bins",
                              "segments are no numbers: they do not go into bins");
    dimension->bins = bins->count;
    return RC_OK;
}

static enum rc_status
decode_dimension(struct rc_decode *decode,
                 const Recount__V1__BreakdownDimension *in,
                 struct rc_breakdown *dimension)
{
    switch (in->kind_case) {
    case RECOUNT__V1__BREAKDOWN_DIMENSION__KIND_USER_COUNT:
        RC_TRY(decode_user_count(decode, in->user_count, dimension));
        break;
    case RECOUNT__V1__BREAKDOWN_DIMENSION__KIND_SEGMENTS:
        RC_TRY(decode_segments(decode, in->segments, dimension));
        break;
    case RECOUNT__V1__BREAKDOWN_DIMENSION__KIND_PROPERTY:
        RC_TRY(rc_decode_property(decode, in->property, &dimension->scope, &dimension->property,
                                  &dimension->account_key));
        break;
    default:
        RC_TRY(rc_decode_property(decode, NULL, &dimension->scope, &dimension->property,
                                  &dimension->account_key));
        break;
    }
    return decode_bins(decode, in->bins, dimension);
}

enum rc_status
rc_decode_split(struct rc_decode *decode,
                const char *field,
                const Recount__V1__Breakdown *in,
                const struct rc_breakdown **ret_dimensions,
                uint32_t *ret_count,
                uint32_t *ret_top_n)
{
    *ret_dimensions = NULL;
    *ret_count = 0;
    *ret_top_n = 0;
    if (in == NULL)
        return RC_OK;
    const size_t mark = rc_decode_enter(decode, field);
    if (in->n_dimensions == 0 || in->n_dimensions > RC_BREAKDOWN_PROPERTIES_MAX)
        return rc_decode_fail(decode, RC_INVALID, "dimensions",
                              "a breakdown has from 1 to %u dimensions",
                              RC_BREAKDOWN_PROPERTIES_MAX);
    if (in->optional_top_case == RECOUNT__V1__BREAKDOWN__OPTIONAL_TOP_TOP) {
        if (in->top > RC_BREAKDOWN_ROWS_MAX)
            return rc_decode_fail(decode, RC_INVALID, "top", "at most %u rows can be shown",
                                  RC_BREAKDOWN_ROWS_MAX);
        *ret_top_n = in->top == 0 ? RC_TOP_NONE : in->top;
    }
    struct rc_breakdown *dimensions =
        RC_ARENA_ARRAY(decode->arena, struct rc_breakdown, in->n_dimensions);
    if (dimensions == NULL)
        return rc_decode_no_memory(decode);
    for (size_t i = 0; i < in->n_dimensions; i++) {
        const size_t one = rc_decode_enter_item(decode, "dimensions", i);
        RC_TRY(decode_dimension(decode, in->dimensions[i], &dimensions[i]));
        rc_decode_leave(decode, one);
    }
    rc_decode_leave(decode, mark);
    *ret_dimensions = dimensions;
    *ret_count = (uint32_t)in->n_dimensions;
    return RC_OK;
}
