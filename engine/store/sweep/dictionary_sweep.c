/*
 * Dictionary sweep. What lives is marked twice: without a lock for the slabs and rows of a view,
 * and, for the few properties that are worth a new dictionary by then, once more under the
 * writer's lock for what came since: slabs that the view has not, all rows of heads (marking too
 * much is harmless: it is swept the next time), and every code that is younger than the view.
 *
 * Cold slabs are asked last, for the columns alone of which too little lives without them, and what
 * they say is remembered (sweep_memo.h): a project that comes to rest reads nothing from disk that
 * it read before.
 */
#include "engine/store/sweep/dictionary_sweep.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/store/sweep/sweep_memo.h"

/* What is known to live of one property's dictionary; bits NULL: it is not to be swept. */
struct live {
    uint64_t *bits;
    uint32_t code_count; /* Bits there are; codes beyond live. */
};

struct sweeping {
    struct rc_project *project;
    struct rc_view *view;
    struct rc_arena *arena;
    enum rc_sweep_when when;
    const _Atomic(bool) *cancel;
    uint32_t property_count;
    struct live *live; /* By property. */
};

static bool
is_cancelled(const struct sweeping *sweeping)
{
    return sweeping->cancel != NULL && atomic_load_explicit(sweeping->cancel, memory_order_relaxed);
}

static void
mark_cells(struct live *live, const rc_cell *cells, uint32_t count)
{
    rc_sweep_mark_cells(cells, count, live->code_count, live->bits);
}

static enum rc_status
mark_slab(struct sweeping *sweeping, struct rc_slab *slab)
{
    RC_TRY(rc_slab_use(slab, RC_SLAB_PART_COLUMNS, NULL));
    const uint32_t column_count = rc_slab_get_info(slab)->column_count;
    for (uint32_t i = 0; i < column_count; i++) {
        struct rc_column_view column;
        rc_slab_column_at(slab, i, &column);
        if (column.property < sweeping->property_count &&
            sweeping->live[column.property].bits != NULL)
            mark_cells(&sweeping->live[column.property], column.dictionary,
                       column.dictionary_count);
    }
    rc_slab_unuse(slab);
    return RC_OK;
}

static void
mark_chunk(struct sweeping *sweeping, const struct rc_view_chunk *chunk)
{
    for (uint32_t property = 0; property < sweeping->property_count; property++) {
        const rc_cell *cells = rc_view_chunk_cells(chunk, property);
        if (cells != NULL && sweeping->live[property].bits != NULL)
            mark_cells(&sweeping->live[property], cells, chunk->row_count);
    }
}

/* Marks what the view shows, cold slabs left out. */
static enum rc_status
mark_view(struct sweeping *sweeping)
{
    uint32_t slab_count = 0;
    uint32_t chunk_count = 0;
    const struct rc_view_slab *slabs = rc_view_slabs(sweeping->view, &slab_count);
    const struct rc_view_chunk *chunks = rc_view_chunks(sweeping->view, &chunk_count);
    for (uint32_t i = 0; i < slab_count; i++) {
        if (!rc_slab_is_cold(slabs[i].slab))
            RC_TRY(mark_slab(sweeping, slabs[i].slab));
        if (is_cancelled(sweeping))
            return RC_CANCELLED;
    }
    for (uint32_t i = 0; i < chunk_count; i++)
        mark_chunk(sweeping, &chunks[i]);
    return RC_OK;
}

static bool
view_has_slab(const struct sweeping *sweeping, uint64_t id)
{
    uint32_t count = 0;
    const struct rc_view_slab *slabs = rc_view_slabs(sweeping->view, &count);
    for (uint32_t i = 0; i < count; i++)
        if (slabs[i].id == id)
            return true;
    return false;
}

/* Marks what the project has and the view has not. Writer. */
static enum rc_status
mark_newer(struct sweeping *sweeping)
{
    const struct rc_version *version = rc_project_version(sweeping->project);
    for (uint32_t i = 0; i < version->slab_count; i++)
        if (!view_has_slab(sweeping, version->slabs[i].id))
            RC_TRY(mark_slab(sweeping, version->slabs[i].slab));
    for (uint32_t i = 0; i < version->head_count; i++) {
        const struct rc_head *head = version->heads[i].head;
        const uint32_t chunk_count = rc_head_chunk_count(head);
        for (uint32_t c = 0; c < chunk_count; c++) {
            struct rc_view_chunk chunk;
            rc_head_chunk(head, c, RC_CHUNK_WHOLE, &chunk);
            mark_chunk(sweeping, &chunk);
        }
    }
    return RC_OK;
}

static enum rc_status
open_live(struct sweeping *sweeping)
{
    const struct rc_properties *properties = rc_view_event_properties(sweeping->view);
    sweeping->property_count = rc_properties_count(properties);
    sweeping->live = RC_ARENA_ARRAY(sweeping->arena, struct live, sweeping->property_count);
    if (sweeping->live == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < sweeping->property_count; i++) {
        struct live *live = &sweeping->live[i];
        live->code_count = rc_dictionary_count(rc_properties_dictionary(properties, i));
        if (live->code_count == 0)
            continue;
        live->bits =
            RC_ARENA_ARRAY(sweeping->arena, uint64_t, ((size_t)live->code_count + 63) / 64);
        if (live->bits == NULL)
            return RC_NO_MEMORY;
    }
    return RC_OK;
}

/* Whether a dictionary is worth a new one: bits are what is known to live of it. */
static bool
is_worth_it(const struct sweeping *sweeping,
            const struct live *live,
            const struct rc_dictionary *dictionary)
{
    uint64_t entries = 0;
    uint64_t entry_bytes = 0;
    uint64_t dead = 0;
    uint64_t dead_bytes = 0;
    for (uint32_t code = 0; code < live->code_count; code++) {
        const struct rc_bytes key = rc_dictionary_key(dictionary, code);
        if (key.data == NULL)
            continue;
        const bool is_dead = (live->bits[code / 64] >> (code % 64) & 1) == 0;
        entries++;
        entry_bytes += key.size;
        dead += is_dead ? 1 : 0;
        dead_bytes += is_dead ? key.size : 0;
    }
    if (sweeping->when == RC_SWEEP_ANY_DEAD)
        return dead > 0;
    return dead * 2 > entries || dead_bytes * 2 > entry_bytes;
}

/* Drops the bits of dictionaries that stay as they are; whether any is left. */
static bool
choose(struct sweeping *sweeping)
{
    const struct rc_properties *properties = rc_view_event_properties(sweeping->view);
    bool any = false;
    for (uint32_t i = 0; i < sweeping->property_count; i++) {
        struct live *live = &sweeping->live[i];
        if (live->bits == NULL)
            continue;
        if (!is_worth_it(sweeping, live, rc_properties_dictionary(properties, i)))
            live->bits = NULL;
        any |= live->bits != NULL;
    }
    return any;
}

/* Marks what cold slabs have, of the dictionaries that are still to be swept. */
static enum rc_status
mark_cold(struct sweeping *sweeping)
{
    struct rc_sweep_memo *memo = rc_project_sweep_memo(sweeping->project);
    struct rc_account *account = rc_project_account(sweeping->project);
    bool *wanted = RC_ARENA_ARRAY(sweeping->arena, bool, sweeping->property_count);
    uint32_t *counts = RC_ARENA_ARRAY(sweeping->arena, uint32_t, sweeping->property_count);
    if (wanted == NULL || counts == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < sweeping->property_count; i++) {
        wanted[i] = sweeping->live[i].bits != NULL;
        counts[i] = sweeping->live[i].code_count;
    }
    RC_TRY(rc_sweep_memo_open(memo, sweeping->view, sweeping->property_count, account));
    if (memo->slab_count == 0)
        return RC_OK;
    RC_TRY(rc_sweep_memo_learn(memo, sweeping->view, wanted, counts, account));
    for (uint32_t i = 0; i < sweeping->property_count; i++)
        if (wanted[i])
            rc_sweep_memo_mark(memo, i, counts[i], sweeping->live[i].bits);
    return RC_OK;
}

/* A new dictionary of what is marked, and of all codes that came since. Writer. */
static enum rc_status
rebuild_one(struct sweeping *sweeping,
            const struct live *live,
            const struct rc_dictionary *dictionary,
            struct rc_dictionary **ret_rebuilt,
            uint64_t *freed)
{
    const uint32_t count = rc_dictionary_count(dictionary);
    uint64_t *bits = RC_ARENA_ARRAY(sweeping->arena, uint64_t, ((size_t)count + 63) / 64);
    if (bits == NULL)
        return RC_NO_MEMORY;
    memcpy(bits, live->bits, ((size_t)live->code_count + 63) / 64 * sizeof(*bits));
    for (uint32_t code = live->code_count; code < count; code++)
        bits[code / 64] |= (uint64_t)1 << (code % 64);
    RC_TRY(rc_dictionary_rebuild(dictionary, bits, ret_rebuilt));
    *freed += rc_dictionary_entry_count(dictionary) - rc_dictionary_entry_count(*ret_rebuilt);
    return RC_OK;
}

/* The dictionaries that are made anew. */
struct exchanging {
    struct sweeping *sweeping;
    uint64_t *freed;
    uint32_t count;
    struct rc_dictionary **rebuilt; /* By property; NULL where it stays. */
};

/* Puts new dictionaries in the place of those chosen. Callback rc_project_change. */
static enum rc_status
exchange(void *context)
{
    struct exchanging *exchanging = context;
    struct sweeping *sweeping = exchanging->sweeping;
    const struct rc_properties *properties = rc_project_event_properties(sweeping->project);
    struct rc_properties *next = NULL;
    exchanging->count = rc_properties_count(properties);
    exchanging->rebuilt =
        RC_ARENA_ARRAY(sweeping->arena, struct rc_dictionary *, exchanging->count);
    if (exchanging->rebuilt == NULL)
        return RC_NO_MEMORY;
    RC_TRY(mark_newer(sweeping));
    for (uint32_t i = 0; i < sweeping->property_count; i++)
        if (sweeping->live[i].bits != NULL)
            RC_TRY(rebuild_one(sweeping, &sweeping->live[i],
                               rc_properties_dictionary(properties, i), &exchanging->rebuilt[i],
                               exchanging->freed));
    RC_TRY(rc_properties_rebuild(properties, exchanging->rebuilt, &next));
    rc_project_set_event_properties(sweeping->project, next);
    return RC_OK;
}

static enum rc_status
exchange_chosen(struct sweeping *sweeping, uint64_t *freed)
{
    struct exchanging exchanging = {.sweeping = sweeping, .freed = freed};
    const enum rc_status status = rc_project_change(sweeping->project, exchange, &exchanging);
    for (uint32_t i = 0; exchanging.rebuilt != NULL && i < exchanging.count; i++)
        rc_dictionary_free(exchanging.rebuilt[i]);
    return status;
}

static enum rc_status
sweep(struct sweeping *sweeping, uint64_t *freed)
{
    RC_TRY(open_live(sweeping));
    RC_TRY(mark_view(sweeping));
    if (!choose(sweeping))
        return RC_OK;
    RC_TRY(mark_cold(sweeping));
    return choose(sweeping) ? exchange_chosen(sweeping, freed) : RC_OK;
}

enum rc_status
rc_project_sweep_dictionaries(struct rc_project *project,
                              enum rc_sweep_when when,
                              const _Atomic(bool) *cancel,
                              uint64_t *ret_freed,
                              struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_arena_freep)
    struct rc_arena *arena = rc_arena_new(rc_project_account(project), 0);
    RC_CLEANUP(rc_view_releasep) struct rc_view *view = NULL;
    if (arena == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to sweep dictionaries");
    RC_TRY_OR(reterr_error, rc_project_view(project, rc_project_account(project), &view));
    struct sweeping sweeping = {
        .project = project,
        .view = view,
        .arena = arena,
        .when = when,
        .cancel = cancel,
    };
    uint64_t freed = 0;
    RC_TRY_OR(reterr_error, sweep(&sweeping, &freed));
    if (ret_freed != NULL)
        *ret_freed = freed;
    return RC_OK;
}
