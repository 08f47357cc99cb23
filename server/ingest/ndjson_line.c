/*
 * NDJSON line: what each event of a line means. Properties are flattened into their table as they
 * come; what the line is as a whole is decided at its end, elsewhere.
 */
#include "server/ingest/ndjson_line.h"

#include <stdio.h>

#include "server/ingest/decode_time.h"

static const char *const key_names[KEY_COUNT] = {
    "", "user", "time", "id", "properties", "set", "alias", "account_key", "account"};

const char *
rc_ndjson_key_name(enum rc_ndjson_key key)
{
    return key_names[key];
}

/* ---- Rejections ------------------------------------------------------------------------------ */

int
rc_ndjson_reject(struct rc_ndjson_walk *walk,
                 enum rc_reject_reason reason,
                 struct rc_bytes field,
                 const char *message)
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

int
rc_ndjson_reject_key(struct rc_ndjson_walk *walk,
                     enum rc_reject_reason reason,
                     enum rc_ndjson_key key,
                     const char *message)
{
    return rc_ndjson_reject(walk, reason, rc_bytes_of(key_names[key]), message);
}

/* ---- Properties ------------------------------------------------------------------------------ */

static struct rc_columns *
columns_of(struct rc_ndjson_walk *walk)
{
    return walk->inside == KEY_SET ? walk->writes : walk->events;
}

static int
put(struct rc_ndjson_walk *walk, struct rc_bytes name, struct rc_value value)
{
    const enum rc_status status = rc_columns_put(columns_of(walk), name, value);
    if (status == RC_OK)
        return 0;
    if (status == RC_EXISTS)
        return rc_ndjson_reject(walk, RC_REJECT_DUPLICATE_FIELD, name, "the property occurs twice");
    walk->failed = true;
    return 1;
}

/* The whole name of a member: the names of the objects around it, with dots. */
static int
name_join(struct rc_ndjson_walk *walk, const struct rc_json_event *event, struct rc_bytes *ret_name)
{
    const size_t prefix = walk->name_ends[walk->depth];
    if (event->key_bytes + prefix + 1 > NAME_BYTES)
        return rc_ndjson_reject(walk, RC_REJECT_LENGTH, (struct rc_bytes){"", 0},
                                "a property's name is longer than 256 bytes");
    if (event->key_bytes > 0)
        memcpy(walk->name + prefix, event->key, event->key_bytes);
    *ret_name = (struct rc_bytes){walk->name, prefix + event->key_bytes};
    return 0;
}

static int
object_open(struct rc_ndjson_walk *walk, struct rc_bytes name)
{
    if (walk->depth == OBJECT_DEPTH_MAX)
        return rc_ndjson_reject(walk, RC_REJECT_TOO_MANY, (struct rc_bytes){"", 0},
                                "objects are nested more than 32 deep");
    walk->name[name.size] = '.';
    walk->name_ends[++walk->depth] = name.size + 1;
    return 0;
}

static int
array_item(struct rc_ndjson_walk *walk, const struct rc_json_event *event)
{
    if (event->kind == RC_JSON_END) {
        walk->in_array = false;
        const struct rc_value list = {
            .kind = RC_VALUE_LIST, .item_count = walk->item_count, .items = walk->items};
        return put(walk, walk->item_name, walk->item_count == 0 ? rc_value_null() : list);
    }
    if (event->kind != RC_JSON_TEXT)
        return rc_ndjson_reject(walk, RC_REJECT_WRONG_TYPE, walk->item_name,
                                "an array of a property holds texts only");
    if (walk->item_count == RC_LIST_ITEMS_MAX)
        return rc_ndjson_reject(walk, RC_REJECT_TOO_MANY, walk->item_name,
                                "a list has at most 1024 texts");
    walk->items[walk->item_count++] = (struct rc_bytes){event->text, event->text_bytes};
    return 0;
}

static int
property(struct rc_ndjson_walk *walk, const struct rc_json_event *event)
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
        return rc_ndjson_reject(walk, RC_REJECT_OUT_OF_RANGE, name,
                                "the whole number does not fit into 64 bits with a sign");
    case RC_JSON_DOUBLE:
        if (rc_value_of_double(event->real, &value) != RC_OK)
            return rc_ndjson_reject(walk, RC_REJECT_OUT_OF_RANGE, name, "the number is not finite");
        break;
    case RC_JSON_TEXT:
        value = rc_value_string((struct rc_bytes){event->text, event->text_bytes});
        break;
    default:
        break;
    }
    return put(walk, name, value);
}

/* ---- Members of the line --------------------------------------------------------------------- */

/* An id: a text, or a whole number as its decimal text. */
static int
identity(struct rc_ndjson_walk *walk,
         const struct rc_json_event *event,
         enum rc_ndjson_key key,
         char digits[24],
         struct rc_bytes *ret_id)
{
    if (event->kind == RC_JSON_TEXT) {
        *ret_id = (struct rc_bytes){event->text, event->text_bytes};
        return 0;
    }
    if (event->kind != RC_JSON_INT && event->kind != RC_JSON_BIG)
        return rc_ndjson_reject_key(walk, RC_REJECT_WRONG_TYPE, key,
                                    "an id is a text or a whole number");
    const int size = event->kind == RC_JSON_INT
                         ? snprintf(digits, 24, "%lld", (long long)event->integer)
                         : snprintf(digits, 24, "%llu", (unsigned long long)event->integer);
    *ret_id = (struct rc_bytes){digits, (size_t)size};
    return 0;
}

static int
time_of(struct rc_ndjson_walk *walk, const struct rc_json_event *event)
{
    if (event->kind == RC_JSON_INT) {
        walk->time_ms = event->integer;
        return 0;
    }
    if (event->kind == RC_JSON_BIG)
        return rc_ndjson_reject_key(walk, RC_REJECT_OUT_OF_RANGE, KEY_TIME,
                                    "the time lies outside the years 1 to 9999");
    if (event->kind != RC_JSON_TEXT)
        return rc_ndjson_reject_key(walk, RC_REJECT_WRONG_TYPE, KEY_TIME,
                                    "a time is a whole number of milliseconds or an RFC 3339 text");
    if (!rc_decode_time_text((struct rc_bytes){event->text, event->text_bytes}, &walk->time_ms))
        return rc_ndjson_reject_key(walk, RC_REJECT_WRONG_TYPE, KEY_TIME,
                                    "the text is no RFC 3339 time with a zone");
    return 0;
}

static int
alias_item(struct rc_ndjson_walk *walk, const struct rc_json_event *event)
{
    if (event->kind == RC_JSON_END) {
        walk->inside = KEY_NONE;
        return walk->pair_count == 2 ? 0
                                     : rc_ndjson_reject_key(walk, RC_REJECT_WRONG_TYPE, KEY_ALIAS,
                                                            "an alias is an array of two ids");
    }
    if (walk->pair_count == 2)
        return rc_ndjson_reject_key(walk, RC_REJECT_WRONG_TYPE, KEY_ALIAS,
                                    "an alias is an array of two ids");
    const uint32_t at = walk->pair_count++;
    return identity(walk, event, KEY_ALIAS, walk->pair_digits[at], &walk->pair[at]);
}

static enum rc_ndjson_key
key_of(const struct rc_json_event *event)
{
    const struct rc_bytes name = {event->key, event->key_bytes};
    for (enum rc_ndjson_key key = KEY_USER; key < KEY_COUNT; key++)
        if (rc_bytes_equal(name, rc_bytes_of(key_names[key])))
            return key;
    return KEY_NONE;
}

static int
top_member(struct rc_ndjson_walk *walk, const struct rc_json_event *event)
{
    const enum rc_ndjson_key key = key_of(event);
    if (key == KEY_NONE)
        return rc_ndjson_reject(walk, RC_REJECT_UNKNOWN_FIELD,
                                (struct rc_bytes){event->key, event->key_bytes},
                                "a line has no such field");
    if (walk->seen[key])
        return rc_ndjson_reject_key(walk, RC_REJECT_DUPLICATE_FIELD, key, "the field occurs twice");
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
    case KEY_ACCOUNT:
        return identity(walk, event, KEY_ACCOUNT, walk->account_digits, &walk->account);
    case KEY_ACCOUNT_KEY:
        if (event->kind != RC_JSON_TEXT)
            return rc_ndjson_reject_key(walk, RC_REJECT_WRONG_TYPE, KEY_ACCOUNT_KEY,
                                        "the name of a property is a text");
        walk->account_key = (struct rc_bytes){event->text, event->text_bytes};
        return 0;
    case KEY_ALIAS:
        if (event->kind != RC_JSON_ARRAY)
            return rc_ndjson_reject_key(walk, RC_REJECT_WRONG_TYPE, KEY_ALIAS,
                                        "an alias is an array of two ids");
        walk->inside = KEY_ALIAS;
        return 0;
    default:
        if (event->kind != RC_JSON_OBJECT)
            return rc_ndjson_reject_key(walk, RC_REJECT_WRONG_TYPE, key,
                                        "properties are an object");
        walk->inside = key;
        return 0;
    }
}

int
rc_ndjson_on_event(void *context, const struct rc_json_event *event)
{
    struct rc_ndjson_walk *walk = context;
    if (walk->inside == KEY_NONE)
        return top_member(walk, event);
    if (walk->inside == KEY_ALIAS)
        return alias_item(walk, event);
    return property(walk, event);
}
