/* SPDX-License-Identifier: MIT */
#include "config/correction.h"

#include "config/quantity.h"
#include "core/number.h"
#include "p0fclient.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

static bool accepts(const struct option *option, const char *value)
{
    union {
        char *text;
        int64_t duration;
        uint32_t count;
        bool boolean;
        enum p0f_dialect dialect;
    } scratch = {0};
    struct option copy = *option;
    char expected[OPTION_EXPECTED_SIZE];

    copy.offset = 0;
    bool good = option_set(&copy, &scratch, value, expected);
    option_release(&copy, &scratch);
    return good;
}

static bool is_among(struct span word, const char *const *list)
{
    for (; *list; list++)
        if (span_equals_nocase(word, *list))
            return true;
    return false;
}

static bool is_number(struct span text)
{
    return text.length > 0 && number_digits(text) == text.length;
}

/* ---- Quantities */

/* Moves *text past the digits and what follows them: "5 min", "1.5h", "10". */
static bool read_part(const char **text, int64_t (*factor_of)(struct span unit), int64_t *part)
{
    const char *at = *text;
    struct span digits = {at, number_digits(span_of(at))}, fraction = {"0", 1};
    uint64_t whole, more;
    int64_t scale = 1;

    at += digits.length;
    if (at[0] == '.') {
        fraction = (struct span){at + 1, number_digits(span_of(at + 1))};
        at += 1 + fraction.length;
        for (size_t i = 0; i < fraction.length && i < 3; i++)
            scale *= 10;
    }
    at += strspn(at, " \t_");
    struct span unit = {at, strcspn(at, "0123456789 \t_")};
    at += unit.length;
    *text = at + strspn(at, " \t_");
    int64_t factor = factor_of(unit);
    if (factor == 0 || !number_parse(digits, 1000000000, &whole) ||
        !number_parse(fraction, 999, &more) || fraction.length > 3 ||
        (int64_t)more * factor % scale != 0)
        return false;
    *part = (int64_t)more * factor / scale; /* below 2^50, as is the rest */
    return !__builtin_mul_overflow((int64_t)whole, factor, &factor) &&
           !__builtin_add_overflow(*part, factor, part);
}

/* "5 min", "1.5h" or "1h 30m". */
static bool read_sum(const char *text, int64_t (*factor_of)(struct span unit), int64_t *sum)
{
    *sum = 0;
    do {
        int64_t part;
        if (!read_part(&text, factor_of, &part) || __builtin_add_overflow(*sum, part, sum))
            return false;
    } while (*text);
    return true;
}

static int64_t duration_factor(struct span unit)
{
    static const char *const ms[] = {"ms", "msec", "msecs", "millisecond", "milliseconds", NULL};
    static const char *const s[] = {"s", "sec", "secs", "second", "seconds", NULL};
    static const char *const m[] = {"m", "min", "mins", "minute", "minutes", NULL};
    static const char *const h[] = {"h", "hr", "hrs", "hour", "hours", NULL};
    static const char *const d[] = {"d", "day", "days", NULL};
    static const char *const w[] = {"w", "week", "weeks", NULL};

    return is_among(unit, ms)  ? 1
           : is_among(unit, s) ? 1000
           : is_among(unit, m) ? 60000
           : is_among(unit, h) ? 3600000
           : is_among(unit, d) ? 86400000
           : is_among(unit, w) ? 604800000
                               : 0;
}

/* A number alone is in seconds, or in milliseconds where the default is or where that is nearer to it:
 * 500 for 1s. */
static bool add_unit(const struct option *option, const char *value, char *out)
{
    uint64_t number;
    int64_t usual;

    if (!number_parse(span_of(value), INT32_MAX, &number) ||
        !read_sum(option->default_value, duration_factor, &usual))
        return false;
    bool ms =
        strstr(option->default_value, "ms") || (number >= 100 && usual < 30 * (int64_t)number);
    snprintf(out, CORRECTION_SIZE, "%s%s", value, ms ? "ms" : "s");
    return accepts(option, out);
}

static bool correct_duration(const struct option *option, const char *value, char *out)
{
    int64_t ms;

    if (is_number(span_of(value)))
        return add_unit(option, value, out);
    if (!read_sum(value, duration_factor, &ms))
        return false;
    quantity_format_duration(ms, out);
    return accepts(option, out);
}

static int64_t count_factor(struct span unit)
{
    static const char *const one[] = {"", NULL};
    static const char *const k[] = {"k", "kb", "kib", NULL};
    static const char *const m[] = {"m", "mb", "mib", NULL};
    static const char *const g[] = {"g", "gb", "gib", NULL};

    return is_among(unit, one) ? 1
           : is_among(unit, k) ? 1000
           : is_among(unit, m) ? 1000000
           : is_among(unit, g) ? 1000000000
                               : 0;
}

/* "1.5m" and, with separators of thousands, "1,000", "1'000" and "1_000". */
static bool correct_count(const struct option *option, const char *value, char *out)
{
    char digits[CORRECTION_SIZE];
    size_t length = 0;
    int64_t count;

    for (; *value; value++)
        if (!strchr(",'_ ", *value))
            digits[length++] = *value;
    digits[length] = '\0';
    if (option->type == OPTION_AUTO && strcmp(digits, "0") == 0) {
        strcpy(out, "auto");
        return true;
    }
    if (!read_sum(digits, count_factor, &count))
        return false;
    snprintf(out, CORRECTION_SIZE, "%lld", (long long)count);
    return accepts(option, out);
}

/* ---- Words */

/* "10K", "Yes", "MTU". */
static bool correct_case(const struct option *option, const char *value, char *out)
{
    char text[CORRECTION_SIZE];

    snprintf(text, sizeof text, "%s", value);
    for (char *c = text; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    if (!accepts(option, text))
        return false;
    strcpy(out, text);
    return true;
}

static bool correct_boolean(struct span value, char *out)
{
    static const char *const yes[] = {"true", "on", "1", "y", "t", "enable", "enabled", NULL};
    static const char *const no[] = {"false", "off", "0", "n", "f", "disable", "disabled", NULL};

    if (is_among(value, yes))
        strcpy(out, "yes");
    else if (is_among(value, no))
        strcpy(out, "no");
    return out[0] != '\0';
}

/* ---- Lists */

#define ITEM_SIZE (2 * CORRECTION_SIZE) /* with what is added to an item */

/* It may have a zone: fe80::1%eth0. */
static bool is_bare_ipv6(const char *text)
{
    char address[CORRECTION_SIZE];
    struct in6_addr binary;

    snprintf(address, sizeof address, "%.*s", (int)strcspn(text, "%"), text);
    return inet_pton(AF_INET6, address, &binary) == 1;
}

/* "::1:80", the address and port of which lack brackets, or an address alone. */
static void add_brackets(const char *text, const char *port, char out[ITEM_SIZE])
{
    const char *colon = strrchr(text, ':');
    char address[CORRECTION_SIZE];

    snprintf(address, sizeof address, "%.*s", (int)(colon - text), text);
    if (is_bare_ipv6(address) && strlen(colon) > 2 && is_number(span_of(colon + 1)))
        snprintf(out, ITEM_SIZE, "[%s]:%s", address, colon + 1);
    else
        snprintf(out, ITEM_SIZE, "[%s]:%s", text, port);
}

/* An address to listen on; `port` is the default one. */
static void correct_address(const char *item, const char *port, char out[ITEM_SIZE])
{
    static const char *const schemes[] = {"http://", "https://", "tcp://", "tcp:", NULL};
    struct span text = span_of(item);
    char host[CORRECTION_SIZE];

    for (const char *const *scheme = schemes; *scheme; scheme++)
        span_skip_nocase(&text, *scheme);
    if (text.length > 1 && text.at[0] != '/' && text.at[text.length - 1] == '/')
        text.length--;
    snprintf(host, sizeof host, "%.*s", (int)text.length, text.at);
    const char *colon = strchr(host, ':');
    if (host[0] == '/')
        snprintf(out, ITEM_SIZE, "unix:%s", host);
    else if (is_number(text))
        snprintf(out, ITEM_SIZE, "127.0.0.1:%s", host);
    else if (host[0] == '*')
        snprintf(out, ITEM_SIZE, "0.0.0.0:%s", colon ? colon + 1 : port);
    else if (!colon || host[text.length - 1] == ']')
        snprintf(out, ITEM_SIZE, "%s:%s", host, port);
    else if (host[0] != '[' && strchr(colon + 1, ':'))
        add_brackets(host, port, out);
    else if (colon == host)
        snprintf(out, ITEM_SIZE, "127.0.0.1%s", host);
    else
        snprintf(out, ITEM_SIZE, "%s", host);
}

static void correct_network(const char *item, char out[ITEM_SIZE])
{
    size_t length = strlen(item);

    if (strcmp(item, "localhost") == 0)
        snprintf(out, ITEM_SIZE, "127.0.0.0/8, ::1");
    else if (item[0] == '[' && item[length - 1] == ']')
        snprintf(out, ITEM_SIZE, "%.*s", (int)length - 2, item + 1);
    else
        snprintf(out, ITEM_SIZE, "%s", item);
}

/* Names a socket after its file: /run/p0f/wan.sock is wan. */
static void correct_socket(const char *item, char out[ITEM_SIZE])
{
    const char *name = strrchr(item, '/');

    if (item[0] == '/')
        snprintf(out, ITEM_SIZE, "%.*s=%s", (int)strcspn(name + 1, "."), name + 1, item);
    else
        snprintf(out, ITEM_SIZE, "%s", item);
}

/* Also where the items are separated by blanks or semicolons instead of commas. */
static bool correct_list(const struct option *option, char *value, char *out)
{
    const char *port = strrchr(option->default_value, ':');
    char item[ITEM_SIZE], *rest = value, *word;
    size_t length = 0;

    while ((word = strtok_r(rest, ",; \t", &rest))) {
        if (option->type == OPTION_LISTEN && port)
            correct_address(word, port + 1, item);
        else if (option->type == OPTION_LISTEN_UNIX && word[0] == '/')
            snprintf(item, sizeof item, "unix:%s", word);
        else if (option->type == OPTION_SOCKETS)
            correct_socket(word, item);
        else if (option->type == OPTION_NETWORKS)
            correct_network(word, item);
        else
            snprintf(item, sizeof item, "%s", word);
        int added =
            snprintf(out + length, CORRECTION_SIZE - length, "%s%s", length ? ", " : "", item);
        length += (size_t)added;
        if (length >= CORRECTION_SIZE)
            return false;
    }
    return length > 0 && accepts(option, out);
}

/* ---- Any of them */

/* Without whitespace, quotes, and commas or semicolons at its ends, nor a comment behind it. */
static void strip(const char *value, char out[CORRECTION_SIZE])
{
    size_t start = strspn(value, " \t\r\n\v\f"), end = strlen(value);

    for (size_t i = start; i + 1 < end; i++)
        if (value[i] == '#' || (isspace((unsigned char)value[i]) && strchr("#;", value[i + 1])))
            end = i;
    while (end > start && (isspace((unsigned char)value[end - 1]) || strchr(",;", value[end - 1])))
        end--;
    if (end - start >= 2 && strchr("\"'", value[start]) && value[end - 1] == value[start]) {
        start++;
        end--;
    }
    snprintf(out, CORRECTION_SIZE, "%.*s", (int)(end - start), value + start);
}

bool correction_find(const struct option *option, const char *value,
                     char corrected[CORRECTION_SIZE])
{
    char text[CORRECTION_SIZE];

    corrected[0] = '\0';
    if (strlen(value) >= sizeof text || option->type == OPTION_REDIS_URLS) /* it has passwords */
        return false;
    strip(value, text);
    if (text[0] && strcmp(text, value) != 0 && accepts(option, text)) {
        strcpy(corrected, text);
        return true;
    }
    switch (option->type) {
    case OPTION_SOCKETS:
    case OPTION_LISTEN:
    case OPTION_LISTEN_TCP:
    case OPTION_LISTEN_UNIX:
    case OPTION_NETWORKS:
    case OPTION_ORIGINS:
    case OPTION_SERVER_NAMES:
        return correct_list(option, text, corrected);
    case OPTION_DURATION:
        return correct_case(option, text, corrected) || correct_duration(option, text, corrected);
    case OPTION_COUNT:
    case OPTION_AUTO:
        return correct_case(option, text, corrected) || correct_count(option, text, corrected);
    case OPTION_BOOLEAN:
        return correct_case(option, text, corrected) || correct_boolean(span_of(text), corrected);
    case OPTION_DIALECT:
    case OPTION_ALL_ANY:
        return correct_case(option, text, corrected);
    case OPTION_FILE:
    case OPTION_CLIENT_HEADER:
    case OPTION_MODE:
    case OPTION_GROUP:
    case OPTION_SENSOR:
    case OPTION_PREFIX:
    case OPTION_REDIS_URLS:
        break;
    }
    return false;
}
