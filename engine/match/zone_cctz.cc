/*
 * Zone, over cctz. A cctz zone is one pointer to rules that are never freed, so it is kept as such.
 *
 * The library lists changes of offset only as far as it has expanded them (four hundred years past
 * the last one in the file) and answers beyond by the calendar's 400-year cycle. There the next
 * change is searched by asking for offsets two weeks apart: a rule that goes on for ever changes
 * twice a year. A zone without such a rule lists no change so late, and has none.
 */
#include "engine/match/zone.h"

#include <cstring>
#include <string>
#include <type_traits>

#include <cctz/civil_time.h>
#include <cctz/time_zone.h>

#include "engine/base/date.h"

namespace
{

static_assert(sizeof(cctz::time_zone) == sizeof(void *), "a zone is one pointer");
static_assert(std::is_trivially_copyable<cctz::time_zone>::value, "a zone is a plain value");

const int64_t kStepS = 14 * 86400;
const int64_t kListedUntilS = 10413792000; /* 2300-01-01. */

cctz::time_zone
Rules(struct rc_zone zone)
{
    cctz::time_zone rules;
    std::memcpy(static_cast<void *>(&rules), &zone.rules, sizeof(rules));
    return rules;
}

cctz::time_point<cctz::seconds>
Point(int64_t time_s)
{
    return cctz::time_point<cctz::seconds>(cctz::seconds(time_s));
}

/* Names of zone files only: the library would also take paths and the machine's own zone. */
bool
IsName(const char *name, size_t size)
{
    if (size == 0 || size > 64 || name[0] == '/' || name[size - 1] == '/')
        return false;
    for (size_t i = 0; i < size; i++) {
        const char c = name[i];
        const bool alphanumeric =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!alphanumeric && c != '/' && c != '_' && c != '+' && c != '-')
            return false;
    }
    const std::string text(name, size);
    return text != "localtime" && text != "posixrules" && text.compare(0, 6, "Fixed/") != 0;
}

/* The change in (before_s, after_s], where the offsets differ. */
int64_t
Bisect(const cctz::time_zone &rules, int64_t before_s, int64_t after_s)
{
    const int offset = rules.lookup(Point(before_s)).offset;
    while (after_s - before_s > 1) {
        const int64_t middle_s = before_s + (after_s - before_s) / 2;
        if (rules.lookup(Point(middle_s)).offset == offset)
            before_s = middle_s;
        else
            after_s = middle_s;
    }
    return after_s;
}

} // namespace

bool
rc_zone_load(const char *name, size_t size, struct rc_zone *ret_zone)
{
    cctz::time_zone rules;
    if (!IsName(name, size) || !cctz::load_time_zone(std::string(name, size), &rules))
        return false;
    std::memcpy(&ret_zone->rules, static_cast<void *>(&rules), sizeof(rules));
    return true;
}

int32_t
rc_zone_offset_s(struct rc_zone zone, int64_t time_s)
{
    return Rules(zone).lookup(Point(time_s)).offset;
}

bool
rc_zone_next_change(struct rc_zone zone, int64_t time_s, int64_t limit_s, int64_t *ret_time_s)
{
    const cctz::time_zone rules = Rules(zone);
    const int offset = rules.lookup(Point(time_s)).offset;
    while (time_s < limit_s && time_s < kListedUntilS) {
        cctz::time_zone::civil_transition change;
        if (!rules.next_transition(Point(time_s), &change))
            return false;
        time_s = rules.lookup(change.to).trans.time_since_epoch().count();
        if (time_s > limit_s)
            return false;
        if (rules.lookup(Point(time_s)).offset != offset) {
            *ret_time_s = time_s;
            return true;
        }
    }
    cctz::time_zone::civil_transition last;
    if (!rules.next_transition(Point(kListedUntilS - 27 * kStepS), &last))
        return false;
    while (time_s < limit_s) {
        const int64_t next_s = limit_s - time_s < kStepS ? limit_s : time_s + kStepS;
        if (rules.lookup(Point(next_s)).offset != offset) {
            *ret_time_s = Bisect(rules, time_s, next_s);
            return true;
        }
        time_s = next_s;
    }
    return false;
}

int64_t
rc_zone_day_start_s(struct rc_zone zone, int64_t day)
{
    /* The library would go from 1970 to the day year by year. */
    const struct rc_date date = rc_date_of_day(day);
    const cctz::civil_second start(date.year, static_cast<int>(date.month),
                                   static_cast<int>(date.day));
    return cctz::convert(start, Rules(zone)).time_since_epoch().count();
}
