/*
 * Batch cases: a batch on its way in: decoded from the wire, checked, written for the log and read
 * from it; what bench_batch.cc times, in C because the engine's headers are.
 *
 * Ownership: what case_batch_make returns goes to case_batch_free. Every function aborts when it
 * fails. Threading: one thread.
 */
#ifndef RC_BENCH_BATCH_CASES_H
#define RC_BENCH_BATCH_CASES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* 8192 events of 20 properties, all columns in the encoding that the name says. */
enum case_encoding {
    CASE_CODES_1,  /* 100 texts a column, codes of a byte. */
    CASE_CODES_2,  /* 5,000 texts, codes of two bytes. */
    CASE_CODES_4,  /* A text of its own in nearly every event, codes of four bytes. */
    CASE_SPARSE,   /* 100 texts, in one event of 50. */
    CASE_NUMBERS,  /* 1,000 whole numbers and 1,000 decimal ones. */
    CASE_LISTS,    /* 1,000 lists of three texts. */
    CASE_TEXT_IDS, /* As CASE_CODES_1; ids are texts of 36 bytes, and not numbers. */
    CASE_WEB,      /* Each column in one of these, as in a load of web events. */
    CASE_NDJSON,   /* The events of CASE_WEB as lines of JSON. */
};

#define CASE_BATCH_EVENTS 8192u
#define CASE_BATCH_COLUMNS 20u

struct case_batch;

struct case_batch *
case_batch_make(uint64_t seed, enum case_encoding encoding);

struct case_batch *
case_batch_free(struct case_batch *batch);

/* Bytes on the wire, and in the log. */
uint64_t
case_batch_wire_bytes(const struct case_batch *batch);

uint64_t
case_batch_log_bytes(const struct case_batch *batch);

/* From the wire to columns; events. */
uint32_t
case_batch_decode(struct case_batch *batch);

/* What is rejected, of the decoded batch; events that are kept. */
uint64_t
case_batch_check(struct case_batch *batch);

/* The log's form of the decoded batch; its bytes. */
uint64_t
case_batch_write(struct case_batch *batch);

/* From the log's form to columns; events. */
uint32_t
case_batch_read(struct case_batch *batch);

#ifdef __cplusplus
}
#endif

#endif
