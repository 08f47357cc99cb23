/* Render: what all drawings share. */
#include "cli/render/render.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "cli/language/when.h"

const char *
rc_render_value(char *text, size_t size, const Recount__V1__Value *value)
{
    size_t used = 0;
    switch (value->kind_case) {
    case RECOUNT__V1__VALUE__KIND_BOOL_VALUE:
        snprintf(text, size, "%s", value->bool_value ? "true" : "false");
        break;
    case RECOUNT__V1__VALUE__KIND_INT_VALUE:
        snprintf(text, size, "%" PRId64, value->int_value);
        break;
    case RECOUNT__V1__VALUE__KIND_DOUBLE_VALUE:
        snprintf(text, size, "%.15g", value->double_value);
        break;
    case RECOUNT__V1__VALUE__KIND_STRING_VALUE:
        snprintf(text, size, "%s", *value->string_value == '\0' ? "(empty)" : value->string_value);
        break;
    case RECOUNT__V1__VALUE__KIND_LIST_VALUE:
        text[0] = '\0';
        for (size_t i = 0; i < value->list_value->n_values && used < size; i++)
            used += (size_t)snprintf(text + used, size - used, "%s%s", i == 0 ? "" : " | ",
                                     value->list_value->values[i]);
        break;
    default:
        snprintf(text, size, "(not set)");
    }
    return text;
}

void
rc_render_bin(char *text, size_t size, const Recount__V1__Bin *bin)
{
    snprintf(text, size, "[%.15g, %.15g%c", bin->low, bin->high, bin->high_included ? ']' : ')');
}

static void
label_dimension(char *text, size_t size, const Recount__V1__DimensionValue *value)
{
    switch (value->kind_case) {
    case RECOUNT__V1__DIMENSION_VALUE__KIND_VALUE:
        rc_render_value(text, size, value->value);
        break;
    case RECOUNT__V1__DIMENSION_VALUE__KIND_BIN:
        rc_render_bin(text, size, value->bin);
        break;
    case RECOUNT__V1__DIMENSION_VALUE__KIND_SEGMENT:
        snprintf(text, size, "%s", value->segment);
        break;
    default:
        snprintf(text, size, "(no segment)");
    }
}

const char *
rc_render_label(char text[256], const Recount__V1__RowLabel *label)
{
    size_t used = 0;
    const Recount__V1__RowKind kind =
        label == NULL ? RECOUNT__V1__ROW_KIND__ROW_KIND_TOTAL : label->kind;
    switch (kind) {
    case RECOUNT__V1__ROW_KIND__ROW_KIND_VALUES:
        text[0] = '\0';
        for (size_t i = 0; i < label->n_values && used < 250; i++) {
            used += (size_t)snprintf(text + used, 256 - used, "%s", i == 0 ? "" : ", ");
            label_dimension(text + used, 256 - used, label->values[i]);
            used += strlen(text + used);
        }
        return text;
    case RECOUNT__V1__ROW_KIND__ROW_KIND_OTHER:
        return strcpy(text, "(other)");
    case RECOUNT__V1__ROW_KIND__ROW_KIND_NOT_REACHED:
        return strcpy(text, "(not reached)");
    default:
        return strcpy(text, "total");
    }
}

double
rc_render_at(const Recount__V1__NumberColumn *column, size_t place)
{
    if (column == NULL || place >= column->n_values)
        return NAN;
    size_t low = 0, high = column->n_null_at;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (column->null_at[middle] < place)
            low = middle + 1;
        else
            high = middle;
    }
    return low < column->n_null_at && column->null_at[low] == place ? NAN : column->values[place];
}

const char *
rc_render_bucket(char text[48], const Recount__V1__Bucket *bucket, Recount__V1__TimeUnit unit)
{
    const enum rc_when_style style =
        unit == RECOUNT__V1__TIME_UNIT__TIME_UNIT_SECOND    ? RC_WHEN_SECOND
        : unit <= RECOUNT__V1__TIME_UNIT__TIME_UNIT_HOUR    ? RC_WHEN_MINUTE
        : unit <= RECOUNT__V1__TIME_UNIT__TIME_UNIT_WEEK    ? RC_WHEN_DAY
        : unit <= RECOUNT__V1__TIME_UNIT__TIME_UNIT_QUARTER ? RC_WHEN_MONTH
                                                            : RC_WHEN_YEAR;
    return rc_when_write(text, bucket->start_ms, bucket->utc_offset_seconds, style);
}

void
rc_render_info(const struct rc_paint *paint, const Recount__V1__QueryInfo *info)
{
    char text[48], end[48], count[32];
    if (info == NULL)
        return;
    rc_paint_begin(paint, RC_INK_FAINT);
    if (info->range != NULL)
        fprintf(paint->out, "%s to %s UTC, ",
                rc_when_write(text, info->range->start_ms, 0, RC_WHEN_MINUTE),
                rc_when_write(end, info->range->end_ms, 0, RC_WHEN_MINUTE));
    if (*info->time_zone != '\0')
        fprintf(paint->out, "zone %s, ", info->time_zone);
    if (info->statistics != NULL)
        fprintf(paint->out, "%s events matched, ",
                rc_paint_count(count, info->statistics->events_matched));
    fprintf(paint->out, "%.1f ms", (double)info->elapsed_micros / 1000);
    rc_paint_end(paint);
    fputc('\n', paint->out);
}
