#include "server/process/maintenance.h"

#include <inttypes.h>

#include "engine/face/upkeep.h"

enum { EXIT_SOUND = 0, EXIT_WRONG = 1, EXIT_NOT_DONE = 2 };

static struct rc_engine_options
options_of(const struct rc_config *config, const char *directory)
{
    return (struct rc_engine_options){
        .directory = directory,
        .worker_count = (uint32_t)config->workers,
        .wal_file_bytes = config->wal_file_bytes,
        .head_rows_max = (uint32_t)config->head_rows_max,
    };
}

static int
say_failure(FILE *err, const struct rc_error *error)
{
    fprintf(err, "recountd: %s\n", error->message);
    return EXIT_NOT_DONE;
}

static void
print_finding(void *context, enum rc_finding finding, const char *where, const char *what)
{
    fprintf(context, "%s: %s: %s\n", finding == RC_FINDING_PROBLEM ? "problem" : "note", where,
            what);
}

static int
check(const struct rc_config *config, FILE *out, FILE *err)
{
    struct rc_error error;
    struct rc_check check = {.on_finding = print_finding, .context = out};
    const struct rc_engine_options options = options_of(config, config->task_path);
    if (rc_engine_check_directory(&options, &check, &error) != RC_OK)
        return say_failure(err, &error);
    const struct rc_check_counts *counts = &check.counts;
    fprintf(out,
            "checked %s: %" PRIu64 " files, %" PRIu64 " projects, %" PRIu64 " slabs, %" PRIu64
            " events (%" PRIu64 " of them replaced), %" PRIu64 " users, %" PRIu64
            " dictionary entries, %" PRIu64 " writes of user properties, %" PRIu64
            " log records behind the snapshot\n",
            config->task_path, counts->files, counts->projects, counts->slabs, counts->events,
            counts->dead_events, counts->users, counts->dictionary_entries, counts->user_writes,
            counts->log_records);
    if (counts->problems == 0)
        fprintf(out, "all is in order\n");
    else
        fprintf(out, "%" PRIu64 " problems\n", counts->problems);
    return counts->problems == 0 ? EXIT_SOUND : EXIT_WRONG;
}

static void
print_losses(const struct rc_repair_report *report, FILE *out)
{
    fprintf(out,
            "kept: %" PRIu64 " records of the log behind the snapshot\nlost: %" PRIu64
            " records, of which %" PRIu64 " cannot be read\n",
            report->records_kept, report->records_lost, report->records_unreadable);
    if (report->records_uncounted_max > 0)
        fprintf(out,
                "lost besides: what else was logged, which nobody can count; at most %" PRIu64
                " records\n",
                report->records_uncounted_max);
    for (uint32_t i = 0; i < report->loss_count; i++) {
        const struct rc_loss *loss = &report->losses[i];
        fprintf(out,
                "  project %.*s: %" PRIu64 " batches with %" PRIu64 " events, %" PRIu64
                " writes of user properties and %" PRIu64 " aliases; %" PRIu64
                " changes of the project, its definitions, segments or users\n",
                (int)loss->project.size, loss->project.data, loss->batches, loss->events,
                loss->user_writes, loss->aliases, loss->changes);
    }
}

static int
repair(const struct rc_config *config, FILE *out, FILE *err)
{
    struct rc_error error;
    struct rc_repair_report report;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    const struct rc_engine_options options = options_of(config, config->task_path);
    if (arena == NULL)
        return EXIT_NOT_DONE;
    if (rc_engine_repair(&options, config->yes, arena, &report, &error) != RC_OK)
        return say_failure(err, &error);
    if (!report.damaged) {
        fprintf(out, "the log of %s is in order: %" PRIu64 " records behind the snapshot\n",
                config->task_path, report.records_kept);
        return EXIT_SOUND;
    }
    fprintf(out, "damage: %s/%s, offset %" PRIu64 ": %s\n", config->task_path, report.file,
            report.offset, report.what);
    print_losses(&report, out);
    if (!report.repaired) {
        fprintf(out, "nothing was changed; --yes carries it out\n");
        return EXIT_WRONG;
    }
    fprintf(out, "repaired; the old log is in %s/wal/damaged-*, to be removed by hand\n",
            config->task_path);
    return EXIT_SOUND;
}

static int
restore(const struct rc_config *config, FILE *out, FILE *err)
{
    struct rc_error error;
    struct rc_backup backup;
    if (rc_engine_restore_backup(NULL, config->task_path, config->data, &backup, &error) != RC_OK)
        return say_failure(err, &error);
    fprintf(out,
            "restored %s into %s: %" PRIu64 " files of %" PRIu64 " bytes, as of record %" PRIu64
            " of the log\n",
            config->task_path, config->data, backup.files, backup.bytes, backup.position);
    return EXIT_SOUND;
}

int
rc_maintenance_run(const struct rc_config *config, FILE *out, FILE *err)
{
    switch (config->task) {
    case RC_TASK_CHECK:
        return check(config, out, err);
    case RC_TASK_REPAIR:
        return repair(config, out, err);
    case RC_TASK_RESTORE:
        return restore(config, out, err);
    case RC_TASK_NONE:
        break;
    }
    return EXIT_NOT_DONE;
}
