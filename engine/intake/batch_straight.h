/*
 * Straight columns: codes that are logged nearly as they came.
 *
 * A client that numbers the values of a column as it meets them, as ours does, has done what the
 * logged form wants: codes in order of first use, none unused between them. All that is left to do
 * is to take the numbers before the first one off. A column like that is found by one pass over its
 * codes and written by another; any other takes the general way of batch_codec.c, which gives the
 * same bytes.
 *
 * Ownership: nothing is owned; a column and its codes are borrowed during the call.
 * Threading: pure functions.
 */
#ifndef RC_INTAKE_BATCH_STRAIGHT_H
#define RC_INTAKE_BATCH_STRAIGHT_H

#include <stdbool.h>
#include <stdint.h>

/* Codes first .. last are used, in this order; 0 is not set. first is 0 when no other is there. */
struct rc_straight {
    uint32_t first;
    uint32_t last;
    uint32_t set_count; /* Codes that are not 0. */
};

/* false: the codes are not in order. codes: count of width bytes each, none above code_max. */
bool
rc_straight_measure(const unsigned char *codes,
                    uint32_t width,
                    uint32_t count,
                    uint32_t code_max,
                    struct rc_straight *ret_straight);

/* Writes the codes to room, width_to bytes each, numbered from 1: those that are not 0, less what
 * is before the first. They fit. */
void
rc_straight_write(const unsigned char *codes,
                  uint32_t width,
                  uint32_t count,
                  const struct rc_straight *straight,
                  uint32_t width_to,
                  unsigned char *room);

#endif
