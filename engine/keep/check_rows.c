/*
 * A slab's rows are asked user by user: of one who is gone all are dead, of any other those before
 * the cut, which are the first of a run. Heads are small, and every cell of them is looked at.
 */
#include "engine/keep/check_rows.h"

#include <inttypes.h>

#include "engine/base/limits.h"
#include "engine/store/head/head.h"

bool
rc_check_knows_cell(const struct rc_properties *properties, uint32_t property, rc_cell cell)
{
    const struct rc_dictionary *dictionary = rc_properties_dictionary(properties, property);
    return rc_cell_kind_of(cell) != RC_CELL_CODE ||
           (rc_cell_code(cell) < rc_dictionary_count(dictionary) &&
            rc_dictionary_has(dictionary, rc_cell_code(cell)));
}

void
rc_check_order(struct rc_check *check, const char *where, const struct rc_view *view)
{
    uint32_t count = 0;
    const struct rc_view_slab *slabs = rc_view_slabs(view, &count);
    for (uint32_t i = 1; i < count; i++) {
        const int order =
            rc_window_compare(rc_slab_window(slabs[i - 1].slab), rc_slab_window(slabs[i].slab));
        if (order > 0 || (order == 0 && slabs[i - 1].id >= slabs[i].id))
            rc_check_found(check, RC_FINDING_PROBLEM, where,
                           "slab %" PRIx64 " is out of order behind %" PRIx64, slabs[i].id,
                           slabs[i - 1].id);
    }
}

/* Whether a user may have no live row. */
static bool
is_absent(const struct rc_view *view, uint32_t user)
{
    return rc_gone_has(rc_view_version(view)->gone, user) ||
           !rc_dictionary_has(rc_people_ids(rc_view_people(view)), user);
}

static bool
is_dead(const uint64_t *dead, uint32_t row)
{
    return dead != NULL && (dead[row / 64] >> (row % 64) & 1) != 0;
}

/* Live rows of [first, end). */
static uint32_t
live_rows(const uint64_t *dead, uint32_t first, uint32_t end)
{
    uint32_t live = 0;
    for (uint32_t row = first; row < end; row++)
        live += !is_dead(dead, row);
    return live;
}

void
rc_check_slab_rules(struct rc_check *check,
                    const char *where,
                    const struct rc_view *view,
                    const struct rc_view_slab *held)
{
    const struct rc_slab_info *info = rc_slab_get_info(held->slab);
    const int64_t cut_ms = rc_view_version(view)->cut_ms;
    const uint32_t *users = rc_slab_users(held->slab);
    const uint32_t *starts = rc_slab_starts(held->slab);
    uint64_t of_absent = 0;
    uint64_t before_cut = 0;
    for (uint32_t i = 0; i < info->user_count; i++) {
        if (users[i] >= rc_view_user_count(view))
            continue; /* Told of the slab as a whole. */
        if (is_absent(view, users[i]))
            of_absent += live_rows(held->dead, starts[i], starts[i + 1]);
        uint32_t end = starts[i];
        while (info->time_min_ms < cut_ms && end < starts[i + 1] &&
               rc_slab_time_ms(held->slab, end) < cut_ms)
            end++;
        before_cut += live_rows(held->dead, starts[i], end);
    }
    if (of_absent > 0)
        rc_check_found(check, RC_FINDING_PROBLEM, where,
                       "%" PRIu64 " events of deleted users are alive", of_absent);
    if (before_cut > 0)
        rc_check_found(check, RC_FINDING_PROBLEM, where,
                       "%" PRIu64 " events before the end of retention are alive", before_cut);
}

/* Cells of a chunk that cannot be followed. */
static void
check_cells(struct rc_check *check,
            const char *where,
            const struct rc_view *view,
            const struct rc_view_chunk *chunk)
{
    const struct rc_properties *properties = rc_view_event_properties(view);
    const uint32_t property_count = rc_properties_count(properties);
    for (uint32_t property = 0; property < chunk->property_count; property++) {
        const rc_cell *cells = rc_view_chunk_cells(chunk, property);
        const struct rc_dictionary *texts = rc_view_chunk_texts(chunk, property);
        uint32_t unknown = 0;
        for (uint32_t row = 0; cells != NULL && row < chunk->row_count; row++) {
            if (rc_cell_kind_of(cells[row]) == RC_CELL_TEXT)
                unknown += texts == NULL || rc_cell_code(cells[row]) >= rc_dictionary_count(texts);
            else
                unknown += cells[row] != RC_CELL_NULL &&
                           (property >= property_count ||
                            !rc_check_knows_cell(properties, property, cells[row]));
        }
        if (unknown > 0)
            rc_check_found(check, RC_FINDING_PROBLEM, where,
                           "%u new events have a value of property %u that is not there", unknown,
                           property);
    }
}

static void
check_chunk(struct rc_check *check,
            const char *where,
            const struct rc_view *view,
            const struct rc_view_chunk *chunk)
{
    const int64_t cut_ms = rc_view_version(view)->cut_ms;
    uint32_t strangers = 0;
    uint32_t wild = 0;
    uint32_t undead = 0;
    for (uint32_t row = 0; row < chunk->row_count; row++) {
        const int64_t time_ms = chunk->times_ms[row];
        const bool known = chunk->users[row] < rc_view_user_count(view);
        strangers += !known;
        wild += time_ms < RC_TIME_MS_MIN || time_ms > RC_TIME_MS_MAX;
        undead += known && !is_dead(chunk->dead, row) &&
                  (time_ms < cut_ms || is_absent(view, chunk->users[row]));
    }
    if (strangers > 0)
        rc_check_found(check, RC_FINDING_PROBLEM, where,
                       "%u new events have a user that the project has not", strangers);
    if (wild > 0)
        rc_check_found(check, RC_FINDING_PROBLEM, where, "%u new events have no time", wild);
    if (undead > 0)
        rc_check_found(check, RC_FINDING_PROBLEM, where,
                       "%u new events of deleted users or before the end of retention are alive",
                       undead);
    check_cells(check, where, view, chunk);
}

static void
check_dead_sets(struct rc_check *check, const char *where, const struct rc_version_head *head)
{
    for (uint32_t i = 0; i < RC_HEAD_CHUNKS_MAX; i++) {
        const struct rc_dead *dead = head->dead[i];
        uint32_t bits = 0;
        for (uint32_t k = 0; dead != NULL && k < dead->word_count; k++)
            bits += (uint32_t)__builtin_popcountll(dead->words[k]);
        if (dead != NULL && bits != dead->count)
            rc_check_found(check, RC_FINDING_PROBLEM, where, "%u new events are dead, not %u", bits,
                           dead->count);
    }
}

void
rc_check_heads(struct rc_check *check, const char *where, const struct rc_view *view)
{
    const struct rc_version *version = rc_view_version(view);
    uint32_t count = 0;
    const struct rc_view_chunk *chunks = rc_view_chunks(view, &count);
    for (uint32_t i = 0; i < count; i++) {
        check->counts.events += chunks[i].row_count;
        check_chunk(check, where, view, &chunks[i]);
    }
    for (uint32_t i = 0; i < version->head_count; i++)
        check_dead_sets(check, where, &version->heads[i]);
}
