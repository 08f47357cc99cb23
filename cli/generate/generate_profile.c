/* A profile is the first few numbers of the user's own random stream; an e-mail is the next few. */
#include "cli/generate/generate_profile.h"

#include "cli/generate/generate_random.h"
#include "cli/generate/generate_text.h"
#include "cli/generate/generate_words.h"

enum { STREAM_PROFILE = 21, STREAM_EMAIL = 22, STREAM_USER_KEY = 23 };

#define DAY_MS INT64_C(86400000)

static const char *const plans[] = {"free", "free", "free", "free",
                                    "pro",  "pro",  "team", "enterprise"};

#define PLAN_COUNT (sizeof(plans) / sizeof(*plans))

/* By share: 64 places, so the first lines of each browser are its newest and most frequent. */
static const char *const devices[] = {
    "\"browser\":\"Chrome\",\"browser_version\":\"131.0\",\"os\":\"Windows 11\","
    "\"device\":\"desktop\",\"screen\":\"1920x1080\"",
    "\"browser\":\"Chrome Mobile\",\"browser_version\":\"131.0\",\"os\":\"Android 14\","
    "\"device\":\"mobile\",\"screen\":\"412x915\"",
    "\"browser\":\"Mobile Safari\",\"browser_version\":\"18.1\",\"os\":\"iOS 18.1\","
    "\"device\":\"mobile\",\"screen\":\"390x844\"",
    "\"browser\":\"Chrome\",\"browser_version\":\"130.0\",\"os\":\"Windows 10\","
    "\"device\":\"desktop\",\"screen\":\"1536x864\"",
    "\"browser\":\"Safari\",\"browser_version\":\"18.1\",\"os\":\"macOS 15\","
    "\"device\":\"desktop\",\"screen\":\"1728x1117\"",
    "\"browser\":\"Chrome\",\"browser_version\":\"131.0\",\"os\":\"macOS 14\","
    "\"device\":\"desktop\",\"screen\":\"1440x900\"",
    "\"browser\":\"Edge\",\"browser_version\":\"131.0\",\"os\":\"Windows 11\","
    "\"device\":\"desktop\",\"screen\":\"2560x1440\"",
    "\"browser\":\"Mobile Safari\",\"browser_version\":\"17.6\",\"os\":\"iOS 17.6\","
    "\"device\":\"mobile\",\"screen\":\"430x932\"",
    "\"browser\":\"Firefox\",\"browser_version\":\"133.0\",\"os\":\"Windows 10\","
    "\"device\":\"desktop\",\"screen\":\"1366x768\"",
    "\"browser\":\"Samsung Internet\",\"browser_version\":\"27.0\",\"os\":\"Android 13\","
    "\"device\":\"mobile\",\"screen\":\"360x780\"",
    "\"browser\":\"Chrome Mobile\",\"browser_version\":\"129.0\",\"os\":\"Android 12\","
    "\"device\":\"mobile\",\"screen\":\"393x873\"",
    "\"browser\":\"Firefox\",\"browser_version\":\"132.0\",\"os\":\"Linux\","
    "\"device\":\"desktop\",\"screen\":\"1920x1200\"",
    "\"browser\":\"Mobile Safari\",\"browser_version\":\"18.0\",\"os\":\"iPadOS 18.0\","
    "\"device\":\"tablet\",\"screen\":\"820x1180\"",
    "\"browser\":\"Safari\",\"browser_version\":\"17.5\",\"os\":\"macOS 14\","
    "\"device\":\"desktop\",\"screen\":\"1512x982\"",
    "\"browser\":\"Opera\",\"browser_version\":\"114.0\",\"os\":\"Windows 11\","
    "\"device\":\"desktop\",\"screen\":\"1680x1050\"",
    "\"browser\":\"Edge\",\"browser_version\":\"130.0\",\"os\":\"Windows 10\","
    "\"device\":\"desktop\",\"screen\":\"1600x900\"",
};

#define DEVICE_COUNT (sizeof(devices) / sizeof(*devices))

static uint32_t
device_draw(struct rc_random *random)
{
    /* The smaller of two draws: early devices are about twice as frequent as the mean. */
    const uint32_t a = rc_random_below(random, (uint32_t)DEVICE_COUNT);
    const uint32_t b = rc_random_below(random, (uint32_t)DEVICE_COUNT);
    return a < b ? a : b;
}

struct rc_profile
rc_profile_of(const struct rc_vocabulary *vocabulary, uint64_t seed, uint32_t user)
{
    struct rc_random key = rc_random_of(seed, STREAM_USER_KEY, 0);
    struct rc_random random = rc_random_of(seed, STREAM_PROFILE, user);
    struct rc_profile profile = {.user_id = rc_random_id53(rc_random_next(&key), user)};
    profile.city = rc_zipf_draw(&vocabulary->city_sampler, &random);
    profile.devices[0] = device_draw(&random);
    profile.devices[1] = device_draw(&random);
    profile.plan = rc_random_below(&random, (uint32_t)PLAN_COUNT);
    profile.signup_days_before = rc_random_between(&random, 1, 720);
    profile.group = rc_random_below(&random, 2) == 0 ? 'A' : 'B';
    return profile;
}

static char *
line_begin(char *at, uint64_t user_id, int64_t time_ms)
{
    at = RC_TEXT_LITERAL(at, "{\"user\":");
    at = rc_text_u64(at, user_id);
    at = RC_TEXT_LITERAL(at, ",\"time\":");
    at = rc_text_u64(at, (uint64_t)time_ms);
    return RC_TEXT_LITERAL(at, ",\"set\":{");
}

static char *
plan_write(char *at, const char *plan)
{
    at = RC_TEXT_LITERAL(at, "\"plan\":\"");
    at = rc_text_bytes(at, rc_bytes_of(plan));
    return RC_TEXT_LITERAL(at, "\"");
}

/* ,"signup_date":"2024-05-06","email":"rona.delto17@kamito.example" */
static char *
account_write(char *at, uint64_t seed, uint32_t user, int64_t signup_ms)
{
    struct rc_random random = rc_random_of(seed, STREAM_EMAIL, user);
    struct rc_random domain = rc_random_of(0, STREAM_EMAIL, rc_random_below(&random, 40));
    at = RC_TEXT_LITERAL(at, ",\"signup_date\":\"");
    at = rc_text_date(at, signup_ms < 0 ? 0 : (uint64_t)(signup_ms / DAY_MS));
    at = RC_TEXT_LITERAL(at, "\",\"email\":\"");
    at = rc_word_write(at, &random, false);
    *at++ = '.';
    at = rc_word_write(at, &random, false);
    at = rc_text_u64(at, user); /* So no two users share one. */
    *at++ = '@';
    at = rc_word_write(at, &domain, false);
    return RC_TEXT_LITERAL(at, ".example\"");
}

char *
rc_profile_write_first(char *at,
                       const struct rc_profile *profile,
                       uint64_t seed,
                       uint32_t user,
                       bool is_new,
                       int64_t start_ms,
                       int64_t time_ms)
{
    at = line_begin(at, profile->user_id, time_ms);
    at = RC_TEXT_LITERAL(at, "\"group\":\"");
    *at++ = profile->group;
    at = RC_TEXT_LITERAL(at, "\",");
    at = plan_write(at, is_new ? "none" : plans[profile->plan]);
    if (!is_new)
        at = account_write(at, seed, user, start_ms - profile->signup_days_before * DAY_MS);
    return RC_TEXT_LITERAL(at, "}}\n");
}

char *
rc_profile_write_signup(char *at,
                        const struct rc_profile *profile,
                        uint64_t seed,
                        uint32_t user,
                        int64_t time_ms)
{
    at = line_begin(at, profile->user_id, time_ms);
    at = plan_write(at, "free");
    at = account_write(at, seed, user, time_ms);
    return RC_TEXT_LITERAL(at, "}}\n");
}

char *
rc_profile_write_plan(char *at, uint64_t user_id, uint64_t plan, int64_t time_ms)
{
    at = line_begin(at, user_id, time_ms);
    at = plan_write(at, plans[plan % PLAN_COUNT]);
    return RC_TEXT_LITERAL(at, "}}\n");
}

char *
rc_device_write(char *at, uint32_t device)
{
    return rc_text_bytes(at, rc_bytes_of(devices[device]));
}
