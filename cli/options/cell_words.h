/*
 * Cell words: "step=2,dropped,row=free" as words with and without values, and how what they name is
 * found among what an answer has.
 *
 * Ownership: texts are the command line's, which is written to.
 * Threading: one thread.
 * Errors:    what is wrong is printed to standard error.
 */
#ifndef RC_CLI_OPTIONS_CELL_WORDS_H
#define RC_CLI_OPTIONS_CELL_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recount/v1/calendar.pb-c.h"

#define RC_CELL_WORDS_MAX 12u

struct rc_cell_word {
    const char *key;
    const char *value; /* NULL: it stands alone. */
    bool used;
};

struct rc_cell_words {
    size_t count;
    struct rc_cell_word words[RC_CELL_WORDS_MAX];
    Recount__V1__TimeUnit unit; /* How buckets are named. */
};

/* The name of a thing of a list; may be written into text. */
typedef const char *
rc_cell_namer(char text[256], const struct rc_cell_words *words, const void *thing);

/* Cuts text at its commas. false: there are too many. */
bool
rc_cell_words_read(char *text, struct rc_cell_words *words);

/* The word of a key, which is used from now on. NULL: there is none. */
const struct rc_cell_word *
rc_cell_word_find(struct rc_cell_words *words, const char *key);

/* A number that must be there: step=2. */
bool
rc_cell_word_number(struct rc_cell_words *words, const char *key, uint32_t *ret_number);

/* The place of the thing that the word of this key names, which must be there. */
bool
rc_cell_word_thing(struct rc_cell_words *words,
                   const char *key,
                   void *const *things,
                   size_t count,
                   rc_cell_namer *name_of,
                   uint32_t *ret_place);

#endif
