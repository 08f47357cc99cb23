/* Match rig, random values and trees: few values, close to each other, so that leaves hit and
 * nearly hit. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/base/environment.h"
#include "tests/match/match_rig.h"

uint64_t
rig_random(uint64_t *state)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

uint32_t
rig_below(uint64_t *state, uint32_t count)
{
    return (uint32_t)((rig_random(state) >> 32) * count >> 32);
}

uint64_t
rig_seed(void)
{
    const uint64_t seed = test_number("RC_TEST_SEED", (uint64_t)time(NULL) * 1000003 % 1000000007);
    printf("seed %llu\n", (unsigned long long)seed);
    return seed;
}

static const char *const texts[] = {
    "",     "a",         "A",      "ab",  "Ab",       "abc",     "b",
    "1",    "1.0",       "01",     "-1",  "10",       "1e1",     "2.5",
    "-0",   "abab",      "a%b",    "a_b", "a\\b",     "e",       "x",
    "true", "null",      "zürich", "ZÜ",  "/cart/42", "/cart",   "CART",
    " 1",   "1 ",        "0.1",    "9",   "1a",       "/cart/7", "https://a.b/1",
    "-x",   "?ref=mail",
};
#define TEXT_COUNT (sizeof(texts) / sizeof(texts[0]))

static const double numbers[] = {0, 1, -1, 10, 2.5, 0.1, 9, 1e300, 42, 9007199254740993.0, -2.5};
#define NUMBER_COUNT (sizeof(numbers) / sizeof(numbers[0]))

static struct rc_value
random_number(uint64_t *state)
{
    struct rc_value value;
    if (rc_value_of_double(numbers[rig_below(state, NUMBER_COUNT)], &value) != RC_OK)
        abort();
    if (rig_below(state, 16) == 0)
        value = rc_value_int(INT64_MAX - (int64_t)rig_below(state, 2));
    return value;
}

static struct rc_value
random_text(uint64_t *state)
{
    return rc_value_string(rc_bytes_of(texts[rig_below(state, TEXT_COUNT)]));
}

struct rc_value
rig_value(uint64_t *state, bool lists, struct rc_arena *arena)
{
    const uint32_t kind = rig_below(state, lists ? 11 : 8);
    if (kind == 0)
        return rc_value_bool(rig_below(state, 2) == 0);
    if (kind <= 3)
        return random_number(state);
    if (kind <= 7)
        return random_text(state);
    if (kind <= 9)
        return rc_value_null();
    const uint32_t count = 1 + rig_below(state, 3);
    struct rc_bytes *items = RC_ARENA_ARRAY(arena, struct rc_bytes, count);
    for (uint32_t i = 0; i < count; i++)
        items[i] = random_text(state).string;
    return (struct rc_value){.kind = RC_VALUE_LIST, .item_count = count, .items = items};
}

static const char *const patterns[] = {
    "%",     "a%",     "%b",     "%a%b%", "_",        "a_",   "%_b",           "a\\%b",
    "a\\_b", "a\\\\b", "ab",     "_b%a",  "1%",       "%.%",  "%ü%",           "z_rich",
    "",      "%%",     "/cart%", "%art",  "/cart/1%", "%/2_", "/cart/2_?ref%", "https://_.b/1__",
};
static const char *const expressions[] = {
    "a",     "^a", "b$",         "^a.*b$", "[0-9]+", "^-?[0-9]$", "a|1",
    "(ab)+", "^$", "cart/[0-9]", "x?",     "/1.$",   "^https",
};

#define ANY_OF_ARRAY(state, array) ((array)[rig_below((state), sizeof(array) / sizeof((array)[0]))])

static const struct rc_predicate *
random_leaf(uint64_t *state, bool user_leaves, struct rc_arena *arena)
{
    static const char *const names[] = {"p0", "p1", "p2", "p3", "p4", "p5", "p9"};
    struct rc_predicate *node = rc_arena_zero(arena, sizeof(*node));
    struct rc_leaf *leaf = &node->leaf;
    node->kind = RC_PREDICATE_LEAF;
    leaf->scope = user_leaves && rig_below(state, 3) == 0 ? RC_LEAF_USER : RC_LEAF_EVENT;
    leaf->operator=(enum rc_leaf_operator)(1 + rig_below(state, 12));
    leaf->property = rc_bytes_of(names[rig_below(state, 20) == 0 ? 6 : rig_below(state, 6)]);
    leaf->value_count = leaf->operator== RC_LEAF_IN        ? 1 + rig_below(state, 4)
                        : leaf->operator== RC_LEAF_BETWEEN ? 2
                                                           : leaf->operator!= RC_LEAF_IS_SET;
    struct rc_value *values = RC_ARENA_ARRAY(arena, struct rc_value, leaf->value_count);
    for (uint32_t i = 0; i < leaf->value_count; i++) {
        if (leaf->operator== RC_LEAF_IN)
            values[i] = rig_value(state, false, arena);
        else if (leaf->operator<= RC_LEAF_BETWEEN)
            values[i] = rig_below(state, 2) == 0 ? random_number(state) : random_text(state);
        else if (leaf->operator== RC_LEAF_LIKE)
            values[i] = rc_value_string(rc_bytes_of(ANY_OF_ARRAY(state, patterns)));
        else if (leaf->operator== RC_LEAF_REGEX)
            values[i] = rc_value_string(rc_bytes_of(ANY_OF_ARRAY(state, expressions)));
        else
            values[i] = random_text(state);
    }
    leaf->values = values;
    const bool letters = leaf->operator== RC_LEAF_IN || leaf->operator> RC_LEAF_IS_SET;
    leaf->ignore_case = letters && rig_below(state, 4) == 0;
    /* The twin folds ASCII only. */
    for (uint32_t i = 0; leaf->ignore_case && i < leaf->value_count; i++) {
        for (size_t k = 0; values[i].kind == RC_VALUE_STRING && k < values[i].string.size; k++)
            leaf->ignore_case &= (unsigned char)values[i].string.data[k] < 0x80;
    }
    return node;
}

const struct rc_predicate *
rig_predicate(uint64_t *state, uint32_t height, bool user_leaves, struct rc_arena *arena)
{
    const uint32_t choice = rig_below(state, 10);
    if (height <= 1 || choice < 3)
        return rig_below(state, 24) == 0
                   ? rc_arena_copy(arena, &(struct rc_predicate){.kind = RC_PREDICATE_TRUE},
                                   sizeof(struct rc_predicate))
                   : random_leaf(state, user_leaves, arena);
    struct rc_predicate *node = rc_arena_zero(arena, sizeof(*node));
    node->kind = choice < 5   ? RC_PREDICATE_NOT
                 : choice < 8 ? RC_PREDICATE_ALL_OF
                              : RC_PREDICATE_ANY_OF;
    node->child_count = node->kind == RC_PREDICATE_NOT ? 1 : rig_below(state, 5);
    const struct rc_predicate **children =
        RC_ARENA_ARRAY(arena, const struct rc_predicate *, node->child_count);
    for (uint32_t i = 0; i < node->child_count; i++)
        children[i] = rig_predicate(state, height - 1, user_leaves, arena);
    node->children = children;
    return node;
}
