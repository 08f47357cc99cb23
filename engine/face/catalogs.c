/* Definitions, segments, derived properties: named entries whose payload is checked before it
 * enters the log. */
#include "engine/base/assert.h"
#include "engine/base/clock.h"
#include "engine/face/engine_state.h"
#include "engine/match/derived/derived.h"
#include "engine/match/predicate/definitions.h"
#include "engine/query/segment/references.h"
#include "engine/query/segment/segment.h"

/* The catalogs that an entry is checked against. References. */
struct catalogs {
    struct rc_catalog *of[RC_CATALOG_KINDS]; /* By kind - 1. */
};

static void
catalogs_close(struct catalogs *catalogs)
{
    for (uint32_t i = 0; i < RC_CATALOG_KINDS; i++)
        catalogs->of[i] = rc_catalog_unref(catalogs->of[i]);
}

static struct catalogs
catalogs_of(const struct tenant *tenant)
{
    struct catalogs catalogs;
    for (uint32_t i = 0; i < RC_CATALOG_KINDS; i++)
        catalogs.of[i] = rc_project_catalog(tenant->project, (enum rc_catalog_kind)(i + 1));
    return catalogs;
}

enum rc_status
rc_entry_read_payload(enum rc_catalog_kind kind,
                      struct rc_bytes payload,
                      struct rc_arena *arena,
                      struct rc_error *reterr_error)
{
    struct rc_reader reader = rc_reader_of(payload.data, payload.size);
    const struct rc_segment *segment;
    const struct rc_derivation *derivation;
    struct rc_definition definition;
    if (kind == RC_CATALOG_DEFINITIONS)
        return rc_definition_read(payload, arena, &definition, reterr_error);
    if (kind == RC_CATALOG_SEGMENTS)
        RC_TRY(rc_segment_read(&reader, arena, &segment, reterr_error));
    else
        RC_TRY(rc_derivation_read(&reader, arena, &derivation, reterr_error));
    return rc_reader_left(&reader) == 0
               ? RC_OK
               : rc_error_set(reterr_error, RC_CORRUPT, "something stands behind what is stored");
}

/* What an entry says by itself, whatever else there is. Expressions are compiled. */
static enum rc_status
check_alone(enum rc_catalog_kind kind,
            const struct rc_catalog_entry *entry,
            struct rc_arena *arena,
            struct rc_error *reterr_error)
{
    struct rc_reader reader = rc_reader_of(entry->payload.data, entry->payload.size);
    RC_TRY(rc_catalog_check_name(entry->name, "name", reterr_error));
    if (entry->display_name.size > RC_DESCRIPTION_BYTES_MAX ||
        !rc_bytes_is_text(entry->display_name))
        return rc_error_field(reterr_error, RC_INVALID, "display_name",
                              "a display name is UTF-8 of at most %u bytes",
                              RC_DESCRIPTION_BYTES_MAX);
    if (entry->description.size > RC_DESCRIPTION_BYTES_MAX || !rc_bytes_is_text(entry->description))
        return rc_error_field(reterr_error, RC_INVALID, "description",
                              "a description is UTF-8 of at most %u bytes",
                              RC_DESCRIPTION_BYTES_MAX);
    if (kind == RC_CATALOG_DEFINITIONS) {
        struct rc_definition definition;
        RC_TRY(rc_definition_read(entry->payload, arena, &definition, reterr_error));
        return rc_predicate_check(definition.predicate, reterr_error);
    }
    if (kind == RC_CATALOG_SEGMENTS) {
        const struct rc_segment *segment = NULL;
        RC_TRY(rc_segment_read(&reader, arena, &segment, reterr_error));
        return rc_segment_check(segment, reterr_error);
    }
    const struct rc_derivation *derivation = NULL;
    return rc_derivation_read(&reader, arena, &derivation, reterr_error);
}

/* What an entry names. */
static enum rc_status
check_names(const struct catalogs *catalogs,
            enum rc_catalog_kind kind,
            const struct rc_catalog_entry *entry,
            struct rc_arena *arena,
            struct rc_error *reterr_error)
{
    const struct rc_catalog *definitions = catalogs->of[RC_CATALOG_DEFINITIONS - 1];
    const struct rc_catalog *segments = catalogs->of[RC_CATALOG_SEGMENTS - 1];
    struct rc_reader reader = rc_reader_of(entry->payload.data, entry->payload.size);
    if (kind == RC_CATALOG_DEFINITIONS) {
        struct rc_definition definition;
        RC_TRY(rc_definition_read(entry->payload, arena, &definition, reterr_error));
        return rc_definitions_check(definitions, entry->name, definition.predicate, reterr_error);
    }
    if (kind == RC_CATALOG_SEGMENTS) {
        const struct rc_segment *segment = NULL;
        RC_TRY(rc_segment_read(&reader, arena, &segment, reterr_error));
        return rc_segments_check(definitions, segments, entry, segment, arena, reterr_error);
    }
    const struct rc_derivation *derivation = NULL;
    RC_TRY(rc_derivation_read(&reader, arena, &derivation, reterr_error));
    return rc_derived_check(catalogs->of[kind - 1], entry->name, derivation, arena, reterr_error);
}

/* Whether an entry names what it named before, so that a change of anything else of it does not ask
 * whether that is still there. */
static bool
names_the_same(enum rc_catalog_kind kind,
               const struct rc_catalog_entry *now,
               const struct rc_catalog_entry *next)
{
    if (now == NULL || kind != RC_CATALOG_DEFINITIONS)
        return now != NULL && rc_bytes_equal(now->payload, next->payload);
    return rc_bytes_equal(rc_definition_stored_predicate(now->payload),
                          rc_definition_stored_predicate(next->payload));
}

static enum rc_status
check_version(const struct rc_catalog_entry *now,
              struct rc_bytes name,
              uint64_t version_expected,
              struct rc_error *reterr_error)
{
    if (now == NULL && version_expected != 0)
        return rc_error_field(reterr_error, RC_NOT_FOUND, "name", "there is no \"%.*s\"",
                              (int)name.size, name.data);
    if (now != NULL && version_expected == 0)
        return rc_error_field(reterr_error, RC_EXISTS, "name", "\"%.*s\" exists", (int)name.size,
                              name.data);
    if (now != NULL && version_expected != UINT64_MAX && version_expected != now->version)
        return rc_error_field(reterr_error, RC_CONFLICT, "etag", "\"%.*s\" was changed meanwhile",
                              (int)name.size, name.data);
    return RC_OK;
}

/* Whether an entry more may be created. */
static enum rc_status
check_room(const struct rc_catalog *catalog, struct rc_error *reterr_error)
{
    if (rc_catalog_count(catalog) >= RC_DEFINITIONS_MAX)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "name",
                              "the project has %u of these, which is the most", RC_DEFINITIONS_MAX);
    return RC_OK;
}

static struct rc_bytes
copy_bytes(struct rc_arena *arena, struct rc_bytes bytes)
{
    return (struct rc_bytes){rc_arena_string(arena, bytes.data, bytes.size), bytes.size};
}

static enum rc_status
copy_entry(const struct rc_catalog_entry *entry,
           struct rc_arena *arena,
           struct rc_catalog_entry *ret_entry,
           struct rc_error *reterr_error)
{
    struct rc_catalog_entry copy = *entry;
    copy.name = copy_bytes(arena, entry->name);
    copy.display_name = copy_bytes(arena, entry->display_name);
    copy.description = copy_bytes(arena, entry->description);
    copy.payload = copy_bytes(arena, entry->payload);
    copy.author = copy_bytes(arena, entry->author);
    if (copy.name.data == NULL || copy.display_name.data == NULL || copy.description.data == NULL ||
        copy.payload.data == NULL || copy.author.data == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a catalog entry");
    *ret_entry = copy;
    return RC_OK;
}

static enum rc_status
put_entry(struct rc_engine *engine,
          struct rc_bytes project,
          enum rc_catalog_kind kind,
          const struct rc_catalog_entry *entry,
          uint64_t version_expected,
          const struct rc_asked *asked,
          struct rc_arena *arena,
          struct rc_catalog_entry *ret_entry,
          struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_tenant_unrefp)
    struct tenant *tenant = rc_tenant_find(engine, project, reterr_error);
    bool known = false;
    if (tenant == NULL)
        return RC_NOT_FOUND;
    RC_TRY(rc_retry_entries(tenant, asked, arena, &known, ret_entry, 1, reterr_error));
    if (known)
        return RC_OK;
    RC_CLEANUP(catalogs_close) struct catalogs catalogs = catalogs_of(tenant);
    const struct rc_catalog *catalog = catalogs.of[kind - 1];
    struct rc_catalog_entry found;
    const struct rc_catalog_entry *now =
        rc_catalog_find(catalog, entry->name, &found) ? &found : NULL;
    if (!names_the_same(kind, now, entry))
        RC_TRY(check_names(&catalogs, kind, entry, arena, reterr_error));
    struct rc_record record = {
        .kind = RC_RECORD_ENTRY_PUT,
        .project = project,
        .asked = *asked,
        .catalog = kind,
        .entry = *entry,
    };
    RC_TRY(check_version(now, entry->name, version_expected, reterr_error));
    if (now == NULL)
        RC_TRY(check_room(catalog, reterr_error));
    record.entry.author = asked->author;
    record.entry.updated_ms = rc_clock_wall_ms();
    record.entry.created_ms = now == NULL ? record.entry.updated_ms : now->created_ms;
    record.entry.version = now == NULL ? 1 : now->version + 1;
    RC_TRY(copy_entry(&record.entry, arena, ret_entry, reterr_error));
    return rc_log_and_wait(engine, &record, reterr_error);
}

/* Takes an entry more into the catalogs that the next is checked against, and into the record. */
static enum rc_status
create_entry(struct catalogs *catalogs,
             enum rc_catalog_kind kind,
             const struct rc_catalog_entry *entry,
             struct rc_arena *arena,
             struct rc_writer *writer,
             struct rc_error *reterr_error)
{
    struct rc_catalog **catalog = &catalogs->of[kind - 1];
    struct rc_catalog_entry found;
    struct rc_catalog *next = NULL;
    const struct rc_catalog_entry *now =
        rc_catalog_find(*catalog, entry->name, &found) ? &found : NULL;
    RC_TRY(check_names(catalogs, kind, entry, arena, reterr_error));
    RC_TRY(check_version(now, entry->name, 0, reterr_error));
    RC_TRY(check_room(*catalog, reterr_error));
    RC_TRY_OR(reterr_error, rc_catalog_put(*catalog, entry, &next));
    rc_catalog_unref(*catalog);
    *catalog = next;
    rc_catalog_entry_write(writer, entry);
    return RC_OK;
}

static enum rc_status
create_entries(struct rc_engine *engine,
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
    RC_CLEANUP(rc_tenant_unrefp)
    struct tenant *tenant = rc_tenant_find(engine, project, reterr_error);
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {.data = NULL};
    bool known = false;
    if (tenant == NULL)
        return RC_NOT_FOUND;
    RC_TRY(rc_retry_entries(tenant, asked, arena, &known, ret_entries, count, reterr_error));
    if (known)
        return RC_OK;
    RC_CLEANUP(catalogs_close) struct catalogs catalogs = catalogs_of(tenant);
    const int64_t now_ms = rc_clock_wall_ms();
    for (uint32_t i = 0; i < count; i++) {
        struct rc_catalog_entry entry = entries[i];
        entry.author = asked->author;
        entry.version = 1;
        entry.created_ms = entry.updated_ms = now_ms;
        *ret_failed = i;
        RC_TRY(create_entry(&catalogs, kind, &entry, arena, &writer, reterr_error));
        RC_TRY(copy_entry(&entry, arena, &ret_entries[i], reterr_error));
    }
    *ret_failed = count;
    if (writer.failed)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for %u entries", count);
    RC_TRY(rc_tenant_check_memory(tenant, writer.size, reterr_error));
    const struct rc_record record = {
        .kind = RC_RECORD_ENTRIES_PUT,
        .project = project,
        .asked = *asked,
        .catalog = kind,
        .entry_count = count,
        .entries = {(const char *)writer.data, writer.size},
    };
    return rc_log_and_wait(engine, &record, reterr_error);
}

/* Whether any definition or segment other than itself names the entry. */
static enum rc_status
check_unused(struct tenant *tenant,
             enum rc_catalog_kind kind,
             struct rc_bytes name,
             struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_catalog_unrefp)
    struct rc_catalog *definitions = rc_project_catalog(tenant->project, RC_CATALOG_DEFINITIONS);
    RC_CLEANUP(rc_catalog_unrefp)
    struct rc_catalog *segments = rc_project_catalog(tenant->project, RC_CATALOG_SEGMENTS);
    struct rc_bytes user = {NULL, 0};
    if (kind == RC_CATALOG_PROPERTIES) {
        RC_CLEANUP(rc_catalog_unrefp)
        struct rc_catalog *derived = rc_project_catalog(tenant->project, RC_CATALOG_PROPERTIES);
        RC_TRY(rc_derived_find_user(derived, definitions, segments, name, &user, reterr_error));
    } else if (kind == RC_CATALOG_DEFINITIONS) {
        user = rc_definitions_find_user(definitions, name);
    }
    if (user.size == 0 && kind != RC_CATALOG_PROPERTIES)
        RC_TRY(rc_segments_find_user(segments, kind == RC_CATALOG_SEGMENTS, name, &user,
                                     reterr_error));
    if (user.size != 0)
        return rc_error_field(reterr_error, RC_CONFLICT, "name", "\"%.*s\" is used by \"%.*s\"",
                              (int)name.size, name.data, (int)user.size, user.data);
    return RC_OK;
}

static enum rc_status
delete_entry(struct rc_engine *engine,
             struct rc_bytes project,
             enum rc_catalog_kind kind,
             struct rc_bytes name,
             uint64_t version_expected,
             bool force,
             const struct rc_asked *asked,
             struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    RC_CLEANUP(rc_tenant_unrefp)
    struct tenant *tenant = rc_tenant_find(engine, project, reterr_error);
    struct rc_catalog_entry nothing;
    bool known = false;
    if (tenant == NULL)
        return RC_NOT_FOUND;
    if (arena == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to delete an entry");
    RC_TRY(rc_retry_entries(tenant, asked, arena, &known, &nothing, 1, reterr_error));
    if (known)
        return RC_OK;
    RC_CLEANUP(rc_catalog_unrefp)
    struct rc_catalog *catalog = rc_project_catalog(tenant->project, kind);
    const uint64_t expected = version_expected == 0 ? UINT64_MAX : version_expected;
    struct rc_catalog_entry found;
    const struct rc_catalog_entry *now = rc_catalog_find(catalog, name, &found) ? &found : NULL;
    RC_TRY(check_version(now, name, expected, reterr_error));
    if (!force)
        RC_TRY(check_unused(tenant, kind, name, reterr_error));
    const struct rc_record record = {
        .kind = RC_RECORD_ENTRY_REMOVE,
        .project = project,
        .asked = *asked,
        .catalog = kind,
        .entry.name = name,
    };
    return rc_log_and_wait(engine, &record, reterr_error);
}

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
    asked = rc_asked_or_nobody(asked);
    RC_TRY(rc_asked_check(asked, reterr_error));
    RC_TRY(check_alone(kind, entry, arena, reterr_error));
    pthread_mutex_lock(&engine->changes);
    const enum rc_status status = put_entry(engine, project, kind, entry, version_expected, asked,
                                            arena, ret_entry, reterr_error);
    pthread_mutex_unlock(&engine->changes);
    return status;
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
    asked = rc_asked_or_nobody(asked);
    *ret_failed = count;
    RC_TRY(rc_asked_check(asked, reterr_error));
    for (uint32_t i = 0; i < count; i++) {
        *ret_failed = i;
        RC_TRY(check_alone(kind, &entries[i], arena, reterr_error));
    }
    *ret_failed = count;
    pthread_mutex_lock(&engine->changes);
    const enum rc_status status = create_entries(engine, project, kind, entries, count, asked,
                                                 arena, ret_entries, ret_failed, reterr_error);
    pthread_mutex_unlock(&engine->changes);
    return status;
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
    asked = rc_asked_or_nobody(asked);
    RC_TRY(rc_asked_check(asked, reterr_error));
    pthread_mutex_lock(&engine->changes);
    const enum rc_status status =
        delete_entry(engine, project, kind, name, version_expected, force, asked, reterr_error);
    pthread_mutex_unlock(&engine->changes);
    return status;
}

enum rc_status
rc_engine_catalog(struct rc_engine *engine,
                  struct rc_bytes project,
                  enum rc_catalog_kind kind,
                  struct rc_catalog **ret_catalog,
                  struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_tenant_unrefp)
    struct tenant *tenant = rc_tenant_find(engine, project, reterr_error);
    if (tenant == NULL)
        return RC_NOT_FOUND;
    *ret_catalog = rc_project_catalog(tenant->project, kind);
    return RC_OK;
}
