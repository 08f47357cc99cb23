/*
 * The whole engine over a disk that loses its power at a random call: what was acknowledged is
 * there after the next start, once; what was not is there whole or not at all.
 *
 * Every batch is a function of its seed and number and a project has one stream, so the stream's
 * position after a restart says which contents the twin must hold. A second project is made and
 * deleted again and again. A definition keeps what it was. Changes carry request ids: one that was
 * cut off is asked for again, and is then made, once. What a power cut leaves is a directory in
 * which a check finds nothing wrong, and a backup that was reported as done can be restored.
 *
 * RC_POWER_CUT_ROUNDS and RC_POWER_CUT_SEED choose how many rounds and which. Rounds repeat only
 * nearly from their seed: the log has a thread of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/limits.h"
#include "engine/face/upkeep.h"
#include "tests/base/disk_faulty.h"
#include "tests/base/environment.h"
#include "tests/face/engine_rig.h"

#define ROUNDS 200u
#define ROWS_MAX 60u

/* A project and what is known of it. */
struct subject {
    const char *name;
    bool exists;
    bool is_known;        /* Whether it exists. */
    uint64_t incarnation; /* Grows with every creation that was tried. */
    uint64_t sent;        /* Batches given to the engine in this incarnation. */
    _Atomic(uint64_t) acknowledged;
    uint64_t definition_sent; /* Kinds of the definition "d", in order of puts; + 1. */
    uint64_t definition_acknowledged;
    bool definition_cut;       /* The last put was cut off: */
    uint64_t definition_tried; /* of this version. */
    bool existence_cut;        /* The last creation (wanted) or deletion was cut off. */
    bool wanted;
};

struct round {
    uint64_t seed;
    uint64_t random;
    struct rc_disk_faulty *disk;
    struct rc_engine *engine;
    struct subject subjects[2];
    uint32_t existences;   /* Creations and deletions of projects that were tried. */
    uint32_t backup_count; /* Tried. */
    uint32_t backup_last;  /* The last that was reported as done, and was not looked at; 0: none. */
    bool failed;           /* Something was refused: the power must be off. */
};

static uint32_t
below(struct round *round, uint32_t limit)
{
    return (uint32_t)(rig_random(&round->random) % limit);
}

static uint64_t
content_seed(const struct round *round, const struct subject *subject, uint64_t batch_id)
{
    return round->seed * 1000003 + (uint64_t)(subject->name[0]) * 7919 +
           subject->incarnation * 100003 + batch_id;
}

static enum rc_status
start(struct round *round)
{
    const struct rc_engine_options options = {
        .disk = rc_disk_faulty_disk(round->disk),
        .directory = "/data",
        .worker_count = 1,
        .wal_file_bytes = 1 << 15,
        .wal_checkpoint_bytes = 1 << 16,
        .head_rows_max = 96,
        .window_rows_max = round->seed % 3 == 0 ? 0 : 40, /* Windows become shorter. */
        .dictionary_entries_max = 2,                      /* Of four kinds. */
        .replay_group_bytes = round->seed % 3 == 0 ? 3000 : 0,
        .small_record_bytes = round->seed % 2 == 0 ? 1 : 0, /* All are applied beside the log. */
    };
    struct rc_error error = {0};
    const enum rc_status status = rc_engine_open(&options, &round->engine, &error);
    if (status != RC_OK && !rc_disk_faulty_is_cut(round->disk))
        fail_msg("seed %llu: open: %s", (unsigned long long)round->seed, error.message);
    return status;
}

/* ---- what lies on the disk ---- */

static void
tell(void *context, enum rc_finding finding, const char *where, const char *what)
{
    const struct round *round = context;
    if (finding == RC_FINDING_PROBLEM)
        fail_msg("seed %llu: check: %s: %s", (unsigned long long)round->seed, where, what);
}

/* Whatever the power cut left is a directory in order. */
static void
check_directory(struct round *round, const char *directory)
{
    const struct rc_engine_options options = {
        .disk = rc_disk_faulty_disk(round->disk), .directory = directory, .worker_count = 1};
    struct rc_check check = {.on_finding = tell, .context = round};
    struct rc_error error = {0};
    const enum rc_status status = rc_engine_check_directory(&options, &check, &error);
    if (status != RC_OK && status != RC_NOT_FOUND)
        fail_msg("seed %llu: check: %s", (unsigned long long)round->seed, error.message);
}

/* A backup that was reported as done can be restored after any power cut, and opened. */
static void
check_backup(struct round *round)
{
    char backup[64];
    char restored[64];
    struct rc_backup result;
    struct rc_error error = {0};
    struct rc_disk *disk = rc_disk_faulty_disk(round->disk);
    if (round->backup_last == 0)
        return;
    (void)snprintf(backup, sizeof(backup), "/backup-%u", round->backup_last);
    (void)snprintf(restored, sizeof(restored), "/restored-%u", round->backup_last);
    round->backup_last = 0;
    if (rc_engine_restore_backup(disk, backup, restored, &result, &error) != RC_OK)
        fail_msg("seed %llu: restore: %s", (unsigned long long)round->seed, error.message);
    check_directory(round, restored);
    const struct rc_engine_options options = {
        .disk = disk, .directory = restored, .worker_count = 1, .wal_file_bytes = 1 << 15};
    struct rc_engine *engine = NULL;
    if (rc_engine_open(&options, &engine, &error) != RC_OK)
        fail_msg("seed %llu: open: %s", (unsigned long long)round->seed, error.message);
    rc_engine_close(engine, true);
}

/* ---- what must be there ---- */

static void
check_definition(struct round *round, struct subject *subject, bool fresh)
{
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *catalog = NULL;
    assert_int_equal(rc_engine_catalog(round->engine, rc_bytes_of(subject->name),
                                       RC_CATALOG_DEFINITIONS, &catalog, NULL),
                     RC_OK);
    struct rc_catalog_entry entry = {.version = 0};
    (void)rc_catalog_find(catalog, RC_BYTES_LITERAL("d"), &entry);
    const uint64_t version = entry.version;
    if (version < subject->definition_acknowledged || version > subject->definition_sent)
        fail_msg("seed %llu: %s: definition version %llu, acknowledged %llu, sent %llu",
                 (unsigned long long)round->seed, subject->name, (unsigned long long)version,
                 (unsigned long long)subject->definition_acknowledged,
                 (unsigned long long)subject->definition_sent);
    if (fresh) {
        subject->definition_sent = version;
        subject->definition_acknowledged = version;
    }
    for (uint64_t old = version; old > 0 && old + RC_ENTRY_VERSIONS_MAX > version; old--) {
        RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
        struct rc_catalog_entry was;
        if (!rc_catalog_find_version(catalog, RC_BYTES_LITERAL("d"), old, &was) ||
            !rc_bytes_equal(was.payload, rig_definition_payload(arena, (uint32_t)(old % 4))))
            fail_msg("seed %llu: %s: version %llu of %llu is not what it was",
                     (unsigned long long)round->seed, subject->name, (unsigned long long)old,
                     (unsigned long long)version);
    }
    if (version > 0)
        assert_true(
            rig_measure_defined(round->engine, subject->name, "d") ==
            rig_measure(round->engine, subject->name, RC_MEASURE_COUNT, (uint32_t)(version % 4)));
}

static void
check_subject(struct round *round, struct subject *subject, bool fresh)
{
    uint64_t position = 0;
    const enum rc_status status = rc_engine_stream_position(
        round->engine, rc_bytes_of(subject->name), RC_BYTES_LITERAL("stream"), &position, NULL);
    if (subject->is_known && (status == RC_OK) != subject->exists)
        fail_msg("seed %llu: project %s %s", (unsigned long long)round->seed, subject->name,
                 status == RC_OK ? "should not exist" : "is lost");
    subject->exists = status == RC_OK;
    subject->is_known = true;
    if (status != RC_OK)
        return;
    if (position < atomic_load(&subject->acknowledged) || position > subject->sent)
        fail_msg("seed %llu: %s: position %llu, acknowledged %llu, sent %llu",
                 (unsigned long long)round->seed, subject->name, (unsigned long long)position,
                 (unsigned long long)atomic_load(&subject->acknowledged),
                 (unsigned long long)subject->sent);
    static struct rig_content content;
    struct rig_twin twin;
    rig_twin_open(&twin);
    for (uint64_t id = 1; id <= position; id++) {
        rig_content_make(content_seed(round, subject, id), ROWS_MAX, true, &content);
        rig_twin_apply(&twin, &content);
    }
    rig_twin_expect(&twin, round->engine, subject->name);
    rig_twin_close(&twin);
    check_definition(round, subject, fresh);
    if (fresh) {
        subject->sent = position; /* What is not there after a start is gone for good. */
        atomic_store(&subject->acknowledged, position);
    }
}

static void
check_all(struct round *round, bool fresh)
{
    rc_engine_settle(round->engine);
    for (size_t i = 0; i < 2; i++)
        check_subject(round, &round->subjects[i], fresh);
}

/* ---- steps ---- */

struct sent_batch {
    struct subject *subject;
    uint64_t batch_id;
};

static void
on_done(void *context, const struct rc_ingest_result *result)
{
    struct sent_batch *sent = context;
    if (result->status == RC_OK)
        atomic_store(&sent->subject->acknowledged, sent->batch_id);
    free(sent);
}

static void
step_ingest(struct round *round, struct subject *subject)
{
    static struct rig_content content;
    const uint32_t count = 1 + below(round, 5);
    for (uint32_t i = 0; i < count && subject->exists; i++) {
        RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
        struct sent_batch *sent = malloc(sizeof(*sent));
        struct rc_rejects rejects;
        *sent = (struct sent_batch){subject, subject->sent + 1};
        rig_content_make(content_seed(round, subject, sent->batch_id), ROWS_MAX, true, &content);
        const enum rc_status status = rc_engine_ingest(
            round->engine, rc_bytes_of(subject->name), RC_BYTES_LITERAL("stream"), sent->batch_id,
            rig_batch(arena, &content), arena, on_done, sent, &rejects, NULL);
        if (status == RC_OK) {
            subject->sent++;
            continue;
        }
        free(sent);
        round->failed = true;
        return;
    }
    if (below(round, 3) == 0)
        rc_engine_settle(round->engine);
}

/* The put of a version of the definition, under the id that it has whenever it is asked for. */
static enum rc_status
define(struct round *round, struct subject *subject, uint64_t version)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    char id[64];
    struct rc_catalog_entry made;
    const int size =
        snprintf(id, sizeof(id), "d-%llu-%llu", (unsigned long long)subject->incarnation,
                 (unsigned long long)version);
    const struct rc_asked asked = {.request_id = {id, (size_t)size}, .content = version};
    const enum rc_status status =
        rig_define_asked(round->engine, subject->name, "d", (uint32_t)(version % 4), version - 1,
                         &asked, arena, &made, NULL);
    if (status == RC_OK)
        assert_int_equal(made.version, version);
    return status;
}

static void
step_define(struct round *round, struct subject *subject)
{
    if (!subject->exists)
        return;
    if (below(round, 3) == 0 && subject->definition_acknowledged > 0) /* Nothing new. */
        round->failed = define(round, subject, subject->definition_acknowledged) != RC_OK;
    if (round->failed)
        return;
    const uint64_t next = ++subject->definition_sent;
    subject->definition_tried = next;
    subject->definition_cut = define(round, subject, next) != RC_OK;
    if (!subject->definition_cut)
        subject->definition_acknowledged = next;
    round->failed = subject->definition_cut;
}

/* Makes the project, or deletes it, under the id of the round's last attempt. */
static enum rc_status
change_existence(struct round *round, struct subject *subject, bool creates)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    char id[64];
    const struct rc_project_settings settings = {.id = rc_bytes_of(subject->name)};
    struct rc_project_settings made;
    const int size = snprintf(id, sizeof(id), "e-%u", round->existences);
    const struct rc_asked asked = {.request_id = {id, (size_t)size}, .content = creates};
    if (creates)
        return rc_engine_put_project(round->engine, &settings, 0, &asked, arena, &made, NULL);
    return rc_engine_delete_project(round->engine, settings.id, UINT64_MAX, &asked, NULL);
}

/* Makes the project, or deletes it. */
static void
step_exist(struct round *round, struct subject *subject)
{
    const bool creates = !subject->exists;
    rc_engine_settle(round->engine); /* No batch of it is on its way. */
    if (creates) {
        subject->incarnation++;
        subject->sent = 0;
        subject->definition_sent = 0;
        subject->definition_acknowledged = 0;
        atomic_store(&subject->acknowledged, 0);
    }
    round->existences++;
    subject->wanted = creates;
    subject->existence_cut = change_existence(round, subject, creates) != RC_OK;
    if (!subject->existence_cut) {
        subject->exists = creates;
        return;
    }
    subject->is_known = false;
    round->failed = true;
}

/* What was cut off is asked for again: it was made, or is made now, and not twice. */
static void
ask_again(struct round *round, struct subject *subject)
{
    if (subject->existence_cut) {
        subject->is_known = false;
        round->failed = change_existence(round, subject, subject->wanted) != RC_OK;
        if (round->failed)
            return;
        subject->existence_cut = false;
        subject->is_known = true;
        subject->exists = subject->wanted;
        check_subject(round, subject, true);
    }
    if (!subject->definition_cut || !subject->exists) {
        subject->definition_cut = false;
        return;
    }
    subject->definition_sent = subject->definition_tried;
    round->failed = define(round, subject, subject->definition_tried) != RC_OK;
    if (round->failed)
        return;
    subject->definition_cut = false;
    subject->definition_acknowledged = subject->definition_tried;
    check_subject(round, subject, false);
}

static void
step_back_up(struct round *round)
{
    char directory[64];
    struct rc_backup backup;
    struct rc_snapshot_result result;
    (void)snprintf(directory, sizeof(directory), "/backup-%u", ++round->backup_count);
    const struct rc_backup_options options = {.directory = directory, .copy = below(round, 2) == 0};
    if (rc_engine_backup(round->engine, &options, &backup, &result, NULL) == RC_OK)
        round->backup_last = round->backup_count;
    else
        round->failed = true;
}

static void
step_check(struct round *round)
{
    struct rc_check check = {.on_finding = tell, .context = round};
    if (rc_engine_check(round->engine, (struct rc_bytes){0}, &check, NULL) != RC_OK)
        round->failed = true;
}

static void
step(struct round *round)
{
    struct rc_snapshot_result result;
    struct subject *shop = &round->subjects[0];
    struct subject *temporary = &round->subjects[1];
    struct subject *any = below(round, 4) == 0 ? temporary : shop;
    if (!shop->exists) {
        step_exist(round, shop);
        return;
    }
    switch (below(round, 15)) {
    case 0:
        step_exist(round, temporary);
        break;
    case 1:
        step_define(round, any);
        break;
    case 2:
        if (rc_engine_snapshot(round->engine, &result, NULL) != RC_OK)
            round->failed = true;
        break;
    case 3:
        if (rc_engine_compact(round->engine, NULL) != RC_OK)
            round->failed = true;
        break;
    case 4:
        check_all(round, false);
        break;
    case 5:
        step_back_up(round);
        break;
    case 6:
        step_check(round);
        break;
    default:
        step_ingest(round, any);
        break;
    }
}

static void
live(struct round *round, uint32_t steps)
{
    if (start(round) != RC_OK)
        return;
    check_all(round, true);
    round->failed = false;
    for (size_t i = 0; i < 2 && !round->failed; i++)
        ask_again(round, &round->subjects[i]);
    for (uint32_t i = 0; i < steps && !round->failed; i++)
        step(round);
    if (round->failed && !rc_disk_faulty_is_cut(round->disk))
        fail_msg("seed %llu: refused while the power was on", (unsigned long long)round->seed);
    round->engine = rc_engine_close(round->engine, below(round, 2) == 0);
}

static void
run_round(uint64_t seed)
{
    struct round round = {
        .seed = seed,
        .random = seed,
        .disk = rc_disk_faulty_new(seed),
        .subjects = {{.name = "shop", .is_known = true}, {.name = "temporary", .is_known = true}},
    };
    const uint32_t lives = 2 + below(&round, 4);
    for (uint32_t life = 0; life < lives; life++) {
        rc_disk_faulty_cut_at(round.disk, 1 + below(&round, below(&round, 2) == 0 ? 60 : 500));
        live(&round, 60);
        rc_disk_faulty_cut_at(round.disk, 0);
        rc_disk_faulty_reboot(round.disk);
        check_directory(&round, "/data");
        check_backup(&round);
    }
    for (uint32_t life = 0; life < 2; life++)
        live(&round, 10);
    rc_disk_faulty_free(round.disk);
}

static void
test_power_cuts(void **state)
{
    (void)state;
    const uint64_t rounds = test_number("RC_POWER_CUT_ROUNDS", test_rounds(ROUNDS));
    const uint64_t seed = test_number("RC_POWER_CUT_SEED", 1);
    print_message("seeds %llu to %llu\n", (unsigned long long)seed,
                  (unsigned long long)(seed + rounds - 1));
    for (uint64_t i = 0; i < rounds; i++)
        run_round(seed + i);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_power_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
