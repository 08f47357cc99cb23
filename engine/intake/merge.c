#include "engine/intake/merge.h"

#include "engine/base/assert.h"
#include "engine/base/limits.h"
#include "engine/store/slab_builder.h"

/* Slabs below this many rows are of the lowest tier. */
#define TIER_ROWS_FIRST 4096u

static uint32_t
live_rows(const struct rc_version_slab *slab)
{
    const uint32_t dead = slab->dead == NULL ? 0 : slab->dead->count;
    return rc_slab_get_info(slab->slab)->row_count - dead;
}

static uint32_t
tier_of(const struct rc_version_slab *slab)
{
    uint32_t tier = 0;
    for (uint64_t rows = TIER_ROWS_FIRST; rows <= live_rows(slab); rows *= RC_MERGE_FANOUT)
        tier++;
    return tier;
}

/* The slabs [first, *ret_end) are those of one window; returns their live rows. */
static uint64_t
window_end(const struct rc_version *version, uint32_t first, uint32_t *ret_end)
{
    const int64_t window = rc_slab_get_info(version->slabs[first].slab)->window_start_ms;
    uint64_t rows = 0;
    uint32_t end = first;
    while (end < version->slab_count &&
           rc_slab_get_info(version->slabs[end].slab)->window_start_ms == window)
        rows += live_rows(&version->slabs[end++]);
    *ret_end = end;
    return rows;
}

static void
plan_add(struct rc_merge_plan *plan, uint64_t id)
{
    if (plan->count < RC_MERGE_SLABS_MAX)
        plan->ids[plan->count++] = id;
}

void
rc_merge_pick(const struct rc_version *version, struct rc_merge_plan *ret_plan)
{
    ret_plan->count = 0;
    for (uint32_t first = 0, end = 0; first < version->slab_count; first = end) {
        if (window_end(version, first, &end) >= RC_SLAB_ROWS_MAX)
            continue;
        for (uint32_t tier = 0; tier < 16; tier++) {
            ret_plan->count = 0;
            for (uint32_t i = first; i < end; i++)
                if (tier_of(&version->slabs[i]) == tier)
                    plan_add(ret_plan, version->slabs[i].id);
            if (ret_plan->count >= RC_MERGE_FANOUT)
                return;
        }
    }
    ret_plan->count = 0;
}

static void
plan_window(const struct rc_version *version,
            uint32_t first,
            uint32_t end,
            struct rc_merge_plan *plan)
{
    plan->count = 0;
    for (uint32_t i = first; i < end; i++)
        plan_add(plan, version->slabs[i].id);
}

void
rc_merge_pick_idle(const struct rc_version *version, struct rc_merge_plan *ret_plan)
{
    rc_merge_pick(version, ret_plan);
    if (ret_plan->count > 0)
        return;
    for (uint32_t first = 0, end = 0; first < version->slab_count; first = end) {
        const uint64_t rows = window_end(version, first, &end);
        if (rows >= RC_SLAB_ROWS_MAX)
            continue;
        uint64_t largest = 0;
        for (uint32_t i = first; i < end; i++) {
            const uint64_t live = live_rows(&version->slabs[i]);
            largest = live > largest ? live : largest;
            if (live <= rc_slab_get_info(version->slabs[i].slab)->row_count / 4 * 3) {
                ret_plan->count = 0;
                plan_add(ret_plan, version->slabs[i].id);
                return;
            }
        }
        /* Worth rewriting the largest for: what is joined to it is not a small fraction of it. */
        if (end - first > 1 && (rows - largest) * RC_MERGE_FANOUT >= largest) {
            plan_window(version, first, end, ret_plan);
            return;
        }
    }
}

void
rc_merge_pick_all(const struct rc_version *version, struct rc_merge_plan *ret_plan)
{
    for (uint32_t first = 0, end = 0; first < version->slab_count; first = end) {
        const uint64_t rows = window_end(version, first, &end);
        bool dead = false;
        for (uint32_t i = first; i < end; i++)
            dead = dead || version->slabs[i].dead != NULL;
        if (rows < RC_SLAB_ROWS_MAX && (end - first > 1 || dead)) {
            plan_window(version, first, end, ret_plan);
            return;
        }
    }
    ret_plan->count = 0;
}

struct merging {
    struct rc_project *project;
    struct rc_version *version; /* Pinned: what the new slab is made of. */
    const struct rc_merge_plan *plan;
    uint32_t used_count;  /* Slabs of the plan that are in use. */
    struct rc_slab *slab; /* The new one; NULL: every row was dead. */
};

static struct rc_slab *
planned_slab(const struct merging *merging, uint32_t i)
{
    const uint32_t place = rc_version_find_slab(merging->version, merging->plan->ids[i]);
    return place == merging->version->slab_count ? NULL : merging->version->slabs[place].slab;
}

/* Has all slabs of the plan in memory until the merge is over. */
static enum rc_status
use_slabs(struct merging *merging, struct rc_error *reterr_error)
{
    while (merging->used_count < merging->plan->count) {
        struct rc_slab *slab = planned_slab(merging, merging->used_count);
        if (slab == NULL)
            return rc_error_set(reterr_error, RC_NOT_FOUND, "a slab to be merged is gone");
        RC_TRY(rc_slab_use(slab, RC_SLAB_PARTS_ALL, reterr_error));
        merging->used_count++;
    }
    return RC_OK;
}

static void
unuse_slabs(struct merging *merging)
{
    while (merging->used_count > 0)
        rc_slab_unuse(planned_slab(merging, --merging->used_count));
}

/* Marks in the new slab what died in an old one since the merge began. */
static enum rc_status
carry_deaths(const struct merging *merging,
             const struct rc_version_slab *before,
             const struct rc_version_slab *now,
             struct rc_version *draft,
             uint32_t place)
{
    if (now->dead == before->dead)
        return RC_OK;
    for (uint32_t w = 0; w < now->dead->word_count; w++) {
        uint64_t bits = now->dead->words[w] & ~(before->dead == NULL ? 0 : before->dead->words[w]);
        for (; bits != 0; bits &= bits - 1) {
            const uint32_t row = w * 64 + (uint32_t)__builtin_ctzll(bits);
            const uint32_t index = rc_slab_user_index_of_row(before->slab, row);
            const struct rc_event_id id = rc_slab_event_id(before->slab, row);
            uint32_t new_row = 0;
            bool newly = false;
            const bool found = merging->slab != NULL &&
                               rc_slab_find_event(merging->slab, rc_slab_users(before->slab)[index],
                                                  &id, &new_row);
            RC_ASSERT(found);
            RC_TRY(rc_version_kill_slab_row(draft, place, new_row, &newly));
        }
    }
    return RC_OK;
}

static enum rc_status
exchange(const struct merging *merging)
{
    RC_CLEANUP(rc_version_unrefp) struct rc_version *draft = NULL;
    RC_TRY(rc_version_draft(rc_project_version(merging->project), &draft));
    const uint64_t id = rc_project_next_slab_id(merging->project);
    if (merging->slab != NULL)
        RC_TRY(rc_version_add_slab(draft, merging->slab, id, NULL));
    for (uint32_t i = 0; i < merging->plan->count; i++) {
        const uint32_t old = rc_version_find_slab(merging->version, merging->plan->ids[i]);
        const uint32_t now = rc_version_find_slab(draft, merging->plan->ids[i]);
        RC_ASSERT(now < draft->slab_count);
        RC_TRY(carry_deaths(merging, &merging->version->slabs[old], &draft->slabs[now], draft,
                            rc_version_find_slab(draft, id)));
        rc_version_remove_slab(draft, rc_version_find_slab(draft, merging->plan->ids[i]));
    }
    rc_project_publish(merging->project, RC_TAKE(draft), 0);
    return RC_OK;
}

static enum rc_status
build(struct merging *merging, const _Atomic(bool) *cancel, struct rc_error *reterr_error)
{
    struct rc_slab_source sources[RC_MERGE_SLABS_MAX];
    for (uint32_t i = 0; i < merging->plan->count; i++) {
        const uint32_t place = rc_version_find_slab(merging->version, merging->plan->ids[i]);
        const struct rc_version_slab *slab = &merging->version->slabs[place];
        sources[i] = (struct rc_slab_source){
            .slab = slab->slab,
            .dead = slab->dead == NULL ? NULL : slab->dead->words,
        };
    }
    return rc_slab_build(sources, merging->plan->count,
                         rc_slab_get_info(sources[0].slab)->window_start_ms,
                         rc_project_account_of(merging->project, RC_MEMORY_SLABS), cancel,
                         &merging->slab, reterr_error);
}

static enum rc_status
run(struct merging *merging, const _Atomic(bool) *cancel, struct rc_error *reterr_error)
{
    RC_TRY(use_slabs(merging, reterr_error));
    RC_TRY(build(merging, cancel, reterr_error));
    rc_project_lock_writer(merging->project);
    const enum rc_status status = exchange(merging);
    rc_project_unlock_writer(merging->project);
    if (status != RC_OK)
        return rc_error_set(reterr_error, status, "a merged slab could not take its place");
    return RC_OK;
}

enum rc_status
rc_merge_run(struct rc_project *project,
             const struct rc_merge_plan *plan,
             const _Atomic(bool) *cancel,
             struct rc_error *reterr_error)
{
    RC_ASSERT(plan->count > 0);
    RC_CLEANUP(rc_version_unrefp) struct rc_version *version = rc_project_pin_version(project);
    struct merging merging = {.project = project, .version = version, .plan = plan};
    const enum rc_status status = run(&merging, cancel, reterr_error);
    unuse_slabs(&merging);
    rc_slab_unref(merging.slab);
    return status;
}
