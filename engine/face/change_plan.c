/*
 * What a change of entries is checked for before it enters the log: what an entry says by itself,
 * what it names and what names it.
 */
#include "engine/base/assert.h"
#include "engine/base/clock.h"
#include "engine/face/engine_state.h"
#include "engine/match/derived/derived.h"
#include "engine/match/predicate/definitions.h"
#include "engine/query/segment/references.h"
#include "engine/query/segment/segment.h"

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

/* Puts where the content of an entry stands before the field of what is wrong with it. Returns
 * status. */
static enum rc_status
place_content(enum rc_catalog_kind kind, enum rc_status status, struct rc_error *reterr_error)
{
    if (status != RC_OK && kind != RC_CATALOG_PROPERTIES)
        rc_error_prefix(reterr_error, kind == RC_CATALOG_DEFINITIONS ? "predicate" : "rule");
    return status;
}

enum rc_status
rc_entry_check_alone(enum rc_catalog_kind kind,
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
        return place_content(kind, rc_predicate_check(definition.predicate, reterr_error),
                             reterr_error);
    }
    if (kind == RC_CATALOG_SEGMENTS && !rc_segment_is_list(entry->payload)) {
        const struct rc_segment *segment = NULL;
        RC_TRY(rc_segment_read(&reader, arena, &segment, reterr_error));
        return place_content(kind, rc_segment_check(segment, reterr_error), reterr_error);
    }
    if (kind == RC_CATALOG_SEGMENTS) {
        const struct rc_segment *list = NULL;
        RC_TRY(rc_segment_read(&reader, arena, &list, reterr_error));
        return rc_segment_check(list, reterr_error);
    }
    const struct rc_derivation *derivation = NULL;
    return rc_derivation_read(&reader, arena, &derivation, reterr_error);
}

static struct rc_named_catalogs
named_catalogs(const struct rc_catalogs *catalogs)
{
    return (struct rc_named_catalogs){.definitions = catalogs->of[RC_CATALOG_DEFINITIONS - 1],
                                      .segments = catalogs->of[RC_CATALOG_SEGMENTS - 1]};
}

static enum rc_status
check_content(const struct rc_catalogs *catalogs,
              enum rc_catalog_kind kind,
              const struct rc_catalog_entry *entry,
              struct rc_arena *arena,
              struct rc_error *reterr_error)
{
    const struct rc_named_catalogs named = named_catalogs(catalogs);
    struct rc_reader reader = rc_reader_of(entry->payload.data, entry->payload.size);
    if (kind == RC_CATALOG_DEFINITIONS) {
        struct rc_definition definition;
        RC_TRY(rc_definition_read(entry->payload, arena, &definition, reterr_error));
        return rc_definitions_check(named.definitions, entry->name, definition.predicate,
                                    reterr_error);
    }
    if (kind == RC_CATALOG_SEGMENTS) {
        const struct rc_segment *segment = NULL;
        RC_TRY(rc_segment_read(&reader, arena, &segment, reterr_error));
        return rc_segments_check(&named, entry, segment, arena, reterr_error);
    }
    const struct rc_derivation *derivation = NULL;
    RC_TRY(rc_derivation_read(&reader, arena, &derivation, reterr_error));
    return rc_derived_check(catalogs->of[kind - 1], entry->name, derivation, arena, reterr_error);
}

/* What an entry names. */
static enum rc_status
check_names(const struct rc_catalogs *catalogs,
            enum rc_catalog_kind kind,
            const struct rc_catalog_entry *entry,
            struct rc_arena *arena,
            struct rc_error *reterr_error)
{
    return place_content(kind, check_content(catalogs, kind, entry, arena, reterr_error),
                         reterr_error);
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
check_grown(enum rc_catalog_kind kind,
            struct rc_bytes name,
            const struct rc_catalogs *before,
            const struct rc_catalogs *after,
            struct rc_error *reterr_error)
{
    const struct rc_named_catalogs was = named_catalogs(before);
    const struct rc_named_catalogs is = named_catalogs(after);
    bool grown = false;
    if (kind == RC_CATALOG_PROPERTIES)
        return rc_derived_check_users(before->of[kind - 1], after->of[kind - 1], reterr_error);
    RC_TRY_OR(reterr_error,
              kind == RC_CATALOG_DEFINITIONS
                  ? rc_definition_has_grown(was.definitions, is.definitions, name, &grown)
                  : rc_segment_has_grown(was.segments, is.segments, name, &grown));
    if (grown && kind == RC_CATALOG_DEFINITIONS)
        RC_TRY(rc_definitions_check_users(was.definitions, is.definitions, reterr_error));
    return grown ? rc_segments_check_users(&was, &is, reterr_error) : RC_OK;
}

/* Whether others can do with what a change makes of the entry that they name. */
static enum rc_status
check_users(enum rc_catalog_kind kind,
            struct rc_bytes name,
            const struct rc_catalogs *before,
            const struct rc_catalogs *after,
            struct rc_error *reterr_error)
{
    return place_content(kind, check_grown(kind, name, before, after, reterr_error), reterr_error);
}

static enum rc_status
plan_put(const struct change *change,
         struct rc_catalogs *catalogs,
         struct rc_record *record,
         struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_catalogs_close) struct rc_catalogs before = rc_catalogs_ref(catalogs);
    const struct rc_catalog *catalog = before.of[change->catalog - 1];
    struct rc_catalog_entry entry = *change->entries;
    struct rc_catalog_entry found;
    const struct rc_catalog_entry *now =
        rc_catalog_find(catalog, entry.name, &found) ? &found : NULL;
    const bool same = names_the_same(change->catalog, now, &entry);
    if (!same)
        RC_TRY(check_names(catalogs, change->catalog, &entry, change->arena, reterr_error));
    RC_TRY(check_version(now, entry.name, change->version_expected, reterr_error));
    if (now == NULL)
        RC_TRY(check_room(catalog, reterr_error));
    entry.author = change->asked->author;
    entry.updated_ms = rc_clock_wall_ms();
    entry.created_ms = now == NULL ? entry.updated_ms : now->created_ms;
    entry.version = now == NULL ? 1 : now->version + 1;
    RC_TRY(copy_entry(&entry, change->arena, change->ret_entries, reterr_error));
    record->entry = *change->ret_entries;
    RC_TRY_OR(reterr_error, rc_catalogs_change(catalogs, record));
    return now == NULL || same
               ? RC_OK
               : check_users(change->catalog, entry.name, &before, catalogs, reterr_error);
}

/* Takes an entry more into the catalogs that the next is checked against. */
static enum rc_status
create_entry(const struct change *change,
             struct rc_catalogs *catalogs,
             const struct rc_catalog_entry *entry,
             struct rc_error *reterr_error)
{
    const struct rc_catalog *catalog = catalogs->of[change->catalog - 1];
    struct rc_catalog_entry found;
    const struct rc_catalog_entry *now =
        rc_catalog_find(catalog, entry->name, &found) ? &found : NULL;
    RC_TRY(check_names(catalogs, change->catalog, entry, change->arena, reterr_error));
    RC_TRY(check_version(now, entry->name, 0, reterr_error));
    RC_TRY(check_room(catalog, reterr_error));
    RC_TRY_OR(reterr_error, rc_catalogs_put(catalogs, change->catalog, *entry));
    return RC_OK;
}

static enum rc_status
plan_creates(struct tenant *tenant,
             const struct change *change,
             struct rc_catalogs *catalogs,
             struct rc_record *record,
             struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {.data = NULL};
    const int64_t now_ms = rc_clock_wall_ms();
    for (uint32_t i = 0; i < change->entry_count; i++) {
        struct rc_catalog_entry entry = change->entries[i];
        entry.author = change->asked->author;
        entry.version = 1;
        entry.created_ms = entry.updated_ms = now_ms;
        *change->ret_failed = i;
        RC_TRY(create_entry(change, catalogs, &entry, reterr_error));
        RC_TRY(copy_entry(&entry, change->arena, &change->ret_entries[i], reterr_error));
        rc_catalog_entry_write(&writer, &entry);
    }
    *change->ret_failed = change->entry_count;
    record->entry_count = change->entry_count;
    record->entries.size = writer.size;
    record->entries.data = rc_arena_copy(change->arena, writer.data, writer.size);
    if (writer.failed || record->entries.data == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for %u entries",
                            change->entry_count);
    return rc_tenant_check_memory(tenant, writer.size, reterr_error);
}

/* The first entry other than itself that names one. */
static enum rc_status
find_user(const struct rc_catalogs *catalogs,
          enum rc_catalog_kind kind,
          struct rc_bytes name,
          enum rc_catalog_kind *ret_kind,
          struct rc_bytes *ret_user,
          struct rc_error *reterr_error)
{
    const struct rc_named_catalogs named = named_catalogs(catalogs);
    if (kind == RC_CATALOG_PROPERTIES)
        return rc_derived_find_user(catalogs->of[kind - 1], &named, name, ret_kind, ret_user,
                                    reterr_error);
    *ret_kind = RC_CATALOG_DEFINITIONS;
    *ret_user = (struct rc_bytes){NULL, 0};
    if (kind == RC_CATALOG_DEFINITIONS)
        *ret_user = rc_definitions_find_user(named.definitions, name);
    if (ret_user->size != 0)
        return RC_OK;
    *ret_kind = RC_CATALOG_SEGMENTS;
    return rc_segments_find_user(named.segments, kind == RC_CATALOG_SEGMENTS, name, ret_user,
                                 reterr_error);
}

static enum rc_status
check_unused(const struct rc_catalogs *catalogs,
             enum rc_catalog_kind kind,
             struct rc_bytes name,
             struct rc_error *reterr_error)
{
    static const char *const nouns[] = {[RC_CATALOG_DEFINITIONS] = "definition",
                                        [RC_CATALOG_SEGMENTS] = "segment",
                                        [RC_CATALOG_PROPERTIES] = "derived property"};
    enum rc_catalog_kind user_kind;
    struct rc_bytes user;
    RC_TRY(find_user(catalogs, kind, name, &user_kind, &user, reterr_error));
    if (user.size != 0)
        return rc_error_field(reterr_error, RC_CONFLICT, "name",
                              "\"%.*s\" is used by the %s \"%.*s\"", (int)name.size, name.data,
                              nouns[user_kind], (int)user.size, user.data);
    return RC_OK;
}

static enum rc_status
plan_removal(const struct change *change,
             struct rc_catalogs *catalogs,
             struct rc_record *record,
             struct rc_error *reterr_error)
{
    const struct rc_bytes name = change->entries->name;
    const uint64_t expected = change->version_expected == 0 ? UINT64_MAX : change->version_expected;
    struct rc_catalog_entry found;
    const struct rc_catalog_entry *now =
        rc_catalog_find(catalogs->of[change->catalog - 1], name, &found) ? &found : NULL;
    RC_TRY(check_version(now, name, expected, reterr_error));
    if (!change->force)
        RC_TRY(check_unused(catalogs, change->catalog, name, reterr_error));
    record->entry.name = name;
    RC_TRY_OR(reterr_error, rc_catalogs_change(catalogs, record));
    return RC_OK;
}

enum rc_status
rc_change_plan(struct tenant *tenant,
               const struct change *change,
               struct rc_catalogs *catalogs,
               struct rc_writer *writer,
               struct rc_error *reterr_error)
{
    struct rc_record record = {
        .kind = change->kind,
        .project = rc_project_id(tenant->project),
        .asked = *change->asked,
        .catalog = change->catalog,
    };
    switch (change->kind) {
    case RC_RECORD_ENTRY_PUT:
        RC_TRY(plan_put(change, catalogs, &record, reterr_error));
        break;
    case RC_RECORD_ENTRIES_PUT:
        RC_TRY(plan_creates(tenant, change, catalogs, &record, reterr_error));
        break;
    default:
        RC_ASSERT(change->kind == RC_RECORD_ENTRY_REMOVE);
        RC_TRY(plan_removal(change, catalogs, &record, reterr_error));
    }
    rc_record_write(writer, &record);
    if (writer->failed)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a log record");
    return RC_OK;
}
