/* Catalogs: definitions, segments, derived properties as named entries, and what changes make of
 * them. */
#include "engine/face/engine_state.h"
#include "engine/match/predicate/definitions.h"

void
rc_catalogs_close(struct rc_catalogs *catalogs)
{
    for (uint32_t i = 0; i < RC_CATALOG_KINDS; i++)
        catalogs->of[i] = rc_catalog_unref(catalogs->of[i]);
}

struct rc_catalogs
rc_catalogs_of(struct rc_project *project)
{
    struct rc_catalogs catalogs;
    for (uint32_t i = 0; i < RC_CATALOG_KINDS; i++)
        catalogs.of[i] = rc_project_catalog(project, (enum rc_catalog_kind)(i + 1));
    return catalogs;
}

struct rc_catalogs
rc_catalogs_ref(const struct rc_catalogs *catalogs)
{
    struct rc_catalogs copy;
    for (uint32_t i = 0; i < RC_CATALOG_KINDS; i++)
        copy.of[i] = rc_catalog_ref(catalogs->of[i]);
    return copy;
}

/* ---- What changes make of them --------------------------------------------------------------- */

static void
replace(struct rc_catalog **catalog, struct rc_catalog *next)
{
    rc_catalog_unref(*catalog);
    *catalog = next;
}

enum rc_status
rc_catalogs_put(struct rc_catalogs *catalogs,
                enum rc_catalog_kind kind,
                struct rc_catalog_entry entry)
{
    struct rc_catalog **catalog = &catalogs->of[kind - 1];
    struct rc_catalog *next = NULL;
    if (kind == RC_CATALOG_DEFINITIONS)
        entry.marks = rc_definition_marks(entry.payload);
    RC_TRY(rc_catalog_put(*catalog, &entry, &next));
    replace(catalog, next);
    return RC_OK;
}

static enum rc_status
put_all(struct rc_catalogs *catalogs, const struct rc_record *record)
{
    struct rc_reader reader = rc_reader_of(record->entries.data, record->entries.size);
    for (uint32_t i = 0; i < record->entry_count; i++) {
        struct rc_catalog_entry entry;
        RC_TRY(rc_record_next_entry(record, &reader, &entry, NULL));
        RC_TRY(rc_catalogs_put(catalogs, record->catalog, entry));
    }
    return RC_OK;
}

static enum rc_status
change_one(struct rc_catalogs *catalogs, const struct rc_record *record)
{
    struct rc_catalog **catalog = &catalogs->of[record->catalog - 1];
    struct rc_catalog *next = NULL;
    if (record->kind == RC_RECORD_ENTRIES_PUT)
        return put_all(catalogs, record);
    if (record->kind == RC_RECORD_ENTRY_PUT)
        return rc_catalogs_put(catalogs, record->catalog, record->entry);
    RC_TRY(rc_catalog_remove(*catalog, record->entry.name, &next));
    replace(catalog, next);
    return RC_OK;
}

enum rc_status
rc_catalogs_change(struct rc_catalogs *catalogs, const struct rc_record *record)
{
    struct rc_reader reader = rc_reader_of(record->changes.data, record->changes.size);
    if (record->kind != RC_RECORD_CHANGES)
        return change_one(catalogs, record);
    for (uint32_t i = 0; i < record->change_count; i++) {
        struct rc_record change;
        RC_TRY(rc_record_next_change(record, &reader, &change, NULL));
        RC_TRY(change_one(catalogs, &change));
    }
    return RC_OK;
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
