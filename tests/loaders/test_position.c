/* A saved position comes back as it was, and one of other inputs is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "loaders/position.h"

static char directory[64];
static char file[96];

static int
set_up(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/recount-position-XXXXXX");
    assert_non_null(mkdtemp(directory));
    snprintf(file, sizeof(file), "%s/position", directory);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    unlink(file);
    rmdir(directory);
    return 0;
}

static void
test_round_trip(void **state)
{
    (void)state;
    static const char *const paths[] = {"a.csv.gz", "with space.json"};
    static struct rc_position saved = {.batch_id = 17, .input_count = 2};
    static struct rc_position loaded;
    saved.inputs[0].offset = 12345678901234;
    saved.inputs[0].line = 99;
    saved.inputs[1].line = 1;
    struct rc_error error = {0};
    assert_int_equal(rc_position_load(file, paths, 2, &loaded, &error), RC_NOT_FOUND);
    assert_int_equal(rc_position_save(&saved, paths, file, &error), RC_OK);
    assert_int_equal(rc_position_load(file, paths, 2, &loaded, &error), RC_OK);
    assert_memory_equal(&saved, &loaded, sizeof(saved));
    saved.batch_id = 18;
    assert_int_equal(rc_position_save(&saved, paths, file, &error), RC_OK);
    assert_int_equal(rc_position_load(file, paths, 2, &loaded, &error), RC_OK);
    assert_int_equal(loaded.batch_id, 18);
    static const char *const others[] = {"a.csv.gz", "with space.jsom", "c"};
    assert_int_equal(rc_position_load(file, others, 2, &loaded, &error), RC_CONFLICT);
    assert_int_equal(rc_position_load(file, paths, 1, &loaded, &error), RC_CONFLICT);
    assert_int_equal(rc_position_load(file, others, 3, &loaded, &error), RC_CONFLICT);
}

static void
test_damaged_files(void **state)
{
    (void)state;
    static const char *const paths[] = {"a"};
    static struct rc_position loaded;
    static const char *const texts[] = {"",
                                        "nonsense\n",
                                        "recount-position 2\nbatch 1\n",
                                        "recount-position 1\nbatch x\n",
                                        "recount-position 1\nbatch 1\ninput 1 2",
                                        "recount-position 1\nbatch 1\ninput 1 2 a"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        FILE *out = fopen(file, "w");
        assert_non_null(out);
        fputs(texts[i], out);
        fclose(out);
        assert_int_equal(rc_position_load(file, paths, 1, &loaded, NULL), RC_CORRUPT);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damaged_files, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
