/*
 * Row builder: two walks over the stretches, one to count and one to write. Ids are read twice
 * rather than kept: a second read costs a few nanoseconds, keeping them 32 bytes a row.
 */
#include "engine/store/builder/row_builder.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/limits.h"
#include "engine/store/slab/filter.h"

#define BLOCK_ROWS 128u
#define HASHES 256u /* Keys that go into the filter together: their blocks are fetched ahead. */

/* A walk over the rows of an order, block by block. */
struct walk {
    const struct rc_slab_build *build;
    size_t stretch;
    uint32_t done; /* Of its rows. */
    uint32_t count;
    struct rc_event_id ids[BLOCK_ROWS];
    uint32_t times[BLOCK_ROWS]; /* From the start of the window. */
};

static void
walk_open(struct walk *walk, const struct rc_slab_build *build)
{
    walk->build = build;
    walk->stretch = 0;
    walk->done = 0;
}

/* Reads as much of a stretch as there is room for. */
static void
read_stretch(struct walk *walk, const struct rc_stretch *stretch)
{
    const struct rc_build_source *source = &walk->build->sources[stretch->source];
    const uint32_t first = stretch->row + walk->done;
    const uint32_t left = stretch->row_count - walk->done;
    const uint32_t room = BLOCK_ROWS - walk->count;
    const uint32_t count = left < room ? left : room;
    rc_build_source_ids(source, first, count, walk->ids + walk->count);
    for (uint32_t i = 0; i < count; i++) {
        const int64_t time_ms = rc_build_source_time(source, first + i);
        RC_ASSERT(time_ms >= 0 && time_ms < RC_WINDOW_MS);
        walk->times[walk->count + i] = (uint32_t)time_ms;
    }
    walk->count += count;
    walk->done = count == left ? 0 : walk->done + count;
    walk->stretch += count == left;
}

/* Reads the next block; false: there are no more rows. */
static bool
walk_next(struct walk *walk)
{
    const struct rc_row_order *order = walk->build->order;
    walk->count = 0;
    while (walk->count < BLOCK_ROWS && walk->stretch < order->stretch_count)
        read_stretch(walk, &order->stretches[walk->stretch]);
    return walk->count > 0;
}

static void
plan_row(struct rc_row_plan *plan, const struct rc_event_id *id, uint32_t time_ms)
{
    const uint64_t number = id->kind == RC_EVENT_ID_TEXT ? plan->text_count : id->number;
    plan->id_min = number < plan->id_min ? number : plan->id_min;
    plan->id_max = number > plan->id_max ? number : plan->id_max;
    plan->text_count += id->kind == RC_EVENT_ID_TEXT;
    plan->text_bytes += id->kind == RC_EVENT_ID_TEXT ? id->text.size : 0;
    plan->derived_count += id->kind == RC_EVENT_ID_DERIVED;
    plan->time_min_ms = time_ms < plan->time_min_ms ? time_ms : plan->time_min_ms;
    plan->time_max_ms = time_ms > plan->time_max_ms ? time_ms : plan->time_max_ms;
}

enum rc_status
rc_row_plan_build(const struct rc_slab_build *build, struct rc_row_plan *ret_plan)
{
    struct walk walk;
    struct rc_row_plan plan = {
        .time_min_ms = INT64_MAX, .time_max_ms = INT64_MIN, .id_min = UINT64_MAX};
    RC_ASSERT(build->order->row_count > 0);
    for (walk_open(&walk, build); walk_next(&walk);)
        for (uint32_t i = 0; i < walk.count; i++)
            plan_row(&plan, &walk.ids[i], walk.times[i]);
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
    uint32_t hash_count; /* Of keys that the filter gets together. */
    uint64_t hashes[HASHES];
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
flush_hashes(struct pen *pen)
{
    rc_filter_add_many(pen->to->filter, pen->to->filter_bytes, pen->hashes, pen->hash_count);
    pen->hash_count = 0;
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
    if (id->kind == RC_EVENT_ID_DERIVED)
        return;
    pen->hashes[pen->hash_count++] = rc_event_id_hash(user, id);
    if (pen->hash_count == HASHES)
        flush_hashes(pen);
}

enum rc_status
rc_row_sections_write(const struct rc_slab_build *build, const struct rc_row_sections *sections)
{
    const struct rc_row_order *order = build->order;
    struct walk walk;
    struct pen pen;
    pen.to = sections;
    pen.row = pen.text_count = pen.text_bytes = pen.hash_count = 0;
    size_t user = 0;
    for (walk_open(&walk, build); walk_next(&walk);) {
        memcpy(sections->times + pen.row, walk.times, walk.count * sizeof(walk.times[0]));
        for (uint32_t i = 0; i < walk.count; i++) {
            if (user + 1 < order->user_count && pen.row == order->starts[user + 1])
                user++;
            write_id(&pen, order->users[user], &walk.ids[i]);
            pen.row++;
        }
    }
    flush_hashes(&pen);
    RC_ASSERT(pen.row == order->row_count && user + 1 == order->user_count);
    return rc_build_cancelled(build->cancel) ? RC_CANCELLED : RC_OK;
}
