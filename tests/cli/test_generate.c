/*
 * The generated archive keeps the counts that it promises, and its bytes never change: the golden
 * checksum below may only be changed together with a note that earlier figures no longer compare.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/generate/generate.h"
#include "engine/base/alloc.h"
#include "engine/base/checksum.h"

#define GOLDEN_EVENTS 2000
#define GOLDEN_CRC32C 0x80ca412au

struct archive {
    char *text; /* Owned, ended by NUL. */
    size_t size;
    struct rc_generate_result result;
};

static struct archive
archive_make(const struct rc_generate_options *options)
{
    struct archive archive = {0};
    struct rc_error error = {0};
    FILE *file = tmpfile();
    assert_non_null(file);
    const enum rc_status status = rc_generate(options, fileno(file), &archive.result, &error);
    if (status != RC_OK)
        fail_msg("generate: %s", error.message);
    const off_t size = lseek(fileno(file), 0, SEEK_END);
    assert_true(size > 0);
    archive.size = (size_t)size;
    archive.text = malloc(archive.size + 1);
    assert_non_null(archive.text);
    assert_int_equal(pread(fileno(file), archive.text, archive.size, 0), size);
    archive.text[archive.size] = '\0';
    fclose(file);
    return archive;
}

static unsigned long long
number_after(const char *line, const char *key)
{
    const char *at = strstr(line, key);
    assert_non_null(at);
    return strtoull(at + strlen(key), NULL, 10);
}

static int
compare_u64(const void *a, const void *b)
{
    const unsigned long long x = *(const unsigned long long *)a;
    const unsigned long long y = *(const unsigned long long *)b;
    return x < y ? -1 : x > y;
}

static size_t
count_distinct(unsigned long long *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare_u64);
    size_t distinct = 0;
    for (size_t i = 0; i < count; i++)
        distinct += i == 0 || values[i] != values[i - 1];
    return distinct;
}

struct counts {
    size_t events;
    size_t writes;
    size_t signups;
    size_t signup_texts;
    size_t out_of_order;
    size_t before_first_seen;
};

static struct counts
archive_count(struct archive *archive, unsigned long long *users, unsigned long long *ids)
{
    struct counts counts = {0};
    unsigned long long latest = 0;
    for (char *line = strtok(archive->text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        const unsigned long long user = number_after(line, "{\"user\":");
        const unsigned long long time_ms = number_after(line, ",\"time\":");
        assert_true(user < 1ULL << 53);
        assert_true(time_ms >= RC_GENERATE_START_MS);
        assert_int_equal(line[strlen(line) - 1], '}');
        if (strstr(line, ",\"set\":{") != NULL) {
            counts.writes++;
            continue;
        }
        users[counts.events] = user;
        ids[counts.events] = number_after(line, ",\"id\":");
        assert_true(ids[counts.events] < 1ULL << 53);
        const int submit = strstr(line, "\"type\":\"submit\"") != NULL;
        const int on_signup = strstr(line, "\"path\":\"/signup\"") != NULL;
        counts.signups += submit && on_signup;
        counts.signup_texts += strstr(line, "\"target_text\":\"Sign up\"") != NULL;
        counts.out_of_order += time_ms < latest;
        latest = time_ms > latest ? time_ms : latest;
        counts.events++;
    }
    return counts;
}

static void
test_counts_are_exact(void **state)
{
    (void)state;
    const struct rc_generate_options options = rc_generate_options_default(50000, 7);
    struct archive archive = archive_make(&options);
    unsigned long long *users = calloc(options.events, sizeof(*users));
    unsigned long long *ids = calloc(options.events, sizeof(*ids));
    assert_non_null(users);
    assert_non_null(ids);
    const struct counts counts = archive_count(&archive, users, ids);
    assert_int_equal(counts.events, options.events);
    assert_int_equal(counts.events, archive.result.events);
    assert_int_equal(counts.signups, 15); /* 0.03 % */
    assert_int_equal(counts.signup_texts, 15);
    assert_int_equal(counts.writes, archive.result.user_writes);
    assert_int_equal(count_distinct(ids, counts.events), options.events);
    assert_int_equal(count_distinct(users, counts.events), 1000);
    assert_true(counts.out_of_order > 0);
    assert_true(counts.out_of_order < options.events / 20);
    const double properties = (double)archive.result.property_count / (double)counts.events;
    const double bytes = (double)archive.size / (double)counts.events;
    assert_true(properties > 20 && properties < 22);
    assert_true(bytes > 600 && bytes < 700);
    free(users);
    free(ids);
    free(archive.text);
}

static void
test_same_seed_same_bytes(void **state)
{
    (void)state;
    struct rc_generate_options options = rc_generate_options_default(GOLDEN_EVENTS, 1);
    struct archive first = archive_make(&options);
    struct archive second = archive_make(&options);
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.text, second.text, first.size);
    const uint32_t crc = rc_crc32c(first.text, first.size);
    if (crc != GOLDEN_CRC32C)
        fail_msg("the archive of seed 1 has checksum 0x%08x", crc);
    options.seed = 2;
    struct archive other = archive_make(&options);
    assert_true(other.size != first.size || memcmp(other.text, first.text, first.size) != 0);
    free(first.text);
    free(second.text);
    free(other.text);
}

static void
test_odd_sizes(void **state)
{
    (void)state;
    /* One event; fewer users than sign-ups; one user with everything; everyone one-time. */
    static const struct rc_generate_options cases[] = {
        {1, 1, 1, 0, 1},
        {20000, 2, 1, 0, 3},
        {3000, 1, 9, RC_GENERATE_START_MS, 36500},
        {5000, 5000, 3, RC_GENERATE_START_MS, 90},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct archive archive = archive_make(&cases[i]);
        assert_int_equal(archive.result.events, cases[i].events);
        assert_int_equal(archive.result.signups, (cases[i].events * 3 + 5000) / 10000);
        free(archive.text);
    }
}

static void
expect_refused(struct rc_generate_options options, const char *field)
{
    struct rc_error error = {0};
    assert_int_equal(rc_generate(&options, STDERR_FILENO, NULL, &error), RC_INVALID);
    assert_string_equal(error.field, field);
}

static void
test_bad_options_are_refused(void **state)
{
    (void)state;
    const struct rc_generate_options good = rc_generate_options_default(100, 1);
    struct rc_generate_options bad = good;
    bad.events = 0;
    expect_refused(bad, "events");
    bad = good;
    bad.events = RC_GENERATE_EVENTS_MAX + 1;
    expect_refused(bad, "events");
    bad = good;
    bad.users = 0;
    expect_refused(bad, "users");
    bad.users = 101;
    expect_refused(bad, "users");
    bad = good;
    bad.days = 0;
    expect_refused(bad, "days");
    bad.days = RC_GENERATE_DAYS_MAX + 1;
    expect_refused(bad, "days");
    bad = good;
    bad.start_ms = -1;
    expect_refused(bad, "start_ms");
}

static void
test_closed_pipe_is_an_error(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    signal(SIGPIPE, SIG_IGN);
    const struct rc_generate_options options = rc_generate_options_default(5000, 1);
    struct rc_error error = {0};
    assert_int_equal(rc_generate(&options, ends[1], NULL, &error), RC_IO);
    close(ends[1]);
}

static void
test_each_refused_allocation_is_survived(void **state)
{
    (void)state;
    const struct rc_generate_options options = rc_generate_options_default(300, 1);
    FILE *file = tmpfile();
    assert_non_null(file);
    rc_alloc_fail_at(0);
    assert_int_equal(rc_generate(&options, fileno(file), NULL, NULL), RC_OK);
    const uint64_t allocations = rc_alloc_count();
    assert_true(allocations > 0);
    for (uint64_t n = 1; n <= allocations; n++) {
        rc_alloc_fail_at(n);
        assert_int_equal(rc_generate(&options, fileno(file), NULL, NULL), RC_NO_MEMORY);
    }
    rc_alloc_fail_at(0);
    fclose(file);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_are_exact),
        cmocka_unit_test(test_same_seed_same_bytes),
        cmocka_unit_test(test_odd_sizes),
        cmocka_unit_test(test_bad_options_are_refused),
        cmocka_unit_test(test_closed_pipe_is_an_error),
        cmocka_unit_test(test_each_refused_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
