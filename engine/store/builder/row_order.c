/*
 * Row order: a heap over the sources gives the next user and, in the order of the sources, who has
 * rows of it. Mostly one source has, and the user is one stretch without a look at its rows. Where
 * several have, their rows are merged: of the member whose next row comes first, every row up to
 * the next row of the others goes at once, so that slabs of different days cost one step a slab.
 *
 * Dead rows take part in comparing (a source is sorted with them as without) and are cut out when a
 * stretch is noted; rows outside of the window are cut off a user's ends before.
 */
#include "engine/store/builder/row_order.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/limits.h"

#define FIRST_CAPACITY 64u
#define CANCEL_EVERY_USERS 1024u

/* A source's rows of the user at hand. */
struct member {
    struct rc_build_source *source;
    uint32_t source_index;
    uint32_t row;
    uint32_t end;
};

struct merge {
    struct rc_build_source *sources;
    struct rc_row_order *order;
    uint64_t *heap; /* user << 32 | source. */
    uint32_t heap_count;
    uint32_t *next_user; /* For each source: the index of its next user. */
    struct member *members;
    uint32_t member_count;
};

static void
sift_down(uint64_t *heap, uint32_t count, uint32_t at)
{
    const uint64_t item = heap[at];
    for (;;) {
        uint32_t child = at * 2 + 1;
        if (child >= count)
            break;
        if (child + 1 < count && heap[child + 1] < heap[child])
            child++;
        if (heap[child] >= item)
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = item;
}

static enum rc_status
note_stretch(struct rc_row_order *order, struct member *from, uint32_t row, uint32_t end)
{
    const uint32_t count = end - row;
    from->source->kept_count += count;
    order->row_count += count;
    if (order->row_count > RC_SLAB_ROWS_MAX)
        return RC_LIMIT_EXCEEDED;
    struct rc_stretch *last =
        order->stretch_count == 0 ? NULL : &order->stretches[order->stretch_count - 1];
    if (last != NULL && last->source == from->source_index && last->row + last->row_count == row) {
        last->row_count += count;
        return RC_OK;
    }
    RC_TRY(RC_GROW(order->stretches, order->stretch_capacity, order->stretch_count + 1));
    order->stretches[order->stretch_count++] =
        (struct rc_stretch){.source = from->source_index, .row = row, .row_count = count};
    return RC_OK;
}

/* The first row in [row, end) whose dead bit is wanted; end when there is none. */
static uint32_t
next_row(const uint64_t *dead, uint32_t row, uint32_t end, bool wanted)
{
    while (row < end) {
        const uint64_t word = (wanted ? dead[row / 64] : ~dead[row / 64]) >> (row % 64);
        if (word != 0) {
            const uint64_t found = (uint64_t)row + (uint32_t)__builtin_ctzll(word);
            return found < end ? (uint32_t)found : end;
        }
        const uint64_t next_word = ((uint64_t)row / 64 + 1) * 64;
        row = next_word < end ? (uint32_t)next_word : end;
    }
    return end;
}

static enum rc_status
note_rows(struct rc_row_order *order, struct member *from, uint32_t row, uint32_t end)
{
    const uint64_t *dead = from->source->dead;
    if (dead == NULL)
        return row == end ? RC_OK : note_stretch(order, from, row, end);
    for (row = next_row(dead, row, end, false); row < end;) {
        const uint32_t stop = next_row(dead, row, end, true);
        RC_TRY(note_stretch(order, from, row, stop));
        row = next_row(dead, stop, end, false);
    }
    return RC_OK;
}

/* The first of a user's rows [row, end), which ascend in time, that is not before time_ms. */
static uint32_t
row_at(const struct rc_build_source *source, uint32_t row, uint32_t end, int64_t time_ms)
{
    while (row < end) {
        const uint32_t middle = row + (end - row) / 2;
        if (rc_build_source_time(source, middle) < time_ms)
            row = middle + 1;
        else
            end = middle;
    }
    return row;
}

/* Cuts what lies outside of the window off both ends. */
static void
cut_to_window(struct member *member)
{
    const struct rc_build_source *source = member->source;
    if (rc_build_source_time(source, member->row) < 0)
        member->row = row_at(source, member->row, member->end, 0);
    if (member->row < member->end &&
        rc_build_source_time(source, member->end - 1) >= source->window_ms)
        member->end = row_at(source, member->row, member->end, source->window_ms);
}

/* Whether the next row of a comes before that of b; between equal ones the source decides. */
static bool
comes_before(const struct member *a, const struct member *b)
{
    const int64_t a_time = rc_build_source_time(a->source, a->row);
    const int64_t b_time = rc_build_source_time(b->source, b->row);
    if (a_time != b_time)
        return a_time < b_time;
    const struct rc_event_id a_id = rc_build_source_id(a->source, a->row);
    const struct rc_event_id b_id = rc_build_source_id(b->source, b->row);
    const int order = rc_event_id_compare(&a_id, &b_id);
    return order != 0 ? order < 0 : a->source_index < b->source_index;
}

static enum rc_status
merge_members(struct merge *merge)
{
    struct member *members = merge->members;
    while (merge->member_count > 1) {
        uint32_t first = 0;
        for (uint32_t i = 1; i < merge->member_count; i++)
            first = comes_before(&members[i], &members[first]) ? i : first;
        uint32_t second = first == 0 ? 1 : 0;
        for (uint32_t i = second + 1; i < merge->member_count; i++)
            second = i != first && comes_before(&members[i], &members[second]) ? i : second;
        struct member *from = &members[first];
        const uint32_t row = from->row++;
        while (from->row < from->end && comes_before(from, &members[second]))
            from->row++;
        RC_TRY(note_rows(merge->order, from, row, from->row));
        if (from->row == from->end) {
            merge->member_count--;
            memmove(from, from + 1, (merge->member_count - first) * sizeof(*from));
        }
    }
    return RC_OK;
}

/* Takes every source that has rows of the least user off the heap. */
static uint32_t
collect_members(struct merge *merge)
{
    const uint32_t user = (uint32_t)(merge->heap[0] >> 32);
    merge->member_count = 0;
    while (merge->heap_count > 0 && (uint32_t)(merge->heap[0] >> 32) == user) {
        const uint32_t index = (uint32_t)merge->heap[0];
        struct rc_build_source *source = &merge->sources[index];
        const uint32_t at = merge->next_user[index]++;
        struct member *member = &merge->members[merge->member_count];
        *member = (struct member){.source = source,
                                  .source_index = index,
                                  .row = source->starts[at],
                                  .end = source->starts[at + 1]};
        cut_to_window(member);
        merge->member_count += member->row < member->end ? 1 : 0;
        if (at + 1 < source->user_count)
            merge->heap[0] = (uint64_t)source->users[at + 1] << 32 | index;
        else
            merge->heap[0] = merge->heap[--merge->heap_count];
        if (merge->heap_count > 0)
            sift_down(merge->heap, merge->heap_count, 0);
    }
    return user;
}

static enum rc_status
merge_user(struct merge *merge)
{
    struct rc_row_order *order = merge->order;
    const uint64_t row_count = order->row_count;
    const uint32_t user = collect_members(merge);
    RC_TRY(merge_members(merge));
    if (merge->member_count == 1)
        RC_TRY(note_rows(order, merge->members, merge->members->row, merge->members->end));
    if (order->row_count == row_count)
        return RC_OK;
    RC_TRY(RC_GROW(order->users, order->user_capacity, order->user_count + 1));
    RC_TRY(RC_GROW(order->starts, order->start_capacity, order->user_count + 1));
    order->users[order->user_count] = user;
    order->starts[order->user_count++] = (uint32_t)row_count;
    return RC_OK;
}

static void
fill_heap(struct merge *merge, uint32_t source_count)
{
    for (uint32_t i = 0; i < source_count; i++) {
        merge->next_user[i] = 0;
        if (merge->sources[i].user_count > 0)
            merge->heap[merge->heap_count++] = (uint64_t)merge->sources[i].users[0] << 32 | i;
    }
    for (uint32_t i = merge->heap_count / 2; i-- > 0;)
        sift_down(merge->heap, merge->heap_count, i);
}

/* The first blocks come from the account, and growing stays in it. */
static enum rc_status
open_order(struct rc_account *account, struct rc_row_order *order)
{
    order->stretches = rc_alloc_in(account, FIRST_CAPACITY * sizeof(*order->stretches));
    order->users = rc_alloc_in(account, FIRST_CAPACITY * sizeof(*order->users));
    order->starts = rc_alloc_in(account, FIRST_CAPACITY * sizeof(*order->starts));
    if (order->stretches == NULL || order->users == NULL || order->starts == NULL)
        return RC_NO_MEMORY;
    order->stretch_capacity = order->user_capacity = order->start_capacity = FIRST_CAPACITY;
    return RC_OK;
}

enum rc_status
rc_row_order_build(struct rc_build_source *sources,
                   uint32_t source_count,
                   struct rc_account *account,
                   const _Atomic(bool) *cancel,
                   struct rc_row_order *ret_order)
{
    *ret_order = (struct rc_row_order){0};
    RC_TRY(open_order(account, ret_order));
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(account, 0);
    if (arena == NULL)
        return RC_NO_MEMORY;
    struct merge merge = {
        .sources = sources,
        .order = ret_order,
        .heap = RC_ARENA_ARRAY(arena, uint64_t, source_count),
        .next_user = RC_ARENA_ARRAY(arena, uint32_t, source_count),
        .members = RC_ARENA_ARRAY(arena, struct member, source_count),
    };
    if (merge.heap == NULL || merge.next_user == NULL || merge.members == NULL)
        return RC_NO_MEMORY;
    fill_heap(&merge, source_count);
    for (uint64_t user = 0; merge.heap_count > 0; user++) {
        if (user % CANCEL_EVERY_USERS == 0 && rc_build_cancelled(cancel))
            return RC_CANCELLED;
        RC_TRY(merge_user(&merge));
    }
    return RC_OK;
}

void
rc_row_order_close(struct rc_row_order *order)
{
    rc_alloc_free(order->stretches);
    rc_alloc_free(order->users);
    rc_alloc_free(order->starts);
    *order = (struct rc_row_order){0};
}
