/*
 * Match cases: seeded columns and rowsets and the loops over them that bench_match.cc times, in C
 * because the engine's headers are.
 *
 * Ownership: what case_..._make returns goes to case_..._free. Every function aborts when it fails.
 * Threading: one thread.
 */
#ifndef RC_BENCH_MATCH_CASES_H
#define RC_BENCH_MATCH_CASES_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A million rows. */
#define CASE_MATCH_ROWS 1000000u

/* A plain column of code_width bytes whose codes are uniform, and a table that passes every
 * match_every-th code (1: half of them at random; 0: one code). */
struct case_scan;

struct case_scan *
case_scan_make(uint64_t seed, uint32_t code_width, uint32_t code_count, uint32_t match_every);

struct case_scan *
case_scan_free(struct case_scan *scan);

/* Kernels: the best that there are, or one kind. */
enum case_kernels {
    CASE_KERNELS_BEST,
    CASE_KERNELS_PORTABLE,
    CASE_KERNELS_AVX2,
    CASE_KERNELS_AVX512,
    CASE_KERNELS_NEON,
};

/* Whether this processor can run them. */
bool
case_scan_can(enum case_kernels kernels);

/* Scans all rows; a checksum of the words. */
uint64_t
case_scan_run(struct case_scan *scan, enum case_kernels kernels);

/* A column of two-byte codes whose codes are marked: of its first rows of runs, or of the rows that
 * have a value; one row in mark_every is marked. Half of its codes pass, in one range (compared) or
 * at random (looked up). */
struct case_marked;

struct case_marked *
case_marked_make(uint64_t seed, bool runs, uint32_t mark_every, bool compared);

struct case_marked *
case_marked_free(struct case_marked *marked);

/* Scans all rows; how many pass. */
uint64_t
case_marked_run(const struct case_marked *marked);

/* A rowset of one row in odds, in runs of run rows: in the form that the engine takes, or, for
 * comparison, in plain words or in the library's containers, whatever the density. */
enum case_form { CASE_FORM_ROWSET, CASE_FORM_WORDS, CASE_FORM_ROARING };

struct case_rowset;

struct case_rowset *
case_rowset_make(uint64_t seed, uint32_t odds, uint32_t run, enum case_form form);

struct case_rowset *
case_rowset_free(struct case_rowset *rowset);

uint64_t
case_rowset_cardinality(const struct case_rowset *rowset);

uint64_t
case_rowset_memory_bytes(const struct case_rowset *rowset);

/* Reads all rows, a range of range_rows at a time; a checksum. */
uint64_t
case_rowset_read(const struct case_rowset *rowset, uint32_t range_rows);

/* Fetches the words of all blocks; a checksum. */
uint64_t
case_rowset_blocks(const struct case_rowset *rowset);

/* Builds the set again from its words; its cardinality. */
uint64_t
case_rowset_build(const struct case_rowset *rowset);

/* Leaves over 10,000 texts of about 100 bytes, as element chains are. */
enum case_leaf_kind { CASE_LEAF_EQUAL, CASE_LEAF_CONTAINS, CASE_LEAF_LIKE, CASE_LEAF_REGEX };

struct case_leaf;

struct case_leaf *
case_leaf_make(uint64_t seed, enum case_leaf_kind kind, bool ignore_case);

struct case_leaf *
case_leaf_free(struct case_leaf *leaf);

/* Tests every text; how many pass. */
uint32_t
case_leaf_run(struct case_leaf *leaf);

#define CASE_LEAF_TEXTS 10000u

/* The same texts and an expression. */
struct case_leaf *
case_leaf_make_regex(uint64_t seed, const char *expression);

/* 10,000 recorded chains of seven elements, of about 250 bytes, and a selector. */
struct case_css;

struct case_css *
case_css_make(uint64_t seed, const char *selector);

struct case_css *
case_css_free(struct case_css *css);

/* Matches every chain; how many match. */
uint32_t
case_css_run(struct case_css *css);

#ifdef __cplusplus
}
#endif

#endif
