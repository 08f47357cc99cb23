/*
 * A project is checked from the ground up: names and dictionaries, people, then slabs against both,
 * and only in sound slabs the ids. What is wrong in one place does not end the check of others.
 */
#include "engine/keep/check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "engine/base/limits.h"
#include "engine/keep/check_ids.h"
#include "engine/keep/check_rows.h"
#include "engine/match/predicate/definitions.h"

#define WHERE_BYTES 192

void
rc_check_found(struct rc_check *check,
               enum rc_finding finding,
               const char *where,
               const char *format,
               ...)
{
    char what[RC_ERROR_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    if (finding == RC_FINDING_PROBLEM)
        check->counts.problems++;
    else
        check->counts.notes++;
    if (check->on_finding != NULL)
        check->on_finding(check->context, finding, where, what);
}

bool
rc_check_is_cancelled(const struct rc_check *check)
{
    return check->cancel != NULL && atomic_load(check->cancel);
}

/* RC_CORRUPT becomes a finding; anything else but RC_OK ends the check. */
static enum rc_status
note(struct rc_check *check,
     const char *where,
     enum rc_status status,
     const struct rc_error *error,
     struct rc_error *reterr_error)
{
    if (status == RC_OK)
        return RC_OK;
    if (status == RC_CORRUPT || status == RC_INVALID || status == RC_NOT_FOUND) {
        rc_check_found(check, RC_FINDING_PROBLEM, where, "%s", error->message);
        return RC_OK;
    }
    if (reterr_error != NULL)
        *reterr_error = *error;
    return status;
}

static enum rc_status
check_dictionary(struct rc_check *check,
                 const char *project,
                 const char *name,
                 const struct rc_dictionary *dictionary,
                 uint32_t count,
                 bool of_values,
                 struct rc_error *reterr_error)
{
    char where[WHERE_BYTES];
    struct rc_error error;
    (void)snprintf(where, sizeof(where), "%.64s: dictionary of %.80s", project, name);
    check->counts.dictionary_entries += count;
    RC_TRY(
        note(check, where, rc_dictionary_check(dictionary, count, &error), &error, reterr_error));
    if (!of_values)
        return RC_OK;
    return note(check, where, rc_cell_check_dictionary(dictionary, &error), &error, reterr_error);
}

static enum rc_status
check_properties(struct rc_check *check,
                 const char *project,
                 const struct rc_properties *properties,
                 struct rc_error *reterr_error)
{
    const uint32_t count = rc_properties_count(properties);
    for (uint32_t i = 0; i < count; i++) {
        char name[96];
        const struct rc_bytes bytes = rc_properties_name(properties, i);
        (void)snprintf(name, sizeof(name), "\"%.*s\"", bytes.size > 80 ? 80 : (int)bytes.size,
                       bytes.data);
        const struct rc_dictionary *dictionary = rc_properties_dictionary(properties, i);
        RC_TRY(check_dictionary(check, project, name, dictionary, rc_dictionary_count(dictionary),
                                true, reterr_error));
        if (rc_check_is_cancelled(check))
            return rc_error_set(reterr_error, RC_CANCELLED, "the check was cancelled");
    }
    return RC_OK;
}

static void
check_people(struct rc_check *check,
             const char *where,
             const char *whose,
             const struct rc_people *people,
             const struct rc_people_counts *counts)
{
    const struct rc_properties *properties = rc_people_properties(people);
    const uint32_t property_count = rc_properties_count(properties);
    const struct rc_append_log *writes = rc_people_writes(people);
    for (uint32_t i = 0, run = 0; i < counts->writes; i += run) {
        const struct rc_user_write *part = rc_append_log_run(writes, i, counts->writes, &run);
        for (uint32_t k = 0; k < run; k++)
            if (part[k].user >= counts->users || part[k].property >= property_count ||
                !rc_check_knows_cell(properties, part[k].property, part[k].cell))
                rc_check_found(check, RC_FINDING_PROBLEM, where,
                               "write %u of a property of %s is out of range", i + k, whose);
    }
    const struct rc_append_log *aliases = rc_people_aliases(people);
    for (uint32_t i = 0, run = 0; i < counts->aliases; i += run) {
        const struct rc_alias *part = rc_append_log_run(aliases, i, counts->aliases, &run);
        for (uint32_t k = 0; k < run; k++)
            if (part[k].a >= counts->users || part[k].b >= counts->users)
                rc_check_found(check, RC_FINDING_PROBLEM, where, "alias %u of %s is out of range",
                               i + k, whose);
    }
}

static enum rc_status
check_accounts(struct rc_check *check,
               const char *where,
               struct rc_project *project,
               const struct rc_view *view,
               struct rc_error *reterr_error)
{
    const struct rc_people *accounts = rc_project_accounts(project);
    const struct rc_people_counts counts = rc_view_account_counts(view);
    RC_TRY(check_dictionary(check, where, "names of accounts", rc_people_ids(accounts),
                            counts.users, false, reterr_error));
    RC_TRY(check_properties(check, where, rc_view_account_properties(view), reterr_error));
    check_people(check, where, "an account", accounts, &counts);
    return RC_OK;
}

/* Every version of an entry. */
static enum rc_status
check_versions(struct rc_check *check,
               const char *where,
               enum rc_catalog_kind kind,
               const struct rc_catalog *catalog,
               struct rc_bytes name,
               struct rc_arena *arena,
               struct rc_error *reterr_error)
{
    struct rc_catalog_entry version = {.version = UINT64_MAX};
    while (check->read_payload != NULL &&
           rc_catalog_version_below(catalog, name, version.version, &version)) {
        struct rc_error error;
        rc_arena_reset(arena);
        RC_TRY(note(check, where, check->read_payload(kind, version.payload, arena, &error), &error,
                    reterr_error));
    }
    return RC_OK;
}

/* Whether the names in a definition lead somewhere in the end. One of what is not there is no
 * damage: what it named was deleted in spite of its users. */
static enum rc_status
check_definition(struct rc_check *check,
                 const char *where,
                 const struct rc_catalog *catalog,
                 struct rc_bytes name,
                 struct rc_arena *arena,
                 struct rc_error *reterr_error)
{
    const struct rc_predicate *resolved = NULL;
    struct rc_error error;
    rc_arena_reset(arena);
    const enum rc_status status =
        rc_definitions_resolve_name(catalog, name, arena, NULL, &resolved, &error);
    return status == RC_NOT_FOUND ? RC_OK : note(check, where, status, &error, reterr_error);
}

static enum rc_status
check_catalog(struct rc_check *check,
              const char *project_name,
              struct rc_project *project,
              enum rc_catalog_kind kind,
              struct rc_error *reterr_error)
{
    static const char *const words[] = {
        [RC_CATALOG_DEFINITIONS] = "definition",
        [RC_CATALOG_SEGMENTS] = "segment",
        [RC_CATALOG_PROPERTIES] = "derived property",
    };
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *catalog = rc_project_catalog(project, kind);
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    char where[WHERE_BYTES];
    struct rc_error error;
    if (arena == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to check a catalog");
    RC_TRY(note(check, project_name, rc_catalog_check(catalog, &error), &error, reterr_error));
    for (uint32_t i = 0; i < rc_catalog_count(catalog); i++) {
        const struct rc_bytes name = rc_catalog_at(catalog, i).name;
        (void)snprintf(where, sizeof(where), "%.64s: %s \"%.*s\"", project_name, words[kind],
                       name.size > 80 ? 80 : (int)name.size, name.data);
        RC_TRY(check_versions(check, where, kind, catalog, name, arena, reterr_error));
        if (kind == RC_CATALOG_DEFINITIONS)
            RC_TRY(check_definition(check, where, catalog, name, arena, reterr_error));
    }
    return RC_OK;
}

/* What changes of catalogs came to. */
static enum rc_status
check_receipts(struct rc_check *check,
               const char *where,
               struct rc_project *project,
               struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_receipts_unrefp) struct rc_receipts *receipts = rc_project_receipts(project);
    struct rc_error error;
    RC_TRY(note(check, where, rc_receipts_check(receipts, &error), &error, reterr_error));
    for (uint32_t i = 0; i < rc_receipts_count(receipts); i++) {
        const struct rc_bytes reply = rc_receipts_at(receipts, i)->reply;
        struct rc_reader reader = rc_reader_of(reply.data, reply.size);
        enum rc_status status = RC_OK;
        while (status == RC_OK && rc_reader_left(&reader) > 0) {
            struct rc_catalog_entry entry;
            status = rc_catalog_entry_read(&reader, &entry, &error);
            (void)rc_read_bytes(&reader); /* Its author. */
        }
        RC_TRY(note(check, where, status, &error, reterr_error));
    }
    return RC_OK;
}

/* A sound slab against the project: its users, its properties and their codes. */
static void
check_slab_content(struct rc_check *check,
                   const char *where,
                   const struct rc_slab *slab,
                   const struct rc_view *view)
{
    const struct rc_slab_info *info = rc_slab_get_info(slab);
    const struct rc_properties *properties = rc_view_event_properties(view);
    const uint32_t property_count = rc_properties_count(properties);
    if (rc_slab_users(slab)[info->user_count - 1] >= rc_view_user_count(view))
        rc_check_found(check, RC_FINDING_PROBLEM, where, "it has a user that the project has not");
    for (uint32_t i = 0; i < info->column_count; i++) {
        struct rc_column_view column;
        rc_slab_column_at(slab, i, &column);
        if (column.property >= property_count) {
            rc_check_found(check, RC_FINDING_PROBLEM, where, "it has property %u of %u",
                           column.property, property_count);
            continue;
        }
        for (uint32_t k = 0; k < column.dictionary_count; k++)
            if (!rc_check_knows_cell(properties, column.property, column.dictionary[k])) {
                rc_check_found(check, RC_FINDING_PROBLEM, where,
                               "a code of property %u is not in the dictionary", column.property);
                break;
            }
    }
}

static void
check_dead(struct rc_check *check, const char *where, const struct rc_view_slab *held)
{
    const struct rc_slab_info *info = rc_slab_get_info(held->slab);
    uint64_t dead = 0;
    for (uint32_t i = 0; held->dead != NULL && i < (info->row_count + 63) / 64; i++)
        dead += (uint64_t)__builtin_popcountll(held->dead[i]);
    check->counts.dead_events += dead;
    if (dead != held->dead_count)
        rc_check_found(check, RC_FINDING_PROBLEM, where, "%" PRIu64 " rows are dead, not %u", dead,
                       held->dead_count);
}

/* A slab on disk only is read whole for it. *sound turns false when its content cannot be
 * followed. */
static enum rc_status
check_slab(struct rc_check *check,
           const char *project,
           struct rc_view *view,
           uint32_t slab,
           bool *sound,
           struct rc_error *reterr_error)
{
    char where[WHERE_BYTES];
    struct rc_error error;
    uint32_t count = 0;
    const struct rc_view_slab *held = &rc_view_slabs(view, &count)[slab];
    (void)snprintf(where, sizeof(where), "%.100s/slab-%016" PRIx64, project, held->id);
    const uint64_t problems = check->counts.problems;
    check->counts.slabs++;
    check->counts.events += rc_slab_get_info(held->slab)->row_count;
    enum rc_status status = rc_view_use_slab(view, slab, RC_SLAB_PARTS_ALL, &error);
    const bool in_use = status == RC_OK;
    if (in_use)
        status = rc_slab_check(held->slab, &error);
    RC_TRY(note(check, where, status, &error, reterr_error));
    if (check->counts.problems != problems) {
        *sound = false;
    } else {
        check_slab_content(check, where, held->slab, view);
        rc_check_slab_rules(check, where, view, held);
        check_dead(check, where, held);
    }
    if (in_use)
        rc_view_unuse_slab(view, slab);
    return RC_OK;
}

static enum rc_status
check_slabs(struct rc_check *check,
            const char *project,
            struct rc_view *view,
            struct rc_error *reterr_error)
{
    uint32_t count = 0;
    bool sound = true;
    (void)rc_view_slabs(view, &count);
    rc_check_order(check, project, view);
    for (uint32_t i = 0; i < count; i++) {
        if (rc_check_is_cancelled(check))
            return rc_error_set(reterr_error, RC_CANCELLED, "the check was cancelled");
        RC_TRY(check_slab(check, project, view, i, &sound, reterr_error));
    }
    rc_check_heads(check, project, view);
    return sound ? rc_check_ids(check, project, view, reterr_error) : RC_OK;
}

enum rc_status
rc_check_project(struct rc_check *check,
                 struct rc_project *project,
                 struct rc_view *view,
                 struct rc_error *reterr_error)
{
    char where[RC_PROJECT_ID_BYTES_MAX + 1];
    const struct rc_bytes id = rc_project_id(project);
    const struct rc_people *people = rc_view_people(view);
    const struct rc_people_counts counts = rc_view_people_counts(view);
    (void)snprintf(where, sizeof(where), "%.*s", (int)id.size, id.data);
    check->counts.projects++;
    RC_TRY(check_dictionary(check, where, "user ids", rc_people_ids(people), counts.users, false,
                            reterr_error));
    RC_TRY(check_properties(check, where, rc_view_event_properties(view), reterr_error));
    RC_TRY(check_properties(check, where, rc_view_user_properties(view), reterr_error));
    check_people(check, where, "a user", people, &counts);
    check->counts.users += counts.users;
    check->counts.user_writes += counts.writes;
    RC_TRY(check_accounts(check, where, project, view, reterr_error));
    for (int kind = 1; kind <= RC_CATALOG_KINDS; kind++)
        RC_TRY(check_catalog(check, where, project, (enum rc_catalog_kind)kind, reterr_error));
    RC_TRY(check_receipts(check, where, project, reterr_error));
    return check_slabs(check, where, view, reterr_error);
}
