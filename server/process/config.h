/*
 * Settings: flags, then the environment (RECOUNT_X), then a file, then defaults.
 *
 * Every setting has one name: the flag --snapshot-interval, the variable RECOUNT_SNAPSHOT_INTERVAL
 * and the line "snapshot-interval = 15m" of the file are the same. Sizes take k, m, g (powers of
 * 1024), times ms, s, m, h, d.
 *
 * Ownership: a config owns its texts.
 * Threading: read-only once read.
 * Errors:    RC_INVALID names the setting as the field.
 */
#ifndef RC_SERVER_PROCESS_CONFIG_H
#define RC_SERVER_PROCESS_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/base/status.h"
#include "server/process/log.h"

/* What is done instead of serving (maintenance.h). */
enum rc_task { RC_TASK_NONE, RC_TASK_CHECK, RC_TASK_REPAIR, RC_TASK_RESTORE };

struct rc_config {
    char *listen;
    char *data;
    char *backup_directory; /* NULL: no backups over the network. */
    char *file;             /* The settings file that was read, or NULL. */
    char *tls_cert;
    char *tls_key;
    char *tls_client_ca;
    uint64_t workers;    /* 0: one a processor. */
    uint64_t memory_max; /* Bytes; 0: none. */
    uint64_t message_bytes_max;
    uint64_t queries_max;      /* Running or waiting at the same time. */
    uint64_t slow_query_ms;    /* 0: none is logged. */
    uint64_t slow_batch_ms;    /* The same of batches. */
    uint64_t query_memory_max; /* Bytes of one query. */
    uint64_t head_rows_max;    /* 0: the engine's own; so for the next five. */
    uint64_t window_rows_max;
    uint64_t dictionary_entries_max;
    uint64_t dictionary_bytes_max;
    uint64_t wal_file_bytes;
    uint64_t wal_checkpoint_bytes;
    uint64_t cold_after_ms; /* 0: nothing becomes cold. */
    uint64_t cold_cache_bytes;
    uint64_t snapshot_interval_ms; /* 0: only on request and at the end. */
    uint64_t purge_after_ms;
    uint64_t shutdown_grace_ms;
    uint64_t log_level; /* enum rc_log_level. */
    uint64_t log_text;
    bool print_config; /* Print the settings and end. */
    bool check_config; /* Check them and end. */
    enum rc_task task; /* Instead of serving. */
    char *task_path;   /* What it is about. */
    bool yes;          /* Repair: carry it out. */
};

/* Reads everything. --help, --version and --usage print and end the process. */
RC_MUST_USE enum rc_status
rc_config_read(int argc, char **argv, struct rc_config *ret_config, struct rc_error *reterr_error);

void
rc_config_close(struct rc_config *config); /* For RC_CLEANUP on the struct itself. */

/* Writes the settings as a settings file. */
void
rc_config_print(const struct rc_config *config, FILE *out);

#endif
