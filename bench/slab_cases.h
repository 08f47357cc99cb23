/*
 * Slab cases: seeded rows and the builds that bench_slab.cc times, in C because the engine's
 * headers are.
 *
 * Ownership: what case_..._make returns goes to case_..._free. Every function aborts when it fails.
 * Threading: one thread.
 */
#ifndef RC_BENCH_SLAB_CASES_H
#define RC_BENCH_SLAB_CASES_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Heads of 64 Ki web events of 21 columns: eight follow the user, eight have few values, two are
 * sparse, one is a price, two hardly repeat: codes of a dictionary, or texts. Times rise, as they
 * do when events arrive. */
struct case_build;

/* One head. */
struct case_build *
case_seal_make(uint64_t seed, bool texts);

/* Eight slabs of a head each, of the same minutes or of a day each. */
struct case_build *
case_merge_make(uint64_t seed, bool days_apart, bool texts);

struct case_build *
case_build_free(struct case_build *build);

uint64_t
case_build_rows(const struct case_build *build);

/* Builds the slab and drops it; its size. */
uint64_t
case_build_run(const struct case_build *build);

/* The texts of a slab's column: addresses, text_count of them or a little less. */
struct case_texts;

struct case_texts *
case_texts_make(uint32_t text_count);

struct case_texts *
case_texts_free(struct case_texts *texts);

/* Walks all; how many there are. */
uint32_t
case_texts_walk(const struct case_texts *texts);

/* Looks for a random one. */
uint32_t
case_texts_find(struct case_texts *texts);

/* A filter of key_count keys, asked for 64 Ki hashes at a time. */
struct case_filter;

struct case_filter *
case_filter_make(uint64_t key_count);

struct case_filter *
case_filter_free(struct case_filter *filter);

uint32_t
case_filter_run(struct case_filter *filter);

/* A dictionary of key_count keys; a run interns a random one that it has. */
struct case_dictionary;

struct case_dictionary *
case_dictionary_make(uint32_t key_count);

struct case_dictionary *
case_dictionary_free(struct case_dictionary *dictionary);

uint32_t
case_dictionary_run(struct case_dictionary *dictionary);

/* Interns its keys in a dictionary that is empty, and drops that; how many there are. */
uint32_t
case_dictionary_grow(const struct case_dictionary *dictionary);

#ifdef __cplusplus
}
#endif

#endif
