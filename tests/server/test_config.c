/* Settings: where they come from and which wins; what is refused and by which name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/cleanup.h"
#include "server/process/config.h"

static enum rc_status
read_config(const char *const *flags, struct rc_config *config, struct rc_error *error)
{
    char *arguments[16] = {(char *)(uintptr_t) "recountd"};
    int count = 1;
    for (; *flags != NULL; flags++)
        arguments[count++] = (char *)(uintptr_t)*flags;
    return rc_config_read(count, arguments, config, error);
}

static void
write_file(char path[32], const char *text)
{
    strcpy(path, "/tmp/recount-XXXXXX");
    const int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), strlen(text));
    close(file);
}

static void
test_defaults(void **state)
{
    (void)state;
    RC_CLEANUP(rc_config_close) struct rc_config config = {.listen = NULL};
    struct rc_error error;
    assert_int_equal(read_config((const char *const[]){NULL}, &config, &error), RC_OK);
    assert_string_equal(config.listen, "127.0.0.1:7040");
    assert_string_equal(config.data, "./recount-data");
    assert_int_equal(config.message_bytes_max, 16 << 20);
    assert_int_equal(config.snapshot_interval_ms, 15 * 60 * 1000);
    assert_int_equal(config.log_level, RC_LOG_INFO);
    assert_null(config.tls_cert);
}

static void
test_flags_win_over_environment_over_file(void **state)
{
    (void)state;
    RC_CLEANUP(rc_config_close) struct rc_config config = {.listen = NULL};
    struct rc_error error;
    char path[32];
    write_file(path, "# a comment\nlisten = file:1\ndata = from-file\nworkers = 3\n"
                     "memory-max = 2g\nsnapshot-interval = 90s\n");
    setenv("RECOUNT_LISTEN", "environment:1", 1);
    setenv("RECOUNT_DATA", "from-environment", 1);
    setenv("RECOUNT_CONFIG", path, 1);
    assert_int_equal(read_config((const char *const[]){"--listen=flag:1", NULL}, &config, &error),
                     RC_OK);
    assert_string_equal(config.listen, "flag:1");
    assert_string_equal(config.data, "from-environment");
    assert_int_equal(config.workers, 3);
    assert_int_equal(config.memory_max, (uint64_t)2 << 30);
    assert_int_equal(config.snapshot_interval_ms, 90000);
    unsetenv("RECOUNT_LISTEN");
    unsetenv("RECOUNT_DATA");
    unsetenv("RECOUNT_CONFIG");
    unlink(path);
}

static void
test_refuses_bad_values(void **state)
{
    (void)state;
    static const struct {
        const char *flag;
        const char *field;
    } cases[] = {
        {"--workers=two", "workers"},
        {"--workers=-1", "workers"},
        {"--workers=", "workers"},
        {"--memory-max=1x", "memory-max"},
        {"--memory-max=99999999999999999999", "memory-max"},
        {"--memory-max=18446744073709551615g", "memory-max"},
        {"--snapshot-interval=5w", "snapshot-interval"},
        {"--cold-after=36501d", "cold-after"},
        {"--cold-cache-bytes=0", "cold-cache-bytes"},
        {"--log-level=loud", "log-level"},
        {"--log-format=xml", "log-format"},
        {"--tls-cert=a.pem", "tls-key"},
        {"--tls-client-ca=a.pem", "tls-client-ca"},
        {"--max-message-bytes=1", "max-message-bytes"},
        {"--queries-max=0", "queries-max"},
        {"--head-rows-max=65537", "head-rows-max"},
        {"--dictionary-entries-max=65537", "dictionary-entries-max"},
        {"--dictionary-bytes-max=8388609", "dictionary-bytes-max"},
        {"--config=/nonexistent/file", "config"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rc_config config = {.listen = NULL};
        struct rc_error error = {.status = RC_OK};
        assert_int_equal(read_config((const char *const[]){cases[i].flag, NULL}, &config, &error),
                         RC_INVALID);
        assert_string_equal(error.field, cases[i].field);
    }
}

static void
test_refuses_unknown_lines(void **state)
{
    (void)state;
    static const char *const files[] = {"lisen = 1\n", "[section]\nlisten = 1\n", "nonsense\n"};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct rc_config config = {.listen = NULL};
        struct rc_error error = {.status = RC_OK};
        char path[32];
        char flag[64];
        write_file(path, files[i]);
        (void)snprintf(flag, sizeof(flag), "--config=%s", path);
        assert_int_equal(read_config((const char *const[]){flag, NULL}, &config, &error),
                         RC_INVALID);
        assert_non_null(strstr(error.message, path));
        unlink(path);
    }
}

/* What --print-config prints is a settings file that means the same. */
static void
test_prints_what_it_reads(void **state)
{
    (void)state;
    RC_CLEANUP(rc_config_close) struct rc_config config = {.listen = NULL};
    RC_CLEANUP(rc_config_close) struct rc_config again = {.listen = NULL};
    struct rc_error error;
    char path[32];
    char flag[64];
    assert_int_equal(
        read_config((const char *const[]){"--memory-max=3m", "--log-format=text",
                                          "--shutdown-grace=1500ms", "--listen=[::]:1", NULL},
                    &config, &error),
        RC_OK);
    write_file(path, "");
    FILE *file = fopen(path, "w");
    rc_config_print(&config, file);
    assert_int_equal(fclose(file), 0);
    (void)snprintf(flag, sizeof(flag), "--config=%s", path);
    assert_int_equal(read_config((const char *const[]){flag, NULL}, &again, &error), RC_OK);
    assert_string_equal(again.listen, config.listen);
    assert_int_equal(again.memory_max, config.memory_max);
    assert_int_equal(again.shutdown_grace_ms, 1500);
    assert_int_equal(again.log_text, 1);
    unlink(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_flags_win_over_environment_over_file),
        cmocka_unit_test(test_refuses_bad_values),
        cmocka_unit_test(test_refuses_unknown_lines),
        cmocka_unit_test(test_prints_what_it_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
