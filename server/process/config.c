/*
 * Settings: one table says everything about each: its name, its kind, its default, what --help
 * says. Flags, environment, file, printing and help all go through it, so that they cannot
 * disagree.
 *
 * Sources are applied from the weakest to the strongest. The file's own place is known only from
 * flags and environment, so those are collected first and applied last.
 */
#include "server/process/config.h"

#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"

enum kind { KIND_TEXT, KIND_COUNT, KIND_BYTES, KIND_TIME, KIND_LEVEL, KIND_FORMAT };

struct setting {
    const char *name;
    enum kind kind;
    size_t offset;
    const char *value; /* The default; NULL: not set. */
    const char *argument;
    const char *help;
};

#define AT(field) offsetof(struct rc_config, field)

static const struct setting settings[] = {
    {"listen", KIND_TEXT, AT(listen), "127.0.0.1:7040", "ADDRESS",
     "Where to listen, as host:port; [::]:7040 is every address of the machine"},
    {"data", KIND_TEXT, AT(data), "./recount-data", "DIRECTORY",
     "Where the data is kept; made when missing"},
    {"backup-directory", KIND_TEXT, AT(backup_directory), NULL, "DIRECTORY",
     "Where backups on request are made, each in a directory of its own; not set refuses them"},
    {"workers", KIND_COUNT, AT(workers), "0", "COUNT",
     "Threads that answer queries; 0 is one a processor"},
    {"memory-max", KIND_BYTES, AT(memory_max), "0", "SIZE",
     "Most memory of the engine; beyond it ingestion is refused. 0 is no limit"},
    {"max-message-bytes", KIND_BYTES, AT(message_bytes_max), "16m", "SIZE",
     "Largest message that is taken"},
    {"queries-max", KIND_COUNT, AT(queries_max), "256", "COUNT",
     "Most queries that run or wait at the same time; further ones are refused"},
    {"query-memory-max", KIND_BYTES, AT(query_memory_max), "1g", "SIZE",
     "Most scratch memory of one query"},
    {"slow-query-ms", KIND_COUNT, AT(slow_query_ms), "0", "COUNT",
     "Queries that take so many milliseconds are logged with their plan; 0 logs none"},
    {"slow-batch-ms", KIND_COUNT, AT(slow_batch_ms), "0", "COUNT",
     "Batches that take so many milliseconds are logged with what they waited for; 0 logs none"},
    {"snapshot-interval", KIND_TIME, AT(snapshot_interval_ms), "15m", "TIME",
     "Time between snapshots; 0 makes them only on request and at the end"},
    {"head-rows-max", KIND_COUNT, AT(head_rows_max), "0", "COUNT",
     "Events of a project that are sealed into a slab together; 0 is the most, 65536"},
    {"window-rows-max", KIND_COUNT, AT(window_rows_max), "0", "COUNT",
     "Events in a window of 28 or 7 days at which it stays; with more it is divided, into 7 days "
     "or "
     "one. 0 is 16777216 and 134217728"},
    {"dictionary-entries-max", KIND_COUNT, AT(dictionary_entries_max), "0", "COUNT",
     "Distinct texts of an event property that its dictionary takes; 0 is the most, 65536"},
    {"dictionary-bytes-max", KIND_BYTES, AT(dictionary_bytes_max), "0", "SIZE",
     "Bytes of these texts together; 0 is the most, 8m"},
    {"wal-file-bytes", KIND_BYTES, AT(wal_file_bytes), "0", "SIZE",
     "Size of one file of the log; 0 is 64m"},
    {"wal-checkpoint-bytes", KIND_BYTES, AT(wal_checkpoint_bytes), "0", "SIZE",
     "Size of the log at which a snapshot is made at once; 0 is 1g"},
    {"cold-after", KIND_TIME, AT(cold_after_ms), "0", "TIME",
     "Age of a window, from its end, at which it is kept on disk only; 0 is never"},
    {"cold-cache-bytes", KIND_BYTES, AT(cold_cache_bytes), "256m", "SIZE",
     "Most memory for what queries have read of such windows"},
    {"purge-after", KIND_TIME, AT(purge_after_ms), "24h", "TIME",
     "When a deleted user is out of memory and of all files of the data directory"},
    {"shutdown-grace", KIND_TIME, AT(shutdown_grace_ms), "10s", "TIME",
     "How long calls may go on once the server stops"},
    {"tls-cert", KIND_TEXT, AT(tls_cert), NULL, "FILE", "PEM certificate chain; turns TLS on"},
    {"tls-key", KIND_TEXT, AT(tls_key), NULL, "FILE", "PEM private key of the certificate"},
    {"tls-client-ca", KIND_TEXT, AT(tls_client_ca), NULL, "FILE",
     "PEM certificates of the authority that clients' certificates must come from"},
    {"log-level", KIND_LEVEL, AT(log_level), "info", "LEVEL", "debug, info, warn or error"},
    {"log-format", KIND_FORMAT, AT(log_text), "json", "FORMAT", "json (one object a line) or text"},
};

#define COLD_AFTER_MS_MAX ((uint64_t)36500 * 86400 * 1000)

#define SETTING_COUNT (sizeof(settings) / sizeof(settings[0]))

enum { KEY_FIRST = 0x1000, KEY_CONFIG = 0x2000, KEY_PRINT, KEY_CHECK, KEY_YES, KEY_TASK };

/* Options that do something instead of serving; their keys count from KEY_TASK. */
static const struct {
    enum rc_task task;
    const char *name;
    const char *argument;
    const char *help;
} tasks[] = {
    {RC_TASK_CHECK, "check", "DIRECTORY", "Verify a data directory or a backup and end"},
    {RC_TASK_REPAIR, "repair", "DIRECTORY",
     "Say what a repair of a data directory's log would lose and end; with --yes repair it"},
    {RC_TASK_RESTORE, "restore", "BACKUP", "Make the data directory of a backup and end"},
};

#define TASK_COUNT (sizeof(tasks) / sizeof(tasks[0]))

/* What flags and environment say, before it is applied. */
struct sources {
    const char *flags[SETTING_COUNT];
    const char *file;
    bool print_config;
    bool check_config;
    enum rc_task task;
    const char *task_path;
    bool yes;
};

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static const char *const format_names[] = {"json", "text"};

/* ---- Values ---------------------------------------------------------------------------------- */

static uint64_t
factor_of(enum kind kind, const char *suffix)
{
    static const struct {
        enum kind kind;
        const char *suffix;
        uint64_t factor;
    } factors[] = {
        {KIND_COUNT, "", 1},
        {KIND_BYTES, "", 1},
        {KIND_BYTES, "k", 1u << 10},
        {KIND_BYTES, "m", 1u << 20},
        {KIND_BYTES, "g", 1u << 30},
        {KIND_TIME, "", 1000},
        {KIND_TIME, "ms", 1},
        {KIND_TIME, "s", 1000},
        {KIND_TIME, "m", 60 * 1000},
        {KIND_TIME, "h", 3600 * 1000},
        {KIND_TIME, "d", 86400 * 1000},
    };
    for (size_t i = 0; i < sizeof(factors) / sizeof(factors[0]); i++)
        if (factors[i].kind == kind && strcasecmp(factors[i].suffix, suffix) == 0)
            return factors[i].factor;
    return 0;
}

static enum rc_status
parse_number(const struct setting *setting, const char *text, uint64_t *ret, struct rc_error *error)
{
    char *end = NULL;
    errno = 0;
    const unsigned long long number = strtoull(text, &end, 10);
    const uint64_t factor = factor_of(setting->kind, end);
    uint64_t product = 0;
    if (!isdigit((unsigned char)text[0]) || errno != 0 || factor == 0 ||
        __builtin_mul_overflow((uint64_t)number, factor, &product))
        return rc_error_field(error, RC_INVALID, setting->name, "\"%s\" is no %s", text,
                              setting->kind == KIND_BYTES  ? "size (16m, 2g)"
                              : setting->kind == KIND_TIME ? "time (30s, 15m, 1h, 90d)"
                                                           : "count");
    *ret = product;
    return RC_OK;
}

static enum rc_status
parse_name(const struct setting *setting,
           const char *text,
           const char *const *names,
           uint64_t count,
           uint64_t *ret,
           struct rc_error *error)
{
    for (uint64_t i = 0; i < count; i++)
        if (strcmp(names[i], text) == 0) {
            *ret = i;
            return RC_OK;
        }
    return rc_error_field(error, RC_INVALID, setting->name, "\"%s\" is no %s", text,
                          setting->kind == KIND_LEVEL ? "log level" : "log format");
}

static enum rc_status
apply(struct rc_config *config,
      const struct setting *setting,
      const char *text,
      struct rc_error *error)
{
    void *at = (char *)config + setting->offset;
    switch (setting->kind) {
    case KIND_TEXT: {
        char *copy = strdup(text);
        if (copy == NULL)
            return rc_error_set(error, RC_NO_MEMORY, "no memory for the settings");
        free(*(char **)at);
        *(char **)at = copy;
        return RC_OK;
    }
    case KIND_LEVEL:
        return parse_name(setting, text, level_names, 4, at, error);
    case KIND_FORMAT:
        return parse_name(setting, text, format_names, 2, at, error);
    default:
        return parse_number(setting, text, at, error);
    }
}

/* ---- Sources --------------------------------------------------------------------------------- */

static const struct setting *
setting_find(const char *name)
{
    for (size_t i = 0; i < SETTING_COUNT; i++)
        if (strcmp(settings[i].name, name) == 0)
            return &settings[i];
    return NULL;
}

struct file_context {
    struct rc_config *config;
    struct rc_error *error;
    enum rc_status status;
    const char *file;
};

static int
take_line(void *context, const char *section, const char *name, const char *value)
{
    struct file_context *file = context;
    const struct setting *setting = setting_find(name);
    if (section[0] != '\0' || setting == NULL)
        file->status =
            rc_error_field(file->error, RC_INVALID, name, "%s: there is no such setting%s%s",
                           file->file, section[0] != '\0' ? " in section " : "", section);
    else
        file->status = apply(file->config, setting, value, file->error);
    return file->status == RC_OK;
}

static enum rc_status
apply_file(struct rc_config *config, const char *path, struct rc_error *error)
{
    struct file_context context = {.config = config, .error = error, .file = path};
    const int line = ini_parse(path, take_line, &context);
    if (context.status != RC_OK)
        return context.status;
    if (line < 0)
        return rc_error_field(error, RC_INVALID, "config", "cannot read %s: %s", path,
                              strerror(errno));
    if (line > 0)
        return rc_error_field(error, RC_INVALID, "config", "%s: line %d is no setting", path, line);
    config->file = strdup(path);
    return RC_OK;
}

/* "RECOUNT_SNAPSHOT_INTERVAL" of "snapshot-interval". */
static const char *
environment_of(const char *name)
{
    char variable[64];
    (void)snprintf(variable, sizeof(variable), "RECOUNT_%s", name);
    for (char *c = variable; *c != '\0'; c++)
        *c = (char)(*c == '-' ? '_' : toupper((unsigned char)*c));
    return getenv(variable);
}

static error_t
take_flag(int key, char *argument, struct argp_state *state)
{
    struct sources *sources = state->input;
    if (key >= KEY_FIRST && key < KEY_FIRST + (int)SETTING_COUNT) {
        sources->flags[key - KEY_FIRST] = argument;
        return 0;
    }
    if (key >= KEY_TASK && key < KEY_TASK + (int)TASK_COUNT) {
        if (sources->task != RC_TASK_NONE)
            argp_error(state, "one of --check, --repair and --restore at a time");
        sources->task = tasks[key - KEY_TASK].task;
        sources->task_path = argument;
        return 0;
    }
    switch (key) {
    case KEY_YES:
        sources->yes = true;
        return 0;
    case KEY_CONFIG:
        sources->file = argument;
        return 0;
    case KEY_PRINT:
        sources->print_config = true;
        return 0;
    case KEY_CHECK:
        sources->check_config = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "what is \"%s\"? recountd takes flags only", argument);
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void
print_version(FILE *stream, struct argp_state *state)
{
    (void)state;
    fprintf(stream, "recountd %s\n", RC_VERSION);
}

static void
parse_flags(int argc, char **argv, struct sources *sources)
{
    struct argp_option options[SETTING_COUNT + TASK_COUNT + 5] = {{.name = NULL}};
    size_t count = 0;
    for (; count < SETTING_COUNT; count++)
        options[count] = (struct argp_option){.name = settings[count].name,
                                              .key = KEY_FIRST + (int)count,
                                              .arg = settings[count].argument,
                                              .doc = settings[count].help};
    options[count++] = (struct argp_option){
        .name = "config", .key = KEY_CONFIG, .arg = "FILE", .doc = "Read settings from a file"};
    options[count++] = (struct argp_option){
        .name = "print-config", .key = KEY_PRINT, .doc = "Print the settings and end"};
    options[count++] = (struct argp_option){
        .name = "check-config", .key = KEY_CHECK, .doc = "Check the settings and end"};
    for (size_t i = 0; i < TASK_COUNT; i++)
        options[count++] = (struct argp_option){.name = tasks[i].name,
                                                .key = KEY_TASK + (int)i,
                                                .arg = tasks[i].argument,
                                                .doc = tasks[i].help};
    options[count++] =
        (struct argp_option){.name = "yes", .key = KEY_YES, .doc = "With --repair: carry it out"};
    argp_program_version_hook = print_version;
    const struct argp argp = {
        .options = options,
        .parser = take_flag,
        .doc = "The Recount server: keeps every event and answers questions about them over "
               "gRPC.\v"
               "Each setting can also come from the environment (RECOUNT_LISTEN for --listen) or "
               "from a file of lines \"listen = 127.0.0.1:7040\"; flags win over the "
               "environment, and that over the file."};
    argp_parse(&argp, argc, argv, 0, NULL, sources);
}

static enum rc_status
check_together(const struct rc_config *config, struct rc_error *error)
{
    if ((config->tls_cert == NULL) != (config->tls_key == NULL))
        return rc_error_field(error, RC_INVALID, config->tls_cert == NULL ? "tls-cert" : "tls-key",
                              "a certificate and its key go together");
    if (config->tls_client_ca != NULL && config->tls_cert == NULL)
        return rc_error_field(error, RC_INVALID, "tls-client-ca", "TLS is not on: see tls-cert");
    if (config->message_bytes_max < 4096 || config->message_bytes_max > INT32_MAX)
        return rc_error_field(error, RC_INVALID, "max-message-bytes",
                              "the size must be from 4 KiB to 2 GiB");
    if (config->workers > 1024)
        return rc_error_field(error, RC_INVALID, "workers", "at most 1024 workers");
    if (config->queries_max < 1 || config->queries_max > 1000000)
        return rc_error_field(error, RC_INVALID, "queries-max", "from 1 to 1000000 queries");
    if (config->head_rows_max > RC_HEAD_ROWS_MAX)
        return rc_error_field(error, RC_INVALID, "head-rows-max", "at most %u events",
                              RC_HEAD_ROWS_MAX);
    if (config->cold_after_ms > COLD_AFTER_MS_MAX)
        return rc_error_field(error, RC_INVALID, "cold-after", "at most 36500d");
    if (config->cold_cache_bytes == 0)
        return rc_error_field(error, RC_INVALID, "cold-cache-bytes", "at least one byte");
    if (config->dictionary_entries_max > RC_DICTIONARY_ENTRIES_MAX)
        return rc_error_field(error, RC_INVALID, "dictionary-entries-max", "at most %u texts",
                              RC_DICTIONARY_ENTRIES_MAX);
    if (config->dictionary_bytes_max > RC_DICTIONARY_BYTES_MAX)
        return rc_error_field(error, RC_INVALID, "dictionary-bytes-max", "at most %llu bytes",
                              (unsigned long long)RC_DICTIONARY_BYTES_MAX);
    if (config->shutdown_grace_ms > 3600 * 1000)
        return rc_error_field(error, RC_INVALID, "shutdown-grace", "at most one hour");
    return RC_OK;
}

static enum rc_status
apply_all(const struct sources *sources, struct rc_config *config, struct rc_error *error)
{
    for (size_t i = 0; i < SETTING_COUNT; i++)
        if (settings[i].value != NULL)
            RC_TRY(apply(config, &settings[i], settings[i].value, error));
    const char *file = sources->file != NULL ? sources->file : environment_of("config");
    if (file != NULL)
        RC_TRY(apply_file(config, file, error));
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const char *variable = environment_of(settings[i].name);
        if (variable != NULL)
            RC_TRY(apply(config, &settings[i], variable, error));
        if (sources->flags[i] != NULL)
            RC_TRY(apply(config, &settings[i], sources->flags[i], error));
    }
    return check_together(config, error);
}

enum rc_status
rc_config_read(int argc, char **argv, struct rc_config *ret_config, struct rc_error *reterr_error)
{
    struct sources sources = {.file = NULL};
    struct rc_config config = {.listen = NULL};
    parse_flags(argc, argv, &sources);
    config.print_config = sources.print_config;
    config.check_config = sources.check_config;
    config.task = sources.task;
    config.yes = sources.yes;
    enum rc_status status = apply_all(&sources, &config, reterr_error);
    if (status == RC_OK && sources.task_path != NULL) {
        config.task_path = strdup(sources.task_path);
        if (config.task_path == NULL)
            status = rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the settings");
    }
    if (status != RC_OK) {
        rc_config_close(&config);
        return status;
    }
    *ret_config = config;
    return RC_OK;
}

void
rc_config_close(struct rc_config *config)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        char **text = (char **)(void *)((char *)config + settings[i].offset);
        if (settings[i].kind == KIND_TEXT) {
            free(*text);
            *text = NULL;
        }
    }
    free(config->file);
    free(config->task_path);
    config->file = NULL;
    config->task_path = NULL;
}

void
rc_config_print(const struct rc_config *config, FILE *out)
{
    if (config->file != NULL)
        fprintf(out, "# from %s, the environment and flags\n", config->file);
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const void *at = (const char *)config + settings[i].offset;
        uint64_t number = 0;
        fprintf(out, "# %s\n", settings[i].help);
        if (settings[i].kind == KIND_TEXT) {
            const char *text = *(char *const *)at;
            fprintf(out, "%s%s = %s\n", text == NULL ? "# " : "", settings[i].name,
                    text == NULL ? "" : text);
            continue;
        }
        memcpy(&number, at, sizeof(number));
        if (settings[i].kind == KIND_LEVEL)
            fprintf(out, "%s = %s\n", settings[i].name, level_names[number]);
        else if (settings[i].kind == KIND_FORMAT)
            fprintf(out, "%s = %s\n", settings[i].name, format_names[number]);
        else
            fprintf(out, "%s = %llu%s\n", settings[i].name, (unsigned long long)number,
                    settings[i].kind == KIND_TIME ? "ms" : "");
    }
}
