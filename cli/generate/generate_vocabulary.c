/*
 * One arena holds all fragments; a set of hashes refuses a word that came before, so the counts in
 * the header are counts of distinct values. The random stream is a constant: the vocabulary is the
 * same for every seed.
 *
 * Which texts belong to a chain: four, spread so that all texts belong to some chain. So a text's
 * share follows from its chains' shares, as on a real page, where a button has its label.
 */
#include "cli/generate/generate_vocabulary.h"

#include <string.h>

#include "cli/generate/generate_chain.h"
#include "cli/generate/generate_text.h"
#include "cli/generate/generate_words.h"
#include "engine/base/alloc.h"
#include "engine/base/assert.h"
#include "engine/base/hash.h"

#define VOCABULARY_SEED 20090215
#define SEEN_SLOTS 32768 /* Power of two, over twice the distinct values of one vocabulary. */
#define SCRATCH_BYTES 1024

struct maker {
    struct rc_vocabulary *vocabulary;
    struct rc_random random;
    uint64_t seen[SEEN_SLOTS]; /* Hashes of the kind under way, open addressing; 0 is free. */
    char scratch[SCRATCH_BYTES];
    bool failed;
};

struct country {
    const char *code;
    const char *language;
    const char *zone;
};

static const struct country countries[] = {
    {"US", "en-US", "America/New_York"},     {"US", "en-US", "America/Los_Angeles"},
    {"GB", "en-GB", "Europe/London"},        {"DE", "de-DE", "Europe/Berlin"},
    {"US", "en-US", "America/Chicago"},      {"FR", "fr-FR", "Europe/Paris"},
    {"IN", "en-IN", "Asia/Kolkata"},         {"CA", "en-CA", "America/Toronto"},
    {"BR", "pt-BR", "America/Sao_Paulo"},    {"NL", "nl-NL", "Europe/Amsterdam"},
    {"AU", "en-AU", "Australia/Sydney"},     {"ES", "es-ES", "Europe/Madrid"},
    {"IT", "it-IT", "Europe/Rome"},          {"JP", "ja-JP", "Asia/Tokyo"},
    {"MX", "es-MX", "America/Mexico_City"},  {"PL", "pl-PL", "Europe/Warsaw"},
    {"SE", "sv-SE", "Europe/Stockholm"},     {"CH", "de-CH", "Europe/Zurich"},
    {"AT", "de-AT", "Europe/Vienna"},        {"KR", "ko-KR", "Asia/Seoul"},
    {"TR", "tr-TR", "Europe/Istanbul"},      {"ZA", "en-ZA", "Africa/Johannesburg"},
    {"SG", "en-SG", "Asia/Singapore"},       {"IE", "en-IE", "Europe/Dublin"},
    {"AR", "es-AR", "America/Buenos_Aires"}, {"NO", "nb-NO", "Europe/Oslo"},
    {"DK", "da-DK", "Europe/Copenhagen"},    {"FI", "fi-FI", "Europe/Helsinki"},
    {"PT", "pt-PT", "Europe/Lisbon"},        {"NZ", "en-NZ", "Pacific/Auckland"},
};

#define COUNTRY_COUNT (sizeof(countries) / sizeof(*countries))

static const char *const special_paths[RC_PATH_SPECIALS][2] = {
    {"/", "Home"},
    {"/signup", "Create your account"},
    {"/cart", "Your cart"},
    {"/checkout", "Checkout"},
    {"/checkout/complete", "Thank you for your order"},
    {"/search", "Search results"},
    {"/pricing", "Plans and pricing"},
};

/* Keeps a copy of [scratch, end). */
static struct rc_bytes
keep(struct maker *maker, const char *end)
{
    const size_t size = (size_t)(end - maker->scratch);
    RC_ASSERT(size <= SCRATCH_BYTES);
    const char *copy = rc_arena_copy(maker->vocabulary->arena, maker->scratch, size);
    maker->failed = maker->failed || copy == NULL;
    return copy == NULL ? RC_BYTES_LITERAL("") : (struct rc_bytes){copy, size};
}

static void
forget_seen(struct maker *maker)
{
    memset(maker->seen, 0, sizeof(maker->seen));
}

/* Whether [begin, end) is new among its kind; remembers it. */
static bool
is_new(struct maker *maker, const char *begin, const char *end)
{
    const uint64_t hash = rc_hash(begin, (size_t)(end - begin)) | 1;
    size_t at = (hash >> 32) & (SEEN_SLOTS - 1);
    while (maker->seen[at] != 0) {
        if (maker->seen[at] == hash)
            return false;
        at = (at + 1) & (SEEN_SLOTS - 1);
    }
    maker->seen[at] = hash;
    return true;
}

static char *
words_write(char *at, struct rc_random *random, uint32_t count, char separator)
{
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            *at++ = separator;
        at = rc_random_below(random, 2) == 0
                 ? rc_word_write(at, random, separator == ' ' && i == 0)
                 : rc_word_common(at, random, separator == ' ' && i == 0);
    }
    return at;
}

static enum rc_page_kind
page_path(struct maker *maker, char **at)
{
    struct rc_random *random = &maker->random;
    const uint32_t pick = rc_random_below(random, 20);
    const enum rc_page_kind kind = pick < 11   ? RC_PAGE_PRODUCT
                                   : pick < 16 ? RC_PAGE_LIST
                                   : pick < 19 ? RC_PAGE_ARTICLE
                                               : RC_PAGE_PLAIN;
    static const char *const begins[] = {[RC_PAGE_PLAIN] = "/",
                                         [RC_PAGE_PRODUCT] = "/p/",
                                         [RC_PAGE_LIST] = "/c/",
                                         [RC_PAGE_ARTICLE] = "/blog/"};
    *at = rc_text_bytes(*at, rc_bytes_of(begins[kind]));
    *at = words_write(*at, random, kind == RC_PAGE_ARTICLE ? 4 : 2, '-');
    if (kind == RC_PAGE_LIST) {
        *(*at)++ = '/';
        *at = words_write(*at, random, 1, '-');
    }
    return kind;
}

static void
page_make(struct maker *maker, uint32_t index, struct rc_page *page)
{
    char path[256];
    char *end;
    *page = (struct rc_page){.kind = RC_PAGE_PLAIN};
    do {
        end = path;
        if (index < RC_PATH_SPECIALS)
            end = rc_text_bytes(end, rc_bytes_of(special_paths[index][0]));
        else
            page->kind = page_path(maker, &end);
    } while (!is_new(maker, path, end));
    if (page->kind == RC_PAGE_PRODUCT)
        page->price_cents = 199 + 100 * rc_random_below(&maker->random, 250) +
                            50 * rc_random_below(&maker->random, 2);
    const struct rc_bytes path_bytes = {path, (size_t)(end - path)};
    memcpy(maker->scratch, path, path_bytes.size);
    page->path = keep(maker, maker->scratch + path_bytes.size);
    char *at = RC_TEXT_LITERAL(maker->scratch, "\"path\":\"");
    at = rc_text_bytes(at, path_bytes);
    at = RC_TEXT_LITERAL(at, "\",\"title\":\"");
    if (index < RC_PATH_SPECIALS)
        at = rc_text_bytes(at, rc_bytes_of(special_paths[index][1]));
    else
        at = words_write(at, &maker->random, 2, ' ');
    *at++ = '"';
    page->members = keep(maker, at);
}

static void
text_make(struct maker *maker, uint32_t index, struct rc_bytes *text)
{
    char label[128];
    char *end;
    do {
        end = label;
        if (index == RC_TEXT_SIGNUP)
            end = RC_TEXT_LITERAL(end, "Sign up");
        else if (index == RC_TEXT_ADD_TO_CART)
            end = RC_TEXT_LITERAL(end, "Add to cart");
        else if (index == RC_TEXT_PLACE_ORDER)
            end = RC_TEXT_LITERAL(end, "Place order");
        else
            end = words_write(end, &maker->random, 2, ' ');
    } while (!is_new(maker, label, end));
    char *at = RC_TEXT_LITERAL(maker->scratch, "\"target_text\":\"");
    at = rc_text_bytes(at, (struct rc_bytes){label, (size_t)(end - label)});
    *at++ = '"';
    *text = keep(maker, at);
}

static void
referrer_make(struct maker *maker, struct rc_bytes *referrer)
{
    char *const value = RC_TEXT_LITERAL(maker->scratch, "\"referrer\":\"");
    char *at;
    do {
        at = RC_TEXT_LITERAL(value, "https://www.");
        at = rc_word_write(at, &maker->random, false);
        at = RC_TEXT_LITERAL(at, ".example/");
        if (rc_random_below(&maker->random, 2) == 0)
            at = words_write(at, &maker->random, 1, '-');
    } while (!is_new(maker, value, at));
    *at++ = '"';
    *referrer = keep(maker, at);
}

static void
city_make(struct maker *maker, uint32_t index, struct rc_bytes *city)
{
    /* The big cities come first, one for each country and zone; the rest lie anywhere. */
    const uint32_t place =
        index < COUNTRY_COUNT ? index : rc_random_below(&maker->random, (uint32_t)COUNTRY_COUNT);
    const struct country *country = &countries[place];
    char *const value = RC_TEXT_LITERAL(maker->scratch, "\"city\":\"");
    char *at;
    do {
        at = rc_word_write(value, &maker->random, true);
    } while (!is_new(maker, value, at));
    at = RC_TEXT_LITERAL(at, "\",\"country\":\"");
    at = rc_text_bytes(at, rc_bytes_of(country->code));
    at = RC_TEXT_LITERAL(at, "\",\"language\":\"");
    at = rc_text_bytes(at, rc_bytes_of(country->language));
    at = RC_TEXT_LITERAL(at, "\",\"timezone\":\"");
    at = rc_text_bytes(at, rc_bytes_of(country->zone));
    *at++ = '"';
    *city = keep(maker, at);
}

static enum rc_event_type
chain_type(struct maker *maker, uint32_t index)
{
    if (index == RC_CHAIN_SIGNUP || index == RC_CHAIN_PLACE_ORDER)
        return RC_EVENT_SUBMIT;
    const uint32_t pick = rc_random_below(&maker->random, 100);
    if (index < 4 || index == RC_CHAIN_ADD_TO_CART) /* The most frequent ones are clicked on. */
        return RC_EVENT_CLICK;
    return pick < 76 ? RC_EVENT_CLICK : pick < 92 ? RC_EVENT_CHANGE : RC_EVENT_SUBMIT;
}

static void
chain_make(struct maker *maker, uint32_t index, struct rc_chain *chain)
{
    char text[RC_CHAIN_BYTES_MAX + 128];
    const char *tag;
    char *end;
    chain->type = chain_type(maker, index);
    do {
        end = rc_chain_write(text, &maker->random, chain->type, &tag);
    } while (!is_new(maker, text, end));
    chain->text_bytes = (uint32_t)(end - text);
    char *at = RC_TEXT_LITERAL(maker->scratch, "\"target_tag\":\"");
    at = rc_text_bytes(at, rc_bytes_of(tag));
    at = RC_TEXT_LITERAL(at, "\",\"element_chain\":\"");
    for (const char *from = text; from < end; from++) {
        if (*from == '"')
            *at++ = '\\';
        *at++ = *from;
    }
    *at++ = '"';
    chain->members = keep(maker, at);
    for (uint32_t i = 0; i < RC_CHAIN_TEXTS; i++) /* 1103 is prime to the count: all are used. */
        chain->texts[i] =
            (uint16_t)((index * RC_CHAIN_TEXTS + i) * UINT64_C(1103) % RC_TEXT_PLACE_ORDER);
}

static void
everything_make(struct maker *maker)
{
    struct rc_vocabulary *vocabulary = maker->vocabulary;
    forget_seen(maker);
    for (uint32_t i = 0; i < RC_PATHS; i++)
        page_make(maker, i, &vocabulary->pages[i]);
    forget_seen(maker);
    for (uint32_t i = RC_TEXTS;
         i-- > 0;) /* The special texts first, so that no other is like them. */
        text_make(maker, i, &vocabulary->texts[i]);
    forget_seen(maker);
    for (uint32_t i = 0; i < RC_REFERRERS; i++)
        referrer_make(maker, &vocabulary->referrers[i]);
    forget_seen(maker);
    for (uint32_t i = 0; i < RC_CITIES; i++)
        city_make(maker, i, &vocabulary->cities[i]);
    forget_seen(maker);
    for (uint32_t i = 0; i < RC_CHAINS; i++)
        chain_make(maker, i, &vocabulary->chains[i]);
    rc_zipf_init(&vocabulary->page_sampler, RC_PATHS, 2);
    rc_zipf_init(&vocabulary->chain_sampler, RC_CHAIN_PLACE_ORDER, 1);
    rc_zipf_init(&vocabulary->referrer_sampler, RC_REFERRERS, 1);
    rc_zipf_init(&vocabulary->city_sampler, RC_CITIES, 4);
}

struct rc_vocabulary *
rc_vocabulary_new(void)
{
    RC_CLEANUP(rc_vocabulary_freep)
    struct rc_vocabulary *vocabulary = rc_alloc_zero(sizeof(*vocabulary));
    RC_CLEANUP(rc_alloc_freep) struct maker *maker = rc_alloc(sizeof(*maker));
    if (vocabulary == NULL || maker == NULL)
        return NULL;
    vocabulary->arena = rc_arena_new(NULL, 0);
    if (vocabulary->arena == NULL)
        return NULL;
    maker->vocabulary = vocabulary;
    maker->random = rc_random_of(VOCABULARY_SEED, 0, 0);
    maker->failed = false;
    everything_make(maker);
    return maker->failed ? NULL : RC_TAKE(vocabulary);
}

struct rc_vocabulary *
rc_vocabulary_free(struct rc_vocabulary *vocabulary)
{
    if (vocabulary != NULL) {
        rc_arena_free(vocabulary->arena);
        rc_alloc_free(vocabulary);
    }
    return NULL;
}
