/* SPDX-License-Identifier: MIT */
/* Without gmtime_r() and strftime(), which take several times as long: this runs for every host that
 * is rendered. */
#include "core/rfc3339.h"

#define LAST INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

static char *put_two_digits(char *out, uint32_t value, char after)
{
    *out++ = (char)('0' + value / 10);
    *out++ = (char)('0' + value % 10);
    *out++ = after;
    return out;
}

/* The date is computed in years that begin in March, so that the leap day comes last, and in eras of
 * 400 years (Hinnant, "chrono-Compatible Low-Level Date Algorithms"). */
static char *put_date(char *out, uint32_t days_since_1970)
{
    uint32_t days = days_since_1970 + 719468; /* since 0000-03-01 */
    uint32_t era = days / 146097, day_of_era = days % 146097;
    uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t month = (5 * day_of_year + 2) / 153; /* from March */
    uint32_t day = day_of_year - (153 * month + 2) / 5 + 1;
    uint32_t year = era * 400 + year_of_era + (month >= 10);

    *out++ = (char)('0' + year / 1000);
    *out++ = (char)('0' + year / 100 % 10);
    out = put_two_digits(out, year % 100, '-');
    out = put_two_digits(out, month < 10 ? month + 3 : month - 9, '-');
    return put_two_digits(out, day, 'T');
}

bool rfc3339_format(int64_t seconds, char text[RFC3339_SIZE])
{
    text[0] = '\0';
    if (seconds < 0 || seconds > LAST)
        return false;
    uint32_t of_day = (uint32_t)(seconds % 86400);
    char *out = put_date(text, (uint32_t)(seconds / 86400));
    out = put_two_digits(out, of_day / 3600, ':');
    out = put_two_digits(out, of_day / 60 % 60, ':');
    out = put_two_digits(out, of_day % 60, 'Z');
    *out = '\0';
    return true;
}
