#include "cli/options/cell_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SHOWN_MAX 20u /* Of what there is to choose from. */

bool
rc_cell_words_read(char *text, struct rc_cell_words *words)
{
    char *rest = NULL;
    for (char *word = strtok_r(text, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest)) {
        char *equals = strchr(word, '=');
        if (words->count == RC_CELL_WORDS_MAX) {
            fprintf(stderr, "recount: --users-of takes at most %u words\n", RC_CELL_WORDS_MAX);
            return false;
        }
        if (equals != NULL)
            *equals = '\0';
        words->words[words->count++] =
            (struct rc_cell_word){.key = word, .value = equals == NULL ? NULL : equals + 1};
    }
    return true;
}

const struct rc_cell_word *
rc_cell_word_find(struct rc_cell_words *words, const char *key)
{
    for (size_t i = 0; i < words->count; i++) {
        if (strcmp(words->words[i].key, key) != 0)
            continue;
        words->words[i].used = true;
        return &words->words[i];
    }
    return NULL;
}

static bool
read_number(const char *text, uint32_t *ret_number)
{
    char *end = NULL;
    const unsigned long number = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || number > UINT32_MAX)
        return false;
    *ret_number = (uint32_t)number;
    return true;
}

bool
rc_cell_word_number(struct rc_cell_words *words, const char *key, uint32_t *ret_number)
{
    const struct rc_cell_word *word = rc_cell_word_find(words, key);
    if (word != NULL && word->value != NULL && read_number(word->value, ret_number))
        return true;
    fprintf(stderr, "recount: --users-of takes a number behind %s=\n", key);
    return false;
}

static void
print_choice(const struct rc_cell_words *words,
             void *const *things,
             size_t count,
             rc_cell_namer *name_of)
{
    char text[256];
    for (size_t i = 0; i < count && i < SHOWN_MAX; i++)
        fprintf(stderr, "%s%s", i == 0 ? "; there are: " : ", ", name_of(text, words, things[i]));
    fputs(count > SHOWN_MAX ? ", ...\n" : count == 0 ? "; there is none\n" : "\n", stderr);
}

bool
rc_cell_word_thing(struct rc_cell_words *words,
                   const char *key,
                   void *const *things,
                   size_t count,
                   rc_cell_namer *name_of,
                   uint32_t *ret_place)
{
    char text[256];
    const struct rc_cell_word *word = rc_cell_word_find(words, key);
    const char *value = word == NULL ? NULL : word->value;
    uint32_t place = 0;
    if (value != NULL && *value == '#' && read_number(value + 1, &place) && place > 0 &&
        place <= count) {
        *ret_place = place - 1;
        return true;
    }
    for (size_t i = 0; value != NULL && i < count; i++) {
        if (strcasecmp(name_of(text, words, things[i]), value) != 0)
            continue;
        *ret_place = (uint32_t)i;
        return true;
    }
    if (value == NULL)
        fprintf(stderr, "recount: --users-of needs %s=", key);
    else
        fprintf(stderr, "recount: there is no %s \"%s\"", key, value);
    print_choice(words, things, count, name_of);
    return false;
}
