/*
 * Each key is a line of a table: section, key, what it does. What a key does is a function of the
 * mapping and the text of the value; it returns NULL or what is wrong, as a constant sentence.
 */
#include "loaders/mapping_keys.h"

#include <string.h>

#include "engine/base/limits.h"
#include "loaders/mapping_value.h"

typedef const char *(*setter)(struct rc_mapping *mapping, const char *value);

static const char *
set_format(struct rc_mapping *mapping, const char *value)
{
    static const char *const names[] = {[RC_MAPPING_NDJSON] = "ndjson",
                                        [RC_MAPPING_CSV] = "csv",
                                        [RC_MAPPING_COMBINED] = "combined",
                                        [RC_MAPPING_COPY] = "copy"};
    for (uint32_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (strcmp(value, names[i]) == 0) {
            mapping->format = i;
            return NULL;
        }
    }
    return "format must be ndjson, csv, combined or copy";
}

static const char *
set_columns(struct rc_mapping *mapping, const char *value)
{
    struct rc_bytes *more;
    uint32_t count;
    const char *failure = rc_mapping_read_texts(mapping, value, &more, &count);
    if (failure != NULL || mapping->column_count == 0) {
        mapping->columns = failure == NULL ? more : NULL;
        mapping->column_count = failure == NULL ? count : 0;
        return failure;
    }
    const uint32_t before = mapping->column_count; /* The list goes on in another line. */
    struct rc_bytes *columns =
        RC_ARENA_ARRAY(mapping->arena, struct rc_bytes, (size_t)before + count);
    if (columns == NULL) {
        mapping->no_memory = true;
        return "there is no memory";
    }
    memcpy(columns, mapping->columns, before * sizeof(*columns));
    memcpy(columns + before, more, count * sizeof(*columns));
    mapping->columns = columns;
    mapping->column_count = before + count;
    return NULL;
}

static const char *
set_header(struct rc_mapping *mapping, const char *value)
{
    mapping->header = strcmp(value, "yes") == 0;
    return mapping->header || strcmp(value, "no") == 0 ? NULL : "header must be yes or no";
}

static const char *
set_separator(struct rc_mapping *mapping, const char *value)
{
    const bool is_tab = strcmp(value, "tab") == 0;
    const bool is_semicolon = strcmp(value, "semicolon") == 0; /* A comment in INI. */
    if (!is_tab && !is_semicolon && (strlen(value) != 1 || *value == '"'))
        return "separator must be one character, tab or semicolon";
    mapping->separator = is_tab ? '\t' : is_semicolon ? ';' : *value;
    return NULL;
}

static const char *
set_hstore(struct rc_mapping *mapping, const char *value)
{
    mapping->hstore_column = rc_mapping_keep(mapping, value);
    mapping->roots[1] = mapping->hstore_column;
    return NULL;
}

static const char *
set_event_root(struct rc_mapping *mapping, const char *value)
{
    if (strcmp(value, "*") == 0) {
        mapping->others = RC_OTHERS_KEEP;
        return NULL;
    }
    mapping->roots[1] = rc_mapping_keep(mapping, value);
    return NULL;
}

/* The root of what is written about users and about accounts: a row is either's. */
static const char *
set_written_root(struct rc_mapping *mapping, const char *value)
{
    const struct rc_bytes name = rc_mapping_keep(mapping, value);
    if (mapping->roots[2].size > 0 && !rc_bytes_equal(mapping->roots[2], name))
        return "users and accounts have their properties in the same object";
    mapping->roots[2] = name;
    return NULL;
}

static const char *
set_user_root(struct rc_mapping *mapping, const char *value)
{
    mapping->user_root = true;
    mapping->has_user_section = true;
    return set_written_root(mapping, value);
}

static const char *
set_account_root(struct rc_mapping *mapping, const char *value)
{
    mapping->account_root = true;
    return set_written_root(mapping, value);
}

static const char *
set_others(struct rc_mapping *mapping, const char *value)
{
    static const char *const names[] = {
        [RC_OTHERS_IGNORE] = "ignore", [RC_OTHERS_KEEP] = "keep", [RC_OTHERS_REJECT] = "reject"};
    for (uint32_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (strcmp(value, names[i]) == 0) {
            mapping->others = i;
            return NULL;
        }
    }
    return "others must be ignore, keep or reject";
}

static const char *
set_without_user(struct rc_mapping *mapping, const char *value)
{
    mapping->skip_without_user = strcmp(value, "skip") == 0;
    return mapping->skip_without_user || strcmp(value, "reject") == 0
               ? NULL
               : "without_user must be skip or reject";
}

static const char *
set_user(struct rc_mapping *mapping, const char *value)
{
    return rc_mapping_read_sources(mapping, value, true, &mapping->user);
}

static const char *
set_time(struct rc_mapping *mapping, const char *value)
{
    return rc_mapping_read_sources(mapping, value, false, &mapping->time);
}

static const char *
set_id(struct rc_mapping *mapping, const char *value)
{
    return rc_mapping_read_sources(mapping, value, true, &mapping->id);
}

static const char *
set_id_prefix(struct rc_mapping *mapping, const char *value)
{
    mapping->id_prefix = rc_mapping_keep(mapping, value);
    return NULL;
}

static const char *
set_event_when(struct rc_mapping *mapping, const char *value)
{
    return rc_mapping_read_test(mapping, value, &mapping->event_when);
}

static const char *
set_include(struct rc_mapping *mapping, const char *value)
{
    return rc_mapping_read_fields(mapping, value, &mapping->include);
}

static const char *
set_exclude(struct rc_mapping *mapping, const char *value)
{
    return rc_mapping_read_fields(mapping, value, &mapping->exclude);
}

static const char *
set_unit(struct rc_mapping *mapping, const char *value)
{
    static const char *const names[] = {[RC_TIME_AUTO] = "auto",
                                        [RC_TIME_SECONDS] = "s",
                                        [RC_TIME_MILLISECONDS] = "ms",
                                        [RC_TIME_MICROSECONDS] = "us",
                                        [RC_TIME_NANOSECONDS] = "ns"};
    for (uint32_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (strcmp(value, names[i]) == 0) {
            mapping->unit = i;
            return NULL;
        }
    }
    return "unit must be auto, s, ms, us or ns";
}

static const char *
set_zone(struct rc_mapping *mapping, const char *value)
{
    return rc_time_zone_parse(rc_bytes_of(value), &mapping->zone_ms)
               ? NULL
               : "zone must be UTC or an offset such as +02:00";
}

static const char *
set_user_when(struct rc_mapping *mapping, const char *value)
{
    mapping->has_user_section = true;
    return rc_mapping_read_test(mapping, value, &mapping->user_when);
}

static const char *
set_user_time(struct rc_mapping *mapping, const char *value)
{
    return rc_mapping_read_sources(mapping, value, false, &mapping->user_time);
}

static const char *
set_user_set(struct rc_mapping *mapping, const char *value)
{
    mapping->has_user_section = true;
    return rc_mapping_read_fields(mapping, value, &mapping->user_set);
}

static const char *
set_account_when(struct rc_mapping *mapping, const char *value)
{
    return rc_mapping_read_test(mapping, value, &mapping->account_when);
}

static const char *
set_account_key(struct rc_mapping *mapping, const char *value)
{
    mapping->account_key = rc_mapping_keep(mapping, value);
    return mapping->account_key.size > 0 && mapping->account_key.size <= RC_PROPERTY_NAME_BYTES_MAX
               ? NULL
               : "key must be the name of a property";
}

static const char *
set_account_key_in(struct rc_mapping *mapping, const char *value)
{
    return rc_mapping_read_sources(mapping, value, false, &mapping->account_key_in);
}

/* The same field may name the account in events. */
static const char *
set_account_id(struct rc_mapping *mapping, const char *value)
{
    mapping->account_id.shared = true;
    return rc_mapping_read_sources(mapping, value, false, &mapping->account_id);
}

static const char *
set_account_time(struct rc_mapping *mapping, const char *value)
{
    return rc_mapping_read_sources(mapping, value, false, &mapping->account_time);
}

static const char *
set_account_set(struct rc_mapping *mapping, const char *value)
{
    return rc_mapping_read_fields(mapping, value, &mapping->account_set);
}

static const char *
set_alias_when(struct rc_mapping *mapping, const char *value)
{
    return rc_mapping_read_test(mapping, value, &mapping->alias_when);
}

static const char *
set_alias_from(struct rc_mapping *mapping, const char *value)
{
    return rc_mapping_read_sources(mapping, value, false, &mapping->alias_from);
}

static const char *
set_alias_to(struct rc_mapping *mapping, const char *value)
{
    return rc_mapping_read_sources(mapping, value, false, &mapping->alias_to);
}

struct key {
    const char *section;
    const char *name;
    bool names_root; /* Read in the first pass. */
    setter set;
};

static const struct key keys[] = {
    {"source", "format", false, set_format},
    {"source", "columns", false, set_columns},
    {"source", "header", false, set_header},
    {"source", "separator", false, set_separator},
    {"source", "hstore", true, set_hstore},
    {"source", "others", false, set_others},
    {"event", "when", false, set_event_when},
    {"event", "user", false, set_user},
    {"event", "without_user", false, set_without_user},
    {"event", "time", false, set_time},
    {"event", "id", false, set_id},
    {"event", "id_prefix", false, set_id_prefix},
    {"event", "properties", true, set_event_root},
    {"event", "include", false, set_include},
    {"event", "exclude", false, set_exclude},
    {"time", "unit", false, set_unit},
    {"time", "zone", false, set_zone},
    {"user", "when", false, set_user_when},
    {"user", "time", false, set_user_time},
    {"user", "properties", true, set_user_root},
    {"user", "set", false, set_user_set},
    {"account", "when", false, set_account_when},
    {"account", "key", false, set_account_key},
    {"account", "key_in", false, set_account_key_in},
    {"account", "id", false, set_account_id},
    {"account", "time", false, set_account_time},
    {"account", "properties", true, set_account_root},
    {"account", "set", false, set_account_set},
    {"alias", "when", false, set_alias_when},
    {"alias", "from", false, set_alias_from},
    {"alias", "to", false, set_alias_to},
};

/* The sections whose keys are names of fields or properties. */
static const char *
set_free_key(struct rc_mapping *mapping, const char *section, const char *name, const char *value)
{
    if (strcmp(section, "constants") == 0)
        return rc_mapping_read_constant(mapping, name, value);
    if (strcmp(section, "rename") == 0)
        return rc_mapping_read_rename(mapping, name, value);
    if (strcmp(section, "types") == 0)
        return rc_mapping_read_type(mapping, name, value);
    if (strcmp(section, "skip") == 0)
        return rc_mapping_read_skip(mapping, name, value);
    return "there is no such section or key";
}

const char *
rc_mapping_set(struct rc_mapping *mapping,
               bool roots_only,
               const char *section,
               const char *name,
               const char *value)
{
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
        if (strcmp(section, keys[i].section) == 0 && strcmp(name, keys[i].name) == 0)
            return keys[i].names_root == roots_only ? keys[i].set(mapping, value) : NULL;
    return roots_only ? NULL : set_free_key(mapping, section, name, value);
}
