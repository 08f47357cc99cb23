/* Batches, merging, budgets, resuming: what holds for every format. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "tests/loaders/load_rig.h"

#define SEED 20091122
#define ROWS 2000

static uint64_t random_state;

static uint32_t
below(uint32_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 11) % limit;
}

/* Rows of all kinds, some bad, some empty; a fixed seed. */
static char *
archive_make(uint64_t seed)
{
    char *text = malloc(ROWS * 200);
    assert_non_null(text);
    char *at = text;
    random_state = seed;
    for (int i = 0; i < ROWS; i++) {
        const uint32_t kind = below(20);
        if (kind == 0)
            at += sprintf(at, "{\"user\":\"broken\"\n");
        else if (kind == 1)
            at += sprintf(at, "\n");
        else if (kind == 2)
            at += sprintf(at, "{\"user\":%u,\"time\":%d,\"set\":{\"plan\":\"p%u\"}}\n", below(50),
                          i, below(3));
        else if (kind == 4)
            at += sprintf(
                at, "{\"account_key\":\"team\",\"account\":%u,\"time\":%d,\"set\":{\"a\":%u}}\n",
                below(9), i, below(3));
        else if (kind == 3)
            at += sprintf(at, "{\"alias\":[\"%u\",\"%u\"]}\n", below(50), below(50));
        else
            at += sprintf(
                at,
                "{\"user\":%u,\"time\":%d,\"id\":%d,\"properties\":{\"a\":%u,\"b\":\"%x\"%s}}\n",
                below(50), i, i, below(300), below(1000), below(9) == 0 ? ",\"rare\":[\"x\"]" : "");
    }
    return text;
}

static void
test_resume_goes_on_where_it_stopped(void **state)
{
    (void)state;
    print_message("seed %d\n", SEED);
    char *text = archive_make(SEED);
    struct rig whole = rig_of("recount", text);
    whole.batch_rows_max = 64;
    rig_run(&whole);
    assert_int_equal(whole.status, RC_OK);
    assert_true(whole.batches > 20);
    const uint64_t batches = whole.batches;
    const uint64_t rejected = whole.totals.rejected;
    for (uint64_t stop = 1; stop < batches; stop++) {
        struct rig rig = rig_of("recount", text);
        rig.batch_rows_max = 64;
        rig.stop_after = stop;
        rig_run(&rig);
        assert_int_equal(rig.status, RC_CANCELLED);
        assert_int_equal(rig.position.batch_id, stop);
        char *before = strdup(rig.rows);
        const struct rc_position position = rig.position;
        rig.resume_at = &position;
        rig.stop_after = 0;
        rig_run(&rig);
        assert_int_equal(rig.status, RC_OK);
        assert_int_equal(rig.batches, batches - stop);
        assert_memory_equal(before, whole.rows, strlen(before));
        assert_string_equal(rig.rows, whole.rows + strlen(before));
        assert_true(rig.totals.rejected <= rejected);
        free(before);
        rig_close(&rig);
    }
    rig_close(&whole);
    free(text);
}

static void
test_batch_size_changes_nothing(void **state)
{
    (void)state;
    char *text = archive_make(SEED + 1);
    struct rig ones = rig_of("recount", text);
    ones.batch_rows_max = 1;
    rig_run(&ones);
    struct rig all = rig_of("recount", text);
    rig_run(&all);
    assert_int_equal(all.batches, 1);
    assert_int_equal(ones.totals.events, all.totals.events);
    assert_int_equal(ones.totals.rejected, all.totals.rejected);
    assert_int_equal(ones.batches, all.totals.events + all.totals.user_writes + all.totals.aliases +
                                       all.totals.account_writes);
    /* In one batch the tables follow each other; the events among themselves are the same. */
    const char *at = all.rows;
    char *save = NULL;
    for (char *line = strtok_r(ones.rows, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        if (strncmp(line, "event ", 6) != 0)
            continue;
        assert_memory_equal(at, line, strlen(line));
        at += strlen(line) + 1;
    }
    rig_close(&ones);
    rig_close(&all);
    free(text);
}

#define MERGE_MAPPING \
    "[source]\nformat=csv\n[event]\nuser=u\ntime=t\nid=i\nproperties=*\n[constants]\nfile="

static void
test_merge_by_time(void **state)
{
    (void)state;
    static const char a[] = "u,t,i\nx,1000000000000,1\nx,1000000000004,2\nx,1000000000005,3\n";
    static const char b[] = "u,t,i\ny,1000000000002,1\ny,1000000000004,2\n";
    struct rig rig = {.inputs = {{MERGE_MAPPING "a\n", a, sizeof(a) - 1},
                                 {MERGE_MAPPING "b\n", b, sizeof(b) - 1}},
                      .input_count = 2,
                      .merge_by_time = true};
    static const char merged[] = "event x @1000000000000 #1 file=\"a\"\n"
                                 "event y @1000000000002 #1 file=\"b\"\n"
                                 "event x @1000000000004 #2 file=\"a\"\n"
                                 "event y @1000000000004 #2 file=\"b\"\n"
                                 "event x @1000000000005 #3 file=\"a\"\n";
    rig_run(&rig);
    assert_int_equal(rig.status, RC_OK);
    assert_string_equal(rig.rows, merged);
    /* Stopped after each row and resumed, the merge is the same; the headers are read again. */
    rig.batch_rows_max = 1;
    char joined[sizeof(merged)] = "";
    struct rc_position position;
    for (int i = 0; i < 5; i++) {
        rig.stop_after = 1;
        rig_run(&rig);
        assert_int_equal(rig.status, i < 4 ? RC_CANCELLED : RC_OK);
        strcat(joined, rig.rows);
        position = rig.position;
        rig.resume_at = &position;
    }
    assert_string_equal(joined, merged);
    rig.batch_rows_max = 0;
    rig.stop_after = 0;
    rig.resume_at = NULL;
    rig.merge_by_time = false;
    rig_run(&rig);
    assert_non_null(strstr(rig.rows, "#3 file=\"a\"\nevent y"));
    rig_close(&rig);
}

static void
test_error_budget(void **state)
{
    (void)state;
    struct rig rig =
        rig_of("recount", "bad\n{\"user\":\"u\",\"time\":1,\"id\":1}\nbad\tx\\\nbad\n");
    rig.rejects_max = 2;
    rig_run(&rig);
    assert_int_equal(rig.status, RC_LIMIT_EXCEEDED);
    assert_int_equal(rig.totals.rejected, 3);
    assert_non_null(strstr(rig.error.message, "more than 2 bad rows"));
    assert_non_null(strstr(rig.rejects, "\tbad\\tx\\\\\n")); /* Written with its escapes. */
    rig.rejects_max = 3;
    rig_run(&rig);
    assert_int_equal(rig.status, RC_OK);
    assert_string_equal(rig.rows, "event u @1 #1\n");
    rig_close(&rig);
}

static void
test_big_rows_close_a_batch(void **state)
{
    (void)state;
    char *text = malloc(128 * 60100);
    assert_non_null(text);
    char *at = text;
    for (int i = 0; i < 128; i++)
        at += sprintf(at,
                      "{\"user\":\"u\",\"time\":1,\"id\":%d,\"properties\":{\"x\":\"%060000d\"}}\n",
                      i, i);
    struct rig rig = rig_of("recount", text);
    rig_run(&rig);
    assert_int_equal(rig.status, RC_OK);
    assert_int_equal(rig.totals.events, 128);
    assert_true(rig.batches >= 3 && rig.batches <= 5); /* 7.7 MB in batches of 2 MiB. */
    rig_close(&rig);
    free(text);
}

/* Feeds a pipe from another process. */
static void
pipe_feed(const char *path, const char *text, size_t size)
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child > 0)
        return;
    FILE *out = fopen(path, "w");
    const bool written = out != NULL && fwrite(text, 1, size, out) == size;
    _exit(written && fclose(out) == 0 ? 0 : 1);
}

/* What comes through a pipe may be live and goes in smaller batches than an archive. */
static void
test_batches_of_files_and_pipes(void **state)
{
    (void)state;
    const int rows = RC_LOAD_ARCHIVE_BATCH_ROWS + 1;
    char *text = malloc((size_t)rows * 60);
    assert_non_null(text);
    char *at = text;
    for (int i = 0; i < rows; i++)
        at += sprintf(at, "{\"user\":\"u\",\"time\":%d,\"id\":%d}\n", i, i);
    struct rig file = rig_of("recount", text);
    rig_run(&file);
    assert_int_equal(file.totals.events, rows);
    assert_int_equal(file.batches, 2);
    struct rig pipe = rig_of("recount", text);
    rig_file("", 0, pipe.paths[0]);
    assert_int_equal(unlink(pipe.paths[0]), 0);
    assert_int_equal(mkfifo(pipe.paths[0], 0600), 0);
    pipe_feed(pipe.paths[0], text, (size_t)(at - text));
    rig_run(&pipe);
    assert_int_equal(pipe.totals.events, rows);
    assert_int_equal(pipe.batches, (rows + RC_LOAD_BATCH_ROWS - 1) / RC_LOAD_BATCH_ROWS);
    int status = 1;
    assert_true(wait(&status) > 0);
    assert_int_equal(status, 0);
    assert_string_equal(pipe.rows, file.rows);
    rig_close(&file);
    rig_close(&pipe);
    free(text);
}

static void
test_values_at_their_limits(void **state)
{
    (void)state;
    for (size_t size = 65536; size <= 65537; size++) {
        char *text = malloc(size + 100);
        assert_non_null(text);
        sprintf(text, "{\"user\":\"u\",\"time\":1,\"id\":1,\"properties\":{\"x\":\"%0*d\"}}\n",
                (int)size, 0);
        struct rig rig = rig_of("recount", text);
        rig_run(&rig);
        assert_int_equal(rig.totals.events, size == 65536);
        rig_close(&rig);
        free(text);
    }
    for (size_t size = 512; size <= 513; size++) {
        char text[600];
        sprintf(text, "{\"user\":\"%0*d\",\"time\":1,\"id\":1}\n", (int)size, 0);
        struct rig rig = rig_of("recount", text);
        rig_run(&rig);
        assert_int_equal(rig.totals.events, size == 512);
        rig_close(&rig);
    }
}

static void
test_bad_options(void **state)
{
    (void)state;
    struct rc_error error = {0};
    struct rc_load_options options = {.first_batch_id = 1};
    assert_int_equal(rc_load(&options, NULL, &error), RC_INVALID);
    assert_string_equal(error.field, "inputs");
    struct rc_load_input inputs[2] = {{.path = "-"}, {.path = "-"}};
    options.inputs = inputs;
    options.input_count = 2;
    assert_int_equal(rc_load(&options, NULL, &error), RC_INVALID);
    options.input_count = 1;
    options.first_batch_id = 0;
    assert_int_equal(rc_load(&options, NULL, &error), RC_INVALID);
    assert_string_equal(error.field, "first_batch_id");
    struct rig rig = rig_of("recount", "");
    rig_file("", 0, rig.paths[0]);
    unlink(rig.paths[0]);
    rig_run(&rig);
    assert_int_equal(rig.status, RC_NOT_FOUND);
    rig_close(&rig);
}

static enum rc_status
take_nothing(void *context, const struct rc_load_batch *batch, struct rc_error *reterr_error)
{
    (void)context;
    (void)reterr_error;
    return batch->request.size > 0 ? RC_OK : RC_CORRUPT;
}

static enum rc_status
load_quietly(const char *path)
{
    RC_CLEANUP(rc_mapping_freep) struct rc_mapping *mapping = NULL;
    RC_CLEANUP(rc_rejects_freep) struct rc_rejects *rejects = NULL;
    RC_TRY(rc_mapping_load("recount", &mapping, NULL));
    RC_TRY(rc_rejects_new(NULL, 10, false, &rejects, NULL));
    const struct rc_load_input input = {path, mapping};
    const struct rc_load_options options = {.inputs = &input,
                                            .input_count = 1,
                                            .first_batch_id = 1,
                                            .rejects = rejects,
                                            .take = take_nothing};
    return rc_load(&options, NULL, NULL);
}

static void
test_each_refused_allocation_is_survived(void **state)
{
    (void)state;
    static const char text[] =
        "{\"user\":\"u\",\"time\":1,\"id\":\"x\",\"properties\":{\"a\":[\"p\"],\"b\":{\"c\":1.5}}}"
        "\n"
        "{\"user\":\"u\",\"time\":1,\"set\":{\"plan\":1}}\n{\"alias\":[\"a\",\"b\"]}\nbad\n";
    char path[64];
    rig_file(text, sizeof(text) - 1, path);
    enum rc_status status = RC_NO_MEMORY;
    uint64_t n = 0;
    while (status != RC_OK) {
        rc_alloc_fail_at(++n);
        status = load_quietly(path);
        const uint64_t asked = rc_alloc_count();
        rc_alloc_fail_at(0);
        if (asked < n) /* The n-th was never asked for: all of them have failed once. */
            assert_int_equal(status, RC_OK);
        else
            assert_int_equal(status, RC_NO_MEMORY);
    }
    assert_true(n > 50);
    unlink(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resume_goes_on_where_it_stopped),
        cmocka_unit_test(test_batch_size_changes_nothing),
        cmocka_unit_test(test_merge_by_time),
        cmocka_unit_test(test_error_budget),
        cmocka_unit_test(test_big_rows_close_a_batch),
        cmocka_unit_test(test_batches_of_files_and_pipes),
        cmocka_unit_test(test_values_at_their_limits),
        cmocka_unit_test(test_bad_options),
        cmocka_unit_test(test_each_refused_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
