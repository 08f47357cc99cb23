/*
 * Words: invented but readable, so that paths, titles, cities and chains look like real ones and no
 * real name is needed.
 *
 * Ownership: none; words are written where the caller says.
 */
#ifndef RC_CLI_GENERATE_GENERATE_WORDS_H
#define RC_CLI_GENERATE_GENERATE_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/generate/generate_random.h"

/* Most bytes of one word. */
#define RC_WORD_BYTES_MAX 16

/* Writes a word of 2 to 4 syllables, lower case or with a capital first letter; returns its end. */
char *
rc_word_write(char *at, struct rc_random *random, bool capital);

/* Writes one of 96 plain English words as they stand on buttons and in class names. */
char *
rc_word_common(char *at, struct rc_random *random, bool capital);

#endif
