#include "tests/intake/layout_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/intake/apply.h"

struct rc_project *
layout_project(void)
{
    struct rc_project *project = NULL;
    const struct rc_project_settings settings = {.id = RC_BYTES_LITERAL("shop"), .version = 1};
    assert_int_equal(rc_project_new(&settings, &rc_account_process, LAYOUT_HEAD_ROWS, &project),
                     RC_OK);
    return project;
}

uint64_t
layout_apply(struct rc_project *project, const struct rig_content *content, uint64_t sequence)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_applied applied;
    assert_int_equal(rc_apply_batch(project, RC_BYTES_LITERAL("stream"), sequence,
                                    rig_batch(arena, content), sequence, arena, &applied, NULL),
                     RC_OK);
    return applied.replaced;
}

/* ---- live rows ---- */

struct row {
    uint32_t user;
    uint32_t id;
    int64_t time_ms;
};

struct rows {
    size_t count;
    struct row *list;
};

static int
compare_rows(const void *a, const void *b)
{
    const struct row *x = a;
    const struct row *y = b;
    if (x->user != y->user)
        return x->user < y->user ? -1 : 1;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return (x->time_ms > y->time_ms) - (x->time_ms < y->time_ms);
}

static uint32_t
number_at_end(struct rc_bytes text)
{
    char digits[16] = {0};
    size_t first = text.size;
    while (first > 0 && text.data[first - 1] >= '0' && text.data[first - 1] <= '9')
        first--;
    assert_true(text.size - first < sizeof(digits));
    memcpy(digits, text.data + first, text.size - first);
    return (uint32_t)strtoul(digits, NULL, 10);
}

static void
add_row(struct rows *rows,
        const struct rc_view *view,
        uint32_t user,
        struct rc_event_id id,
        int64_t time_ms)
{
    char buffer[24];
    rows->list = realloc(rows->list, (rows->count + 1) * sizeof(rows->list[0]));
    rows->list[rows->count++] = (struct row){
        .user = number_at_end(rc_view_user_id(view, user)),
        .id = id.kind == RC_EVENT_ID_DERIVED ? 0 : number_at_end(rc_event_id_text(&id, buffer)),
        .time_ms = time_ms,
    };
}

static bool
is_dead(const uint64_t *dead, uint32_t row)
{
    return dead != NULL && (dead[row / 64] >> (row % 64) & 1) != 0;
}

static void
collect(const struct rc_view *view, struct rows *rows)
{
    uint32_t count = 0;
    const struct rc_view_slab *slabs = rc_view_slabs(view, &count);
    for (uint32_t i = 0; i < count; i++) {
        const struct rc_slab *slab = slabs[i].slab;
        const uint32_t row_count = rc_slab_get_info(slab)->row_count;
        for (uint32_t row = 0; row < row_count; row++)
            if (!is_dead(slabs[i].dead, row))
                add_row(rows, view, rc_slab_users(slab)[rc_slab_user_index_of_row(slab, row)],
                        rc_slab_event_id(slab, row), rc_slab_time_ms(slab, row));
    }
    const struct rc_view_chunk *chunks = rc_view_chunks(view, &count);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t row = 0; row < chunks[i].row_count; row++)
            if (!is_dead(chunks[i].dead, row))
                add_row(rows, view, chunks[i].users[row], chunks[i].ids[row],
                        chunks[i].times_ms[row]);
}

void
layout_expect(struct rc_project *project, const struct rig_twin *twin)
{
    RC_CLEANUP(rc_view_releasep) struct rc_view *view = NULL;
    assert_int_equal(rc_project_view(project, NULL, &view), RC_OK);
    struct rows rows = {0};
    collect(view, &rows);
    struct row *expected = calloc(twin->event_count + 1, sizeof(expected[0]));
    for (size_t i = 0; i < twin->event_count; i++)
        expected[i] =
            (struct row){twin->events[i].user, twin->events[i].id, twin->events[i].time_ms};
    if (rows.count > 0)
        qsort(rows.list, rows.count, sizeof(rows.list[0]), compare_rows);
    qsort(expected, twin->event_count, sizeof(expected[0]), compare_rows);
    assert_int_equal(rows.count, twin->event_count);
    for (size_t i = 0; i < rows.count; i++)
        if (compare_rows(&rows.list[i], &expected[i]) != 0)
            fail_msg("row %zu is of user %u, id %u; expected user %u, id %u", i, rows.list[i].user,
                     rows.list[i].id, expected[i].user, expected[i].id);
    free(rows.list);
    free(expected);
}
