/*
 * Repair of the log. The prefix before the damage is replayed into memory and written as a
 * checkpoint that counts as holding every record that the damaged log is known to have had: so the
 * new log's records come behind all of them, and no project mistakes a new record for one that its
 * state has. What may have been in a file that is missing counts as well. Only when that checkpoint
 * stands does the mark say that the log has no files, and then they get out of the way; a power cut
 * in between leaves a log that is shorter than its checkpoint, and repairing again finishes the
 * work.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/durable/wal_survey.h"
#include "engine/face/engine_state.h"
#include "engine/face/loss.h"

_Static_assert(RC_REPAIR_FILE_BYTES >= RC_WAL_NAME_BYTES + 4, "a log file's name fits a report");

struct repairing {
    struct rc_engine *engine;
    struct rc_losses losses;
    bool replay; /* Records before the damage are applied. */
};

static enum rc_status
on_record(void *context, uint64_t sequence, struct rc_bytes payload, struct rc_error *reterr_error)
{
    struct repairing *repairing = context;
    return repairing->replay
               ? rc_log_replay(repairing->engine, sequence, payload, NULL, reterr_error)
               : RC_OK;
}

static enum rc_status
on_lost(void *context, uint64_t sequence, struct rc_bytes payload, struct rc_error *reterr_error)
{
    struct repairing *repairing = context;
    (void)sequence;
    RC_TRY_OR(reterr_error, rc_losses_add(&repairing->losses, payload));
    return RC_OK;
}

static enum rc_status
survey(struct repairing *repairing,
       const struct rc_log_place *place,
       uint64_t replay_after,
       struct rc_wal_survey *ret_survey,
       struct rc_error *reterr_error)
{
    const struct rc_wal_survey_options options = {
        .disk = repairing->engine->disk,
        .directory = place->directory,
        .mark = {place->mark, repairing->engine->log},
        .replay_after = replay_after,
        .on_record = on_record,
        .on_lost = on_lost,
        .context = repairing,
    };
    return rc_wal_survey(&options, ret_survey, reterr_error);
}

void
rc_repair_explain(struct rc_engine *engine,
                  const struct rc_log_place *place,
                  uint64_t replay_after,
                  struct rc_error *error)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct repairing repairing = {.engine = engine, .losses = {.arena = arena}};
    struct rc_wal_survey found;
    if (arena == NULL || error == NULL ||
        survey(&repairing, place, replay_after, &found, NULL) != RC_OK || !found.damaged)
        return;
    char losses[160];
    rc_losses_print(&repairing.losses, losses, sizeof(losses));
    const struct rc_error cause = *error;
    rc_error_set(error, RC_CORRUPT,
                 "%.130s. To start without it %s%" PRIu64 " records would be lost (%" PRIu64
                 " cannot be read%s%s): recountd --repair says more",
                 cause.message, found.uncounted_max == 0 ? "" : "at least ",
                 found.sequence_end - found.sequence,
                 found.sequence_end - found.sequence - found.readable_lost,
                 losses[0] == '\0' ? "" : ", else ", losses);
}

/* With everything before the damage in memory. */
static enum rc_status
carry_out(struct rc_engine *engine,
          const struct rc_log_place *place,
          const struct rc_wal_survey *found,
          struct rc_error *reterr_error)
{
    uint64_t sequence = found->sequence_end - 1 + found->uncounted_max;
    for (size_t i = 0; i < engine->tenant_count; i++)
        if (engine->tenants[i]->restored_sequence > sequence)
            sequence = engine->tenants[i]->restored_sequence;
    atomic_store(&engine->given_out, sequence);
    if (engine->log == 0)
        RC_TRY(rc_wal_mark_new_log(&engine->log, reterr_error));
    struct rc_snapshot_result result;
    RC_TRY(rc_engine_snapshot(engine, &result, reterr_error));
    RC_ASSERT(result.sequence == sequence);
    struct rc_wal_mark mark = {.log = engine->log}; /* Of a log without files. */
    RC_TRY(rc_wal_mark_replace(engine->disk, place->mark, &mark, reterr_error));
    return rc_wal_set_aside(engine->disk, place->directory, engine->checkpoint_number,
                            reterr_error);
}

static enum rc_status
repair(struct repairing *repairing,
       const struct rc_engine_options *options,
       struct rc_repair_report *report,
       struct rc_error *reterr_error)
{
    struct rc_engine *engine = repairing->engine;
    struct rc_log_place place;
    uint64_t replay_after = 0;
    struct rc_wal_survey found;
    RC_TRY(rc_engine_restore(engine, options, &place, &replay_after, reterr_error));
    RC_TRY(survey(repairing, &place, replay_after, &found, reterr_error));
    *report = (struct rc_repair_report){
        .damaged = found.damaged,
        .offset = found.offset,
        .what = found.what,
        .records_kept = found.record_count,
    };
    if (!found.damaged)
        return RC_OK;
    (void)snprintf(report->file, sizeof(report->file), "%s%s",
                   strcmp(found.file, RC_WAL_MARK_NAME) == 0 ? "" : "wal/", found.file);
    report->records_lost = found.sequence_end - found.sequence;
    report->records_unreadable = report->records_lost - found.readable_lost;
    report->records_uncounted_max = found.uncounted_max;
    report->loss_count = repairing->losses.count;
    report->losses = repairing->losses.list;
    if (!repairing->replay)
        return RC_OK;
    RC_TRY(carry_out(engine, &place, &found, reterr_error));
    report->repaired = true;
    return RC_OK;
}

enum rc_status
rc_engine_repair(const struct rc_engine_options *options,
                 bool carry_out_too,
                 struct rc_arena *arena,
                 struct rc_repair_report *ret_report,
                 struct rc_error *reterr_error)
{
    struct rc_engine *engine = rc_engine_new(options);
    if (engine == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to repair");
    struct repairing repairing = {
        .engine = engine, .losses = {.arena = arena}, .replay = carry_out_too};
    struct rc_repair_report report;
    const enum rc_status status = repair(&repairing, options, &report, reterr_error);
    rc_engine_close(engine, false);
    RC_TRY(status);
    *ret_report = report;
    return RC_OK;
}
