/*
 * Mapping: says what the fields of an archive's rows are. Read from an INI file; docs/formats.md
 * describes every section and key.
 *
 * Ownership: a mapping owns everything it names.
 * Threading: read-only once made; any number of loads may share one.
 * Errors:    RC_INVALID names the file, the line and the key; an unknown section or key is an
 * error.
 */
#ifndef RC_LOADERS_MAPPING_H
#define RC_LOADERS_MAPPING_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "loaders/field.h"
#include "loaders/time_text.h"

enum rc_mapping_format {
    RC_MAPPING_NDJSON,
    RC_MAPPING_CSV,
    RC_MAPPING_COMBINED,
    RC_MAPPING_COPY,
};

/* What happens to a top-level field that nothing in the mapping names. */
enum rc_mapping_others { RC_OTHERS_IGNORE, RC_OTHERS_KEEP, RC_OTHERS_REJECT };

/* A field by its root and name; "properties.a" is the member a of the root "properties". */
struct rc_mapping_field {
    uint32_t root;
    struct rc_bytes name; /* In patterns: a * at the end stands for any rest. */
};

/* Where a user, a time or an id comes from; the first source that has a value is taken. */
enum rc_mapping_source_kind {
    RC_SOURCE_FIELD,       /* The value of one field. */
    RC_SOURCE_HASH_FIELDS, /* A hash over the values of some fields. */
    RC_SOURCE_HASH_ROW,    /* A hash of the row's bytes: equal rows are one event. */
    RC_SOURCE_HASH_OFFSET, /* A hash of the row's bytes and its place: equal rows are several. */
};

#define RC_MAPPING_SLOTS_MAX 64

struct rc_mapping_source {
    enum rc_mapping_source_kind kind;
    bool is_element;     /* Of a field that is a list: "alias[0]". */
    uint32_t element;    /* Which one, from 0. */
    uint32_t slot_count; /* 1 for a field. */
    uint32_t slots[8];   /* Indexes into the mapping's slots. */
};

#define RC_MAPPING_SOURCES_MAX 8

struct rc_mapping_sources {
    bool shared; /* What they name may be a property all the same. */
    uint32_t count;
    struct rc_mapping_source items[RC_MAPPING_SOURCES_MAX];
};

/* A test of one field: present (no values), one of the values, or the negation of either. */
struct rc_mapping_test {
    bool set; /* Whether there is a test. */
    bool negated;
    uint32_t slot;
    const struct rc_bytes *values; /* The empty text also stands for a missing field. */
    uint32_t value_count;
};

enum rc_mapping_type { RC_TYPE_AUTO, RC_TYPE_TEXT, RC_TYPE_NUMBER, RC_TYPE_BOOLEAN };

struct rc_mapping_list {
    struct rc_mapping_field *items; /* Owned by the arena. */
    uint32_t count;
};

struct rc_mapping_rule {
    struct rc_mapping_field field;
    struct rc_bytes name;        /* [rename] and [constants]. */
    enum rc_mapping_type type;   /* [types]. */
    struct rc_field_value value; /* [constants]. */
};

struct rc_mapping_rules {
    struct rc_mapping_rule *items; /* Owned by the arena. */
    uint32_t count;
};

/* Slots that the mapping fills with the fields it needs by name. */
struct rc_mapping_slot {
    struct rc_mapping_field field;
    bool consumed; /* Used as user, time, id or alias: not a property unless included. */
};

struct rc_mapping {
    struct rc_arena *arena;
    bool no_memory; /* While it is parsed: memory was refused, so it must not be used. */
    enum rc_mapping_format format;
    struct rc_bytes *columns; /* CSV without a header, COPY. */
    uint32_t column_count;
    bool header; /* CSV. */
    char separator;
    struct rc_bytes hstore_column;
    struct rc_bytes roots[RC_FIELD_ROOTS_MAX]; /* [0] is empty. */
    enum rc_mapping_others others;
    bool skip_without_user;
    bool has_user_section; /* Rows write user properties. */
    bool user_root;        /* roots[2] holds user properties, */
    bool account_root;     /* and those of accounts, or only these. */
    struct rc_mapping_slot slots[RC_MAPPING_SLOTS_MAX];
    uint32_t slot_count;
    struct rc_mapping_sources user;
    struct rc_mapping_sources time;
    struct rc_mapping_sources id;
    struct rc_bytes id_prefix;
    enum rc_time_unit unit;
    int64_t zone_ms;
    struct rc_mapping_test event_when;
    struct rc_mapping_list include;
    struct rc_mapping_list exclude;
    struct rc_mapping_test user_when;
    struct rc_mapping_sources user_time; /* Without sources: the event's. */
    struct rc_mapping_list user_set;
    struct rc_mapping_test account_when;
    struct rc_bytes account_key;              /* The event property that names the account, */
    struct rc_mapping_sources account_key_in; /* or what fields hold its name. */
    struct rc_mapping_sources account_id;
    struct rc_mapping_sources account_time; /* Without sources: the event's. */
    struct rc_mapping_list account_set;
    struct rc_mapping_test alias_when;
    struct rc_mapping_sources alias_from;
    struct rc_mapping_sources alias_to;
    struct rc_mapping_rules constants;
    struct rc_mapping_rules rename;
    struct rc_mapping_rules types;
    struct rc_mapping_test *skips; /* Owned by the arena. */
    uint32_t skip_count;
};

/*
 * Reads a mapping from the text of an INI file. name is for messages.
 *   RC_OK         *ret_mapping is owned by the caller.
 *   RC_INVALID    the text is not a mapping; reterr_error names the line and the key.
 *   RC_NO_MEMORY
 */
RC_MUST_USE enum rc_status
rc_mapping_parse(const char *name,
                 struct rc_bytes text,
                 struct rc_mapping **ret_mapping,
                 struct rc_error *reterr_error);

/*
 * Reads a mapping from a file or, when name has no slash and no dot, from the shipped ones:
 * "recount", "stackexchange-users", "combined-log" and so on.
 *   RC_NOT_FOUND  there is no such file or shipped mapping; the message lists those.
 *   others        of rc_mapping_parse; RC_IO.
 */
RC_MUST_USE enum rc_status
rc_mapping_load(const char *name, struct rc_mapping **ret_mapping, struct rc_error *reterr_error);

/* NULL is fine. Returns NULL. */
struct rc_mapping *
rc_mapping_free(struct rc_mapping *mapping);

RC_DEFINE_CLEANUP(struct rc_mapping *, rc_mapping_free)

/* The shipped mappings by index, for lists; NULL behind the last. */
const char *
rc_mapping_preset_name(uint32_t index);

/* The text of a shipped mapping; data is NULL when there is none of this name. */
struct rc_bytes
rc_mapping_preset_text(const char *name);

#endif
