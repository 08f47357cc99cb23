/*
 * What a test takes from its environment.
 *
 *   RC_TEST_PERCENT  how much of the usual rounds random tests do; scripts/test says less than 100
 *                    under the sanitizers, where a round takes many times as long
 */
#ifndef RC_TESTS_BASE_ENVIRONMENT_H
#define RC_TESTS_BASE_ENVIRONMENT_H

#include <stdint.h>

/* The number that the variable name says; usual, if it is not there or empty. */
uint64_t
test_number(const char *name, uint64_t usual);

/* RC_TEST_PERCENT of usual, and at least one. */
uint32_t
test_rounds(uint32_t usual);

/* The same of places that are tried in turn: one in so many. */
uint32_t
test_stride(void);

#endif
