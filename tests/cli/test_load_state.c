/* The state of a load: it reads back, damage is seen, and only rows that will be refused
 * again go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/load/load_place.h"
#include "cli/load/load_state.h"

static char folder[] = "/tmp/recount-load-state-XXXXXX";
static char path[64];

static int
setup(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return 1;
    snprintf(path, sizeof(path), "%s/a.load", folder);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    (void)remove(path);
    return rmdir(folder);
}

static void
write_text(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void
test_state_reads_back(void **state)
{
    (void)state;
    struct rc_error error;
    const struct rc_load_state saved = {
        .stream = "load-1", .project = "projects/p", .fingerprint = UINT64_MAX - 1, .done = true};
    struct rc_load_state found = {0};
    assert_int_equal(rc_load_state_read(path, &found, &error), RC_NOT_FOUND);
    assert_int_equal(rc_load_state_save(&saved, path, &error), RC_OK);
    assert_int_equal(rc_load_state_read(path, &found, &error), RC_OK);
    assert_string_equal(found.stream, saved.stream);
    assert_string_equal(found.project, saved.project);
    assert_true(found.fingerprint == saved.fingerprint);
    assert_true(found.done);
}

static void
test_damage_is_seen(void **state)
{
    (void)state;
    static const char *const damaged[] = {
        "",
        "recount-load 2\nstream a\nproject b\nfingerprint 0\ndone 0\n",
        "recount-load 1\nstream a\nproject b\n",
        "recount-load 1\nstream a\nproject b\nfingerprint xyz\ndone 0\n",
    };
    struct rc_error error;
    struct rc_load_state found = {.stream = "kept"};
    for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
        write_text(damaged[i]);
        assert_int_equal(rc_load_state_read(path, &found, &error), RC_CORRUPT);
        assert_string_equal(found.stream, "kept");
    }
}

static void
test_rows_behind_the_position_go(void **state)
{
    (void)state;
    struct rc_error error;
    char text[512] = "";
    const char *inputs[] = {"a.csv", "b.csv"};
    static struct rc_position position;
    position.input_count = 2;
    position.inputs[0].line = 5;
    position.inputs[1].line = 1;
    write_text("a.csv\t4\tbad time\trow four\n"
               "a.csv\t5\tbad time\trow five\n"
               "b.csv\t1\tbad\trow\n"
               "a.csv\t9\tthe server said no\t\n"
               "other.csv\t1\tbad\trow\n"
               "cut off");
    assert_int_equal(rc_load_state_trim_rejects(path, inputs, &position, &error), RC_OK);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    const size_t size = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[size] = '\0';
    assert_string_equal(text, "a.csv\t4\tbad time\trow four\n"
                              "a.csv\t9\tthe server said no\t\n");
    assert_int_equal(
        rc_load_state_trim_rejects("/tmp/recount-no-such-file", inputs, &position, &error), RC_OK);
}

/* Beside the archive; in the user's state directory where that folder cannot be written, as one
 * that is not there cannot. */
static void
test_place_of_the_state(void **state)
{
    (void)state;
    char archive[96], home[96], expected[160];
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    assert_non_null(arena);
    snprintf(archive, sizeof(archive), "%s/events.ndjson", folder);
    snprintf(expected, sizeof(expected), "%s.load", archive);
    assert_string_equal(rc_load_place_state(arena, archive), expected);
    assert_string_equal(rc_load_place_state(arena, "events.ndjson"), "events.ndjson.load");

    snprintf(archive, sizeof(archive), "%s/none/events.ndjson", folder);
    snprintf(home, sizeof(home), "%s/home", folder);
    assert_int_equal(setenv("XDG_STATE_HOME", home, 1), 0);
    const char *place = rc_load_place_state(arena, archive);
    snprintf(expected, sizeof(expected), "%s/recount/events.ndjson-", home);
    assert_memory_equal(place, expected, strlen(expected));
    snprintf(archive, sizeof(archive), "%s/nothing/events.ndjson", folder);
    assert_string_not_equal(rc_load_place_state(arena, archive), place);
    snprintf(expected, sizeof(expected), "%s/recount", home);
    assert_int_equal(rmdir(expected), 0); /* It was made. */
    assert_int_equal(rmdir(home), 0);

    assert_int_equal(setenv("XDG_STATE_HOME", "relative", 1), 0);
    assert_int_equal(setenv("HOME", home, 1), 0);
    place = rc_load_place_state(arena, archive);
    snprintf(expected, sizeof(expected), "%s/.local/state/recount", home);
    assert_memory_equal(place, expected, strlen(expected));
    for (int i = 0; i < 4; i++) { /* home, .local, state, recount: from the inside out. */
        assert_int_equal(rmdir(expected), 0);
        *strrchr(expected, '/') = '\0';
    }
    assert_int_equal(unsetenv("XDG_STATE_HOME"), 0);
    assert_int_equal(unsetenv("HOME"), 0);
    snprintf(expected, sizeof(expected), "%s.load", archive);
    assert_string_equal(rc_load_place_state(arena, archive), expected);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state_reads_back),
        cmocka_unit_test(test_damage_is_seen),
        cmocka_unit_test(test_rows_behind_the_position_go),
        cmocka_unit_test(test_place_of_the_state),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
