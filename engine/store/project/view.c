/*
 * View: a reference to a version, the counts that were published with it, and what is derived for
 * this query alone: arrays of slabs and chunks, joins, user columns.
 */
#include "engine/store/project/view.h"

#include <pthread.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/store/project/known.h"
#include "engine/store/project/project_state.h"
#include "engine/store/project/view_uses.h"
#include "engine/store/value/account_id.h"

struct column_use {
    struct column_use *next;
    bool of_accounts;
    uint32_t property;
    int64_t as_of_ms;
    struct rc_user_column *column;
};

struct rc_view {
    struct rc_project *project;
    struct rc_account *account;
    struct rc_published published;          /* Holds references to version and people. */
    struct rc_properties *event_properties; /* As they were then. */
    struct rc_persons *persons;
    uint32_t slab_count;
    uint32_t chunk_count;
    struct rc_view_slab *slabs;
    struct rc_view_chunk *chunks;
    struct rc_view_uses *uses; /* Of cold slabs; NULL: there are none. */
    pthread_mutex_t lock;      /* Of columns: workers of one query may ask at once. */
    struct column_use *columns;
};

static enum rc_status
show_slabs(struct rc_view *view)
{
    const struct rc_version *version = view->published.version;
    view->slabs = rc_alloc_in(view->account, version->slab_count * sizeof(view->slabs[0]));
    if (view->slabs == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < version->slab_count; i++) {
        const struct rc_version_slab *slab = &version->slabs[i];
        view->slabs[i] = (struct rc_view_slab){
            .slab = slab->slab,
            .id = slab->id,
            .dead = slab->dead == NULL ? NULL : slab->dead->words,
            .dead_count = slab->dead == NULL ? 0 : slab->dead->count,
        };
    }
    view->slab_count = version->slab_count;
    return rc_view_uses_new(view->slabs, view->slab_count, view->account, &view->uses);
}

static void
show_head(struct rc_view *view, const struct rc_version_head *head, bool newest)
{
    const struct rc_published *published = &view->published;
    const uint32_t count = newest ? published->head_chunks : rc_head_chunk_count(head->head);
    for (uint32_t i = 0; i < count; i++) {
        const bool last = newest && i + 1 == count;
        struct rc_view_chunk *chunk = &view->chunks[view->chunk_count];
        rc_head_chunk(head->head, i, last ? published->head_last_rows : RC_CHUNK_WHOLE, chunk);
        chunk->dead = head->dead[i] == NULL ? NULL : head->dead[i]->words;
        if (chunk->row_count > 0)
            view->chunk_count++;
    }
}

static enum rc_status
show_heads(struct rc_view *view)
{
    const struct rc_version *version = view->published.version;
    uint32_t capacity = 0;
    for (uint32_t i = 0; i < version->head_count; i++)
        capacity += rc_head_chunk_count(version->heads[i].head);
    view->chunks = rc_alloc_in(view->account, capacity * sizeof(view->chunks[0]));
    if (view->chunks == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < version->head_count; i++)
        show_head(view, &version->heads[i], i + 1 == version->head_count);
    return RC_OK;
}

enum rc_status
rc_project_pin(struct rc_project *project, struct rc_account *account, struct rc_view **ret_view)
{
    struct rc_view *view = rc_alloc_in(account, sizeof(*view));
    if (view == NULL)
        return RC_NO_MEMORY;
    memset(view, 0, sizeof(*view));
    pthread_mutex_init(&view->lock, NULL);
    view->project = rc_project_ref(project);
    view->account = account;
    pthread_mutex_lock(&project->publish);
    view->published = project->published;
    rc_version_ref(view->published.version);
    rc_people_ref(view->published.people);
    view->event_properties = rc_properties_ref(project->event_properties);
    pthread_mutex_unlock(&project->publish);
    *ret_view = view;
    return RC_OK;
}

enum rc_status
rc_view_show_rows(struct rc_view *view)
{
    RC_TRY(show_slabs(view));
    return show_heads(view);
}

enum rc_status
rc_project_view(struct rc_project *project, struct rc_account *account, struct rc_view **ret_view)
{
    RC_CLEANUP(rc_view_releasep) struct rc_view *view = NULL;
    RC_TRY(rc_project_pin(project, account, &view));
    RC_TRY(rc_view_show_rows(view));
    RC_TRY(
        rc_people_persons(view->published.people, &view->published.people_counts, &view->persons));
    *ret_view = RC_TAKE(view);
    return RC_OK;
}

struct rc_view *
rc_view_release(struct rc_view *view)
{
    if (view == NULL)
        return NULL;
    while (view->columns != NULL) {
        struct column_use *next = view->columns->next;
        rc_user_column_unref(view->columns->column);
        rc_alloc_free(view->columns);
        view->columns = next;
    }
    rc_persons_unref(view->persons);
    rc_view_uses_free(view->uses);
    rc_version_unref(view->published.version);
    rc_people_free(view->published.people);
    rc_properties_free(view->event_properties);
    rc_alloc_free(view->slabs);
    rc_alloc_free(view->chunks);
    pthread_mutex_destroy(&view->lock);
    rc_project_unref(view->project);
    return rc_alloc_free(view);
}

const struct rc_people *
rc_view_people(const struct rc_view *view)
{
    return view->published.people;
}

struct rc_people_counts
rc_view_people_counts(const struct rc_view *view)
{
    return view->published.people_counts;
}

const struct rc_version *
rc_view_version(const struct rc_view *view)
{
    return view->published.version;
}

uint64_t
rc_view_data_version(const struct rc_view *view)
{
    return view->published.sequence;
}

const struct rc_view_slab *
rc_view_slabs(const struct rc_view *view, uint32_t *ret_count)
{
    *ret_count = view->slab_count;
    return view->slabs;
}

enum rc_status
rc_view_use_slab(struct rc_view *view, uint32_t slab, uint32_t parts, struct rc_error *reterr_error)
{
    RC_ASSERT(slab < view->slab_count);
    return view->uses == NULL ? RC_OK : rc_view_uses_begin(view->uses, slab, parts, reterr_error);
}

void
rc_view_unuse_slab(struct rc_view *view, uint32_t slab)
{
    RC_ASSERT(slab < view->slab_count);
    if (view->uses != NULL)
        rc_view_uses_end(view->uses, slab);
}

enum rc_status
rc_view_check_reads(struct rc_view *view, struct rc_error *reterr_error)
{
    return view->uses == NULL ? RC_OK : rc_view_uses_check(view->uses, reterr_error);
}

const struct rc_view_chunk *
rc_view_chunks(const struct rc_view *view, uint32_t *ret_count)
{
    *ret_count = view->chunk_count;
    return view->chunks;
}

const struct rc_properties *
rc_view_event_properties(const struct rc_view *view)
{
    return view->event_properties;
}

const struct rc_properties *
rc_view_user_properties(const struct rc_view *view)
{
    return rc_people_properties(view->published.people);
}

uint32_t
rc_view_user_count(const struct rc_view *view)
{
    return view->published.people_counts.users;
}

uint32_t
rc_view_live_user_count(const struct rc_view *view)
{
    return view->published.people_counts.users - view->published.people_counts.absent;
}

struct rc_bytes
rc_view_user_id(const struct rc_view *view, uint32_t user)
{
    RC_ASSERT(user < view->published.people_counts.users);
    return rc_dictionary_key(rc_people_ids(view->published.people), user);
}

uint32_t
rc_view_find_user(const struct rc_view *view, struct rc_bytes id)
{
    const uint32_t user = rc_dictionary_find(rc_people_ids(view->published.people), id);
    return user < view->published.people_counts.users ? user : RC_CODE_NONE;
}

bool
rc_view_alias(const struct rc_view *view, uint32_t index, struct rc_alias *ret_alias)
{
    const struct rc_append_log *log = rc_people_aliases(view->published.people);
    uint32_t run = 0;
    if (index >= view->published.people_counts.aliases)
        return false;
    memcpy(ret_alias, rc_append_log_run(log, index, index + 1, &run), sizeof(*ret_alias));
    return true;
}

static bool
find_write(const struct rc_append_log *log,
           uint32_t count,
           uint32_t index,
           struct rc_user_write *ret_write)
{
    uint32_t run = 0;
    if (index >= count)
        return false;
    memcpy(ret_write, rc_append_log_run(log, index, index + 1, &run), sizeof(*ret_write));
    return true;
}

bool
rc_view_user_write(const struct rc_view *view, uint32_t index, struct rc_user_write *ret_write)
{
    return find_write(rc_people_writes(view->published.people),
                      view->published.people_counts.writes, index, ret_write);
}

bool
rc_view_account_write(const struct rc_view *view, uint32_t index, struct rc_user_write *ret_write)
{
    return find_write(rc_people_writes(view->project->account_people),
                      view->published.account_counts.writes, index, ret_write);
}

struct rc_people_counts
rc_view_account_counts(const struct rc_view *view)
{
    return view->published.account_counts;
}

const struct rc_persons *
rc_view_persons(const struct rc_view *view)
{
    return view->persons;
}

uint32_t
rc_view_person_of(const struct rc_view *view, uint32_t user)
{
    return view->persons == NULL ? user : rc_persons_of(view->persons, user);
}

static enum rc_status
use_column(struct rc_view *view,
           bool of_accounts,
           uint32_t property,
           int64_t as_of_ms,
           const struct rc_user_column **ret_column)
{
    for (const struct column_use *use = view->columns; use != NULL; use = use->next) {
        if (use->of_accounts == of_accounts && use->property == property &&
            use->as_of_ms == as_of_ms) {
            *ret_column = use->column;
            return RC_OK;
        }
    }
    struct column_use *use = rc_alloc_in(view->account, sizeof(*use));
    if (use == NULL)
        return RC_NO_MEMORY;
    *use =
        (struct column_use){.of_accounts = of_accounts, .property = property, .as_of_ms = as_of_ms};
    const enum rc_status status =
        of_accounts
            ? rc_people_column(view->project->account_people, &view->published.account_counts, NULL,
                               property, as_of_ms, &use->column)
            : rc_people_column(view->published.people, &view->published.people_counts,
                               view->persons, property, as_of_ms, &use->column);
    if (status != RC_OK) {
        rc_alloc_free(use);
        return status;
    }
    use->next = view->columns;
    view->columns = use;
    *ret_column = use->column;
    return RC_OK;
}

/* A column that stays as long as the view. */
static enum rc_status
find_column(struct rc_view *view,
            bool of_accounts,
            uint32_t property,
            int64_t as_of_ms,
            const struct rc_user_column **ret_column)
{
    pthread_mutex_lock(&view->lock);
    const enum rc_status status = use_column(view, of_accounts, property, as_of_ms, ret_column);
    pthread_mutex_unlock(&view->lock);
    return status;
}

enum rc_status
rc_view_user_cells(struct rc_view *view,
                   uint32_t property,
                   int64_t as_of_ms,
                   const rc_cell **ret_cells)
{
    const struct rc_user_column *column;
    RC_TRY(find_column(view, false, property, as_of_ms, &column));
    *ret_cells = rc_user_column_cells(column);
    return RC_OK;
}

enum rc_status
rc_view_user_codes(struct rc_view *view,
                   uint32_t property,
                   int64_t as_of_ms,
                   const struct rc_user_codes **ret_codes)
{
    const struct rc_user_column *column;
    RC_TRY(find_column(view, false, property, as_of_ms, &column));
    *ret_codes = rc_user_column_codes(column);
    return RC_OK;
}

const struct rc_properties *
rc_view_account_properties(const struct rc_view *view)
{
    return rc_people_properties(view->project->account_people);
}

uint32_t
rc_view_account_count(const struct rc_view *view)
{
    return view->published.account_counts.users;
}

struct rc_bytes
rc_view_account_name(const struct rc_view *view, uint32_t account)
{
    RC_ASSERT(account < view->published.account_counts.users);
    return rc_dictionary_key(rc_people_ids(view->project->account_people), account);
}

enum rc_status
rc_view_account_of(const struct rc_view *view,
                   struct rc_bytes account_key,
                   struct rc_value id,
                   struct rc_arena *scratch,
                   uint32_t *ret_account)
{
    char number[32];
    struct rc_bytes text;
    *ret_account = RC_CODE_NONE;
    if (id.kind == RC_VALUE_STRING)
        text = id.string;
    else if (id.kind == RC_VALUE_INT || id.kind == RC_VALUE_DOUBLE)
        text = (struct rc_bytes){number, rc_number_text(id, number)};
    else
        return RC_OK;
    const struct rc_bytes name = rc_account_id_make(scratch, account_key, text);
    if (name.size == 0)
        return RC_NO_MEMORY;
    const uint32_t account = rc_dictionary_find(rc_people_ids(view->project->account_people), name);
    if (account < view->published.account_counts.users)
        *ret_account = account;
    return RC_OK;
}

enum rc_status
rc_view_account_cells(struct rc_view *view,
                      uint32_t property,
                      int64_t as_of_ms,
                      const rc_cell **ret_cells)
{
    const struct rc_user_column *column;
    RC_TRY(find_column(view, true, property, as_of_ms, &column));
    *ret_cells = rc_user_column_cells(column);
    return RC_OK;
}

struct rc_known *
rc_view_kept_known(struct rc_view *view, bool *ret_asked_before)
{
    struct rc_project *project = view->project;
    struct rc_known *known = NULL;
    *ret_asked_before = false;
    pthread_mutex_lock(&project->publish);
    if (project->published.people == view->published.people) {
        known = rc_known_ref(project->known);
        *ret_asked_before = project->known_asked == view->published.version;
        project->known_asked = view->published.version;
    }
    pthread_mutex_unlock(&project->publish);
    return known;
}

void
rc_view_keep_known(struct rc_view *view, struct rc_known *known)
{
    struct rc_project *project = view->project;
    struct rc_known *other = known;
    pthread_mutex_lock(&project->publish);
    if (project->published.people == view->published.people) {
        other = project->known;
        project->known = known;
    }
    pthread_mutex_unlock(&project->publish);
    rc_known_unref(other);
}

struct rc_account *
rc_view_users_account(const struct rc_view *view)
{
    return rc_project_account_of(view->project, RC_MEMORY_USERS);
}
