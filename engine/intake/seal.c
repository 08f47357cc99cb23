/*
 * Seal. The slabs are built beside the head from a pinned version, without a lock. While that goes
 * on, later copies may kill rows of the head; when the slabs take its place those rows are looked
 * up by user and id and killed in the slabs.
 */
#include "engine/intake/seal.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/limits.h"
#include "engine/intake/hide.h"
#include "engine/intake/slices.h"
#include "engine/intake/sources.h"
#include "engine/intake/windows.h"
#include "engine/store/builder/slab_builder.h"
#include "engine/store/slab/slab_find.h"

static int
compare_times(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a;
    const int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Where the distinct windows of the longest kind begin that the chunks' rows lie in, ascending. */
static enum rc_status
collect_starts(const struct rc_view_chunk *chunks,
               uint32_t chunk_count,
               struct rc_arena *arena,
               int64_t **ret_starts_ms,
               uint32_t *ret_count)
{
    uint32_t rows = 0;
    for (uint32_t i = 0; i < chunk_count; i++)
        rows += chunks[i].row_count;
    int64_t *starts_ms = rc_arena_alloc(arena, (rows + 1) * sizeof(starts_ms[0]));
    if (starts_ms == NULL)
        return RC_NO_MEMORY;
    uint32_t count = 0;
    for (uint32_t i = 0; i < chunk_count; i++) {
        for (uint32_t row = 0; row < chunks[i].row_count; row++) {
            const int64_t start_ms =
                rc_window_of(chunks[i].times_ms[row], RC_WINDOW_DAYS_MAX).start_ms;
            if (count == 0 || starts_ms[count - 1] != start_ms)
                starts_ms[count++] = start_ms;
        }
    }
    qsort(starts_ms, count, sizeof(starts_ms[0]), compare_times);
    uint32_t distinct = 0;
    for (uint32_t i = 0; i < count; i++)
        if (distinct == 0 || starts_ms[distinct - 1] != starts_ms[i])
            starts_ms[distinct++] = starts_ms[i];
    *ret_starts_ms = starts_ms;
    *ret_count = distinct;
    return RC_OK;
}

/* The windows that the chunks' rows may lie in, as the version divides them, ascending. */
static enum rc_status
collect_windows(const struct rc_version *version,
                const struct rc_view_chunk *chunks,
                uint32_t chunk_count,
                struct rc_arena *arena,
                struct rc_window **ret_windows,
                uint32_t *ret_count)
{
    int64_t *starts_ms = NULL;
    uint32_t start_count = 0;
    uint32_t count = 0;
    struct rc_window parts[RC_WINDOW_PARTS_MAX];
    RC_TRY(collect_starts(chunks, chunk_count, arena, &starts_ms, &start_count));
    for (uint32_t i = 0; i < start_count; i++)
        count += rc_window_parts(version, rc_window_longest(starts_ms[i]), parts);
    struct rc_window *windows = RC_ARENA_ARRAY(arena, struct rc_window, count);
    if (windows == NULL)
        return RC_NO_MEMORY;
    count = 0;
    for (uint32_t i = 0; i < start_count; i++) {
        const uint32_t more = rc_window_parts(version, rc_window_longest(starts_ms[i]), parts);
        memcpy(windows + count, parts, more * sizeof(parts[0]));
        count += more;
    }
    *ret_windows = windows;
    *ret_count = count;
    return RC_OK;
}

static enum rc_status
build_windows(const struct rc_slices *slices,
              const struct rc_window *windows,
              uint32_t window_count,
              struct rc_account *account,
              const _Atomic(bool) *cancel,
              struct rc_slab **slabs,
              uint32_t *slab_count,
              struct rc_error *reterr_error)
{
    for (uint32_t i = 0; i < window_count; i++) {
        const uint32_t first = slices->starts[i];
        const uint32_t count = slices->starts[i + 1] - first;
        struct rc_slab *slab = NULL;
        if (count == 0)
            continue; /* It has no rows, or all are dead. */
        RC_TRY(rc_slab_build(slices->sources + first, count, windows[i], NULL, account, cancel,
                             &slab, reterr_error));
        if (slab != NULL)
            slabs[(*slab_count)++] = slab;
    }
    return RC_OK;
}

enum rc_status
rc_seal_chunks(const struct rc_version *version,
               const struct rc_view_chunk *chunks,
               uint32_t chunk_count,
               struct rc_account *account,
               struct rc_arena *arena,
               const _Atomic(bool) *cancel,
               struct rc_slab ***ret_slabs,
               uint32_t *ret_count,
               struct rc_error *reterr_error)
{
    struct rc_window *windows = NULL;
    uint32_t window_count = 0;
    RC_TRY_OR(reterr_error,
              collect_windows(version, chunks, chunk_count, arena, &windows, &window_count));
    struct rc_slab_source *sources = NULL;
    uint32_t source_count = 0;
    struct rc_slab **slabs = RC_ARENA_ARRAY(arena, struct rc_slab *, window_count);
    if (slabs == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to seal a head");
    RC_TRY_OR(reterr_error, rc_sources_make(chunks, chunk_count, arena, &sources, &source_count));
    uint32_t count = 0;
    struct rc_slices slices;
    RC_TRY_OR(reterr_error,
              rc_slices_make(sources, source_count, windows, window_count, arena, &slices));
    const enum rc_status status =
        build_windows(&slices, windows, window_count, account, cancel, slabs, &count, reterr_error);
    if (status != RC_OK) {
        for (uint32_t i = 0; i < count; i++)
            rc_slab_unref(slabs[i]);
        return status;
    }
    *ret_slabs = slabs;
    *ret_count = count;
    return RC_OK;
}

/* A head and its dead rows as they were when the seal began. */
struct sealing {
    struct rc_project *project;
    struct rc_version *version; /* Pinned. */
    const struct rc_version_head *head;
    struct rc_arena *arena;
    struct rc_slab **slabs;
    uint32_t slab_count;
};

static bool
is_newly_dead(const struct sealing *sealing,
              const struct rc_version_head *now,
              uint32_t chunk,
              uint32_t row)
{
    return rc_dead_has(now->dead[chunk], row) && !rc_dead_has(sealing->head->dead[chunk], row);
}

static uint32_t
place_in(const struct rc_version *draft, const struct rc_slab *slab, uint64_t id)
{
    return rc_version_place_slab(draft, rc_slab_window(slab), id);
}

/* The slab of the head's slabs, which are in the order of windows, that a time lies in. */
static uint32_t
slab_of_time(const struct sealing *sealing, int64_t time_ms)
{
    uint32_t low = 0;
    uint32_t high = sealing->slab_count;
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (rc_slab_get_info(sealing->slabs[middle])->window_start_ms <= time_ms)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Finds a row of the head in the slabs and marks it dead there. */
static enum rc_status
kill_in_slabs(const struct sealing *sealing,
              const struct rc_view_chunk *chunk,
              uint32_t row,
              struct rc_version *draft,
              const uint64_t *ids)
{
    RC_ASSERT(sealing->slab_count > 0);
    const uint32_t i = slab_of_time(sealing, chunk->times_ms[row]);
    struct rc_slab *slab = sealing->slabs[i];
    uint32_t slab_row = 0;
    bool newly = false;
    const bool found = rc_slab_find_event_at(slab, chunk->users[row], chunk->times_ms[row],
                                             &chunk->ids[row], &slab_row);
    RC_ASSERT(found && "a row that died while its head was sealed is in one of the slabs");
    return rc_version_kill_slab_row(draft, place_in(draft, slab, ids[i]), slab_row, &newly);
}

static enum rc_status
carry_deaths(const struct sealing *sealing,
             const struct rc_version_head *now,
             struct rc_version *draft,
             const uint64_t *ids)
{
    const uint32_t chunk_count = rc_head_chunk_count(now->head);
    for (uint32_t c = 0; c < chunk_count; c++) {
        if (now->dead[c] == sealing->head->dead[c])
            continue;
        struct rc_view_chunk chunk;
        rc_head_chunk(now->head, c, RC_CHUNK_WHOLE, &chunk);
        for (uint32_t row = 0; row < chunk.row_count; row++)
            if (is_newly_dead(sealing, now, c, row) &&
                !rc_is_hidden(draft, chunk.users[row], chunk.times_ms[row]))
                RC_TRY(kill_in_slabs(sealing, &chunk, row, draft, ids));
    }
    for (uint32_t i = 0; i < sealing->slab_count; i++)
        RC_TRY(
            rc_hide_in_slab(draft, place_in(draft, sealing->slabs[i], ids[i]), sealing->version));
    return RC_OK;
}

/* Puts the slabs in the head's place. Callback rc_project_change. */
static enum rc_status
exchange(void *context)
{
    const struct sealing *sealing = context;
    RC_CLEANUP(rc_version_unrefp) struct rc_version *draft = NULL;
    uint64_t *ids = RC_ARENA_ARRAY(sealing->arena, uint64_t, sealing->slab_count);
    if (ids == NULL)
        return RC_NO_MEMORY;
    RC_TRY(rc_version_draft(rc_project_version(sealing->project), &draft));
    for (uint32_t i = 0; i < sealing->slab_count; i++)
        ids[i] = rc_project_next_slab_id(sealing->project);
    RC_TRY(rc_version_add_slabs(draft, sealing->slabs, ids, sealing->slab_count));
    const uint32_t head = rc_version_find_head(draft, sealing->head->head);
    RC_ASSERT(head + 1 < draft->head_count);
    RC_TRY(carry_deaths(sealing, &draft->heads[head], draft, ids));
    rc_version_remove_head(draft, head);
    rc_project_publish(sealing->project, RC_TAKE(draft), 0);
    return RC_OK;
}

static enum rc_status
seal_head(struct sealing *sealing, const _Atomic(bool) *cancel, struct rc_error *reterr_error)
{
    const uint32_t chunk_count = rc_head_chunk_count(sealing->head->head);
    struct rc_view_chunk *chunks =
        RC_ARENA_ARRAY(sealing->arena, struct rc_view_chunk, chunk_count);
    if (chunks == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to seal a head");
    for (uint32_t i = 0; i < chunk_count; i++) {
        rc_head_chunk(sealing->head->head, i, RC_CHUNK_WHOLE, &chunks[i]);
        const struct rc_dead *dead = sealing->head->dead[i];
        chunks[i].dead = dead == NULL ? NULL : dead->words;
    }
    RC_TRY(rc_seal_chunks(sealing->version, chunks, chunk_count,
                          rc_project_account_of(sealing->project, RC_MEMORY_SLABS), sealing->arena,
                          cancel, &sealing->slabs, &sealing->slab_count, reterr_error));
    const enum rc_status status = rc_project_change(sealing->project, exchange, sealing);
    for (uint32_t i = 0; i < sealing->slab_count; i++)
        rc_slab_unref(sealing->slabs[i]);
    if (status != RC_OK)
        return rc_error_set(reterr_error, status, "a sealed head could not take its place");
    return RC_OK;
}

enum rc_status
rc_seal_oldest(struct rc_project *project,
               const _Atomic(bool) *cancel,
               bool *ret_sealed,
               struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_version_unrefp) struct rc_version *version = rc_project_pin_version(project);
    if (version->head_count < 2) {
        *ret_sealed = false;
        return RC_OK;
    }
    RC_CLEANUP(rc_arena_freep)
    struct rc_arena *arena = rc_arena_new(rc_project_account_of(project, RC_MEMORY_SLABS), 0);
    if (arena == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to seal a head");
    struct sealing sealing = {
        .project = project,
        .version = version,
        .head = &version->heads[0],
        .arena = arena,
    };
    RC_TRY(seal_head(&sealing, cancel, reterr_error));
    *ret_sealed = true;
    return RC_OK;
}

static enum rc_status
end_head(struct rc_project *project)
{
    const struct rc_version *version = rc_project_version(project);
    if (rc_head_row_count(version->heads[version->head_count - 1].head) == 0)
        return RC_OK;
    RC_CLEANUP(rc_head_unrefp) struct rc_head *head = NULL;
    RC_CLEANUP(rc_version_unrefp) struct rc_version *draft = NULL;
    RC_TRY(rc_head_new(rc_project_account_of(project, RC_MEMORY_HEADS),
                       rc_project_head_rows_max(project), &head));
    RC_TRY(rc_version_draft(version, &draft));
    RC_TRY(rc_version_add_head(draft, head));
    rc_project_publish(project, RC_TAKE(draft), 0);
    return RC_OK;
}

enum rc_status
rc_seal_end_head(struct rc_project *project, struct rc_error *reterr_error)
{
    rc_project_lock_writer(project);
    const enum rc_status status = end_head(project);
    rc_project_unlock_writer(project);
    if (status != RC_OK)
        return rc_error_set(reterr_error, status, "the head could not be ended: %s",
                            rc_status_sentence(status));
    return RC_OK;
}
