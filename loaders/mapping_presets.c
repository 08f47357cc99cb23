/*
 * The shipped mappings are the files of loaders/mappings, put into the program by the assembler, so
 * there is nothing to install and no path to find. RC_MAPPINGS_DIR is set by the build.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "loaders/mapping.h"

#define MAPPING_BYTES_MAX ((uint64_t)1 << 20)

#define EMBED(symbol, file)                              \
    __asm__(".section .rodata\n"                         \
            "rc_preset_" #symbol ":\n"                   \
            ".incbin \"" RC_MAPPINGS_DIR "/" file "\"\n" \
            "rc_preset_" #symbol "_end:\n"               \
            ".byte 0\n"                                  \
            ".previous\n");                              \
    extern const char rc_preset_##symbol[];              \
    extern const char rc_preset_##symbol##_end[]

EMBED(recount, "recount.ini");
EMBED(stackexchange_users, "stackexchange-users.ini");
EMBED(stackexchange_posts, "stackexchange-posts.ini");
EMBED(stackexchange_badges, "stackexchange-badges.ini");
EMBED(wikiticker, "wikiticker.ini");
EMBED(combined_log, "combined-log.ini");
EMBED(pg_copy_hstore, "pg-copy-hstore.ini");

struct preset {
    const char *name;
    const char *begin;
    const char *end;
};

#define PRESET(name, symbol)                               \
    {                                                      \
        name, rc_preset_##symbol, rc_preset_##symbol##_end \
    }

static const struct preset presets[] = {
    PRESET("recount", recount),
    PRESET("stackexchange-users", stackexchange_users),
    PRESET("stackexchange-posts", stackexchange_posts),
    PRESET("stackexchange-badges", stackexchange_badges),
    PRESET("wikiticker", wikiticker),
    PRESET("combined-log", combined_log),
    PRESET("pg-copy-hstore", pg_copy_hstore),
};

#define PRESET_COUNT (sizeof(presets) / sizeof(*presets))

const char *
rc_mapping_preset_name(uint32_t index)
{
    return index < PRESET_COUNT ? presets[index].name : NULL;
}

struct rc_bytes
rc_mapping_preset_text(const char *name)
{
    for (size_t i = 0; i < PRESET_COUNT; i++)
        if (strcmp(presets[i].name, name) == 0)
            return (struct rc_bytes){presets[i].begin, (size_t)(presets[i].end - presets[i].begin)};
    return (struct rc_bytes){0};
}

static enum rc_status
unknown_preset(const char *name, struct rc_error *reterr_error)
{
    char list[256] = "";
    size_t at = 0;
    for (size_t i = 0; i < PRESET_COUNT; i++)
        at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", i == 0 ? "" : ", ",
                               presets[i].name);
    return rc_error_set(reterr_error, RC_NOT_FOUND,
                        "there is no mapping %.60s; shipped are %s; a file needs a / or . in its "
                        "name",
                        name, list);
}

static enum rc_status
file_parse(const char *path, struct rc_mapping **ret_mapping, struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_file_closep) struct rc_file *file = NULL;
    RC_TRY(rc_file_open(rc_disk_real(), path, RC_FILE_READ, &file, reterr_error));
    uint64_t size;
    RC_TRY(rc_file_size(file, &size, reterr_error));
    if (size > MAPPING_BYTES_MAX)
        return rc_error_set(reterr_error, RC_INVALID, "%s is too long for a mapping", path);
    RC_CLEANUP(rc_alloc_freep) char *text = rc_alloc(size + 1);
    if (text == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to read %s", path);
    size_t got = 0;
    RC_TRY(rc_file_read_at(file, text, size, 0, &got, reterr_error));
    return rc_mapping_parse(path, (struct rc_bytes){text, got}, ret_mapping, reterr_error);
}

enum rc_status
rc_mapping_load(const char *name, struct rc_mapping **ret_mapping, struct rc_error *reterr_error)
{
    if (strpbrk(name, "/.") != NULL)
        return file_parse(name, ret_mapping, reterr_error);
    const struct rc_bytes text = rc_mapping_preset_text(name);
    return text.data == NULL ? unknown_preset(name, reterr_error)
                             : rc_mapping_parse(name, text, ret_mapping, reterr_error);
}
