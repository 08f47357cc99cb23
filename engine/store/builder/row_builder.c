/*
 * Row builder: two walks over the stretches, one to count and one to write. Ids are read twice
 * rather than kept: a second read costs a few nanoseconds, keeping them 32 bytes a row.
 */
#include "engine/store/builder/row_builder.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/limits.h"
#include "engine/store/slab/filter.h"

enum rc_status
rc_row_plan_build(const struct rc_slab_build *build, struct rc_row_plan *ret_plan)
{
    const struct rc_row_order *order = build->order;
    struct rc_row_plan plan = {
        .time_min_ms = INT64_MAX, .time_max_ms = INT64_MIN, .id_min = UINT64_MAX};
    RC_ASSERT(order->row_count > 0);
    for (size_t i = 0; i < order->stretch_count; i++) {
        const struct rc_stretch *stretch = &order->stretches[i];
        const struct rc_build_source *source = &build->sources[stretch->source];
        for (uint32_t row = stretch->row; row < stretch->row + stretch->row_count; row++) {
            const struct rc_event_id id = rc_build_source_id(source, row);
            const int64_t time_ms = rc_build_source_time(source, row);
            const uint64_t number = id.kind == RC_EVENT_ID_TEXT ? plan.text_count : id.number;
            plan.id_min = number < plan.id_min ? number : plan.id_min;
            plan.id_max = number > plan.id_max ? number : plan.id_max;
            plan.text_count += id.kind == RC_EVENT_ID_TEXT;
            plan.text_bytes += id.kind == RC_EVENT_ID_TEXT ? id.text.size : 0;
            plan.derived_count += id.kind == RC_EVENT_ID_DERIVED;
            plan.time_min_ms = time_ms < plan.time_min_ms ? time_ms : plan.time_min_ms;
            plan.time_max_ms = time_ms > plan.time_max_ms ? time_ms : plan.time_max_ms;
        }
    }
    RC_ASSERT(plan.time_min_ms >= 0 && plan.time_max_ms < RC_WINDOW_MS);
    if (plan.text_bytes > UINT32_MAX)
        return RC_LIMIT_EXCEEDED;
    if (rc_build_cancelled(build->cancel))
        return RC_CANCELLED;
    *ret_plan = plan;
    return RC_OK;
}

/* Where the next row goes. */
struct pen {
    const struct rc_row_sections *to;
    uint32_t row;
    uint32_t text_count;
    uint32_t text_bytes;
};

/* Into zeroed words. */
static void
write_number(const struct rc_row_sections *to, uint32_t row, uint64_t number)
{
    const uint64_t packed = number - to->id_base;
    const uint64_t bit = (uint64_t)row * to->id_width;
    to->ids[bit / 64] |= packed << (bit % 64);
    if (bit % 64 + to->id_width > 64)
        to->ids[bit / 64 + 1] |= packed >> (64 - bit % 64);
}

static void
write_id(struct pen *pen, uint32_t user, const struct rc_event_id *id)
{
    const struct rc_row_sections *to = pen->to;
    const uint64_t bit = (uint64_t)1 << (pen->row % 64);
    uint64_t number = id->number;
    if (id->kind == RC_EVENT_ID_DERIVED) {
        to->derived_bits[pen->row / 64] |= bit;
    } else if (id->kind == RC_EVENT_ID_TEXT) {
        to->text_bits[pen->row / 64] |= bit;
        if (id->text.size != 0)
            memcpy(to->text + pen->text_bytes, id->text.data, id->text.size);
        pen->text_bytes += (uint32_t)id->text.size;
        number = pen->text_count++;
        to->text_ends[number] = pen->text_bytes;
    }
    write_number(to, pen->row, number);
    if (id->kind != RC_EVENT_ID_DERIVED)
        rc_filter_add(to->filter, to->filter_bytes, rc_event_id_hash(user, id));
}

enum rc_status
rc_row_sections_write(const struct rc_slab_build *build, const struct rc_row_sections *sections)
{
    const struct rc_row_order *order = build->order;
    struct pen pen = {.to = sections};
    size_t user = 0;
    for (size_t i = 0; i < order->stretch_count; i++) {
        const struct rc_stretch *stretch = &order->stretches[i];
        const struct rc_build_source *source = &build->sources[stretch->source];
        for (uint32_t row = stretch->row; row < stretch->row + stretch->row_count; row++) {
            const struct rc_event_id id = rc_build_source_id(source, row);
            if (user + 1 < order->user_count && pen.row == order->starts[user + 1])
                user++;
            sections->times[pen.row] = (uint32_t)rc_build_source_time(source, row);
            write_id(&pen, order->users[user], &id);
            pen.row++;
        }
    }
    RC_ASSERT(pen.row == order->row_count && user + 1 == order->user_count);
    return rc_build_cancelled(build->cancel) ? RC_CANCELLED : RC_OK;
}
