/*
 * Batch check: which rows are taken.
 *
 * A text is checked once per distinct value, so a good batch costs one pass over its dictionaries
 * and one over its times. Only when something is wrong is there a table of faults by row; the first
 * fault of a row, in the order user, time, id, properties, is the one that is reported.
 */
#include "engine/intake/batch.h"

#include <math.h>
#include <stdio.h>

#include "engine/base/assert.h"
#include "engine/base/limits.h"
#include "engine/intake/packed.h"
#include "engine/store/value/account_id.h"

struct fault {
    enum rc_reject_reason reason;
    struct rc_bytes field;
    const char *message; /* NULL: no fault. */
};

/* One part of a batch while it is checked. */
struct checker {
    struct rc_arena *arena;
    uint32_t row_count;
    struct fault *faults; /* By row; NULL until there is one. */
    uint64_t fault_count;
};

#define FAULT(reason_, message_) ((struct fault){.reason = (reason_), .message = (message_)})

static enum rc_status
reject_row(struct checker *checker, uint32_t row, struct fault fault, struct rc_bytes field)
{
    if (checker->faults == NULL) {
        checker->faults = RC_ARENA_ARRAY(checker->arena, struct fault, checker->row_count);
        if (checker->faults == NULL)
            return RC_NO_MEMORY;
    }
    if (checker->faults[row].message != NULL)
        return RC_OK;
    fault.field = field;
    checker->faults[row] = fault;
    checker->fault_count++;
    return RC_OK;
}

static struct fault
check_user(struct rc_bytes user)
{
    if (user.size == 0)
        return FAULT(RC_REJECT_MISSING, "the row has no user");
    if (user.size > RC_USER_ID_BYTES_MAX)
        return FAULT(RC_REJECT_LENGTH, "a user id has at most 512 bytes");
    if (!rc_bytes_is_text(user))
        return FAULT(RC_REJECT_ENCODING, "the user id is not UTF-8 or holds NUL");
    return (struct fault){0};
}

static struct fault
check_event_id(struct rc_bytes id)
{
    if (id.size > RC_EVENT_ID_BYTES_MAX)
        return FAULT(RC_REJECT_LENGTH, "an event id has at most 256 bytes");
    if (!rc_bytes_is_text(id))
        return FAULT(RC_REJECT_ENCODING, "the event id is not UTF-8 or holds NUL");
    return (struct fault){0};
}

static struct fault
check_name(struct rc_bytes name)
{
    if (name.size == 0)
        return FAULT(RC_REJECT_LENGTH, "a property's name must not be empty");
    if (name.size > RC_PROPERTY_NAME_BYTES_MAX)
        return FAULT(RC_REJECT_LENGTH, "a property's name has at most 256 bytes");
    if (!rc_bytes_is_text(name))
        return FAULT(RC_REJECT_ENCODING, "the property's name is not UTF-8 or holds NUL");
    return (struct fault){0};
}

static struct fault
check_list(const struct rc_value *list)
{
    if (list->item_count > RC_LIST_ITEMS_MAX)
        return FAULT(RC_REJECT_TOO_MANY, "a list has at most 1,024 elements");
    size_t bytes = 0;
    for (uint32_t i = 0; i < list->item_count; i++) {
        bytes += list->items[i].size + 4;
        if (!rc_bytes_is_text(list->items[i]))
            return FAULT(RC_REJECT_ENCODING, "an element of the list is not UTF-8 or holds NUL");
    }
    if (bytes > RC_VALUE_BYTES_MAX)
        return FAULT(RC_REJECT_LENGTH, "a list has at most 65,536 bytes, 4 an element included");
    return (struct fault){0};
}

static struct fault
check_value(const struct rc_value *value)
{
    switch (value->kind) {
    case RC_VALUE_DOUBLE:
        if (!isfinite(value->real))
            return FAULT(RC_REJECT_OUT_OF_RANGE, "a number must be finite");
        break;
    case RC_VALUE_STRING:
        if (value->string.size > RC_VALUE_BYTES_MAX)
            return FAULT(RC_REJECT_LENGTH, "a text has at most 65,536 bytes");
        if (!rc_bytes_is_text(value->string))
            return FAULT(RC_REJECT_ENCODING, "the text is not UTF-8 or holds NUL");
        break;
    case RC_VALUE_LIST:
        return check_list(value);
    case RC_VALUE_NULL:
    case RC_VALUE_BOOL:
    case RC_VALUE_INT:
        break;
    }
    return (struct fault){0};
}

static struct fault
check_account(struct rc_bytes account)
{
    const struct rc_bytes key = rc_account_id_key(account);
    const struct rc_bytes id = rc_account_id_id(account);
    if (key.size == 0)
        return FAULT(RC_REJECT_MISSING, "the row does not say which property names the account");
    if (key.size > RC_PROPERTY_NAME_BYTES_MAX)
        return FAULT(RC_REJECT_LENGTH, "a property's name has at most 256 bytes");
    if (id.size == 0)
        return FAULT(RC_REJECT_MISSING, "the row has no account");
    if (id.size > RC_USER_ID_BYTES_MAX)
        return FAULT(RC_REJECT_LENGTH, "an account's id has at most 512 bytes");
    if (!rc_bytes_is_text(key) || !rc_bytes_is_text(id))
        return FAULT(RC_REJECT_ENCODING, "the account is not UTF-8 or holds NUL");
    return (struct fault){0};
}

static enum rc_status
check_users(struct checker *checker, const struct rc_batch_table *table, bool are_accounts)
{
    bool any = false;
    struct fault *faults = RC_ARENA_ARRAY(checker->arena, struct fault, table->user_count);
    if (faults == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < table->user_count; i++) {
        faults[i] = are_accounts ? check_account(table->users[i]) : check_user(table->users[i]);
        any = any || faults[i].message != NULL;
    }
    for (uint32_t row = 0; any && row < table->row_count; row++) {
        const struct fault fault = faults[rc_packed_u32(table->user_codes, row)];
        if (fault.message != NULL)
            RC_TRY(
                reject_row(checker, row, fault,
                           are_accounts ? RC_BYTES_LITERAL("account") : RC_BYTES_LITERAL("user")));
    }
    return RC_OK;
}

static struct fault
time_fault(int64_t time_ms, const struct rc_batch_times *times)
{
    if (time_ms < RC_TIME_MS_MIN || time_ms > RC_TIME_MS_MAX)
        return FAULT(RC_REJECT_OUT_OF_RANGE,
                     "a time lies in the years 1 to 9999, in ms since 1970");
    if (time_ms < times->least_ms)
        return FAULT(RC_REJECT_EXPIRED, "the event is older than the project keeps events");
    return FAULT(RC_REJECT_FUTURE,
                 "the time is further ahead of the server's clock than the project allows");
}

static enum rc_status
check_times(struct checker *checker,
            const struct rc_batch_table *table,
            const struct rc_batch_times *times)
{
    for (uint32_t row = 0; row < table->row_count; row++) {
        const int64_t time_ms = rc_packed_i64(table->times_ms, row);
        if (time_ms < times->least_ms || time_ms > times->greatest_ms)
            RC_TRY(reject_row(checker, row, time_fault(time_ms, times), RC_BYTES_LITERAL("time")));
    }
    return RC_OK;
}

static enum rc_status
check_column(struct checker *checker, const struct rc_batch_column *column)
{
    struct fault *faults = RC_ARENA_ARRAY(checker->arena, struct fault, column->value_count);
    if (faults == NULL)
        return RC_NO_MEMORY;
    const struct fault name_fault = check_name(column->name);
    bool any = false;
    for (uint32_t i = 0; i < column->value_count; i++) {
        const struct rc_value *value = &column->values[i];
        faults[i] = name_fault.message != NULL && value->kind != RC_VALUE_NULL ? name_fault
                                                                               : check_value(value);
        any = any || faults[i].message != NULL;
    }
    const uint32_t count = column->rows == NULL ? checker->row_count : column->sparse_count;
    for (uint32_t i = 0; any && i < count; i++) {
        const uint32_t code = rc_packed_code(column->codes, column->code_width, i);
        if (code == 0 || faults[code - 1].message == NULL)
            continue;
        const uint32_t row = column->rows == NULL ? i : rc_packed_u32(column->rows, i);
        RC_TRY(reject_row(checker, row, faults[code - 1], column->name));
    }
    return RC_OK;
}

static enum rc_status
check_table(struct checker *checker,
            const struct rc_batch_table *table,
            const struct rc_batch_times *times,
            const struct rc_bytes *text_ids,
            bool are_accounts)
{
    RC_ASSERT(times->least_ms >= RC_TIME_MS_MIN && times->greatest_ms <= RC_TIME_MS_MAX);
    RC_TRY(check_users(checker, table, are_accounts));
    RC_TRY(check_times(checker, table, times));
    for (uint32_t row = 0; text_ids != NULL && row < table->row_count; row++) {
        const struct fault fault = check_event_id(text_ids[row]);
        if (fault.message != NULL)
            RC_TRY(reject_row(checker, row, fault, RC_BYTES_LITERAL("id")));
    }
    for (uint32_t i = 0; i < table->column_count; i++)
        RC_TRY(check_column(checker, &table->columns[i]));
    return RC_OK;
}

static enum rc_status
check_aliases(struct checker *checker, const struct rc_batch *batch)
{
    for (uint32_t row = 0; row < batch->alias_count; row++) {
        const struct fault left = check_user(batch->alias_left[row]);
        const struct fault right = check_user(batch->alias_right[row]);
        if (left.message != NULL)
            RC_TRY(reject_row(checker, row, left, RC_BYTES_LITERAL("alias[0]")));
        else if (right.message != NULL)
            RC_TRY(reject_row(checker, row, right, RC_BYTES_LITERAL("alias[1]")));
    }
    return RC_OK;
}

/* Lists a part's faults and makes its mask; *ret_mask is NULL when every row is taken. */
static enum rc_status
finish_part(struct checker *checker,
            enum rc_batch_part part,
            struct rc_rejects *rejects,
            const uint64_t **ret_mask)
{
    *ret_mask = NULL;
    if (checker->faults == NULL)
        return RC_OK;
    uint64_t *mask = RC_ARENA_ARRAY(checker->arena, uint64_t, (checker->row_count + 63) / 64);
    if (mask == NULL)
        return RC_NO_MEMORY;
    for (uint32_t row = 0; row < checker->row_count; row++) {
        const struct fault *fault = &checker->faults[row];
        if (fault->message == NULL) {
            mask[row / 64] |= (uint64_t)1 << (row % 64);
        } else if (rejects->listed < RC_REJECTS_LISTED_MAX) {
            rejects->list[rejects->listed++] = (struct rc_reject){
                .part = part,
                .row = row,
                .reason = fault->reason,
                .field = fault->field,
                .message = rc_bytes_of(fault->message),
            };
        }
    }
    rejects->count += checker->fault_count;
    *ret_mask = mask;
    return RC_OK;
}

enum rc_status
rc_batch_check_within(const struct rc_batch *batch,
                      const struct rc_batch_times *times,
                      struct rc_arena *arena,
                      struct rc_batch_keep *ret_keep,
                      struct rc_rejects *ret_rejects)
{
    const struct rc_batch_times write_times = {RC_TIME_MS_MIN, times->greatest_ms};
    struct rc_batch_keep keep = {0};
    struct rc_rejects rejects = {
        .list = RC_ARENA_ARRAY(arena, struct rc_reject, RC_REJECTS_LISTED_MAX),
    };
    if (rejects.list == NULL)
        return RC_NO_MEMORY;
    struct checker events = {.arena = arena, .row_count = batch->events.row_count};
    RC_TRY(check_table(&events, &batch->events, times, batch->text_ids, false));
    RC_TRY(finish_part(&events, RC_PART_EVENTS, &rejects, &keep.events));
    struct checker writes = {.arena = arena, .row_count = batch->writes.row_count};
    RC_TRY(check_table(&writes, &batch->writes, &write_times, NULL, false));
    RC_TRY(finish_part(&writes, RC_PART_WRITES, &rejects, &keep.writes));
    struct checker aliases = {.arena = arena, .row_count = batch->alias_count};
    RC_TRY(check_aliases(&aliases, batch));
    RC_TRY(finish_part(&aliases, RC_PART_ALIASES, &rejects, &keep.aliases));
    struct checker accounts = {.arena = arena, .row_count = batch->accounts.row_count};
    RC_TRY(check_table(&accounts, &batch->accounts, &write_times, NULL, true));
    RC_TRY(finish_part(&accounts, RC_PART_ACCOUNTS, &rejects, &keep.accounts));
    const uint64_t rows = (uint64_t)batch->events.row_count + batch->writes.row_count +
                          batch->alias_count + batch->accounts.row_count;
    keep.accepted = rows - rejects.count;
    *ret_keep = keep;
    *ret_rejects = rejects;
    return RC_OK;
}

enum rc_status
rc_batch_check(const struct rc_batch *batch,
               struct rc_arena *arena,
               struct rc_batch_keep *ret_keep,
               struct rc_rejects *ret_rejects)
{
    const struct rc_batch_times times = {RC_TIME_MS_MIN, RC_TIME_MS_MAX};
    return rc_batch_check_within(batch, &times, arena, ret_keep, ret_rejects);
}
