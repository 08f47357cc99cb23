/* Predicate: limits reached and passed, the names of nodes at fault, canonical form,
 * stored form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/limits.h"
#include "engine/match/predicate/definitions.h"
#include "tests/match/match_rig.h"

static struct rc_arena *arena;

static int
setup(void **state)
{
    (void)state;
    arena = rc_arena_new(NULL, 0);
    return arena == NULL;
}

static int
teardown(void **state)
{
    (void)state;
    arena = rc_arena_free(arena);
    return 0;
}

static const struct rc_predicate *
leaf(enum rc_leaf_operator operator, uint32_t value_count, const struct rc_value *values)
{
    const struct rc_predicate node = {
        .kind = RC_PREDICATE_LEAF,
        .leaf = {.scope = RC_LEAF_EVENT,
                 .operator= operator,
                 .property = RC_BYTES_LITERAL("p0"),
                 .value_count = value_count,
                 .values = rc_arena_copy(arena, values, value_count * sizeof(*values))}};
    return rc_arena_copy(arena, &node, sizeof(node));
}

static const struct rc_predicate *
text_leaf(enum rc_leaf_operator operator, const char * text)
{
    const struct rc_value value = rc_value_string(rc_bytes_of(text));
    return leaf(operator, 1, &value);
}

static const struct rc_predicate *
list(enum rc_predicate_kind kind, uint32_t count, const struct rc_predicate *const *children)
{
    const struct rc_predicate node = {
        .kind = kind,
        .child_count = count,
        .children = rc_arena_copy(arena, children, count * sizeof(*children))};
    return rc_arena_copy(arena, &node, sizeof(node));
}

static void
expect_error(const struct rc_predicate *predicate,
             enum rc_status status,
             const char *field,
             const char *part)
{
    struct rc_error error = {0};
    assert_int_equal(rc_predicate_check(predicate, &error), status);
    assert_int_equal(error.status, status);
    assert_string_equal(error.field, field);
    if (strstr(error.message, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.message, part);
}

static void
paths(void **state)
{
    (void)state;
    const struct rc_predicate *bad = text_leaf(RC_LEAF_REGEX, "a(?=b)");
    const struct rc_predicate *good = text_leaf(RC_LEAF_REGEX, "a");
    expect_error(bad, RC_INVALID, "leaf.regex", "(?=");
    const struct rc_predicate *not = list(RC_PREDICATE_NOT, 1, &bad);
    const struct rc_predicate *two[2] = {good, not };
    expect_error(list(RC_PREDICATE_ALL_OF, 2, two), RC_INVALID, "all_of[1].negation.leaf.regex",
                 "(?=");
    expect_error(list(RC_PREDICATE_ANY_OF, 2, two), RC_INVALID, "any_of[1].negation.leaf.regex",
                 "(?=");
    expect_error(list(RC_PREDICATE_NOT, 2, two), RC_INVALID, "negation", "one predicate");
    expect_error(&(struct rc_predicate){0}, RC_INVALID, "", "kind");
    expect_error(&(struct rc_predicate){.kind = RC_PREDICATE_DEFINITION}, RC_INVALID, "definition",
                 "empty");
}

static void
expressions(void **state)
{
    (void)state;
    static const char *const refused[] = {"(",         "[a",      "a{2,1}",
                                          "*a",        "(?<=a)b", "(?!a)",
                                          "(a)\\1",    "a{1001}", "((a{100}){100}){100}",
                                          "\\p{Nope}", "(?P<a"};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        expect_error(text_leaf(RC_LEAF_REGEX, refused[i]), RC_INVALID, "leaf.regex", "");
    static const char *const taken[] = {"(a+)+$", "(a|a)*b", "(x+x+)+y", "^(([a-z])+.)+[A-Z]$"};
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
        assert_int_equal(rc_predicate_check(text_leaf(RC_LEAF_REGEX, taken[i]), NULL), RC_OK);
    char pattern[RC_PATTERN_BYTES_MAX + 2];
    memset(pattern, 'a', sizeof(pattern));
    pattern[RC_PATTERN_BYTES_MAX + 1] = '\0';
    expect_error(text_leaf(RC_LEAF_REGEX, pattern), RC_LIMIT_EXCEEDED, "leaf.regex", "1025");
    expect_error(text_leaf(RC_LEAF_LIKE, pattern), RC_LIMIT_EXCEEDED, "leaf.like", "1025");
    pattern[RC_PATTERN_BYTES_MAX] = '\0';
    assert_int_equal(rc_predicate_check(text_leaf(RC_LEAF_REGEX, pattern), NULL), RC_OK);
    assert_int_equal(rc_predicate_check(text_leaf(RC_LEAF_LIKE, pattern), NULL), RC_OK);
    expect_error(text_leaf(RC_LEAF_LIKE, "a\\"), RC_INVALID, "leaf.like", "backslash");
    assert_int_equal(rc_predicate_check(text_leaf(RC_LEAF_LIKE, "a\\\\"), NULL), RC_OK);
}

static void
selectors(void **state)
{
    (void)state;
    expect_error(text_leaf(RC_LEAF_CSS, "a:hover"), RC_INVALID, "leaf.css_selector", "character 2");
    assert_int_equal(rc_predicate_check(text_leaf(RC_LEAF_CSS, "div > a.b"), NULL), RC_OK);
    struct rc_predicate copy = *text_leaf(RC_LEAF_CSS, "a");
    copy.leaf.ignore_case = true;
    expect_error(&copy, RC_INVALID, "leaf.case_insensitive", "name=value i");
    char pattern[RC_PATTERN_BYTES_MAX + 2];
    memset(pattern, 'a', sizeof(pattern) - 1);
    pattern[sizeof(pattern) - 1] = '\0';
    expect_error(text_leaf(RC_LEAF_CSS, pattern), RC_LIMIT_EXCEEDED, "leaf.css_selector", "1025");
}

static void
operands(void **state)
{
    (void)state;
    const struct rc_value null = rc_value_null();
    const struct rc_value truth = rc_value_bool(true);
    const struct rc_value one = rc_value_int(1);
    const struct rc_value items = {.kind = RC_VALUE_LIST};
    const struct rc_value broken = rc_value_string(RC_BYTES_LITERAL("\xff"));
    const struct rc_value both[2] = {one, one};
    expect_error(leaf(RC_LEAF_IN, 1, &null), RC_INVALID, "leaf.in_set", "null");
    expect_error(leaf(RC_LEAF_IN, 1, &items), RC_INVALID, "leaf.in_set", "list");
    expect_error(leaf(RC_LEAF_IN, 1, &broken), RC_INVALID, "leaf.in_set", "UTF-8");
    expect_error(leaf(RC_LEAF_IN, 0, NULL), RC_INVALID, "leaf.in_set", "at least 1");
    expect_error(leaf(RC_LEAF_LESS, 1, &truth), RC_INVALID, "leaf.less", "number or a text");
    expect_error(leaf(RC_LEAF_LESS, 2, both), RC_INVALID, "leaf.less", "1 values, not 2");
    expect_error(leaf(RC_LEAF_BETWEEN, 1, both), RC_INVALID, "leaf.between", "2 values, not 1");
    expect_error(leaf(RC_LEAF_IS_SET, 1, both), RC_INVALID, "leaf.is_set", "0 values, not 1");
    expect_error(leaf(RC_LEAF_CONTAINS, 1, &one), RC_INVALID, "leaf.contains", "text");
    expect_error(leaf(RC_LEAF_REGEX, 1, &truth), RC_INVALID, "leaf.regex", "text");
    expect_error(leaf((enum rc_leaf_operator)14, 1, &one), RC_INVALID, "leaf", "unknown");
    assert_int_equal(rc_predicate_check(leaf(RC_LEAF_IN, 1, &truth), NULL), RC_OK);
    struct rc_predicate copy = *leaf(RC_LEAF_LESS, 1, &one);
    copy.leaf.ignore_case = true;
    expect_error(&copy, RC_INVALID, "leaf.case_insensitive", "letters");
    copy = *leaf(RC_LEAF_LESS, 1, &one);
    copy.leaf.property.size = 0;
    expect_error(&copy, RC_INVALID, "leaf.property", "no name");
    char name[RC_PROPERTY_NAME_BYTES_MAX + 1];
    memset(name, 'p', sizeof(name));
    copy.leaf.property = (struct rc_bytes){name, sizeof(name)};
    expect_error(&copy, RC_LIMIT_EXCEEDED, "leaf.property", "257");
    copy.leaf.property.size--;
    assert_int_equal(rc_predicate_check(&copy, NULL), RC_OK);
}

static void
sizes(void **state)
{
    (void)state;
    const struct rc_predicate *node = text_leaf(RC_LEAF_CONTAINS, "a");
    for (uint32_t depth = 1; depth < RC_PREDICATE_DEPTH_MAX; depth++)
        node = list(RC_PREDICATE_NOT, 1, &node);
    assert_int_equal(rc_predicate_check(node, NULL), RC_OK);
    struct rc_error error = {0};
    assert_int_equal(rc_predicate_check(list(RC_PREDICATE_NOT, 1, &node), &error),
                     RC_LIMIT_EXCEEDED);
    const struct rc_predicate *many[RC_PREDICATE_NODES_MAX];
    for (uint32_t i = 0; i < RC_PREDICATE_NODES_MAX; i++)
        many[i] = text_leaf(RC_LEAF_CONTAINS, "a");
    assert_int_equal(
        rc_predicate_check(list(RC_PREDICATE_ANY_OF, RC_PREDICATE_NODES_MAX - 1, many), NULL),
        RC_OK);
    assert_int_equal(
        rc_predicate_check(list(RC_PREDICATE_ANY_OF, RC_PREDICATE_NODES_MAX, many), &error),
        RC_LIMIT_EXCEEDED);
    struct rc_value *values = RC_ARENA_ARRAY(arena, struct rc_value, RC_PREDICATE_VALUES_MAX + 1);
    for (uint32_t i = 0; i <= RC_PREDICATE_VALUES_MAX; i++)
        values[i] = rc_value_int(i);
    assert_int_equal(rc_predicate_check(leaf(RC_LEAF_IN, RC_PREDICATE_VALUES_MAX, values), NULL),
                     RC_OK);
    expect_error(leaf(RC_LEAF_IN, RC_PREDICATE_VALUES_MAX + 1, values), RC_LIMIT_EXCEEDED,
                 "leaf.in_set", "10001");
}

static struct rc_bytes
stored(const struct rc_predicate *predicate)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    rc_predicate_write(&writer, predicate);
    assert_false(writer.failed);
    return (struct rc_bytes){rc_arena_copy(arena, writer.data, writer.size), writer.size};
}

static struct rc_bytes
canonical(const struct rc_predicate *predicate)
{
    const struct rc_predicate *node;
    const struct rc_predicate *again;
    assert_int_equal(rc_predicate_canonical(predicate, arena, &node), RC_OK);
    assert_int_equal(rc_predicate_canonical(node, arena, &again), RC_OK);
    assert_true(rc_bytes_equal(stored(node), stored(again)));
    return stored(node);
}

static void
expect_same(const struct rc_predicate *a, const struct rc_predicate *b, bool same)
{
    assert_int_equal(rc_bytes_equal(canonical(a), canonical(b)), same);
}

static void
canonical_equalities(void **state)
{
    (void)state;
    const struct rc_predicate *a = text_leaf(RC_LEAF_CONTAINS, "a");
    const struct rc_predicate *b = text_leaf(RC_LEAF_CONTAINS, "b");
    const struct rc_predicate *c = text_leaf(RC_LEAF_REGEX, "c");
    const struct rc_predicate *any = &(struct rc_predicate){.kind = RC_PREDICATE_TRUE};
    const struct rc_predicate *none = list(RC_PREDICATE_ANY_OF, 0, NULL);
    const struct rc_predicate *abc[3] = {a, b, c};
    const struct rc_predicate *cba[3] = {c, b, a};
    const struct rc_predicate *aab[3] = {a, a, b};
    const struct rc_predicate *ab_c[2] = {list(RC_PREDICATE_ALL_OF, 2, abc), c};
    const struct rc_predicate *not_a = list(RC_PREDICATE_NOT, 1, &a);
    const struct rc_predicate *with_any[3] = {a, any, b};
    const struct rc_predicate *with_none[3] = {a, none, b};
    expect_same(list(RC_PREDICATE_ALL_OF, 3, abc), list(RC_PREDICATE_ALL_OF, 3, cba), true);
    expect_same(list(RC_PREDICATE_ALL_OF, 2, ab_c), list(RC_PREDICATE_ALL_OF, 3, abc), true);
    expect_same(list(RC_PREDICATE_ANY_OF, 2, ab_c), list(RC_PREDICATE_ANY_OF, 3, abc), false);
    expect_same(list(RC_PREDICATE_ALL_OF, 3, aab), list(RC_PREDICATE_ALL_OF, 2, abc), true);
    expect_same(list(RC_PREDICATE_ALL_OF, 2, aab), a, true);
    expect_same(list(RC_PREDICATE_NOT, 1, &not_a), a, true);
    expect_same(not_a, a, false);
    expect_same(list(RC_PREDICATE_ALL_OF, 3, with_any), list(RC_PREDICATE_ALL_OF, 2, abc), true);
    expect_same(list(RC_PREDICATE_ANY_OF, 3, with_any), any, true);
    expect_same(list(RC_PREDICATE_ALL_OF, 3, with_none), none, true);
    expect_same(list(RC_PREDICATE_ANY_OF, 3, with_none), list(RC_PREDICATE_ANY_OF, 2, abc), true);
    expect_same(list(RC_PREDICATE_ALL_OF, 0, NULL), any, true);
    expect_same(list(RC_PREDICATE_NOT, 1, &any), none, true);
    expect_same(list(RC_PREDICATE_NOT, 1, &none), any, true);
    const struct rc_value text_values[3] = {rc_value_string(RC_BYTES_LITERAL("1")),
                                            rc_value_string(RC_BYTES_LITERAL("x")),
                                            rc_value_string(RC_BYTES_LITERAL("1.0"))};
    const struct rc_value values[2] = {rc_value_string(RC_BYTES_LITERAL("x")), rc_value_int(1)};
    expect_same(leaf(RC_LEAF_IN, 3, text_values), leaf(RC_LEAF_IN, 2, values), true);
    expect_same(leaf(RC_LEAF_LESS, 1, text_values), leaf(RC_LEAF_LESS, 1, values + 1), true);
    struct rc_predicate upper = *text_leaf(RC_LEAF_IN, "AB");
    struct rc_predicate lower = *text_leaf(RC_LEAF_IN, "ab");
    expect_same(&upper, &lower, false);
    upper.leaf.ignore_case = lower.leaf.ignore_case = true;
    expect_same(&upper, &lower, true);
}

static void
canonical_keeps_meaning(void **state)
{
    (void)state;
    uint64_t random = rig_seed();
    for (int round = 0; round < 2000; round++) {
        rc_arena_reset(arena);
        const struct rc_predicate *source = rig_predicate(&random, 5, true, arena);
        const struct rc_predicate *node;
        if (rc_predicate_check(source, NULL) != RC_OK)
            continue;
        assert_int_equal(rc_predicate_canonical(source, arena, &node), RC_OK);
        assert_int_equal(rc_predicate_check(node, NULL), RC_OK);
        canonical(source);
        for (int i = 0; i < 20; i++) {
            struct rc_value event[RIG_PROPERTIES];
            struct rc_value user[RIG_PROPERTIES];
            for (int p = 0; p < RIG_PROPERTIES; p++) {
                event[p] = rig_value(&random, true, arena);
                user[p] = rig_value(&random, true, arena);
            }
            if (rig_tree(source, event, user) != rig_tree(node, event, user))
                fail_msg("round %d", round);
        }
    }
}

static void
stored_form(void **state)
{
    (void)state;
    uint64_t random = rig_seed();
    uint32_t survivors = 0;
    for (int round = 0; round < 3000; round++) {
        rc_arena_reset(arena);
        const struct rc_predicate *source = rig_predicate(&random, 5, true, arena);
        if (rc_predicate_check(source, NULL) != RC_OK)
            continue;
        const struct rc_bytes bytes = stored(source);
        struct rc_reader reader = rc_reader_of(bytes.data, bytes.size);
        const struct rc_predicate *node = NULL;
        assert_int_equal(rc_predicate_read(&reader, arena, &node, NULL), RC_OK);
        assert_int_equal(rc_reader_left(&reader), 0);
        assert_true(rc_bytes_equal(stored(node), bytes));
        /* Damaged in one byte, and cut short: refused, or another predicate, and never a crash. */
        char *damaged = malloc(bytes.size);
        memcpy(damaged, bytes.data, bytes.size);
        damaged[rig_below(&random, (uint32_t)bytes.size)] ^= (char)(1 + rig_below(&random, 255));
        reader = rc_reader_of(damaged, bytes.size);
        const enum rc_status status = rc_predicate_read(&reader, arena, &node, NULL);
        assert_true(status == RC_OK || status == RC_CORRUPT);
        survivors += status == RC_OK;
        reader = rc_reader_of(damaged, rig_below(&random, (uint32_t)bytes.size));
        (void)!rc_predicate_read(&reader, arena, &node, NULL);
        for (size_t i = 0; i < bytes.size; i++)
            damaged[i] = (char)(rig_below(&random, 3) == 0 ? rig_below(&random, 256)
                                                           : 1 + rig_below(&random, 5));
        reader = rc_reader_of(damaged, bytes.size);
        (void)!rc_predicate_read(&reader, arena, &node, NULL);
        free(damaged);
    }
    assert_true(survivors > 0);
    char deep[5000]; /* NOT NOT NOT ... */
    memset(deep, RC_PREDICATE_NOT, sizeof(deep));
    struct rc_reader reader = rc_reader_of(deep, sizeof(deep));
    const struct rc_predicate *node = NULL;
    assert_int_equal(rc_predicate_read(&reader, arena, &node, NULL), RC_CORRUPT);
}

static void
golden_bytes(void **state)
{
    (void)state;
    const struct rc_predicate *a = text_leaf(RC_LEAF_CONTAINS, "a");
    const struct rc_predicate *not_a = list(RC_PREDICATE_NOT, 1, &a);
    const struct rc_predicate definition = {.kind = RC_PREDICATE_DEFINITION,
                                            .definition = RC_BYTES_LITERAL("cart")};
    const struct rc_predicate *two[2] = {not_a, &definition};
    const struct rc_bytes bytes = stored(list(RC_PREDICATE_ALL_OF, 2, two));
    static const unsigned char expected[] = {2, 2, 4, 5,   1, 8, 0,   2,   'p', '0',
                                             1, 4, 1, 'a', 6, 4, 'c', 'a', 'r', 't'};
    assert_int_equal(bytes.size, sizeof(expected));
    assert_memory_equal(bytes.data, expected, sizeof(expected));
}

/* What stands before the predicate of a definition; cut off or out of order it is refused. */
static void
stored_definitions(void **state)
{
    (void)state;
    static const struct rc_predicate any = {.kind = RC_PREDICATE_TRUE};
    static const struct rc_label labels[] = {
        {RC_BYTES_LITERAL("a"), RC_BYTES_LITERAL("")},
        {RC_BYTES_LITERAL("b"), RC_BYTES_LITERAL("xy")},
    };
    static const unsigned char golden[] = {0x80, 0x81, 2, 1, 'a', 0, 1, 'b', 2, 'x', 'y'};
    const struct rc_definition written = {
        .predicate = &any, .eager = true, .label_count = 2, .labels = labels};
    struct rc_definition read;
    struct rc_error error;
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {.data = NULL};
    rc_definition_write(&writer, &written);
    assert_memory_equal(writer.data, golden, sizeof(golden));
    const struct rc_bytes payload = {(const char *)writer.data, writer.size};
    assert_int_equal(rc_definition_read(payload, arena, &read, &error), RC_OK);
    assert_true(read.eager);
    assert_int_equal(read.label_count, 2);
    assert_true(rc_bytes_equal(read.labels[1].key, labels[1].key));
    assert_true(rc_bytes_equal(read.labels[1].value, labels[1].value));
    for (size_t size = 0; size < writer.size; size++)
        assert_int_equal(
            rc_definition_read((struct rc_bytes){payload.data, size}, arena, &read, &error),
            RC_CORRUPT);
    writer.data[4] = 'b';
    assert_int_equal(rc_definition_read(payload, arena, &read, &error), RC_CORRUPT);
}

/* Names are found in what is stored, whatever stands around them; a random tree of this file names
 * none. */
static void
names_in_stored_definitions(void **state)
{
    (void)state;
    static const struct rc_label labels[] = {{RC_BYTES_LITERAL("a"), RC_BYTES_LITERAL("b")}};
    static const char *const names[] = {"cart", "paid"};
    uint64_t random = rig_seed();
    for (uint32_t round = 0; round < 300; round++) {
        RC_CLEANUP(rc_writer_close) struct rc_writer writer = {.data = NULL};
        const uint32_t count = rig_below(&random, 3);
        const struct rc_predicate *parts[5];
        uint32_t part_count = 0;
        rc_arena_reset(arena);
        for (uint32_t i = 0; i < count; i++) {
            struct rc_predicate *named = rc_arena_zero(arena, sizeof(*named));
            named->kind = RC_PREDICATE_DEFINITION;
            named->definition = rc_bytes_of(names[i]);
            parts[part_count++] = rig_predicate(&random, 3, true, arena);
            parts[part_count++] =
                rig_below(&random, 2) == 0
                    ? named
                    : list(RC_PREDICATE_NOT, 1, (const struct rc_predicate *const[]){named});
        }
        parts[part_count++] = rig_predicate(&random, 3, true, arena);
        const struct rc_definition definition = {.predicate =
                                                     list(RC_PREDICATE_ANY_OF, part_count, parts),
                                                 .eager = rig_below(&random, 2) == 0,
                                                 .label_count = rig_below(&random, 2),
                                                 .labels = labels};
        rc_definition_write(&writer, &definition);
        const struct rc_bytes payload = {(const char *)writer.data, writer.size};
        assert_int_equal(rc_definition_marks(payload),
                         (definition.eager ? 1u << RC_DEFINITION_EAGER : 0) |
                             (count > 0 ? 1u << RC_DEFINITION_NAMES : 0));
        for (uint32_t i = 0; i < 2; i++)
            assert_int_equal(rc_definition_names(payload, rc_bytes_of(names[i])), i < count);
        assert_false(rc_definition_names(payload, RC_BYTES_LITERAL("p0")));
        for (size_t size = 0; size < writer.size; size++) /* Nothing is read behind the end. */
            (void)rc_definition_marks(
                (struct rc_bytes){rc_arena_copy(arena, payload.data, size), size});
    }
}

static void
define(struct rc_catalog **catalog, const char *name, const struct rc_predicate *predicate)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {.data = NULL};
    const struct rc_definition definition = {.predicate = predicate};
    struct rc_catalog *next = NULL;
    rc_definition_write(&writer, &definition);
    const struct rc_bytes payload = {(const char *)writer.data, writer.size};
    const struct rc_catalog_entry entry = {.name = rc_bytes_of(name),
                                           .payload = payload,
                                           .version = 1,
                                           .marks = rc_definition_marks(payload)};
    assert_int_equal(rc_catalog_put(*catalog, &entry, &next), RC_OK);
    rc_catalog_unref(*catalog);
    *catalog = next;
}

/* name: so many NOTs around another definition. */
static void
define_around(struct rc_catalog **catalog, const char *name, uint32_t depth, const char *other)
{
    struct rc_predicate nodes[RC_PREDICATE_DEPTH_MAX];
    const struct rc_predicate *children[RC_PREDICATE_DEPTH_MAX];
    const struct rc_value value = rc_value_int(1);
    const struct rc_predicate named = {.kind = RC_PREDICATE_DEFINITION,
                                       .definition = rc_bytes_of(other)};
    const struct rc_predicate *inner = other[0] == '\0' ? leaf(RC_LEAF_IN, 1, &value) : &named;
    for (uint32_t i = 0; i < depth; i++) {
        children[i] = i == 0 ? inner : &nodes[i - 1];
        nodes[i] = (struct rc_predicate){
            .kind = RC_PREDICATE_NOT, .child_count = 1, .children = &children[i]};
    }
    define(catalog, name, depth == 0 ? inner : &nodes[depth - 1]);
}

/* A change under others: what it makes too large is told, what was so before is not, and what
 * cannot be resolved is left out of the list of all. */
static void
growing_definitions(void **state)
{
    (void)state;
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *before = NULL;
    struct rc_error error = {0};
    uint32_t *whole = NULL;
    uint32_t count = 0;
    assert_int_equal(rc_catalog_new(NULL, &before), RC_OK);
    define_around(&before, "inner", 0, "");
    define_around(&before, "outer", RC_PREDICATE_DEPTH_MAX - 1, "inner");
    define_around(&before, "beside", 1, "inner");
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *after = rc_catalog_ref(before);
    const struct rc_bytes inner = RC_BYTES_LITERAL("inner");
    bool grown = true;
    assert_int_equal(rc_definition_has_grown(before, after, inner, &grown), RC_OK);
    assert_false(grown);
    assert_int_equal(rc_definitions_check_users(before, after, NULL), RC_OK);
    define_around(&after, "inner", 1, "");
    assert_int_equal(rc_definition_has_grown(before, after, inner, &grown), RC_OK);
    assert_true(grown);
    assert_int_equal(rc_definition_has_grown(after, before, inner, &grown), RC_OK);
    assert_false(grown);
    assert_int_equal(rc_definitions_check_users(before, after, &error), RC_LIMIT_EXCEEDED);
    assert_non_null(strstr(error.message, "\"outer\""));
    assert_int_equal(rc_definitions_list_whole(after, arena, &whole, &count), RC_OK);
    assert_int_equal(count, 2); /* beside, inner */
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *later = rc_catalog_ref(after);
    define_around(&later, "inner", 2, "");
    assert_int_equal(rc_definitions_check_users(after, later, NULL), RC_OK);
    define_around(&later, "inner", 0, "gone");
    assert_int_equal(rc_definitions_list_whole(later, arena, &whole, &count), RC_OK);
    assert_int_equal(count, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(paths, setup, teardown),
        cmocka_unit_test_setup_teardown(expressions, setup, teardown),
        cmocka_unit_test_setup_teardown(selectors, setup, teardown),
        cmocka_unit_test_setup_teardown(operands, setup, teardown),
        cmocka_unit_test_setup_teardown(sizes, setup, teardown),
        cmocka_unit_test_setup_teardown(canonical_equalities, setup, teardown),
        cmocka_unit_test_setup_teardown(canonical_keeps_meaning, setup, teardown),
        cmocka_unit_test_setup_teardown(stored_form, setup, teardown),
        cmocka_unit_test_setup_teardown(stored_definitions, setup, teardown),
        cmocka_unit_test_setup_teardown(names_in_stored_definitions, setup, teardown),
        cmocka_unit_test_setup_teardown(growing_definitions, setup, teardown),
        cmocka_unit_test_setup_teardown(golden_bytes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
