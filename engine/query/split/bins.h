/*
 * Bins: equal ones from the least to the greatest of some numbers; each is closed on the left and
 * open on the right, and the last is closed on both sides. Equal numbers make one bin.
 *
 * Ownership: a small value.
 */
#ifndef RC_QUERY_SPLIT_BINS_H
#define RC_QUERY_SPLIT_BINS_H

#include <stdint.h>

struct rc_bins {
    uint32_t count; /* 0: there are no numbers. */
    double least;
    double greatest;
    double a_number; /* Bins a number, rounded; */
    double margin;   /* how far off a place reckoned with that may be. */
};

/* least above greatest: there are no numbers. */
struct rc_bins
rc_bins_make(double least, double greatest, uint32_t count);

/* Bin i lies between the edges i and i + 1. */
double
rc_bins_edge(const struct rc_bins *bins, uint32_t index);

/* The bin of a number between least and greatest. */
uint32_t
rc_bins_find(const struct rc_bins *bins, double number);

#endif
