#include "engine/keep/state.h"

#include <string.h>

#include "engine/base/checksum.h"
#include "engine/match/predicate/definitions.h"

#define MAGIC_BYTES 7 /* Before the version. */
#define VERSION 4

static const char magic[MAGIC_BYTES] = {'R', 'C', 'S', 'T', 'A', 'T', 'E'};

_Static_assert(sizeof(struct rc_user_write) == 24, "writes are stored as they are in memory");
_Static_assert(sizeof(struct rc_alias) == 8, "aliases are stored as they are in memory");

/* The user of an element of a log: of writes, or the left one of aliases (both are of one person).
 */
static uint32_t
user_of(const struct rc_append_log *log, const unsigned char *element)
{
    if (log->element_bytes == sizeof(struct rc_alias))
        return ((const struct rc_alias *)(const void *)element)->a;
    return ((const struct rc_user_write *)(const void *)element)->user;
}

/* Elements of a log whose user is not gone; each is written to writer unless that is NULL. */
static uint32_t
walk_log(const struct rc_append_log *log,
         uint32_t count,
         const struct rc_gone *gone,
         struct rc_writer *writer)
{
    uint32_t kept = 0;
    for (uint32_t i = 0, run = 0; i < count; i += run) {
        const unsigned char *part = rc_append_log_run(log, i, count, &run);
        for (uint32_t k = 0; k < run; k++) {
            const unsigned char *element = part + (size_t)k * log->element_bytes;
            if (rc_gone_has(gone, user_of(log, element)))
                continue;
            kept++;
            if (writer != NULL)
                rc_write_raw(writer, element, log->element_bytes);
        }
    }
    return kept;
}

static void
write_log(struct rc_writer *writer,
          const struct rc_append_log *log,
          uint32_t count,
          const struct rc_gone *gone)
{
    if (gone != NULL) {
        rc_write_varint(writer, walk_log(log, count, gone, NULL));
        (void)walk_log(log, count, gone, writer);
        return;
    }
    rc_write_varint(writer, count);
    for (uint32_t i = 0, run = 0; i < count; i += run) {
        const void *part = rc_append_log_run(log, i, count, &run);
        rc_write_raw(writer, part, run * log->element_bytes);
    }
}

/* Ids of users, with holes for those who are gone. */
static void
write_ids(struct rc_writer *writer,
          const struct rc_dictionary *ids,
          uint32_t count,
          const struct rc_gone *gone)
{
    uint32_t gone_count = 0;
    const uint32_t *users = rc_gone_users(gone, &gone_count);
    RC_CLEANUP(rc_alloc_freep) uint64_t *live = NULL;
    if (gone_count > 0) {
        const size_t bytes = ((size_t)count / 64 + 1) * sizeof(live[0]);
        live = rc_alloc(bytes);
        if (live == NULL) {
            writer->failed = true;
            return;
        }
        memset(live, 0xff, bytes);
    }
    for (uint32_t i = 0; i < gone_count; i++)
        live[users[i] / 64] &= ~((uint64_t)1 << (users[i] % 64));
    rc_dictionary_write(ids, count, live, writer);
}

static void
write_slabs(struct rc_writer *writer, const struct rc_state *state)
{
    rc_write_varint(writer, state->slab_count);
    for (uint32_t i = 0; i < state->slab_count; i++) {
        const struct rc_state_slab *slab = &state->slabs[i];
        rc_write_varint(writer, slab->id);
        rc_write_u32(writer, slab->crc32c);
        rc_write_varint(writer, slab->dead_count);
        rc_write_varint(writer, slab->dead_words);
        rc_write_raw(writer, slab->dead, slab->dead_words * sizeof(slab->dead[0]));
    }
}

static void
write_streams(struct rc_writer *writer, const struct rc_streams_copy *streams)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer bytes = {0};
    rc_streams_write(streams, &bytes);
    writer->failed = writer->failed || bytes.failed;
    rc_write_bytes(writer, (struct rc_bytes){(const char *)bytes.data, bytes.size});
}

/* No deletion reaches accounts: they are nobody's. */
static void
write_accounts(struct rc_writer *writer, const struct rc_state *state)
{
    const struct rc_people *accounts = rc_project_accounts(state->project);
    const struct rc_people_counts counts = rc_view_account_counts(state->view);
    rc_dictionary_write(rc_people_ids(accounts), counts.users, NULL, writer);
    rc_properties_write(rc_people_properties(accounts), writer);
    write_log(writer, rc_people_writes(accounts), counts.writes, NULL);
    write_log(writer, rc_people_aliases(accounts), counts.aliases, NULL);
}

void
rc_state_pin_catalogs(struct rc_state *state)
{
    for (int kind = 1; kind <= RC_CATALOG_KINDS; kind++)
        state->catalogs[kind - 1] = rc_project_catalog(state->project, (enum rc_catalog_kind)kind);
    state->receipts = rc_project_receipts(state->project);
}

void
rc_state_unpin_catalogs(struct rc_state *state)
{
    for (uint32_t i = 0; i < RC_CATALOG_KINDS; i++)
        state->catalogs[i] = rc_catalog_unref(state->catalogs[i]);
    state->receipts = rc_receipts_unref(state->receipts);
}

uint32_t
rc_state_write(struct rc_writer *writer, const struct rc_state *state)
{
    const struct rc_people *people = rc_view_people(state->view);
    const struct rc_people_counts counts = rc_view_people_counts(state->view);
    const struct rc_version *version = rc_view_version(state->view);
    rc_write_raw(writer, magic, sizeof(magic));
    rc_write_u8(writer, '0' + VERSION);
    rc_project_settings_write(writer, &state->settings);
    rc_write_u64(writer, rc_view_data_version(state->view));
    rc_write_u64(writer, state->next_slab_id);
    rc_properties_write(rc_view_event_properties(state->view), writer);
    write_ids(writer, rc_people_ids(people), counts.users, version->gone);
    rc_live_codes_write(state->user_codes, rc_view_user_properties(state->view), writer);
    write_log(writer, rc_people_writes(people), counts.writes, version->gone);
    write_log(writer, rc_people_aliases(people), counts.aliases, version->gone);
    write_streams(writer, &state->streams);
    rc_catalog_write(state->catalogs[RC_CATALOG_DEFINITIONS - 1], writer);
    rc_catalog_write(state->catalogs[RC_CATALOG_SEGMENTS - 1], writer);
    write_slabs(writer, state);
    rc_write_u64(writer, (uint64_t)version->cut_ms);
    rc_write_u64(writer, (uint64_t)version->erase_asked_ms);
    write_accounts(writer, state);
    rc_catalog_write(state->catalogs[RC_CATALOG_PROPERTIES - 1], writer);
    rc_receipts_write(state->receipts, writer);
    const uint32_t checksum = rc_writer_crc32c(writer);
    rc_write_u32(writer, checksum);
    return checksum;
}

static enum rc_status
read_people(struct rc_reader *reader, struct rc_people *people, struct rc_error *reterr_error)
{
    RC_TRY(rc_dictionary_read(rc_people_ids(people), reader, reterr_error));
    RC_TRY(rc_properties_read(rc_people_properties(people), reader, reterr_error));
    const uint32_t users = rc_dictionary_count(rc_people_ids(people));
    const uint32_t properties = rc_properties_count(rc_people_properties(people));
    const uint64_t writes = rc_read_count(reader, UINT32_MAX);
    for (uint64_t i = 0; i < writes && !reader->bad; i++) {
        struct rc_user_write write;
        const struct rc_bytes bytes = rc_read_raw(reader, sizeof(write));
        if (bytes.data == NULL)
            break;
        memcpy(&write, bytes.data, sizeof(write));
        if (write.user >= users || write.property >= properties)
            return rc_error_set(reterr_error, RC_CORRUPT,
                                "a user property's write is out of range");
        RC_TRY_OR(reterr_error, rc_people_add_write(people, &write));
    }
    const uint64_t aliases = rc_read_count(reader, UINT32_MAX);
    for (uint64_t i = 0; i < aliases && !reader->bad; i++) {
        const struct rc_alias alias = {rc_read_u32(reader), rc_read_u32(reader)};
        if (reader->bad)
            break;
        if (alias.a >= users || alias.b >= users)
            return rc_error_set(reterr_error, RC_CORRUPT, "an alias is out of range");
        RC_TRY_OR(reterr_error, rc_people_add_alias(people, alias));
    }
    return reader->bad ? rc_error_set(reterr_error, RC_CORRUPT, "the users are cut short") : RC_OK;
}

static enum rc_status
read_slabs(struct rc_reader *reader,
           uint32_t version,
           struct rc_arena *arena,
           struct rc_state_slab **ret_slabs,
           uint32_t *ret_count,
           struct rc_error *reterr_error)
{
    const uint32_t count = (uint32_t)rc_read_count(reader, rc_reader_left(reader));
    struct rc_state_slab *slabs = RC_ARENA_ARRAY(arena, struct rc_state_slab, count);
    if (slabs == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a list of slabs");
    for (uint32_t i = 0; i < count; i++) {
        slabs[i].id = rc_read_varint(reader);
        slabs[i].crc32c = version >= 4 ? rc_read_u32(reader) : 0;
        slabs[i].dead_count = (uint32_t)rc_read_count(reader, UINT32_MAX);
        slabs[i].dead_words = (uint32_t)rc_read_count(reader, rc_reader_left(reader) / 8);
        const struct rc_bytes words = rc_read_raw(reader, (size_t)slabs[i].dead_words * 8);
        slabs[i].dead = rc_arena_copy(arena, words.data, words.size);
        if (slabs[i].dead == NULL)
            return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a set of dead rows");
    }
    *ret_slabs = slabs;
    *ret_count = count;
    return RC_OK;
}

static enum rc_status
read_catalog(struct rc_reader *reader,
             uint32_t version,
             struct rc_project *project,
             enum rc_catalog_kind kind,
             struct rc_error *reterr_error)
{
    struct rc_catalog *catalog = NULL;
    RC_TRY(rc_catalog_read(rc_project_account(project), reader, version >= 3,
                           kind == RC_CATALOG_DEFINITIONS ? rc_definition_marks : NULL, &catalog,
                           reterr_error));
    rc_project_set_catalog(project, kind, catalog);
    return RC_OK;
}

static enum rc_status
read_content(struct rc_reader *reader,
             uint32_t version,
             struct rc_project *project,
             struct rc_error *reterr_error)
{
    RC_TRY(rc_properties_read(rc_project_event_properties(project), reader, reterr_error));
    RC_TRY(read_people(reader, rc_project_people(project), reterr_error));
    const struct rc_bytes streams = rc_read_bytes(reader);
    struct rc_reader streams_reader = rc_reader_of(streams.data, streams.size);
    RC_TRY(rc_streams_read(rc_project_streams(project), &streams_reader, reterr_error));
    RC_TRY(read_catalog(reader, version, project, RC_CATALOG_DEFINITIONS, reterr_error));
    return read_catalog(reader, version, project, RC_CATALOG_SEGMENTS, reterr_error);
}

static enum rc_status
read_removals(struct rc_reader *reader, struct rc_project *project)
{
    struct rc_version *draft = NULL;
    RC_TRY(rc_version_draft(rc_project_version(project), &draft));
    draft->cut_ms = (int64_t)rc_read_u64(reader);
    draft->erase_asked_ms = (int64_t)rc_read_u64(reader);
    rc_project_publish(project, draft, 0);
    return RC_OK;
}

static enum rc_status
read_receipts(struct rc_reader *reader, struct rc_project *project, struct rc_error *reterr_error)
{
    struct rc_receipts *receipts = NULL;
    RC_TRY(rc_receipts_read(rc_project_account(project), reader, &receipts, reterr_error));
    rc_project_set_receipts(project, receipts);
    return RC_OK;
}

/* What stands behind the slabs. Up to version 2 each part may be missing, with all that follow. */
static enum rc_status
read_rest(struct rc_reader *reader,
          uint32_t version,
          struct rc_project *project,
          struct rc_error *reterr_error)
{
    const bool whole = version >= 3;
    if (whole || rc_reader_left(reader) > 0)
        RC_TRY_OR(reterr_error, read_removals(reader, project));
    if (whole || rc_reader_left(reader) > 0)
        RC_TRY(read_people(reader, rc_project_accounts(project), reterr_error));
    if (whole || rc_reader_left(reader) > 0)
        RC_TRY(read_catalog(reader, version, project, RC_CATALOG_PROPERTIES, reterr_error));
    return whole ? read_receipts(reader, project, reterr_error) : RC_OK;
}

/* The version that the file names. 0: it is no state file that is known. */
static uint32_t
read_version(struct rc_bytes bytes)
{
    const uint32_t version = (uint32_t)(unsigned char)bytes.data[MAGIC_BYTES] - '0';
    return memcmp(bytes.data, magic, MAGIC_BYTES) != 0 || version > VERSION ? 0 : version;
}

enum rc_status
rc_state_begin_read(struct rc_bytes bytes,
                    struct rc_account *parent,
                    uint32_t head_rows_max,
                    struct rc_state_reading *ret_reading,
                    struct rc_project **ret_project,
                    struct rc_error *reterr_error)
{
    const size_t front = MAGIC_BYTES + 1;
    const uint32_t version = bytes.size < front + 4 ? 0 : read_version(bytes);
    if (version == 0)
        return rc_error_set(reterr_error, RC_CORRUPT, "it is no state file of this version");
    uint32_t checksum;
    memcpy(&checksum, bytes.data + bytes.size - 4, sizeof(checksum));
    if (checksum != rc_crc32c(bytes.data, bytes.size - 4))
        return rc_error_set(reterr_error, RC_CORRUPT, "its checksum does not match");
    struct rc_reader reader = rc_reader_of(bytes.data + front, bytes.size - front - 4);
    struct rc_project_settings settings;
    RC_TRY(rc_project_settings_read(&reader, &settings, reterr_error));
    const uint64_t sequence = rc_read_u64(&reader);
    const uint64_t next_slab_id = rc_read_u64(&reader);
    RC_TRY_OR(reterr_error, rc_project_new(&settings, parent, head_rows_max, ret_project));
    rc_project_set_next_slab_id(*ret_project, next_slab_id);
    *ret_reading = (struct rc_state_reading){
        .reader = reader, .version = version, .crc32c = checksum, .sequence = sequence};
    return RC_OK;
}

enum rc_status
rc_state_end_read(struct rc_state_reading *reading,
                  struct rc_project *project,
                  struct rc_arena *arena,
                  struct rc_state_slab **ret_slabs,
                  uint32_t *ret_slab_count,
                  struct rc_error *reterr_error)
{
    struct rc_reader *reader = &reading->reader;
    RC_TRY(read_content(reader, reading->version, project, reterr_error));
    RC_TRY(read_slabs(reader, reading->version, arena, ret_slabs, ret_slab_count, reterr_error));
    RC_TRY(read_rest(reader, reading->version, project, reterr_error));
    if (reader->bad || rc_reader_left(reader) != 0)
        return rc_error_set(reterr_error, RC_CORRUPT, "its content is cut short");
    rc_project_publish(project, NULL, reading->sequence);
    return RC_OK;
}

enum rc_status
rc_state_read(struct rc_bytes bytes,
              struct rc_account *parent,
              uint32_t head_rows_max,
              struct rc_arena *arena,
              struct rc_project **ret_project,
              struct rc_state_slab **ret_slabs,
              uint32_t *ret_slab_count,
              struct rc_error *reterr_error)
{
    struct rc_state_reading reading;
    RC_CLEANUP(rc_project_unrefp) struct rc_project *project = NULL;
    RC_TRY(rc_state_begin_read(bytes, parent, head_rows_max, &reading, &project, reterr_error));
    RC_TRY(rc_state_end_read(&reading, project, arena, ret_slabs, ret_slab_count, reterr_error));
    *ret_project = RC_TAKE(project);
    return RC_OK;
}
