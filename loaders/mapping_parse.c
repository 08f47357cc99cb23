/*
 * The INI file is read twice: first for what names depend on (the roots), then for everything else;
 * so the order of sections does not matter.
 *
 * Lines come to the INI parser through a reader of our own, which refuses a line that its fixed
 * buffer would cut in two.
 */
#include <ini.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "loaders/mapping.h"
#include "loaders/mapping_keys.h"

struct parse {
    struct rc_mapping *mapping;
    const char *name;
    struct rc_bytes text;
    size_t at;
    unsigned line; /* Lines handed to the INI parser. */
    bool roots_only;
    enum rc_status status;
    struct rc_error *reterr_error;
};

static void
fail(struct parse *parse, enum rc_status status, const char *what)
{
    if (parse->status == RC_OK)
        parse->status = rc_error_set(parse->reterr_error, status, "%s, line %u: %s", parse->name,
                                     parse->line, what);
}

static int
handle(void *context, const char *section, const char *name, const char *value)
{
    struct parse *parse = context;
    const char *failure = rc_mapping_set(parse->mapping, parse->roots_only, section, name, value);
    if (parse->mapping->no_memory)
        fail(parse, RC_NO_MEMORY, "there is no memory");
    if (failure != NULL && parse->status == RC_OK)
        parse->status = rc_error_set(parse->reterr_error, RC_INVALID, "%s, line %u, [%s] %s: %s",
                                     parse->name, parse->line, section, name, failure);
    return parse->status == RC_OK;
}

/* Hands out one line, as fgets does. */
static char *
line_read(char *buffer, int size, void *context)
{
    struct parse *parse = context;
    if (parse->at == parse->text.size)
        return NULL;
    const char *from = parse->text.data + parse->at;
    const char *feed = memchr(from, '\n', parse->text.size - parse->at);
    const size_t length = feed == NULL ? parse->text.size - parse->at : (size_t)(feed - from) + 1;
    parse->line++;
    if (length >= (size_t)size || memchr(from, '\0', length) != NULL) {
        fail(parse, RC_INVALID, "the line is too long (199 bytes) or holds a NUL");
        return NULL;
    }
    memcpy(buffer, from, length);
    buffer[length] = '\0';
    parse->at += length;
    return buffer;
}

static enum rc_status
pass(struct parse *parse, bool roots_only)
{
    parse->at = 0;
    parse->line = 0;
    parse->roots_only = roots_only;
    const int result = ini_parse_stream(line_read, parse, handle, parse);
    if (parse->status == RC_OK && result != 0) {
        parse->line = (unsigned)(result > 0 ? result : 0);
        fail(parse, RC_INVALID, "neither a section, a key with a value, nor a comment");
    }
    return parse->status;
}

/* What is wrong with what a mapping says of accounts, or NULL. */
static const char *
account_check(const struct rc_mapping *mapping)
{
    if (!mapping->account_when.set)
        return mapping->account_id.count > 0 || mapping->account_key.size > 0 ||
                       mapping->account_key_in.count > 0 || mapping->account_root ||
                       mapping->account_set.count > 0
                   ? "[account] needs when"
                   : NULL;
    if (mapping->account_id.count == 0)
        return "[account] needs id";
    if ((mapping->account_key.size == 0) == (mapping->account_key_in.count == 0))
        return "[account] needs key or key_in";
    if (mapping->account_time.count == 0 && mapping->time.count == 0)
        return "[account] needs time, or [event]";
    return NULL;
}

static enum rc_status
complete_check(struct parse *parse)
{
    const struct rc_mapping *mapping = parse->mapping;
    const char *what = account_check(mapping);
    if (what != NULL)
        ; /* Said already. */
    else if (mapping->user.count == 0 && mapping->alias_from.count == 0 &&
             !mapping->account_when.set)
        what = "[event] needs user";
    else if (mapping->time.count == 0 && mapping->user.count > 0)
        what = "[event] needs time";
    else if (mapping->alias_when.set &&
             (mapping->alias_from.count == 0 || mapping->alias_to.count == 0))
        what = "[alias] needs from and to";
    else if (!mapping->alias_when.set && mapping->alias_from.count > 0)
        what = "[alias] needs when";
    else if (mapping->format == RC_MAPPING_COPY && mapping->column_count == 0)
        what = "[source] needs columns for copy";
    else if (mapping->format == RC_MAPPING_CSV && !mapping->header && mapping->column_count == 0)
        what = "[source] needs columns for csv without a header";
    else if (mapping->roots[2].size > 0 && mapping->format != RC_MAPPING_NDJSON)
        what = mapping->user_root ? "[user] properties needs the format ndjson"
                                  : "[account] properties needs the format ndjson";
    else if (mapping->roots[1].size > 0 && mapping->format != RC_MAPPING_NDJSON &&
             mapping->hstore_column.size == 0)
        what = "[event] properties must be * unless the format is ndjson or hstore is set";
    return what == NULL
               ? RC_OK
               : rc_error_set(parse->reterr_error, RC_INVALID, "%s: %s", parse->name, what);
}

enum rc_status
rc_mapping_parse(const char *name,
                 struct rc_bytes text,
                 struct rc_mapping **ret_mapping,
                 struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_mapping_freep) struct rc_mapping *mapping = rc_alloc_zero(sizeof(*mapping));
    if (mapping == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the mapping %s", name);
    mapping->arena = rc_arena_new(NULL, 0);
    if (mapping->arena == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the mapping %s", name);
    mapping->header = true;
    mapping->separator = ',';
    struct parse parse = {
        .mapping = mapping, .name = name, .text = text, .reterr_error = reterr_error};
    RC_TRY(pass(&parse, true));
    RC_TRY(pass(&parse, false));
    RC_TRY(complete_check(&parse));
    *ret_mapping = RC_TAKE(mapping);
    return RC_OK;
}

struct rc_mapping *
rc_mapping_free(struct rc_mapping *mapping)
{
    if (mapping != NULL) {
        rc_arena_free(mapping->arena);
        rc_alloc_free(mapping);
    }
    return NULL;
}
