/*
 * Merge. New slabs are built beside the project from a pinned version, without a lock; rows that
 * die meanwhile are found again in them when they take the old ones' places. All windows of a plan
 * are exchanged in one step.
 *
 * Of a window that is divided the rows are read once for each part, from slabs that have times in
 * it, and a user's outside of it are passed over by a search.
 */
#include "engine/intake/merge.h"

#include <stdlib.h>

#include "engine/base/assert.h"
#include "engine/base/limits.h"
#include "engine/intake/hide.h"
#include "engine/intake/windows.h"
#include "engine/store/builder/slab_builder.h"
#include "engine/store/slab/slab_find.h"
#include "engine/store/sweep/dictionary_sweep.h"

/* A new slab. */
struct part {
    struct rc_window window;
    struct rc_slab *slab; /* NULL: no row is left. */
    uint64_t id;
};

/* The slabs of one window in a plan, and what becomes of them. */
struct group {
    struct rc_window window;
    uint32_t first; /* In the plan. */
    uint32_t count;
    uint32_t first_part; /* By window, which are apart and ascend. */
    uint32_t part_count;
};

struct merging {
    struct rc_project *project;
    struct rc_version *version; /* Pinned: what the new slabs are made of. */
    const struct rc_merge_plan *plan;
    struct rc_workers *workers;
    uint32_t used_count;                 /* Slabs of the plan that are in use. */
    uint32_t places[RC_MERGE_SLABS_MAX]; /* Of the plan's slabs in version. */
    uint32_t group_count;
    struct group groups[RC_MERGE_SLABS_MAX];
    struct rc_arena *arena; /* For the parts. */
    uint32_t part_count;
    struct part *parts;
    bool rows_left_out;
};

static const struct rc_version_slab *
slab_at(const struct merging *merging, uint32_t planned)
{
    return &merging->version->slabs[merging->places[planned]];
}

/* Finds the plan's slabs, which are in the order of the version, and parts them by window. */
static enum rc_status
find_groups(struct merging *merging, struct rc_error *reterr_error)
{
    const struct rc_version *version = merging->version;
    uint32_t place = 0;
    for (uint32_t i = 0; i < merging->plan->count; i++) {
        while (place < version->slab_count && version->slabs[place].id != merging->plan->ids[i])
            place++;
        if (place == version->slab_count)
            return rc_error_set(reterr_error, RC_NOT_FOUND, "a slab to be merged is gone");
        merging->places[i] = place;
        const struct rc_window window = rc_slab_window(version->slabs[place].slab);
        const uint32_t groups = merging->group_count;
        if (groups > 0 && rc_window_compare(merging->groups[groups - 1].window, window) == 0)
            merging->groups[groups - 1].count++;
        else
            merging->groups[merging->group_count++] =
                (struct group){.window = window, .first = i, .count = 1};
    }
    return RC_OK;
}

/* Finds the windows of the new slabs. */
static enum rc_status
find_parts(struct merging *merging)
{
    struct rc_window windows[RC_WINDOW_PARTS_MAX];
    for (uint32_t g = 0; g < merging->group_count; g++) {
        struct group *group = &merging->groups[g];
        group->first_part = merging->part_count;
        group->part_count = rc_window_parts(merging->version, group->window, windows);
        merging->part_count += group->part_count;
    }
    merging->parts = RC_ARENA_ARRAY(merging->arena, struct part, merging->part_count);
    if (merging->parts == NULL)
        return RC_NO_MEMORY;
    for (uint32_t g = 0; g < merging->group_count; g++) {
        const struct group *group = &merging->groups[g];
        (void)rc_window_parts(merging->version, group->window, windows);
        for (uint32_t i = 0; i < group->part_count; i++)
            merging->parts[group->first_part + i] = (struct part){.window = windows[i]};
    }
    return RC_OK;
}

static enum rc_status
build_part(struct merging *merging,
           const struct group *group,
           struct part *part,
           const _Atomic(bool) *cancel,
           struct rc_error *reterr_error)
{
    struct rc_slab_source sources[RC_MERGE_SLABS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < group->count; i++) {
        const struct rc_version_slab *slab = slab_at(merging, group->first + i);
        const struct rc_slab_info *info = rc_slab_get_info(slab->slab);
        merging->rows_left_out |= slab->dead != NULL;
        if (info->time_max_ms < part->window.start_ms ||
            info->time_min_ms >= rc_window_end_ms(part->window))
            continue;
        sources[count++] = (struct rc_slab_source){
            .slab = slab->slab,
            .dead = slab->dead == NULL ? NULL : slab->dead->words,
        };
    }
    if (count == 0)
        return RC_OK;
    return rc_slab_build(sources, count, part->window, merging->workers,
                         rc_project_account_of(merging->project, RC_MEMORY_SLABS), cancel,
                         &part->slab, reterr_error);
}

/* About what the live rows of a slab take. */
static uint64_t
live_bytes(const struct rc_version_slab *slab)
{
    const struct rc_slab_info *info = rc_slab_get_info(slab->slab);
    return info->size_bytes / info->row_count * rc_version_slab_rows(slab);
}

/* Whether there is room for the parts of divided windows, which are about what the slabs are: what
 * was built would be for nothing, again and again. */
static enum rc_status
check_room(const struct merging *merging, struct rc_error *reterr_error)
{
    struct rc_account *account = rc_project_account_of(merging->project, RC_MEMORY_SLABS);
    uint64_t bytes = 0;
    for (uint32_t g = 0; g < merging->group_count; g++) {
        const struct group *group = &merging->groups[g];
        for (uint32_t i = 0; group->part_count > 1 && i < group->count; i++)
            bytes += live_bytes(slab_at(merging, group->first + i));
    }
    if (!rc_account_charge(account, bytes))
        return rc_error_set(reterr_error, RC_LIMIT_EXCEEDED,
                            "dividing slabs of %llu bytes would pass the memory limit",
                            (unsigned long long)bytes);
    rc_account_release(account, bytes);
    return RC_OK;
}

static enum rc_status
build_parts(struct merging *merging, const _Atomic(bool) *cancel, struct rc_error *reterr_error)
{
    for (uint32_t g = 0; g < merging->group_count; g++) {
        const struct group *group = &merging->groups[g];
        for (uint32_t i = 0; i < group->part_count; i++)
            RC_TRY(build_part(merging, group, &merging->parts[group->first_part + i], cancel,
                              reterr_error));
    }
    return RC_OK;
}

/* Has all slabs of the plan in memory until the merge is over. */
static enum rc_status
use_slabs(struct merging *merging, struct rc_error *reterr_error)
{
    for (; merging->used_count < merging->plan->count; merging->used_count++)
        RC_TRY(rc_slab_use(slab_at(merging, merging->used_count)->slab, RC_SLAB_PARTS_ALL,
                           reterr_error));
    return RC_OK;
}

static void
unuse_slabs(struct merging *merging)
{
    while (merging->used_count > 0)
        rc_slab_unuse(slab_at(merging, --merging->used_count)->slab);
}

/* The part of a group that has a time. */
static const struct part *
part_of_time(const struct merging *merging, const struct group *group, int64_t time_ms)
{
    const struct part *parts = merging->parts + group->first_part;
    uint32_t i = 0;
    while (i < group->part_count && !rc_window_has(parts[i].window, time_ms))
        i++;
    RC_ASSERT(i < group->part_count);
    return &parts[i];
}

/* Marks in the new slabs what died in an old one since the merge began. */
static enum rc_status
carry_deaths(const struct merging *merging,
             const struct group *group,
             const struct rc_version_slab *before,
             const struct rc_dead *now,
             struct rc_version *draft)
{
    if (now == before->dead)
        return RC_OK;
    for (uint32_t w = 0; w < now->word_count; w++) {
        uint64_t bits = now->words[w] & ~(before->dead == NULL ? 0 : before->dead->words[w]);
        for (; bits != 0; bits &= bits - 1) {
            const uint32_t row = w * 64 + (uint32_t)__builtin_ctzll(bits);
            const uint32_t index = rc_slab_user_index_of_row(before->slab, row);
            const uint32_t user = rc_slab_users(before->slab)[index];
            const int64_t time_ms = rc_slab_time_ms(before->slab, row);
            const struct rc_event_id id = rc_slab_event_id(before->slab, row);
            uint32_t new_row = 0;
            bool newly = false;
            if (rc_is_hidden(draft, user, time_ms))
                continue;
            const struct part *part = part_of_time(merging, group, time_ms);
            const bool found = part->slab != NULL &&
                               rc_slab_find_event_at(part->slab, user, time_ms, &id, &new_row);
            RC_ASSERT(found);
            RC_TRY(rc_version_kill_slab_row(
                draft, rc_version_place_slab(draft, part->window, part->id), new_row, &newly));
        }
    }
    return RC_OK;
}

/* With the new slabs in the draft beside the old ones. */
static enum rc_status
carry_all(const struct merging *merging, struct rc_version *draft)
{
    for (uint32_t g = 0; g < merging->group_count; g++) {
        const struct group *group = &merging->groups[g];
        for (uint32_t i = group->first; i < group->first + group->count; i++) {
            const uint32_t now = rc_version_place_slab(draft, group->window, merging->plan->ids[i]);
            RC_ASSERT(now < draft->slab_count);
            RC_TRY(
                carry_deaths(merging, group, slab_at(merging, i), draft->slabs[now].dead, draft));
        }
    }
    for (uint32_t i = 0; i < merging->part_count; i++) {
        const struct part *part = &merging->parts[i];
        if (part->slab != NULL)
            RC_TRY(rc_hide_in_slab(draft, rc_version_place_slab(draft, part->window, part->id),
                                   merging->version));
    }
    return RC_OK;
}

static int
compare_parts(const void *a, const void *b)
{
    const struct part *x = *(struct part *const *)a;
    const struct part *y = *(struct part *const *)b;
    const int order = rc_window_compare(x->window, y->window);
    return order != 0 ? order : (x > y) - (x < y);
}

/* Gives the new slabs their ids and adds them, in the order of a version: parts of a long window
 * come among those of short ones. */
static enum rc_status
add_parts(struct merging *merging, struct rc_version *draft)
{
    struct part **order = RC_ARENA_ARRAY(merging->arena, struct part *, merging->part_count);
    struct rc_slab **slabs = RC_ARENA_ARRAY(merging->arena, struct rc_slab *, merging->part_count);
    uint64_t *ids = RC_ARENA_ARRAY(merging->arena, uint64_t, merging->part_count);
    uint32_t count = 0;
    if (order == NULL || slabs == NULL || ids == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < merging->part_count; i++)
        if (merging->parts[i].slab != NULL)
            order[count++] = &merging->parts[i];
    qsort(order, count, sizeof(order[0]), compare_parts);
    for (uint32_t i = 0; i < count; i++) {
        order[i]->id = rc_project_next_slab_id(merging->project);
        slabs[i] = order[i]->slab;
        ids[i] = order[i]->id;
    }
    return rc_version_add_slabs(draft, slabs, ids, count);
}

/* Callback rc_project_change. */
static enum rc_status
exchange(void *context)
{
    struct merging *merging = context;
    RC_CLEANUP(rc_version_unrefp) struct rc_version *draft = NULL;
    RC_TRY(rc_version_draft(rc_project_version(merging->project), &draft));
    RC_TRY(add_parts(merging, draft));
    RC_TRY(carry_all(merging, draft));
    rc_version_remove_slabs(draft, merging->plan->ids, merging->plan->count);
    rc_project_publish(merging->project, RC_TAKE(draft), 0);
    return RC_OK;
}

static enum rc_status
run(struct merging *merging, const _Atomic(bool) *cancel, struct rc_error *reterr_error)
{
    RC_TRY(find_groups(merging, reterr_error));
    RC_TRY_OR(reterr_error, find_parts(merging));
    RC_TRY(check_room(merging, reterr_error));
    RC_TRY(use_slabs(merging, reterr_error));
    RC_TRY(build_parts(merging, cancel, reterr_error));
    const enum rc_status status = rc_project_change(merging->project, exchange, merging);
    if (status != RC_OK)
        return rc_error_set(reterr_error, status, "a merged slab could not take its place");
    return RC_OK;
}

/* Frees what only the rows had that are gone. version, which still has them, goes first. */
static void
sweep(struct rc_project *project, struct rc_version **version, const _Atomic(bool) *cancel)
{
    *version = rc_version_unref(*version);
    const enum rc_status status =
        rc_project_sweep_dictionaries(project, RC_SWEEP_MOSTLY_DEAD, cancel, NULL, NULL);
    (void)status; /* The slabs stand; the dictionaries are swept after another merge. */
}

enum rc_status
rc_merge_run(struct rc_project *project,
             const struct rc_merge_plan *plan,
             struct rc_workers *workers,
             const _Atomic(bool) *cancel,
             struct rc_error *reterr_error)
{
    RC_ASSERT(plan->count > 0);
    RC_CLEANUP(rc_version_unrefp) struct rc_version *version = rc_project_pin_version(project);
    RC_CLEANUP(rc_alloc_freep) struct merging *merging = rc_alloc(sizeof(*merging));
    RC_CLEANUP(rc_arena_freep)
    struct rc_arena *arena = rc_arena_new(rc_project_account_of(project, RC_MEMORY_SLABS), 0);
    if (merging == NULL || arena == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to merge");
    *merging = (struct merging){
        .project = project, .version = version, .plan = plan, .workers = workers, .arena = arena};
    const enum rc_status status = run(merging, cancel, reterr_error);
    unuse_slabs(merging);
    for (uint32_t i = 0; merging->parts != NULL && i < merging->part_count; i++)
        rc_slab_unref(merging->parts[i].slab);
    if (status == RC_OK && merging->rows_left_out)
        sweep(project, &version, cancel);
    return status;
}
