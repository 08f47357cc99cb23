/*
 * NDJSON line: the state of the walk over the lines of a batch, and what one event of a line does
 * to it. Included by the decoder of NDJSON only.
 *
 * Ownership: everything comes from the batch's arena; texts of the line that is walked belong to
 * the parser. Threading: one thread.
 */
#ifndef RC_SERVER_INGEST_NDJSON_LINE_H
#define RC_SERVER_INGEST_NDJSON_LINE_H

#include "engine/base/limits.h"
#include "server/ingest/columns.h"
#include "server/ingest/decode_batch.h"
#include "server/ingest/json_line.h"

/* Objects inside "properties" or "set". */
#define OBJECT_DEPTH_MAX 32u

/* A flattened name; longer ones than a property may have are refused by the batch's check. */
#define NAME_BYTES 1024u

enum rc_ndjson_key {
    KEY_NONE,
    KEY_USER,
    KEY_TIME,
    KEY_ID,
    KEY_PROPERTIES,
    KEY_SET,
    KEY_ALIAS,
    KEY_ACCOUNT_KEY,
    KEY_ACCOUNT,
    KEY_COUNT
};

struct rc_ndjson_rows {
    uint32_t *lines;
    uint32_t count;
};

struct rc_ndjson_walk {
    struct rc_arena *arena;
    struct rc_ndjson *out;
    struct rc_columns *events;
    struct rc_columns *writes;
    struct rc_columns *accounts;
    struct rc_ndjson_rows event_rows;
    struct rc_ndjson_rows write_rows;
    struct rc_ndjson_rows alias_rows;
    struct rc_ndjson_rows account_rows;
    struct rc_bytes *ids; /* One an event; empty: none. */
    bool any_id;
    struct rc_bytes *alias_left;
    struct rc_bytes *alias_right;
    uint32_t line;
    bool failed; /* No memory. */

    /* The line that is walked. */
    bool seen[KEY_COUNT];
    enum rc_ndjson_key inside; /* The member whose content is walked, or KEY_NONE. */
    struct rc_bytes user;
    struct rc_bytes id;
    struct rc_bytes account_key;
    struct rc_bytes account;
    int64_t time_ms;
    char user_digits[24];
    char id_digits[24];
    char account_digits[24];
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

/* The name of a key of a line. */
const char *
rc_ndjson_key_name(enum rc_ndjson_key key);

/* Notes the line as rejected. Returns non-zero: the walk of the line ends. */
int
rc_ndjson_reject(struct rc_ndjson_walk *walk,
                 enum rc_reject_reason reason,
                 struct rc_bytes field,
                 const char *message);

int
rc_ndjson_reject_key(struct rc_ndjson_walk *walk,
                     enum rc_reject_reason reason,
                     enum rc_ndjson_key key,
                     const char *message);

/* Takes one event of the line; context is the walk. Non-zero: the line is rejected or memory is
 * short. */
int
rc_ndjson_on_event(void *context, const struct rc_json_event *event);

#endif
