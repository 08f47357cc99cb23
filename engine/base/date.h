/*
 * Dates of the Gregorian calendar, as days since 1970-01-01 and back (H. Hinnant's algorithms): for
 * all years whose days are 64-bit numbers, in constant time.
 *
 * Years begin in March here, so that the leap day is the last of its year.
 */
#ifndef RC_BASE_DATE_H
#define RC_BASE_DATE_H

#include <stdint.h>

struct rc_date {
    int64_t year;
    unsigned month; /* 1 to 12. */
    unsigned day;   /* 1 to 31. */
};

static inline int64_t
rc_day_of_date(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    const int64_t era = (year >= 0 ? year : year - 399) / 400;
    const unsigned of_era = (unsigned)(year - era * 400);
    const unsigned of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + (int64_t)(of_era * 365 + of_era / 4 - of_era / 100 + of_year) - 719468;
}

static inline struct rc_date
rc_date_of_day(int64_t day)
{
    struct rc_date date;
    day += 719468;
    const int64_t era = (day >= 0 ? day : day - 146096) / 146097;
    const unsigned of_era = (unsigned)(day - era * 146097);
    const unsigned years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const unsigned of_year = of_era - (365 * years + years / 4 - years / 100);
    const unsigned month = (5 * of_year + 2) / 153;
    date.day = of_year - (153 * month + 2) / 5 + 1;
    date.month = month < 10 ? month + 3 : month - 9;
    date.year = (int64_t)years + era * 400 + (date.month <= 2);
    return date;
}

#endif
