/*
 * Vocabulary: everything that the events of an archive are made of, ready to be copied into a line.
 *
 * It does not depend on the seed or on the size, so a definition written for one archive works on
 * every other: the paths /signup, /cart and /checkout, the texts "Sign up", "Add to cart" and
 * "Place order", and the element chains are always there.
 *
 * Ownership: a vocabulary owns all its bytes.
 * Threading: read-only once made.
 * Units:     prices in cents. Fragments are JSON members, with their quotes and without a comma.
 */
#ifndef RC_CLI_GENERATE_GENERATE_VOCABULARY_H
#define RC_CLI_GENERATE_GENERATE_VOCABULARY_H

#include <stdint.h>

#include "cli/generate/generate_zipf.h"
#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/cleanup.h"

#define RC_PATHS 2000
#define RC_TEXTS 3000
#define RC_CHAINS 5000
#define RC_REFERRERS 500
#define RC_CITIES 800
#define RC_CHAIN_TEXTS 4

/* Indexes with a part to play; the others have none. */
enum {
    RC_PATH_HOME,
    RC_PATH_SIGNUP,
    RC_PATH_CART,
    RC_PATH_CHECKOUT,
    RC_PATH_THANKS,
    RC_PATH_SEARCH,
    RC_PATH_PRICING,
    RC_PATH_SPECIALS
};
/* Special chains and texts are at the end: the samplers do not draw them. */
enum {
    RC_CHAIN_PLACE_ORDER = RC_CHAINS - 3,
    RC_CHAIN_ADD_TO_CART,
    RC_CHAIN_SIGNUP,
};
enum {
    RC_TEXT_PLACE_ORDER = RC_TEXTS - 3,
    RC_TEXT_ADD_TO_CART,
    RC_TEXT_SIGNUP,
};

enum rc_page_kind { RC_PAGE_PLAIN, RC_PAGE_PRODUCT, RC_PAGE_LIST, RC_PAGE_ARTICLE };
enum rc_event_type { RC_EVENT_PAGEVIEW, RC_EVENT_CLICK, RC_EVENT_CHANGE, RC_EVENT_SUBMIT };

struct rc_page {
    struct rc_bytes path;
    struct rc_bytes members; /* "path" and "title". */
    enum rc_page_kind kind;
    uint32_t price_cents; /* 0 unless a product. */
};

struct rc_chain {
    struct rc_bytes members; /* "target_tag" and "element_chain", leaf first. */
    enum rc_event_type type; /* What happens to such an element. */
    uint16_t texts[RC_CHAIN_TEXTS];
    uint32_t text_bytes; /* Of the chain itself, unescaped. */
};

struct rc_vocabulary {
    struct rc_arena *arena;
    struct rc_page pages[RC_PATHS];
    struct rc_chain chains[RC_CHAINS];
    struct rc_bytes texts[RC_TEXTS];         /* "target_text". */
    struct rc_bytes referrers[RC_REFERRERS]; /* "referrer". */
    struct rc_bytes cities[RC_CITIES];       /* "city", "country", "language", "timezone". */
    struct rc_zipf page_sampler;
    struct rc_zipf chain_sampler;
    struct rc_zipf referrer_sampler;
    struct rc_zipf city_sampler;
};

/* NULL when memory was refused. */
struct rc_vocabulary *
rc_vocabulary_new(void);

/* NULL is fine. Returns NULL. */
struct rc_vocabulary *
rc_vocabulary_free(struct rc_vocabulary *vocabulary);

RC_DEFINE_CLEANUP(struct rc_vocabulary *, rc_vocabulary_free)

#endif
