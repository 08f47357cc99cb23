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
#include <stdio.h>

#include "engine/base/limits.h"
#include "server/columns.h"
#include "server/decode_batch.h"
#include "server/decode_time.h"
#include "server/json_line.h"
#include "server/json_number.h"
#include "server/wire.h"

/* Objects inside "properties" or "set". */
#define OBJECT_DEPTH_MAX 32u

/* A flattened name; longer ones than a property may have are refused by the batch's check. */
#define NAME_BYTES 1024u

enum top_key {
    KEY_NONE,
    KEY_USER,
    KEY_TIME,
    KEY_ID,
    KEY_PROPERTIES,
    KEY_SET,
    KEY_ALIAS,
    KEY_COUNT
};

static const char *const key_names[KEY_COUNT] = {"",           "user", "time", "id",
                                                 "properties", "set",  "alias"};

struct rows {
    uint32_t *lines;
    uint32_t count;
};

struct walk {
    struct rc_arena *arena;
    struct rc_ndjson *out;
    struct rc_columns *events;
    struct rc_columns *writes;
    struct rows event_rows;
    struct rows write_rows;
    struct rows alias_rows;
    struct rc_bytes *ids; /* One an event; empty: none. */
    bool any_id;
    struct rc_bytes *alias_left;
    struct rc_bytes *alias_right;
    uint32_t line;
    bool failed; /* No memory. */

    /* The line that is walked. */
    bool seen[KEY_COUNT];
    enum top_key inside; /* The member whose content is walked, or KEY_NONE. */
    struct rc_bytes user;
    struct rc_bytes id;
    int64_t time_ms;
    char user_digits[24];
    char id_digits[24];
    char pair_digits[2][24];
    struct rc_bytes pair[2];
    uint32_t pair_count;
    char name[NAME_BYTES];
    size_t name_ends[OBJECT_DEPTH_MAX + 1]; /* Where the prefix of each open object ends. */
    uint32_t depth;
    bool in_array;
    struct rc_bytes items[RC_LIST_ITEMS_MAX];
    uint32_t item_count;
    struct rc_bytes item_name;
};

/* ---- Rejections -------------------------------------------------------------------------------
 */

/* Notes the line as rejected. Returns non-zero: the walk of the line ends. */
static int
reject(struct walk *walk, enum rc_reject_reason reason, struct rc_bytes field, const char *message)
{
    struct rc_rejects *rejects = &walk->out->rejects;
    rejects->count++;
    if (rejects->listed == RC_REJECTS_LISTED_MAX)
        return 1;
    if (field.size > RC_PROPERTY_NAME_BYTES_MAX)
        field.size = 0;
    const char *copy = rc_arena_string(walk->arena, field.data, field.size);
    if (copy == NULL) {
        walk->failed = true;
        return 1;
    }
    rejects->list[rejects->listed++] = (struct rc_reject){.row = walk->line,
                                                          .reason = reason,
                                                          .field = {copy, field.size},
                                                          .message = rc_bytes_of(message)};
    return 1;
}

static int
reject_key(struct walk *walk, enum rc_reject_reason reason, enum top_key key, const char *message)
{
    return reject(walk, reason, rc_bytes_of(key_names[key]), message);
}

/* ---- Properties -------------------------------------------------------------------------------
 */

static struct rc_columns *
columns_of(struct walk *walk)
{
    return walk->inside == KEY_SET ? walk->writes : walk->events;
}

static int
put(struct walk *walk, struct rc_bytes name, struct rc_value value)
{
    const enum rc_status status = rc_columns_put(columns_of(walk), name, value);
    if (status == RC_OK)
        return 0;
    if (status == RC_EXISTS)
        return reject(walk, RC_REJECT_DUPLICATE_FIELD, name, "the property occurs twice");
    walk->failed = true;
    return 1;
}

/* The whole name of a member: the names of the objects around it, with dots. */
static int
name_join(struct walk *walk, const struct rc_json_event *event, struct rc_bytes *ret_name)
{
    const size_t prefix = walk->name_ends[walk->depth];
    if (event->key_bytes + prefix + 1 > NAME_BYTES)
        return reject(walk, RC_REJECT_LENGTH, (struct rc_bytes){"", 0},
                      "a property's name is longer than 256 bytes");
    if (event->key_bytes > 0)
        memcpy(walk->name + prefix, event->key, event->key_bytes);
    *ret_name = (struct rc_bytes){walk->name, prefix + event->key_bytes};
    return 0;
}

static int
object_open(struct walk *walk, struct rc_bytes name)
{
    if (walk->depth == OBJECT_DEPTH_MAX)
        return reject(walk, RC_REJECT_TOO_MANY, (struct rc_bytes){"", 0},
                      "objects are nested more than 32 deep");
    walk->name[name.size] = '.';
    walk->name_ends[++walk->depth] = name.size + 1;
    return 0;
}

static int
array_item(struct walk *walk, const struct rc_json_event *event)
{
    if (event->kind == RC_JSON_END) {
        walk->in_array = false;
        const struct rc_value list = {
            .kind = RC_VALUE_LIST, .item_count = walk->item_count, .items = walk->items};
        return put(walk, walk->item_name, walk->item_count == 0 ? rc_value_null() : list);
    }
    if (event->kind != RC_JSON_TEXT)
        return reject(walk, RC_REJECT_WRONG_TYPE, walk->item_name,
                      "an array of a property holds texts only");
    if (walk->item_count == RC_LIST_ITEMS_MAX)
        return reject(walk, RC_REJECT_TOO_MANY, walk->item_name, "a list has at most 1024 texts");
    walk->items[walk->item_count++] = (struct rc_bytes){event->text, event->text_bytes};
    return 0;
}

static int
property(struct walk *walk, const struct rc_json_event *event)
{
    struct rc_bytes name;
    struct rc_value value = rc_value_null();
    if (walk->in_array)
        return array_item(walk, event);
    if (event->kind == RC_JSON_END) {
        if (walk->depth == 0)
            walk->inside = KEY_NONE;
        else
            walk->depth--;
        return 0;
    }
    if (name_join(walk, event, &name) != 0)
        return 1;
    switch (event->kind) {
    case RC_JSON_OBJECT:
        return object_open(walk, name);
    case RC_JSON_ARRAY:
        walk->in_array = true;
        walk->item_count = 0;
        walk->item_name = name;
        return 0;
    case RC_JSON_BOOL:
        value = rc_value_bool(event->integer != 0);
        break;
    case RC_JSON_INT:
        value = rc_value_int(event->integer);
        break;
    case RC_JSON_BIG:
        return reject(walk, RC_REJECT_OUT_OF_RANGE, name,
                      "the whole number does not fit into 64 bits with a sign");
    case RC_JSON_DOUBLE:
        if (rc_value_of_double(event->real, &value) != RC_OK)
            return reject(walk, RC_REJECT_OUT_OF_RANGE, name, "the number is not finite");
        break;
    case RC_JSON_TEXT:
        value = rc_value_string((struct rc_bytes){event->text, event->text_bytes});
        break;
    default:
        break;
    }
    return put(walk, name, value);
}

/* ---- Members of the line -----------------------------------------------------------------------
 */

/* An id: a text, or a whole number as its decimal text. */
static int
identity(struct walk *walk,
         const struct rc_json_event *event,
         enum top_key key,
         char digits[24],
         struct rc_bytes *ret_id)
{
    if (event->kind == RC_JSON_TEXT) {
        *ret_id = (struct rc_bytes){event->text, event->text_bytes};
        return 0;
    }
    if (event->kind != RC_JSON_INT && event->kind != RC_JSON_BIG)
        return reject_key(walk, RC_REJECT_WRONG_TYPE, key, "an id is a text or a whole number");
    const int size = event->kind == RC_JSON_INT
                         ? snprintf(digits, 24, "%lld", (long long)event->integer)
                         : snprintf(digits, 24, "%llu", (unsigned long long)event->integer);
    *ret_id = (struct rc_bytes){digits, (size_t)size};
    return 0;
}

static int
time_of(struct walk *walk, const struct rc_json_event *event)
{
    if (event->kind == RC_JSON_INT) {
        walk->time_ms = event->integer;
        return 0;
    }
    if (event->kind == RC_JSON_BIG)
        return reject_key(walk, RC_REJECT_OUT_OF_RANGE, KEY_TIME,
                          "the time lies outside the years 1 to 9999");
    if (event->kind != RC_JSON_TEXT)
        return reject_key(walk, RC_REJECT_WRONG_TYPE, KEY_TIME,
                          "a time is a whole number of milliseconds or an RFC 3339 text");
    if (!rc_decode_time_text((struct rc_bytes){event->text, event->text_bytes}, &walk->time_ms))
        return reject_key(walk, RC_REJECT_WRONG_TYPE, KEY_TIME,
                          "the text is no RFC 3339 time with a zone");
    return 0;
}

static int
alias_item(struct walk *walk, const struct rc_json_event *event)
{
    if (event->kind == RC_JSON_END) {
        walk->inside = KEY_NONE;
        return walk->pair_count == 2 ? 0
                                     : reject_key(walk, RC_REJECT_WRONG_TYPE, KEY_ALIAS,
                                                  "an alias is an array of two ids");
    }
    if (walk->pair_count == 2)
        return reject_key(walk, RC_REJECT_WRONG_TYPE, KEY_ALIAS, "an alias is an array of two ids");
    const uint32_t at = walk->pair_count++;
    return identity(walk, event, KEY_ALIAS, walk->pair_digits[at], &walk->pair[at]);
}

static enum top_key
key_of(const struct rc_json_event *event)
{
    const struct rc_bytes name = {event->key, event->key_bytes};
    for (enum top_key key = KEY_USER; key < KEY_COUNT; key++)
        if (rc_bytes_equal(name, rc_bytes_of(key_names[key])))
            return key;
    return KEY_NONE;
}

static int
top_member(struct walk *walk, const struct rc_json_event *event)
{
    const enum top_key key = key_of(event);
    if (key == KEY_NONE)
        return reject(walk, RC_REJECT_UNKNOWN_FIELD,
                      (struct rc_bytes){event->key, event->key_bytes}, "a line has no such field");
    if (walk->seen[key])
        return reject_key(walk, RC_REJECT_DUPLICATE_FIELD, key, "the field occurs twice");
    walk->seen[key] = true;
    switch (key) {
    case KEY_USER:
        return identity(walk, event, KEY_USER, walk->user_digits, &walk->user);
    case KEY_TIME:
        return time_of(walk, event);
    case KEY_ID:
        return event->kind == RC_JSON_NULL
                   ? 0
                   : identity(walk, event, KEY_ID, walk->id_digits, &walk->id);
    case KEY_ALIAS:
        if (event->kind != RC_JSON_ARRAY)
            return reject_key(walk, RC_REJECT_WRONG_TYPE, KEY_ALIAS,
                              "an alias is an array of two ids");
        walk->inside = KEY_ALIAS;
        return 0;
    default:
        if (event->kind != RC_JSON_OBJECT)
            return reject_key(walk, RC_REJECT_WRONG_TYPE, key, "properties are an object");
        walk->inside = key;
        return 0;
    }
}

static int
on_event(void *context, const struct rc_json_event *event)
{
    struct walk *walk = context;
    if (walk->inside == KEY_NONE)
        return top_member(walk, event);
    if (walk->inside == KEY_ALIAS)
        return alias_item(walk, event);
    return property(walk, event);
}

/* ---- Lines ------------------------------------------------------------------------------------
 */

static void
row_note(struct walk *walk, struct rows *rows)
{
    rows->lines[rows->count++] = walk->line;
}

static struct rc_bytes
keep_text(struct walk *walk, struct rc_bytes text)
{
    const char *copy = rc_arena_string(walk->arena, text.data, text.size);
    walk->failed |= copy == NULL;
    return (struct rc_bytes){copy == NULL ? "" : copy, copy == NULL ? 0 : text.size};
}

/* Whether a key of another kind of line is there; it is then named. */
static bool
has_other_keys(struct walk *walk, const enum top_key *others, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (walk->seen[others[i]]) {
            reject_key(walk, RC_REJECT_UNKNOWN_FIELD, others[i],
                       "the field belongs to another kind of line");
            return true;
        }
    return false;
}

static void
take_alias(struct walk *walk)
{
    static const enum top_key others[] = {KEY_USER, KEY_TIME, KEY_ID, KEY_PROPERTIES, KEY_SET};
    if (has_other_keys(walk, others, 5))
        return;
    walk->alias_left[walk->alias_rows.count] = keep_text(walk, walk->pair[0]);
    walk->alias_right[walk->alias_rows.count] = keep_text(walk, walk->pair[1]);
    row_note(walk, &walk->alias_rows);
}

static void
take_row(struct walk *walk)
{
    static const enum top_key others[] = {KEY_ID, KEY_PROPERTIES};
    const bool is_write = walk->seen[KEY_SET];
    if (is_write && has_other_keys(walk, others, 2))
        return;
    for (enum top_key key = KEY_USER; key <= KEY_TIME; key++)
        if (!walk->seen[key]) {
            reject_key(walk, RC_REJECT_MISSING, key, "the field is missing");
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
refuse_line(struct walk *walk, enum rc_json_result result, const char *line, size_t size)
{
    const struct rc_bytes none = {"", 0};
    switch (result) {
    case RC_JSON_ENCODING:
        reject(walk, RC_REJECT_ENCODING, none, "the line is not UTF-8");
        return;
    case RC_JSON_NUMBER: {
        char name[RC_PROPERTY_NAME_BYTES_MAX];
        const size_t name_bytes = rc_json_find_number(line, size, name, sizeof(name));
        reject(walk, RC_REJECT_OUT_OF_RANGE, (struct rc_bytes){name, name_bytes},
               "a number is malformed or out of range");
        return;
    }
    case RC_JSON_DEPTH:
        reject(walk, RC_REJECT_TOO_MANY, none, "the line is nested too deep");
        return;
    case RC_JSON_NO_OBJECT:
        reject(walk, RC_REJECT_SYNTAX, none, "the line is no JSON object");
        return;
    case RC_JSON_NO_MEMORY:
        walk->failed = true;
        return;
    default:
        reject(walk, RC_REJECT_SYNTAX, none, "the line is not JSON");
        return;
    }
}

static void
walk_line(struct walk *walk, struct rc_json_parser *parser, const char *line, size_t size)
{
    memset(walk->seen, 0, sizeof(walk->seen));
    walk->inside = KEY_NONE;
    walk->user = walk->id = (struct rc_bytes){"", 0};
    walk->pair_count = 0;
    walk->depth = 0;
    walk->name_ends[0] = 0;
    walk->in_array = false;
    const enum rc_json_result result = rc_json_parse(parser, line, size, on_event, walk);
    if (result == RC_JSON_OK) {
        if (walk->seen[KEY_ALIAS])
            take_alias(walk);
        else
            take_row(walk);
    } else if (result != RC_JSON_STOPPED) {
        refuse_line(walk, result, line, size);
    }
    rc_columns_rollback(walk->events); /* Of a kept row nothing is left to roll back. */
    rc_columns_rollback(walk->writes);
}

/* Walks all lines. The parser may read a little past a line, so the last ones are walked in a copy.
 */
static enum rc_status
walk_lines(struct rc_decode *decode,
           struct walk *walk,
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
walk_open(struct walk *walk, struct rc_arena *arena, uint32_t lines, struct rc_ndjson *out)
{
    walk->arena = arena;
    walk->out = out;
    walk->events = rc_columns_new(arena);
    walk->writes = rc_columns_new(arena);
    walk->event_rows.lines = RC_ARENA_ARRAY(arena, uint32_t, lines);
    walk->write_rows.lines = RC_ARENA_ARRAY(arena, uint32_t, lines);
    walk->alias_rows.lines = RC_ARENA_ARRAY(arena, uint32_t, lines);
    walk->ids = RC_ARENA_ARRAY(arena, struct rc_bytes, lines);
    walk->alias_left = RC_ARENA_ARRAY(arena, struct rc_bytes, lines);
    walk->alias_right = RC_ARENA_ARRAY(arena, struct rc_bytes, lines);
    out->rejects.list = RC_ARENA_ARRAY(arena, struct rc_reject, RC_REJECTS_LISTED_MAX);
    return walk->events != NULL && walk->writes != NULL && walk->event_rows.lines != NULL &&
           walk->write_rows.lines != NULL && walk->alias_rows.lines != NULL && walk->ids != NULL &&
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
    struct walk *walk = rc_arena_zero(decode->arena, sizeof(*walk));
    if (walk == NULL || !walk_open(walk, decode->arena, lines, &out))
        return rc_decode_no_memory(decode);
    struct rc_json_parser *parser = rc_json_parser_new();
    if (parser == NULL)
        return rc_decode_no_memory(decode);
    const enum rc_status status = walk_lines(decode, walk, parser, bytes);
    rc_json_parser_free(parser);
    RC_TRY(status);
    if (rc_columns_finish(walk->events, &out.batch.events) != RC_OK ||
        rc_columns_finish(walk->writes, &out.batch.writes) != RC_OK)
        return rc_decode_no_memory(decode);
    out.batch.text_ids = walk->any_id ? walk->ids : NULL;
    out.batch.alias_count = walk->alias_rows.count;
    out.batch.alias_left = walk->alias_left;
    out.batch.alias_right = walk->alias_right;
    out.event_lines = walk->event_rows.lines;
    out.write_lines = walk->write_rows.lines;
    out.alias_lines = walk->alias_rows.lines;
    *ret_ndjson = out;
    return RC_OK;
}
