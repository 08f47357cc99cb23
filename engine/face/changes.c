/*
 * Changes of a project's entries, in rounds: whoever finds nobody at it takes all changes that
 * wait, plans one upon the other, puts what comes of them into the log as one record, and waits for
 * it; those that come meanwhile wait for the next round. So all that come during a sync of the log
 * share the next, and one that comes alone waits for its own.
 *
 * Why a round waits: a change is checked against what is durable and against those before it in
 * its round. One that was checked against a change still on its way would stand in the log without
 * it where that found no space; a round is there whole or not at all, whatever fails, and in a
 * replay as well.
 *
 * A round ends before a change with a request id that it has already, which the next answers from
 * the receipts, and before one that would make its record large.
 */
#include "engine/base/assert.h"
#include "engine/base/limits.h"
#include "engine/face/engine_state.h"

struct round {
    struct tenant *tenant;
    struct rc_catalogs catalogs; /* As the changes up to now leave them. */
    struct rc_writer records;    /* Of those changes. */
    uint32_t logged_count;
    struct change *first; /* Changes of this round, with and without a record. */
    struct change *last;  /* With first. */
};

static void
round_close(struct round *round)
{
    rc_catalogs_close(&round->catalogs);
    rc_writer_close(&round->records);
}

/* Whether a change in the round was asked for under the same request id. */
static bool
has_request(const struct round *round, const struct change *change)
{
    const struct rc_bytes id = change->asked->request_id;
    const struct change *at = id.size == 0 ? NULL : round->first;
    while (at != NULL && !(at->is_logged && rc_bytes_equal(at->asked->request_id, id)))
        at = at->next;
    return at != NULL;
}

static bool
fits(const struct round *round, size_t bytes)
{
    return round->logged_count == 0 || (round->logged_count < RC_CHANGES_LOGGED_MAX &&
                                        round->records.size + bytes <= RC_CHANGES_LOGGED_BYTES_MAX);
}

/* The project may be gone since the change was asked for, and another of its id be there. */
static enum rc_status
check_tenant(struct tenant *tenant, struct rc_error *reterr_error)
{
    const struct rc_bytes id = rc_project_id(tenant->project);
    RC_CLEANUP(rc_tenant_unrefp) struct tenant *now = rc_tenant_find(tenant->engine, id, NULL);
    if (now != tenant)
        return rc_error_field(reterr_error, RC_NOT_FOUND, "project",
                              "the project \"%.*s\" was deleted meanwhile", (int)id.size, id.data);
    return RC_OK;
}

static enum rc_status
check_known(struct round *round, struct change *change, bool *ret_known)
{
    RC_TRY(check_tenant(round->tenant, &change->error));
    return rc_retry_entries(round->tenant, change->asked, change->arena, ret_known,
                            change->ret_entries, change->entry_count, &change->error);
}

/* false: the change does not fit. Else its status says what came of it, and is_logged whether it
 * waits for the log. */
static bool
plan(struct round *round, struct change *change)
{
    RC_CLEANUP(rc_catalogs_close) struct rc_catalogs next = rc_catalogs_ref(&round->catalogs);
    RC_CLEANUP(rc_writer_close) struct rc_writer record = {.data = NULL};
    bool known = false;
    change->status = check_known(round, change, &known);
    if (change->status != RC_OK || known)
        return true;
    change->status = rc_change_plan(round->tenant, change, &next, &record, &change->error);
    if (change->status != RC_OK)
        return true;
    if (!fits(round, record.size))
        return false;
    rc_write_bytes(&round->records, (struct rc_bytes){(const char *)record.data, record.size});
    rc_catalogs_close(&round->catalogs);
    round->catalogs = rc_catalogs_ref(&next);
    round->logged_count++;
    change->is_logged = true;
    return true;
}

/* Moves changes from the front of those that wait into the round. */
static void
fill(struct round *round, struct change **waiting)
{
    for (struct change *change = *waiting; change != NULL; change = *waiting) {
        if (has_request(round, change) || !plan(round, change))
            return;
        *waiting = change->next;
        change->next = NULL;
        if (round->first == NULL)
            round->first = change;
        else
            round->last->next = change;
        round->last = change;
    }
}

static void
log_round(struct round *round)
{
    struct rc_error error = {.status = RC_OK};
    enum rc_status status = RC_OK;
    const struct rc_record record = {
        .kind = RC_RECORD_CHANGES,
        .project = rc_project_id(round->tenant->project),
        .change_count = round->logged_count,
        .changes = {(const char *)round->records.data, round->records.size},
    };
    if (round->records.failed)
        status = rc_error_set(&error, RC_NO_MEMORY, "no memory for a log record");
    else if (round->logged_count > 0)
        status = rc_log_and_wait(round->tenant->engine, &record, &error);
    for (struct change *at = round->first; at != NULL; at = at->next) {
        if (!at->is_logged || status == RC_OK)
            continue;
        at->status = status;
        at->error = error;
    }
}

/* One round of those that wait, without the lock. *waiting becomes those that are left; returns
 * those whose status stands. */
static struct change *
make_round(struct tenant *tenant, struct change **waiting)
{
    RC_CLEANUP(round_close)
    struct round round = {.tenant = tenant, .catalogs = rc_catalogs_of(tenant->project)};
    fill(&round, waiting);
    RC_ASSERT(round.first != NULL);
    log_round(&round);
    return round.first;
}

/* ---- Waiting ----------------------------------------------------------------------------------
 */

void
rc_changes_open(struct tenant *tenant)
{
    pthread_mutex_init(&tenant->changes.lock, NULL);
    pthread_cond_init(&tenant->changes.moved, NULL);
}

void
rc_changes_close(struct tenant *tenant)
{
    RC_ASSERT(tenant->changes.first == NULL);
    pthread_cond_destroy(&tenant->changes.moved);
    pthread_mutex_destroy(&tenant->changes.lock);
}

void
rc_changes_hold(struct tenant *tenant)
{
    struct tenant_changes *changes = &tenant->changes;
    pthread_mutex_lock(&changes->lock);
    while (changes->taken)
        pthread_cond_wait(&changes->moved, &changes->lock);
    changes->taken = true;
    pthread_mutex_unlock(&changes->lock);
}

void
rc_changes_let_go(struct tenant *tenant)
{
    pthread_mutex_lock(&tenant->changes.lock);
    tenant->changes.taken = false;
    pthread_cond_broadcast(&tenant->changes.moved);
    pthread_mutex_unlock(&tenant->changes.lock);
}

/* With the lock: changes that a round left, before those that came meanwhile. */
static void
put_back(struct tenant_changes *changes, struct change *left)
{
    struct change *last = left;
    if (left == NULL)
        return;
    while (last->next != NULL)
        last = last->next;
    last->next = changes->first;
    if (changes->first == NULL)
        changes->last = last;
    changes->first = left;
}

/* With the lock, which is given back meanwhile: makes a round. */
static void
lead(struct tenant *tenant)
{
    struct tenant_changes *changes = &tenant->changes;
    struct change *waiting = changes->first;
    changes->first = NULL;
    changes->taken = true;
    pthread_mutex_unlock(&changes->lock);
    struct change *made = make_round(tenant, &waiting);
    pthread_mutex_lock(&changes->lock);
    changes->taken = false;
    put_back(changes, waiting);
    for (struct change *next; made != NULL; made = next) {
        next = made->next; /* Whoever waits for it takes it away. */
        made->is_done = true;
    }
    pthread_cond_broadcast(&changes->moved);
}

/* Waits until a change is made, or makes it. */
static enum rc_status
make(struct rc_engine *engine,
     struct rc_bytes project,
     struct change *change,
     struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_tenant_unrefp)
    struct tenant *tenant = rc_tenant_find(engine, project, reterr_error);
    if (tenant == NULL)
        return RC_NOT_FOUND;
    struct tenant_changes *changes = &tenant->changes;
    pthread_mutex_lock(&changes->lock);
    if (changes->first == NULL)
        changes->first = change;
    else
        changes->last->next = change;
    changes->last = change;
    while (!change->is_done)
        if (changes->taken)
            pthread_cond_wait(&changes->moved, &changes->lock);
        else
            lead(tenant);
    pthread_mutex_unlock(&changes->lock);
    if (change->status != RC_OK && reterr_error != NULL)
        *reterr_error = change->error;
    return change->status;
}

/* ---- Calls ------------------------------------------------------------------------------------
 */

enum rc_status
rc_engine_put_entry(struct rc_engine *engine,
                    struct rc_bytes project,
                    enum rc_catalog_kind kind,
                    const struct rc_catalog_entry *entry,
                    uint64_t version_expected,
                    const struct rc_asked *asked,
                    struct rc_arena *arena,
                    struct rc_catalog_entry *ret_entry,
                    struct rc_error *reterr_error)
{
    struct change change = {
        .kind = RC_RECORD_ENTRY_PUT,
        .catalog = kind,
        .entry_count = 1,
        .entries = entry,
        .version_expected = version_expected,
        .asked = rc_asked_or_nobody(asked),
        .arena = arena,
        .ret_entries = ret_entry,
    };
    RC_TRY(rc_asked_check(change.asked, reterr_error));
    RC_TRY(rc_entry_check_alone(kind, entry, arena, reterr_error));
    return make(engine, project, &change, reterr_error);
}

enum rc_status
rc_engine_create_entries(struct rc_engine *engine,
                         struct rc_bytes project,
                         enum rc_catalog_kind kind,
                         const struct rc_catalog_entry *entries,
                         uint32_t count,
                         const struct rc_asked *asked,
                         struct rc_arena *arena,
                         struct rc_catalog_entry *ret_entries,
                         uint32_t *ret_failed,
                         struct rc_error *reterr_error)
{
    RC_ASSERT(count > 0 && count <= RC_ENTRIES_CREATED_MAX);
    struct change change = {
        .kind = RC_RECORD_ENTRIES_PUT,
        .catalog = kind,
        .entry_count = count,
        .entries = entries,
        .asked = rc_asked_or_nobody(asked),
        .arena = arena,
        .ret_entries = ret_entries,
        .ret_failed = ret_failed,
    };
    *ret_failed = count;
    RC_TRY(rc_asked_check(change.asked, reterr_error));
    for (uint32_t i = 0; i < count; i++) {
        *ret_failed = i;
        RC_TRY(rc_entry_check_alone(kind, &entries[i], arena, reterr_error));
    }
    *ret_failed = count;
    return make(engine, project, &change, reterr_error);
}

enum rc_status
rc_engine_delete_entry(struct rc_engine *engine,
                       struct rc_bytes project,
                       enum rc_catalog_kind kind,
                       struct rc_bytes name,
                       uint64_t version_expected,
                       bool force,
                       const struct rc_asked *asked,
                       struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    if (arena == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to delete an entry");
    const struct rc_catalog_entry entry = {.name = name};
    struct rc_catalog_entry nothing;
    struct change change = {
        .kind = RC_RECORD_ENTRY_REMOVE,
        .catalog = kind,
        .entry_count = 1,
        .entries = &entry,
        .version_expected = version_expected,
        .force = force,
        .asked = rc_asked_or_nobody(asked),
        .arena = arena,
        .ret_entries = &nothing,
    };
    RC_TRY(rc_asked_check(change.asked, reterr_error));
    return make(engine, project, &change, reterr_error);
}
