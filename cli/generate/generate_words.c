/* Syllables are a consonant and a vowel, with a closing consonant now and then. */
#include "cli/generate/generate_words.h"

#include <string.h>

static const char *const common_words[96] = {
    "account",  "action",  "add",      "all",      "amount",   "apply",  "article",  "back",
    "banner",   "basket",  "best",     "board",    "body",     "box",    "brand",    "browse",
    "card",     "catalog", "category", "change",   "choose",   "color",  "compare",  "confirm",
    "contact",  "content", "continue", "copy",     "coupon",   "create", "customer", "daily",
    "deal",     "delete",  "delivery", "details",  "download", "edit",   "email",    "export",
    "favorite", "feature", "field",    "file",     "filter",   "find",   "footer",   "free",
    "gallery",  "gift",    "group",    "guide",    "header",   "help",   "hero",     "image",
    "item",     "label",   "latest",   "learn",    "list",     "main",   "manage",   "menu",
    "message",  "more",    "name",     "new",      "next",     "offer",  "open",     "option",
    "order",    "panel",   "payment",  "photo",    "popular",  "price",  "primary",  "product",
    "profile",  "quick",   "rating",   "read",     "remove",   "review", "save",     "sale",
    "select",   "send",    "share",    "shipping", "show",     "size",   "store",    "update",
};

static char *
word_end(char *begin, char *end, bool capital)
{
    if (capital)
        *begin = (char)(*begin - 'a' + 'A');
    return end;
}

char *
rc_word_write(char *at, struct rc_random *random, bool capital)
{
    static const char consonants[] = "bcdfghjklmnprstvw";
    static const char vowels[] = "aeiouaeio";
    static const char closings[] = "lnrst";
    char *const begin = at;
    const uint32_t syllables = rc_random_between(random, 2, 4);
    for (uint32_t i = 0; i < syllables; i++) {
        *at++ = consonants[rc_random_below(random, sizeof(consonants) - 1)];
        *at++ = vowels[rc_random_below(random, sizeof(vowels) - 1)];
        if (rc_random_below(random, 4) == 0)
            *at++ = closings[rc_random_below(random, sizeof(closings) - 1)];
    }
    return word_end(begin, at, capital);
}

char *
rc_word_common(char *at, struct rc_random *random, bool capital)
{
    const char *word = common_words[rc_random_below(random, 96)];
    const size_t size = strlen(word);
    memcpy(at, word, size);
    return word_end(at, at + size, capital);
}
