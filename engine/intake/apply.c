/*
 * Apply. The batch's values become cells and the cells go into the head's arrays (columns.h). Rows
 * go into the newest head until it is full; a full head stays in the version until it is sealed,
 * and the next rows go into a new one.
 *
 * Everything is built beside what queries see and published in one step at the end; what fails on
 * the way is taken back.
 */
#include "engine/intake/apply.h"

#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/base/limits.h"
#include "engine/intake/columns.h"
#include "engine/intake/packed.h"
#include "engine/intake/replace.h"
#include "engine/store/value/account_id.h"

struct applying {
    struct rc_project *project;
    struct rc_arena *arena;
    struct rc_version *draft; /* NULL: nothing but appended rows so far. */
    uint64_t replaced;
    struct rc_error *error;
};

static enum rc_status
intern_users(struct applying *applying, const struct rc_batch_table *table, uint32_t **ret_ordinals)
{
    struct rc_dictionary *ids = rc_people_ids(rc_project_people(applying->project));
    uint32_t *ordinals = RC_ARENA_ARRAY(applying->arena, uint32_t, table->user_count);
    if (ordinals == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < table->user_count; i++)
        RC_TRY(rc_dictionary_intern(ids, table->users[i], &ordinals[i]));
    *ret_ordinals = ordinals;
    return RC_OK;
}

/* Adds to sums[row] a hash of what each row holds: independent of the order of columns
 * and codes. */
static enum rc_status
hash_contents(struct applying *applying, const struct rc_batch_table *table, uint64_t *sums)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer bytes = {0};
    for (uint32_t i = 0; i < table->column_count; i++) {
        const struct rc_batch_column *column = &table->columns[i];
        const uint64_t name = rc_hash(column->name.data, column->name.size);
        uint64_t *hashes = RC_ARENA_ARRAY(applying->arena, uint64_t, column->value_count + 1);
        if (hashes == NULL)
            return RC_NO_MEMORY;
        for (uint32_t code = 1; code <= column->value_count; code++) {
            bytes.size = 0;
            rc_value_write(&bytes, column->values[code - 1]);
            if (bytes.failed)
                return RC_NO_MEMORY;
            hashes[code] = rc_hash_seeded(bytes.data, bytes.size, name);
        }
        const uint32_t count = column->rows == NULL ? table->row_count : column->sparse_count;
        for (uint32_t k = 0; k < count; k++) {
            const uint32_t row = column->rows == NULL ? k : rc_packed_u32(column->rows, k);
            sums[row] += hashes[rc_packed_code(column->codes, column->code_width, k)];
        }
    }
    return RC_OK;
}

/* The id that an event was sent with; its kind says that it has none. */
static struct rc_event_id
sent_id(const struct rc_batch *batch, uint32_t row)
{
    if (batch->int_ids != NULL)
        return (struct rc_event_id){.kind = RC_EVENT_ID_INT,
                                    .number = rc_packed_u64(batch->int_ids, row)};
    if (batch->text_ids != NULL && batch->text_ids[row].size > 0)
        return rc_event_id_of_text(batch->text_ids[row]);
    return (struct rc_event_id){.kind = RC_EVENT_ID_DERIVED};
}

static enum rc_status
make_ids(struct applying *applying, const struct rc_batch *batch, struct rc_event_id **ret_ids)
{
    const uint32_t count = batch->events.row_count;
    struct rc_event_id *ids = RC_ARENA_ARRAY(applying->arena, struct rc_event_id, count);
    if (ids == NULL)
        return RC_NO_MEMORY;
    bool derive = false;
    for (uint32_t row = 0; row < count; row++) {
        ids[row] = sent_id(batch, row);
        derive = derive || ids[row].kind == RC_EVENT_ID_DERIVED;
    }
    *ret_ids = ids;
    if (!derive)
        return RC_OK;
    uint64_t *sums = RC_ARENA_ARRAY(applying->arena, uint64_t, count);
    if (sums == NULL)
        return RC_NO_MEMORY;
    RC_TRY(hash_contents(applying, &batch->events, sums));
    for (uint32_t row = 0; row < count; row++) {
        const uint64_t time = rc_packed_u64(batch->events.times_ms, row);
        if (ids[row].kind == RC_EVENT_ID_DERIVED)
            ids[row].number = rc_hash_u64(sums[row] + rc_hash_u64(time));
    }
    return RC_OK;
}

/* The version that the changes go to: the draft where there is one. */
static struct rc_version *
working_version(const struct applying *applying)
{
    return applying->draft != NULL ? applying->draft : rc_project_version(applying->project);
}

static struct rc_head *
newest_head(const struct applying *applying)
{
    const struct rc_version *version = working_version(applying);
    return version->heads[version->head_count - 1].head;
}

static enum rc_status
need_draft(struct applying *applying)
{
    if (applying->draft != NULL)
        return RC_OK;
    return rc_version_draft(rc_project_version(applying->project), &applying->draft);
}

static enum rc_status
begin_head(struct applying *applying)
{
    RC_CLEANUP(rc_head_unrefp) struct rc_head *head = NULL;
    RC_TRY(need_draft(applying));
    RC_TRY(rc_head_new(rc_project_account_of(applying->project, RC_MEMORY_HEADS),
                       rc_project_head_rows_max(applying->project), &head));
    return rc_version_add_head(applying->draft, head);
}

/* A row before the project's cut, which was moved while the batch was on its way, is as if it had
 * come before that: dead. */
static enum rc_status
hide_late(struct applying *applying, const struct rc_head_room *room)
{
    const int64_t cut_ms = working_version(applying)->cut_ms;
    for (uint32_t i = 0; i < room->count; i++) {
        bool newly = false;
        if (room->times_ms[i] >= cut_ms)
            continue;
        RC_TRY(need_draft(applying));
        RC_TRY(rc_version_kill_head_row(applying->draft, applying->draft->head_count - 1,
                                        room->chunk, room->first + i, &newly));
    }
    return RC_OK;
}

static enum rc_status
commit_room(struct applying *applying,
            struct rc_head *head,
            const struct rc_head_room *room,
            const uint64_t *hashes)
{
    struct rc_head_place *places = rc_arena_alloc(applying->arena, room->count * sizeof(places[0]));
    if (places == NULL)
        return RC_NO_MEMORY;
    uint32_t count = 0;
    RC_TRY(rc_head_commit(head, room, hashes, places, &count));
    for (uint32_t i = 0; i < count; i++) {
        bool newly = false;
        RC_TRY(need_draft(applying));
        RC_TRY(rc_version_kill_head_row(applying->draft, applying->draft->head_count - 1,
                                        places[i].chunk, places[i].row, &newly));
        applying->replaced += newly;
    }
    return hide_late(applying, room);
}

/* Appends the rows from first on that fit into the newest head's current chunk;
 * *ret_count of them. */
static enum rc_status
append_piece(struct applying *applying,
             const struct rc_batch_table *table,
             const struct rc_arrivals *arrivals,
             struct rc_column_cells *cells,
             uint32_t first,
             uint32_t *ret_count)
{
    if (rc_head_is_full(newest_head(applying)))
        RC_TRY(begin_head(applying));
    struct rc_head *head = newest_head(applying);
    struct rc_head_room room;
    const uint32_t properties = rc_properties_count(rc_project_event_properties(applying->project));
    RC_TRY(rc_head_make_room(head, arrivals->count - first, properties, &room));
    for (uint32_t i = 0; i < room.count; i++) {
        room.users[i] = arrivals->users[first + i];
        room.times_ms[i] = rc_packed_i64(table->times_ms, first + i);
        room.ids[i] = arrivals->ids[first + i];
        if (room.ids[i].kind == RC_EVENT_ID_TEXT)
            RC_TRY(rc_head_keep_text(head, &room.ids[i]));
    }
    for (uint32_t c = 0; c < table->column_count; c++)
        RC_TRY(rc_column_scatter(&cells[c], head, &room, first));
    RC_TRY(commit_room(applying, head, &room, arrivals->hashes + first));
    *ret_count = room.count;
    return RC_OK;
}

/*
 * Appends all events. Their copies in slabs are dead already; those in heads are killed before rows
 * are appended: a copy in a head that fills up on the way was put there by this batch or was in the
 * newest head, so that each later piece looks into the heads that were the newest when the batch
 * began.
 */
static enum rc_status
append_all(struct applying *applying,
           const struct rc_batch_table *table,
           const struct rc_arrivals *arrivals,
           const bool *found,
           struct rc_column_cells *cells)
{
    uint32_t done = 0;
    while (done < table->row_count) {
        /* Room first: a head that is full is no longer the newest, and its rows are looked up. */
        if (rc_head_is_full(newest_head(applying)))
            RC_TRY(begin_head(applying));
        const uint32_t room =
            rc_project_head_rows_max(applying->project) - rc_head_row_count(newest_head(applying));
        const uint32_t left = table->row_count - done;
        const uint32_t end = done + (left < room ? left : room);
        const struct rc_arrivals part = {end - done, arrivals->users + done, arrivals->ids + done,
                                         arrivals->hashes + done,
                                         arrivals->times_ms + (size_t)done * sizeof(int64_t)};
        RC_TRY(rc_replace_in_heads(working_version(applying), &part, found + done, &applying->draft,
                                   &applying->replaced));
        const struct rc_arrivals until = {end, arrivals->users, arrivals->ids, arrivals->hashes,
                                          arrivals->times_ms};
        while (done < end) {
            uint32_t count = 0;
            RC_TRY(append_piece(applying, table, &until, cells, done, &count));
            done += count;
        }
    }
    return RC_OK;
}

/* The rows as arrivals of the users who are known by now; the others have nothing to replace. */
static enum rc_status
known_arrivals(struct rc_project *project,
               const struct rc_batch *batch,
               struct rc_arena *arena,
               struct rc_arrivals *ret_arrivals)
{
    const struct rc_batch_table *table = &batch->events;
    struct rc_dictionary *known = rc_people_ids(rc_project_people(project));
    uint32_t *ordinals = RC_ARENA_ARRAY(arena, uint32_t, table->user_count + 1);
    uint32_t *users = RC_ARENA_ARRAY(arena, uint32_t, table->row_count + 1);
    struct rc_event_id *ids = RC_ARENA_ARRAY(arena, struct rc_event_id, table->row_count + 1);
    if (ordinals == NULL || users == NULL || ids == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < table->user_count; i++)
        ordinals[i] = rc_dictionary_find(known, table->users[i]);
    for (uint32_t row = 0; row < table->row_count; row++) {
        users[row] = ordinals[rc_packed_u32(table->user_codes, row)];
        ids[row] = sent_id(batch, row);
        if (users[row] == RC_CODE_NONE)
            ids[row] = (struct rc_event_id){.kind = RC_EVENT_ID_DERIVED};
    }
    *ret_arrivals = (struct rc_arrivals){table->row_count, users, ids, NULL, table->times_ms};
    return rc_arrivals_hash(table->row_count, users, ids, arena, &ret_arrivals->hashes);
}

static bool
has_cold_slabs(const struct rc_version *version)
{
    uint32_t i = 0;
    while (i < version->slab_count && !rc_slab_is_cold(version->slabs[i].slab))
        i++;
    return i < version->slab_count;
}

/* Kills the earlier copies that lie in cold slabs. */
static enum rc_status
replace_cold(struct applying *applying, const struct rc_batch *batch, bool *found)
{
    const struct rc_version *version = rc_project_version(applying->project);
    struct rc_arrivals arrivals;
    if (!has_cold_slabs(version))
        return RC_OK;
    RC_TRY(known_arrivals(applying->project, batch, applying->arena, &arrivals));
    return rc_replace_in_slabs(version, true, &arrivals, NULL, applying->arena, &applying->draft,
                               found, &applying->replaced, applying->error);
}

static enum rc_status
append_events(struct applying *applying, const struct rc_batch *batch, bool *found)
{
    const struct rc_batch_table *table = &batch->events;
    if (table->row_count == 0)
        return RC_OK;
    uint32_t *ordinals = NULL;
    struct rc_event_id *ids = NULL;
    struct rc_column_cells *cells = NULL;
    RC_TRY(intern_users(applying, table, &ordinals));
    RC_TRY(rc_columns_intern(rc_project_event_properties(applying->project), table,
                             rc_project_dictionary_bounds(applying->project), applying->arena,
                             &cells));
    RC_TRY(make_ids(applying, batch, &ids));
    uint32_t *users = RC_ARENA_ARRAY(applying->arena, uint32_t, table->row_count);
    if (users == NULL)
        return RC_NO_MEMORY;
    for (uint32_t row = 0; row < table->row_count; row++)
        users[row] = ordinals[rc_packed_u32(table->user_codes, row)];
    struct rc_arrivals arrivals = {table->row_count, users, ids, NULL, table->times_ms};
    RC_TRY(rc_arrivals_hash(table->row_count, users, ids, applying->arena, &arrivals.hashes));
    RC_TRY(rc_replace_in_slabs(rc_project_version(applying->project), false, &arrivals,
                               rc_project_event_index(applying->project), applying->arena,
                               &applying->draft, found, &applying->replaced, applying->error));
    return append_all(applying, table, &arrivals, found, cells);
}

/* The writes of one column, in order of rows. */
static enum rc_status
write_column(struct rc_people *people,
             const struct rc_batch_table *table,
             const uint32_t *ordinals,
             const struct rc_column_cells *cells)
{
    const struct rc_batch_column *column = cells->column;
    const uint32_t count = column->rows == NULL ? table->row_count : column->sparse_count;
    for (uint32_t k = 0; k < count; k++) {
        const uint32_t code = rc_packed_code(column->codes, column->code_width, k);
        if (code == 0)
            continue;
        const uint32_t row = column->rows == NULL ? k : rc_packed_u32(column->rows, k);
        const struct rc_user_write write = {
            .time_ms = rc_packed_i64(table->times_ms, row),
            .cell = cells->of_code[code],
            .user = ordinals[rc_packed_u32(table->user_codes, row)],
            .property = cells->property,
        };
        RC_TRY(rc_people_add_write(people, &write));
    }
    return RC_OK;
}

static enum rc_status
append_writes(struct applying *applying, const struct rc_batch_table *table)
{
    if (table->row_count == 0)
        return RC_OK;
    struct rc_people *people = rc_project_people(applying->project);
    uint32_t *ordinals = NULL;
    struct rc_column_cells *cells = NULL;
    RC_TRY(intern_users(applying, table, &ordinals));
    RC_TRY(rc_columns_intern(rc_people_properties(people), table, NULL, applying->arena, &cells));
    for (uint32_t i = 0; i < table->column_count; i++)
        RC_TRY(write_column(people, table, ordinals, &cells[i]));
    return RC_OK;
}

/* Names of accounts as sent become those that they are kept under. */
static enum rc_status
intern_accounts(struct applying *applying,
                const struct rc_batch_table *table,
                uint32_t **ret_ordinals)
{
    struct rc_dictionary *names = rc_people_ids(rc_project_accounts(applying->project));
    uint32_t *ordinals = RC_ARENA_ARRAY(applying->arena, uint32_t, table->user_count);
    if (ordinals == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < table->user_count; i++) {
        const struct rc_bytes name = rc_account_id_make(
            applying->arena, rc_account_id_key(table->users[i]), rc_account_id_id(table->users[i]));
        if (name.size == 0)
            return RC_NO_MEMORY;
        RC_TRY(rc_dictionary_intern(names, name, &ordinals[i]));
    }
    *ret_ordinals = ordinals;
    return RC_OK;
}

static enum rc_status
append_accounts(struct applying *applying, const struct rc_batch_table *table)
{
    if (table->row_count == 0)
        return RC_OK;
    struct rc_people *accounts = rc_project_accounts(applying->project);
    uint32_t *ordinals = NULL;
    struct rc_column_cells *cells = NULL;
    RC_TRY(intern_accounts(applying, table, &ordinals));
    RC_TRY(rc_columns_intern(rc_people_properties(accounts), table, NULL, applying->arena, &cells));
    for (uint32_t i = 0; i < table->column_count; i++)
        RC_TRY(write_column(accounts, table, ordinals, &cells[i]));
    return RC_OK;
}

static enum rc_status
append_aliases(struct applying *applying, const struct rc_batch *batch)
{
    struct rc_people *people = rc_project_people(applying->project);
    struct rc_dictionary *ids = rc_people_ids(people);
    for (uint32_t i = 0; i < batch->alias_count; i++) {
        struct rc_alias alias;
        RC_TRY(rc_dictionary_intern(ids, batch->alias_left[i], &alias.a));
        RC_TRY(rc_dictionary_intern(ids, batch->alias_right[i], &alias.b));
        RC_TRY(rc_people_add_alias(people, alias));
    }
    return RC_OK;
}

/* What was checked before the log did not see the names that were on their way. */
static bool
names_fit(const struct rc_project *project, const struct rc_batch *batch)
{
    const struct rc_properties *events = rc_project_event_properties(project);
    const struct rc_properties *users = rc_people_properties(rc_project_people(project));
    const struct rc_properties *accounts = rc_people_properties(rc_project_accounts(project));
    return rc_columns_count_with(events, &batch->events) <= RC_PROPERTIES_MAX &&
           rc_columns_count_with(users, &batch->writes) <= RC_PROPERTIES_MAX &&
           rc_columns_count_with(accounts, &batch->accounts) <= RC_PROPERTIES_MAX;
}

static enum rc_status
apply_parts(struct applying *applying,
            struct rc_bytes client_stream,
            uint64_t batch_id,
            const struct rc_batch *batch)
{
    bool *found = RC_ARENA_ARRAY(applying->arena, bool, batch->events.row_count + 1);
    if (found == NULL)
        return RC_NO_MEMORY;
    if (!names_fit(applying->project, batch))
        return RC_CONFLICT;
    RC_TRY(replace_cold(applying, batch, found));
    RC_TRY(append_events(applying, batch, found));
    RC_TRY(append_writes(applying, &batch->writes));
    RC_TRY(append_aliases(applying, batch));
    RC_TRY(append_accounts(applying, &batch->accounts));
    return rc_streams_set(rc_project_streams(applying->project), client_stream, batch_id);
}

enum rc_status
rc_apply_batch(struct rc_project *project,
               struct rc_bytes client_stream,
               uint64_t batch_id,
               const struct rc_batch *batch,
               uint64_t sequence,
               struct rc_arena *arena,
               struct rc_applied *ret_applied,
               struct rc_error *reterr_error)
{
    struct rc_error error = {.status = RC_OK};
    struct applying applying = {.project = project, .arena = arena, .error = &error};
    rc_project_lock_writer(project);
    const enum rc_status status = apply_parts(&applying, client_stream, batch_id, batch);
    if (status == RC_OK) {
        rc_project_publish(project, RC_TAKE(applying.draft), sequence);
        *ret_applied = (struct rc_applied){
            .replaced = applying.replaced,
            .full_heads = rc_project_version(project)->head_count - 1,
        };
    }
    if (status != RC_OK)
        rc_project_take_back(project);
    rc_project_unlock_writer(project);
    rc_version_unref(applying.draft);
    if (status == RC_OK)
        return RC_OK;
    return rc_error_set(reterr_error, status, "%s",
                        error.status == status ? error.message : rc_status_sentence(status));
}

enum rc_status
rc_apply_probe(struct rc_project *project,
               const struct rc_batch *batch,
               struct rc_arena *arena,
               struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_version_unrefp) struct rc_version *version = rc_project_pin_version(project);
    struct rc_arrivals arrivals;
    if (!has_cold_slabs(version))
        return RC_OK;
    RC_TRY_OR(reterr_error, known_arrivals(project, batch, arena, &arrivals));
    return rc_replace_probe(version, &arrivals, arena, reterr_error);
}
