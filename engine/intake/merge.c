/*
 * Merge. New slabs are built beside the project from a pinned version, without a lock; rows that
 * die meanwhile are found again in them when they take the old ones' places. All windows of a plan
 * are exchanged in one step.
 */
#include "engine/intake/merge.h"

#include "engine/base/assert.h"
#include "engine/base/limits.h"
#include "engine/intake/hide.h"
#include "engine/store/builder/slab_builder.h"
#include "engine/store/slab/slab_find.h"
#include "engine/store/sweep/dictionary_sweep.h"

/* The slabs of one window in a plan, and what becomes of them. */
struct group {
    int64_t window_start_ms;
    uint32_t first; /* In the plan. */
    uint32_t count;
    struct rc_slab *slab; /* NULL: every row was dead. */
    uint64_t id;
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
        const int64_t window = rc_slab_get_info(version->slabs[place].slab)->window_start_ms;
        const uint32_t groups = merging->group_count;
        if (groups > 0 && merging->groups[groups - 1].window_start_ms == window)
            merging->groups[groups - 1].count++;
        else
            merging->groups[merging->group_count++] =
                (struct group){.window_start_ms = window, .first = i, .count = 1};
    }
    return RC_OK;
}

static enum rc_status
build_group(struct merging *merging,
            struct group *group,
            const _Atomic(bool) *cancel,
            struct rc_error *reterr_error)
{
    struct rc_slab_source sources[RC_MERGE_SLABS_MAX];
    for (uint32_t i = 0; i < group->count; i++) {
        const struct rc_version_slab *slab = slab_at(merging, group->first + i);
        sources[i] = (struct rc_slab_source){
            .slab = slab->slab,
            .dead = slab->dead == NULL ? NULL : slab->dead->words,
        };
        merging->rows_left_out |= slab->dead != NULL;
    }
    return rc_slab_build(sources, group->count, group->window_start_ms, merging->workers,
                         rc_project_account_of(merging->project, RC_MEMORY_SLABS), cancel,
                         &group->slab, reterr_error);
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

/* Marks in the new slab what died in an old one since the merge began. */
static enum rc_status
carry_deaths(const struct group *group,
             const struct rc_version_slab *before,
             const struct rc_dead *now,
             struct rc_version *draft,
             uint32_t place)
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
            const bool found = group->slab != NULL &&
                               rc_slab_find_event_at(group->slab, user, time_ms, &id, &new_row);
            RC_ASSERT(found);
            RC_TRY(rc_version_kill_slab_row(draft, place, new_row, &newly));
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
        const uint32_t place = rc_version_place_slab(draft, group->window_start_ms, group->id);
        for (uint32_t i = group->first; i < group->first + group->count; i++) {
            const uint32_t now =
                rc_version_place_slab(draft, group->window_start_ms, merging->plan->ids[i]);
            RC_ASSERT(now < draft->slab_count);
            RC_TRY(carry_deaths(group, slab_at(merging, i), draft->slabs[now].dead, draft, place));
        }
        if (group->slab != NULL)
            RC_TRY(rc_hide_in_slab(draft, place, merging->version));
    }
    return RC_OK;
}

static enum rc_status
exchange(struct merging *merging)
{
    RC_CLEANUP(rc_version_unrefp) struct rc_version *draft = NULL;
    struct rc_slab *slabs[RC_MERGE_SLABS_MAX];
    uint64_t ids[RC_MERGE_SLABS_MAX];
    uint32_t count = 0;
    RC_TRY(rc_version_draft(rc_project_version(merging->project), &draft));
    for (uint32_t g = 0; g < merging->group_count; g++) {
        struct group *group = &merging->groups[g];
        group->id = rc_project_next_slab_id(merging->project);
        slabs[count] = group->slab;
        ids[count] = group->id;
        count += group->slab != NULL;
    }
    RC_TRY(rc_version_add_slabs(draft, slabs, ids, count));
    RC_TRY(carry_all(merging, draft));
    rc_version_remove_slabs(draft, merging->plan->ids, merging->plan->count);
    rc_project_publish(merging->project, RC_TAKE(draft), 0);
    return RC_OK;
}

static enum rc_status
run(struct merging *merging, const _Atomic(bool) *cancel, struct rc_error *reterr_error)
{
    RC_TRY(find_groups(merging, reterr_error));
    RC_TRY(use_slabs(merging, reterr_error));
    for (uint32_t g = 0; g < merging->group_count; g++)
        RC_TRY(build_group(merging, &merging->groups[g], cancel, reterr_error));
    rc_project_lock_writer(merging->project);
    const enum rc_status status = exchange(merging);
    rc_project_unlock_writer(merging->project);
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
    if (merging == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to merge");
    *merging =
        (struct merging){.project = project, .version = version, .plan = plan, .workers = workers};
    const enum rc_status status = run(merging, cancel, reterr_error);
    unuse_slabs(merging);
    for (uint32_t g = 0; g < merging->group_count; g++)
        rc_slab_unref(merging->groups[g].slab);
    if (status == RC_OK && merging->rows_left_out)
        sweep(project, &version, cancel);
    return status;
}
