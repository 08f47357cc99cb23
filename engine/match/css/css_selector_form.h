/*
 * CSS selector, its form: alternatives laid end to end as compounds, each with a run of tests. Only
 * css_selector*.c include this.
 */
#ifndef RC_MATCH_CSS_CSS_SELECTOR_FORM_H
#define RC_MATCH_CSS_CSS_SELECTOR_FORM_H

#include <stdint.h>

#include "engine/base/limits.h"
#include "engine/match/css/css_selector.h"

#define RC_CSS_BUCKETS 64u
#define RC_CSS_NO_TEST UINT16_MAX

enum rc_css_test_kind {
    RC_CSS_ID = 1,
    RC_CSS_CLASS = 2,
    RC_CSS_ATTRIBUTE = 3,
};

enum rc_css_operator {
    RC_CSS_IS_SET = 1, /* [name] */
    RC_CSS_EQUALS = 2,
    RC_CSS_STARTS = 3,   /* ^= */
    RC_CSS_ENDS = 4,     /* $= */
    RC_CSS_CONTAINS = 5, /* *= */
    RC_CSS_WORD = 6,     /* ~= */
};

struct rc_css_test {
    enum rc_css_test_kind kind;
    enum rc_css_operator operator; /* ATTRIBUTE. */
    bool ignore_case;              /* ATTRIBUTE: flag i, ASCII letters. */
    uint16_t next;                 /* Of the same bucket, or RC_CSS_NO_TEST. */
    struct rc_bytes name;          /* Of an attribute in lower case. */
    struct rc_bytes value;         /* ATTRIBUTE; in lower case with ignore_case. */
};

struct rc_css_compound {
    struct rc_bytes tag; /* Lower case; empty: any. */
    uint32_t test_first;
    uint32_t test_count;
};

_Static_assert(RC_CSS_COMPOUNDS_MAX <= 64, "a set of compounds is a word");

struct rc_css_selector {
    uint32_t compound_count;
    uint32_t test_count;
    bool reads_classes;               /* A test asks for the attribute "class". */
    uint64_t any_tag;                 /* Compounds without a tag. */
    uint64_t first;                   /* Compounds that begin an alternative. */
    uint64_t last;                    /* Compounds that end one: the clicked element. */
    uint64_t child;                   /* Compounds with > before them. */
    uint64_t descendant;              /* Compounds with a space before them. */
    uint16_t buckets[RC_CSS_BUCKETS]; /* First test of a name, by the hash of its kind and name. */
    struct rc_css_compound compounds[RC_CSS_COMPOUNDS_MAX];
    struct rc_css_test tests[RC_CSS_TESTS_MAX];
};

/* The bucket of a test's kind and name. */
static inline uint32_t
rc_css_bucket(enum rc_css_test_kind kind, struct rc_bytes name)
{
    uint32_t hash = (uint32_t)kind;
    for (size_t i = 0; i < name.size; i++)
        hash = hash * 31 + (unsigned char)name.data[i];
    return (hash ^ hash >> 7) % RC_CSS_BUCKETS;
}

#endif
