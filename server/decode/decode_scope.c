/* Decode: scope, range, bucket, breakdown. */
#include "engine/base/limits.h"
#include "server/decode/decode.h"

enum rc_status
rc_decode_range(struct rc_decode *decode,
                const Recount__V1__TimeRange *range,
                int64_t *ret_start_ms,
                int64_t *ret_end_ms)
{
    if (range->end_ms <= range->start_ms)
        return rc_decode_fail(decode, RC_INVALID, "end_ms",
                              "the range ends at %lld, not above its start %lld",
                              (long long)range->end_ms, (long long)range->start_ms);
    if (range->start_ms < RC_TIME_MS_MIN || range->start_ms > RC_TIME_MS_MAX)
        return rc_decode_fail(decode, RC_INVALID, "start_ms",
                              "the time lies outside the years 1 to 9999");
    if (range->end_ms > RC_TIME_MS_MAX + 1)
        return rc_decode_fail(decode, RC_INVALID, "end_ms",
                              "the time lies outside the years 1 to 9999");
    *ret_start_ms = range->start_ms;
    *ret_end_ms = range->end_ms;
    return RC_OK;
}

static enum rc_status
decode_scope_range(struct rc_decode *decode,
                   const Recount__V1__TimeRange *range,
                   enum rc_range_rule rule,
                   struct rc_scope *scope)
{
    if (range == NULL)
        return rule != RC_RANGE_REQUIRED
                   ? RC_OK
                   : rc_decode_fail(decode, RC_INVALID, "range", "the range is missing");
    if (rule == RC_RANGE_REFUSED)
        return rc_decode_fail(decode, RC_INVALID, "range", "this call takes no range");
    const size_t mark = rc_decode_enter(decode, "range");
    RC_TRY(rc_decode_range(decode, range, &scope->start_ms, &scope->end_ms));
    rc_decode_leave(decode, mark);
    return RC_OK;
}

static enum rc_status
decode_entity(struct rc_decode *decode, const char *property, struct rc_bytes *ret_entity)
{
    *ret_entity = rc_bytes_of(property);
    if (ret_entity->size > RC_PROPERTY_NAME_BYTES_MAX)
        return rc_decode_fail(decode, RC_INVALID, "entity_property",
                              "a name of a property has at most %u bytes",
                              RC_PROPERTY_NAME_BYTES_MAX);
    return RC_OK;
}

enum rc_status
rc_decode_scope(struct rc_decode *decode,
                const Recount__V1__Scope *scope,
                enum rc_range_rule rule,
                int64_t now_ms,
                struct rc_scope *ret_scope)
{
    if (scope == NULL)
        return rc_decode_fail(decode, RC_INVALID, "scope", "the scope is missing");
    const size_t mark = rc_decode_enter(decode, "scope");
    *ret_scope = (struct rc_scope){.start_ms = RC_TIME_MS_MIN,
                                   .end_ms = RC_TIME_MS_MAX + 1,
                                   .as_of_ms = now_ms,
                                   .zone = rc_bytes_of(scope->time_zone),
                                   .week_start = RC_WEEK_START_DEFAULT};
    RC_TRY(rc_decode_project(decode, "project", scope->project, &decode->project));
    RC_TRY(decode_scope_range(decode, scope->range, rule, ret_scope));
    if (scope->week_start != RECOUNT__V1__WEEKDAY__WEEKDAY_UNSPECIFIED)
        ret_scope->week_start = (uint32_t)scope->week_start - 1;
    if (scope->optional_as_of_ms_case == RECOUNT__V1__SCOPE__OPTIONAL_AS_OF_MS_AS_OF_MS)
        ret_scope->as_of_ms = scope->as_of_ms;
    RC_TRY(decode_entity(decode, scope->entity_property, &ret_scope->entity));
    RC_TRY(rc_decode_hints(decode, scope->hints));
    if (scope->segment != NULL) {
        (void)rc_decode_enter(decode, "segment");
        RC_TRY(rc_decode_segment_filter(decode, scope->segment, &ret_scope->segment));
    }
    rc_decode_leave(decode, mark);
    return RC_OK;
}

enum rc_status
rc_decode_no_entity(struct rc_decode *decode, const struct rc_scope *scope, const char *why)
{
    if (scope->entity.size > 0)
        return rc_decode_fail(decode, RC_INVALID, "scope.entity_property", "%s", why);
    return RC_OK;
}

enum rc_status
rc_decode_bucket(struct rc_decode *decode,
                 const Recount__V1__BucketSize *bucket,
                 enum rc_unit *ret_unit,
                 uint32_t *ret_multiple)
{
    _Static_assert((int)RECOUNT__V1__TIME_UNIT__TIME_UNIT_SECOND == (int)RC_UNIT_SECOND &&
                       (int)RECOUNT__V1__TIME_UNIT__TIME_UNIT_DAY == (int)RC_UNIT_DAY &&
                       (int)RECOUNT__V1__TIME_UNIT__TIME_UNIT_YEAR == (int)RC_UNIT_YEAR,
                   "units have the same numbers");
    if (bucket == NULL || bucket->unit == RECOUNT__V1__TIME_UNIT__TIME_UNIT_UNSPECIFIED)
        return rc_decode_fail(decode, RC_INVALID, "unit", "the unit is missing");
    if (bucket->multiple > RC_BUCKET_UNITS_MAX)
        return rc_decode_fail(decode, RC_INVALID, "multiple", "a bucket has at most %u units",
                              RC_BUCKET_UNITS_MAX);
    *ret_unit = (enum rc_unit)bucket->unit;
    *ret_multiple = bucket->multiple;
    return RC_OK;
}

static enum rc_status
decode_dimension(struct rc_decode *decode,
                 const Recount__V1__BreakdownDimension *dimension,
                 struct rc_breakdown *breakdown)
{
    const size_t mark = rc_decode_enter(decode, "dimensions[0]");
    RC_REFUSE(decode, dimension->kind_case == RECOUNT__V1__BREAKDOWN_DIMENSION__KIND_USER_COUNT,
              "user_count");
    RC_REFUSE(decode, dimension->kind_case == RECOUNT__V1__BREAKDOWN_DIMENSION__KIND_SEGMENTS,
              "segments");
    RC_REFUSE(decode, dimension->bins != NULL, "bins");
    const Recount__V1__PropertyRef *property =
        dimension->kind_case == RECOUNT__V1__BREAKDOWN_DIMENSION__KIND_PROPERTY
            ? dimension->property
            : NULL;
    RC_TRY(rc_decode_property(decode, property, &breakdown->scope, &breakdown->property,
                              &breakdown->account_key));
    rc_decode_leave(decode, mark);
    return RC_OK;
}

enum rc_status
rc_decode_breakdown(struct rc_decode *decode,
                    const Recount__V1__Breakdown *in,
                    const struct rc_breakdown **ret_breakdown,
                    uint32_t *ret_top_n)
{
    if (in == NULL) {
        *ret_breakdown = NULL;
        *ret_top_n = 0;
        return RC_OK;
    }
    const size_t mark = rc_decode_enter(decode, "breakdown");
    if (in->n_dimensions == 0 || in->n_dimensions > RC_BREAKDOWN_PROPERTIES_MAX)
        return rc_decode_fail(decode, RC_INVALID, "dimensions",
                              "a breakdown has from 1 to %u dimensions",
                              RC_BREAKDOWN_PROPERTIES_MAX);
    RC_REFUSE(decode, in->n_dimensions > 1, "dimensions[1]");
    uint32_t top = 0;
    if (in->optional_top_case == RECOUNT__V1__BREAKDOWN__OPTIONAL_TOP_TOP) {
        if (in->top > RC_BREAKDOWN_ROWS_MAX)
            return rc_decode_fail(decode, RC_INVALID, "top", "at most %u rows can be shown",
                                  RC_BREAKDOWN_ROWS_MAX);
        top = in->top == 0 ? RC_TOP_NONE : in->top;
    }
    struct rc_breakdown *breakdown = rc_arena_zero(decode->arena, sizeof(*breakdown));
    if (breakdown == NULL)
        return rc_decode_no_memory(decode);
    RC_TRY(decode_dimension(decode, in->dimensions[0], breakdown));
    rc_decode_leave(decode, mark);
    *ret_breakdown = breakdown;
    *ret_top_n = top;
    return RC_OK;
}
