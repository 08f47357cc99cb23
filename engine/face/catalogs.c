/* Definitions, segments, derived properties: named entries whose payload is checked before it
 * enters the log. */
#include "engine/base/clock.h"
#include "engine/face/engine_state.h"
#include "engine/match/derived/derived.h"
#include "engine/match/predicate/definitions.h"
#include "engine/query/segment/references.h"
#include "engine/query/segment/segment.h"

static enum rc_status
check_definition(const struct rc_catalog *definitions,
                 const struct rc_catalog_entry *entry,
                 struct rc_arena *arena,
                 struct rc_error *reterr_error)
{
    struct rc_definition definition;
    RC_TRY(rc_definition_read(entry->payload, arena, &definition, reterr_error));
    RC_TRY(rc_predicate_check(definition.predicate, reterr_error));
    return rc_definitions_check(definitions, entry->name, definition.predicate, reterr_error);
}

static enum rc_status
check_segment(const struct rc_catalog *definitions,
              const struct rc_catalog *segments,
              const struct rc_catalog_entry *entry,
              struct rc_arena *arena,
              struct rc_error *reterr_error)
{
    struct rc_reader reader = rc_reader_of(entry->payload.data, entry->payload.size);
    const struct rc_segment *segment = NULL;
    RC_TRY(rc_segment_read(&reader, arena, &segment, reterr_error));
    RC_TRY(rc_segment_check(segment, reterr_error));
    return rc_segments_check(definitions, segments, entry, segment, arena, reterr_error);
}

static enum rc_status
check_derived(struct tenant *tenant,
              const struct rc_catalog_entry *entry,
              struct rc_arena *arena,
              struct rc_error *reterr_error)
{
    struct rc_reader reader = rc_reader_of(entry->payload.data, entry->payload.size);
    const struct rc_derivation *derivation = NULL;
    RC_CLEANUP(rc_catalog_unrefp)
    struct rc_catalog *derived = rc_project_catalog(tenant->project, RC_CATALOG_PROPERTIES);
    RC_TRY(rc_derivation_read(&reader, arena, &derivation, reterr_error));
    return rc_derived_check(derived, entry->name, derivation, arena, reterr_error);
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

static enum rc_status
check_entry(struct tenant *tenant,
            enum rc_catalog_kind kind,
            const struct rc_catalog_entry *entry,
            struct rc_arena *arena,
            struct rc_error *reterr_error)
{
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
    if (kind == RC_CATALOG_PROPERTIES)
        return check_derived(tenant, entry, arena, reterr_error);
    RC_CLEANUP(rc_catalog_unrefp)
    struct rc_catalog *definitions = rc_project_catalog(tenant->project, RC_CATALOG_DEFINITIONS);
    if (kind == RC_CATALOG_DEFINITIONS)
        return check_definition(definitions, entry, arena, reterr_error);
    RC_CLEANUP(rc_catalog_unrefp)
    struct rc_catalog *segments = rc_project_catalog(tenant->project, RC_CATALOG_SEGMENTS);
    return check_segment(definitions, segments, entry, arena, reterr_error);
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
    RC_TRY(rc_retry_entry(tenant, asked, arena, &known, ret_entry, reterr_error));
    if (known)
        return RC_OK;
    RC_TRY(check_entry(tenant, kind, entry, arena, reterr_error));
    struct rc_record record = {
        .kind = RC_RECORD_ENTRY_PUT,
        .project = project,
        .asked = *asked,
        .catalog = kind,
        .entry = *entry,
    };
    RC_CLEANUP(rc_catalog_unrefp)
    struct rc_catalog *catalog = rc_project_catalog(tenant->project, kind);
    struct rc_catalog_entry found;
    const struct rc_catalog_entry *now =
        rc_catalog_find(catalog, entry->name, &found) ? &found : NULL;
    RC_TRY(check_version(now, entry->name, version_expected, reterr_error));
    if (now == NULL && rc_catalog_count(catalog) >= RC_DEFINITIONS_MAX)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "name",
                              "the project has %u of these, which is the most", RC_DEFINITIONS_MAX);
    record.entry.author = asked->author;
    record.entry.updated_ms = rc_clock_wall_ms();
    record.entry.created_ms = now == NULL ? record.entry.updated_ms : now->created_ms;
    record.entry.version = now == NULL ? 1 : now->version + 1;
    RC_TRY(copy_entry(&record.entry, arena, ret_entry, reterr_error));
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
    RC_TRY(rc_retry_entry(tenant, asked, arena, &known, &nothing, reterr_error));
    if (known)
        return RC_OK;
    RC_CLEANUP(rc_catalog_unrefp)
    struct rc_catalog *catalog = rc_project_catalog(tenant->project, kind);
    const uint64_t expected = version_expected == 0 ? UINT64_MAX : version_expected;
    struct rc_catalog_entry found;
    const struct rc_catalog_entry *now = rc_catalog_find(catalog, name, &found) ? &found : NULL;
    RC_TRY(check_version(now, name, expected, reterr_error));
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
    pthread_mutex_lock(&engine->changes);
    const enum rc_status status = put_entry(engine, project, kind, entry, version_expected, asked,
                                            arena, ret_entry, reterr_error);
    pthread_mutex_unlock(&engine->changes);
    return status;
}

enum rc_status
rc_engine_delete_entry(struct rc_engine *engine,
                       struct rc_bytes project,
                       enum rc_catalog_kind kind,
                       struct rc_bytes name,
                       uint64_t version_expected,
                       const struct rc_asked *asked,
                       struct rc_error *reterr_error)
{
    asked = rc_asked_or_nobody(asked);
    RC_TRY(rc_asked_check(asked, reterr_error));
    pthread_mutex_lock(&engine->changes);
    const enum rc_status status =
        delete_entry(engine, project, kind, name, version_expected, asked, reterr_error);
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
