/*
 * Project: the parts of a data set and the two locks over them. See project.h for which is which;
 * the rule for both is that the publish lock is never held while anything is allocated or freed
 * that can be large.
 */
#include "engine/store/project/project.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/store/project/project_state.h"

/* What was stored before there were versions begins with the id's size, which is never 0. */
#define SETTINGS_MARK 0u
#define SETTINGS_VERSION 3u

void
rc_project_settings_write(struct rc_writer *writer, const struct rc_project_settings *settings)
{
    rc_write_u8(writer, SETTINGS_MARK);
    rc_write_u8(writer, SETTINGS_VERSION);
    rc_write_bytes(writer, settings->id);
    rc_write_bytes(writer, settings->display_name);
    rc_write_bytes(writer, settings->zone);
    rc_write_u32(writer, settings->week_start);
    rc_write_u64(writer, settings->memory_bytes_max);
    rc_write_u64(writer, settings->version);
    rc_write_u64(writer, (uint64_t)settings->created_ms);
    rc_write_u64(writer, (uint64_t)settings->updated_ms);
    rc_write_u32(writer, settings->retention_days);
    rc_write_u64(writer, settings->future_ms_max);
    rc_write_bytes(writer, settings->shown_ids);
}

enum rc_status
rc_project_settings_read(struct rc_reader *reader,
                         struct rc_project_settings *ret_settings,
                         struct rc_error *reterr_error)
{
    struct rc_project_settings settings = {0};
    uint8_t version = 1;
    if (rc_reader_left(reader) > 0 && reader->at[0] == SETTINGS_MARK) {
        (void)rc_read_u8(reader);
        version = rc_read_u8(reader);
        if (version < 2 || version > SETTINGS_VERSION)
            return rc_error_set(reterr_error, RC_CORRUPT,
                                "a project's settings are of unknown version %u", version);
    }
    settings.id = rc_read_bytes(reader);
    settings.display_name = rc_read_bytes(reader);
    settings.zone = rc_read_bytes(reader);
    settings.week_start = rc_read_u32(reader);
    settings.memory_bytes_max = rc_read_u64(reader);
    settings.version = rc_read_u64(reader);
    settings.created_ms = (int64_t)rc_read_u64(reader);
    settings.updated_ms = (int64_t)rc_read_u64(reader);
    if (version >= 2) {
        settings.retention_days = rc_read_u32(reader);
        settings.future_ms_max = rc_read_u64(reader);
    }
    if (version >= 3)
        settings.shown_ids = rc_read_bytes(reader);
    if (reader->bad)
        return rc_error_set(reterr_error, RC_CORRUPT, "a project's settings are cut short");
    if (settings.id.size == 0 || settings.id.size > RC_PROJECT_ID_BYTES_MAX)
        return rc_error_set(reterr_error, RC_CORRUPT, "a project's id has %zu bytes",
                            settings.id.size);
    if (settings.week_start > 6)
        return rc_error_set(reterr_error, RC_CORRUPT, "a project's week begins on day %u",
                            settings.week_start);
    *ret_settings = settings;
    return RC_OK;
}

static enum rc_status
project_open(struct rc_project *project, const struct rc_project_settings *settings)
{
    struct rc_account *account = &project->account;
    project->settings_arena = rc_arena_new(account, 0);
    if (project->settings_arena == NULL)
        return RC_NO_MEMORY;
    RC_TRY(rc_project_set_settings(project, settings));
    RC_TRY(rc_properties_new(rc_project_account_of(project, RC_MEMORY_DICTIONARIES),
                             &project->event_properties));
    RC_TRY(
        rc_people_new(rc_project_account_of(project, RC_MEMORY_USERS), &project->published.people));
    RC_TRY(
        rc_people_new(rc_project_account_of(project, RC_MEMORY_USERS), &project->account_people));
    RC_TRY(rc_streams_open(&project->streams, account));
    for (uint32_t i = 0; i < RC_CATALOG_KINDS; i++)
        RC_TRY(rc_catalog_new(account, &project->catalogs[i]));
    RC_TRY(rc_receipts_new(account, &project->receipts));
    RC_CLEANUP(rc_head_unrefp) struct rc_head *head = NULL;
    RC_TRY(rc_head_new(rc_project_account_of(project, RC_MEMORY_HEADS), project->head_rows_max,
                       &head));
    return rc_version_new(account, head, &project->published.version);
}

enum rc_status
rc_project_new(const struct rc_project_settings *settings,
               struct rc_account *parent,
               uint32_t head_rows_max,
               struct rc_project **ret_project)
{
    struct rc_project *project = rc_alloc_in(parent, sizeof(*project));
    if (project == NULL)
        return RC_NO_MEMORY;
    memset(project, 0, sizeof(*project));
    atomic_init(&project->references, 1);
    project->account.parent = parent;
    for (size_t i = 0; i < RC_MEMORY_KIND_COUNT; i++)
        project->accounts[i].parent = &project->account;
    project->head_rows_max = head_rows_max;
    project->next_slab_id = 1;
    rc_event_index_open(&project->event_index, &project->account);
    project->dictionary_bounds = (struct rc_dictionary_bounds){
        .entries_max = RC_DICTIONARY_ENTRIES_MAX,
        .codes_max = RC_DICTIONARY_CODES_MAX,
        .bytes_max = RC_DICTIONARY_BYTES_MAX,
    };
    pthread_mutex_init(&project->writer, NULL);
    pthread_mutex_init(&project->publish, NULL);
    const enum rc_status status = project_open(project, settings);
    if (status != RC_OK) {
        rc_project_unref(project);
        return status;
    }
    *ret_project = project;
    return RC_OK;
}

struct rc_project *
rc_project_ref(struct rc_project *project)
{
    atomic_fetch_add_explicit(&project->references, 1, memory_order_relaxed);
    return project;
}

struct rc_project *
rc_project_unref(struct rc_project *project)
{
    if (project == NULL ||
        atomic_fetch_sub_explicit(&project->references, 1, memory_order_acq_rel) != 1)
        return NULL;
    rc_version_unref(project->published.version);
    rc_known_unref(project->known);
    rc_event_index_clear(&project->event_index);
    rc_sweep_memo_close(&project->sweep_memo);
    for (uint32_t i = 0; i < RC_CATALOG_KINDS; i++)
        rc_catalog_unref(project->catalogs[i]);
    rc_receipts_unref(project->receipts);
    rc_streams_close(&project->streams);
    rc_people_free(project->published.people);
    rc_people_free(project->account_people);
    rc_properties_free(project->event_properties);
    rc_arena_free(project->settings_arena);
    RC_ASSERT(rc_account_used(&project->account) == 0);
    pthread_mutex_destroy(&project->writer);
    pthread_mutex_destroy(&project->publish);
    return rc_alloc_free(project);
}

struct rc_bytes
rc_project_id(const struct rc_project *project)
{
    return (struct rc_bytes){project->id, project->id_size};
}

struct rc_account *
rc_project_account(struct rc_project *project)
{
    return &project->account;
}

struct rc_account *
rc_project_account_of(struct rc_project *project, enum rc_memory_kind kind)
{
    RC_ASSERT(kind < RC_MEMORY_KIND_COUNT);
    return &project->accounts[kind];
}

static enum rc_status
settings_copy(struct rc_arena *arena,
              const struct rc_project_settings *settings,
              struct rc_project_settings *ret_copy)
{
    struct rc_project_settings copy = *settings;
    struct rc_bytes *const texts[] = {&copy.id, &copy.display_name, &copy.zone, &copy.shown_ids};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        texts[i]->data = rc_arena_string(arena, texts[i]->data, texts[i]->size);
        if (texts[i]->data == NULL)
            return RC_NO_MEMORY;
    }
    *ret_copy = copy;
    return RC_OK;
}

enum rc_status
rc_project_get_settings(struct rc_project *project,
                        struct rc_arena *arena,
                        struct rc_project_settings *ret_settings)
{
    pthread_mutex_lock(&project->publish);
    const enum rc_status status = settings_copy(arena, &project->settings, ret_settings);
    pthread_mutex_unlock(&project->publish);
    return status;
}

enum rc_status
rc_project_set_settings(struct rc_project *project, const struct rc_project_settings *settings)
{
    RC_ASSERT(settings->id.size > 0 && settings->id.size <= RC_PROJECT_ID_BYTES_MAX);
    struct rc_project_settings copy;
    struct rc_arena *arena = rc_arena_new(&project->account, 0);
    if (arena == NULL)
        return RC_NO_MEMORY;
    const enum rc_status status = settings_copy(arena, settings, &copy);
    if (status != RC_OK) {
        rc_arena_free(arena);
        return status;
    }
    if (project->id_size == 0) {
        memcpy(project->id, settings->id.data, settings->id.size);
        project->id_size = settings->id.size;
    }
    RC_ASSERT(rc_bytes_equal(rc_project_id(project), settings->id));
    project->changes++;
    pthread_mutex_lock(&project->publish);
    struct rc_arena *old = project->settings_arena;
    project->settings_arena = arena;
    project->settings = copy;
    atomic_store(&project->memory_bytes_max, copy.memory_bytes_max);
    atomic_store(&project->retention_days, copy.retention_days);
    atomic_store(&project->future_ms_max, copy.future_ms_max);
    pthread_mutex_unlock(&project->publish);
    rc_arena_free(old);
    return RC_OK;
}

void
rc_project_lock_writer(struct rc_project *project)
{
    pthread_mutex_lock(&project->writer);
}

void
rc_project_unlock_writer(struct rc_project *project)
{
    pthread_mutex_unlock(&project->writer);
}

struct rc_properties *
rc_project_event_properties(const struct rc_project *project)
{
    return project->event_properties;
}

struct rc_properties *
rc_project_pin_event_properties(struct rc_project *project)
{
    pthread_mutex_lock(&project->publish);
    struct rc_properties *properties = rc_properties_ref(project->event_properties);
    pthread_mutex_unlock(&project->publish);
    return properties;
}

void
rc_project_set_event_properties(struct rc_project *project, struct rc_properties *properties)
{
    project->changes++;
    pthread_mutex_lock(&project->publish);
    struct rc_properties *old = project->event_properties;
    project->event_properties = properties;
    pthread_mutex_unlock(&project->publish);
    rc_properties_free(old);
}

void
rc_project_bound_dictionaries(struct rc_project *project, const struct rc_dictionary_bounds *bounds)
{
    rc_project_lock_writer(project);
    project->dictionary_bounds = *bounds;
    rc_project_unlock_writer(project);
}

void
rc_project_bound_windows(struct rc_project *project, uint64_t rows_max)
{
    project->published.version->window_rows_max = rows_max;
    project->published.version->week_rows_max = rows_max;
}

const struct rc_dictionary_bounds *
rc_project_dictionary_bounds(const struct rc_project *project)
{
    return &project->dictionary_bounds;
}

struct rc_people *
rc_project_people(const struct rc_project *project)
{
    return project->published.people;
}

struct rc_people *
rc_project_pin_people(struct rc_project *project)
{
    pthread_mutex_lock(&project->publish);
    struct rc_people *people = rc_people_ref(project->published.people);
    pthread_mutex_unlock(&project->publish);
    return people;
}

struct rc_people *
rc_project_accounts(const struct rc_project *project)
{
    return project->account_people;
}

struct rc_streams *
rc_project_streams(struct rc_project *project)
{
    return &project->streams;
}

struct rc_sweep_memo *
rc_project_sweep_memo(struct rc_project *project)
{
    return &project->sweep_memo;
}

struct rc_event_index *
rc_project_event_index(struct rc_project *project)
{
    return &project->event_index;
}

struct rc_version *
rc_project_version(const struct rc_project *project)
{
    return project->published.version;
}

uint64_t
rc_project_next_slab_id(struct rc_project *project)
{
    return project->next_slab_id++;
}

void
rc_project_set_next_slab_id(struct rc_project *project, uint64_t id)
{
    project->next_slab_id = id;
}

uint32_t
rc_project_head_rows_max(const struct rc_project *project)
{
    return project->head_rows_max;
}

/* draft, people: NULL: as before. */
static void
publish(struct rc_project *project,
        struct rc_version *draft,
        struct rc_people *people,
        uint64_t sequence)
{
    const struct rc_published before = project->published;
    struct rc_published next = before;
    if (draft != NULL)
        next.version = draft;
    if (people != NULL)
        next.people = people;
    const struct rc_head *newest = next.version->heads[next.version->head_count - 1].head;
    next.head_chunks = rc_head_chunk_count(newest);
    next.head_last_rows = rc_head_last_chunk_rows(newest);
    next.people_counts = rc_people_get_counts(next.people);
    next.account_counts = rc_people_get_counts(project->account_people);
    if (sequence != 0)
        next.sequence = sequence;
    struct rc_known *known = NULL;
    pthread_mutex_lock(&project->publish);
    project->published = next;
    if (people != NULL) /* Their writes are others. */
        known = RC_TAKE(project->known);
    pthread_mutex_unlock(&project->publish);
    rc_known_unref(known);
    if (draft != NULL)
        rc_version_unref(before.version);
    if (people != NULL)
        rc_people_free(before.people);
}

void
rc_project_publish(struct rc_project *project, struct rc_version *draft, uint64_t sequence)
{
    project->changes++;
    publish(project, draft, NULL, sequence);
}

void
rc_project_publish_form(struct rc_project *project, struct rc_version *draft)
{
    publish(project, draft, NULL, 0);
}

void
rc_project_publish_people(struct rc_project *project,
                          struct rc_version *draft,
                          struct rc_people *people)
{
    publish(project, draft, people, 0);
}

uint64_t
rc_project_changes(const struct rc_project *project)
{
    return project->changes;
}

void
rc_project_take_back(struct rc_project *project)
{
    const struct rc_published *shown = &project->published;
    const struct rc_version *version = shown->version;
    rc_people_take_back(shown->people, &shown->people_counts);
    rc_people_take_back(project->account_people, &shown->account_counts);
    rc_head_take_back(version->heads[version->head_count - 1].head, shown->head_chunks,
                      shown->head_last_rows);
}

uint64_t
rc_project_memory_bytes_max(const struct rc_project *project)
{
    return atomic_load(&project->memory_bytes_max);
}

void
rc_project_times(struct rc_project *project,
                 int64_t now_ms,
                 int64_t *ret_least_ms,
                 int64_t *ret_greatest_ms)
{
    const uint32_t days = atomic_load(&project->retention_days);
    const uint64_t set_ms = atomic_load(&project->future_ms_max);
    const uint64_t ahead_ms = set_ms == 0 ? RC_FUTURE_MS_DEFAULT : set_ms;
    const int64_t least_ms = now_ms - (int64_t)days * RC_DAY_MS;
    const bool beyond = ahead_ms > (uint64_t)(RC_TIME_MS_MAX - now_ms);
    RC_ASSERT(now_ms >= 0 && now_ms <= RC_TIME_MS_MAX);
    *ret_least_ms = days == 0 || least_ms < RC_TIME_MS_MIN ? RC_TIME_MS_MIN : least_ms;
    *ret_greatest_ms = beyond ? RC_TIME_MS_MAX : now_ms + (int64_t)ahead_ms;
}

struct rc_version *
rc_project_pin_version(struct rc_project *project)
{
    pthread_mutex_lock(&project->publish);
    struct rc_version *version = rc_version_ref(project->published.version);
    pthread_mutex_unlock(&project->publish);
    return version;
}

uint64_t
rc_project_data_version(struct rc_project *project)
{
    pthread_mutex_lock(&project->publish);
    const uint64_t sequence = project->published.sequence;
    pthread_mutex_unlock(&project->publish);
    return sequence;
}

struct rc_catalog *
rc_project_catalog(struct rc_project *project, enum rc_catalog_kind kind)
{
    pthread_mutex_lock(&project->publish);
    struct rc_catalog *catalog = rc_catalog_ref(project->catalogs[kind - 1]);
    pthread_mutex_unlock(&project->publish);
    return catalog;
}

void
rc_project_set_catalog(struct rc_project *project,
                       enum rc_catalog_kind kind,
                       struct rc_catalog *catalog)
{
    project->changes++;
    pthread_mutex_lock(&project->publish);
    struct rc_catalog *old = project->catalogs[kind - 1];
    project->catalogs[kind - 1] = catalog;
    pthread_mutex_unlock(&project->publish);
    rc_catalog_unref(old);
}

struct rc_receipts *
rc_project_receipts(struct rc_project *project)
{
    pthread_mutex_lock(&project->publish);
    struct rc_receipts *receipts = rc_receipts_ref(project->receipts);
    pthread_mutex_unlock(&project->publish);
    return receipts;
}

void
rc_project_set_receipts(struct rc_project *project, struct rc_receipts *receipts)
{
    project->changes++;
    pthread_mutex_lock(&project->publish);
    struct rc_receipts *old = project->receipts;
    project->receipts = receipts;
    pthread_mutex_unlock(&project->publish);
    rc_receipts_unref(old);
}
