/*
 * Decode: lines of JSON into the columns of a batch.
 *
 * A line is walked once. Which kind of row it is shows only in its keys and these come in any
 * order, so properties go to the table that their key names ("properties" or "set"), and the line's
 * end decides whether the row is kept. A line that breaks a rule is rolled back, noted, and
 * followed by the next.
 *
 * What can be wrong with a value (length, bytes, range) is left to the batch's own check, which
 * columnar batches go through as well; only what cannot be a row at all is refused here.
 */
#include "engine/store/value/account_id.h"
#include "server/decode/wire.h"
#include "server/ingest/decode_batch.h"
#include "server/ingest/json_number.h"
#include "server/ingest/ndjson_line.h"

static void
row_note(struct rc_ndjson_walk *walk, struct rc_ndjson_rows *rows)
{
    rows->lines[rows->count++] = walk->line;
}

static struct rc_bytes
keep_text(struct rc_ndjson_walk *walk, struct rc_bytes text)
{
    const char *copy = rc_arena_string(walk->arena, text.data, text.size);
    walk->failed |= copy == NULL;
    return (struct rc_bytes){copy == NULL ? "" : copy, copy == NULL ? 0 : text.size};
}

/* Whether a key of another kind of line is there; it is then named. */
static bool
has_other_keys(struct rc_ndjson_walk *walk, const enum rc_ndjson_key *others, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (walk->seen[others[i]]) {
            rc_ndjson_reject_key(walk, RC_REJECT_UNKNOWN_FIELD, others[i],
                                 "the field belongs to another kind of line");
            return true;
        }
    return false;
}

static void
take_alias(struct rc_ndjson_walk *walk)
{
    static const enum rc_ndjson_key others[] = {
        KEY_USER, KEY_TIME, KEY_ID, KEY_PROPERTIES, KEY_SET, KEY_ACCOUNT_KEY, KEY_ACCOUNT};
    if (has_other_keys(walk, others, 7))
        return;
    walk->alias_left[walk->alias_rows.count] = keep_text(walk, walk->pair[0]);
    walk->alias_right[walk->alias_rows.count] = keep_text(walk, walk->pair[1]);
    row_note(walk, &walk->alias_rows);
}

/* Properties that came under "set" are those of an account after all. */
static void
take_account(struct rc_ndjson_walk *walk)
{
    static const enum rc_ndjson_key others[] = {KEY_USER, KEY_ID, KEY_PROPERTIES};
    static const enum rc_ndjson_key needed[] = {KEY_ACCOUNT_KEY, KEY_ACCOUNT, KEY_TIME, KEY_SET};
    if (has_other_keys(walk, others, 3))
        return;
    for (uint32_t i = 0; i < 4; i++)
        if (!walk->seen[needed[i]]) {
            rc_ndjson_reject_key(walk, RC_REJECT_MISSING, needed[i], "the field is missing");
            return;
        }
    const struct rc_bytes name = rc_account_id_make(walk->arena, walk->account_key, walk->account);
    if (name.size == 0 || rc_columns_move(walk->writes, walk->accounts) != RC_OK ||
        rc_columns_commit(walk->accounts, name, walk->time_ms) != RC_OK)
        walk->failed = true;
    else
        row_note(walk, &walk->account_rows);
}

static void
take_row(struct rc_ndjson_walk *walk)
{
    static const enum rc_ndjson_key others[] = {KEY_ID, KEY_PROPERTIES};
    const bool is_write = walk->seen[KEY_SET];
    if (is_write && has_other_keys(walk, others, 2))
        return;
    for (enum rc_ndjson_key key = KEY_USER; key <= KEY_TIME; key++)
        if (!walk->seen[key]) {
            rc_ndjson_reject_key(walk, RC_REJECT_MISSING, key, "the field is missing");
            return;
        }
    struct rc_columns *columns = is_write ? walk->writes : walk->events;
    if (!is_write) {
        walk->ids[walk->event_rows.count] =
            walk->id.size == 0 ? (struct rc_bytes){"", 0} : keep_text(walk, walk->id);
        walk->any_id |= walk->id.size > 0;
    }
    if (rc_columns_commit(columns, walk->user, walk->time_ms) != RC_OK)
        walk->failed = true;
    else
        row_note(walk, is_write ? &walk->write_rows : &walk->event_rows);
}

static void
refuse_line(struct rc_ndjson_walk *walk, enum rc_json_result result, const char *line, size_t size)
{
    const struct rc_bytes none = {"", 0};
    switch (result) {
    case RC_JSON_ENCODING:
        rc_ndjson_reject(walk, RC_REJECT_ENCODING, none, "the line is not UTF-8");
        return;
    case RC_JSON_NUMBER: {
        char name[RC_PROPERTY_NAME_BYTES_MAX];
        const size_t name_bytes = rc_json_find_number(line, size, name, sizeof(name));
        rc_ndjson_reject(walk, RC_REJECT_OUT_OF_RANGE, (struct rc_bytes){name, name_bytes},
                         "a number is malformed or out of range");
        return;
    }
    case RC_JSON_DEPTH:
        rc_ndjson_reject(walk, RC_REJECT_TOO_MANY, none, "the line is nested too deep");
        return;
    case RC_JSON_NO_OBJECT:
        rc_ndjson_reject(walk, RC_REJECT_SYNTAX, none, "the line is no JSON object");
        return;
    case RC_JSON_NO_MEMORY:
        walk->failed = true;
        return;
    default:
        rc_ndjson_reject(walk, RC_REJECT_SYNTAX, none, "the line is not JSON");
        return;
    }
}

static void
walk_line(struct rc_ndjson_walk *walk, struct rc_json_parser *parser, const char *line, size_t size)
{
    memset(walk->seen, 0, sizeof(walk->seen));
    walk->inside = KEY_NONE;
    walk->user = walk->id = walk->account_key = walk->account = (struct rc_bytes){"", 0};
    walk->pair_count = 0;
    walk->depth = 0;
    walk->name_ends[0] = 0;
    walk->in_array = false;
    const enum rc_json_result result = rc_json_parse(parser, line, size, rc_ndjson_on_event, walk);
    if (result == RC_JSON_OK) {
        if (walk->seen[KEY_ALIAS])
            take_alias(walk);
        else if (walk->seen[KEY_ACCOUNT_KEY] || walk->seen[KEY_ACCOUNT])
            take_account(walk);
        else
            take_row(walk);
    } else if (result != RC_JSON_STOPPED) {
        refuse_line(walk, result, line, size);
    }
    rc_columns_rollback(walk->events); /* Of a kept row nothing is left to roll back. */
    rc_columns_rollback(walk->writes);
    rc_columns_rollback(walk->accounts);
}

/* Walks all lines. The parser may read a little past a line, so the last ones are walked
 * in a copy. */
static enum rc_status
walk_lines(struct rc_decode *decode,
           struct rc_ndjson_walk *walk,
           struct rc_json_parser *parser,
           struct rc_bytes bytes)
{
    const char *at = bytes.data;
    const char *end = bytes.data + bytes.size;
    for (; at < end && !walk->failed; walk->line++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        const char *next = stop == NULL ? end : stop + 1;
        size_t size = (size_t)((stop == NULL ? end : stop) - at);
        if (size > 0 && at[size - 1] == '\r')
            size--;
        const char *line = at;
        at = next;
        if (size == 0)
            continue;
        if ((size_t)(end - (line + size)) < RC_JSON_PADDING_BYTES) {
            char *copy = rc_arena_alloc(walk->arena, size + RC_JSON_PADDING_BYTES);
            if (copy == NULL)
                return rc_decode_no_memory(decode);
            memcpy(copy, line, size);
            memset(copy + size, ' ', RC_JSON_PADDING_BYTES);
            line = copy;
        }
        walk_line(walk, parser, line, size);
    }
    return walk->failed ? rc_decode_no_memory(decode) : RC_OK;
}

static uint32_t
count_lines(struct rc_bytes bytes)
{
    uint32_t count = 1;
    const char *at = bytes.data;
    const char *end = bytes.data + bytes.size;
    while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        at++;
        count += at < end;
    }
    return count;
}

/* false: no memory. */
static bool
walk_open(struct rc_ndjson_walk *walk,
          struct rc_arena *arena,
          uint32_t lines,
          struct rc_ndjson *out)
{
    walk->arena = arena;
    walk->out = out;
    walk->events = rc_columns_new(arena);
    walk->writes = rc_columns_new(arena);
    walk->accounts = rc_columns_new(arena);
    walk->event_rows.lines = RC_ARENA_ARRAY(arena, uint32_t, lines);
    walk->write_rows.lines = RC_ARENA_ARRAY(arena, uint32_t, lines);
    walk->alias_rows.lines = RC_ARENA_ARRAY(arena, uint32_t, lines);
    walk->account_rows.lines = RC_ARENA_ARRAY(arena, uint32_t, lines);
    walk->ids = RC_ARENA_ARRAY(arena, struct rc_bytes, lines);
    walk->alias_left = RC_ARENA_ARRAY(arena, struct rc_bytes, lines);
    walk->alias_right = RC_ARENA_ARRAY(arena, struct rc_bytes, lines);
    out->rejects.list = RC_ARENA_ARRAY(arena, struct rc_reject, RC_REJECTS_LISTED_MAX);
    return walk->events != NULL && walk->writes != NULL && walk->event_rows.lines != NULL &&
           walk->write_rows.lines != NULL && walk->alias_rows.lines != NULL &&
           walk->accounts != NULL && walk->account_rows.lines != NULL && walk->ids != NULL &&
           walk->alias_left != NULL && walk->alias_right != NULL && out->rejects.list != NULL;
}

/* NdjsonBatch has one field. */
static enum rc_status
read_lines_field(struct rc_decode *decode, struct rc_bytes bytes, struct rc_bytes *ret_lines)
{
    struct rc_reader reader = rc_reader_of(bytes.data, bytes.size);
    bool there = false;
    *ret_lines = (struct rc_bytes){"", 0};
    while (rc_reader_left(&reader) > 0) {
        struct rc_wire_field field;
        if (!rc_wire_next(&reader, &field))
            return rc_decode_fail(decode, RC_INVALID, "", "the bytes are no NdjsonBatch message");
        if (field.number != 1)
            return rc_decode_fail(decode, RC_UNSUPPORTED, "",
                                  "field %u of NdjsonBatch is not known to this server",
                                  field.number);
        if (field.wire != RC_WIRE_BYTES || there)
            return rc_decode_fail(decode, RC_INVALID, "lines",
                                  there ? "the field is sent twice"
                                        : "the field has the wrong wire type");
        there = true;
        *ret_lines = field.bytes;
    }
    return RC_OK;
}

enum rc_status
rc_decode_ndjson(struct rc_decode *decode, struct rc_bytes bytes, struct rc_ndjson *ret_ndjson)
{
    struct rc_ndjson out = {.event_lines = NULL};
    RC_TRY(read_lines_field(decode, bytes, &bytes));
    const uint32_t lines = count_lines(bytes);
    if (lines > RC_BATCH_ROWS_MAX)
        return rc_decode_fail(decode, RC_INVALID, "lines", "a batch has at most %u lines",
                              RC_BATCH_ROWS_MAX);
    struct rc_ndjson_walk *walk = rc_arena_zero(decode->arena, sizeof(*walk));
    if (walk == NULL || !walk_open(walk, decode->arena, lines, &out))
        return rc_decode_no_memory(decode);
    struct rc_json_parser *parser = rc_json_parser_new();
    if (parser == NULL)
        return rc_decode_no_memory(decode);
    const enum rc_status status = walk_lines(decode, walk, parser, bytes);
    rc_json_parser_free(parser);
    RC_TRY(status);
    if (rc_columns_finish(walk->events, &out.batch.events) != RC_OK ||
        rc_columns_finish(walk->writes, &out.batch.writes) != RC_OK ||
        rc_columns_finish(walk->accounts, &out.batch.accounts) != RC_OK)
        return rc_decode_no_memory(decode);
    out.batch.text_ids = walk->any_id ? walk->ids : NULL;
    out.batch.alias_count = walk->alias_rows.count;
    out.batch.alias_left = walk->alias_left;
    out.batch.alias_right = walk->alias_right;
    out.event_lines = walk->event_rows.lines;
    out.write_lines = walk->write_rows.lines;
    out.alias_lines = walk->alias_rows.lines;
    out.account_lines = walk->account_rows.lines;
    *ret_ndjson = out;
    return RC_OK;
}
