/*
 * The event machine of one visit, in this order of precedence: a sign-up that the plan has put at
 * this event; the visit to /signup right before it; the first page; then a page view or an
 * interaction with the page by chance, with the way from a product over the cart to an order in
 * between.
 *
 * A page view draws a page and writes its URL; interactions that follow copy it. About two in five
 * page views get a token of their own (a reference, a search, a campaign click) in the URL's query,
 * which is why an archive has a new URL every seven events or so.
 */
#include "cli/generate/generate_visit.h"

#include "cli/generate/generate_profile.h"
#include "cli/generate/generate_text.h"
#include "cli/generate/generate_words.h"
#include "engine/base/assert.h"

enum { STREAM_SESSION = 31, STREAM_SESSION_KEY = 32 };

#define HOST "https://www.lindenstore.example"

struct campaign {
    const char *source;
    const char *medium;
};

static const struct campaign campaigns[] = {
    {"google", "cpc"},        {"newsletter", "email"}, {"facebook", "social"}, {"bing", "cpc"},
    {"partner", "affiliate"}, {"instagram", "social"}, {"youtube", "video"},   {"reddit", "social"},
};

#define CAMPAIGN_SOURCES (sizeof(campaigns) / sizeof(*campaigns))
#define CAMPAIGN_NAMES 40

static bool
chance(struct rc_random *random, uint32_t percent)
{
    return rc_random_below(random, 100) < percent;
}

static char *
campaign_name(char *at, uint32_t campaign)
{
    struct rc_random name = rc_random_of(0, STREAM_SESSION, campaign % CAMPAIGN_NAMES);
    at = rc_word_common(at, &name, false);
    *at++ = '_';
    return rc_word_common(at, &name, false);
}

static char *
experiment_write(char *at, struct rc_random *random, char group)
{
    static const char *const names[] = {"checkout", "hero", "search", "pricing"};
    at = RC_TEXT_LITERAL(at, ",\"experiment\":\"");
    at = rc_text_bytes(at, rc_bytes_of(names[rc_random_below(random, 4)]));
    *at++ = ':';
    *at++ = group;
    *at++ = '"';
    return at;
}

static void
fragment_write(struct rc_visit *session,
               const struct rc_vocabulary *vocabulary,
               const struct rc_profile *profile,
               uint64_t session_id)
{
    struct rc_random *random = &session->random;
    char *at = RC_TEXT_LITERAL(session->fragment, "\"session\":");
    at = rc_text_u64(at, session_id);
    *at++ = ',';
    at = rc_device_write(at, profile->devices[chance(random, 15) ? 1 : 0]);
    *at++ = ',';
    at = rc_text_bytes(at, vocabulary->cities[profile->city]);
    at = experiment_write(at, random, profile->group);
    at = chance(random, 30) ? RC_TEXT_LITERAL(at, ",\"logged_in\":true")
                            : RC_TEXT_LITERAL(at, ",\"logged_in\":false");
    session->fragment_properties = 12;
    if (chance(random, 80)) {
        *at++ = ',';
        at = rc_text_bytes(
            at, vocabulary->referrers[rc_zipf_draw(&vocabulary->referrer_sampler, random)]);
        session->fragment_properties++;
    }
    if (chance(random, 30)) {
        const uint32_t campaign = rc_random_below(random, CAMPAIGN_SOURCES * CAMPAIGN_NAMES);
        session->campaign = campaign + 1;
        at = RC_TEXT_LITERAL(at, ",\"utm_source\":\"");
        at = rc_text_bytes(at, rc_bytes_of(campaigns[campaign % CAMPAIGN_SOURCES].source));
        at = RC_TEXT_LITERAL(at, "\",\"utm_medium\":\"");
        at = rc_text_bytes(at, rc_bytes_of(campaigns[campaign % CAMPAIGN_SOURCES].medium));
        at = RC_TEXT_LITERAL(at, "\",\"utm_campaign\":\"");
        at = campaign_name(at, campaign);
        *at++ = '"';
        session->fragment_properties += 3;
    }
    session->fragment_size = (uint32_t)(at - session->fragment);
    RC_ASSERT(session->fragment_size <= RC_FRAGMENT_BYTES_MAX);
}

void
rc_visit_begin(struct rc_visit *session,
               const struct rc_vocabulary *vocabulary,
               uint64_t seed,
               uint64_t session_ordinal,
               uint32_t user,
               uint32_t event_count)
{
    struct rc_random key = rc_random_of(seed, STREAM_SESSION_KEY, 0);
    const struct rc_profile profile = rc_profile_of(vocabulary, seed, user);
    session->random = rc_random_of(seed, STREAM_SESSION, session_ordinal);
    session->user_id = profile.user_id;
    session->user = user;
    session->events_left = event_count;
    session->depth = 1;
    session->page = RC_PATH_HOME;
    session->cart_cents = 0;
    session->cart = RC_CART_EMPTY;
    session->has_page = false;
    session->url_size = 0;
    session->campaign = 0;
    fragment_write(session, vocabulary, &profile,
                   rc_random_id53(rc_random_next(&key), session_ordinal));
}

static char *
token_write(char *at, struct rc_random *random, const char *name, size_t length)
{
    at = rc_text_bytes(at, rc_bytes_of(name));
    return rc_text_token(at, rc_random_next(random), length);
}

static char *
query_write(char *at, struct rc_visit *session, const struct rc_page *page)
{
    struct rc_random *random = &session->random;
    if (!session->has_page && session->campaign > 0) {
        const uint32_t campaign = session->campaign - 1;
        at = RC_TEXT_LITERAL(at, "?utm_source=");
        at = rc_text_bytes(at, rc_bytes_of(campaigns[campaign % CAMPAIGN_SOURCES].source));
        at = RC_TEXT_LITERAL(at, "&utm_campaign=");
        at = campaign_name(at, campaign);
        return token_write(at, random, "&clickid=", 12);
    }
    if (session->page == RC_PATH_SEARCH) {
        at = RC_TEXT_LITERAL(at, "?q=");
        at = rc_word_common(at, random, false);
        *at++ = '+';
        return rc_word_write(at, random, false);
    }
    const uint32_t pick = rc_random_below(random, 100);
    if (page->kind == RC_PAGE_PRODUCT && pick < 60) {
        at = RC_TEXT_LITERAL(at, "?variant=");
        at = rc_text_u64(at, rc_random_between(random, 1, 12));
        return pick < 45 ? token_write(at, random, "&ref=", 12) : at;
    }
    if (page->kind == RC_PAGE_LIST && pick < 80) {
        at = RC_TEXT_LITERAL(at, "?sort=price&page=");
        at = rc_text_u64(at, 1 + rc_random_below(random, 1 + rc_random_below(random, 20)));
        return pick < 40 ? token_write(at, random, "&filter=", 12) : at;
    }
    if (pick < 45)
        return token_write(at, random, "?utm_content=", 12);
    at = RC_TEXT_LITERAL(at, "?from=header&currency=");
    return rc_text_bytes(at, rc_bytes_of(pick < 70 ? "USD" : pick < 90 ? "EUR" : "GBP"));
}

static void
page_open(struct rc_visit *session, const struct rc_vocabulary *vocabulary, uint32_t index)
{
    const struct rc_page *page = &vocabulary->pages[index];
    session->page = index;
    char *at = RC_TEXT_LITERAL(session->url, HOST);
    at = rc_text_bytes(at, page->path);
    at = query_write(at, session, page);
    session->url_size = (uint32_t)(at - session->url);
    session->has_page = true;
    RC_ASSERT(session->url_size <= RC_URL_BYTES_MAX);
}

static uint32_t
page_draw(struct rc_visit *session, const struct rc_vocabulary *vocabulary)
{
    struct rc_random *random = &session->random;
    if (session->cart == RC_CART_ORDERED) {
        session->cart = RC_CART_EMPTY;
        return RC_PATH_THANKS;
    }
    if (session->cart == RC_CART_FILLED && session->page == RC_PATH_CART && chance(random, 60))
        return RC_PATH_CHECKOUT;
    if (session->cart == RC_CART_FILLED && chance(random, 30))
        return RC_PATH_CART;
    if (!session->has_page && session->campaign == 0 && chance(random, 25))
        return RC_PATH_HOME;
    const uint32_t page = rc_zipf_draw(&vocabulary->page_sampler, random);
    /* Nobody comes to the cart's pages without one. */
    return page == RC_PATH_CART || page == RC_PATH_CHECKOUT || page == RC_PATH_THANKS ? RC_PATH_HOME
                                                                                      : page;
}

/* What an event adds to its page and session. */
struct action {
    enum rc_event_type type;
    const struct rc_chain *chain; /* NULL for a page view. */
    uint32_t text;
    uint32_t price_cents; /* 0: none. */
};

static struct action
interaction_draw(struct rc_visit *session, const struct rc_vocabulary *vocabulary)
{
    struct rc_random *random = &session->random;
    const struct rc_page *page = &vocabulary->pages[session->page];
    if (page->kind == RC_PAGE_PRODUCT && chance(random, 4)) {
        session->cart = RC_CART_FILLED;
        session->cart_cents += page->price_cents;
        return (struct action){RC_EVENT_CLICK, &vocabulary->chains[RC_CHAIN_ADD_TO_CART],
                               RC_TEXT_ADD_TO_CART, page->price_cents};
    }
    if (session->cart == RC_CART_FILLED && session->page == RC_PATH_CHECKOUT &&
        chance(random, 60)) {
        const uint32_t total_cents = session->cart_cents;
        session->cart = RC_CART_ORDERED;
        session->cart_cents = 0;
        return (struct action){RC_EVENT_SUBMIT, &vocabulary->chains[RC_CHAIN_PLACE_ORDER],
                               RC_TEXT_PLACE_ORDER, total_cents};
    }
    const struct rc_chain *chain;
    do { /* Only a sign-up submits on /signup. */
        chain = &vocabulary->chains[rc_zipf_draw(&vocabulary->chain_sampler, random)];
    } while (session->page == RC_PATH_SIGNUP && chain->type == RC_EVENT_SUBMIT);
    return (struct action){chain->type, chain,
                           chain->texts[rc_random_below(random, RC_CHAIN_TEXTS)], 0};
}

static struct action
action_draw(struct rc_visit *session,
            const struct rc_vocabulary *vocabulary,
            const struct rc_plan_user *plan_user)
{
    const uint32_t ordinal = plan_user->written;
    if (rc_plan_is_signup(plan_user, ordinal)) {
        if (session->page != RC_PATH_SIGNUP || !session->has_page)
            page_open(session, vocabulary, RC_PATH_SIGNUP);
        return (struct action){RC_EVENT_SUBMIT, &vocabulary->chains[RC_CHAIN_SIGNUP],
                               RC_TEXT_SIGNUP, 0};
    }
    if (session->events_left > 1 && rc_plan_is_signup(plan_user, ordinal + 1)) {
        page_open(session, vocabulary, RC_PATH_SIGNUP);
        return (struct action){.type = RC_EVENT_PAGEVIEW};
    }
    if (session->has_page && session->cart != RC_CART_ORDERED && !chance(&session->random, 34))
        return interaction_draw(session, vocabulary);
    page_open(session, vocabulary, page_draw(session, vocabulary));
    return (struct action){.type = RC_EVENT_PAGEVIEW,
                           .price_cents = vocabulary->pages[session->page].price_cents};
}

static char *
properties_write(char *at,
                 const struct rc_visit *session,
                 const struct rc_vocabulary *vocabulary,
                 const struct action *action)
{
    static const char *const types[] = {[RC_EVENT_PAGEVIEW] = "\"type\":\"pageview\",\"url\":\"",
                                        [RC_EVENT_CLICK] = "\"type\":\"click\",\"url\":\"",
                                        [RC_EVENT_CHANGE] = "\"type\":\"change\",\"url\":\"",
                                        [RC_EVENT_SUBMIT] = "\"type\":\"submit\",\"url\":\""};
    at = rc_text_bytes(at, rc_bytes_of(types[action->type]));
    at = rc_text_bytes(at, (struct rc_bytes){session->url, session->url_size});
    at = RC_TEXT_LITERAL(at, "\",");
    at = rc_text_bytes(at, vocabulary->pages[session->page].members);
    *at++ = ',';
    if (action->chain != NULL) {
        at = rc_text_bytes(at, vocabulary->texts[action->text]);
        *at++ = ',';
        at = rc_text_bytes(at, action->chain->members);
        *at++ = ',';
    }
    if (action->price_cents > 0) {
        at = RC_TEXT_LITERAL(at, "\"price\":");
        at = rc_text_cents(at, action->price_cents);
        *at++ = ',';
    }
    at = RC_TEXT_LITERAL(at, "\"depth\":");
    at = rc_text_u64(at, session->depth);
    *at++ = ',';
    return rc_text_bytes(at, (struct rc_bytes){session->fragment, session->fragment_size});
}

struct rc_visit_event
rc_visit_write(struct rc_visit *session,
               const struct rc_vocabulary *vocabulary,
               const struct rc_plan_user *plan_user,
               int64_t time_ms,
               uint64_t event_id,
               char *at)
{
    RC_ASSERT(session->events_left > 0);
    const struct action action = action_draw(session, vocabulary, plan_user);
    at = RC_TEXT_LITERAL(at, "{\"user\":");
    at = rc_text_u64(at, session->user_id);
    at = RC_TEXT_LITERAL(at, ",\"time\":");
    at = rc_text_u64(at, (uint64_t)time_ms);
    at = RC_TEXT_LITERAL(at, ",\"id\":");
    at = rc_text_u64(at, event_id);
    at = RC_TEXT_LITERAL(at, ",\"properties\":{");
    at = properties_write(at, session, vocabulary, &action);
    at = RC_TEXT_LITERAL(at, "}}\n");
    session->events_left--;
    session->depth++;
    return (struct rc_visit_event){
        .end = at,
        .property_count = 5 + (action.chain != NULL ? 3U : 0U) +
                          (action.price_cents > 0 ? 1U : 0U) + session->fragment_properties,
        .is_signup = action.chain == &vocabulary->chains[RC_CHAIN_SIGNUP],
    };
}

int64_t
rc_visit_gap_ms(struct rc_visit *session)
{
    const uint64_t bits = rc_random_next(&session->random) | 256;
    const uint32_t doublings = (uint32_t)__builtin_ctzll(bits); /* 0 for one half, at most 8. */
    return (int64_t)(200 + rc_random_below(&session->random, 4000)) << doublings;
}
